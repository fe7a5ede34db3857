package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
	"chatets/appliance/target"
)

// Config is what Backups are made of.
type Config struct {
	DB           *sqlite.DB
	Audit        *audit.Log
	Settings     *setting.Settings
	Keys         *secret.Keyring
	Gate         *egress.Gate
	Blobs        *blob.Store
	Data         string // the data directory
	Installation string
	Version      string
	Skip         func(workspace string) bool                // files that can be made anew
	Reopen       func(text []byte) (*secret.Keyring, error) // opens keys.json as a target has it
	// Try opens a restored data directory and does with it what people would.
	Try func(ctx context.Context, dir string, keys *secret.Keyring) (Tried, error)
	// Prepare restores beside the data and makes a directory of it that a service can
	// start with; Leave ends the service and starts it anew with that. nil = a restore
	// is for the command alone.
	Prepare func(ctx context.Context, from Source, told Told) (*Ready, error)
	Leave   func(*Ready)
	Notify  func(workspace, person, noun, id string)
	Log     *slog.Logger
	Now     func() time.Time
}

type store struct {
	db    *sqlite.DB
	audit *audit.Log
}

const targetColumns = `id, workspace, owner, name, url, secret, ca, host_key, wait, rate, take_over, created`

type scanner interface{ Scan(...any) error }

func scanTarget(row scanner) (Target, error) {
	var t Target
	var created int64
	if err := row.Scan(&t.ID, &t.Workspace, &t.Owner, &t.Name, &t.URL, &t.sealed, &t.CA, &t.HostKey, &t.Wait, &t.Rate, &t.TakeOver, &created); err != nil {
		return t, err
	}
	a, err := target.Parse(t.URL)
	t.Kind, t.Created = a.Kind, time.UnixMilli(created).UTC()
	return t, err
}

type querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

type reading struct{ db *sql.DB }

func (r reading) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.db.QueryContext(ctx, query, args...)
}

func (s store) targets(ctx context.Context) ([]Target, error) { return list(ctx, reading{s.db.Read()}) }

func list(ctx context.Context, from querier) ([]Target, error) {
	rows, err := from.Query(ctx, `SELECT `+targetColumns+` FROM backup_target ORDER BY fold LIMIT ?`, maxTargets)
	if err != nil {
		return nil, fmt.Errorf("list backup targets: %w", err)
	}
	defer rows.Close()
	all := []Target{}
	for rows.Next() {
		t, err := scanTarget(rows)
		if err != nil {
			return nil, fmt.Errorf("list backup targets: %w", err)
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

func noTarget(id string) error { return fault.New(fault.NotFound, "There is no backup target %s.", id) }

func (s store) target(ctx context.Context, id string) (Target, error) {
	t, err := scanTarget(s.db.Read().QueryRowContext(ctx, `SELECT `+targetColumns+` FROM backup_target WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return t, noTarget(id)
	}
	return t, err
}

// free reports whether a target can be added beside the others.
func (s store) free(ctx context.Context, n Target) error {
	all, err := s.targets(ctx)
	if err != nil {
		return err
	}
	return room(all, n)
}

func room(all []Target, n Target) error {
	if len(all) >= maxTargets {
		return fault.New(fault.Conflict, "There are %d backup targets already, and no more can be added.", maxTargets).Cure("Remove one first.")
	}
	for _, t := range all {
		switch {
		case strings.EqualFold(t.Name, n.Name):
			return fault.New(fault.Conflict, "Another backup target has this name.").Code("name-taken").Cure("Choose another name.").
				With(fault.Detail{Field: "body.name", Sentence: "Another backup target has this name."})
		case t.URL == n.URL:
			return fault.New(fault.Conflict, "The data is copied to this address already, by the backup target %s.", t.Name).Code("target-twice").Cure("Name another one.").
				With(fault.Detail{Field: "body.url", Sentence: "The data is copied there already."})
		}
	}
	return nil
}

// add writes a target; reach lets it be reached once it is written.
func (s store) add(ctx context.Context, n Target, reach func([]Target) error) (Target, error) {
	const insert = `INSERT INTO backup_target (id, workspace, owner, name, fold, url, secret, ca, host_key, wait, rate, take_over, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	var after []Target
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		all, err := list(ctx, tx)
		if err != nil {
			return err
		}
		if err := room(all, n); err != nil {
			return err
		}
		n.Created = tx.Now.UTC().Truncate(time.Millisecond)
		sealed := n.sealed
		if sealed == nil {
			sealed = []byte{}
		}
		if _, err := tx.Exec(ctx, insert, n.ID, n.Workspace, n.Owner, n.Name, strings.ToLower(n.Name), n.URL, sealed, n.CA, n.HostKey, n.Wait, n.Rate, n.TakeOver, tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("insert a backup target: %w", err)
		}
		after = append(all, n)
		return s.audit.Record(ctx, tx, audit.Entry{Act: "backup.target.add", Object: n.ID, ObjectKind: "backup-target", Detail: map[string]any{"kind": string(n.Kind), "wait": n.Wait, "takeOver": n.TakeOver}})
	})
	if err != nil {
		return n, err
	}
	return n, reach(after)
}

// remove takes a target away, and with it the way to it.
func (s store) remove(ctx context.Context, id string, reach func([]Target) error) error {
	var after []Target
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		done, err := tx.Exec(ctx, `DELETE FROM backup_target WHERE id = ?`, id)
		if err != nil {
			return fmt.Errorf("remove a backup target: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noTarget(id))
		}
		if after, err = list(ctx, tx); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "backup.target.remove", Object: id, ObjectKind: "backup-target"})
	})
	if err != nil {
		return err
	}
	return reach(after)
}

// record writes an act that changes nothing else.
func (s store) record(ctx context.Context, e audit.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return s.audit.Record(ctx, tx, e) })
}
