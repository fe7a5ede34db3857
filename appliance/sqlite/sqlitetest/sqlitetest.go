// Package sqlitetest opens databases for tests. It is imported by tests only;
// the architecture test holds that.
package sqlitetest

import (
	"io/fs"
	"testing"

	"chatets/appliance/sqlite"
)

// Open returns a migrated database in a temporary directory, closed when the
// test ends.
func Open(t testing.TB, folders ...fs.FS) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Version: "test", Reserve: -1})
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
