package sqlite

import (
	"context"
	"fmt"
)

// Schema is the number of the newest migration that is in force.
func (db *DB) Schema(ctx context.Context) (int64, error) {
	var version int64
	if err := db.Read().QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version); err != nil {
		return 0, fmt.Errorf("schema version: %w", err)
	}
	return version, nil
}
