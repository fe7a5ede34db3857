package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// untold lists the acts that a target was not told of, the oldest first. One that
// was never told anything is told what came after it was added.
func (s store) untold(ctx context.Context, t Target) ([]told, error) {
	var last int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT row FROM backup_told WHERE target = ?`, t.ID).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.db.Read().QueryRowContext(ctx, `SELECT coalesce(max(row), 0) FROM audit WHERE time < ?`, t.Created.Add(-slack).UnixMilli()).Scan(&last)
	}
	if err != nil {
		return nil, fmt.Errorf("what a target was told: %w", err)
	}
	const list = `SELECT row, time, act, object_kind, object, hash FROM audit WHERE act IN (?, ?, ?) AND row > ? AND outcome = ? ORDER BY row LIMIT 100`
	rows, err := s.db.Read().QueryContext(ctx, list, ActShred, ActDisable, ActEnable, last, audit.OK)
	if err != nil {
		return nil, fmt.Errorf("what a target is to be told: %w", err)
	}
	defer rows.Close()
	var acts []told
	for rows.Next() {
		var a told
		var ms int64
		if err := rows.Scan(&a.row, &ms, &a.Act, &a.Kind, &a.Subject, &a.hash); err != nil {
			return nil, fmt.Errorf("what a target is to be told: %w", err)
		}
		a.Time = time.UnixMilli(ms).UTC()
		acts = append(acts, a)
	}
	return acts, rows.Err()
}

// told notes how far a target was told.
func (s store) told(ctx context.Context, id string, row int64) error {
	const set = `INSERT INTO backup_told (target, row) SELECT id, ? FROM backup_target WHERE id = ? ON CONFLICT (target) DO UPDATE SET row = excluded.row`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, set, row, id)
		return err
	})
}

// ForgetTargets leaves a restored directory without any target: it is looked at
// beside the one that goes on copying to them.
func ForgetTargets(ctx context.Context, tx *sqlite.Tx) error {
	for _, statement := range []string{`DELETE FROM backup_target`, `DELETE FROM blob_copy`} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("forget the targets: %w", err)
		}
	}
	return nil
}
