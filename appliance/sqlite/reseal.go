package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// touched is how many pages one transaction of Reseal writes anew: so few that a
// person who waits for the writer does not notice.
const touched = 32

// Reseal seals every page that is under another than the current key anew, in
// small transactions beside the normal work. progress is told how many of how many
// are done. It can be ended at any time and called again: what is left is seen in
// the pages themselves. When it returns nil, PagesUnder is 0 for all other keys.
func (db *DB) Reseal(ctx context.Context, progress func(done, total int)) error {
	old, err := db.space.Old(db.path)
	if err != nil {
		return classify(db.cfg.Dir, fmt.Errorf("look for pages of old keys: %w", err))
	}
	total := len(old)
	for from := 0; from < total; from += touched {
		if err := db.touch(ctx, old[from:min(from+touched, total)]); err != nil {
			return err
		}
		if progress != nil {
			progress(min(from+touched, total), total)
		}
	}
	// The pages lie in the log under the current key and reach the file with it.
	for {
		if err := db.EmptyLog(ctx); err != nil {
			return err
		}
		left, err := db.space.Old(db.path)
		if err != nil {
			return classify(db.cfg.Dir, fmt.Errorf("look for pages of old keys: %w", err))
		}
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// touch writes pages as they are. Through SQLite, not past it: what replicates the
// database must see them, or its copies would keep the old key.
func (db *DB) touch(ctx context.Context, pages []uint32) error {
	args := make([]any, len(pages))
	for i, p := range pages {
		args[i] = p
	}
	query := `UPDATE sqlite_dbpage SET data = data WHERE pgno = ?` + strings.Repeat(` OR pgno = ?`, len(pages)-1)
	return db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

// PagesUnder counts the pages in the database and its write-ahead log that are
// sealed with the key of a number.
func (db *DB) PagesUnder(number uint32) (int, error) {
	n, err := db.space.Under(db.path, number)
	return n, classify(db.cfg.Dir, err)
}
