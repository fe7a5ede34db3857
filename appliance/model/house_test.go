package model_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/model"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/web"
)

// instance is by which the house knows itself.
const instance = "instance-of-the-test"

// house is the room of models with everything it stands on, behind a real door.
type house struct {
	dir      string
	db       *sqlite.DB
	log      *audit.Log
	settings *setting.Settings
	accounts *account.Accounts
	gate     *egress.Gate
	queue    *job.Queue
	models   *model.Models
	base     string
	main     account.Workspace
	logged   *lines
	stop     func()

	mu      sync.Mutex
	notices []string
}

// lines keeps what was logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start opens a house that looks at its servers as often as in service.
func start(t testing.TB, change ...func(*model.Config)) *house {
	t.Helper()
	return startIn(t, t.TempDir(), change...)
}

// hasty lets a house look at its servers many times a second.
func hasty(c *model.Config) {
	c.Probe, c.Down, c.Discover = 30*time.Millisecond, 30*time.Millisecond, 60*time.Millisecond
}

func startIn(t testing.TB, dir string, change ...func(*model.Config)) *house {
	t.Helper()
	h := &house{dir: dir, logged: &lines{}}
	log := slog.New(slog.NewTextHandler(h.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	keys, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	check(t, err)
	h.db, err = sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Version: "test", Reserve: -1})
	check(t, err)
	check(t, h.db.Migrate(t.Context(), audit.Migrations, setting.Migrations, job.Migrations, account.Migrations, model.Migrations))
	h.log, err = audit.New(h.db, keys, time.Now)
	check(t, err)
	h.settings, err = setting.New(t.Context(), h.db, h.log, time.Now)
	check(t, err)
	h.accounts = account.New(h.db, h.log)
	check(t, h.accounts.EnsureFirst(t.Context()))
	h.main, err = h.accounts.First(t.Context())
	check(t, err)
	h.gate, err = egress.New(egress.Config{Log: log})
	check(t, err)
	h.queue = &job.Queue{DB: h.db, Log: log}
	server := web.New(web.Config{Listen: "127.0.0.1:0", Instance: instance, Log: log})
	c := model.Config{DB: h.db, Audit: h.log, Settings: h.settings, Accounts: h.accounts, Keys: keys, Gate: h.gate,
		Folder: filepath.Join(dir, "models"), Own: func() []string { return []string{server.Addr()} }, Instance: instance, Log: log,
		Notify: func(workspace, person, noun, id string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.notices = append(h.notices, workspace+"/"+person+"/"+noun+"/"+id)
		}}
	for _, f := range change {
		f(&c)
	}
	h.models = model.New(c)
	h.models.Jobs(h.queue)
	server.UseAuthenticator(h)
	h.models.Routes(server.API)
	h.settings.Routes(server.API)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Run(ctx) }()
	select {
	case <-server.Ready():
	case err := <-served:
		t.Fatalf("the server stopped at start: %v", err)
	}
	h.base = "http://" + server.Addr()
	check(t, h.models.Open(t.Context()))
	var work sync.WaitGroup
	work.Go(func() {
		if err := h.models.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	work.Go(func() { _ = h.queue.Run(ctx) })
	h.stop = sync.OnceFunc(func() {
		stop()
		work.Wait()
		if err := <-served; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("serve: %v", err)
		}
		check(t, h.db.Close())
	})
	t.Cleanup(h.stop)
	return h
}

// Authenticate knows the tokens of the test: person, "@", workspace.
func (h *house) Authenticate(ctx context.Context, token, address string) (web.Identity, error) {
	person, workspace, _ := strings.Cut(token, "@")
	m, err := h.accounts.Member(ctx, workspace, person)
	if err != nil {
		return web.Identity{}, fault.New(fault.Unauthenticated, "You are not signed in.")
	}
	return web.Identity{Actor: actor.Actor{Kind: actor.Person, ID: person, Workspace: workspace, Role: m.Person.Role, WorkspaceRole: m.Person.WorkspaceRole,
		Groups: m.Groups, Session: "s-" + person, Address: address}}, nil
}

// system is a context in which everything may be set up.
func (h *house) system() context.Context {
	return actor.With(context.Background(), actor.Actor{Kind: actor.System, ID: actor.SystemID, Workspace: h.main.ID})
}

// person adds somebody to a workspace and returns them signed in.
func (h *house) person(t testing.TB, name string, role actor.Role, installation ...actor.Role) *visitor {
	t.Helper()
	return h.personIn(t, name, h.main, role, installation...)
}

func (h *house) personIn(t testing.TB, name string, workspace account.Workspace, role actor.Role, installation ...actor.Role) *visitor {
	t.Helper()
	n := account.NewPerson{Email: strings.ToLower(name) + "@house.test", Name: name + " Tester"}
	if len(installation) > 0 {
		n.Role = installation[0]
	}
	var p account.Person
	check(t, h.db.Update(h.system(), func(ctx context.Context, tx *sqlite.Tx) error {
		var err error
		p, err = account.InsertPerson(ctx, tx, n)
		return err
	}))
	check(t, h.accounts.SetMember(h.system(), workspace.ID, p.ID, role))
	return &visitor{house: h, id: p.ID, token: p.ID + "@" + workspace.ID}
}

// admin is an administrator of the installation.
func (h *house) admin(t testing.TB) *visitor {
	t.Helper()
	return h.person(t, "Ada", actor.Admin, actor.Admin)
}

// group makes a group of people in the first workspace.
func (h *house) group(t testing.TB, name string, people ...*visitor) string {
	t.Helper()
	g, err := h.accounts.AddGroup(h.system(), name)
	check(t, err)
	ids := []string{}
	for _, p := range people {
		ids = append(ids, p.id)
	}
	check(t, h.accounts.SetGroup(h.system(), g.ID, ids))
	return g.ID
}

// actor is who the visitor is to the rooms.
func (v *visitor) actor(t testing.TB) actor.Actor {
	t.Helper()
	id, err := v.house.Authenticate(t.Context(), v.token, "127.0.0.1")
	check(t, err)
	return id.Actor
}

// count answers a question to the tables that no route answers.
func (h *house) count(t testing.TB, query string, args ...any) int {
	t.Helper()
	var n int
	check(t, h.db.Read().QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

// recorded lists the audit entries of an act as "actor outcome object detail".
func (h *house) recorded(t testing.TB, act string) []string {
	t.Helper()
	rows, err := h.db.Read().QueryContext(t.Context(), `SELECT actor || ' ' || outcome || ' ' || object || ' ' || detail FROM audit WHERE act = ? ORDER BY row`, act)
	check(t, err)
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		check(t, rows.Scan(&s))
		list = append(list, s)
	}
	check(t, rows.Err())
	return list
}

// visitor talks to the house as one person.
type visitor struct {
	house *house
	id    string
	token string
}

// answer is what came back.
type answer struct {
	status int
	body   string
	fields any
}

// ask sends one request; a body that begins with { is JSON, everything else is
// a file.
func (v *visitor) ask(t testing.TB, route, body string) answer {
	t.Helper()
	got, err := v.try(t.Context(), route, body)
	check(t, err)
	return got
}

func (v *visitor) try(ctx context.Context, route, body string) (answer, error) {
	method, path, _ := strings.Cut(route, " ")
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, v.house.base+path, reader)
	if err != nil {
		return answer{}, err
	}
	if strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	got := answer{status: res.StatusCode, body: string(text)}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		err = json.Unmarshal(text, &got.fields)
	}
	return got, err
}

// must is ask for an answer that has to have the status and hold the texts.
func (v *visitor) must(t testing.TB, route, body string, status int, holds ...string) answer {
	t.Helper()
	got := v.ask(t, route, body)
	if got.status != status {
		t.Fatalf("%s: got %d, want %d: %.900s", route, got.status, status, got.body)
	}
	for _, want := range holds {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s: the answer lacks %q: %.900s", route, want, got.body)
		}
	}
	return got
}

// server adds a model server and waits until it was looked at.
func (v *visitor) server(t testing.TB, name, kind, url string, more ...string) string {
	t.Helper()
	id := v.must(t, "POST /api/servers", object(append([]string{"name", name, "kind", kind, "url", url}, more...)...), 201).get("id")
	v.until(t, "GET /api/servers/"+id, func(a answer) bool {
		return a.get("state") == "down" || a.get("state") == "ok" && (a.get("models") != "0" || a.get("why") != "")
	})
	return id
}

// until asks again and again until the answer is right.
func (v *visitor) until(t testing.TB, route string, right func(answer) bool) answer {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got := v.must(t, route, "", 200)
		if right(got) {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not become what it should: %.1500s", route, got.body)
		}
	}
}

// model is the item of a model in a list of models.
func (a answer) model(name string) answer {
	for i := 0; ; i++ {
		item := a.at("items", strconv.Itoa(i))
		if item == nil {
			return answer{}
		}
		one := answer{fields: item}
		if one.get("name") == name {
			return one
		}
	}
}

// names lists the names of the items.
func (a answer) names() string {
	var list []string
	for i := 0; a.at("items", strconv.Itoa(i)) != nil; i++ {
		list = append(list, a.get("items", strconv.Itoa(i), "name"))
	}
	return strings.Join(list, " ")
}

// at follows names and list positions into the answer.
func (a answer) at(path ...string) any {
	at := a.fields
	for _, name := range path {
		switch value := at.(type) {
		case map[string]any:
			at = value[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(value) {
				return nil
			}
			at = value[i]
		default:
			return nil
		}
	}
	return at
}

// get is at as text.
func (a answer) get(path ...string) string {
	switch value := a.at(path...).(type) {
	case nil:
		return ""
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	default:
		return fmt.Sprint(value)
	}
}

// object is a JSON object of texts.
func object(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
