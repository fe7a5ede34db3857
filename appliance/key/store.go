package key

import (
	"context"
	"database/sql"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store is all SQL of the keys.
type Store struct {
	DB    *sqlite.DB
	Audit *audit.Log
}

// serial is the newest keys.json that the database has seen; 0 = none.
func (s Store) serial(ctx context.Context) (uint64, error) {
	var serial int64
	err := s.DB.Read().QueryRowContext(ctx, `SELECT serial FROM key_serial`).Scan(&serial)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("serial of keys.json: %w", err)
	}
	return uint64(serial), nil
}

// record writes an act down, and with it what keys.json is after it.
func (s Store) record(ctx context.Context, serial uint64, e audit.Entry) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := note(ctx, tx, serial); err != nil {
			return err
		}
		return s.Audit.Record(ctx, tx, e)
	})
}

func note(ctx context.Context, tx *sqlite.Tx, serial uint64) error {
	const set = `INSERT INTO key_serial (one, serial, changed) VALUES (1, ?, ?)
		ON CONFLICT (one) DO UPDATE SET serial = max(serial, excluded.serial), changed = excluded.changed`
	_, err := tx.Exec(ctx, set, int64(serial), tx.Now.UnixMilli())
	return err
}

// sealedUnder names a column that holds values sealed with one of the keys; "" =
// there is none. It looks at every column of bytes, because it guards against
// whoever was forgotten.
func (s Store) sealedUnder(ctx context.Context, numbers []uint32) (string, error) {
	const columns = `SELECT t.name, c.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
		WHERE t.schema = 'main' AND t.type = 'table' AND upper(c.type) = 'BLOB' ORDER BY 1, 2`
	rows, err := s.DB.Read().QueryContext(ctx, columns)
	if err != nil {
		return "", fmt.Errorf("columns of bytes: %w", err)
	}
	defer rows.Close()
	var found [][2]string
	for rows.Next() {
		var at [2]string
		if err := rows.Scan(&at[0], &at[1]); err != nil {
			return "", err
		}
		found = append(found, at)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return "", err
	}
	for _, at := range found {
		for _, number := range numbers {
			var sealed bool
			// The names come from the schema itself.
			look := `SELECT EXISTS (SELECT 1 FROM ` + quoted(at[0]) + ` WHERE substr(` + quoted(at[1]) + `, 1, 5) = ?)`
			head := binary.BigEndian.AppendUint32([]byte{2}, number)
			if err := s.DB.Read().QueryRowContext(ctx, look, head).Scan(&sealed); err != nil {
				return "", fmt.Errorf("look into %s.%s: %w", at[0], at[1], err)
			}
			if sealed {
				return at[0] + "." + at[1], nil
			}
		}
	}
	return "", nil
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
