package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/target"
)

// Sets lists the sets of a target, the oldest first.
func (b *Backups) Sets(ctx context.Context, targetID string) ([]Set, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	_, t, err := b.opened(ctx, targetID)
	if err != nil {
		return nil, err
	}
	sets, _, err := listSets(ctx, t)
	return sets, err
}

// VerifySet reads a set to its end, as VerifyArchive does an archive; with a
// recovery key it is opened with that alone.
func (b *Backups) VerifySet(ctx context.Context, targetID, id, recovery string) (c Checked, err error) {
	if err := mayArchive(ctx); err != nil {
		return c, err
	}
	_, t, err := b.opened(ctx, targetID)
	if err != nil {
		return c, err
	}
	set, err := findSet(ctx, t, id)
	if err != nil {
		return c, err
	}
	if err := os.MkdirAll(b.staging(), 0o700); err != nil {
		return c, stagingFailed(err)
	}
	dir, err := os.MkdirTemp(b.staging(), "verify-*")
	if err != nil {
		return c, stagingFailed(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := setReader{t: t, set: set}
	keys, err := r.open(ctx, func(h ArchiveHead) (*secret.Keyring, error) {
		if recovery == "" {
			return b.cfg.Keys, nil
		}
		if err := os.WriteFile(filepath.Join(dir, secret.DocumentName), h.Keys, 0o600); err != nil {
			return nil, err
		}
		s, err := secret.OpenStore(ctx, secret.Config{Dir: dir, File: b.cfg.Data + ".none", Recovery: recovery, Now: b.cfg.Now})
		if err != nil {
			return nil, lockedArchive(err, h.Made)
		}
		return s.Ring(), nil
	})
	if err == nil {
		c.Head = r.head
		err = r.database(ctx, keys, dir)
	}
	var content setContent
	if err == nil {
		content, err = r.content(ctx)
	}
	for _, key := range content.Files {
		if err != nil {
			break
		}
		err = r.file(ctx, key, verifying(keys))
	}
	c.Files, c.Damaged = len(content.Files), len(content.Damaged)
	entry := audit.Entry{Act: "backup.set.verify", Object: set.ID, ObjectKind: "backup-archive"}
	if err != nil {
		entry.Outcome, entry.Detail = audit.Failed, map[string]any{"why": fault.Of(err).Code}
	}
	return c, errors.Join(err, b.store.record(context.WithoutCancel(ctx), entry))
}

// Pruned is what a pruning did.
type Pruned struct {
	Sets, Files int // deleted
	Kept        int // sets
}

// PruneSets deletes the sets of a target that are older than some days, but never
// the newest, and then the files that no set names any more. What is copied
// continuously is not touched.
func (b *Backups) PruneSets(ctx context.Context, targetID string, days int) (p Pruned, err error) {
	if err := mayArchive(ctx); err != nil {
		return p, err
	}
	if days < 1 {
		return p, fault.New(fault.Invalid, "Say for how many days sets are kept, at least 1.")
	}
	row, t, err := b.opened(ctx, targetID)
	if err != nil {
		return p, err
	}
	if !b.archiving.TryLock() {
		return p, archiveRunning()
	}
	defer b.archiving.Unlock()
	sets, gone, err := listSets(ctx, t)
	if err != nil {
		return p, err
	}
	before := b.cfg.Now().Add(-time.Duration(days) * 24 * time.Hour)
	needed := map[string]bool{}
	var ids []string
	for i, s := range sets {
		if s.Made.Before(before) && i < len(sets)-1 {
			// Its head goes first: half a set is none.
			gone = append(gone, s.folder()+"head", s.folder()+"database", s.folder()+"files")
			ids = append(ids, s.ID)
			continue
		}
		p.Kept++
		r := setReader{t: t, set: s}
		if _, err := r.open(ctx, func(ArchiveHead) (*secret.Keyring, error) { return b.cfg.Keys, nil }); err != nil {
			return p, err
		}
		// A list that cannot be read ends it here: nothing is deleted on a guess.
		c, err := r.content(ctx)
		if err != nil {
			return p, err
		}
		for _, key := range c.Files {
			needed[key] = true
		}
	}
	for o, err := range t.List(ctx, setFiles, "") {
		if err != nil {
			return p, err
		}
		if !needed[o.Name[len(setFiles):]] {
			gone = append(gone, o.Name)
			p.Files++
		}
	}
	for _, name := range gone {
		err := t.Delete(ctx, name)
		if errors.Is(err, target.ErrNoDelete) {
			return Pruned{Kept: len(sets)}, fault.New(fault.Forbidden, "The backup target %s lets nothing be deleted, which keeps a stolen server from destroying its backups.", row.Name).Code("target-keeps").
				Cure("Let it drop by its own rule what is older than you keep.")
		}
		if err != nil {
			return p, err
		}
	}
	p.Sets = len(ids)
	return p, b.store.prunedSets(context.WithoutCancel(ctx), row.ID, ids, p)
}
