package appliance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// A browser keeps cookies, follows no redirect by itself, and sends what the
// pages send.
type browser struct {
	house  *house
	client *http.Client
	csrf   string
}

func (h *house) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{house: h, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// send sends JSON, or a form where the body is one.
func (b *browser) send(t *testing.T, method, address string, body any) answer {
	t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.house.base + address
	}
	var reader io.Reader
	kind := ""
	switch v := body.(type) {
	case nil:
	case url.Values:
		reader, kind = strings.NewReader(v.Encode()), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		reader, kind = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, reader)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if b.csrf != "" && kind == "application/json" {
		req.Header.Set("X-CSRF-Token", b.csrf)
	}
	if kind == "application/x-www-form-urlencoded" { // a page of the provider posts it
		req.Header.Set("Origin", "https://idp.elsewhere.test")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	res, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{status: res.StatusCode, body: string(text), header: res.Header}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &got.fields); err != nil {
			t.Fatalf("%s %s: no JSON: %s", method, address, text)
		}
	}
	return got
}

// start begins a sign-in and returns where the browser has to go.
func (b *browser) start(t *testing.T, provider string, more map[string]any) *url.URL {
	t.Helper()
	if more == nil {
		more = map[string]any{}
	}
	got := b.send(t, "POST", "/api/auth/sso/"+provider, more)
	if got.status != 200 {
		t.Fatalf("start: %d %s", got.status, got.body)
	}
	u, err := url.Parse(got.get("url"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// land finishes a sign-in with what stands in the fragment of the landing page.
func (b *browser) land(t *testing.T, location string) answer {
	t.Helper()
	_, fragment, found := strings.Cut(location, "/signed-in#")
	if !found {
		t.Fatalf("the browser is sent to %q", location)
	}
	values, err := url.ParseQuery(fragment)
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]any{}
	for name := range values {
		if name != "failed" {
			body[name] = values.Get(name)
		}
	}
	got := b.send(t, "POST", "/api/auth/sso", body)
	if got.status == 200 {
		b.csrf = got.get("login", "csrf")
	}
	return got
}

// signedIn is who the session of the browser belongs to, "" for nobody.
func (b *browser) signedIn(t *testing.T) string {
	t.Helper()
	got := b.send(t, "GET", "/api/session", nil)
	if got.status != 200 {
		return ""
	}
	return got.get("person", "email")
}

// provider adds an identity provider and returns its id.
func (v *visitor) provider(t *testing.T, kind, name, secret string, settings map[string]any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"kind": kind, "name": name, "secret": secret, "settings": settings})
	if err != nil {
		t.Fatal(err)
	}
	return v.must(t, "POST", "/api/sso", string(body), 201).id()
}

// lastFailure is the code of the last sign-in through a provider that came to nothing.
func (v *visitor) lastFailure(t *testing.T, id string) (code, sentence, cure string) {
	t.Helper()
	got := v.must(t, "GET", "/api/sso/"+id, "", 200)
	return got.get("failures", "0", "code"), got.get("failures", "0", "sentence"), got.get("failures", "0", "cure")
}

// atTheDoor checks that whoever is refused is told nothing but the one sentence.
func atTheDoor(t *testing.T, got answer) {
	t.Helper()
	if got.status != 401 || got.get("code") != "sso-refused" {
		t.Errorf("at the door: got %d %s", got.status, got.body)
	}
	if got.get("detail") != "You could not be signed in this way." {
		t.Errorf("the sentence at the door is %q", got.get("detail"))
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// codeOf is the code that an app shows now.
func codeOf(t *testing.T, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// byPassword tries to sign in with a password and returns the status.
func (h *house) byPassword(t *testing.T, name string) int {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"email": name, "password": password})
	return h.visitor().ask(t, "POST", "/api/auth/login", string(body), "").status
}
