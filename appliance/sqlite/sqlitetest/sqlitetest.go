// Package sqlitetest opens databases for tests. It is imported by tests only;
// the architecture test holds that.
//
// What a newcomer gets wrong: the database is the real one, with its fsync; a
// test that needs thousands of rows writes them in one Update.
package sqlitetest

import (
	"io/fs"
	"strings"
	"testing"

	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// Keys are the page keys of test databases, always the same.
func Keys() secret.PageKeys {
	ring, err := secret.New([]byte("a key that is known to all tests"))
	if err != nil {
		panic(err)
	}
	return ring.Pages()
}

// Open returns a migrated database in a temporary directory, closed when the
// test ends.
func Open(t testing.TB, folders ...fs.FS) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Keys: Keys(), Version: "test", Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	if len(folders) > 0 {
		if err := db.Migrate(t.Context(), folders...); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// UpDownUp takes the folders' migrations up, all the way down and up again: the
// way down must leave nothing, and the second way up the same schema.
func UpDownUp(t testing.TB, folders ...fs.FS) {
	t.Helper()
	db := Open(t, folders...)
	up := Schema(t, db)
	if up == "" {
		t.Fatal("the migrations make nothing")
	}
	if err := db.Down(t.Context(), 0, folders...); err != nil {
		t.Fatalf("down: %v", err)
	}
	if left := Schema(t, db); left != "" {
		t.Errorf("the way down leaves\n%s", left)
	}
	if err := db.Migrate(t.Context(), folders...); err != nil {
		t.Fatalf("up again: %v", err)
	}
	if again := Schema(t, db); again != up {
		t.Errorf("up again: got\n%s\nwant\n%s", again, up)
	}
}

// Schema is the text of all tables, indexes, triggers and views, by name,
// without those of the migrations themselves and of SQLite.
func Schema(t testing.TB, db *sqlite.DB) string {
	t.Helper()
	rows, err := db.Read().QueryContext(t.Context(), `SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema
		WHERE name NOT LIKE 'goose\_%' ESCAPE '\' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_%' ESCAPE '\' ORDER BY type, name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all.WriteString(one + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}
