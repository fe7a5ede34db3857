package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"

	"chatets/appliance/fault"
)

// Migrate brings the schema up to the newest migration of all folders, each of
// which holds migrations/NNNNN_name.sql. A schema newer than that is refused:
// an older program would not know what it breaks.
func (db *DB) Migrate(ctx context.Context, folders ...fs.FS) error {
	return db.migrate(ctx, folders, func(p *goose.Provider) (int, error) {
		done, err := p.Up(ctx)
		return len(done), err
	})
}

// Down takes the schema back to version, for a roll-back to an older program.
func (db *DB) Down(ctx context.Context, version int64, folders ...fs.FS) error {
	return db.migrate(ctx, folders, func(p *goose.Provider) (int, error) {
		done, err := p.DownTo(ctx, version)
		return len(done), err
	})
}

func (db *DB) migrate(ctx context.Context, folders []fs.FS, step func(*goose.Provider) (int, error)) error {
	all, newest, err := merge(folders)
	if err != nil {
		return err
	}
	failed := func(err error) error {
		err = fmt.Errorf("migrate: %w", db.named(err))
		if known := classify(db.cfg.Dir, err); known != err || isNamed(err) {
			return known
		}
		return unmigrated.Because(err)
	}
	// goose has a connection of its own: the writer's is held by its goroutine.
	// Foreign keys are off, because a migration that builds a table anew drops
	// the old one, and that would delete the rows that refer to it.
	pool, err := sql.Open("sqlite", db.dsn("_txlock=immediate", "busy_timeout(10000)", db.checkpoints(), "synchronous(FULL)", "foreign_keys(OFF)", "temp_store(MEMORY)", "secure_delete(ON)"))
	if err != nil {
		return failed(err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	p, err := goose.NewProvider(goose.DialectSQLite3, pool, all, goose.WithVerbose(false), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return failed(err)
	}
	at, err := p.GetDBVersion(ctx)
	if err != nil {
		return failed(err)
	}
	if at > newest {
		return fault.New(fault.Conflict, "The data directory has schema %d; this ChatETS (%s) knows schemas up to %d.", at, db.cfg.Version, newest).
			Code("newer-schema").Cure("Start the newer ChatETS that wrote it, or restore a backup from before the update.")
	}
	done, err := step(p)
	if err != nil {
		return failed(err)
	}
	if done > 0 {
		if err := references(ctx, pool); err != nil {
			return failed(err)
		}
	}
	return nil
}

// unmigrated is a failure of a migration itself; each one is a transaction.
var unmigrated = fault.New(fault.Internal, "The database cannot be brought to the schema of this ChatETS.").Code("migration-failed").
	Cure("Go back to the version that ran before, keep the data directory as it is, and report this with the log.")

// references makes up for the foreign keys that were off.
func references(ctx context.Context, pool *sql.DB) error {
	var table, parent string
	err := pool.QueryRowContext(ctx, `SELECT "table", parent FROM pragma_foreign_key_check LIMIT 1`).Scan(&table, &parent)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("a row of %s refers to a row of %s that is gone", table, parent)
}

// merged shows the migrations of all folders as the files of one.
type merged map[string]fs.FS // file name -> the folder that holds migrations/name

// Open opens one migration.
func (m merged) Open(name string) (fs.File, error) {
	folder, found := m[name]
	if !found {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return folder.Open("migrations/" + name)
}

// Glob names the migrations that fit a pattern.
func (m merged) Glob(pattern string) ([]string, error) {
	var found []string
	for name := range m {
		fits, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if fits {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found, nil
}

// merge puts the folders together, refusing a number that is given twice.
func merge(folders []fs.FS) (all merged, newest int64, err error) {
	all = merged{}
	seen := map[int64]string{}
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
			seen[number], all[base] = base, folder
			newest = max(newest, number)
		}
	}
	if len(all) == 0 {
		return nil, 0, errors.New("no migrations were given")
	}
	return all, newest, nil
}
