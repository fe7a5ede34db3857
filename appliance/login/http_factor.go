package login

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/web"
)

// factorRoutes add the second step of a sign-in.
func (r routes) factorRoutes(api *web.API) {
	const tag = "Second step"
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/second", ID: "signInSecond", Tag: "Sessions", Access: web.Public, BodyLimit: 16 << 10,
		Summary: "Finish a sign-in with a code", Errors: []int{401, 429}}, r.postSecond)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/prove", ID: "prove", Tag: "Sessions", Access: web.SignedIn, Enrol: true, BodyLimit: 64 << 10,
		Summary: "Prove once more who one is, before what is dangerous", Errors: []int{401, 429, 503}}, r.postProve)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/factors", ID: "getFactors", Tag: tag, Access: web.SignedIn, Enrol: true,
		Summary: "Which second steps one has"}, r.getFactors)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/factors/totp", ID: "beginTotp", Tag: tag, Access: web.SignedIn, Enrol: true,
		Summary: "Begin to set up an authenticator app", Errors: []int{409}}, r.postTOTP)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/factors/totp/confirm", ID: "confirmTotp", Tag: tag, Access: web.SignedIn, Enrol: true,
		Summary: "Put the app in force with its first code; the recovery codes are told once", Errors: []int{409, 422}}, r.postConfirm)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/factors/totp", ID: "removeTotp", Tag: tag, Access: web.SignedIn, StepUp: true,
		Summary: "Take the app away; where no other second step is left, recovery codes and trusted devices go with it", Errors: []int{403}}, r.deleteTOTP)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/factors/recovery", ID: "newRecoveryCodes", Tag: tag, Access: web.SignedIn, StepUp: true,
		Summary: "Make new recovery codes; the old ones end", Errors: []int{403, 409}}, r.postRecovery)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/factors/devices", ID: "forgetDevices", Tag: tag, Access: web.SignedIn,
		Summary: "Trust no device any more"}, r.deleteDevices)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/people/factors", ID: "listFactors", Tag: "People", Access: web.Auditing,
		Summary: "Who of some people has a second step", Errors: []int{403}}, r.getFactorsOf)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/people/{id}/factors", ID: "resetFactors", Tag: "People", Access: web.Administrator, StepUp: true,
		Summary: "Take a person's second steps away and sign them out", Errors: []int{403, 404}}, r.deleteFactors)
}

// Second says that a sign-in waits for its second step.
type Second struct {
	Ticket  string   `json:"ticket" doc:"Send it with the code to /api/auth/second, within five minutes."`
	Methods []string `json:"methods" doc:"totp, passkey, recovery"`
}

type secondIn struct {
	Body struct {
		Ticket string `json:"ticket" maxLength:"200"`
		Code   string `json:"code" maxLength:"64" doc:"Of the app, or a recovery code."`
		Cookie bool   `json:"cookie,omitempty" doc:"Sets a cookie instead of giving the token."`
		Trust  bool   `json:"trust,omitempty" doc:"Asks for no code on this device for 30 days; its token comes as deviceToken, or as a cookie."`
	}
}

func (r routes) postSecond(ctx context.Context, in *secondIn) (*loginOut, error) {
	o, device, err := r.finish(ctx, in.Body.Ticket, in.Body.Code, in.Body.Trust)
	if err != nil {
		return nil, err
	}
	return r.entered(ctx, o, device, in.Body.Cookie), nil
}

// entered answers whoever has finished a second step; device is the token of a
// device that is trusted from now on, "" without one.
func (r routes) entered(ctx context.Context, o opened, device string, cookie bool) *loginOut {
	r.tell(o.owner, o.workspace, o.id)
	out := o.answer(ctx, cookie)
	if device != "" {
		if cookie {
			out.SetCookie = append(out.SetCookie, web.DeviceCookie(device, r.now().AddDate(0, 0, trustDays)))
		} else {
			out.Body.DeviceToken = device
		}
	}
	return out
}

type proveIn struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"4096"`
		Code     string `json:"code,omitempty" maxLength:"64" doc:"Where there is a second step; otherwise the password."`

		Ticket     string         `json:"ticket,omitempty" maxLength:"8000" doc:"Of a question to a passkey."`
		Credential map[string]any `json:"credential,omitempty" doc:"The answer of the passkey."`
	}
}

func (r routes) postProve(ctx context.Context, in *proveIn) (*none, error) {
	if in.Body.Ticket != "" {
		answer, err := json.Marshal(in.Body.Credential)
		if err != nil {
			return nil, err
		}
		return &none{}, r.proveBy(ctx, web.Host(ctx), in.Body.Ticket, answer)
	}
	return &none{}, r.reprove(ctx, in.Body.Password, in.Body.Code)
}

type factorsOut struct {
	Body struct {
		TOTP          bool       `json:"totp" doc:"An authenticator app is in force."`
		Since         *time.Time `json:"since,omitempty"`
		RecoveryCodes int        `json:"recoveryCodes" doc:"How many are left."`
		Devices       int        `json:"devices" doc:"How many devices are trusted."`
		Required      bool       `json:"required" doc:"A second step is required of the person."`
		Passkeys      []Passkey  `json:"passkeys"`
		PasskeyOffer  bool       `json:"passkeyOffer" doc:"Passkeys can be used on this page: it was opened by the name they are bound to."`
		ServerName    string     `json:"serverName" doc:"The name passkeys are bound to; empty where none is set."`
		Password      bool       `json:"password" doc:"Without a second step the password proves who one is."`
	}
}

func (r routes) getFactors(ctx context.Context, _ *struct{}) (*factorsOut, error) {
	p, err := r.itself(ctx)
	if err != nil {
		return nil, err
	}
	f, err := r.store.factors(ctx, p.ID, r.now())
	if err != nil {
		return nil, err
	}
	m, err := r.accounts.Place(ctx, p.ID, actor.From(ctx).Workspace)
	if err != nil {
		return nil, err
	}
	out := &factorsOut{}
	out.Body.TOTP, out.Body.RecoveryCodes, out.Body.Devices, out.Body.Required = f.totp, f.recovery, f.devices, r.required(ctx, m)
	if f.totp {
		out.Body.Since = &f.since
	}
	out.Body.PasskeyOffer, out.Body.ServerName, out.Body.Password = r.offers(ctx, web.Host(ctx)), r.serverName(ctx), !f.any()
	list, err := r.store.passkeys(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		out.Body.Passkeys = append(out.Body.Passkeys, wirePasskey(k))
	}
	return out, nil
}

type enrolmentOut struct{ Body Enrolment }

func (r routes) postTOTP(ctx context.Context, _ *struct{}) (*enrolmentOut, error) {
	e, err := r.beginTOTP(ctx)
	return &enrolmentOut{Body: e}, err
}

type confirmIn struct {
	Body struct {
		Code string `json:"code" maxLength:"64"`
	}
}

type codesOut struct {
	Body struct {
		RecoveryCodes []string `json:"recoveryCodes" doc:"Each is good once, and not shown again; empty where a passkey had brought some."`
	}
}

func codes(list []string, err error) (*codesOut, error) {
	if err != nil {
		return nil, err
	}
	out := &codesOut{}
	out.Body.RecoveryCodes = list
	return out, nil
}

func (r routes) postConfirm(ctx context.Context, in *confirmIn) (*codesOut, error) {
	return codes(r.confirmTOTP(ctx, in.Body.Code))
}

func (r routes) deleteTOTP(ctx context.Context, _ *struct{}) (*none, error) {
	return &none{}, r.endTOTP(ctx)
}

func (r routes) postRecovery(ctx context.Context, _ *struct{}) (*codesOut, error) {
	return codes(r.newRecovery(ctx))
}

func (r routes) deleteDevices(ctx context.Context, _ *struct{}) (*none, error) {
	p, err := r.itself(ctx)
	if err != nil {
		return nil, err
	}
	return &none{}, r.store.forgetDevices(ctx, p.ID)
}

type factorsIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (r routes) deleteFactors(ctx context.Context, in *factorsIn) (*none, error) {
	if err := r.resetFactors(ctx, in.ID); err != nil {
		return nil, err
	}
	r.hub.Publish(web.Notice{Workspace: actor.From(ctx).Workspace, Noun: "person", ID: in.ID})
	return &none{}, nil
}

func factorThere() error {
	return fault.New(fault.Conflict, "An authenticator app is in force already.").Code("factor-there").Cure("Take it away first, then set up the new one.")
}

type factorsOfIn struct {
	People []string `query:"people" maxItems:"200" doc:"Ids, with commas between."`
}

// FactorsOf is what an administrator sees of a person's second step.
type FactorsOf struct {
	Person  string   `json:"person"`
	Methods []string `json:"methods" doc:"totp, passkey, recovery"`
}

type factorsOfOut struct {
	Body struct {
		Items []FactorsOf `json:"items"`
	}
}

func (r routes) getFactorsOf(ctx context.Context, in *factorsOfIn) (*factorsOfOut, error) {
	out := &factorsOfOut{}
	for _, id := range in.People {
		f, err := r.store.factors(ctx, id, r.now())
		if err != nil {
			return nil, err
		}
		if f.any() {
			out.Body.Items = append(out.Body.Items, FactorsOf{Person: id, Methods: f.methods()})
		}
	}
	return out, nil
}
