package web

import (
	"context"
	"net/url"
	"os"
	"strings"

	"github.com/gofiber/fiber/v2"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// identify finds out who is asking. On the socket it is whoever the kernel says
// runs the other process; on TCP the holder of a token. On a public route a
// failure only means that nobody is known: the sign-in page must work with a
// stale cookie, and /health with a broken database.
func (s *Server) identify(ctx context.Context, c *fiber.Ctx, sc *scope, access Access) (actor.Actor, error) {
	a, err := s.known(ctx, c, sc)
	if err != nil {
		if access != Public {
			return actor.Actor{}, err
		}
		if r := fault.Of(err); r.Kind == fault.Internal {
			s.log.Warn("identity unknown", "request", sc.request, "cause", err.Error())
		}
		a = actor.Actor{}
		sc.token, sc.cookie = "", false
	}
	a.Address, a.Request = sc.address, sc.request
	if token := string(c.Context().Request.Header.Cookie(cookieName(s.secure) + deviceSuffix)); plausibleToken(token) {
		sc.device = token
	}
	if value := string(c.Context().Request.Header.Cookie(cookieName(s.secure) + signOnSuffix)); plausible(value, maxSignOn) {
		sc.signOn = value
	}
	return a, nil
}

func (s *Server) known(ctx context.Context, c *fiber.Ctx, sc *scope) (actor.Actor, error) {
	if sc.peer != nil {
		return s.asOperator(ctx, c, sc)
	}
	if err := s.readToken(c, sc); err != nil || sc.token == "" {
		return actor.Actor{}, err
	}
	if s.auth == nil {
		return actor.Actor{}, notSignedIn()
	}
	id, err := s.auth.Authenticate(ctx, sc.token, sc.address)
	if err != nil {
		return actor.Actor{}, err
	}
	sc.expires, sc.enrol, sc.must, sc.fresh, sc.scopes = id.Expires, id.Enrol, id.Must, id.Fresh, id.Scopes
	if id.Scopes != nil && sc.cookie {
		return actor.Actor{}, notSignedIn() // a key is no session of a browser
	}
	return id.Actor, nil
}

func (s *Server) asOperator(ctx context.Context, c *fiber.Ctx, sc *scope) (actor.Actor, error) {
	if uid := sc.peer.uid; uid != 0 && uid != os.Geteuid() {
		return actor.Actor{}, fault.New(fault.Forbidden, "Only root and the user of the service may use the socket.").
			Cure("Run the command with sudo.")
	}
	if s.operator == nil {
		return actor.Actor{}, notSignedIn()
	}
	a, err := s.operator(ctx, sc.peer.uid, strings.TrimSpace(c.Get("X-Chatets-Owner")))
	if err != nil {
		return actor.Actor{}, err
	}
	a.Kind, a.UID = actor.Operator, sc.peer.uid
	return a, nil
}

// readToken takes the bearer token, or else the cookie. A request that shows an
// Authorization header is judged by it alone: falling back to the cookie would
// let it pass without the CSRF check.
func (s *Server) readToken(c *fiber.Ctx, sc *scope) error {
	if h := c.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		token = strings.TrimSpace(token)
		if !strings.EqualFold(scheme, "Bearer") || !plausibleToken(token) {
			return fault.New(fault.Unauthenticated, "The Authorization header holds no bearer token.").
				Cure("Send it as: Authorization: Bearer TOKEN.")
		}
		sc.token = token
		return nil
	}
	if token := string(c.Context().Request.Header.Cookie(cookieName(s.secure))); plausibleToken(token) {
		sc.token, sc.cookie = token, true
	}
	return nil
}

// plausibleToken keeps what can be no token away from the authenticator.
func plausibleToken(token string) bool { return plausible(token, 512) }

// maxSignOn is how long the cookie of a sign-in at a provider may be.
const maxSignOn = 2048

func plausible(token string, most int) bool {
	if token == "" || len(token) > most {
		return false
	}
	for _, b := range []byte(token) {
		if b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}

func notSignedIn() error { return actor.Actor{}.Need(false) }

// allow checks the access of the route. A route of the socket does not exist
// for others.
func allow(access Access, a actor.Actor) error {
	switch access {
	case Public:
		return nil
	case SignedIn:
		return a.Need(a.Known())
	case Administrator:
		return a.Need(a.Administers())
	case Auditing:
		return a.Need(a.Audits())
	case Socket:
		if a.Kind == actor.Operator {
			return nil
		}
		return fault.New(fault.NotFound, "There is nothing at this address.").Code("no-route")
	}
	return a.Need(false)
}

// checkOrigin refuses writing requests that a browser sends for a page of
// another origin. It says nothing about programs: they send no such headers.
func (s *Server) checkOrigin(c *fiber.Ctx) error {
	switch c.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return crossSite()
	}
	if o := c.Get("Origin"); o != "" && !s.ownOrigin(o, string(c.Context().Request.Header.Host())) {
		return crossSite()
	}
	return nil
}

// ownOrigin compares with the Host header, whose name checkHost has proven to
// be ours; the scheme is not compared, since a web server in front may add TLS.
func (s *Server) ownOrigin(origin, host string) bool {
	o := strings.ToLower(origin)
	if s.origin != "" && o == s.origin {
		return true
	}
	u, err := url.Parse(o)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Path == "" && u.Host == strings.ToLower(host)
}

func crossSite() error {
	return fault.New(fault.Forbidden, "This request was sent by a page of another site.").Code("cross-site").
		Cure("Open ChatETS itself and do it there.")
}

// checkCSRF guards sessions that the browser attaches by itself. Bearer tokens
// are attached by programs, so they need no second proof.
func (s *Server) checkCSRF(c *fiber.Ctx, sc *scope, a actor.Actor) error {
	if sc.peer != nil || safe(c.Method()) {
		return nil
	}
	if c.Get("Authorization") == "" {
		if err := s.checkOrigin(c); err != nil {
			return err
		}
	}
	if sc.cookie && !sameToken(csrfToken(s.config.CSRFKey, a.Session), c.Get("X-CSRF-Token")) {
		return fault.New(fault.Forbidden, "The page's token is missing or out of date.").Code("csrf").
			Cure("Reload the page and try again.")
	}
	return nil
}

func safe(method string) bool { return method == "GET" || method == "HEAD" || method == "OPTIONS" }
