package model

import (
	"embed"
	"log/slog"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/egress"
	"chatets/appliance/inference"
	"chatets/appliance/job"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Config is what Models works with.
type Config struct {
	DB       *sqlite.DB
	Audit    *audit.Log
	Settings *setting.Settings
	Accounts Accounts
	Keys     *secret.Keyring
	Gate     *egress.Gate
	Folder   string          // of model files to import from; "" = none
	Own      func() []string // addresses ChatETS listens on itself
	Instance string          // sent with each request, by which ChatETS knows itself
	Notify   func(workspace, person, noun, id string)
	Log      *slog.Logger     // nil discards
	Now      func() time.Time // nil = time.Now
	Slots    int              // answers without a model at a time; 0 = 4

	Probe    time.Duration // between two looks at a server that is well; 0 = 15 s
	Down     time.Duration // the same of one that is not; 0 = 5 s
	Discover time.Duration // between two looks at its models; 0 = 5 min
	Ports    []int         // of this machine where servers are looked for; nil = where they listen as they come
}

// New returns the models of a migrated database. Call Jobs and Open next.
func New(c Config) *Models {
	m := &Models{
		store: store{db: c.DB, audit: c.Audit}, accounts: c.Accounts, keys: c.Keys, gate: c.Gate, folder: c.Folder, own: c.Own,
		instance: c.Instance, notify: c.Notify, log: c.Log, now: c.Now, slots: c.Slots,
		ports: c.Ports, pace: pacing{probe: c.Probe, down: c.Down, discover: c.Discover},
		standard: defaultModel(c.Settings), newModels: accessOfNew(c.Settings),
		tests: newTests(), finds: make(chan struct{}, 1), wake: make(chan struct{}, 1), links: map[string]*link{},
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.now == nil {
		m.now = time.Now
	}
	if m.own == nil {
		m.own = func() []string { return nil }
	}
	if m.slots == 0 {
		m.slots = 4
	}
	m.pace = m.pace.full()
	m.queue = inference.NewQueue(m.now)
	m.queue.Serve(inference.Local, m.slots)
	return m
}

// store is all SQL of this room.
type store struct {
	db    *sqlite.DB
	audit *audit.Log
	queue *job.Queue
}
