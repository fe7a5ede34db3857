package sqlite

import (
	"context"
	"fmt"

	"chatets/appliance/sqlite/vfs"
)

// CheckSome opens n pages of the database from the page first on, and returns the
// first page behind them; 0 when the end was reached. Called again and again it
// reads all of the database without being in anybody's way.
func (db *DB) CheckSome(ctx context.Context, first, n uint32) (next uint32, err error) {
	last := first + n - 1
	damage, err := db.space.VerifyPart(ctx, db.path, first, last)
	if err != nil {
		return first, classify(db.cfg.Dir, fmt.Errorf("read some pages: %w", err))
	}
	if len(damage) > 0 {
		return last + 1, db.damageOf(damage)
	}
	if int64(last)*vfs.PageSize >= db.Stats().Bytes {
		return 0, nil
	}
	return last + 1, nil
}
