package sqlite_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func open(t *testing.T, dir string) (*sqlite.DB, error) {
	t.Helper()
	return sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Version: "1.2.3"})
}

// wantFault holds a failure against its kind and the words a person must read.
func wantFault(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	r := fault.Of(err)
	if err == nil || r.Kind != kind || r.Cure == "" {
		t.Fatalf("got %v (%s, cure %q), want a fault of kind %s with a cure", err, r.Kind, r.Cure, kind)
	}
	for _, word := range words {
		if !contains(r.Sentence+" "+r.Cure, word) {
			t.Errorf("%q, %q says nothing of %q", r.Sentence, r.Cure, word)
		}
	}
}

func TestOneInstance(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := sqlite.Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Claim(dir)
	wantFault(t, err, fault.Conflict, "in use", "Stop the service")
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := sqlite.Claim(dir)
	if err != nil {
		t.Fatalf("the lock is not given up: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := open(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	newer := fstest.MapFS{"migrations/00042_later.sql": {Data: []byte("-- +goose Up\nCREATE TABLE later (x INTEGER) STRICT;\n-- +goose Down\nDROP TABLE later;\n")}}
	if err := db.Migrate(t.Context(), schema, newer); err != nil {
		t.Fatal(err)
	}
	wantFault(t, db.Migrate(t.Context(), schema), fault.Conflict, "42", "schemas up to 1", "1.2.3", "newer ChatETS")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMigrationNumbersAreUnique(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t)
	other := fstest.MapFS{"migrations/00001_other.sql": schema["migrations/00001_row.sql"]}
	if err := db.Migrate(t.Context(), schema, other); err == nil || !contains(err.Error(), "same number") {
		t.Errorf("got %v", err)
	}
}

func TestUpDownUp(t *testing.T) {
	t.Parallel()
	sqlitetest.UpDownUp(t, schema)
}

// TestMigrationThatBuildsATableAnew drops a table others refer to, as SQLite
// wants it for most changes of a column: their rows must survive it. One that
// loses the rows referred to is told.
func TestMigrationThatBuildsATableAnew(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, fstest.MapFS{"migrations/00001_a.sql": {Data: []byte(`-- +goose Up
CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE) STRICT;
INSERT INTO parent (id) VALUES (1);
INSERT INTO child (id, parent) VALUES (1, 1);
-- +goose Down
DROP TABLE child;
DROP TABLE parent;
`)}})
	anew := func(keep string) fstest.MapFS {
		return fstest.MapFS{"migrations/00002_b.sql": {Data: []byte(`-- +goose Up
CREATE TABLE parent_2 (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO parent_2 (id) SELECT id FROM parent WHERE ` + keep + `;
DROP TABLE parent;
ALTER TABLE parent_2 RENAME TO parent;
-- +goose Down
ALTER TABLE parent DROP COLUMN name;
`)}, "migrations/00001_a.sql": {}}
	}
	if err := db.Migrate(t.Context(), anew("TRUE")); err != nil {
		t.Fatal(err)
	}
	var children int
	if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM child`).Scan(&children); err != nil || children != 1 {
		t.Errorf("got %d children, %v", children, err)
	}
	if err := db.Down(t.Context(), 1, anew("TRUE")); err != nil {
		t.Fatal(err)
	}
	wantFault(t, db.Migrate(t.Context(), anew("FALSE")), fault.Internal, "Go back")
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		damage func(file []byte)
	}{
		{"no database at all", func(file []byte) { copy(file, strings.Repeat("no database ", 200)) }},
		{"pages overwritten", func(file []byte) {
			for i := 4096; i < len(file); i++ {
				file[i] = 0xa5
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			db, err := open(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Migrate(t.Context(), schema); err != nil {
				t.Fatal(err)
			}
			for i := range 200 {
				if err := db.Update(t.Context(), insert(fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(dir, "chatets.db")
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tt.damage(file)
			if err := os.WriteFile(name, file, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err = open(t, dir)
			if err == nil {
				err = db.Check(t.Context())
				_ = db.Close()
			}
			wantFault(t, err, fault.Internal, "damaged", "restore")
		})
	}
}

// TestLibcVersion holds modernc.org/libc at the version sqlite was tested with.
func TestLibcVersion(t *testing.T) {
	t.Parallel()
	version := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-m", "-f"}, args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	ours := version("{{.Version}}", "modernc.org/libc")
	mod, err := os.ReadFile(filepath.Join(version("{{.Dir}}", "modernc.org/sqlite"), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !contains(string(mod), "modernc.org/libc "+ours+"\n") {
		t.Errorf("modernc.org/libc is %s; sqlite's go.mod wants another:\n%s", ours, mod)
	}
}
