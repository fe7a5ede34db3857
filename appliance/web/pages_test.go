package web

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"chatets/appliance/actor"
)

func TestPages(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	for _, tt := range []struct {
		path, accept string
		status       int
		body         string
		headers      map[string]string
	}{
		{"/", "", 200, `id="bootstrap">{}</script></head>`, map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}},
		{"/index.html", "", 200, `id="bootstrap">`, nil},
		{"/chat/0190a6f2", "", 200, `id="bootstrap">`, nil},
		{"/knowledge", "", 200, `id="bootstrap">`, nil},
		{"/assets/app-a1b2c3d4.js", "", 200, "console.log('plain')", map[string]string{
			"Content-Type": "text/javascript; charset=utf-8", "Content-Encoding": "", "Vary": "Accept-Encoding",
			"Cache-Control": "public, max-age=31536000, immutable"}},
		{"/assets/app-a1b2c3d4.js", "gzip", 200, "GZIP", map[string]string{"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}},
		{"/assets/app-a1b2c3d4.js", "gzip, br", 200, "BROTLI", map[string]string{"Content-Encoding": "br"}},
		{"/assets/app-a1b2c3d4.js", "br;q=0, gzip;q=0", 200, "console.log('plain')", map[string]string{"Content-Encoding": ""}},
		{"/assets/inter-x1y2z3w4q.woff2", "br", 200, "font", map[string]string{"Content-Type": "font/woff2", "Content-Encoding": ""}},
		{"/favicon.svg", "", 200, "<svg/>", map[string]string{"Content-Type": "image/svg+xml", "Cache-Control": "no-cache"}},
		{"/assets/app-a1b2c3d4.js.br", "", 404, "no-route", nil},
		{"/assets/missing.js", "", 404, "no-route", nil},
		{"/.env", "", 404, "no-route", nil},
		{"/../../etc/passwd", "", 200, `id="bootstrap">`, nil},
		{"/assets/..%2f..%2fetc/passwd.txt", "", 404, "no-route", nil},
		{"/assets/%00.js", "", 404, "no-route", nil},
		{"/assets", "", 200, `id="bootstrap">`, nil},
		{"/api", "", 404, "no-route", nil},
		{"/api/", "", 404, "no-route", nil},
		{"/api/unknown", "", 404, "no-route", map[string]string{"Content-Type": "application/problem+json"}},
		{"//api/unknown", "", 404, "no-route", nil},
		{"/API/unknown", "", 200, `id="bootstrap">`, nil},
	} {
		t.Run(tt.path+" "+tt.accept, func(t *testing.T) {
			got := r.raw("GET " + tt.path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: " + tt.accept + "\r\n\r\n")
			head, body, _ := strings.Cut(got, "\r\n\r\n")
			if !strings.HasPrefix(head, "HTTP/1.1 "+map[int]string{200: "200", 404: "404"}[tt.status]+" ") || !strings.Contains(body, tt.body) {
				t.Fatalf("got %q", got)
			}
			for h, want := range tt.headers {
				m := regexp.MustCompile(`(?m)^` + h + `: (.*)\r$`).FindStringSubmatch(head + "\r\n")
				if want == "" && m != nil || want != "" && (m == nil || m[1] != want) {
					t.Errorf("%s is %q, want %q", h, m, want)
				}
			}
		})
	}
	t.Run("methods", func(t *testing.T) {
		if a := r.call("HEAD", "/", ""); a.StatusCode != 200 || a.text != "" || a.ContentLength <= 0 {
			t.Errorf("HEAD: %d %q %d", a.StatusCode, a.text, a.ContentLength)
		}
		if a := r.call("HEAD", "/api/public", ""); a.StatusCode != 200 || a.text != "" {
			t.Errorf("HEAD of a route: %d %q", a.StatusCode, a.text)
		}
		a := r.call("DELETE", "/api/me", "", asBob)
		if a.StatusCode != 405 || a.problem(t).Code != "method-not-allowed" {
			t.Errorf("DELETE: %d %s", a.StatusCode, a.text)
		}
		if allow := a.Header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") {
			t.Errorf("Allow is %q", allow)
		}
		if a := r.call("POST", "/", ""); a.StatusCode != 404 && a.StatusCode != 405 {
			t.Errorf("POST of a page: %d", a.StatusCode)
		}
		if a := r.call("OPTIONS", "/api/me", "", "Origin: http://evil.example", "Access-Control-Request-Method: POST"); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("CORS is answered: %v", a.Header)
		}
	})
	t.Run("not modified", func(t *testing.T) {
		etag := r.call("GET", "/favicon.svg", "").Header.Get("ETag")
		if a := r.call("GET", "/favicon.svg", "", "If-None-Match: W/\"x\", "+etag); a.StatusCode != 304 || a.text != "" || etag == "" {
			t.Errorf("got %d %q for %q", a.StatusCode, a.text, etag)
		}
		if a := r.call("GET", "/favicon.svg", "", `If-None-Match: "other"`); a.StatusCode != 200 {
			t.Errorf("got %d", a.StatusCode)
		}
	})
	t.Run("in one connection", func(t *testing.T) {
		get := "GET /favicon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n"
		if got := r.raw(get + get + "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); strings.Count(got, "200 OK") != 3 {
			t.Errorf("got %q", got)
		}
	})
}

func TestPageKnowsWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	hostile := `</script><script>alert(1)</script><!-- ]]> & ` + "\u2028\u2029"
	r := start(t, func(s *Server) {
		s.UseBootstrap(func(ctx context.Context) any {
			return map[string]string{"person": actor.From(ctx).ID, "csrf": CSRF(ctx), "name": hostile}
		})
	})
	element := regexp.MustCompile(`<script type="application/json" id="bootstrap">([^<]*)</script>`)
	for _, tt := range []struct{ name, header, person string }{
		{"nobody", "X-A: b", ""}, {"bob", "Cookie: chatets=bob", "p-bob"}, {"stale", "Cookie: chatets=gone", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page := r.call("GET", "/chat/1", "", tt.header).text
			m := element.FindStringSubmatch(page)
			if m == nil || strings.Count(page, "<script") != 1 || strings.ContainsAny(m[1], "<>&\u2028\u2029") {
				t.Fatalf("page %q", page)
			}
			var data map[string]string
			if err := json.Unmarshal([]byte(m[1]), &data); err != nil {
				t.Fatal(err)
			}
			if data["person"] != tt.person || data["name"] != hostile || (data["csrf"] != "") != (tt.person != "") {
				t.Errorf("got %v", data)
			}
		})
	}
	t.Run("the page has room for it", func(t *testing.T) {
		got, err := withBootstrap([]byte(`<head><script type="application/json" id="bootstrap">{"dev":1}</script></head>`), 7)
		if want := `<head><script type="application/json" id="bootstrap">7</script></head>`; err != nil || string(got) != want {
			t.Errorf("got %s %v", got, err)
		}
	})
	t.Run("data that is no JSON", func(t *testing.T) {
		if _, err := withBootstrap(nil, func() {}); err == nil {
			t.Error("no error")
		}
	})
}

// TestDrawingBoard proves that the page that draws diagrams stands in a sandbox
// which only our own pages may frame, and that it can fetch its scripts there.
func TestDrawingBoard(t *testing.T) {
	t.Parallel()
	r := startWith(t, Config{Listen: "127.0.0.1:0", UI: fstest.MapFS{
		"index.html":              {Data: []byte("<html><head></head></html>")},
		"diagram.html":            {Data: []byte("<html></html>")},
		"assets/x-abcdefgh.js":    {Data: []byte("1")},
		"assets/unhashed-name.md": {Data: []byte("1")},
	}}, guarded)
	board := r.call("GET", "/diagram.html", "")
	csp := board.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "sandbox allow-scripts;", "frame-ancestors 'self'", "script-src 'self';"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the board's policy lacks %q: %s", want, csp)
		}
	}
	for _, never := range []string{"connect-src", "allow-same-origin", "unsafe-eval", "img-src"} {
		if strings.Contains(csp, never) {
			t.Errorf("the board's policy allows %q", never)
		}
	}
	if got := board.Header.Get("X-Frame-Options"); got != "SAMEORIGIN" {
		t.Errorf("framing is %q", got)
	}
	for path, want := range map[string]string{"/assets/x-abcdefgh.js": "*", "/": "", "/diagram.html": "", "/api/public": ""} {
		a := r.call("GET", path, "")
		if got := a.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s is for %q", path, got)
		}
		if path != "/diagram.html" && a.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s may be framed", path)
		}
	}
	if main := r.call("GET", "/", "").Header.Get("Content-Security-Policy"); strings.Contains(main, "unsafe") || !strings.Contains(main, "frame-src 'self'") {
		t.Errorf("the page's policy is %s", main)
	}
}

func TestWithoutPages(t *testing.T) {
	t.Parallel()
	for name, ui := range map[string]Config{"none": {}, "empty": {UI: fstest.MapFS{}}, "a folder": {UI: os.DirFS(t.TempDir())}} {
		ui.Listen = "127.0.0.1:0"
		r := startWith(t, ui, guarded)
		if a := r.call("GET", "/", ""); a.StatusCode != 503 || !strings.Contains(a.text, "make build") {
			t.Errorf("%s: got %d %s", name, a.StatusCode, a.text)
		}
		if a := r.call("GET", "/api/public", ""); a.StatusCode != 200 {
			t.Errorf("%s: the API answers %d", name, a.StatusCode)
		}
	}
}

// TestDocsPage proves that the API documentation needs nothing but this server.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	page := r.call("GET", "/docs", "")
	if page.StatusCode != 200 || page.Header.Get("Content-Security-Policy") != policy {
		t.Fatalf("got %d, policy %q", page.StatusCode, page.Header.Get("Content-Security-Policy"))
	}
	refs := regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllStringSubmatch(page.text, -1)
	if len(refs) < 2 {
		t.Fatalf("the page refers to %v", refs)
	}
	for _, ref := range refs {
		if !strings.HasPrefix(ref[1], "/") || strings.HasPrefix(ref[1], "//") {
			t.Errorf("it refers to %s", ref[1])
			continue
		}
		if a := r.call("GET", ref[1], ""); a.StatusCode != 200 {
			t.Errorf("%s is %d", ref[1], a.StatusCode)
		}
	}
	for _, inline := range []string{"<style", " style=", " onclick=", "javascript:", "<script>"} {
		if strings.Contains(page.text, inline) {
			t.Errorf("the policy forbids %q", inline)
		}
	}
	for _, name := range []string{"docs.js", "docs.css"} {
		data, err := docsFiles.ReadFile("docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"http://", "https://", "//cdn", "@import", "innerHTML", "eval("} {
			if strings.Contains(string(data), word) {
				t.Errorf("%s holds %s", name, word)
			}
		}
	}
	if a := r.call("GET", "/docs/missing.js", ""); a.StatusCode != 404 {
		t.Errorf("missing file: %d", a.StatusCode)
	}
	if a := r.call("GET", "/docs/", ""); a.StatusCode != 200 || !strings.Contains(a.text, "docs.js") {
		t.Errorf("with a slash: %d", a.StatusCode)
	}
}
