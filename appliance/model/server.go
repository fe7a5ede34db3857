package model

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// Limits of servers.
const (
	maxServers = 100
	maxSlots   = 256
	maxToken   = 8000
	maxCA      = 64 << 10
	maxURL     = 500

	maxWorkspaces = 1000 // that are told of a change
)

// Server is a model server as it is stored. The token is not in it.
type Server struct {
	ID, Workspace, Owner, Name string
	Kind                       inference.Kind
	URL                        string
	CA                         string // own certificates, PEM
	HasToken                   bool
	Slots                      int // 0 = found out
	Enabled                    bool
	Flavour, Version           string // what it said it is, when it was asked last
	Created, Changed           time.Time

	sealed []byte // the token
}

// same reports whether a client of the one is a client of the other.
func (s Server) same(o Server) bool {
	return s.Kind == o.Kind && s.URL == o.URL && s.CA == o.CA && bytes.Equal(s.sealed, o.sealed)
}

// NewServer is a server to be added.
type NewServer struct {
	Name  string
	Kind  inference.Kind
	URL   string
	Token string
	CA    string
	Slots int
}

// ServerChange is what changes of a server; nil fields stay. An empty Token or
// CA takes it away.
type ServerChange struct {
	Name, URL, Token, CA *string
	Slots                *int
	Enabled              *bool
}

func noServer(id string) error {
	return fault.New(fault.NotFound, "There is no model server %s.", shown(id)).Code("no-server").Cure("It may have been removed; look at the list again.")
}

func administers(ctx context.Context) (actor.Actor, error) {
	who := actor.From(ctx)
	return who, who.Need(who.Administers())
}

// AddServer adds a model server and begins to look at it.
func (m *Models) AddServer(ctx context.Context, n NewServer) (Server, error) {
	who, err := administers(ctx)
	if err != nil {
		return Server{}, err
	}
	s, token, err := m.checked(n)
	if err != nil {
		return Server{}, err
	}
	s.ID, s.Workspace, s.Owner, s.Enabled = newID(), who.Workspace, who.ID, true
	if s.sealed, err = m.seal(s.ID, token); err != nil {
		return Server{}, err
	}
	s.HasToken = token != ""
	m.change.Lock()
	defer m.change.Unlock()
	if s, err = m.store.addServer(ctx, s); err != nil {
		return Server{}, err
	}
	return s, m.changed(ctx)
}

// checked is a new server whose values are right.
func (m *Models) checked(n NewServer) (s Server, token string, err error) {
	if s.Name, err = account.Name("body.name", n.Name); err != nil {
		return s, "", err
	}
	if utf8.RuneCountInString(s.Name) > maxServerName {
		return s, "", wrong("body.name", "The name is too long: at most 100 characters.")
	}
	return m.reachable(s, n)
}

const maxServerName = 100

// reachable checks what a connection needs; the name is none of it.
func (m *Models) reachable(s Server, n NewServer) (Server, string, error) {
	var err error
	switch s.Kind = n.Kind; s.Kind {
	case inference.Ollama, inference.OpenAI, inference.Anthropic:
	default:
		return s, "", wrong("body.kind", "The kind is ollama, openai or anthropic.")
	}
	if s.URL, err = m.address(n.URL); err != nil {
		return s, "", err
	}
	if s.CA, err = certificates(n.CA, s.URL); err != nil {
		return s, "", err
	}
	if s.Slots = n.Slots; s.Slots < 0 || s.Slots > maxSlots {
		return s, "", wrong("body.slots", "Give a number from 0 to 256; 0 lets ChatETS find it out.")
	}
	token, err := plainToken(n.Token)
	return s, token, err
}

// What tokens are sealed with, and for which place.
const tokenPurpose = "model-token"

func (m *Models) seal(server, token string) ([]byte, error) {
	if token == "" {
		return nil, nil
	}
	return m.keys.Seal(tokenPurpose, []byte(token), []byte(server))
}

func (m *Models) openToken(s Server) (string, error) {
	if len(s.sealed) == 0 {
		return "", nil
	}
	token, err := m.keys.Open(tokenPurpose, s.sealed, []byte(s.ID))
	return string(token), err
}

// ChangeServer changes a server; what is asked of it meanwhile goes on.
func (m *Models) ChangeServer(ctx context.Context, id string, c ServerChange) (Server, error) {
	if _, err := administers(ctx); err != nil {
		return Server{}, err
	}
	m.change.Lock()
	defer m.change.Unlock()
	before, err := m.store.server(ctx, id)
	if err != nil {
		return Server{}, err
	}
	after, err := m.changedServer(before, c)
	if err != nil {
		return Server{}, err
	}
	if after, err = m.store.changeServer(ctx, before, after); err != nil {
		return Server{}, err
	}
	return after, m.changed(ctx)
}

// changedServer is a server with a change applied and checked.
func (m *Models) changedServer(before Server, c ServerChange) (Server, error) {
	n := NewServer{Name: before.Name, Kind: before.Kind, URL: before.URL, CA: before.CA, Slots: before.Slots}
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&n.Name, c.Name)
	set(&n.URL, c.URL)
	set(&n.CA, c.CA)
	set(&n.Token, c.Token)
	if c.Slots != nil {
		n.Slots = *c.Slots
	}
	if c.CA == nil && c.URL != nil && !strings.HasPrefix(strings.TrimSpace(*c.URL), "https://") {
		n.CA = "" // what was trusted for https has no meaning any more
	}
	after, token, err := m.checked(n)
	if err != nil {
		return Server{}, err
	}
	after.ID, after.Workspace, after.Owner, after.Created = before.ID, before.Workspace, before.Owner, before.Created
	after.Enabled, after.Flavour, after.Version = before.Enabled, before.Flavour, before.Version
	after.sealed = before.sealed
	if c.Enabled != nil {
		after.Enabled = *c.Enabled
	}
	if c.Token != nil {
		if after.sealed, err = m.seal(before.ID, token); err != nil {
			return Server{}, err
		}
	} else if len(before.sealed) > 0 && !sameOrigin(before.URL, after.URL) {
		// A token is meant for the server it was entered for. Whoever may change
		// the address must not have it sent to another.
		return Server{}, wrong("body.token", "The server gets another address, so its token must be entered again.")
	}
	after.HasToken = len(after.sealed) > 0
	return after, nil
}

func sameOrigin(a, b string) bool {
	x, err := url.Parse(a)
	y, err2 := url.Parse(b)
	return err == nil && err2 == nil && x.Scheme == y.Scheme && x.Host == y.Host
}

// RemoveServer takes a server away. An answer it is writing is written to its end;
// it gets no other.
func (m *Models) RemoveServer(ctx context.Context, id string) error {
	if _, err := administers(ctx); err != nil {
		return err
	}
	m.change.Lock()
	defer m.change.Unlock()
	if err := m.store.removeServer(ctx, id); err != nil {
		return err
	}
	return m.changed(ctx)
}

// changed puts what the table says in force, and lets open pages ask again;
// m.change is held. The row is written, so it is done whoever has left.
func (m *Models) changed(ctx context.Context) error {
	if err := m.connect(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	m.tell("servers", "models")
	return nil
}

// tell lets open pages ask again, in all workspaces: servers and models belong
// to none of them.
func (m *Models) tell(nouns ...string) {
	if m.notify == nil {
		return
	}
	ctx := actor.With(context.Background(), actor.Actor{Kind: actor.System, ID: actor.SystemID})
	list, err := m.accounts.ListWorkspaces(ctx, account.Cursor{}, maxWorkspaces)
	if err != nil {
		m.log.Warn("the workspaces cannot be listed, so open pages are not told", "error", err)
	}
	places := []string{""} // pages of people who are in no workspace
	for _, w := range list {
		places = append(places, w.ID)
	}
	for _, noun := range nouns {
		for _, w := range places {
			m.notify(w, "", noun, "")
		}
	}
}

// differences name what differs between two states of a server.
func differences(before, after Server) []string {
	var list []string
	for _, d := range []struct {
		what string
		same bool
	}{
		{"name", before.Name == after.Name}, {"url", before.URL == after.URL}, {"ca", before.CA == after.CA},
		{"token", bytes.Equal(before.sealed, after.sealed)}, {"slots", before.Slots == after.Slots}, {"enabled", before.Enabled == after.Enabled},
	} {
		if !d.same {
			list = append(list, d.what)
		}
	}
	return list
}

// foldName is the form in which names of servers are compared.
func foldName(name string) string { return strings.ToLower(norm.NFKC.String(name)) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func wrong(field, sentence string) error {
	return fault.New(fault.Invalid, "%s", sentence).With(fault.Detail{Field: field, Sentence: sentence})
}

// serverEntry is the record of an act on a server: where it is, never its token.
func serverEntry(act string, s Server) audit.Entry {
	return audit.Entry{Act: act, ObjectKind: "server", Object: s.ID, Detail: map[string]any{
		"kind": string(s.Kind), "url": s.URL, "token": s.HasToken, "ca": s.CA != "", "slots": s.Slots, "enabled": s.Enabled}}
}
