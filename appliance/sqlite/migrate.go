package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"chatets/appliance/fault"
)

// Migrate brings the schema up to the newest migration of all folders, each of
// which holds migrations/NNNNN_name.sql. A schema newer than that is refused:
// an older program would not know what it breaks.
func (db *DB) Migrate(ctx context.Context, folders ...fs.FS) error {
	return db.migrate(ctx, folders, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// Down takes the schema back to version, for a roll-back to an older program.
func (db *DB) Down(ctx context.Context, version int64, folders ...fs.FS) error {
	return db.migrate(ctx, folders, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, version)
		return err
	})
}

func (db *DB) migrate(ctx context.Context, folders []fs.FS, step func(*goose.Provider) error) error {
	merged, newest, err := merge(folders)
	if err != nil {
		return err
	}
	// goose has a connection of its own: the writer's is held by its goroutine.
	pool, err := sql.Open("sqlite", db.dsn("_txlock=immediate", "busy_timeout(10000)", "foreign_keys(ON)"))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	p, err := goose.NewProvider(goose.DialectSQLite3, pool, merged, goose.WithVerbose(false), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	at, err := p.GetDBVersion(ctx)
	if err != nil {
		return classify(fmt.Errorf("migrate: %w", err))
	}
	if at > newest {
		return fault.New(fault.Conflict, "The data directory has schema %d; this ChatETS (%s) knows schemas up to %d.", at, db.cfg.Version, newest).
			Code("newer-schema").Cure("Start the newer ChatETS that wrote it, or restore a backup from before the update.")
	}
	if err := step(p); err != nil {
		return classify(fmt.Errorf("migrate: %w", err))
	}
	return nil
}

// merge puts the folders into one, refusing a number that is given twice.
func merge(folders []fs.FS) (fs.FS, int64, error) {
	merged := fstest.MapFS{}
	seen := map[int64]string{}
	var newest int64
	for _, folder := range folders {
		names, err := fs.Glob(folder, "migrations/*.sql")
		if err != nil {
			return nil, 0, err
		}
		for _, name := range names {
			base := path.Base(name)
			digits, _, _ := strings.Cut(base, "_")
			number, err := strconv.ParseInt(digits, 10, 64)
			if err != nil {
				return nil, 0, fmt.Errorf("migration %s: its name begins with no number", base)
			}
			if other, twice := seen[number]; twice {
				return nil, 0, fmt.Errorf("migrations %s and %s have the same number", other, base)
			}
			seen[number] = base
			text, err := fs.ReadFile(folder, name)
			if err != nil {
				return nil, 0, err
			}
			merged[base] = &fstest.MapFile{Data: text, Mode: 0o444}
			newest = max(newest, number)
		}
	}
	if len(merged) == 0 {
		return nil, 0, errors.New("no migrations were given")
	}
	return merged, newest, nil
}
