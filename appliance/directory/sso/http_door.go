package sso

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"chatets/appliance/login"
	"chatets/appliance/web"
)

// landing is the page of ours that brings a sign-in to its end. Browsers send our
// cookies only along with requests that a page of ours makes, and what comes from
// a provider is not one.
const landing = "/signed-in"

func (s *Providers) doorRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/auth/sso", ID: "listDoors", Tag: tag, Access: web.Public,
		Summary: "List the identity providers that one can sign in through"}, s.getDoors)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/sso/{name}", ID: "startSignOn", Tag: tag, Access: web.Public, BodyLimit: 16 << 10,
		Summary: "Begin to sign in through an identity provider", Errors: []int{403, 404, 429, 503}}, s.postStart)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/sso", ID: "finishSignOn", Tag: tag, Access: web.Public, BodyLimit: 64 << 10,
		Summary: "Finish a sign-in with what the provider sent back through the browser", Errors: []int{401, 429}}, s.postFinish)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/oidc/{name}/logout", ID: "signOutByProvider", Tag: tag, Access: web.Public, CrossSite: true, RawBody: true, BodyLimit: 64 << 10,
		Summary: "Back-channel logout of OpenID Connect: a form with logout_token", Errors: []int{400, 404, 429}}, s.postBackChannel)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/saml/{name}/acs", ID: "consumeAssertion", Tag: tag, Access: web.Public, CrossSite: true, RawBody: true, BodyLimit: 2 << 20, Status: http.StatusSeeOther,
		Summary: "Where SAML providers post their answers to", Errors: []int{401, 404, 429}}, s.postACS)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/saml/{name}/slo", ID: "signOutBySaml", Tag: tag, Access: web.Public, CrossSite: true, RawBody: true, BodyLimit: 2 << 20, Status: http.StatusSeeOther,
		Summary: "Where SAML providers post their sign-outs to", Errors: []int{401, 404, 429}}, s.postSLO)
	// Providers add what they like to the query of these, so it is not held against a list.
	api.MountHandler(http.MethodGet, "/api/auth/oidc/{name}/callback", web.Public, http.HandlerFunc(s.callback))
	api.MountHandler(http.MethodGet, "/api/auth/saml/{name}/slo", web.Public, http.HandlerFunc(s.getSLO))
	api.MountHandler(http.MethodGet, "/api/auth/saml/{name}/metadata", web.Public, http.HandlerFunc(s.getMetadata))
}

type doorsOut struct {
	Body struct {
		Items []login.Door `json:"items"`
	}
}

func (s *Providers) getDoors(context.Context, *struct{}) (*doorsOut, error) {
	out := &doorsOut{}
	out.Body.Items = s.Doors()
	return out, nil
}

type startIn struct {
	Name string `path:"name" maxLength:"64"`
	Body struct {
		Return string `json:"return,omitempty" maxLength:"500" doc:"Path to go to afterwards."`
		Trial  bool   `json:"trial,omitempty" doc:"For administrators: does everything but letting in, and shows each step."`
	}
}

type startOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		URL string `json:"url" doc:"Where the browser has to go."`
	}
}

func (s *Providers) postStart(ctx context.Context, in *startIn) (*startOut, error) {
	begun, err := s.start(ctx, in.Name, in.Body.Return, in.Body.Trial)
	if err != nil {
		return nil, err
	}
	out := &startOut{SetCookie: web.SignOnCookie(begun.Cookie, begun.Expires)}
	out.Body.URL = begun.URL
	return out, nil
}

type finishIn struct {
	Body struct {
		Provider    string `json:"provider,omitempty" maxLength:"64" doc:"Whose address was answered to."`
		State       string `json:"state,omitempty" maxLength:"1000"`
		Code        string `json:"code,omitempty" maxLength:"8192"`
		Issuer      string `json:"iss,omitempty" maxLength:"1000"`
		Error       string `json:"error,omitempty" maxLength:"1000"`
		Description string `json:"error_description,omitempty" maxLength:"4000"`
		Ticket      string `json:"ticket,omitempty" maxLength:"200" doc:"Of an answer by SAML."`
	}
}

// SignOn is what a sign-in through a provider came to.
type SignOn struct {
	Login  *login.Login `json:"login,omitempty" doc:"Absent after a trial."`
	Return string       `json:"return,omitempty" doc:"Path to go to."`
}

type finishOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      SignOn
}

func (s *Providers) postFinish(ctx context.Context, in *finishIn) (*finishOut, error) {
	b := in.Body
	done, err := s.finish(ctx, web.SignOn(ctx), answered{Name: b.Provider, State: b.State, Code: b.Code, Issuer: b.Issuer, Error: b.Error, Description: b.Description, Ticket: b.Ticket})
	if err != nil {
		return nil, err
	}
	out := &finishOut{Body: SignOn{Return: done.back}, SetCookie: []http.Cookie{web.ClearSignOnCookie()}}
	if done.trial {
		return out, nil
	}
	entered, cookies, err := s.logins.EnterBy(ctx, *done.enter)
	if err != nil {
		return nil, s.shut(ctx, done, err)
	}
	out.Body.Login, out.SetCookie = &entered, append(out.SetCookie, cookies...)
	return out, nil
}

type formIn struct {
	Name    string `path:"name" maxLength:"64"`
	RawBody []byte
}

type seeOther struct {
	Location string `header:"Location"`
}

func (s *Providers) postBackChannel(ctx context.Context, in *formIn) (*struct{}, error) {
	return nil, s.backChannel(ctx, in.Name, tokenOf(in.RawBody))
}

// postACS answers a browser that comes from the provider's page. It goes on to
// the landing in any case, where it is told how it went in the page's language.
func (s *Providers) postACS(ctx context.Context, in *formIn) (*seeOther, error) {
	ticket, err := s.consume(ctx, in.Name, in.RawBody)
	fragment := url.Values{"ticket": {ticket}}
	if err != nil {
		fragment = url.Values{"failed": {"1"}}
	}
	return &seeOther{Location: landing + "#" + fragment.Encode()}, nil
}

func (s *Providers) postSLO(ctx context.Context, in *formIn) (*seeOther, error) {
	to, err := s.out(ctx, in.Name, "", in.RawBody)
	if err != nil || to == "" {
		to = "/sign-in"
	}
	return &seeOther{Location: to}, nil
}

// nameIn is the provider's name in an address like /api/auth/saml/NAME/slo.
func nameIn(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) != 6 {
		return ""
	}
	return parts[4]
}

// callback is where an OpenID Connect provider sends the browser back to. What it
// brought goes on in the fragment, which no server sees and no log keeps.
func (s *Providers) callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	fragment := url.Values{"provider": {nameIn(r.URL.Path)}}
	for _, name := range []string{"state", "code", "iss", "error", "error_description"} {
		if values := q[name]; len(values) == 1 {
			fragment.Set(name, values[0])
		} else if len(values) > 1 { // said twice, it would be read in two ways
			fragment = url.Values{"failed": {"1"}}
			break
		}
	}
	w.Header().Set("Location", landing+"#"+fragment.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Providers) getSLO(w http.ResponseWriter, r *http.Request) {
	to, err := s.out(r.Context(), nameIn(r.URL.Path), r.URL.RawQuery, nil)
	if err != nil || to == "" {
		to = "/sign-in"
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Providers) getMetadata(w http.ResponseWriter, r *http.Request) {
	text, err := s.Metadata(r.Context(), nameIn(r.URL.Path))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(text) // into memory
}
