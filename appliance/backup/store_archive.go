package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// archiveRow is an archive or a set that was made: what key shred cannot reach.
type archiveRow struct {
	ID, Workspace, Owner string
	Name                 string // the file it was made as, or of a set the target's name
	Kind                 string // file or set
	Target               string // id, of a set
	Made                 time.Time
	Key                  uint32 // the data key that was current
	State                string // begun, whole, broken or unknown
	Ended                time.Time
	Bytes                int64
	Files, Damaged       int
	Why, Cure            string
}

const archiveColumns = `id, workspace, owner, name, kind, target, made, key, state, ended, bytes, files, damaged, why, cure`

// mostArchives is how many are listed.
const mostArchives = 1000

func (s store) beginArchive(ctx context.Context, a archiveRow) error {
	who := actor.From(ctx)
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const insert = `INSERT INTO backup_archive (id, workspace, owner, name, kind, target, made, key, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'begun')`
		if _, err := tx.Exec(ctx, insert, a.ID, who.Workspace, who.ID, a.Name, a.Kind, a.Target, tx.Now.UnixMilli(), a.Key); err != nil {
			return fmt.Errorf("note an archive: %w", err)
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "backup.archive", Object: a.ID, ObjectKind: "backup-archive", Detail: map[string]any{"kind": a.Kind}})
	})
}

func (s store) endArchive(ctx context.Context, a archiveRow) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const update = `UPDATE backup_archive SET state = ?, ended = ?, bytes = ?, files = ?, damaged = ?, why = ?, cure = ? WHERE id = ?`
		if _, err := tx.Exec(ctx, update, a.State, tx.Now.UnixMilli(), a.Bytes, a.Files, a.Damaged, a.Why, a.Cure, a.ID); err != nil {
			return fmt.Errorf("note an archive: %w", err)
		}
		e := audit.Entry{Act: "backup.archive.end", Object: a.ID, ObjectKind: "backup-archive", Detail: map[string]any{"bytes": a.Bytes, "files": a.Files, "damaged": a.Damaged}}
		if a.State == "broken" {
			e.Outcome = audit.Failed
		}
		return s.audit.Record(ctx, tx, e)
	})
}

// forgetArchive takes an archive off the list: whoever asks says that it was
// destroyed.
func (s store) forgetArchive(ctx context.Context, id string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		done, err := tx.Exec(ctx, `DELETE FROM backup_archive WHERE id = ? AND state <> 'begun'`, id)
		if err != nil {
			return fmt.Errorf("forget an archive: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noArchiveRow(id))
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "backup.archive.forget", Object: id, ObjectKind: "backup-archive"})
	})
}

// unknownArchives notes those whose end nobody saw: the service was stopped, or
// this is the state that was restored from one.
func (s store) unknownArchives(ctx context.Context) error {
	var there bool
	if err := s.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM backup_archive WHERE state = 'begun')`).Scan(&there); err != nil || !there {
		return err
	}
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE backup_archive SET state = 'unknown' WHERE state = 'begun'`)
		return err
	})
	if fault.Is(err, fault.Full) {
		return nil // reading goes on on a full disk; the next start notes it
	}
	return err
}

func noArchiveRow(id string) error {
	return fault.New(fault.NotFound, "There is no archive %s in the list.", id).Cure("chatets backup list shows all")
}

func scanArchive(row scanner) (a archiveRow, err error) {
	var made, ended int64
	err = row.Scan(&a.ID, &a.Workspace, &a.Owner, &a.Name, &a.Kind, &a.Target, &made, &a.Key, &a.State, &ended, &a.Bytes, &a.Files, &a.Damaged, &a.Why, &a.Cure)
	a.Made = time.UnixMilli(made).UTC()
	if ended > 0 {
		a.Ended = time.UnixMilli(ended).UTC()
	}
	return a, err
}

func (s store) archive(ctx context.Context, id string) (archiveRow, error) {
	a, err := scanArchive(s.db.Read().QueryRowContext(ctx, `SELECT `+archiveColumns+` FROM backup_archive WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return a, noArchiveRow(id)
	}
	return a, err
}

// archives are those made before a time, the newest first; zero means all.
func (s store) archives(ctx context.Context, before time.Time) ([]archiveRow, error) {
	limit := int64(1) << 62
	if !before.IsZero() {
		limit = before.UnixMilli()
	}
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+archiveColumns+` FROM backup_archive WHERE made < ? ORDER BY made DESC, id LIMIT ?`, limit, mostArchives)
	if err != nil {
		return nil, fmt.Errorf("list archives: %w", err)
	}
	defer rows.Close()
	all := []archiveRow{}
	for rows.Next() {
		a, err := scanArchive(rows)
		if err != nil {
			return nil, fmt.Errorf("list archives: %w", err)
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

func (s store) refused(ctx context.Context, act string) error {
	return s.audit.Refused(ctx, audit.Entry{Act: act, ObjectKind: "backup-archive"})
}

const stagedPurpose = "archive-staged"

// stage copies the database as it is now into a file, packed and sealed, and says
// how large it is opened.
func (b *Backups) stage(ctx context.Context, file *os.File) (size int64, err error) {
	sealed, err := b.cfg.Keys.SealStream(stagedPurpose, file, nil)
	if err != nil {
		return 0, stagingFailed(err)
	}
	packed, err := zstd.NewWriter(sealed, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return 0, err
	}
	err = b.cfg.DB.Snapshot(ctx, packed, func(n int64) error { size = n; return nil })
	if err != nil {
		return 0, stagingFailed(errors.Join(err, packed.Close()))
	}
	return size, stagingFailed(errors.Join(packed.Close(), sealed.Close()))
}

// staged opens what stage wrote.
func (b *Backups) staged(file *os.File) (io.Reader, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	plain, err := b.cfg.Keys.OpenStream(stagedPurpose, file, nil)
	if err != nil {
		return nil, err
	}
	return zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
}

// stagingFailed tells the disk of the data directory from other failures.
func stagingFailed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), fault.Is(err, fault.Full):
		return fault.New(fault.Full, "The disk of the data directory has no room for the copy of the database that an archive is made from; no archive was made.").
			Cure("Free space on it: it needs about a third of the database's size.").Because(err)
	}
	return err
}

// installDatabase writes a database into a directory and reads it to its end.
func installDatabase(ctx context.Context, r io.Reader, size int64, keys *secret.Keyring, dir string, checking func()) error {
	if err := sqlite.Install(ctx, r, size, keys.Pages(), dir); err != nil {
		return err
	}
	checking()
	return check(ctx, dir, keys)
}

// prunedSets takes sets off the list that were deleted from their target.
func (s store) prunedSets(ctx context.Context, target string, ids []string, p Pruned) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec(ctx, `DELETE FROM backup_archive WHERE id = ? AND kind = 'set'`, id); err != nil {
				return fmt.Errorf("forget a set: %w", err)
			}
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "backup.set.prune", Object: target, ObjectKind: "backup-target", Detail: map[string]any{"sets": p.Sets, "files": p.Files, "kept": p.Kept}})
	})
}
