package backup

import (
	"context"
	"errors"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/target"
)

// refill fetches the files of a directory that was restored without them, while
// the service runs.
type refill struct {
	of   Restored
	from target.Target
	work *blob.Refill
	err  error // why it does not go on now
}

// beginRefill looks whether files are still to be fetched. It comes before any
// target is copied to: what is missing here must not be taken for deleted.
func (b *Backups) beginRefill() error {
	r, found, err := Mark(b.cfg.Data)
	if err != nil {
		return fault.New(fault.Conflict, "The note of the restore (restored.json) cannot be read.").Code("restore-note").
			Cure("Restore again, with --all.").Because(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.restored = r, found
	if !found || r.Rest == nil {
		return nil
	}
	access, err := openAccess(b.cfg.Keys, r.Rest)
	if err != nil {
		return err
	}
	from, err := access.Open(b.cfg.Gate)
	if err != nil {
		return err
	}
	b.refill = &refill{of: r, from: from, work: b.cfg.Blobs.Refill(from, r.Point)}
	f := b.refill
	b.filling.Go(func() { b.runRefill(b.ctx, f) })
	return nil
}

// runRefill fetches until all is there, however long the target is away.
func (b *Backups) runRefill(ctx context.Context, f *refill) {
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID})
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		err := f.work.Run(ctx, b.cfg.Skip)
		if err == nil {
			err = b.endRefill(ctx, f)
		}
		if err == nil || ctx.Err() != nil {
			break
		}
		b.cfg.Log.Warn("the files of the restored data cannot be fetched; it is tried again", "error", err)
		b.mu.Lock()
		f.err = err
		b.mu.Unlock()
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			wait.Stop()
		case <-wait.C:
		}
	}
	if err := f.from.Close(); err != nil {
		b.cfg.Log.Warn("the target that was restored from is not closed", "error", err)
	}
}

// endRefill notes that all files are there but for the damaged ones, which are
// named.
func (b *Backups) endRefill(ctx context.Context, f *refill) error {
	s := f.work.Status()
	for _, d := range s.Damaged {
		b.cfg.Log.Error("a file of the restored data is damaged in the backup target", "workspace", d.Workspace, "file", d.Name, "error", d.Err)
	}
	e := audit.Entry{Act: "backup.files-restored", ObjectKind: "installation", Object: b.cfg.Installation, Detail: map[string]any{"files": s.Files, "damaged": len(s.Damaged)}}
	if len(s.Damaged) > 0 {
		e.Outcome = audit.Failed
	}
	r := f.of
	r.Rest, r.Files, r.Damaged = nil, s.Files, s.Damaged
	if err := errors.Join(b.store.record(ctx, e), r.write(b.cfg.Data)); err != nil {
		return err
	}
	f.work.End()
	b.mu.Lock()
	b.last, b.refill = r, nil
	b.mu.Unlock()
	b.tell()
	return nil
}
