package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// A copy of this test binary plays an earlier build, which knew no sealed pages:
// SQLite keeps what the shim registered for the life of a process.
const (
	plainDir = "CHATETS_TEST_PLAIN_IN"
	sealDir  = "CHATETS_TEST_SEAL_IN"
)

// plainIn makes the database of an earlier build, with rows in its log, and leaves
// it as a killed process does.
func plainIn(t *testing.T, dir string, notes int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), plainDir+"="+dir, fmt.Sprint("CHATETS_TEST_NOTES=", notes))
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "chatets.db"))
	if err != nil || len(data) < page || data[20] != 0 {
		t.Fatalf("this is no database of an earlier build: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "chatets.db-wal")); err != nil || info.Size() == 0 {
		t.Fatalf("it has no log: %v", err)
	}
}

// makePlain is the earlier build.
func makePlain(dir string, notes int) error {
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "chatets.db")+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		`CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))`,
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1)`,
		`CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL, long BLOB) STRICT`,
		`CREATE INDEX note_text ON note (text)`,
		`CREATE VIRTUAL TABLE word USING fts5(text)`,
		`CREATE TABLE loose (x TEXT)`,
		`INSERT INTO loose (rowid, x) VALUES (7, 'seven'), (1000, 'thousand')`,
		`PRAGMA user_version = 42`,
		`PRAGMA wal_checkpoint(TRUNCATE)`,
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	for i := range notes {
		text := fmt.Sprintf("%s number %d", marker, i)
		if _, err := db.ExecContext(ctx, `INSERT INTO note (id, text, long) VALUES (?, ?, ?); INSERT INTO word (rowid, text) VALUES (?, ?)`, i, text, []byte(strings.Repeat(text, 300)), i, text); err != nil {
			return err
		}
	}
	return nil // and its process ends without closing
}

// TestConversion seals the database of an earlier build, with rows that were only
// in its log, once.
func TestConversion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plainIn(t, dir, 120)
	if err := os.WriteFile(filepath.Join(dir, "chatets.db.sealing"), []byte(marker+" of an attempt that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := sealedIn(t, dir, newRing(1, 1))
	converted := func(db *sqlite.DB) {
		t.Helper()
		var version, loose int
		var found int
		if err := errors.Join(
			db.Read().QueryRowContext(t.Context(), `PRAGMA user_version`).Scan(&version),
			db.Read().QueryRowContext(t.Context(), `SELECT sum(rowid) FROM loose`).Scan(&loose),
			db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM word WHERE word MATCH ?`, marker).Scan(&found),
		); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db); n != 120 || version != 42 || loose != 1007 || found != 120 {
			t.Errorf("got %d notes, version %d, row numbers %d, %d found by a word", n, version, loose, found)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if found := hits(t, dir); len(found) != 0 {
			t.Errorf("readable: %v", found)
		}
	}
	converted(db)
	note(t, db, 5000, 5001)
	if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM note WHERE id = 5000`)
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM word WHERE rowid = 5000`)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("files %v, %v", left, err)
	}
	converted(sealedIn(t, dir, newRing(1, 1)))
}

// TestConversionWithoutRoom starts on a disk that has no room for the sealed copy:
// the database stays as it was, and the sentence says how much is needed.
func TestConversionWithoutRoom(t *testing.T) {
	t.Parallel()
	dir, ok := mount(t, "size=2m")
	if !ok {
		return
	}
	plainIn(t, dir, 45)
	var before map[string][]byte
	read := func() map[string][]byte {
		t.Helper()
		files := map[string][]byte{}
		names, err := filepath.Glob(filepath.Join(dir, "chatets.db*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if files[name], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
		return files
	}
	before = read()
	_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: newRing(1, 1), Reserve: -1})
	wantFault(t, err, fault.Full, "free", "as it was")
	if !maps.EqualFunc(before, read(), bytes.Equal) {
		t.Error("the files are not as they were")
	}
}

// TestConversionKilled kills a process that seals a plain database, at many
// moments. Each time one whole database is there, plain or sealed, and the next
// start ends what was begun.
func TestConversionKilled(t *testing.T) {
	t.Parallel()
	origin := t.TempDir()
	plainIn(t, origin, 400)
	random := rand.New(rand.NewPCG(5, 8))
	killed := 0
	for round := range 12 {
		dir := t.TempDir()
		for _, end := range []string{"", "-wal"} {
			data, err := os.ReadFile(filepath.Join(origin, "chatets.db"+end))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "chatets.db"+end), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range 1 + random.IntN(3) {
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), sealDir+"="+dir)
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 1)); err != nil { // it has begun
				t.Fatal(err)
			}
			timer := time.AfterFunc(time.Duration(random.IntN(120))*time.Millisecond, func() { _ = child.Process.Kill() })
			if err := child.Wait(); err != nil {
				killed++
			}
			timer.Stop()
		}
		db := sealedIn(t, dir, newRing(1, 1))
		if n := count(t, db); n != 400 {
			t.Errorf("round %d: got %d notes of 400", round, n)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if found := hits(t, dir); len(found) != 0 {
			t.Errorf("round %d: readable: %v", round, found)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d times killed", killed)
}

// sealIn opens a directory as a start does.
func sealIn(dir string) error {
	fmt.Println("beginning")
	db, err := sqlite.Open(context.Background(), sqlite.Config{Dir: dir, Keys: newRing(1, 1), Reserve: -1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return db.Close()
}
