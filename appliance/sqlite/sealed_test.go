package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	driver "modernc.org/sqlite"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/vfs"
)

const page = 4096

// marker is a word that must stand nowhere on the disk.
const marker = "Xylophagous"

var words = fstest.MapFS{"migrations/00001_note.sql": {Data: []byte(`-- +goose Up
CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL, long BLOB) STRICT;
CREATE INDEX note_text ON note (text);
CREATE VIRTUAL TABLE word USING fts5(text);
-- +goose Down
DROP TABLE word;
DROP TABLE note;
`)}}

// turning are page keys that a test turns.
type turning struct {
	mu      sync.Mutex
	current uint32
	all     map[uint32][]byte
}

func newRing(current uint32, numbers ...uint32) *turning {
	r := &turning{current: current, all: map[uint32][]byte{}}
	for _, n := range numbers {
		r.all[n] = bytes.Repeat([]byte{byte(n)}, 32)
	}
	return r
}

func (r *turning) Current() (uint32, []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current, r.all[r.current]
}

func (r *turning) Key(number uint32) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, found := r.all[number]
	return key, found
}

func (r *turning) turn(number uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[number], r.current = bytes.Repeat([]byte{byte(number)}, 32), number
}

func (r *turning) drop(number uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, number)
}

// sealedIn opens a database with keys of the test.
func sealedIn(t *testing.T, dir string, keys *turning) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: keys, Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), words); err != nil {
		t.Fatal(err)
	}
	return db
}

// note writes notes from..to in one update.
func note(t *testing.T, db *sqlite.DB, from, to int) {
	t.Helper()
	if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		for i := from; i < to; i++ {
			text := fmt.Sprintf("%s number %d", marker, i)
			if _, err := tx.Exec(ctx, `INSERT INTO note (id, text, long) VALUES (?, ?, ?)`, i, text, []byte(strings.Repeat(text, 300))); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO word (rowid, text) VALUES (?, ?)`, i, text); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *sqlite.DB) int {
	t.Helper()
	var n int
	if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM note WHERE text LIKE ?`, marker+"%").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// hits searches all files of a directory for what was written, in the ways it can
// be seen: as it is, in another case, as UTF-16; and for what tells a database.
func hits(t *testing.T, dir string) map[string]int {
	t.Helper()
	found := map[string]int{}
	wide := make([]byte, 0, 2*len(marker))
	for _, c := range []byte(marker) {
		wide = append(wide, c, 0)
	}
	if err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		for _, text := range []string{marker, strings.ToLower(marker), strings.ToUpper(marker), string(wide), "CREATE TABLE", vfs.PlainMagic} {
			if n := bytes.Count(data, []byte(text)); n > 0 {
				found[filepath.Base(name)] += n
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestNothingReadable searches everything SQLite writes for what was stored, in
// all its lives: log, database, after deleting, VACUUM, its copies, and temporary
// files of a connection that does not keep them in memory. The same search finds it
// in a plain database.
func TestNothingReadable(t *testing.T) {
	t.Parallel()
	control := t.TempDir()
	plainIn(t, control, 50)
	if found := hits(t, control); found["chatets.db"] == 0 || found["chatets.db-wal"] < 50 {
		t.Fatalf("the search finds nothing in a plain database: %v", found)
	}

	dir := t.TempDir()
	db := sealedIn(t, dir, newRing(1, 1))
	look := func(when string) {
		t.Helper()
		if found := hits(t, dir); len(found) > 0 {
			t.Errorf("%s: found %v", when, found)
		}
	}
	note(t, db, 0, 400)
	look("in the log")
	if err := db.EmptyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "chatets.db-wal")); err == nil && info.Size() != 0 {
		t.Errorf("the emptied log has %d bytes", info.Size())
	}
	look("in the database")

	// A connection of somebody else's: its pragmas are SQLite's own.
	name := filepath.Join(dir, "chatets.db")
	other, err := sql.Open("sqlite", "file:"+name+"?_pragma=busy_timeout(10000)&_pragma=cache_size(-50)&_pragma=temp_store(FILE)")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	for _, statement := range []string{
		`CREATE TEMP TABLE mine AS SELECT * FROM note`,
		`CREATE INDEX temp.mine_text ON mine (text, long)`,
		`UPDATE mine SET text = text || '.'`,
		`VACUUM`,
		`VACUUM INTO '` + filepath.Join(dir, "copy.db") + `'`,
		`PRAGMA wal_checkpoint(TRUNCATE)`,
	} {
		if _, err := other.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		look(statement)
	}
	backUp(t, other, filepath.Join(dir, "backup.db"))
	look("after the backup")
	for _, copied := range []string{"copy.db", "backup.db"} {
		c, err := sql.Open("sqlite", "file:"+filepath.Join(dir, copied))
		if err != nil {
			t.Fatal(err)
		}
		var n int
		var sound string
		if err := errors.Join(c.QueryRowContext(t.Context(), `SELECT count(*) FROM note`).Scan(&n), c.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&sound)); err != nil || n != 400 || sound != "ok" {
			t.Errorf("%s: %d notes, %s, %v", copied, n, sound, err)
		}
		// Out of the mode with a log and back: a rollback journal with pages of the file.
		for _, statement := range []string{`PRAGMA journal_mode = PERSIST`, `UPDATE note SET text = text || '!'`, `PRAGMA journal_mode = TRUNCATE`, `BEGIN; DELETE FROM note; ROLLBACK`, `PRAGMA journal_mode = WAL`} {
			if _, err := c.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %s: %v", copied, statement, err)
			}
			look(copied + ": " + statement)
		}
		if err := c.QueryRowContext(t.Context(), `SELECT count(*) FROM note WHERE text LIKE '%!'`).Scan(&n); err != nil || n != 400 {
			t.Errorf("%s: %d notes after the journals, %v", copied, n, err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db); n != 400 {
		t.Errorf("got %d notes", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	look("closed")
}

// backUp copies a database with SQLite's backup interface.
func backUp(t *testing.T, db *sql.DB, to string) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Raw(func(c any) error {
		b, err := c.(interface {
			NewBackup(string) (*driver.Backup, error)
		}).NewBackup("file:" + to)
		if err != nil {
			return err
		}
		for {
			more, err := b.Step(50)
			if err != nil || !more {
				return errors.Join(err, b.Finish())
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// closed makes a sealed database of some hundred pages and returns its bytes.
func closed(t *testing.T, dir string) []byte {
	t.Helper()
	db := sealedIn(t, dir, newRing(1, 1))
	note(t, db, 0, 300)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "chatets.db"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestDamagedPages changes a database in many ways. Each is found, the page is
// named, the way out is told, and what is read meanwhile is an error, not a lie.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sound := closed(t, dir)
	pages := len(sound) / page
	random := rand.New(rand.NewPCG(3, 9))
	type damage struct {
		name  string
		do    func(b []byte) []byte
		named string
	}
	var all []damage
	for range 40 {
		p, at, bit := random.IntN(pages), random.IntN(page), byte(1)<<random.IntN(8)
		if p == 0 && at < 16 {
			at += 16 // the first bytes tell what the file is; they have a case of their own
		}
		all = append(all, damage{fmt.Sprintf("a bit of page %d, byte %d", p+1, at), func(b []byte) []byte { b[p*page+at] ^= bit; return b }, fmt.Sprintf("page %d", p+1)})
	}
	for range 10 {
		p, q := 1+random.IntN(pages-1), 1+random.IntN(pages-1)
		if p == q {
			continue
		}
		all = append(all, damage{fmt.Sprintf("pages %d and %d swapped", p+1, q+1), func(b []byte) []byte {
			kept := bytes.Clone(b[p*page : p*page+page])
			copy(b[p*page:], b[q*page:q*page+page])
			copy(b[q*page:], kept)
			return b
		}, fmt.Sprintf("%d and %d", min(p, q)+1, max(p, q)+1)})
	}
	all = append(all,
		damage{"a page of zeros", func(b []byte) []byte { clear(b[7*page : 8*page]); return b }, "page 8"},
		damage{"a page copied over another", func(b []byte) []byte { copy(b[9*page:10*page], b[11*page:]); return b }, "page 10"},
		damage{"the end cut off", func(b []byte) []byte { return b[:len(b)-5*page] }, "damaged"},
		damage{"the first bytes", func(b []byte) []byte { b[0] ^= 1; return b }, "damaged"},
		damage{"rubbish from page 2 on", func(b []byte) []byte { copy(b[page:], bytes.Repeat([]byte{0xa5}, len(b))); return b }, "pages 2, 3"},
	)
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "chatets.db"), tt.do(bytes.Clone(sound)), 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: newRing(1, 1), Reserve: -1})
			if err == nil {
				defer db.Close()
				// Reading stops at the page, or does not meet it.
				rows := 0
				if e := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM note WHERE length(long) > 5000 AND text LIKE ?`, marker+"%").Scan(&rows); e == nil && rows != 300 {
					t.Errorf("reading gives %d of 300 rows and no error", rows)
				} else if e != nil {
					wantFault(t, e, fault.Internal, "damaged", "restore")
				}
				err = db.Check(t.Context())
			}
			if err == nil {
				t.Fatal("it is not noticed")
			}
			wantFault(t, err, fault.Internal, "damaged", tt.named, "restore")
		})
	}
}

// TestDamagedLog changes the log of a killed process. What was acknowledged is not
// silently dropped, as a log that ends there; but the torn end that a kill leaves
// is no damage.
func TestDamagedLog(t *testing.T) {
	t.Parallel()
	const frame, head = page + 24, 32
	dir := t.TempDir()
	keys := newRing(1, 1)
	db := sealedIn(t, dir, keys)
	if err := db.EmptyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		note(t, db, i, i+1)
	}
	files := map[string][]byte{}
	for _, name := range []string{"chatets.db", "chatets.db-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	frames := (len(files["chatets.db-wal"]) - head) / frame
	if frames < 40 {
		t.Fatalf("the log has %d frames only", frames)
	}
	for _, tt := range []struct {
		name    string
		do      func(log []byte) []byte
		damaged bool
	}{
		{"untouched", func(log []byte) []byte { return log }, false},
		{"a bit of the first page", func(log []byte) []byte { log[head+24+100] ^= 1; return log }, true},
		{"a bit of a head", func(log []byte) []byte { log[head+3*frame+2] ^= 1; return log }, true},
		{"a bit of a checksum", func(log []byte) []byte { log[head+4*frame+17] ^= 1; return log }, true},
		{"a bit of the salts of a frame", func(log []byte) []byte { log[head+5*frame+9] ^= 1; return log }, true},
		{"two frames swapped", func(log []byte) []byte {
			a, b := log[head+2*frame:head+3*frame], log[head+6*frame:head+7*frame]
			kept := bytes.Clone(a)
			copy(a, b)
			copy(b, kept)
			return log
		}, true},
		{"the head of the log", func(log []byte) []byte { log[13] ^= 1; return log }, true},
		{"a salt of the head", func(log []byte) []byte { log[17] ^= 1; return log }, true},
		{"the end torn", func(log []byte) []byte { return log[:len(log)-page/2] }, false},
		{"the last frame half written", func(log []byte) []byte { clear(log[len(log)-page/2:]); return log }, false},
		{"rubbish behind the end", func(log []byte) []byte { return append(log, bytes.Repeat([]byte{0xa5}, 3*frame)...) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, data := range files {
				data = bytes.Clone(data)
				if strings.HasSuffix(name, "-wal") {
					data = tt.do(data)
				}
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: keys, Reserve: -1})
			if tt.damaged {
				wantFault(t, err, fault.Internal, "damaged", "write-ahead log", "restore")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if n := count(t, db); n < 11 {
				t.Errorf("got %d of 12 notes", n)
			}
			if err := db.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWrongKey starts with keys that are not those of the database, and wants a
// sentence about the key, not about damage, and the database as it was.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := closed(t, dir)
	other := newRing(1, 1)
	other.all[1] = bytes.Repeat([]byte{9}, 32)
	for _, tt := range []struct {
		name string
		keys *turning
	}{{"another key of the same number", other}, {"the number is missing", newRing(2, 2)}} {
		_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: tt.keys, Reserve: -1})
		wantFault(t, err, fault.Conflict, "another key", "same backup")
		after, err := os.ReadFile(filepath.Join(dir, "chatets.db"))
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the database was touched, %v", tt.name, err)
		}
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir}); err == nil {
		t.Error("a database opens without keys")
	}
	// A program of ours that forgot to enter the directory gets nothing, and a
	// plain SQLite no database.
	for _, uri := range []string{"", "?vfs=unix"} {
		c, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "chatets.db")+uri)
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := c.QueryRowContext(t.Context(), `SELECT count(*) FROM note`).Scan(&n); err == nil {
			t.Errorf("%q reads %d notes", uri, n)
		}
		_ = c.Close()
	}
	if db := sealedIn(t, dir, newRing(1, 1)); count(t, db) != 300 {
		t.Error("the right key does not open it")
	}
}

// TestOlderKeys starts with keys from before the last turn, once with the pages of
// the new key in the file and once only in the log of a killed process. The sentence
// is about the keys, nothing is dropped, and with the keys everything is there.
func TestOlderKeys(t *testing.T) {
	t.Parallel()
	for _, inLog := range []bool{false, true} {
		t.Run(fmt.Sprint("in the log: ", inLog), func(t *testing.T) {
			t.Parallel()
			dir, copied := t.TempDir(), t.TempDir()
			keys := newRing(1, 1)
			db := sealedIn(t, dir, keys)
			note(t, db, 0, 100)
			if err := db.EmptyLog(t.Context()); err != nil {
				t.Fatal(err)
			}
			keys.turn(2)
			note(t, db, 100, 105)
			if !inLog {
				if err := db.EmptyLog(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for _, end := range []string{"", "-wal"} {
				data, err := os.ReadFile(filepath.Join(dir, "chatets.db"+end))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(copied, "chatets.db"+end), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			older, err := sqlite.Open(t.Context(), sqlite.Config{Dir: copied, Keys: newRing(1, 1), Reserve: -1})
			if err == nil {
				err = errors.Join(older.Check(t.Context()), older.Close())
			}
			if got := fault.Of(err).Code; err == nil || got != "key-older" && got != "key-wrong" {
				t.Fatalf("got %s, %v", got, err)
			}
			if again := sealedIn(t, copied, newRing(2, 1, 2)); count(t, again) != 105 {
				t.Errorf("got %d of 105 notes with the right keys", count(t, again))
			}
		})
	}
}

// TestReseal turns the key of a database in use: it is written and read meanwhile,
// the work is broken off and taken up, and then the old key is needed no more.
func TestReseal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := newRing(1, 1)
	db := sealedIn(t, dir, keys)
	note(t, db, 0, 300)
	under := func(number uint32) int {
		t.Helper()
		n, err := db.PagesUnder(number)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := db.EmptyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := under(1)
	if before < 200 {
		t.Fatalf("only %d pages", before)
	}
	keys.turn(2)
	note(t, db, 300, 301)
	if under(2) == 0 {
		t.Error("nothing is sealed with the new key")
	}

	// Broken off in the middle.
	ctx, stop := context.WithCancel(t.Context())
	err := db.Reseal(ctx, func(done, total int) {
		if done > total/2 {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if err := db.EmptyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := under(1); left == 0 || left > before*2/3 {
		t.Errorf("%d of %d pages are left after the half", left, before)
	}

	// Taken up beside readers and writers.
	var all sync.WaitGroup
	ended := make(chan struct{})
	for w := range 2 {
		all.Go(func() {
			for i := 1000 * (w + 1); ; i++ {
				select {
				case <-ended:
					return
				default:
				}
				note(t, db, i, i+1)
				if n := count(t, db); n < 301 {
					t.Errorf("got %d notes", n)
				}
			}
		})
	}
	var done, total int
	err = db.Reseal(t.Context(), func(d, t int) { done, total = d, t })
	close(ended)
	all.Wait()
	if err != nil || done != total || total == 0 {
		t.Fatalf("%d of %d, %v", done, total, err)
	}
	if err := db.EmptyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := under(1); left != 0 {
		t.Fatalf("%d pages are left", left)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := count(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	keys.drop(1)
	if again := sealedIn(t, dir, keys); count(t, again) != n {
		t.Error("without the old key notes are missing")
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: newRing(1, 1), Reserve: -1}); err == nil {
		t.Error("the old key still opens it")
	}
}

// TestDeletedIsGone deletes rows and wants their text nowhere, even for who has
// the key: the pages of the file are opened and searched.
func TestDeletedIsGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := sealedIn(t, dir, newRing(1, 1))
	if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO word (word, rank) VALUES ('secure-delete', 1)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	note(t, db, 0, 50)
	opened := func() int {
		t.Helper()
		if err := db.EmptyLog(t.Context()); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_dbpage WHERE instr(lower(CAST(data AS TEXT)), ?) > 0 OR instr(data, CAST(? AS BLOB)) > 0`,
			strings.ToLower(marker), strings.ToLower(marker)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if opened() == 0 {
		t.Fatal("the search in the opened pages finds nothing")
	}
	if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM note`)
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM word`)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n := opened(); n != 0 {
		t.Errorf("%d pages still hold what was deleted", n)
	}
}

// TestManyHands reads and writes one database from all sides with little memory
// and a log that is emptied all the time; it is for the race detector.
func TestManyHands(t *testing.T) {
	t.Parallel()
	db := sealedIn(t, t.TempDir(), newRing(1, 1))
	if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `PRAGMA cache_size = 10`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 15 {
				note(t, db, 1000*w+i*3, 1000*w+i*3+3)
				if n := count(t, db); n < 3*(i+1) {
					t.Errorf("got %d notes after %d", n, 3*(i+1))
				}
				if w == 0 {
					if err := db.EmptyLog(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if n := count(t, db); n != 180 {
		t.Errorf("got %d notes, want 180", n)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
