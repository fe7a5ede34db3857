package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/web"
)

// house is accounts behind a real door. A person's token is its id, so that
// these tests are about people and not about signing in.
type house struct {
	db       *sqlite.DB
	log      *audit.Log
	accounts *account.Accounts
	sessions *sessions
	base     string
	main     string // id of the first workspace
}

// sessions notes what accounts ask of whoever keeps sessions.
type sessions struct {
	mu             sync.Mutex
	ended, renewed []string
}

func (s *sessions) End(_ context.Context, tx *sqlite.Tx, person string) error {
	tx.AfterCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = append(s.ended, person)
	})
	return nil
}

func (s *sessions) Renew(_ context.Context, tx *sqlite.Tx, person string) error {
	tx.AfterCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.renewed = append(s.renewed, person)
	})
	return nil
}

func (s *sessions) take() (ended, renewed []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, renewed = s.ended, s.renewed
	s.ended, s.renewed = nil, nil
	return ended, renewed
}

// Authenticate makes the actor anew for each request, as login does.
func (h *house) Authenticate(ctx context.Context, token, address string) (web.Identity, error) {
	if token == "operator" {
		return web.Identity{Actor: actor.Actor{Kind: actor.Operator, ID: actor.SystemID, Workspace: h.main}, Expires: time.Now().Add(time.Hour)}, nil
	}
	m, err := h.accounts.Place(ctx, token, "")
	if err != nil || m.Person.Disabled {
		return web.Identity{}, fault.New(fault.Unauthenticated, "You are not signed in.")
	}
	return web.Identity{Actor: actor.Actor{Kind: actor.Person, ID: token, Workspace: m.Workspace.ID, Role: m.Person.Role, WorkspaceRole: m.Person.WorkspaceRole,
		Groups: m.Groups, Session: "session of " + token, Address: address}, Expires: time.Now().Add(time.Hour)}, nil
}

// notices counts what open pages are told.
type notices struct {
	mu   sync.Mutex
	list []web.Notice
}

func (n *notices) Publish(notice web.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, notice)
}

func start(t *testing.T) *house {
	t.Helper()
	h := &house{db: sqlitetest.Open(t, audit.Migrations, account.Migrations), sessions: &sessions{}}
	keys, err := secret.New(make([]byte, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	if h.log, err = audit.New(h.db, keys, time.Now); err != nil {
		t.Fatal(err)
	}
	h.accounts = account.New(h.db, h.log)
	h.accounts.UseSessions(h.sessions)
	if err := h.accounts.EnsureFirst(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, err := h.accounts.First(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.main = first.ID
	server := web.New(web.Config{Listen: "127.0.0.1:0", CSRFKey: make([]byte, 32)})
	server.UseAuthenticator(h)
	h.accounts.Routes(server.API, &notices{})
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
	return h
}

// person adds somebody to a workspace and returns the id.
func (h *house) person(t *testing.T, workspace, name string, role, workspaceRole actor.Role) string {
	t.Helper()
	var p account.Person
	err := h.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) (err error) {
		email := strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@house.test"
		if p, err = account.InsertPerson(ctx, tx, account.NewPerson{Email: email, Name: name, Role: role}); err != nil || workspace == "" {
			return err
		}
		return account.InsertMember(ctx, tx, workspace, p.ID, workspaceRole)
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

type answer struct {
	status int
	body   string
	fields any
}

// ask sends "METHOD /path" as somebody.
func (h *house) ask(t *testing.T, who, route, body string) answer {
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
	got := answer{status: res.StatusCode, body: string(text)}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(&got.fields); err != nil {
			t.Fatalf("%s: the answer is no JSON: %s", route, text)
		}
	}
	return got
}

func (h *house) must(t *testing.T, who, route, body string, status int, holds ...string) answer {
	t.Helper()
	got := h.ask(t, who, route, body)
	if got.status != status {
		t.Fatalf("%s %s: got %d, want %d: %s", route, body, got.status, status, got.body)
	}
	for _, want := range holds {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s %s: the answer misses %q: %s", route, body, want, got.body)
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
	text, _ := at.(string)
	return text
}

// names are the names of the items of a page.
func (a answer) names() []string {
	var names []string
	for i := 0; ; i++ {
		name := a.get("items", strconv.Itoa(i), "name")
		if name == "" {
			return names
		}
		names = append(names, name)
	}
}

// record lists the acts on an object as "act outcome detail", oldest first.
func (h *house) record(t *testing.T, object string) []string {
	t.Helper()
	rows, err := h.db.Read().QueryContext(t.Context(), `SELECT act || ' ' || outcome || ' ' || detail FROM audit WHERE object = ? ORDER BY row`, object)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s\n got %v\nwant %v", what, got, want)
	}
}
