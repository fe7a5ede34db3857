package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

func guarded(s *Server) {
	whoRoute(s, "GET", "/api/public", "readPublic", Public)
	whoRoute(s, "GET", "/api/me", "readMe", SignedIn)
	whoRoute(s, "POST", "/api/me", "writeMe", SignedIn)
	whoRoute(s, "GET", "/api/admin", "readAdmin", Administrator)
	whoRoute(s, "GET", "/api/audit", "readAudit", Auditing)
	whoRoute(s, "GET", "/api/operator", "readOperator", Socket)
	whoRoute(s, "POST", "/api/login", "login", Public)
}

func TestAccess(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	r.sessions.set("audrey", actor.Actor{Kind: actor.Person, ID: "p-au", Role: actor.Auditor, Session: "s-au"})
	for _, tt := range []struct {
		name, path, token string
		status            int
		code              string
	}{
		{"public, nobody", "/api/public", "", 200, ""},
		{"public, stale token", "/api/public", "gone", 200, ""},
		{"signed in, nobody", "/api/me", "", 401, "unauthenticated"},
		{"signed in, stale token", "/api/me", "gone", 401, "unauthenticated"},
		{"signed in, bob", "/api/me", "bob", 200, ""},
		{"administrator, bob", "/api/admin", "bob", 403, "forbidden"},
		{"administrator, audrey", "/api/admin", "audrey", 403, "forbidden"},
		{"administrator, ada", "/api/admin", "ada", 200, ""},
		{"administrator, nobody", "/api/admin", "", 401, "unauthenticated"},
		{"auditing, bob", "/api/audit", "bob", 403, "forbidden"},
		{"auditing, audrey", "/api/audit", "audrey", 200, ""},
		{"auditing, ada", "/api/audit", "ada", 200, ""},
		{"socket route over TCP, ada", "/api/operator", "ada", 404, "no-route"},
		{"socket route over TCP, nobody", "/api/operator", "", 404, "no-route"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h []string
			if tt.token != "" {
				h = append(h, "Authorization: Bearer "+tt.token)
			}
			a := r.call("GET", tt.path, "", h...)
			if a.StatusCode != tt.status {
				t.Fatalf("got %d, want %d: %s", a.StatusCode, tt.status, a.text)
			}
			if tt.code != "" {
				p := a.problem(t)
				if p.Code != tt.code || p.Request == "" || p.Request != a.Header.Get("X-Request-Id") {
					t.Errorf("got %+v", p)
				}
			}
			if got := a.Header.Get("WWW-Authenticate") != ""; got != (tt.status == 401) {
				t.Errorf("WWW-Authenticate is %v for %d", got, tt.status)
			}
		})
	}
}

func TestARouteWithoutAccessDoesNotRegister(t *testing.T) {
	t.Parallel()
	good := Route{Method: "GET", Path: "/api/x", ID: "readX", Summary: "X.", Access: Public}
	for _, tt := range []struct {
		name   string
		change func(*Route)
	}{
		{"no access", func(r *Route) { r.Access = 0 }},
		{"unknown access", func(r *Route) { r.Access = 99 }},
		{"no id", func(r *Route) { r.ID = "" }},
		{"no summary", func(r *Route) { r.Summary = "" }},
		{"odd method", func(r *Route) { r.Method = "FETCH" }},
		{"open path", func(r *Route) { r.Path = "/api/*" }},
		{"parameter the input does not read", func(r *Route) { r.Path = "/api/x/{id}" }},
		{"same id", func(r *Route) { r.ID = "openapi" }},
		{"same path", func(r *Route) { r.Path = "/api/openapi.json" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{})
			defer func() {
				if recover() == nil {
					t.Error("it registers")
				}
			}()
			route := good
			tt.change(&route)
			Handle(s.API, route, func(context.Context, *empty) (*empty, error) { return nil, nil })
		})
	}
}

func TestCookieSessionsNeedTheirToken(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	cookie := "Cookie: chatets=bob"
	token := readJSON[who](t, r.call("GET", "/api/me", "", cookie).text).CSRF
	other := readJSON[who](t, r.call("GET", "/api/me", "", "Cookie: chatets=ada").text).CSRF
	if token == "" || token == other {
		t.Fatalf("tokens %q and %q", token, other)
	}
	own := r.base
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
		code    string
	}{
		{"token", []string{cookie, "X-CSRF-Token: " + token}, 200, ""},
		{"token and browser headers", []string{cookie, "X-CSRF-Token: " + token, "Origin: " + own, "Sec-Fetch-Site: same-origin"}, 200, ""},
		{"no token", []string{cookie}, 403, "csrf"},
		{"empty token", []string{cookie, "X-CSRF-Token: "}, 403, "csrf"},
		{"token of another session", []string{cookie, "X-CSRF-Token: " + other}, 403, "csrf"},
		{"cross-site", []string{cookie, "X-CSRF-Token: " + token, "Sec-Fetch-Site: cross-site"}, 403, "cross-site"},
		{"same site, other origin", []string{cookie, "X-CSRF-Token: " + token, "Sec-Fetch-Site: same-site"}, 403, "cross-site"},
		{"other origin", []string{cookie, "X-CSRF-Token: " + token, "Origin: http://evil.example"}, 403, "cross-site"},
		{"other port", []string{cookie, "X-CSRF-Token: " + token, "Origin: http://127.0.0.1:1"}, 403, "cross-site"},
		{"null origin", []string{cookie, "X-CSRF-Token: " + token, "Origin: null"}, 403, "cross-site"},
		{"origin that contains ours", []string{cookie, "X-CSRF-Token: " + token, "Origin: http://" + r.Addr() + ".evil.example"}, 403, "cross-site"},
		{"bearer needs none", []string{asBob}, 200, ""},
		{"bearer is not saved by a cookie", []string{"Authorization: Bearer gone", cookie}, 401, "unauthenticated"},
		{"odd scheme is not saved by a cookie", []string{"Authorization: Basic Ym9i", cookie, "X-CSRF-Token: " + token}, 401, "unauthenticated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.call("POST", "/api/me", "", tt.headers...)
			if a.StatusCode != tt.status {
				t.Fatalf("got %d, want %d: %s", a.StatusCode, tt.status, a.text)
			}
			if tt.code != "" && a.problem(t).Code != tt.code {
				t.Errorf("got %s", a.text)
			}
		})
	}
	t.Run("cross-site sign-in", func(t *testing.T) {
		if a := r.call("POST", "/api/login", "", "Origin: http://evil.example"); a.StatusCode != 403 {
			t.Errorf("got %d", a.StatusCode)
		}
	})
	t.Run("stolen cookie after sign-out", func(t *testing.T) {
		r.sessions.drop("bob")
		for _, method := range []string{"GET", "POST"} {
			if a := r.call(method, "/api/me", "", cookie, "X-CSRF-Token: "+token); a.StatusCode != 401 {
				t.Errorf("%s got %d", method, a.StatusCode)
			}
		}
	})
}

func TestCSRFTokenBelongsToTheServersKey(t *testing.T) {
	t.Parallel()
	a, b := csrfToken([]byte("k1"), "s"), csrfToken([]byte("k2"), "s")
	if a == b || a == csrfToken([]byte("k1"), "s2") || csrfToken([]byte("k1"), "") != "" {
		t.Error("tokens are not bound to key and session")
	}
	ctx := withScope(context.Background(), &scope{server: &Server{config: Config{CSRFKey: []byte("k1")}}})
	if got := CSRF(actor.With(ctx, actor.Actor{Session: "s"})); got != a {
		t.Errorf("got %q, want %q", got, a)
	}
	if CSRF(context.Background()) != "" || Agent(context.Background()) != "" {
		t.Error("a context without a request has a token")
	}
}

func TestHostCheck(t *testing.T) {
	t.Parallel()
	r := startWith(t, Config{Listen: "127.0.0.1:0", BaseURL: "http://chat.hospital.example", UI: testUI()}, guarded)
	for _, tt := range []struct {
		host string
		ok   bool
	}{
		{r.Addr(), true}, {"localhost", true}, {"LOCALHOST:8080", true}, {"[::1]:80", true}, {"127.0.0.1", true},
		{"chat.hospital.example", true}, {"chat.hospital.example:443", true},
		{"evil.example", false}, {"127.0.0.1.evil.example", false}, {"localhost.evil.example:8080", false},
		{"evil.example#127.0.0.1", false}, {"user@127.0.0.1", false}, {"127.0.0.1:8080@evil.example", false},
		{"0.0.0.0", false}, {"[::1", false}, {"::1", false}, {"169.254.169.254", false},
	} {
		for _, path := range []string{"/api/public", "/", "/docs"} {
			got := r.raw("GET " + path + " HTTP/1.1\r\nHost: " + tt.host + "\r\nConnection: close\r\n\r\n")
			if ok := strings.HasPrefix(got, "HTTP/1.1 200 "); ok != tt.ok {
				t.Errorf("%s %s: got %.60q, want ok=%v", tt.host, path, got, tt.ok)
			}
		}
	}
}

func TestItselfIsRefused(t *testing.T) {
	t.Parallel()
	r := startWith(t, Config{Listen: "127.0.0.1:0", Instance: "abc", UI: testUI()}, guarded)
	for _, tt := range []struct {
		instance string
		ok       bool
	}{{"abc", false}, {"other", true}, {"", true}} {
		got := r.raw("GET /api/public HTTP/1.1\r\nHost: " + r.Addr() + "\r\nX-ChatETS-Instance: " + tt.instance + "\r\nConnection: close\r\n\r\n")
		if ok := strings.HasPrefix(got, "HTTP/1.1 200 "); ok != tt.ok {
			t.Errorf("instance %q: got %.60q, want ok=%v", tt.instance, got, tt.ok)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		trusted []string
		header  string
		want    string
	}{
		{"nobody trusted", nil, "203.0.113.9", "127.0.0.1"},
		{"proxy trusted", []string{"127.0.0.1"}, "203.0.113.9", "203.0.113.9"},
		{"network trusted", []string{"127.0.0.0/8"}, "203.0.113.9", "203.0.113.9"},
		{"client lies", []string{"127.0.0.1"}, "10.9.9.9, 203.0.113.9", "203.0.113.9"},
		{"two proxies", []string{"127.0.0.1", "10.0.0.0/8"}, "6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"},
		{"only proxies", []string{"127.0.0.1", "10.0.0.0/8"}, "10.1.2.3", "10.1.2.3"},
		{"nonsense", []string{"127.0.0.1"}, "<script>", "127.0.0.1"},
		{"nonsense on the left", []string{"127.0.0.1"}, "x, 203.0.113.9", "203.0.113.9"},
		{"with port", []string{"127.0.0.1"}, "203.0.113.9:4711", "203.0.113.9"},
		{"IPv6", []string{"127.0.0.1"}, "[2001:db8::1]:99", "2001:db8::1"},
		{"other proxy trusted", []string{"192.0.2.1"}, "203.0.113.9", "127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := startWith(t, Config{Listen: "127.0.0.1:0", TrustedProxies: tt.trusted}, guarded)
			got := readJSON[who](t, r.call("GET", "/api/public", "", "X-Forwarded-For: "+tt.header).text).Address
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if err := New(Config{Listen: "127.0.0.1:0", TrustedProxies: []string{"proxy.example"}}).Run(t.Context()); !fault.Is(err, fault.Invalid) {
		t.Errorf("a proxy by name: %v", err)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	for _, path := range []string{"/", "/api/public", "/api/me", "/api/nothing", "/assets/app-a1b2c3d4.js", "/docs", "/x.css", "/chat/some-page"} {
		a := r.call("GET", path, "")
		for _, h := range []string{"Content-Security-Policy", "Permissions-Policy", "X-Request-Id"} {
			if a.Header.Get(h) == "" {
				t.Errorf("%s has no %s", path, h)
			}
		}
		for h, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
		} {
			if got := a.Header.Get(h); got != want {
				t.Errorf("%s: %s is %q, want %q", path, h, got, want)
			}
		}
		if csp := a.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if !strings.HasPrefix(path, "/assets") && path != "/docs" && a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control is %q", path, a.Header.Get("Cache-Control"))
		}
		if a.Header.Get("Server") != "" || len(a.Header.Values("Content-Type")) != 1 {
			t.Errorf("%s: server %q, types %q", path, a.Header.Get("Server"), a.Header.Values("Content-Type"))
		}
	}
}

type cookieOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      who
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()
	routes := func(s *Server) {
		guarded(s)
		Handle(s.API, Route{Method: "POST", Path: "/api/in", ID: "signIn", Summary: "In.", Access: Public},
			func(ctx context.Context, _ *empty) (*cookieOut, error) {
				return &cookieOut{SetCookie: SessionCookie("bob", time.Now().Add(time.Hour))}, nil
			})
		Handle(s.API, Route{Method: "POST", Path: "/api/out", ID: "signOut", Summary: "Out.", Access: Public},
			func(ctx context.Context, _ *empty) (*cookieOut, error) {
				return &cookieOut{SetCookie: ClearCookie()}, nil
			})
		Handle(s.API, Route{Method: "POST", Path: "/api/none", ID: "signNone", Summary: "None.", Access: Public},
			func(ctx context.Context, _ *empty) (*cookieOut, error) { return &cookieOut{}, nil })
	}
	plain := start(t, routes)
	got := plain.call("POST", "/api/in", "").Header.Get("Set-Cookie")
	for _, part := range []string{"chatets=bob;", "Path=/", "HttpOnly", "SameSite=Strict", "Expires="} {
		if !strings.Contains(got, part) {
			t.Errorf("%q lacks %s", got, part)
		}
	}
	if strings.Contains(got, "Secure") || strings.Contains(got, "Domain") {
		t.Errorf("plain cookie is %q", got)
	}
	if out := plain.call("POST", "/api/out", "").Header.Get("Set-Cookie"); !strings.Contains(out, "Max-Age=0") {
		t.Errorf("sign-out sets %q", out)
	}
	if none, there := plain.call("POST", "/api/none", "").Header["Set-Cookie"]; there {
		t.Errorf("no cookie sets %q", none)
	}

	secure := startWith(t, Config{Listen: "127.0.0.1:0", BaseURL: "https://chat.hospital.example"}, routes)
	a := secure.call("POST", "/api/in", "")
	if got := a.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-chatets=bob;") || !strings.Contains(got, "; Secure") {
		t.Errorf("secure cookie is %q", got)
	}
	if a.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS by https")
	}
	if a := secure.call("GET", "/api/me", "", "Cookie: __Host-chatets=bob"); a.StatusCode != 200 {
		t.Errorf("secure cookie is not taken: %d", a.StatusCode)
	}
	if a := secure.call("GET", "/api/me", "", "Cookie: chatets=bob"); a.StatusCode != 401 {
		t.Errorf("plain cookie is taken by https: %d", a.StatusCode)
	}
}

func TestFailuresOfTheInside(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *Server) {
		guarded(s)
		fails := func(path, id string, fn func() error) {
			Handle(s.API, Route{Method: "GET", Path: path, ID: id, Summary: "Fails.", Access: Public},
				func(context.Context, *empty) (*empty, error) { return nil, fn() })
		}
		fails("/api/bug", "bug", func() error { return errors.New("SELECT secret FROM vault at /var/lib") })
		fails("/api/panic", "panics", func() error { panic("secret pointer") })
		fails("/api/full", "full", func() error {
			return fault.New(fault.Full, "The disk is full.").Cure("Make room.").Because(errors.New("write /var/lib/x: ENOSPC"))
		})
		fails("/api/busy", "busy", func() error { return fault.New(fault.Unavailable, "Busy.").RetryAfter(7) })
		fails("/api/wrapped", "wrapped", func() error {
			return fmt.Errorf("document 7: %w", fault.New(fault.NotFound, "There is no such document."))
		})
		fails("/api/cancelled", "cancelled", func() error { return context.Canceled })
	})
	for _, tt := range []struct {
		path   string
		status int
		code   string
		detail string
	}{
		{"/api/bug", 500, "internal", "Something in ChatETS failed."},
		{"/api/panic", 500, "internal", "Something in ChatETS failed."},
		{"/api/full", 507, "disk-full", "The disk is full."},
		{"/api/busy", 503, "unavailable", "Busy."},
		{"/api/wrapped", 404, "not-found", "There is no such document."},
		{"/api/cancelled", 499, "cancelled", "The request was stopped before it was finished."},
	} {
		a := r.call("GET", tt.path, "")
		p := a.problem(t)
		if a.StatusCode != tt.status || p.Status != tt.status || p.Code != tt.code || p.Detail != tt.detail {
			t.Errorf("%s: got %d %+v", tt.path, a.StatusCode, p)
		}
		if p.Type != "/docs#problem-"+tt.code || p.Title == "" {
			t.Errorf("%s: type %q title %q", tt.path, p.Type, p.Title)
		}
		for _, secret := range []string{"secret", "/var/lib", "SELECT", "goroutine"} {
			if strings.Contains(a.text, secret) {
				t.Errorf("%s tells %s", tt.path, secret)
			}
		}
		if n := strings.Count(r.log.String(), `"request":"`+p.Request+`"`); n != 1 {
			t.Errorf("%s: %d log lines carry its id", tt.path, n)
		}
	}
	if got := r.call("GET", "/api/busy", "").Header.Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After is %q", got)
	}
	for _, cause := range []string{"SELECT secret", "secret pointer", "ENOSPC"} {
		if !strings.Contains(r.log.String(), cause) {
			t.Errorf("the log lacks %q", cause)
		}
	}
	t.Run("a broken database of sessions", func(t *testing.T) {
		r.sessions.mu.Lock()
		r.sessions.down = errors.New("database is locked")
		r.sessions.mu.Unlock()
		if a := r.call("GET", "/api/me", "", asBob); a.StatusCode != 500 {
			t.Errorf("signed-in route: %d", a.StatusCode)
		}
		if a := r.call("GET", "/api/public", "", asBob); a.StatusCode != 200 {
			t.Errorf("public route: %d", a.StatusCode)
		}
	})
}
