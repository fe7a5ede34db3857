package login

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"chatets/appliance/web"
)

// passkeyRoutes add passkeys: at the door, as a proof, and looked after by whom
// they belong to.
func (r routes) passkeyRoutes(api *web.API) {
	const tag = "Second step"
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/passkey", ID: "askPasskey", Tag: "Sessions", Access: web.Public, BodyLimit: 4 << 10,
		Summary: "Ask the browser for a passkey, to sign in by it alone or as the second step", Errors: []int{401, 409}}, r.postAsk)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/passkey/finish", ID: "signInByPasskey", Tag: "Sessions", Access: web.Public, BodyLimit: 64 << 10,
		Summary: "Sign in with the answer of a passkey", Errors: []int{401, 403, 409, 429}}, r.postEnter)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/prove/passkey", ID: "askToProve", Tag: "Sessions", Access: web.SignedIn, Enrol: true,
		Summary: "Ask the browser for a passkey, to prove once more who one is", Errors: []int{409}}, r.postAskToProve)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/factors/passkeys", ID: "beginPasskey", Tag: tag, Access: web.SignedIn, Enrol: true, StepUp: true,
		Summary: "Begin to set up a passkey", Errors: []int{403, 409}}, r.postBegin)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/factors/passkeys/confirm", ID: "addPasskey", Tag: tag, Access: web.SignedIn, Enrol: true, BodyLimit: 64 << 10,
		Summary: "Keep the passkey that the browser made; recovery codes are told once, where it is the first second step", Errors: []int{401, 409, 422}}, r.postPasskey)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/factors/passkeys/{id}", ID: "namePasskey", Tag: tag, Access: web.SignedIn,
		Summary: "Give a passkey another name", Errors: []int{404, 422}}, r.patchPasskey)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/factors/passkeys/{id}", ID: "removePasskey", Tag: tag, Access: web.SignedIn, StepUp: true,
		Summary: "Take a passkey away", Errors: []int{403, 404}}, r.deletePasskey)
}

// PasskeyQuestion is what the browser has to ask a device.
type PasskeyQuestion struct {
	Ticket  string         `json:"ticket" doc:"Send it back with the answer, within five minutes."`
	Options map[string]any `json:"options" doc:"Options of WebAuthn in their JSON form, for navigator.credentials."`
}

type questionOut struct{ Body PasskeyQuestion }

func question(ticket string, options any, err error) (*questionOut, error) {
	if err != nil {
		return nil, err
	}
	out := &questionOut{Body: PasskeyQuestion{Ticket: ticket}}
	raw, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(raw, &out.Body.Options)
}

type askIn struct {
	Body struct {
		Ticket string `json:"ticket,omitempty" maxLength:"200" doc:"Of a sign-in that waits for its second step; without it the passkey alone signs in."`
	}
}

func (r routes) postAsk(ctx context.Context, in *askIn) (*questionOut, error) {
	return question(r.challenge(ctx, web.Host(ctx), in.Body.Ticket))
}

func (r routes) postAskToProve(ctx context.Context, _ *struct{}) (*questionOut, error) {
	return question(r.proveByPasskey(ctx, web.Host(ctx)))
}

func (r routes) postBegin(ctx context.Context, _ *struct{}) (*questionOut, error) {
	return question(r.beginPasskey(ctx, web.Host(ctx)))
}

type enterIn struct {
	Body struct {
		Ticket     string         `json:"ticket" maxLength:"8000"`
		Credential map[string]any `json:"credential" doc:"The answer of navigator.credentials.get in its JSON form."`
		Cookie     bool           `json:"cookie,omitempty" doc:"Sets a cookie instead of giving the token."`
		Trust      bool           `json:"trust,omitempty" doc:"With a second step: asks for none on this device for 30 days."`
	}
}

func (r routes) postEnter(ctx context.Context, in *enterIn) (*loginOut, error) {
	answer, err := json.Marshal(in.Body.Credential)
	if err != nil {
		return nil, err
	}
	o, device, err := r.enterBy(ctx, web.Host(ctx), in.Body.Ticket, answer, in.Body.Trust, web.Agent(ctx))
	if err != nil {
		return nil, err
	}
	return r.entered(ctx, o, device, in.Body.Cookie), nil
}

// Passkey is a passkey as its person sees it.
type Passkey struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"createdAt"`
	LastUsed  *time.Time `json:"lastUsed,omitempty"`
	Synced    bool       `json:"synced" doc:"The device may keep copies of it in its maker's cloud."`
	Copied    bool       `json:"copied" doc:"Its counter went back, so there may be two of it. It lets nobody in any more."`
}

func wirePasskey(k passkey) Passkey {
	out := Passkey{ID: k.id, Name: k.name, CreatedAt: k.created, Synced: k.credential.Flags.BackupEligible, Copied: k.copied}
	if k.used.UnixMilli() > 0 {
		out.LastUsed = &k.used
	}
	return out
}

type newPasskeyIn struct {
	Body struct {
		Ticket     string         `json:"ticket" maxLength:"8000"`
		Name       string         `json:"name" doc:"What its person calls it."`
		Credential map[string]any `json:"credential" doc:"The answer of navigator.credentials.create in its JSON form."`
	}
}

type newPasskeyOut struct {
	Body struct {
		Passkey       Passkey  `json:"passkey"`
		RecoveryCodes []string `json:"recoveryCodes" doc:"Each is good once; empty where there were some. They are not shown again."`
	}
}

func (r routes) postPasskey(ctx context.Context, in *newPasskeyIn) (*newPasskeyOut, error) {
	answer, err := json.Marshal(in.Body.Credential)
	if err != nil {
		return nil, err
	}
	k, codes, err := r.addPasskey(ctx, web.Host(ctx), in.Body.Ticket, in.Body.Name, answer)
	if err != nil {
		return nil, err
	}
	out := &newPasskeyOut{}
	out.Body.Passkey, out.Body.RecoveryCodes = wirePasskey(k), codes
	return out, nil
}

type namePasskeyIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Name string `json:"name"`
	}
}

func (r routes) patchPasskey(ctx context.Context, in *namePasskeyIn) (*none, error) {
	return &none{}, r.namePasskey(ctx, in.ID, in.Body.Name)
}

func (r routes) deletePasskey(ctx context.Context, in *keyIn) (*none, error) {
	return &none{}, r.endPasskey(ctx, in.ID)
}
