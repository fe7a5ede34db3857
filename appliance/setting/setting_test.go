package setting_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/web"
)

// house is a set of settings with its door.
type house struct {
	db       *sqlite.DB
	settings *setting.Settings
	hours    *setting.Value[int]
	floor    *setting.Value[float64]
	names    *setting.Value[[]string]
	base     string
}

func start(t *testing.T) *house {
	t.Helper()
	h := &house{db: sqlitetest.Open(t, audit.Migrations, setting.Migrations)}
	h.reopen(t)
	h.serve(t)
	return h
}

// reopen is what a restart does.
func (h *house) reopen(t *testing.T) {
	t.Helper()
	keys, err := secret.New(make([]byte, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(h.db, keys, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if h.settings, err = setting.New(t.Context(), h.db, log, time.Now); err != nil {
		t.Fatal(err)
	}
	h.hours = setting.Declare(h.settings, setting.Key[int]{Name: "login.sessionHours", Default: 12, Help: "Hours.", Check: setting.Between(1, 720)})
	h.floor = setting.Declare(h.settings, setting.Key[float64]{Name: "retrieval.floor", Default: 0.25, Help: "Floor."})
	h.names = setting.Declare(h.settings, setting.Key[[]string]{Name: "test.names", Default: []string{"a"}, Help: "Names."})
}

type people map[string]actor.Actor

func (p people) Authenticate(_ context.Context, token, _ string) (web.Identity, error) {
	a, ok := p[token]
	if !ok {
		return web.Identity{}, fault.New(fault.Unauthenticated, "You are not signed in.")
	}
	return web.Identity{Actor: a, Expires: time.Now().Add(time.Hour)}, nil
}

func (h *house) serve(t *testing.T) {
	t.Helper()
	s := web.New(web.Config{Listen: "127.0.0.1:0", CSRFKey: make([]byte, 32)})
	s.UseAuthenticator(people{
		"olga": {Kind: actor.Person, ID: "olga", Role: actor.Owner, Workspace: "w", Session: "s1"},
		"adam": {Kind: actor.Person, ID: "adam", Role: actor.Admin, Workspace: "w", Session: "s2"},
		"andy": {Kind: actor.Person, ID: "andy", Role: actor.Auditor, Workspace: "w", Session: "s3"},
		"mary": {Kind: actor.Person, ID: "mary", Workspace: "w", WorkspaceRole: actor.Admin, Session: "s4"},
	})
	h.settings.Routes(s.API)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("serve: %v", err)
		}
	})
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	h.base = "http://" + s.Addr()
}

// ask sends "METHOD /path" as somebody.
func (h *house) ask(t *testing.T, who, route, body string) (int, string) {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, h.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		req.Header.Set("Authorization", "Bearer "+who)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (h *house) must(t *testing.T, who, route, body string, status int, holds ...string) string {
	t.Helper()
	got, text := h.ask(t, who, route, body)
	if got != status {
		t.Fatalf("%s as %s with %s: got %d, want %d: %s", route, who, body, got, status, text)
	}
	for _, want := range holds {
		if !strings.Contains(text, want) {
			t.Errorf("%s as %s with %s: the answer misses %s: %s", route, who, body, want, text)
		}
	}
	return text
}

const hours = "/api/settings/login.sessionHours"

func TestChangeAndRollBack(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.must(t, "andy", "GET /api/settings", "", 200, `"key":"login.sessionHours"`, `"value":12`, `"default":12`, `"help":"Hours."`, `"version":0`, `"key":"retrieval.floor"`)
	h.must(t, "adam", "PUT "+hours, `{"value":8}`, 200, `"value":8`, `"default":12`, `"version":1`, `"changedBy":"adam"`, `"changedAt":"`)
	if got := h.hours.Get(t.Context()); got != 8 {
		t.Errorf("the owner of the setting gets %d, want 8", got)
	}
	h.must(t, "olga", "PUT "+hours, `{"value":24,"version":1}`, 200, `"version":2`)
	h.must(t, "adam", "PUT "+hours, `{"value":6,"version":1}`, 409, `"code":"setting-changed"`)
	h.must(t, "adam", "PUT "+hours, `{"value":24}`, 200, `"version":2`) // nothing to change
	h.must(t, "adam", "PUT "+hours, `{"value":8}`, 200, `"version":3`)  // roll back
	text := h.must(t, "andy", "GET "+hours+"/history", "", 200, `"next":""`)
	var past web.Page[setting.SettingVersion]
	if err := json.Unmarshal([]byte(text), &past); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range past.Items {
		got = append(got, fmt.Sprint(v.Version, " ", v.Value, " ", v.ChangedBy))
	}
	if want := "3 8 adam, 2 24 olga, 1 8 adam"; strings.Join(got, ", ") != want {
		t.Errorf("history: got %s, want %s", strings.Join(got, ", "), want)
	}
	h.must(t, "andy", "GET "+hours+"/history?limit=2", "", 200, `"next":"2"`)
	rest := h.must(t, "andy", "GET "+hours+"/history?limit=2&cursor=2", "", 200, `"version":1`, `"next":""`)
	if strings.Contains(rest, `"version":2`) {
		t.Errorf("the second page repeats the first: %s", rest)
	}
	h.reopen(t)
	if got := h.hours.Get(t.Context()); got != 8 {
		t.Errorf("after a restart: got %d, want 8", got)
	}
	var rows string
	const read = `SELECT group_concat(actor || ' ' || object || ' ' || outcome || ' ' || detail, '; ') FROM audit WHERE act = 'setting.change'`
	if err := h.db.Read().QueryRowContext(t.Context(), read).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	const want = `adam login.sessionHours ok {"version":1}; olga login.sessionHours ok {"version":2}; adam login.sessionHours ok {"version":3}`
	if rows != want {
		t.Errorf("audit\n got %s\nwant %s", rows, want)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, tt := range []struct {
		name, who, route, body string
		status                 int
		holds                  string
	}{
		{"a text for a number", "adam", "PUT " + hours, `{"value":"12"}`, 422, "Give a whole number."},
		{"a fraction for a whole number", "adam", "PUT " + hours, `{"value":1.5}`, 422, "Give a whole number."},
		{"too small", "adam", "PUT " + hours, `{"value":0}`, 422, "Give a number from 1 to 720."},
		{"too large", "adam", "PUT " + hours, `{"value":721}`, 422, `"field":"body.value"`},
		{"larger than any number", "adam", "PUT " + hours, `{"value":1e300}`, 422, "Give a whole number."},
		{"null", "adam", "PUT " + hours, `{"value":null}`, 422, "value"},
		{"no value", "adam", "PUT " + hours, `{}`, 422, "value"},
		{"an object for a list", "adam", "PUT /api/settings/test.names", `{"value":{}}`, 422, "Give a list."},
		{"an unknown field", "adam", "PUT " + hours, `{"value":1,"locked":true}`, 422, "locked"},
		{"an unknown setting", "adam", "PUT /api/settings/login.sessionDays", `{"value":1}`, 404, "There is no setting"},
		{"the history of an unknown setting", "andy", "GET /api/settings/nothing/history", "", 404, "There is no setting"},
		{"a made-up cursor", "andy", "GET " + hours + "/history?cursor=x", "", 422, "query.cursor"},
		{"an auditor who changes", "andy", "PUT " + hours, `{"value":1}`, 403, ""},
		{"a member who changes", "mary", "PUT " + hours, `{"value":1}`, 403, ""},
		{"a member who reads", "mary", "GET /api/settings", "", 403, ""},
		{"a member who reads the past", "mary", "GET " + hours + "/history", "", 403, ""},
		{"nobody", "", "GET /api/settings", "", 401, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := h.must(t, tt.who, tt.route, tt.body, tt.status, tt.holds)
			if strings.Contains(text, "sessionHours\",\"value") || strings.Contains(text, "json:") || strings.Contains(text, "Go ") {
				t.Errorf("the answer says too much: %s", text)
			}
		})
	}
	if got := h.hours.Get(t.Context()); got != 12 {
		t.Errorf("after refusals: got %d, want 12", got)
	}
	// The owner's own call is refused as well, and recorded.
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "mary", Workspace: "w"})
	if err := h.hours.Set(ctx, 3); !fault.Is(err, fault.Forbidden) {
		t.Errorf("got %v, want a refusal", err)
	}
	var refused int
	if err := h.db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM audit WHERE act = 'setting.change' AND outcome = 'refused' AND actor = 'mary'`).Scan(&refused); err != nil || refused != 1 {
		t.Errorf("got %d refusals recorded, error %v", refused, err)
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	h := start(t)
	if err := h.settings.Lock("login.sessionHours", json.RawMessage(`4`)); err != nil {
		t.Fatal(err)
	}
	h.must(t, "andy", "GET /api/settings", "", 200, `"value":4`, `"locked":true`)
	h.must(t, "olga", "PUT "+hours, `{"value":5}`, 409, `"code":"setting-locked"`, "configuration file")
	if got := h.hours.Get(t.Context()); got != 4 {
		t.Errorf("got %d, want 4", got)
	}
	for name, err := range map[string]error{
		"a value that does not fit": h.settings.Lock("login.sessionHours", json.RawMessage(`4000`)),
		"no JSON":                   h.settings.Lock("login.sessionHours", json.RawMessage(`four`)),
		"an unknown setting":        h.settings.Lock("login.days", json.RawMessage(`4`)),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestStricterRelease wants a value that this release refuses not to be in
// force, nor to keep ChatETS from starting.
func TestStricterRelease(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.must(t, "olga", "PUT "+hours, `{"value":700}`, 200)
	err := h.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO setting (key, version, value, owner, changed) VALUES ('login.sessionHours', 2, '9000', 'olga', 1), ('gone.key', 1, '1', 'olga', 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.reopen(t)
	if got := h.hours.Get(t.Context()); got != 12 {
		t.Errorf("got %d, want the default", got)
	}
	h.serve(t)
	if text := h.must(t, "andy", "GET /api/settings", "", 200, `"version":2`); strings.Contains(text, "gone.key") {
		t.Errorf("a setting nobody declares is listed: %s", text)
	}
	h.must(t, "andy", "GET /api/settings/gone.key/history", "", 404)
	h.must(t, "olga", "PUT "+hours, `{"value":10}`, 200, `"version":3`)
}

// TestManyAtOnce wants every change to be a version of its own.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	h := start(t)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			ctx := actor.With(t.Context(), actor.Actor{Kind: actor.System, ID: actor.SystemID})
			if err := h.hours.Set(ctx, 100+i); err != nil {
				t.Error(err)
			}
			h.hours.Get(ctx)
		})
	}
	wait.Wait()
	history, err := h.settings.History(t.Context(), "login.sessionHours", 1000, 100)
	if err != nil || len(history) != 20 || history[0].Version != 20 {
		t.Fatalf("got %d versions, error %v", len(history), err)
	}
	if got := fmt.Sprint(h.hours.Get(t.Context())); got != string(history[0].Value) {
		t.Errorf("in force is %s, the newest version is %s", got, history[0].Value)
	}
}

// The race detector watches: what one person reads is written while another changes it.
func TestReadWhileChanged(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.must(t, "olga", "PUT /api/settings/login.sessionHours", `{"value":20}`, 200)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 30 {
				h.must(t, "andy", "GET /api/settings", "", 200, "login.sessionHours")
			}
		})
	}
	for n := range 30 {
		h.must(t, "olga", "PUT /api/settings/login.sessionHours", fmt.Sprintf(`{"value":%d}`, 21+n), 200)
	}
	readers.Wait()
}

func TestDeclareMistakes(t *testing.T) {
	t.Parallel()
	h := start(t)
	for name, declare := range map[string]func(){
		"twice": func() { setting.Declare(h.settings, setting.Key[int]{Name: "login.sessionHours", Default: 1}) },
		"a default its check refuses": func() {
			setting.Declare(h.settings, setting.Key[int]{Name: "a.b", Default: 0, Check: setting.Between(1, 2)})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: nothing was said", name)
				}
			}()
			declare()
		}()
	}
}

func TestUpDownUp(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, setting.Migrations)
	schema := func() string {
		t.Helper()
		var text string
		const read = `SELECT coalesce(group_concat(sql, char(10)), '') FROM (SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%' ORDER BY name)`
		if err := db.Read().QueryRowContext(t.Context(), read).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := schema()
	if err := db.Down(t.Context(), 0, setting.Migrations); err != nil {
		t.Fatal(err)
	}
	if got := schema(); got != "" {
		t.Errorf("down leaves %s", got)
	}
	if err := db.Migrate(t.Context(), setting.Migrations); err != nil {
		t.Fatal(err)
	}
	if after := schema(); before != after || before == "" {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}
