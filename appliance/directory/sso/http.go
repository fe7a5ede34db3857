package sso

import (
	"context"
	"net/http"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/web"
)

const tag = "Single sign-on"

// Routes adds identity providers to the API, and the doors that browsers and
// providers come to.
func (s *Providers) Routes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/sso", ID: "listProviders", Tag: tag, Access: web.Administrator,
		Summary: "List the identity providers, by name"}, s.getAll)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/sso", ID: "addProvider", Tag: tag, Access: web.Administrator, Status: http.StatusCreated, BodyLimit: 2 << 20,
		Summary: "Add an identity provider", Errors: []int{409, 422}}, s.post)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/sso/{id}", ID: "getProvider", Tag: tag, Access: web.Administrator,
		Summary: "Show an identity provider, with the sign-ins that came to nothing lately", Errors: []int{404}}, s.getOne)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/sso/{id}", ID: "changeProvider", Tag: tag, Access: web.Administrator, BodyLimit: 2 << 20,
		Summary: "Change an identity provider", Errors: []int{404, 422}}, s.patch)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/sso/{id}", ID: "removeProvider", Tag: tag, Access: web.Administrator,
		Summary: "Remove an identity provider; the people it made stay, disabled", Errors: []int{404}}, s.delete)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/sso/{id}/test", ID: "testProvider", Tag: tag, Access: web.Administrator,
		Summary: "Test an identity provider step by step, with each question and its answer", Errors: []int{404, 409}}, s.postTest)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/sso/{id}/metadata", ID: "getProviderMetadata", Tag: tag, Access: web.Administrator,
		Summary: "What a SAML provider has to know of this installation, as XML in JSON", Errors: []int{404, 409}}, s.getOwnMetadata)
	s.doorRoutes(api)
}

// providerSettings are Settings on the wire.
type providerSettings struct {
	Label           string       `json:"label,omitempty" maxLength:"60" doc:"What the button on the sign-in page says; the name when absent."`
	CA              string       `json:"ca,omitempty" maxLength:"65536" doc:"Certificates of the authority of the provider's server, PEM."`
	Issuer          string       `json:"issuer,omitempty" maxLength:"500" doc:"OpenID Connect: the issuer, exactly as the provider writes it."`
	ClientID        string       `json:"clientId,omitempty" maxLength:"500" doc:"OpenID Connect."`
	Scopes          []string     `json:"scopes,omitempty" maxItems:"20" doc:"Beside openid; profile and email when absent."`
	Hosts           []string     `json:"hosts,omitempty" maxItems:"10" doc:"Further host:port that the provider answers from."`
	GroupsClaim     string       `json:"groupsClaim,omitempty" maxLength:"300" doc:"Claim or attribute with the groups; dots go into objects, as in realm_access.roles."`
	PlainHTTP       bool         `json:"plainHttp,omitempty" doc:"Tokens cross the network readable for everybody. For tests only."`
	Metadata        string       `json:"metadata,omitempty" maxLength:"1048576" doc:"SAML: the metadata of the provider, XML."`
	Certificate     string       `json:"certificate,omitempty" maxLength:"65536" doc:"SAML: ours, PEM; made here, what is sent is not looked at."`
	EmailAttribute  string       `json:"emailAttribute,omitempty" maxLength:"300" doc:"SAML; the usual names are tried when absent."`
	NameAttribute   string       `json:"nameAttribute,omitempty" maxLength:"300" doc:"SAML; the usual names are tried when absent."`
	Unasked         bool         `json:"unasked,omitempty" doc:"SAML: sign-ins that begin at the provider are taken."`
	Create          bool         `json:"create,omitempty" doc:"Whoever signs in for the first time gets an account."`
	LinkByEmail     bool         `json:"linkByEmail,omitempty" doc:"An identity with a verified e-mail address gets the account that has it. Administrators' accounts are never linked."`
	TrustSecondStep bool         `json:"trustSecondStep,omitempty" doc:"The provider asks for a second step; none is asked here."`
	Only            string       `json:"only,omitempty" maxLength:"300" doc:"Group whose members are let in; everybody when absent."`
	Role            actor.Role   `json:"role,omitempty" enum:"admin,editor,member,guest" doc:"In the workspace of the provider; member when absent."`
	Groups          bool         `json:"groups,omitempty" doc:"Groups of the provider become groups of the workspace."`
	Rules           []SignOnRule `json:"rules,omitempty" maxItems:"200"`
}

// IdentityProvider is a provider on the wire.
type IdentityProvider struct {
	ID        string           `json:"id"`
	Kind      string           `json:"kind" enum:"oidc,saml"`
	Name      string           `json:"name"`
	Workspace string           `json:"workspace" doc:"Its people become members of it."`
	Enabled   bool             `json:"enabled"`
	HasSecret bool             `json:"hasSecret" doc:"The client's secret, or the key, is kept sealed."`
	People    int              `json:"people" doc:"Who have come from it."`
	Settings  providerSettings `json:"settings"`
	Register  Register         `json:"register" doc:"What the provider has to know of this installation."`
	Failures  []SignOnFailure  `json:"failures" doc:"Sign-ins that came to nothing since the start, newest first, at most 20."`
	Try       *SignOnTrial     `json:"try,omitempty" doc:"The last sign-in on trial."`
	CreatedAt time.Time        `json:"createdAt"`
}

// Register is what a provider has to know of this installation.
type Register struct {
	Redirect    string `json:"redirect,omitempty"`
	SignedOut   string `json:"signedOut,omitempty"`
	BackChannel string `json:"backChannel,omitempty"`
	EntityID    string `json:"entityId,omitempty" doc:"It is the address of the metadata too."`
	ACS         string `json:"acs,omitempty"`
	SLO         string `json:"slo,omitempty"`
}

func (s *Providers) show(p Provider) IdentityProvider {
	out := IdentityProvider{ID: p.ID, Kind: p.Kind, Name: p.Name, Workspace: p.Workspace, Enabled: p.Enabled, HasSecret: p.HasSecret, People: p.People,
		Settings: providerSettings(p.Settings), CreatedAt: p.Created}
	if p.Kind == OIDC {
		out.Register = Register{Redirect: s.redirectOf(p), SignedOut: s.base() + "/sign-in", BackChannel: s.base() + "/api/auth/oidc/" + p.Name + "/logout"}
	} else {
		at := s.base() + "/api/auth/saml/" + p.Name
		out.Register = Register{EntityID: at + "/metadata", ACS: at + "/acs", SLO: at + "/slo"}
	}
	out.Failures, out.Try = s.remembered(p)
	return out
}

type providersOut struct {
	Body struct {
		Items []IdentityProvider `json:"items"`
	}
}

func (s *Providers) getAll(ctx context.Context, _ *struct{}) (*providersOut, error) {
	list, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &providersOut{}
	out.Body.Items = make([]IdentityProvider, len(list))
	for i, p := range list {
		out.Body.Items[i] = s.show(p)
	}
	return out, nil
}

type providerIn struct {
	ID string `path:"id" maxLength:"64"`
}

type providerOut struct{ Body IdentityProvider }

func (s *Providers) answer(p Provider, err error) (*providerOut, error) {
	if err != nil {
		return nil, err
	}
	return &providerOut{Body: s.show(p)}, nil
}

func (s *Providers) getOne(ctx context.Context, in *providerIn) (*providerOut, error) {
	return s.answer(s.Get(ctx, in.ID))
}

type addProviderIn struct {
	Body struct {
		Kind     string           `json:"kind" enum:"oidc,saml"`
		Name     string           `json:"name" maxLength:"64" doc:"Small letters, digits, dots and dashes; it stays, and is in the addresses that the provider knows."`
		Secret   string           `json:"secret,omitempty" maxLength:"4096" doc:"Of the OpenID Connect client. Kept sealed, never given back."`
		Settings providerSettings `json:"settings"`
	}
}

func (s *Providers) post(ctx context.Context, in *addProviderIn) (*providerOut, error) {
	return s.answer(s.Add(ctx, NewProvider{Kind: in.Body.Kind, Name: in.Body.Name, Secret: in.Body.Secret, Settings: Settings(in.Body.Settings)}))
}

type changeProviderIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Enabled  *bool             `json:"enabled,omitempty"`
		Secret   *string           `json:"secret,omitempty" maxLength:"4096" doc:"Empty forgets the one that is kept."`
		Settings *providerSettings `json:"settings,omitempty" doc:"All of them anew."`
	}
}

func (s *Providers) patch(ctx context.Context, in *changeProviderIn) (*providerOut, error) {
	return s.answer(s.Change(ctx, in.ID, ChangeProvider{Enabled: in.Body.Enabled, Secret: in.Body.Secret, Settings: (*Settings)(in.Body.Settings)}))
}

type removedOut struct {
	Body struct {
		People int `json:"people" doc:"People who were disabled, because nobody vouches for them any more."`
	}
}

func (s *Providers) delete(ctx context.Context, in *providerIn) (*removedOut, error) {
	n, err := s.Remove(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &removedOut{}
	out.Body.People = n
	return out, nil
}

type testedOut struct {
	Body struct {
		OK    bool         `json:"ok"`
		Steps []SignOnStep `json:"steps"`
	}
}

func (s *Providers) postTest(ctx context.Context, in *providerIn) (*testedOut, error) {
	steps, err := s.Test(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &testedOut{}
	out.Body.Steps, out.Body.OK = steps, steps[len(steps)-1].OK
	return out, nil
}

type metadataOut struct {
	Body struct {
		Metadata string `json:"metadata"`
	}
}

func (s *Providers) getOwnMetadata(ctx context.Context, in *providerIn) (*metadataOut, error) {
	p, err := s.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	text, err := s.Metadata(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	out := &metadataOut{}
	out.Body.Metadata = string(text)
	return out, nil
}
