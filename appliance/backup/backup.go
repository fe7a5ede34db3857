// Package backup keeps the data a second time: it knows the targets, runs the
// copying of the database and of the files to them, and restores a data directory
// from one.
//
// What a newcomer gets wrong: nothing of what changes every second is written to
// the database here. What a target has is asked of the target, because a note of
// it would be a change that has to be copied.
package backup

import (
	"context"
	"embed"
	"errors"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/setting"
	"chatets/appliance/target"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Backups are the targets of the installation and what is copied to them.
type Backups struct {
	cfg    Config
	store  store
	keep   keeping
	copies *blob.Copies

	change    sync.Mutex // one change of the targets at a time
	archiving sync.Mutex // one archive or set at a time

	mu      sync.Mutex
	replica *replica
	open    map[string]target.Target // by the target's id
	failed  map[string]error         // targets that could not be opened
	keysAt  map[string]*seenKeys     // what each target has of keys.json
	work    sync.WaitGroup
	refill  *refill // nil = all files are there
	filling sync.WaitGroup

	restoring *restoring // the last restore that was asked for here

	last     Restored // what this directory was restored from
	restored bool     // it was
	ctx      context.Context
	stop     context.CancelFunc
	halt     context.CancelFunc // of the replica's own loop
	drills   drills
}

// keeping are the settings: for how long points can be restored, and when that is
// tried.
type keeping struct {
	interval, seconds, minutes, hours, drillHour *setting.Value[int]
}

// New declares the settings; Open begins.
func New(cfg Config) *Backups {
	b := &Backups{cfg: cfg, store: store{db: cfg.DB, audit: cfg.Audit}, open: map[string]target.Target{}, failed: map[string]error{}, keysAt: map[string]*seenKeys{}}
	b.ctx, b.stop = context.WithCancel(context.Background())
	s := cfg.Settings
	b.keep = keeping{
		interval: setting.Declare(s, setting.Key[int]{Name: "backup.intervalSeconds", Default: 1, Check: setting.Between(1, 3600),
			Help: "How often changes of the database are copied to the backup targets, in seconds; from the next start on."}),
		seconds: setting.Declare(s, setting.Key[int]{Name: "backup.secondsKeptHours", Default: 24, Check: setting.Between(1, 24*31),
			Help: "For how many hours every second can be restored."}),
		minutes: setting.Declare(s, setting.Key[int]{Name: "backup.minutesKeptDays", Default: 7, Check: setting.Between(1, 366),
			Help: "For how many days every minute can be restored."}),
		hours: setting.Declare(s, setting.Key[int]{Name: "backup.hoursKeptDays", Default: 30, Check: setting.Between(1, 3660),
			Help: "For how many days every hour can be restored; files that were deleted are kept as long in the targets."}),
		drillHour: setting.Declare(s, setting.Key[int]{Name: "backup.drillHour", Default: 2, Check: setting.Between(-1, 23),
			Help: "In which hour of the night, by the server's clock, each backup target is restored from beside the data to see whether it can be done; -1 = never."}),
	}
	b.copies = cfg.Blobs.Replicate(blob.CopyConfig{DB: cfg.DB, Skip: cfg.Skip, Before: b.keysFirst, Log: cfg.Log, Now: cfg.Now,
		Keep: func() time.Duration { return time.Duration(b.keep.hours.Get(context.Background())+1) * 24 * time.Hour }})
	return b
}

// Open begins to copy to the targets there are. One that cannot be opened is
// logged: the service starts without it.
func (b *Backups) Open(ctx context.Context) error {
	if err := b.openDrills(ctx); err != nil {
		return err
	}
	if err := b.store.unknownArchives(ctx); err != nil {
		return err
	}
	list, err := b.store.targets(ctx)
	if err != nil {
		return err
	}
	if err := b.beginRefill(); err != nil {
		// What is there serves; what is missing says so when it is asked for.
		b.cfg.Log.Error("the files of the restored data are not fetched", "error", err)
	}
	if len(list) == 0 {
		return b.cfg.DB.Unreplicate(ctx)
	}
	if err := b.allow(list); err != nil {
		return err
	}
	for _, t := range list {
		if err := b.attach(ctx, t); err != nil {
			b.cfg.Log.Error("a backup target cannot be opened; nothing is copied to it", "target", t.Name, "error", err)
			b.mu.Lock()
			b.failed[t.ID] = err
			b.mu.Unlock()
		}
	}
	return nil
}

// attach begins to copy to a target.
func (b *Backups) attach(ctx context.Context, t Target) error {
	opened, err := b.openTarget(t, false)
	if err != nil {
		return err
	}
	r, err := b.running(ctx)
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	b.mu.Lock()
	b.open[t.ID] = opened
	b.mu.Unlock()
	r.Attach(t.ID, opened, t.TakeOver)
	b.copies.Attach(t.ID, opened, t.Wait)
	return nil
}

// detach ends the copying to a target; with the last one replication ends.
func (b *Backups) detach(ctx context.Context, id string) error {
	b.mu.Lock()
	opened, r := b.open[id], b.replica
	delete(b.open, id)
	delete(b.failed, id)
	last := len(b.open) == 0 && r != nil
	if last {
		b.halt()
		b.replica = nil
	}
	b.mu.Unlock()
	var errs []error
	if r != nil {
		r.Detach(id)
	}
	errs = append(errs, b.copies.Detach(ctx, id))
	if opened != nil {
		errs = append(errs, opened.Close())
	}
	if last {
		b.work.Wait()
		errs = append(errs, r.Stop(ctx))
	}
	return errors.Join(errs...)
}

// Run tells when a target is behind, and begins the drills of the night, until
// ctx ends.
func (b *Backups) Run(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID})
	behind := map[string]bool{}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	var trouble string
	for {
		b.watch(ctx, behind)
		b.nightly(ctx)
		now := ""
		if err := b.tellErasures(ctx); err != nil && ctx.Err() == nil {
			now = fault.Of(err).Sentence
			if now != trouble {
				b.cfg.Log.Warn("a backup target cannot be told what was erased; it is tried again", "error", err)
			}
		}
		trouble = now
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// late is how long a target may be behind before that is recorded.
const late = time.Minute

// fenced stops all writing when another machine has become the master, and lets
// it go on when no target says so any more: what people would write here would
// be in no backup, and be gone when this machine goes.
func (b *Backups) fenced(err error) {
	if err == nil {
		b.cfg.Log.Info("no backup target is another machine's any more: writing goes on")
		halt(b.cfg.DB, nil)
		b.tell()
		return
	}
	halt(b.cfg.DB, fault.New(fault.Unavailable, "Another machine has become the master in this one's place; nothing can be written here any more, and reading goes on.").Code(fault.Superseded).
		Cure("Use ChatETS at its new address, and stop it here. If this machine is to be the master again: remove the backup target, and add it with --take-over.").Because(err))
	b.cfg.Log.Error("another machine has become the master: nothing is written here any more", "error", err,
		"cure", "stop the service here; if this machine is to be the master again: chatets backup target remove NAME, then add it with --take-over")
	b.tell()
}

// watch records when a target falls behind and when it has caught up.
func (b *Backups) watch(ctx context.Context, behind map[string]bool) {
	for id, s := range b.states(ctx) {
		is := s.behind() > late
		if is == behind[id] {
			continue
		}
		entry := audit.Entry{Act: "backup.behind", Object: id, ObjectKind: "backup-target", Outcome: audit.Failed, Detail: map[string]any{"seconds": int64(s.behind().Seconds()), "why": fault.Of(s.err()).Code}}
		if !is {
			entry = audit.Entry{Act: "backup.caught-up", Object: id, ObjectKind: "backup-target"}
		}
		if err := b.store.record(despite(ctx), entry); err != nil {
			b.cfg.Log.Error("what happened to a backup target cannot be recorded", "target", id, "error", err)
			continue
		}
		behind[id] = is
		b.tell()
	}
}

func (b *Backups) tell() {
	if b.cfg.Notify != nil {
		b.cfg.Notify("", "", "backup", "")
	}
}

// Close ends the copying of files and looks at the log no more; what is left of
// the log is copied when the database is closed.
func (b *Backups) Close() {
	b.stop()
	b.work.Wait()
	b.drills.work.Wait()
	b.filling.Wait()
	b.copies.Close()
}
