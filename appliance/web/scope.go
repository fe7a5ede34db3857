package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// scope is what one request knows about itself. It lives in the context and is
// complete before a function of a capability sees it.
type scope struct {
	server  *Server
	request string // id of the request
	address string // of the client, "" on the socket
	agent   string
	host    string // by which the client calls us, with its port; one of ours
	peer    *peer  // process on the Unix socket, nil on TCP
	token   string // session token, kept for asking again while a stream is open
	cookie  bool   // the token came as a cookie
	expires time.Time
	must    bool    // the session can only set another password
	enrol   bool    // the session can only set up its second step
	fresh   bool    // the session's holder proved a short while ago who it is
	device  string  // token of a trusted device, sent as a cookie
	scopes  []Scope // of an API key; nil = a session
	signOn  string  // value of the cookie of a sign-in that is at an identity provider
	route   string  // path of the route table
	began   time.Time
	body    *body // of the request, nil until somebody reads it
	taken   bool  // the connection was taken over by a stream
	lasts   bool  // the context is needed after the function returned
	cancel  context.CancelFunc
}

type scopeKey struct{}

// scopeLocal is the name under which fiber carries the scope of a request.
const scopeLocal = "scope"

func scopeOf(ctx context.Context) *scope {
	sc, _ := ctx.Value(scopeKey{}).(*scope)
	return sc
}

// Agent is the User-Agent of the request, at most 300 bytes of it.
func Agent(ctx context.Context) string {
	if sc := scopeOf(ctx); sc != nil {
		return sc.agent
	}
	return ""
}

// Host is the host, and the port where there is one, by which the client of the
// request calls us; it is one of ours. "" on the socket.
func Host(ctx context.Context) string {
	if sc := scopeOf(ctx); sc != nil && sc.peer == nil {
		return sc.host
	}
	return ""
}

// Device is the token of a trusted device that came as a cookie, "" without one.
func Device(ctx context.Context) string {
	if sc := scopeOf(ctx); sc != nil {
		return sc.device
	}
	return ""
}

// SignOn is the value of the cookie that SignOnCookie has set, "" without one.
func SignOn(ctx context.Context) string {
	if sc := scopeOf(ctx); sc != nil {
		return sc.signOn
	}
	return ""
}

// proven refuses what the session of the request may not do before its holder
// has set up a second step, or has proved once more who it is.
func (sc *scope) proven(r Route) error {
	switch {
	case sc.must && !r.Must && r.Access != Public:
		return fault.New(fault.Forbidden, "Somebody else knows your password, so you have to set another one first.").Code("password-change-required").
			Cure("Change your password first.")
	case sc.enrol && !sc.must && !r.Enrol && r.Access != Public:
		return fault.New(fault.Forbidden, "A second step to sign in is required of you, and is overdue.").Code("second-step-required").
			Cure("Set up an authenticator app first.")
	case r.StepUp && sc.token != "" && !sc.fresh:
		return fault.New(fault.Forbidden, "This needs to be sure that it is you.").Code("prove-again").
			Cure("Prove it with your code or password, and try again.")
	}
	return nil
}

// CSRF is the token that the pages of the session in ctx must send in
// X-CSRF-Token. A login, which has made its session but is not yet called by
// it, puts the new actor in first: web.CSRF(actor.With(ctx, a)).
func CSRF(ctx context.Context) string {
	sc := scopeOf(ctx)
	if sc == nil {
		return ""
	}
	return csrfToken(sc.server.config.CSRFKey, actor.From(ctx).Session)
}

func csrfToken(key []byte, session string) string {
	if session == "" {
		return ""
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte("csrf\x00" + session))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func sameToken(a, b string) bool { return a != "" && hmac.Equal([]byte(a), []byte(b)) }

func withScope(ctx context.Context, sc *scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, sc)
}
