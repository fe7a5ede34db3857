package login

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/web"
)

const good = "correct horse battery staple"

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// house is logins, accounts, settings and the record behind one real door.
type house struct {
	db      *sqlite.DB
	log     *audit.Log
	logins  *Logins
	clock   *clock
	base    string
	socket  string
	revoked *words
}

// words is a list that many may add to.
type words struct {
	mu   sync.Mutex
	list []string
}

func (w *words) add(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, s)
}

func (w *words) has(s string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.list, s)
}

func (w *words) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = nil
}

func start(t *testing.T) *house {
	t.Helper()
	h := &house{clock: &clock{now: time.Now()}, revoked: &words{}}
	var err error
	if h.db, err = sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Keys: sqlitetest.Keys(), Now: h.clock.Now, Version: "test"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	if err := h.db.Migrate(t.Context(), audit.Migrations, setting.Migrations, account.Migrations, Migrations); err != nil {
		t.Fatal(err)
	}
	h.open(t)
	return h
}

// open builds everything on the database, as a start of the service does.
func (h *house) open(t *testing.T) {
	t.Helper()
	keys, err := secret.New(make([]byte, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	if h.log, err = audit.New(h.db, keys, h.clock.Now); err != nil {
		t.Fatal(err)
	}
	settings, err := setting.New(t.Context(), h.db, h.log, h.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	accounts := account.New(h.db, h.log)
	if err := accounts.EnsureFirst(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "chatets") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h.socket = filepath.Join(dir, "s")
	server := web.New(web.Config{
		Listen: "127.0.0.1:0", Socket: h.socket, TrustedProxies: []string{"127.0.0.1"}, CSRFKey: make([]byte, 32),
		UI: fstest.MapFS{"index.html": {Data: []byte(`<!doctype html><html><head><title>ChatETS</title></head><body></body></html>`)}},
	})
	h.logins = New(Config{
		DB: h.db, Audit: h.log, Accounts: accounts, Settings: settings, Keys: keys, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: h.clock.Now,
		Cost: Cost{Memory: 64, Time: 1, Threads: 1}, Revoked: func(id string) { h.revoked.add(id); server.Revoked(id) },
	})
	server.UseAuthenticator(h.logins)
	server.UseOperator(h.logins.Operator)
	server.UseBootstrap(h.logins.Bootstrap)
	h.log.Routes(server.API)
	settings.Routes(server.API)
	accounts.Routes(server.API, server.Hub)
	h.logins.Routes(server.API, server.Hub)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("serve: %v", err)
		}
	})
	select {
	case <-server.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	h.base = "http://" + server.Addr()
}

// visitor is somebody at the door, with a bearer token, a cookie, or nothing.
type visitor struct {
	house        *house
	id, email    string
	token        string // sent as Authorization
	cookie, csrf string // sent as a browser does
	address      string // where from, "" = 192.0.2.1
	socket       bool   // over the Unix socket
	owner        string // X-Chatets-Owner on the socket
}

func (h *house) visitor() *visitor  { return &visitor{house: h} }
func (h *house) operator() *visitor { return &visitor{house: h, socket: true} }

// from is the same person at another address.
func (v *visitor) from(address string) *visitor {
	c := *v
	c.address = address
	return &c
}

type answer struct {
	status int
	body   string
	header http.Header
	fields any
}

// ask sends "METHOD /path" and never fails the test for the status.
func (v *visitor) ask(t *testing.T, route, body string) answer {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	client, base := http.DefaultClient, v.house.base
	if v.socket {
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", v.house.socket)
		}
		client, base = &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, "http://localhost"
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	set := func(name, value string) {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if body != "" {
		set("Content-Type", "application/json")
	}
	set("X-Forwarded-For", v.address)
	if v.address == "" {
		set("X-Forwarded-For", "192.0.2.1")
	}
	set("X-Chatets-Owner", v.owner)
	if v.token != "" {
		set("Authorization", "Bearer "+v.token)
	}
	if v.cookie != "" {
		req.AddCookie(&http.Cookie{Name: "chatets", Value: v.cookie})
		set("X-CSRF-Token", v.csrf)
		set("Sec-Fetch-Site", "same-origin")
	}
	res, err := client.Do(req)
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
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(&got.fields); err != nil {
			t.Fatalf("%s: the answer is no JSON: %s", route, text)
		}
	}
	// Whatever the route: what protects people is never told. No word here can
	// come up by chance in a token.
	for _, inside := range []string{"$argon2", "$v=", "sql logic", "constraint failed", "external_id", "external id", ".go:", "goroutine "} {
		if strings.Contains(strings.ToLower(got.body), inside) {
			t.Errorf("%s: the answer tells %q: %s", route, inside, got.body)
		}
	}
	return got
}

func (v *visitor) must(t *testing.T, route, body string, status int, holds ...string) answer {
	t.Helper()
	got := v.ask(t, route, body)
	if got.status != status {
		t.Fatalf("%s: got %d, want %d: %s", route, got.status, status, got.body)
	}
	for _, want := range holds {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s: the answer misses %q: %s", route, want, got.body)
		}
	}
	return got
}

// get follows names and list positions into the answer; "" where there is
// nothing.
func (a answer) get(path ...string) string {
	at := a.fields
	for _, name := range path {
		switch value := at.(type) {
		case map[string]any:
			at = value[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(value) {
				return ""
			}
			at = value[i]
		}
	}
	switch value := at.(type) {
	case string:
		return value
	case nil:
		return ""
	default:
		text, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(text)
	}
}

func object(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// setUp makes the first owner, signed in with a bearer token.
func (h *house) setUp(t *testing.T) *visitor {
	t.Helper()
	token, needed, err := h.logins.SetupToken(t.Context())
	if err != nil || !needed {
		t.Fatalf("set-up token: needed %v, error %v", needed, err)
	}
	got := h.visitor().must(t, "POST /api/setup", object("token", token, "email", "olga@house.test", "name", "Olga Owner", "password", good), 200)
	v := &visitor{house: h, id: got.get("person", "id"), email: "olga@house.test"}
	v.signIn(t)
	return v
}

// person adds somebody to the workspace of by; more is JSON to add to the body.
func (h *house) person(t *testing.T, by *visitor, email, name, more string) *visitor {
	t.Helper()
	body := strings.TrimSuffix(object("email", email, "name", name, "password", good), "}") + more + "}"
	v := &visitor{house: h, id: by.must(t, "POST /api/people", body, 201).get("id"), email: email}
	v.signIn(t)
	return v
}

func (v *visitor) signIn(t *testing.T) {
	t.Helper()
	v.cookie, v.csrf = "", ""
	v.token = ""
	v.token = v.must(t, "POST /api/auth/login", object("email", v.email, "password", good), 200).get("token")
}

// browse signs in as a browser does.
func (v *visitor) browse(t *testing.T) *visitor {
	t.Helper()
	b := &visitor{house: v.house, id: v.id, email: v.email, address: v.address}
	got := b.must(t, "POST /api/auth/login", `{"cookie":true,"email":"`+v.email+`","password":"`+good+`"}`, 200)
	b.csrf, b.cookie = got.get("csrf"), cookie(t, got)
	return b
}

// cookie is the session cookie an answer sets.
func cookie(t *testing.T, a answer) string {
	t.Helper()
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == "chatets" {
			if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" {
				t.Errorf("the cookie is not closed: %s", c)
			}
			return c.Value
		}
	}
	t.Fatalf("no cookie in %v", a.header)
	return ""
}

// record lists the acts of a kind as "actor outcome detail", oldest first.
func (h *house) record(t *testing.T, act string) []string {
	t.Helper()
	rows, err := h.db.Read().QueryContext(t.Context(), `SELECT actor, object, outcome, detail FROM audit WHERE act = ? ORDER BY row`, act)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var who, what, outcome, detail string
		if err := rows.Scan(&who, &what, &outcome, &detail); err != nil {
			t.Fatal(err)
		}
		list = append(list, strings.Join([]string{who, what, outcome, detail}, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
