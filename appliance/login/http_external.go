package login

import (
	"context"
	"net/http"

	"chatets/appliance/web"
)

// EnterBy lets in whom an identity provider vouched for, and returns what the
// browser gets: a cookie of the session, or a second step that is to come.
func (l *Logins) EnterBy(ctx context.Context, e External) (Login, []http.Cookie, error) {
	e.Agent, e.Device = web.Agent(ctx), web.Device(ctx)
	o, err := l.external(ctx, e)
	if err != nil {
		return Login{}, nil, err
	}
	if o.ticket != "" {
		return Login{Second: &Second{Ticket: o.ticket, Methods: o.methods}}, nil, nil
	}
	out := o.answer(ctx, true)
	return out.Body, out.SetCookie, nil
}

// DoorState tells the pages whether set-up is needed, and which ways in there
// are beside the password.
type DoorState struct {
	Setup   bool   `json:"setup"`
	Passkey bool   `json:"passkey,omitempty"`
	Doors   []Door `json:"doors,omitempty"`
}
