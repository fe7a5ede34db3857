// Package key is the keys of the installation as operators and administrators
// see them: the ways to them, rotation, the recovery key, shredding.
//
// What a newcomer gets wrong: a rotation is done at once and ends much later.
// From its first moment everything is sealed with the new key; what lies on the
// disk follows in the background, and only when nothing is left under an old key
// is that key destroyed. Whoever seals anything registers a Column or a Holder
// here, or its values would hold up the end of every rotation.
package key

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// Holder is a place where things lie that are sealed with data keys.
type Holder struct {
	Name string // for people: "pages", "tokens of model servers"
	// Left counts what is not sealed with the current key yet.
	Left func(ctx context.Context) (int, error)
	// Reseal seals it with the current key; told is called with how many are done.
	// It may be stopped and begun again at any time.
	Reseal func(ctx context.Context, told func(done, all int)) error
}

// Config is what Keys are made of.
type Config struct {
	Secrets *secret.Store
	Store   Store
	Blobs   *blob.Store
	Columns []Column // of the database, whose values are sealed
	Holders []Holder // whatever else is sealed
	Erase   Eraser
	Log     *slog.Logger
	Now     func() time.Time
	// Grace is how long an old key stays after nothing was found under it any more:
	// what was read or sealed before may still be on its way into the database. 0 =
	// ten minutes.
	Grace time.Duration
	// Keep is asked how long targets still hold what an old key opens; nil = no
	// target does.
	Keep func(ctx context.Context, retired time.Time) (until time.Time, err error)
	// Carried are the archives made before a time that nobody can reach; nil = there
	// are none.
	Carried func(ctx context.Context, before time.Time) ([]Carried, error)
}

// Keys are the keys of the installation. Make them with New.
type Keys struct {
	c     Config
	store Store
	wake  chan struct{}

	mu       sync.Mutex
	progress *KeyProgress
	failure  string // of the last work in the background, "" = none

	// Tend alone uses these.
	busy    time.Time // when it last found something under an old key
	waiting bool      // for knowledge bases that are being deleted
	rest    time.Time // nothing is left under old keys, and they wait for this date
}

// KeyProgress is how far the work in the background is.
type KeyProgress struct {
	Phase string `json:"phase" doc:"What is being sealed anew."`
	Done  int    `json:"done"`
	All   int    `json:"all"`
}

// grace is how long an old key stays where Config does not say.
const grace = 10 * time.Minute

// New returns the keys. Open comes next.
func New(c Config) *Keys {
	if c.Grace == 0 {
		c.Grace = grace
	}
	k := &Keys{c: c, store: c.Store, wake: make(chan struct{}, 1)}
	// Pages come last: what the others write lies in pages.
	k.c.Holders = append(append([]Holder{k.values()}, c.Holders...), k.pages())
	return k
}

// pages is the Holder of the database.
func (k *Keys) pages() Holder {
	return Holder{Name: "pages of the database", Left: func(context.Context) (int, error) { return k.store.pagesLeft(k.old()) },
		Reseal: func(ctx context.Context, told func(done, all int)) error { return k.store.DB.Reseal(ctx, told) }}
}

// Open holds keys.json against what the database last saw of it. An older file
// in its place would not know the newest key.
func (k *Keys) Open(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID})
	now := k.c.Secrets.Status()
	seen, err := k.store.serial(ctx)
	switch {
	case err != nil:
		return err
	case now.Serial < seen:
		return fault.New(fault.Conflict, "The key file of the data directory (keys.json) is older than the data.").Code("key-older").
			Cure("Put the keys.json back that belongs to this data, or restore a backup of both together.")
	case now.Serial == seen:
		return nil
	}
	err = k.store.record(ctx, now.Serial, audit.Entry{Act: "key.changed", ObjectKind: "key", Detail: map[string]any{"from": seen, "to": now.Serial}})
	if fault.Unwritten(err) {
		// Reading goes on on a full disk; the next start records it.
		k.c.Log.Error("the disk is full: that keys.json changed is not recorded yet", "error", err)
		return nil
	}
	return err
}

// may lets in who runs the installation: an operator, or an owner where a person
// may do it at all.
func may(ctx context.Context, person bool) error {
	who := actor.From(ctx)
	return who.Need(who.Kind == actor.Operator || person && who.Kind == actor.Person && who.Role == actor.Owner)
}

// done records an act that changed keys.json, or that it was refused.
func (k *Keys) done(ctx context.Context, e audit.Entry, err error) error {
	e.ObjectKind = "key"
	if err != nil {
		e.Outcome = audit.Failed
		if kind := fault.KindOf(err); kind == fault.Forbidden || kind == fault.Invalid {
			e.Outcome = audit.Refused
		}
		if e.Detail == nil {
			e.Detail = map[string]any{}
		}
		e.Detail["code"] = fault.Of(err).Code
	}
	// Whoever leaves now must not leave an act without its row.
	return errors.Join(err, k.store.record(context.WithoutCancel(ctx), k.c.Secrets.Status().Serial, e))
}

// AddSlot adds a way to the keys.
func (k *Keys) AddSlot(ctx context.Context, n secret.NewSlot) (secret.SlotStatus, error) {
	if err := may(ctx, false); err != nil {
		return secret.SlotStatus{}, err
	}
	slot, err := k.c.Secrets.AddSlot(ctx, n)
	err = k.done(ctx, audit.Entry{Act: "key.add", Detail: map[string]any{"kind": string(n.Kind), "slot": slot.ID}}, err)
	if err != nil {
		return secret.SlotStatus{}, err
	}
	return slot.Status(), nil
}

// RemoveSlot takes a way to the keys away.
func (k *Keys) RemoveSlot(ctx context.Context, id int) (secret.SlotStatus, error) {
	if err := may(ctx, false); err != nil {
		return secret.SlotStatus{}, err
	}
	slot, err := k.c.Secrets.RemoveSlot(id)
	err = k.done(ctx, audit.Entry{Act: "key.remove", Detail: map[string]any{"kind": string(slot.Kind), "slot": id}}, err)
	if err != nil {
		return secret.SlotStatus{}, err
	}
	return slot.Status(), nil
}

// Rotate makes a new master key and a new data key and wakes the work that seals
// everything anew.
func (k *Keys) Rotate(ctx context.Context) (secret.Rotation, error) {
	if err := may(ctx, false); err != nil {
		return secret.Rotation{}, err
	}
	r, err := k.c.Secrets.Rotate()
	err = k.done(ctx, audit.Entry{Act: "key.rotate", Detail: map[string]any{"from": r.Previous, "to": r.Current, "files": len(r.Renewed), "kept": len(r.Kept)}}, err)
	k.Wake()
	return r, err
}

// NewRecovery makes a recovery key and revokes the one before it.
func (k *Keys) NewRecovery(ctx context.Context) (string, secret.SlotStatus, error) {
	if err := may(ctx, true); err != nil {
		return "", secret.SlotStatus{}, k.refused(ctx, "key.recovery", err)
	}
	text, slot, err := k.c.Secrets.NewRecovery()
	if err = k.done(ctx, audit.Entry{Act: "key.recovery", Detail: map[string]any{"slot": slot.ID}}, err); err != nil {
		return "", secret.SlotStatus{}, err
	}
	return text, slot.Status(), nil
}

// TestRecovery says whether a recovery key is the one in force.
func (k *Keys) TestRecovery(ctx context.Context, text string) error {
	if err := may(ctx, true); err != nil {
		return k.refused(ctx, "key.test", err)
	}
	return k.done(ctx, audit.Entry{Act: "key.test"}, k.c.Secrets.TestRecovery(text))
}

func (k *Keys) refused(ctx context.Context, act string, err error) error {
	return errors.Join(err, k.store.Audit.Refused(ctx, audit.Entry{Act: act, ObjectKind: "key"}))
}

// Wake begins the work in the background where there is some.
func (k *Keys) Wake() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *Keys) tell(phase string) func(done, all int) {
	return func(done, all int) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.progress = &KeyProgress{Phase: phase, Done: done, All: all}
	}
}

// Working is how far the work in the background is, nil where there is none, and
// why it last failed.
func (k *Keys) Working() (*KeyProgress, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.progress == nil {
		return nil, k.failure
	}
	p := *k.progress
	return &p, k.failure
}
