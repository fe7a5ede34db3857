package vfs_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// TestOneFrameBehindTheEnd opens what a killed process left when exactly one frame
// of an update that never ended stands behind the last commit. Recovery reads it
// last; then the first page that is written there is the first of the database.
func TestOneFrameBehindTheEnd(t *testing.T) {
	t.Parallel()
	const frame = 24 + 4096
	ctx := t.Context()
	open := func(dir string) *sqlite.DB {
		t.Helper()
		db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() }) // the test reads before
		return db
	}
	do := func(db *sqlite.DB, statements ...string) {
		t.Helper()
		if err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			for _, s := range statements {
				if _, err := tx.Exec(ctx, s); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(dir, name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	from, to := t.TempDir(), t.TempDir()
	db := open(from)
	if err := db.Migrate(ctx, schema); err != nil {
		t.Fatal(err)
	}
	do(db, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO entry SELECT i, 0, '`+strings.Repeat("MARKER ", 200)+`' FROM n`)
	// A log without page 1: what recovery read last is still in hand when page 1 is written.
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(from)
	do(db, `UPDATE entry SET half = 1 WHERE name = '1'`)
	end := len(read(from, "chatets.db-wal"))
	do(db, `UPDATE entry SET half = 2`)
	log := read(from, "chatets.db-wal")
	if len(log) < end+2*frame {
		t.Fatalf("the second update wrote %d bytes, not several frames", len(log)-end)
	}
	if page, size := binary.BigEndian.Uint32(log[end:]), binary.BigEndian.Uint32(log[end+4:]); page == 1 || size != 0 {
		t.Fatalf("the frame behind the end is of page %d and ends an update of %d pages", page, size)
	}
	for name, text := range map[string][]byte{"chatets.db": read(from, "chatets.db"), "chatets.db-wal": log[:end+frame]} {
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	db = open(to)
	do(db, `CREATE TABLE other (n INTEGER) STRICT`) // page 1 comes first
	var rows, changed, made int
	if err := db.Read().QueryRowContext(ctx, `SELECT count(*), sum(half), (SELECT count(*) FROM other) FROM entry`).Scan(&rows, &changed, &made); err != nil {
		t.Fatal(err)
	}
	if rows != 50 || changed != 1 || made != 0 {
		t.Errorf("%d rows, the sum is %d and not 1", rows, changed)
	}
	var sound string
	if err := db.Read().QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("integrity: %q, %v", sound, err)
	}
}
