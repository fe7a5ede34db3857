// Package model knows the model servers, the models they have and who may use
// them, keeps an eye on the servers' health, and takes turns in the queue in
// front of them.
//
// A model is what people choose: a name with a label, rules of access and one
// length of context, wherever it is. A place is that model on one server; when
// several servers have it, a turn goes to the best of them and to another when
// that one fails.
//
// What a newcomer gets wrong: a model that is gone from every server keeps its
// row. Its access rules outlive it, so that a model which comes back is not
// open to everybody because its server was away.
package model

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/egress"
	"chatets/appliance/inference"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
)

// Extractive is the name of answers without a model: passages as they stand.
const Extractive = "extractive"

// Accounts is what this room asks about people.
type Accounts interface {
	// Names are the display names of people, groups and workspaces by id.
	Names(ctx context.Context, ids []string) (map[string]string, error)
	// ListWorkspaces lists workspaces by name.
	ListWorkspaces(ctx context.Context, after account.Cursor, limit int) ([]account.Workspace, error)
}

// Models knows servers and models. Make it with New, then call Jobs and Open,
// then Run.
type Models struct {
	store    store
	accounts Accounts
	keys     *secret.Keyring
	gate     *egress.Gate
	folder   string
	own      func() []string
	instance string
	notify   func(workspace, person, noun, id string)
	log      *slog.Logger
	now      func() time.Time
	pace     pacing
	ports    []int // where servers are looked for; nil = where they listen as they come

	standard  *setting.Value[string] // name of the default model
	newModels *setting.Value[string] // who may use a model that was just found

	queue *inference.Queue
	slots int // of inference.Local

	change sync.Mutex // one change of servers or models at a time, so that rows, rules and clients agree
	tests  *tests
	finds  chan struct{} // one detection at a time
	wake   chan struct{}

	mu    sync.Mutex // never held while a server, the queue or the database is asked
	links map[string]*link
	paces map[paceKey]*pace
}

// pacing holds the times between looks at a server.
type pacing struct{ probe, down, discover time.Duration }

// Choice is a model that somebody may use now. The zero Choice is an answer
// without a model.
type Choice struct {
	Name, Label, Digest             string
	Context                         int      // tokens; one number for all servers
	Temperature                     *float64 // nil = the model's own
	Vision, Thinking, Tools, Loaded bool
	TokensPerSecond                 float64 // as measured; 0 unknown

	places []place // best first
}

// place is a model on a server.
type place struct {
	server                  string // id
	name                    string // on that server
	loaded                  bool
	context                 int // tokens to load it with and to send along; the same on all servers
	vision, thinking, tools bool
}

// The states of a server.
const (
	stateOK      = "ok"
	stateDown    = "down"
	stateBusy    = "busy"    // it answers, but is loading or has enough to do
	stateUnknown = "unknown" // nobody has looked since the start
)

// Choose is the model of the name for who. "" is the default model or, where
// that cannot be used, the first that can; where none can, and for Extractive,
// it is the zero Choice. A name that is unknown or not allowed to who is
// fault.NotFound.
func (m *Models) Choose(ctx context.Context, who actor.Actor, name string) (Choice, error) {
	return m.choose(ctx, who, name)
}

// Generation is "none" where no model is there to write answers, "down" where
// there is one and none of its servers answers, and "ready" otherwise.
func (m *Models) Generation(ctx context.Context) string { return m.generation(ctx) }
