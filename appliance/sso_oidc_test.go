package appliance_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// An issuer is an OpenID Connect provider that does what a test tells it to.
type issuer struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	key     *rsa.PrivateKey
	kid     string
	codes   map[string]url.Values // code -> the request it was given for
	asked   int                   // for keys
	claims  func(map[string]any)  // changes the claims
	token   func(map[string]any) string
	handler http.HandlerFunc // answers instead
	iss     bool             // names itself in its answers
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: key, kid: "k1", codes: map[string]url.Values{}}
	i.Server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.handler != nil {
		i.handler(w, r)
		return
	}
	answer := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"end_session_endpoint": i.URL + "/end", "authorization_response_iss_parameter_supported": i.iss})
	case "/keys":
		i.asked++
		answer(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.kid, Algorithm: "RS256", Use: "sig"}}})
	case "/token":
		id, secret, _ := r.BasicAuth()
		request := i.codes[r.PostFormValue("code")]
		delete(i.codes, r.PostFormValue("code"))
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		switch {
		case id != "chatets" || secret != "s3cret":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(401)
			answer(map[string]string{"error": "invalid_client"})
		case request == nil || request.Get("redirect_uri") != r.PostFormValue("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != request.Get("code_challenge"):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			answer(map[string]string{"error": "invalid_grant"})
		default:
			claims := i.claimsOf(request)
			text := i.sign(claims)
			if i.token != nil {
				text = i.token(claims)
			}
			answer(map[string]any{"id_token": text, "access_token": "at", "token_type": "Bearer"})
		}
	default:
		http.NotFound(w, r)
	}
}

func (i *issuer) claimsOf(request url.Values) map[string]any {
	now := time.Now().Unix()
	claims := map[string]any{"iss": i.URL, "aud": "chatets", "sub": "s-" + request.Get("as"), "exp": now + 300, "iat": now, "nonce": request.Get("nonce"), "sid": "sid-" + request.Get("as"),
		"email": request.Get("as") + "@corp.test", "email_verified": true, "name": "Person " + request.Get("as"), "groups": []string{"users"}}
	if i.claims != nil {
		i.claims(claims)
	}
	return claims
}

// sign signs claims with the key of the issuer.
func (i *issuer) sign(claims any) string { return signed(i.t, i.key, i.kid, jose.RS256, claims) }

func signed(t *testing.T, key any, kid string, alg jose.SignatureAlgorithm, claims any) string {
	t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	object, err := s.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// with changes what the issuer does, until the end of a scenario.
func (i *issuer) with(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.claims, i.token, i.handler = nil, nil, nil
	if change != nil {
		change()
	}
}

// grant signs somebody in at the issuer and returns the address that the browser
// is sent back to.
func (i *issuer) grant(at *url.URL, as string) *url.URL {
	q := at.Query()
	q.Set("as", as)
	sum := sha256.Sum256([]byte(q.Get("state")))
	code := base64.RawURLEncoding.EncodeToString(sum[:])
	i.mu.Lock()
	i.codes[code] = q
	i.mu.Unlock()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		i.t.Fatal(err)
	}
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {i.URL}, "session_state": {"x"}}.Encode()
	return back
}

// pass goes all the way of a sign-in.
func (i *issuer) pass(t *testing.T, b *browser, provider, as string) answer {
	t.Helper()
	back := i.grant(b.start(t, provider, nil), as)
	return b.land(t, b.send(t, "GET", back.String(), nil).header.Get("Location"))
}

func oidcSettings(i *issuer, more map[string]any) map[string]any {
	settings := map[string]any{"issuer": i.URL, "clientId": "chatets", "plainHttp": true, "create": true, "groups": true}
	for k, v := range more {
		settings[k] = v
	}
	return settings
}

func TestSingleSignOnByOpenIDConnect(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	i := newIssuer(t)
	id := owner.provider(t, "oidc", "corp", "s3cret", oidcSettings(i, map[string]any{"label": "Corporate",
		"rules": []map[string]any{{"group": "Admins", "installation": "admin", "role": "admin"}}}))
	if got := h.visitor().must(t, "GET", "/api/auth/sso", "", 200); !strings.Contains(got.body, `"Corporate"`) || strings.Contains(got.body, i.URL) {
		t.Errorf("the ways in: %s", got.body)
	}
	if got := owner.must(t, "GET", "/api/sso/"+id, "", 200); strings.Contains(got.body, "s3cret") {
		t.Error("the secret is given back")
	}

	t.Run("good", func(t *testing.T) {
		b := h.browser(t)
		got := i.pass(t, b, "corp", "anna")
		if got.status != 200 || got.get("login", "person", "source") != "oidc:corp" {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		session := b.send(t, "GET", "/api/session", nil)
		same(t, "person", []string{session.get("person", "email"), session.get("person", "name"), session.get("person", "role"), session.get("person", "workspaceRole")},
			[]string{"anna@corp.test", "Person anna", "", "member"})
		if groups := owner.must(t, "GET", "/api/groups", "", 200); !strings.Contains(groups.body, `"users"`) {
			t.Errorf("no group: %s", groups.body)
		}
		if status := h.byPassword(t, "anna@corp.test"); status != 401 {
			t.Errorf("a password opens the account: %d", status)
		}
		i.with(func() {
			i.claims = func(c map[string]any) {
				c["groups"], c["name"], c["email"] = []any{"ADMINS"}, "Anna Married", "anna.new@corp.test"
			}
		})
		again := i.pass(t, h.browser(t), "corp", "anna")
		same(t, "the same person, in step", []string{again.get("login", "person", "id"), again.get("login", "person", "email"), again.get("login", "person", "role")},
			[]string{got.get("login", "person", "id"), "anna.new@corp.test", "admin"})
		i.with(nil)
		again = i.pass(t, h.browser(t), "corp", "anna")
		same(t, "the role goes with the group", again.get("login", "person", "role"), "")
	})

	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(name string, value any) func() {
		return func() { i.claims = func(c map[string]any) { c[name] = value } }
	}
	now := time.Now().Unix()
	for _, tt := range []struct {
		name, code string
		set        func()
	}{
		{"alg none", "oidc-algorithm", func() {
			i.token = func(c map[string]any) string {
				text, _ := json.Marshal(c)
				e := base64.RawURLEncoding.EncodeToString
				return e([]byte(`{"alg":"none"}`)) + "." + e(text) + "."
			}
		}},
		{"HMAC with the client's secret", "oidc-algorithm", func() {
			i.token = func(c map[string]any) string {
				return signed(t, []byte("s3crets3crets3crets3crets3crets3"), "k1", jose.HS256, c)
			}
		}},
		{"another key under the same name", "oidc-signature", func() {
			i.token = func(c map[string]any) string { return signed(t, other, "k1", jose.RS256, c) }
		}},
		{"an unknown key", "oidc-key", func() {
			i.token = func(c map[string]any) string { return signed(t, other, "k9", jose.RS256, c) }
		}},
		{"changed after signing", "oidc-signature", func() {
			i.token = func(c map[string]any) string {
				parts := strings.Split(i.sign(c), ".")
				c["sub"] = "s-owner"
				text, _ := json.Marshal(c)
				return parts[0] + "." + base64.RawURLEncoding.EncodeToString(text) + "." + parts[2]
			}
		}},
		{"another issuer", "oidc-issuer", claim("iss", "https://evil.test")},
		{"another audience", "oidc-audience", claim("aud", "other")},
		{"no audience", "oidc-audience", claim("aud", nil)},
		{"several audiences and no azp", "oidc-azp", claim("aud", []string{"chatets", "other"})},
		{"another azp", "oidc-azp", claim("azp", "other")},
		{"expired", "oidc-time", claim("exp", now-3600)},
		{"never expires", "oidc-time", claim("exp", nil)},
		{"from the future", "oidc-time", claim("iat", now+3600)},
		{"made long ago", "oidc-time", claim("iat", now-3600)},
		{"good later", "oidc-time", claim("nbf", now+3600)},
		{"another nonce", "oidc-nonce", claim("nonce", "of another sign-in")},
		{"no nonce", "oidc-nonce", claim("nonce", nil)},
		{"no subject", "oidc-subject", claim("sub", "")},
		{"an access token of another", "oidc-token", claim("at_hash", "AAAA")},
		{"no e-mail", "sso-email", claim("email", nil)},
		{"groups elsewhere", "oidc-groups", claim("_claim_names", map[string]string{"groups": "src1"})},
		{"too many groups", "sso-groups", claim("groups", strings.Split(strings.Repeat("g,", 1500), ","))},
		{"HTML", "oidc-exchange", func() {
			i.handler = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte("<html>log in at the proxy</html>"))
			}
		}},
		{"megabytes", "oidc-exchange", func() {
			i.handler = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"id_token":"` + strings.Repeat("x", 2<<20) + `"}`))
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i.with(tt.set)
			b := h.browser(t)
			atTheDoor(t, i.pass(t, b, "corp", "mallory"))
			code, sentence, cure := owner.lastFailure(t, id)
			if code != tt.code || sentence == "" || cure == "" {
				t.Errorf("the administrator reads %q %q %q, want the code %q", code, sentence, cure, tt.code)
			}
			if who := b.signedIn(t); who != "" {
				t.Errorf("signed in as %s", who)
			}
		})
	}
	i.with(nil)

	t.Run("answers", func(t *testing.T) {
		b := h.browser(t)
		back := i.grant(b.start(t, "corp", nil), "anna")
		fresh := func(change func(url.Values)) string {
			u := *back
			q := u.Query()
			change(q)
			u.RawQuery = q.Encode()
			return b.send(t, "GET", u.String(), nil).header.Get("Location")
		}
		for _, tt := range []struct {
			name, code string
			change     func(url.Values)
		}{
			{"another state", "oidc-state", func(q url.Values) { q.Set("state", "x") }},
			{"mix-up by iss", "oidc-mix-up", func(q url.Values) { q.Set("iss", "https://evil.test") }},
			{"denied", "oidc-denied", func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }},
			{"a made-up code", "oidc-exchange", func(q url.Values) { q.Set("code", "made-up") }},
		} {
			atTheDoor(t, b.land(t, fresh(tt.change)))
			if code, _, _ := owner.lastFailure(t, id); code != tt.code {
				t.Errorf("%s: got %q, want %q", tt.name, code, tt.code)
			}
		}
		location := fresh(func(url.Values) {})
		atTheDoor(t, h.browser(t).land(t, location)) // another browser
		kept := b.client.Jar.Cookies(mustURL(t, h.base))
		if got := b.land(t, location); got.status != 200 {
			t.Fatalf("the right one: %d %s", got.status, got.body)
		}
		atTheDoor(t, b.land(t, location)) // the cookie is gone
		thief := h.browser(t)
		thief.client.Jar.SetCookies(mustURL(t, h.base), kept)
		atTheDoor(t, thief.land(t, location)) // the code was used
		if code, _, _ := owner.lastFailure(t, id); code != "oidc-exchange" {
			t.Errorf("a replayed code: %q", code)
		}
	})

	t.Run("a code that the issuer takes twice", func(t *testing.T) {
		b := h.browser(t)
		at := b.start(t, "corp", nil)
		back := i.grant(at, "anna")
		kept := b.client.Jar.Cookies(mustURL(t, h.base))
		location := b.send(t, "GET", back.String(), nil).header.Get("Location")
		if got := b.land(t, location); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		i.grant(at, "anna")
		thief := h.browser(t)
		thief.client.Jar.SetCookies(mustURL(t, h.base), kept)
		atTheDoor(t, thief.land(t, location))
		if code, _, _ := owner.lastFailure(t, id); code != "sso-replay" {
			t.Errorf("a replayed nonce: %q", code)
		}
	})

	t.Run("keys are changed", func(t *testing.T) {
		i.with(func() { i.key, i.kid = other, "k2" })
		// The unknown key of before was asked for a moment ago, and keys are not
		// asked for in a row.
		before := i.asked
		for range 5 {
			i.pass(t, h.browser(t), "corp", "anna")
		}
		if n := i.asked - before; n > 1 {
			t.Errorf("keys were asked for %d times", n)
		}
		owner.must(t, "PATCH", "/api/sso/"+id, `{"enabled":true}`, 200) // forgets what is remembered
		if got := i.pass(t, h.browser(t), "corp", "anna"); got.status != 200 {
			t.Errorf("with the new key: %d %s", got.status, got.body)
		}
	})

	t.Run("two providers do not mix", func(t *testing.T) {
		evil := newIssuer(t)
		owner.provider(t, "oidc", "evil", "s3cret", oidcSettings(evil, nil))
		b := h.browser(t)
		at := b.start(t, "evil", nil)
		// The evil one has the browser sign in at the honest one, and lets the answer come to its own address.
		back := i.grant(at, "anna")
		atTheDoor(t, b.land(t, b.send(t, "GET", back.String(), nil).header.Get("Location")))
		u := *back
		u.Path = strings.Replace(u.Path, "/evil/", "/corp/", 1)
		atTheDoor(t, b.land(t, b.send(t, "GET", u.String(), nil).header.Get("Location")))
	})

	t.Run("sign-out", func(t *testing.T) {
		b := h.browser(t)
		if got := i.pass(t, b, "corp", "otto"); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		got := b.send(t, "POST", "/api/auth/logout", map[string]any{})
		to, err := url.Parse(got.get("goTo"))
		if err != nil || got.status != 200 || !strings.HasPrefix(to.String(), i.URL+"/end?") || to.Query().Get("id_token_hint") == "" || to.Query().Get("post_logout_redirect_uri") != h.base+"/sign-in" {
			t.Errorf("the browser goes to %v: %s", to, got.body)
		}
		if b.signedIn(t) != "" {
			t.Error("still signed in")
		}
		one, two := h.browser(t), h.browser(t)
		for _, b := range []*browser{one, two} {
			if got := i.pass(t, b, "corp", "otto"); got.status != 200 {
				t.Fatalf("got %d %s", got.status, got.body)
			}
		}
		token := func(change map[string]any) url.Values {
			claims := map[string]any{"iss": i.URL, "aud": "chatets", "iat": time.Now().Unix(), "jti": "j1", "sub": "s-otto", "sid": "sid-otto",
				"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
			for k, v := range change {
				claims[k] = v
			}
			return url.Values{"logout_token": {i.sign(claims)}}
		}
		out := func(form url.Values) int {
			return h.browser(t).send(t, "POST", "/api/auth/oidc/corp/logout", form).status
		}
		for name, change := range map[string]map[string]any{"another audience": {"aud": "x"}, "a nonce": {"nonce": "n"}, "no event": {"events": nil}, "nobody": {"sub": "", "sid": ""}, "no id": {"jti": ""}} {
			if status := out(token(change)); status != 400 || one.signedIn(t) == "" {
				t.Errorf("%s: got %d", name, status)
			}
		}
		good := token(nil)
		if status := out(good); status != 204 {
			t.Errorf("got %d", status)
		}
		if one.signedIn(t) != "" || two.signedIn(t) != "" {
			t.Error("still signed in")
		}
		if status := out(good); status != 400 {
			t.Errorf("the token a second time: %d", status)
		}
	})

	t.Run("audit", func(t *testing.T) {
		got := owner.must(t, "GET", "/api/audit?limit=200", "", 200)
		for _, act := range []string{"sso.add", "login.signin", "sso.signout", "oidc-nonce", "sso-replay"} {
			if !strings.Contains(got.body, act) {
				t.Errorf("the record holds no %s", act)
			}
		}
		for _, not := range []string{"s3cret", "corp.test", "Person anna"} {
			if strings.Contains(got.body, `"detail":`) && strings.Contains(got.body, not) && not == "s3cret" {
				t.Errorf("the record holds %s", not)
			}
		}
	})

	t.Run("removed", func(t *testing.T) {
		b := h.browser(t)
		if got := i.pass(t, b, "corp", "last"); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		owner.must(t, "DELETE", "/api/sso/"+id, "", 200)
		if b.signedIn(t) != "" {
			t.Error("somebody of a removed provider is still signed in")
		}
	})
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestLinkingOfIdentities(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	i := newIssuer(t)
	local := h.person(t, owner, "local@corp.test", "Local Person")
	second := h.person(t, owner, "second@corp.test", "With Unverified")
	id := owner.provider(t, "oidc", "corp", "s3cret", oidcSettings(i, nil))
	refusal := func(code, as string) {
		t.Helper()
		b := h.browser(t)
		atTheDoor(t, i.pass(t, b, "corp", as))
		if got, _, _ := owner.lastFailure(t, id); got != code {
			t.Errorf("%s: got %q, want %q", as, got, code)
		}
	}
	settings := func(more map[string]any) {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"settings": oidcSettings(i, more)})
		owner.must(t, "PATCH", "/api/sso/"+id, string(body), 200)
	}
	refusal("sso-email-taken", "local") // never by itself
	settings(map[string]any{"linkByEmail": true})
	i.with(func() { i.claims = func(c map[string]any) { c["email_verified"] = false } })
	refusal("sso-email-unverified", "second")
	i.with(func() { i.claims = func(c map[string]any) { delete(c, "email_verified") } })
	refusal("sso-email-unverified", "second")
	i.with(func() { i.claims = func(c map[string]any) { c["email"] = "OWNER@house.test" } })
	refusal("sso-administrator", "x")
	i.with(nil)
	b := h.browser(t)
	got := i.pass(t, b, "corp", "local")
	same(t, "the linked account", []string{got.get("login", "person", "id"), got.get("login", "person", "source")}, []string{local.id, "local"})
	if status := h.byPassword(t, "local@corp.test"); status != 200 {
		t.Errorf("the password of a linked account: %d", status)
	}
	i.with(func() {
		i.claims = func(c map[string]any) { c["email"], c["name"] = "moved@corp.test", "Another Name" }
	})
	got = i.pass(t, h.browser(t), "corp", "local")
	same(t, "a linked account keeps what it is", []string{got.get("login", "person", "email"), got.get("login", "person", "name")}, []string{"local@corp.test", "Local Person"})
	i.with(nil)

	settings(map[string]any{"create": false})
	refusal("sso-unknown", "stranger")
	settings(map[string]any{"only": "staff"})
	refusal("sso-group", "stranger")
	settings(map[string]any{"only": "Users"})
	if got := i.pass(t, h.browser(t), "corp", "stranger"); got.status != 200 {
		t.Errorf("a member: %d %s", got.status, got.body)
	}
	owner.must(t, "PATCH", "/api/people/"+local.id, `{"disabled":true}`, 200)
	refusal("disabled", "local")

	// The second step is asked here, unless the provider is trusted with it.
	totp := h.browser(t)
	settings(map[string]any{"linkByEmail": true})
	if got := i.pass(t, totp, "corp", "second"); got.status != 200 || got.get("login", "person", "id") != second.id {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	begun := second.must(t, "POST", "/api/factors/totp", "", 200)
	second.must(t, "POST", "/api/factors/totp/confirm", `{"code":"`+codeOf(t, begun.get("secret"))+`"}`, 200)
	got = i.pass(t, h.browser(t), "corp", "second")
	if got.status != 200 || got.get("login", "second", "ticket") == "" || got.get("login", "csrf") != "" {
		t.Errorf("no second step is asked: %s", got.body)
	}
	settings(map[string]any{"linkByEmail": true, "trustSecondStep": true})
	b = h.browser(t)
	if got := i.pass(t, b, "corp", "second"); got.get("login", "csrf") == "" || b.signedIn(t) != "second@corp.test" {
		t.Errorf("a trusted provider: %s", got.body)
	}

	// A secret does not follow to another address.
	body, _ := json.Marshal(map[string]any{"settings": map[string]any{"issuer": "https://evil.test", "clientId": "chatets"}})
	if got := owner.must(t, "PATCH", "/api/sso/"+id, string(body), 422); !strings.Contains(got.body, "body.secret") {
		t.Errorf("got %s", got.body)
	}
}

func TestTheTestOfAProvider(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	i := newIssuer(t)
	steps := func(id string) (string, answer) {
		got := owner.must(t, "POST", "/api/sso/"+id+"/test", "", 200)
		var names []string
		for _, s := range got.fields.(map[string]any)["steps"].([]any) {
			step := s.(map[string]any)
			mark := "-"
			if step["ok"] == true {
				mark = "+"
			}
			names = append(names, mark+step["name"].(string))
		}
		return strings.Join(names, " "), got
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	for _, tt := range []struct {
		name, secret, want, cure string
		settings                 map[string]any
		set                      func()
	}{
		{"good", "s3cret", "+address +discovery +keys +client +register", "", nil, nil},
		{"wrong secret", "other", "+address +discovery +keys -client", "secret", nil, nil},
		{"another issuer", "s3cret", "+address -discovery", "exactly", map[string]any{"issuer": i.URL + "/"}, nil},
		{"certificate", "s3cret", "+address -discovery", "authority", map[string]any{"issuer": secure.URL}, nil},
		{"nobody there", "s3cret", "+address -discovery", "runs", map[string]any{"issuer": "http://127.0.0.1:1"}, nil},
		{"HTML", "s3cret", "+address -discovery", "page for people", nil, func() {
			i.handler = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte("<html>"))
			}
		}},
	} {
		i.with(tt.set)
		id := owner.provider(t, "oidc", strings.ReplaceAll(strings.ToLower(tt.name), " ", "-"), tt.secret, oidcSettings(i, tt.settings))
		line, got := steps(id)
		if line != tt.want || !strings.Contains(got.body, tt.cure) {
			t.Errorf("%s: got %s, want %s with %q in %s", tt.name, line, tt.want, tt.cure, got.body)
		}
	}
	i.with(nil)

	// A sign-in on trial lets nobody in and shows each step.
	b := h.browser(t)
	login := b.send(t, "POST", "/api/auth/login", map[string]any{"email": "owner@house.test", "password": password, "cookie": true})
	b.csrf = login.get("csrf")
	at := b.start(t, "good", map[string]any{"trial": true})
	same(t, "asks for the password again", at.Query().Get("prompt"), "login")
	back := i.grant(at, "anna")
	if got := b.land(t, b.send(t, "GET", back.String(), nil).header.Get("Location")); got.status != 200 || got.get("return") != "/admin/sso" || strings.Contains(got.body, "login\"") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	same(t, "who is signed in", b.signedIn(t), "owner@house.test")
	list := owner.must(t, "GET", "/api/sso", "", 200)
	if !strings.Contains(list.body, "would get a new account") || strings.Contains(owner.must(t, "GET", "/api/people?everyone=true", "", 200).body, "anna@corp.test") {
		t.Errorf("the trial: %s", list.body)
	}
	stranger := h.browser(t)
	if got := stranger.send(t, "POST", "/api/auth/sso/good", map[string]any{"trial": true}); got.status != 401 {
		t.Errorf("a stranger may try: %d", got.status)
	}
}
