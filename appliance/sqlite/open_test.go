package sqlite_test

import (
	"bytes"
	"context"
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
	return sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Version: "1.2.3"})
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
	db := sqlitetest.Open(t, schema)
	dump := func() string {
		t.Helper()
		rows, err := db.Read().QueryContext(t.Context(), `SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'goose%' ORDER BY name`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var all bytes.Buffer
		for rows.Next() {
			var sql string
			if err := rows.Scan(&sql); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&all, sql)
		}
		return all.String()
	}
	up := dump()
	if err := db.Down(t.Context(), 0, schema); err != nil {
		t.Fatal(err)
	}
	if contains(dump(), "entry") {
		t.Error("the way down leaves the table")
	}
	if err := db.Migrate(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	if again := dump(); again != up {
		t.Errorf("got\n%s\nwant\n%s", again, up)
	}
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

func TestPlaceThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		_, err := open(t, dir)
		wantFault(t, err, fault.Unavailable, "cannot be written")
	}
	// The kernel's own folder refuses everybody, root too.
	_, err := open(t, "/proc/self")
	if err == nil {
		t.Fatal("a database was made in /proc")
	}
}

// TestDiskFull fills a database up to a page limit, which SQLite reports as it
// reports a full disk: nothing half written, reading goes on, and writing goes
// on once there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, schema)
	limit := func(pages int) {
		t.Helper()
		if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			var got int
			return tx.QueryRow(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&got)
		}); err != nil {
			t.Fatal(err)
		}
	}
	big := func(name string) func(context.Context, *sqlite.Tx) error {
		return func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO entry (name, big) VALUES (?, ?)`, name, strings.Repeat("x", 100_000))
			return err
		}
	}
	limit(40)
	errs := batch(t, db, insert("small"), big("one"), big("two"), insert("last"))
	if errs[0] != nil || errs[1] != nil && errs[2] != nil {
		t.Fatalf("there was room for the first ones: %v", errs)
	}
	wantFault(t, errs[2], fault.Full, "full", "Free space")
	if got := names(t, db); got["two"] || !got["small"] || !got["one"] || got["last"] != (errs[3] == nil) {
		t.Errorf("got rows %v, answers %v", got, errs)
	}
	limit(100_000)
	if err := db.Update(t.Context(), big("two")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
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
