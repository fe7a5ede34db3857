package library_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/egress"
	"chatets/appliance/extract"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/vector"
	"chatets/appliance/web"
)

func TestMain(m *testing.M) {
	extract.ChildOfTest()
	os.Exit(m.Run())
}

// house is a library with everything it stands on, behind a real door.
type house struct {
	db       *sqlite.DB
	log      *audit.Log
	settings *setting.Settings
	accounts *account.Accounts
	blobs    *blob.Store
	blobDir  string
	queue    *job.Queue
	gate     *egress.Gate
	library  *library.Library
	base     string
	main     account.Workspace
	other    account.Workspace

	mu       sync.Mutex
	operator string // person the operator's rows belong to
	notices  []string
	stopJobs func()
}

func start(t testing.TB) *house {
	t.Helper()
	return startIn(t, t.TempDir(), true)
}

// startIn opens a house on a data directory; its jobs run when work is true.
func startIn(t testing.TB, dir string, work bool) *house {
	t.Helper()
	h := &house{blobDir: filepath.Join(dir, "blobs")}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	keys, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	check(t, err)
	h.db, err = sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Version: "test"})
	check(t, err)
	check(t, h.db.Migrate(t.Context(), audit.Migrations, setting.Migrations, job.Migrations, account.Migrations, lexical.Migrations, vector.Migrations, library.Migrations))
	h.log, err = audit.New(h.db, keys, time.Now)
	check(t, err)
	h.settings, err = setting.New(t.Context(), h.db, h.log, time.Now)
	check(t, err)
	h.accounts = account.New(h.db, h.log)
	check(t, h.accounts.EnsureFirst(t.Context()))
	h.main, err = h.accounts.First(t.Context())
	check(t, err)
	h.blobs, err = blob.Open(h.blobDir, keys)
	check(t, err)
	h.queue = &job.Queue{DB: h.db, Log: quiet}
	gate, err := egress.New(egress.Config{})
	check(t, err)
	h.gate = gate
	fence, err := extract.NewFence(extract.FenceConfig{Command: []string{os.Args[0], extract.Subcommand}, Log: quiet})
	check(t, err)
	t.Cleanup(fence.Close)
	h.library = library.New(library.Config{DB: h.db, Audit: h.log, Blobs: h.blobs, Settings: h.settings, Accounts: h.accounts, Log: quiet, Reader: fence,
		Keys: keys, Gate: gate, Patience: 2 * time.Second,
		Notify: func(workspace, person, noun, id string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.notices = append(h.notices, workspace+"/"+person+"/"+noun+"/"+id)
		}})
	h.library.Jobs(h.queue)
	check(t, h.library.Recover(t.Context()))

	server := web.New(web.Config{Listen: "127.0.0.1:0"})
	server.UseAuthenticator(h)
	h.library.Routes(server.API)
	h.settings.Routes(server.API)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Run(ctx) }()
	t.Cleanup(func() {
		if h.stopJobs != nil {
			h.stopJobs()
		}
		stop()
		if err := <-served; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("serve: %v", err)
		}
		check(t, h.db.Close())
	})
	select {
	case <-server.Ready():
	case err := <-served:
		t.Fatalf("the server stopped at start: %v", err)
	}
	h.base = "http://" + server.Addr()
	if work {
		h.work()
	}
	return h
}

// work runs the job queue until the test ends or stopJobs is called.
func (h *house) work() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.queue.Run(ctx)
	}()
	h.stopJobs = func() {
		stop()
		<-done
	}
}

// Authenticate knows the tokens of the test: person, "@", workspace; roles and
// groups are those of the moment. "operator" is the command line.
func (h *house) Authenticate(ctx context.Context, token, address string) (web.Identity, error) {
	h.mu.Lock()
	operator := h.operator
	h.mu.Unlock()
	if token == "operator" {
		return web.Identity{Actor: actor.Actor{Kind: actor.Operator, ID: operator, Workspace: h.main.ID}}, nil
	}
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
func (h *house) person(t testing.TB, name string, workspace account.Workspace, role actor.Role, installation ...actor.Role) *visitor {
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

// second makes the second workspace.
func (h *house) second(t testing.TB) account.Workspace {
	t.Helper()
	if h.other.ID == "" {
		var err error
		h.other, err = h.accounts.AddWorkspace(h.system(), "Two")
		check(t, err)
	}
	return h.other
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

// idle waits until no job is due.
func (h *house) idle(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	check(t, h.queue.Idle(ctx))
}

// files counts the blobs on the disk.
func (h *house) files(t testing.TB) int {
	t.Helper()
	n := 0
	check(t, filepath.WalkDir(h.blobDir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}))
	return n
}

// count answers a question to the tables that no route answers.
func (h *house) count(t testing.TB, query string, args ...any) int {
	t.Helper()
	var n int
	check(t, h.db.Read().QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

// recorded lists the audit entries of an act as "actor outcome object".
func (h *house) recorded(t testing.TB, act string) []string {
	t.Helper()
	rows, err := h.db.Read().QueryContext(t.Context(), `SELECT actor || ' ' || outcome || ' ' || object FROM audit WHERE act = ? ORDER BY row`, act)
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

// in is the same person in another workspace.
func (v *visitor) in(w account.Workspace) *visitor {
	return &visitor{house: v.house, id: v.id, token: v.id + "@" + w.ID}
}

// answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
	fields any
}

// ask sends one request; a body that begins with { is JSON, everything else is
// a file.
func (v *visitor) ask(t testing.TB, route, body string) answer {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, v.house.base+path, reader)
	check(t, err)
	if strings.HasPrefix(body, "{") && !strings.HasPrefix(path, "/api/documents?") {
		req.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
	}
	res, err := http.DefaultClient.Do(req)
	check(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(t, err)
	got := answer{status: res.StatusCode, body: string(text), header: res.Header}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		check(t, json.Unmarshal(text, &got.fields))
	}
	return got
}

// must is ask for an answer that has to have the status and hold the texts.
func (v *visitor) must(t testing.TB, route, body string, status int, holds ...string) answer {
	t.Helper()
	got := v.ask(t, route, body)
	if got.status != status {
		t.Fatalf("%s: got %d, want %d: %.600s", route, got.status, status, got.body)
	}
	for _, want := range holds {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s: the answer lacks %q: %.600s", route, want, got.body)
		}
	}
	return got
}

// knowledge makes a knowledge base.
func (v *visitor) knowledge(t testing.TB, name string) string {
	t.Helper()
	return v.must(t, "POST /api/knowledge", object("name", name), 201).get("id")
}

func upload(knowledge, name string) string {
	return "POST /api/documents?knowledge=" + url.QueryEscape(knowledge) + "&name=" + url.QueryEscape(name)
}

// document adds a document and waits until it is ready.
func (v *visitor) document(t testing.TB, knowledge, name, text string) string {
	t.Helper()
	id := v.must(t, upload(knowledge, name), text, 202).get("id")
	if got := v.settled(t, id); got.get("state") != "ready" {
		t.Fatalf("%s is not ready: %s", name, got.body)
	}
	return id
}

// settled waits until a document is ready, failed or in quarantine.
func (v *visitor) settled(t testing.TB, id string) answer {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(3 * time.Millisecond) {
		got := v.must(t, "GET /api/documents/"+id, "", 200)
		if state := got.get("state"); state == "ready" || state == "failed" || state == "quarantined" {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("the document does not settle: %s", got.body)
		}
	}
}

// search returns the ids of the documents found, in order, each once.
func (v *visitor) search(t testing.TB, question string, knowledge ...string) []string {
	t.Helper()
	body := map[string]any{"question": question, "limit": 20}
	if len(knowledge) > 0 {
		body["knowledge"] = knowledge
	}
	text, err := json.Marshal(body)
	check(t, err)
	got := v.must(t, "POST /api/search", string(text), 200)
	var found []string
	for i := 0; ; i++ {
		id := got.get("items", strconv.Itoa(i), "document", "id")
		if id == "" {
			return found
		}
		if !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
}

func (v *visitor) share(t testing.TB, knowledge, kind, id, right string) {
	t.Helper()
	v.must(t, "PUT /api/knowledge/"+knowledge+"/access", `{"entries":[`+object(kind, id, "right", right)+`]}`, 200)
}

// get follows names and list positions into the answer.
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
		default:
			return ""
		}
	}
	switch value := at.(type) {
	case nil:
		return ""
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return fmt.Sprint(at)
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
