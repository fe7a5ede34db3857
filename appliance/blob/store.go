package blob

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chatets/appliance/sqlite"
)

// copyTable is all SQL of the copies.
type copyTable struct{ db *sqlite.DB }

type copyRow struct {
	state, sum string
}

type waitingRow struct{ workspace, name string }

func (t copyTable) row(ctx context.Context, id, workspace, name string) (r copyRow, found bool, err error) {
	err = t.db.Read().QueryRowContext(ctx, `SELECT state, sum FROM blob_copy WHERE target = ? AND workspace = ? AND name = ?`, id, workspace, name).Scan(&r.state, &r.sum)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// wait notes for each target that a file is to be copied, unless it is there.
func (t copyTable) wait(ctx context.Context, ids []string, workspace, name string) error {
	return t.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, id := range ids {
			if err := insertWaiting(ctx, tx, id, workspace, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// insertWaiting leaves a file that is there alone. Whoever copies one that had
// gone says that it is back.
func insertWaiting(ctx context.Context, tx *sqlite.Tx, id, workspace, name string) error {
	const insert = `INSERT INTO blob_copy (target, workspace, name, state, sum, size, changed) VALUES (?, ?, ?, 'waiting', '', 0, ?)
		ON CONFLICT DO UPDATE SET state = 'back', changed = excluded.changed WHERE state = 'gone'`
	if _, err := tx.Exec(ctx, insert, id, workspace, name, tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("note a copy: %w", err)
	}
	return nil
}

// note is wait for many files of one target.
func (t copyTable) note(ctx context.Context, id, workspace string, names []string) error {
	return t.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, name := range names {
			if err := insertWaiting(ctx, tx, id, workspace, name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t copyTable) set(ctx context.Context, id, workspace, name, statement string, args ...any) error {
	return t.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, statement, append(args, id, workspace, name)...)
		if err != nil {
			return fmt.Errorf("note a copy: %w", err)
		}
		return nil
	})
}

func (t copyTable) again(ctx context.Context, id, workspace, name string) error {
	return t.set(ctx, id, workspace, name, `UPDATE blob_copy SET state = 'waiting' WHERE state = 'there' AND target = ? AND workspace = ? AND name = ?`)
}

func (t copyTable) there(ctx context.Context, id, workspace, name, sum string, size int64) error {
	return t.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE blob_copy SET state = 'there', sum = ?, size = ?, changed = ? WHERE target = ? AND workspace = ? AND name = ?`,
			sum, size, tx.Now.UnixMilli(), id, workspace, name)
		if err != nil {
			return fmt.Errorf("note a copy: %w", err)
		}
		return nil
	})
}

func (t copyTable) gone(ctx context.Context, id, workspace, name string) error {
	return t.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE blob_copy SET state = 'gone', changed = ? WHERE target = ? AND workspace = ? AND name = ?`, tx.Now.UnixMilli(), id, workspace, name)
		if err != nil {
			return fmt.Errorf("note a copy: %w", err)
		}
		return nil
	})
}

func (t copyTable) drop(ctx context.Context, id, workspace, name string) error {
	return t.set(ctx, id, workspace, name, `DELETE FROM blob_copy WHERE target = ? AND workspace = ? AND name = ?`)
}

func (t copyTable) forget(ctx context.Context, id string) error {
	return t.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM blob_copy WHERE target = ?`, id)
		return err
	})
}

// waiting lists what is to be copied, the oldest first.
func (t copyTable) waiting(ctx context.Context, id string, limit int) ([]waitingRow, error) {
	return t.rows(ctx, `SELECT workspace, name FROM blob_copy WHERE target = ? AND state IN ('waiting', 'back') ORDER BY changed LIMIT ?`, id, limit)
}

// present lists what is not known to be gone, in order.
func (t copyTable) present(ctx context.Context, id string, after waitingRow, limit int) ([]waitingRow, error) {
	return t.rows(ctx, `SELECT workspace, name FROM blob_copy WHERE target = ? AND state <> 'gone' AND (workspace, name) > (?, ?) ORDER BY workspace, name LIMIT ?`,
		id, after.workspace, after.name, limit)
}

// expired lists what went before a time.
func (t copyTable) expired(ctx context.Context, id string, before time.Time, limit int) ([]waitingRow, error) {
	return t.rows(ctx, `SELECT workspace, name FROM blob_copy WHERE target = ? AND state = 'gone' AND changed < ? ORDER BY changed LIMIT ?`, id, before.UnixMilli(), limit)
}

func (t copyTable) rows(ctx context.Context, query string, args ...any) ([]waitingRow, error) {
	rows, err := t.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list copies: %w", err)
	}
	defer rows.Close()
	var list []waitingRow
	for rows.Next() {
		var r waitingRow
		if err := rows.Scan(&r.workspace, &r.name); err != nil {
			return nil, fmt.Errorf("list copies: %w", err)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

func (t copyTable) counts(ctx context.Context) (map[string]CopyStatus, error) {
	rows, err := t.db.Read().QueryContext(ctx, `SELECT target, count(*) FILTER (WHERE state IN ('waiting', 'back')), count(*) FILTER (WHERE state NOT IN ('waiting', 'back')), total(size) FILTER (WHERE state NOT IN ('waiting', 'back')),
		coalesce(min(changed) FILTER (WHERE state IN ('waiting', 'back')), 0) FROM blob_copy GROUP BY target`)
	if err != nil {
		return nil, fmt.Errorf("count copies: %w", err)
	}
	defer rows.Close()
	all := map[string]CopyStatus{}
	for rows.Next() {
		var id string
		var s CopyStatus
		var bytes sql.NullFloat64
		var oldest int64
		if err := rows.Scan(&id, &s.Waiting, &s.There, &bytes, &oldest); err != nil {
			return nil, fmt.Errorf("count copies: %w", err)
		}
		s.Bytes = int64(bytes.Float64)
		if oldest > 0 {
			s.Oldest = time.UnixMilli(oldest).UTC()
		}
		all[id] = s
	}
	return all, rows.Err()
}
