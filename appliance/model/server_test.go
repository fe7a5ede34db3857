package model_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/inference/inferencetest"
	"chatets/appliance/job"
	"chatets/appliance/model"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite/sqlitetest"
)

func TestMigration(t *testing.T) {
	t.Parallel()
	sqlitetest.UpDownUp(t, audit.Migrations, setting.Migrations, job.Migrations, account.Migrations, model.Migrations)
}

// TestServerValues refuses what can be no server, names the field, and adds
// nothing.
func TestServerValues(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	own := h.base
	fake := inferencetest.NewTLS(t)
	for _, tt := range []struct {
		name, url string
		more      []string
		field     string
	}{
		{"nothing", "", nil, "body.url"},
		{"a word", "not an address", nil, "body.url"},
		{"another scheme", "ftp://10.1.2.3", nil, "body.url"},
		{"a file", "file:///etc/passwd", nil, "body.url"},
		{"no host", "http://", nil, "body.url"},
		{"no host but a port", "http://:11434", nil, "body.url"},
		{"a password", "http://ada:hush-hush@10.1.2.3:11434", nil, "body.url"},
		{"a query", "http://10.1.2.3:11434/?a=1", nil, "body.url"},
		{"a fragment", "http://10.1.2.3:11434/#x", nil, "body.url"},
		{"no port behind the colon", "http://10.1.2.3:", nil, "body.url"},
		{"port 0", "http://10.1.2.3:0", nil, "body.url"},
		{"port 70000", "http://10.1.2.3:70000", nil, "body.url"},
		{"a line break", "http://10.1.2.3\r\nX: y", nil, "body.url"},
		{"link-local", "http://169.254.169.254", nil, "body.url"},
		{"link-local of IPv6", "http://[fe80::1]:11434", nil, "body.url"},
		{"no machine", "http://0.0.0.0:11434", nil, "body.url"},
		{"many machines", "http://224.0.0.1:11434", nil, "body.url"},
		{"ChatETS itself", own, nil, "body.url"},
		{"ChatETS itself by name", strings.Replace(own, "127.0.0.1", "localhost", 1), nil, "body.url"},
		{"an unknown kind", "http://10.1.2.3", []string{"kind", "gopher"}, "body.kind"},
		{"no name", "http://10.1.2.3", []string{"name", " "}, "body.name"},
		{"a token with a line break", "http://10.1.2.3", []string{"token", "opensesame\ndef"}, "body.token"},
		{"no certificate", "https://10.1.2.3", []string{"ca", "hello"}, "body.ca"},
		{"a broken certificate", "https://10.1.2.3", []string{"ca", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "body.ca"},
		{"a private key", "https://10.1.2.3", []string{"ca", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"}, "body.ca"},
		{"a certificate without https", "http://10.1.2.3", []string{"ca", fake.CA}, "body.ca"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := object(append([]string{"name", "One", "kind", "ollama", "url", tt.url}, tt.more...)...)
			got := ada.must(t, "POST /api/servers", body, 422)
			if !strings.Contains(got.body, `"`+tt.field+`"`) {
				t.Errorf("the answer does not name %s: %s", tt.field, got.body)
			}
			if strings.Contains(got.body, "opensesame") || strings.Contains(got.body, "hush-hush") {
				t.Errorf("the answer gives back what is secret: %s", got.body)
			}
		})
	}
	if n := h.count(t, `SELECT count(*) FROM server`); n != 0 {
		t.Errorf("%d servers were added", n)
	}
}

// TestServerAddress keeps an address in one form.
func TestServerAddress(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	for i, tt := range []struct{ given, want string }{
		{"http://10.1.2.3:11434/", "http://10.1.2.3:11434"},
		{"10.1.2.3:11435", "http://10.1.2.3:11435"},
		{"HTTPS://LLM.Hospital.Example:443", "https://llm.hospital.example"},
		{" http://10.1.2.3:80/proxy//llm/ ", "http://10.1.2.3/proxy/llm"},
		{"http://[fd00::1]:11434", "http://[fd00::1]:11434"},
	} {
		got := ada.must(t, "POST /api/servers", object("name", "Server "+string(rune('A'+i)), "kind", "openai", "url", tt.given), 201)
		if got.get("url") != tt.want {
			t.Errorf("%q is kept as %q, want %q", tt.given, got.get("url"), tt.want)
		}
	}
}

// TestServersAreForAdministrators lets nobody else near them.
func TestServersAreForAdministrators(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.New(t, "fake:say=plain")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	stranger := &visitor{house: h}
	for _, v := range []*visitor{h.person(t, "Gus", actor.Guest), h.person(t, "Mia", actor.Member), h.person(t, "Wanda", actor.Admin), stranger} {
		want := 403
		if v == stranger {
			want = 401
		}
		for _, r := range []struct{ route, body string }{
			{"GET /api/servers", ""}, {"GET /api/servers/" + id, ""}, {"GET /api/servers/" + id + "/health", ""}, {"GET /api/servers/detected", ""},
			{"POST /api/servers", object("name", "Two", "kind", "ollama", "url", fake.URL)}, {"PATCH /api/servers/" + id, `{"enabled":false}`},
			{"POST /api/servers/test", object("kind", "ollama", "url", fake.URL)}, {"POST /api/servers/" + id + "/test", `{}`},
			{"POST /api/servers/" + id + "/refresh", ""}, {"POST /api/servers/" + id + "/load", object("model", "fake:say=plain")},
			{"POST /api/servers/" + id + "/unload", object("model", "fake:say=plain")}, {"DELETE /api/servers/" + id + "/models?name=x", ""},
			{"POST /api/servers/" + id + "/import", object("file", "a.gguf", "name", "a")}, {"DELETE /api/servers/" + id, ""},
			{"GET /api/models/files", ""}, {"PUT /api/models/files/a.gguf", "GGUF\x03\x00\x00\x00"}, {"DELETE /api/models/files/a.gguf", ""},
			{"PATCH /api/models/x", `{"enabled":false}`}, {"GET /api/models?all=true", ""},
		} {
			v.must(t, r.route, r.body, want)
		}
	}
	if got := ada.must(t, "GET /api/servers", "", 200); got.names() != "Ward" || got.get("items", "0", "enabled") != "true" {
		t.Errorf("somebody changed something: %s", got.body)
	}
}

// TestServerLife adds, changes and removes a server; each act is recorded, and
// the token is nowhere to be read.
func TestServerLife(t *testing.T) {
	t.Parallel()
	const token, second = "tok-first-7351", "tok-second-9264"
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.New(t, "fake:say=plain", "fake:embed=8")
	fake.Token(token)
	answers := ""
	note := func(a answer) answer { answers += a.body; return a }

	id := ada.server(t, "Ward", "ollama", fake.URL, "token", token)
	got := note(ada.must(t, "GET /api/servers/"+id, "", 200))
	for field, want := range map[string]string{"name": "Ward", "kind": "ollama", "url": fake.URL, "hasToken": "true", "hasCa": "false", "enabled": "true",
		"state": "ok", "flavour": "ollama", "models": "2"} {
		if got.get(field) != want {
			t.Errorf("%s: got %q, want %q", field, got.get(field), want)
		}
	}
	note(ada.must(t, "GET /api/servers", "", 200, `"Ward"`))
	note(ada.must(t, "POST /api/servers", object("name", "WARD", "kind", "openai", "url", fake.URL, "token", token), 409, "name-taken"))

	// A token goes to the server it was entered for and to no other.
	other := inferencetest.New(t, "fake:say=plain")
	note(ada.must(t, "PATCH /api/servers/"+id, object("url", other.URL), 422, "body.token"))
	if len(other.Requests()) != 0 {
		t.Error("another server was asked with the token")
	}
	// A wrong token is told, with what to do.
	note(ada.must(t, "PATCH /api/servers/"+id, object("token", second), 200))
	got = note(ada.until(t, "GET /api/servers/"+id, func(a answer) bool { return a.get("state") == "down" }))
	if got.get("why") == "" || got.get("cure") == "" {
		t.Errorf("nobody says what is wrong: %s", got.body)
	}
	note(ada.must(t, "PATCH /api/servers/"+id, object("name", "Ward 2", "token", token), 200, `"Ward 2"`))
	ada.until(t, "GET /api/servers/"+id, func(a answer) bool { return a.get("state") == "ok" })
	note(ada.must(t, "PATCH /api/servers/"+id, `{}`, 200))
	note(ada.must(t, "PATCH /api/servers/"+id, `{"slots":1000}`, 422))
	note(ada.must(t, "PATCH /api/servers/nothing", `{"slots":1}`, 404))

	// Switched off, nothing goes there, and its models say so.
	note(ada.must(t, "PATCH /api/servers/"+id, `{"enabled":false}`, 200))
	if rules := h.gate.Rules(); len(rules) != 0 {
		t.Errorf("the gate is still open: %v", rules)
	}
	got = note(ada.must(t, "GET /api/models", "", 200))
	if one := got.model("fake:say=plain"); one.get("available") != "false" || !strings.Contains(one.get("why"), "switched off") {
		t.Errorf("a model of a server that is off: %s", got.body)
	}
	note(ada.must(t, "POST /api/servers/"+id+"/refresh", "", 409))
	note(ada.must(t, "PATCH /api/servers/"+id, `{"enabled":true}`, 200))
	ada.until(t, "GET /api/servers/"+id, func(a answer) bool { return a.get("state") == "ok" })

	ada.must(t, "DELETE /api/servers/"+id, "", 204)
	ada.must(t, "DELETE /api/servers/"+id, "", 404)
	note(ada.must(t, "GET /api/servers/"+id, "", 404))
	if rules := h.gate.Rules(); len(rules) != 0 {
		t.Errorf("the gate is still open after the removal: %v", rules)
	}
	if n := h.count(t, `SELECT (SELECT count(*) FROM model) + (SELECT count(*) FROM model_place) + (SELECT count(*) FROM server_health)`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	for act, want := range map[string]int{"server.add": 1, "server.change": 4, "server.remove": 1} {
		list := h.recorded(t, act)
		if len(list) != want {
			t.Errorf("%s was recorded %d times, want %d: %v", act, len(list), want, list)
		}
		for _, entry := range list {
			if !strings.HasPrefix(entry, ada.id+" ok "+id) {
				t.Errorf("%s: %s", act, entry)
			}
		}
	}
	h.secret(t, answers, token, second)
}

// secret fails when one of the words stands in the answers, the log, or any
// table.
func (h *house) secret(t *testing.T, answers string, words ...string) {
	t.Helper()
	rows, err := h.db.Read().QueryContext(t.Context(), `SELECT act || ' ' || object || ' ' || detail FROM audit UNION ALL SELECT payload || note || error FROM job
		UNION ALL SELECT value FROM setting UNION ALL SELECT CAST(coalesce(token, '') AS TEXT) || url || ca FROM server`)
	check(t, err)
	defer rows.Close()
	tables := ""
	for rows.Next() {
		var s string
		check(t, rows.Scan(&s))
		tables += s
	}
	check(t, rows.Err())
	for _, word := range words {
		for place, text := range map[string]string{"an answer": answers, "the log": h.logged.String(), "a table": tables} {
			if strings.Contains(text, word) {
				t.Errorf("the token stands in %s", place)
			}
		}
	}
}

// TestServerStates names what is wrong with a server, with a cure.
func TestServerStates(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><body>Welcome to the proxy</body></html>"))
	}))
	t.Cleanup(html.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	dead := "http://" + closed.Addr().String()
	check(t, closed.Close())
	secure, stranger := inferencetest.NewTLS(t, "fake:say=plain"), inferencetest.NewTLS(t, "fake:say=plain")
	locked := inferencetest.New(t, "fake:say=plain")
	locked.Token("the-right-one")
	for _, tt := range []struct {
		name, kind, url string
		more            []string
		state           string
	}{
		{"Well", "ollama", inferencetest.New(t, "fake:say=plain").URL, nil, "ok"},
		{"Well OpenAI", "openai", inferencetest.New(t, "fake:say=plain").URL, nil, "ok"},
		{"Well LM Studio", "openai", inferencetest.NewFlavour(t, inferencetest.LMStudio, "fake:say=plain").URL, nil, "ok"},
		{"Well llama.cpp", "openai", inferencetest.NewFlavour(t, inferencetest.LlamaCpp, "fake:say=plain").URL, nil, "ok"},
		{"Well Anthropic", "anthropic", inferencetest.New(t, "fake:say=plain").URL, nil, "ok"},
		{"Own CA", "ollama", secure.URL, []string{"ca", secure.CA}, "ok"},
		{"No CA", "ollama", secure.URL, nil, "down"},
		{"Wrong CA", "ollama", secure.URL, []string{"ca", stranger.CA}, "down"},
		{"Dead", "ollama", dead, nil, "down"},
		{"HTML", "ollama", html.URL, nil, "down"},
		{"HTML for OpenAI", "openai", html.URL, nil, "down"},
		{"No token", "ollama", locked.URL, nil, "down"},
		{"Wrong token", "openai", locked.URL, []string{"token", "another"}, "down"},
		{"Right token", "openai", locked.URL, []string{"token", "the-right-one"}, "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := ada.server(t, tt.name, tt.kind, tt.url, tt.more...)
			got := ada.must(t, "GET /api/servers/"+id, "", 200)
			if got.get("state") != tt.state {
				t.Fatalf("got %s, want %s: %s", got.get("state"), tt.state, got.body)
			}
			if wrong := got.get("why") != "" && got.get("cure") != ""; wrong != (tt.state == "down") {
				t.Errorf("why %q, cure %q", got.get("why"), got.get("cure"))
			}
			history := ada.must(t, "GET /api/servers/"+id+"/health", "", 200)
			if history.get("items", "0", "state") != tt.state || history.at("items", "1") != nil {
				t.Errorf("history: %s", history.body)
			}
		})
	}
}

// TestHealthTurns follows a server that goes and comes back, and does so while
// another one never answers.
func TestHealthTurns(t *testing.T) {
	t.Parallel()
	h := start(t, hasty)
	ada := h.admin(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	check(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	ada.must(t, "POST /api/servers", object("name", "Silent", "kind", "ollama", "url", "http://"+silent.Addr().String()), 201)

	fake := inferencetest.New(t, "fake:say=plain")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	state := func(want string) answer {
		t.Helper()
		return ada.until(t, "GET /api/servers/"+id, func(a answer) bool { return a.get("state") == want })
	}
	since := state("ok").get("since")
	if got := ada.must(t, "GET /api/models", "", 200); got.get("generation") != "ready" || got.model("fake:say=plain").get("available") != "true" {
		t.Errorf("with a server: %s", got.body)
	}
	h.mu.Lock()
	h.notices = nil
	h.mu.Unlock()
	fake.Down()
	state("down")
	if got := ada.must(t, "GET /api/models", "", 200); got.get("generation") != "down" || got.model("fake:say=plain").get("available") != "false" {
		t.Errorf("without its server: %s", got.body)
	}
	check(t, fake.Up())
	if again := state("ok"); again.get("since") == since {
		t.Error("it is well since before it was down")
	}
	history := ada.must(t, "GET /api/servers/"+id+"/health?limit=2", "", 200)
	if history.get("items", "0", "state") != "ok" || history.get("items", "1", "state") != "down" || history.get("next") == "" {
		t.Fatalf("history: %s", history.body)
	}
	rest := ada.must(t, "GET /api/servers/"+id+"/health?limit=2&cursor="+history.get("next"), "", 200)
	if rest.get("items", "0", "state") != "ok" || rest.at("items", "1") != nil {
		t.Errorf("the rest of the history: %s", rest.body)
	}
	ada.must(t, "GET /api/servers/"+id+"/health?cursor=x", "", 422)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, want := range []string{h.main.ID + "//servers/", h.main.ID + "//models/", "//servers/"} {
		if !slices.Contains(h.notices, want) {
			t.Errorf("no notice %q in %v", want, h.notices)
		}
	}
}

// TestRestart opens the same data again: everything is as it was.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startIn(t, dir)
	ada := h.admin(t)
	fake := inferencetest.NewTLS(t, "fake:say=plain")
	fake.Token("sesame-5512")
	id := ada.server(t, "Ward", "ollama", fake.URL, "token", "sesame-5512", "ca", fake.CA)
	before := ada.must(t, "GET /api/servers/"+id, "", 200)
	one := ada.must(t, "GET /api/models?all=true", "", 200).model("fake:say=plain")
	ada.must(t, "PATCH /api/models/"+one.get("id"), `{"label":"Ward model","aliases":["ward"],"everyone":false,"access":[{"kind":"person","id":"`+ada.id+`"}],"context":4096,"default":true}`, 200)
	h.stop()

	h2 := startIn(t, dir)
	ada2 := &visitor{house: h2, id: ada.id, token: ada.token}
	after := ada2.until(t, "GET /api/servers/"+id, func(a answer) bool { return a.get("state") == "ok" })
	for _, field := range []string{"name", "url", "hasToken", "hasCa", "flavour", "version", "since", "createdAt"} {
		if after.get(field) != before.get(field) {
			t.Errorf("%s: got %q, want %q", field, after.get(field), before.get(field))
		}
	}
	got := ada2.must(t, "GET /api/models?all=true", "", 200).model("fake:say=plain")
	for path, want := range map[string]string{"label": "Ward model", "context": "4096", "default": "true", "available": "true"} {
		if got.get(path) != want {
			t.Errorf("%s: got %q, want %q", path, got.get(path), want)
		}
	}
	if got.get("aliases", "0") != "ward" || got.get("manage", "everyone") != "false" || got.get("manage", "access", "0", "id") != ada.id {
		t.Errorf("the model after the restart: %v", got.fields)
	}
}

// TestServerOfAnotherKey keeps a server whose token cannot be opened, says so,
// and keeps the others going.
func TestServerOfAnotherKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startIn(t, dir)
	ada := h.admin(t)
	fake := inferencetest.New(t, "fake:say=plain")
	broken := ada.server(t, "Broken", "ollama", fake.URL, "token", "abc")
	well := ada.server(t, "Well", "ollama", fake.URL)
	h.spoil(t, broken)
	h.stop()
	h2 := startIn(t, dir)
	ada2 := &visitor{house: h2, id: ada.id, token: ada.token}
	ada2.until(t, "GET /api/servers/"+well, func(a answer) bool { return a.get("state") == "ok" })
	got := ada2.must(t, "GET /api/servers/"+broken, "", 200)
	if got.get("state") != "down" || !strings.Contains(got.get("why"), "token") {
		t.Errorf("a token of another key: %s", got.body)
	}
	ada2.must(t, "POST /api/servers/"+broken+"/refresh", "", 409)
	ada2.must(t, "PATCH /api/servers/"+broken, object("token", "abc"), 200)
	ada2.until(t, "GET /api/servers/"+broken, func(a answer) bool { return a.get("state") == "ok" })
}

// TestHealthIsBounded keeps the last 200 changes of a server.
func TestHealthIsBounded(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *model.Config) { c.Probe, c.Down = time.Hour, time.Hour })
	ada := h.admin(t)
	fake := inferencetest.New(t, "fake:say=plain")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	h.history(t, id, 300)
	fake.Down()
	ada.must(t, "POST /api/servers/"+id+"/refresh", "", 503)
	if n := h.count(t, `SELECT count(*) FROM server_health WHERE server = ?`, id); n != 200 {
		t.Errorf("%d changes are kept, want 200", n)
	}
}
