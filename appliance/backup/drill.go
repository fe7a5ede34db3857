package backup

import (
	"context"
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// parts is in how many drills all files of a target are read: one a night, all of
// them in a month.
const parts = 30

// scratchRoom is what a drill wants free beside what it restores.
const scratchRoom = 64 << 20

// DrillState is where a drill stands.
type DrillState string

// The states; the last three are ends.
const (
	DrillWaiting   DrillState = "waiting"
	DrillRuns      DrillState = "running"
	DrillPassed    DrillState = "passed"
	DrillFailed    DrillState = "failed"
	DrillCancelled DrillState = "cancelled"
)

// Drill is a restore that is made to see whether it can be made.
type Drill struct {
	ID, Target, TargetName, Owner string
	Nightly                       bool
	State                         DrillState
	Started, Ended                time.Time
	Point                         time.Time     // of the restored state
	Lost                          time.Duration // changes that were not in it
	Bytes                         int64         // of the restored database
	Part                          int           // which thirtieth of the files was read
	Files, FileBytes              int64         // how much that was
	People                        int64         // whose sign-in was read
	Searched                      bool          // a search found what it should
	Why, Cure                     string        // of one that failed

	Step        string // of one that runs
	Done, Total int64
}

// Tried is what was done with a restored data directory.
type Tried struct {
	People   int64 // whose password could be compared with what they type
	Searched bool  // a search found what it should; false where there is nothing to find
}

// StepTry is the step of a drill behind those of a restore.
const StepTry = "try"

// drills is the drill that runs and those behind it.
type drills struct {
	waiting []Drill
	current *Drill
	cancel  context.CancelCauseFunc
	work    sync.WaitGroup
}

var (
	errDrillCancelled = fault.New(fault.Cancelled, "The drill was cancelled.")
	errDrillStopped   = fault.New(fault.Unavailable, "ChatETS was stopped during the drill.").Code("drill-stopped").Cure("Start another one.")
)

func (b *Backups) scratch() string { return filepath.Join(b.cfg.Data, "drill") }

// openDrills takes away what a drill left that was killed.
func (b *Backups) openDrills(ctx context.Context) error {
	if err := os.RemoveAll(b.scratch()); err != nil {
		b.cfg.Log.Error("what a drill left cannot be removed", "error", err)
	}
	return b.store.endDrills(ctx, errDrillStopped)
}

// StartDrill begins a drill of a target, or with an empty id of all in turn.
func (b *Backups) StartDrill(ctx context.Context, id string) ([]Drill, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	list, err := b.store.targets(ctx)
	if err != nil {
		return nil, err
	}
	if id != "" {
		t, err := b.store.target(ctx, id)
		if err != nil {
			return nil, err
		}
		list = []Target{t}
	}
	if len(list) == 0 {
		return nil, fault.New(fault.Conflict, "There is no backup target, so nothing can be restored.").Code("no-target").
			Cure("Add one: chatets backup target add --help")
	}
	if err := b.roomForDatabase(); err != nil {
		return nil, err
	}
	return b.startDrills(ctx, list, false)
}

func (b *Backups) startDrills(ctx context.Context, list []Target, nightly bool) ([]Drill, error) {
	b.mu.Lock()
	busy := b.drills.current != nil || len(b.drills.waiting) > 0
	b.mu.Unlock()
	if busy {
		return nil, fault.New(fault.Conflict, "A drill is under way already.").Code("drill-runs").Cure("Wait for its end, or cancel it.")
	}
	all, err := b.store.addDrills(ctx, list, actor.From(ctx).ID, nightly)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return nil, errDrillStopped
	}
	b.drills.waiting = append(b.drills.waiting, all...)
	if b.drills.current == nil {
		b.drills.current = &Drill{}
		b.drills.work.Go(b.runDrills)
	}
	b.tell()
	return all, nil
}

// CancelDrill ends a drill that waits or runs.
func (b *Backups) CancelDrill(ctx context.Context, id string) error {
	if _, err := administers(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	running := b.drills.current != nil && b.drills.current.ID == id
	if running {
		b.drills.cancel(errDrillCancelled)
	}
	found := running
	for i, d := range b.drills.waiting {
		if d.ID == id {
			b.drills.waiting = append(b.drills.waiting[:i:i], b.drills.waiting[i+1:]...)
			found = true
			d.State = DrillCancelled
			defer func() { _ = b.store.endDrill(context.WithoutCancel(ctx), d) }() // a start would end it too
			break
		}
	}
	b.mu.Unlock()
	if !found {
		if _, err := b.store.drill(ctx, id); err != nil {
			return err
		}
		return fault.New(fault.Conflict, "The drill is over already.").Code("drill-over").Cure("Start another one.")
	}
	return b.store.record(ctx, audit.Entry{Act: "backup.drill.cancel", Object: id, ObjectKind: "backup-drill"})
}

// runDrills works through the drills that wait.
func (b *Backups) runDrills() {
	for {
		b.mu.Lock()
		if len(b.drills.waiting) == 0 || b.ctx.Err() != nil {
			b.drills.current, b.drills.cancel, b.drills.waiting = nil, nil, nil
			b.mu.Unlock()
			b.tell()
			return
		}
		d := b.drills.waiting[0]
		b.drills.waiting = b.drills.waiting[1:]
		ctx, cancel := context.WithCancelCause(actor.With(b.ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID}))
		now := d
		b.drills.current, b.drills.cancel = &now, cancel
		b.mu.Unlock()
		b.runDrill(ctx, d)
		cancel(nil)
	}
}

// runDrill makes one drill and writes how it ended. What it restored is gone
// afterwards, whatever happens.
func (b *Backups) runDrill(ctx context.Context, d Drill) {
	d.State, d.Started = DrillRuns, b.cfg.Now().UTC()
	err := b.store.beginDrill(ctx, d)
	if err == nil {
		b.tell()
		err = b.drillOf(ctx, &d)
	}
	if e := os.RemoveAll(b.scratch()); e != nil {
		b.cfg.Log.Error("what a drill restored cannot be removed", "drill", d.ID, "error", e)
	}
	d.Ended = b.cfg.Now().UTC()
	switch cause := context.Cause(ctx); {
	case err == nil:
		d.State = DrillPassed
		b.cfg.Log.Info("a drill passed: the backup target gives the data back", "target", d.Target, "took", d.Ended.Sub(d.Started), "lost", d.Lost, "bytes", d.Bytes, "files", d.Files)
	case errors.Is(cause, errDrillCancelled):
		d.State = DrillCancelled
	default:
		if cause != nil {
			err = errDrillStopped
		}
		r := fault.Of(err)
		d.State, d.Why, d.Cure = DrillFailed, r.Sentence, r.Cure
		if r.Kind == fault.Internal && r.Code == fault.Internal.String() {
			d.Why, d.Cure = "The restored data does not work; the log says why.", "Look into the log, and restore from another target until this one is mended."
		}
		b.cfg.Log.Error("a drill failed: the backup target does not give the data back", "target", d.Target, "drill", d.ID, "error", err)
	}
	if err := b.store.endDrill(context.WithoutCancel(ctx), d); err != nil {
		b.cfg.Log.Error("the end of a drill cannot be recorded", "drill", d.ID, "error", err)
	}
	b.tell()
}

// drillOf restores, reads and tries.
//
//  1. There must be room for what is restored and for opening it.
//  2. The database is restored from the target into an empty directory and read
//     to its end; nothing of the running service helps but the master key.
//  3. One thirtieth of the files is fetched and read, another one each time.
//  4. The restored house is opened: people could sign in, a search finds.
func (b *Backups) drillOf(ctx context.Context, d *Drill) error {
	t, err := b.store.target(ctx, d.Target)
	if err != nil {
		return err
	}
	if err := b.roomForDatabase(); err != nil {
		return err
	}
	if err := os.RemoveAll(b.scratch()); err != nil {
		return err
	}
	from, err := b.openTarget(t, false)
	if err != nil {
		return err
	}
	defer from.Close()
	before := b.states(ctx)[t.ID].Database.Position
	o := Order{From: from, Dir: b.scratch(), Told: b.tellDrill, Now: b.cfg.Now, Unlock: func(_ context.Context, dir string) (*secret.Keyring, error) {
		text, err := os.ReadFile(filepath.Join(dir, secret.DocumentName))
		if err != nil {
			return nil, err
		}
		return b.cfg.Reopen(text)
	}}
	r, keys, err := RestoreDatabase(ctx, o)
	if err != nil {
		return err
	}
	d.Point = r.Point
	if r.Transaction < before {
		d.Lost = max(d.Started.Sub(r.Point), 0)
	}
	if info, err := os.Stat(filepath.Join(o.Dir, "chatets.db")); err == nil {
		d.Bytes = info.Size()
	}
	if err := b.drillFiles(ctx, o, keys, r.Point, d); err != nil {
		return err
	}
	b.tellDrill(StepTry, 0, 1)
	tried, err := b.cfg.Try(ctx, o.Dir, keys)
	d.People, d.Searched = tried.People, tried.Searched
	return err
}

// drillFiles reads one thirtieth of the files that were there at the point.
func (b *Backups) drillFiles(ctx context.Context, o Order, keys *secret.Keyring, point time.Time, d *Drill) error {
	all, err := blob.Held(ctx, o.From, point)
	if err != nil {
		return err
	}
	list := all[:0]
	for _, c := range all {
		if partOf(c.Workspace, c.Name) == d.Part {
			list = append(list, c)
			d.Files++
			d.FileBytes += c.Size
		}
	}
	if err := roomFor(b.cfg.Data, d.FileBytes); err != nil {
		return err
	}
	bad, err := blob.RestoreAll(ctx, o.From, keys, list, filepath.Join(o.Dir, "blobs"), func(done, total int64) { b.tellDrill(StepFiles, done, total) })
	if err != nil {
		return err
	}
	if len(bad) > 0 {
		return fault.New(fault.Conflict, "%d of %d files that were read are damaged or missing in the backup target, the first one is %s.", len(bad), d.Files, bad[0].Name).Code("drill-files").
			Cure("Remove the target and add it again with --take-over: what it lacks is copied anew. Keep another target until a drill passes.").Because(bad[0].Err)
	}
	return nil
}

// partOf is in which of the thirty parts a file is read.
func partOf(workspace, name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(workspace + "/" + name)) // never fails
	return int(h.Sum32() % parts)
}

// roomFor refuses what the disk of a directory is too small for.
func roomFor(dir string, bytes int64) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return nil // what is not known is no reason to refuse; a full disk ends the drill
	}
	need := bytes + scratchRoom
	if have := int64(s.Bavail) * s.Bsize; have < need {
		return fault.New(fault.Full, "A drill restores the data beside itself and needs %d MB free there; there are %d MB.", need>>20+1, have>>20).Code("drill-room").
			Cure("Free space on the disk of the data directory.")
	}
	return nil
}

// roomForDatabase refuses a drill for which the disk is too small: the database
// is there a second time, and opening it takes as much again at most.
func (b *Backups) roomForDatabase() error { return roomFor(b.cfg.Data, 2*b.cfg.DB.Stats().Bytes) }

// tellDrill notes how far the drill is that runs.
func (b *Backups) tellDrill(step string, done, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.drills.current; c != nil {
		c.Step, c.Done, c.Total = step, done, total
	}
}

// Drills lists the drills, the newest first.
func (b *Backups) Drills(ctx context.Context, limit int) ([]Drill, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	list, err := b.store.drills(ctx, limit)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range list {
		if c := b.drills.current; c != nil && c.ID == list[i].ID {
			list[i].Step, list[i].Done, list[i].Total = c.Step, c.Done, c.Total
		}
	}
	return list, nil
}
