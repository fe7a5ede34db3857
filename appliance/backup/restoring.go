package backup

import (
	"context"
	"errors"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// Ready is a restored directory that waits to take the place of the one that is
// used.
type Ready struct {
	*Staging
	Restored Restored
	Erased   int
}

// restoring is a restore that was asked for in the running service.
type restoring struct {
	State  string // running, switching or failed
	Target Target
	At     time.Time // that was asked for, zero = the newest state
	Begun  time.Time
	Step   string
	Done   int64
	Total  int64
	Err    error

	cancel context.CancelFunc
}

// The states of a restore in the running service.
const (
	restoreRunning   = "running"
	restoreSwitching = "switching"
	restoreFailed    = "failed"
)

// Restore begins to restore this installation from one of its targets: beside the
// data, while the service goes on. When that is done and verified, writing stops,
// the two directories change places, and the service starts anew.
func (b *Backups) Restore(ctx context.Context, id string, at time.Time, confirm string) error {
	who := actor.From(ctx)
	if err := who.Need(who.Administers() && (who.Kind != actor.Person || who.Role == actor.Owner)); err != nil {
		return errors.Join(err, b.cfg.Audit.Refused(ctx, audit.Entry{Act: "backup.restore-begin", Object: id, ObjectKind: "backup-target"}))
	}
	t, _, err := b.opened(ctx, id)
	if err != nil {
		return err
	}
	if confirm != t.Name {
		return fault.New(fault.Invalid, "Everything that came after the restored point goes: that must be confirmed with the name of the backup target.").Code("restore-unconfirmed").
			Cure("Type %s.", t.Name).With(fault.Detail{Field: "body.confirm", Sentence: "Type the name of the backup target."})
	}
	if b.cfg.Prepare == nil || b.cfg.Leave == nil {
		return fault.New(fault.Conflict, "The data cannot be restored from here.").Cure("Stop the service and run chatets restore.")
	}
	work, cancel := context.WithCancel(actor.With(b.ctx, who))
	r := &restoring{State: restoreRunning, Target: t, At: at, Begun: b.cfg.Now().UTC(), cancel: cancel}
	b.mu.Lock()
	if b.restoring != nil && b.restoring.State != restoreFailed {
		b.mu.Unlock()
		cancel()
		return fault.New(fault.Conflict, "A restore is under way already.").Code("restore-running").Cure("Wait for its end, or cancel it.")
	}
	b.restoring = r
	b.mu.Unlock()
	entry := audit.Entry{Act: "backup.restore-begin", Object: t.ID, ObjectKind: "backup-target"}
	if !at.IsZero() {
		entry.Detail = map[string]any{"at": at.UnixMilli()}
	}
	if err := b.store.record(ctx, entry); err != nil {
		b.endRestore(r, err)
		return err
	}
	b.tell()
	b.filling.Go(func() { b.runRestore(work, r) })
	return nil
}

func (b *Backups) runRestore(ctx context.Context, r *restoring) {
	defer r.cancel()
	access, err := b.accessOf(r.Target)
	var ready *Ready
	if err == nil {
		ready, err = b.cfg.Prepare(ctx, FromTarget{Access: access, Gate: b.cfg.Gate, At: r.At, Now: b.cfg.Now}, func(step string, done, total int64) {
			b.mu.Lock()
			news := r.Step != step
			r.Step, r.Done, r.Total = step, done, total
			b.mu.Unlock()
			if news {
				b.tell()
			}
		})
	}
	if err == nil && ctx.Err() != nil {
		err = errors.Join(ctx.Err(), ready.Drop())
	}
	if err != nil {
		if errors.Is(err, context.Canceled) {
			err = fault.New(fault.Cancelled, "The restore was cancelled; the data is as it was.").Because(err)
		}
		b.endRestore(r, err)
		return
	}
	b.mu.Lock()
	r.State = restoreSwitching
	b.mu.Unlock()
	b.tell()
	b.cfg.Leave(ready)
}

// accessOf is what it takes to reach a target.
func (b *Backups) accessOf(t Target) (Access, error) {
	a := Access{URL: t.URL, CA: t.CA, HostKey: t.HostKey, Rate: t.Rate}
	if len(t.sealed) > 0 {
		plain, err := b.cfg.Keys.Open(secretPurpose, t.sealed, []byte(t.ID))
		if err != nil {
			return a, err
		}
		a.Secret = string(plain)
	}
	return a, nil
}

// endRestore notes a restore that came to nothing.
func (b *Backups) endRestore(r *restoring, err error) {
	b.cfg.Log.Error("the restore failed; the data is as it was", "error", err)
	b.mu.Lock()
	r.State, r.Err = restoreFailed, err
	b.mu.Unlock()
	if b.ctx.Err() == nil {
		ctx := actor.With(b.ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID})
		e := audit.Entry{Act: "backup.restore-end", Object: r.Target.ID, ObjectKind: "backup-target", Outcome: audit.Failed, Detail: map[string]any{"why": fault.Of(err).Code}}
		if err := b.store.record(ctx, e); err != nil {
			b.cfg.Log.Error("the end of a restore cannot be recorded", "error", err)
		}
	}
	b.tell()
}

// Cancel stops a restore that has not come to the switch.
func (b *Backups) Cancel(ctx context.Context) error {
	if _, err := administers(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.restoring == nil || b.restoring.State != restoreRunning {
		return fault.New(fault.Conflict, "No restore is under way that could be cancelled.")
	}
	b.restoring.cancel()
	return nil
}
