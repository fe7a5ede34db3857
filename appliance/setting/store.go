package setting

import (
	"context"
	"embed"
	"fmt"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// store is all SQL of the settings.
type store struct {
	db    *sqlite.DB
	audit *audit.Log
}

// New reads the settings of a migrated database into memory. Owners declare
// their keys afterwards, in any order.
func New(ctx context.Context, db *sqlite.DB, log *audit.Log, now func() time.Time) (*Settings, error) {
	s := &Settings{store: store{db: db, audit: log}, now: now, keys: map[string]*entry{}}
	stored, err := s.store.current(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	for name, v := range stored {
		s.keys[name] = &entry{name: name, stored: v}
	}
	return s, nil
}

func (s store) current(ctx context.Context) (map[string]Version, error) {
	const read = `SELECT key, version, value, owner, changed FROM setting AS s
		WHERE version = (SELECT max(version) FROM setting WHERE key = s.key)`
	rows, err := s.db.Read().QueryContext(ctx, read)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]Version{}
	for rows.Next() {
		var name string
		v, err := scan(rows.Scan, &name)
		if err != nil {
			return nil, err
		}
		found[name] = v
	}
	return found, rows.Err()
}

func (s store) history(ctx context.Context, name string, before int64, limit int) ([]Version, error) {
	const list = `SELECT key, version, value, owner, changed FROM setting
		WHERE key = ? AND version < ? ORDER BY version DESC LIMIT ?`
	rows, err := s.db.Read().QueryContext(ctx, list, name, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var versions []Version
	for rows.Next() {
		v, err := scan(rows.Scan, &name)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, rows.Err()
}

func scan(scan func(...any) error, name *string) (Version, error) {
	var v Version
	var value string
	var changed int64
	err := scan(name, &v.Version, &value, &v.Owner, &changed)
	v.Value, v.Changed = []byte(value), time.UnixMilli(changed).UTC()
	return v, err
}

// add stores a new version; done runs once it is on disk.
func (s store) add(ctx context.Context, name string, v Version, done func()) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const insert = `INSERT INTO setting (key, version, value, owner, changed) VALUES (?, ?, ?, ?, ?)`
		if _, err := tx.Exec(ctx, insert, name, v.Version, string(v.Value), v.Owner, v.Changed.UnixMilli()); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
		tx.AfterCommit(done)
		return s.audit.Record(ctx, tx, audit.Entry{Act: "setting.change", ObjectKind: "setting", Object: name,
			Detail: map[string]any{"version": v.Version}})
	})
}

func (s store) refused(ctx context.Context, name string) error {
	return s.audit.Refused(ctx, audit.Entry{Act: "setting.change", ObjectKind: "setting", Object: name})
}
