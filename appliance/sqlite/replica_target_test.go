package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/target"
)

const replicaMarker = "marmalade-confidential"

// replicated is a database with a table of notes and a directory it is copied to.
type replicated struct {
	dir, place string
	keys       *secret.Keyring
	db         *sqlite.DB
	replica    *sqlite.Replica
	target     target.Target
	stop       context.CancelFunc
	done       chan error
	ahead      atomic.Int64 // of the clock
}

func ring(t *testing.T, n byte) *secret.Keyring {
	t.Helper()
	k, err := secret.New(bytes.Repeat([]byte{n}, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func place(t *testing.T, dir string) target.Target {
	t.Helper()
	made, err := target.Open(target.Config{URL: "file://" + dir, Tries: 2, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.(target.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return made
}

func newReplicated(t *testing.T) *replicated {
	t.Helper()
	r := &replicated{dir: t.TempDir(), place: filepath.Join(t.TempDir(), "target"), keys: ring(t, 1)}
	r.target = place(t, r.place)
	r.start(t, sqlite.ReplicaConfig{})
	if err := r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *replicated) start(t *testing.T, c sqlite.ReplicaConfig) {
	t.Helper()
	var err error
	if r.db, err = sqlite.Open(t.Context(), sqlite.Config{Dir: r.dir, Keys: r.keys.Pages(), Reserve: -1}); err != nil {
		t.Fatal(err)
	}
	c.Keys, c.Installation, c.Interval = r.keys, "installation-1", 10*time.Millisecond
	if c.Now == nil {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }
	}
	if r.replica, err = r.db.Replicate(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	r.replica.Attach("one", r.target, false)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r.stop, r.done = stop, make(chan error, 1)
	go func(replica *sqlite.Replica, done chan error) { done <- replica.Run(ctx) }(r.replica, r.done)
	db, done := r.db, r.done
	t.Cleanup(func() {
		stop()
		<-done
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// halt ends the database in order.
func (r *replicated) halt(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
	r.done <- nil
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
}

func (r *replicated) write(t *testing.T, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO note (id, text) VALUES (?, ?)`, i, fmt.Sprintf("%s %d %s", replicaMarker, i, strings.Repeat("x", 500)))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *replicated) sync(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := r.replica.Sync(ctx); err != nil {
		t.Fatalf("sync: %v", err)
	}
}

// restored opens what the target gives of a time and counts its notes.
func (r *replicated) restored(t *testing.T, at time.Time) (int, error) {
	t.Helper()
	dir := t.TempDir()
	if _, err := sqlite.RestoreDatabase(t.Context(), r.target, r.keys, at, dir, nil); err != nil {
		left, _ := os.ReadDir(dir)
		if len(left) > 0 {
			t.Errorf("a failed restore left %v", left)
		}
		return 0, err
	}
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: r.keys.Pages(), Reserve: -1})
	if err != nil {
		t.Fatalf("open what was restored: %v", err)
	}
	defer db.Close()
	if err := db.Check(t.Context()); err != nil {
		t.Fatalf("what was restored is damaged: %v", err)
	}
	var n, highest int
	err = db.Read().QueryRowContext(t.Context(), `SELECT count(*), coalesce(max(id) + 1, 0) FROM note WHERE text LIKE ?`, replicaMarker+"%").Scan(&n, &highest)
	if errors.Is(err, sql.ErrNoRows) || n != highest {
		t.Errorf("%d notes up to %d: some are missing, %v", n, highest, err)
	}
	return n, err
}

// files lists what the target holds below a folder.
func (r *replicated) files(t *testing.T, below string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(r.place, below), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (r *replicated) bases(t *testing.T) int {
	n := 0
	for _, f := range r.files(t, "db") {
		if strings.Contains(f, "/9/") {
			n++
		}
	}
	return n
}

// TestReplica follows a database over restarts, a target that is away, and back.
func TestReplica(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	r.write(t, 0, 300)
	r.sync(t)
	if n, err := r.restored(t, time.Time{}); err != nil || n != 300 {
		t.Fatalf("%d notes, %v", n, err)
	}
	first := r.bases(t)
	if first != 1 {
		t.Fatalf("%d whole copies", first)
	}

	r.halt(t)
	r.start(t, sqlite.ReplicaConfig{})
	r.write(t, 300, 330)
	r.sync(t)
	if n, err := r.restored(t, time.Time{}); err != nil || n != 330 {
		t.Fatalf("after a restart: %d notes, %v", n, err)
	}
	if n := r.bases(t); n != first {
		t.Errorf("a restart made %d whole copies more", n-first)
	}

	if err := os.Rename(r.place, r.place+"-away"); err != nil {
		t.Fatal(err)
	}
	r.write(t, 330, 400) // the service goes on
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := r.replica.Sync(ctx); fault.Of(err).Code != "target-away" {
		t.Errorf("a target that is away: %v", err)
	}
	if s := r.replica.Status()[0]; s.Err == nil || s.Behind <= 0 || s.Shipped >= s.Position {
		t.Errorf("the lag is not seen: %+v", s)
	}
	if err := os.Rename(r.place+"-away", r.place); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for s := r.replica.Status()[0]; s.Err != nil || s.Behind > 0 || s.Shipped < s.Position; s = r.replica.Status()[0] {
		if time.Now().After(deadline) {
			t.Fatalf("it does not catch up: %+v", s)
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.sync(t)
	if n, err := r.restored(t, time.Time{}); err != nil || n != 400 {
		t.Fatalf("after the target came back: %d notes, %v", n, err)
	}
	if n := r.bases(t); n != first {
		t.Errorf("%d whole copies, want %d", n, first)
	}
	for _, f := range r.files(t, "") {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("marmalade")) || bytes.Contains(text, []byte("SQLite format")) {
			t.Errorf("%s can be read", f)
		}
	}
}

// TestReplicaPoints restores what was there at a time, and says what is not.
func TestReplicaPoints(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	before := time.Now().Add(-time.Minute)
	var at []time.Time
	for i := range 5 {
		r.write(t, i*10, i*10+10)
		r.sync(t)
		time.Sleep(3 * time.Millisecond) // milliseconds are what points are told apart by
		at = append(at, time.Now())
		time.Sleep(3 * time.Millisecond)
	}
	for i, when := range at {
		if n, err := r.restored(t, when); err != nil || n != (i+1)*10 {
			t.Errorf("point %d: %d notes, %v", i, n, err)
		}
	}
	if _, err := r.restored(t, before); fault.Of(err).Code != "restore-too-old" {
		t.Errorf("before the first point: %v", err)
	}
	ranges, err := sqlite.Ranges(t.Context(), r.target)
	if err != nil || len(ranges) != 1 || ranges[0].Interrupted || ranges[0].Bytes == 0 {
		t.Errorf("ranges %+v, %v", ranges, err)
	}
	empty := place(t, filepath.Join(t.TempDir(), "empty"))
	if _, err := sqlite.RestoreDatabase(t.Context(), empty, r.keys, time.Time{}, t.TempDir(), nil); fault.Of(err).Code != "target-empty" {
		t.Errorf("an empty target: %v", err)
	}
	if _, err := sqlite.RestoreDatabase(t.Context(), r.target, ring(t, 2), time.Time{}, t.TempDir(), nil); err == nil {
		t.Error("another key opens it")
	}
}

// TestReplicaDamage flips a bit in every file of the target in turn: a restore
// gives the whole truth or names the file, never anything else.
func TestReplicaDamage(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	for i := range 6 {
		r.write(t, i*5, i*5+5)
		r.sync(t)
	}
	r.halt(t)
	want, err := r.restored(t, time.Time{})
	if err != nil || want != 30 {
		t.Fatalf("%d notes, %v", want, err)
	}
	files := r.files(t, "db")
	if len(files) < 6 {
		t.Fatalf("only %v", files)
	}
	newest := ""
	for _, f := range files {
		if strings.Contains(f, "/0/") {
			newest = f // that the last file was taken away shows in no other one
		}
	}
	for _, f := range files {
		whole, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for name, spoiled := range map[string][]byte{
			"a flipped bit": flipped(whole, len(whole)/2), "a flipped bit at the end": flipped(whole, len(whole)-1), "a flipped first bit": flipped(whole, 0),
			"half": whole[:len(whole)/2], "nothing": {},
		} {
			if err := os.WriteFile(f, spoiled, 0o600); err != nil {
				t.Fatal(err)
			}
			n, err := r.restored(t, time.Time{})
			if err == nil && n != want {
				t.Errorf("%s in %s: %d notes instead of %d, and no error", name, filepath.Base(f), n, want)
			}
			if err != nil {
				if rep := fault.Of(err); rep.Code != "replica-damaged" || !strings.Contains(rep.Sentence, filepath.Base(f)) || rep.Cure == "" {
					t.Errorf("%s in %s: %v (%s)", name, filepath.Base(f), err, rep.Code)
				}
			}
		}
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
		if n, err := r.restored(t, time.Time{}); err == nil && n != want && f != newest {
			t.Errorf("without %s: %d notes instead of %d, and no error", filepath.Base(f), n, want)
		}
		if err := os.WriteFile(f, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func flipped(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] ^= 0x10
	return c
}

// TestReplicaMasters lets one alone write to a target.
func TestReplicaMasters(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	r.write(t, 0, 10)
	r.sync(t)

	t.Run("another installation", func(t *testing.T) {
		other := &replicated{dir: t.TempDir(), place: r.place, keys: ring(t, 2), target: r.target}
		var err error
		if other.db, err = sqlite.Open(t.Context(), sqlite.Config{Dir: other.dir, Keys: other.keys.Pages(), Reserve: -1}); err != nil {
			t.Fatal(err)
		}
		defer other.db.Close()
		if other.replica, err = other.db.Replicate(t.Context(), sqlite.ReplicaConfig{Keys: other.keys, Installation: "installation-2"}); err != nil {
			t.Fatal(err)
		}
		other.replica.Attach("one", r.target, true)
		err = other.replica.Sync(t.Context())
		if rep := fault.Of(err); rep.Code != "target-foreign" || !strings.Contains(rep.Sentence, "installation-1") || rep.Cure == "" {
			t.Errorf("got %v", err)
		}
	})

	// A second machine restores and takes over; the first one finds out.
	second := &replicated{dir: t.TempDir(), place: r.place, keys: r.keys, target: r.target}
	if _, err := sqlite.RestoreDatabase(t.Context(), r.target, r.keys, time.Time{}, second.dir, nil); err != nil {
		t.Fatal(err)
	}
	func() {
		db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: second.dir, Keys: r.keys.Pages(), Reserve: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		replica, err := db.Replicate(t.Context(), sqlite.ReplicaConfig{Keys: r.keys, Installation: "installation-1"})
		if err != nil {
			t.Fatal(err)
		}
		replica.Attach("one", r.target, false)
		if err := replica.Sync(t.Context()); fault.Of(err).Code != "superseded" {
			t.Errorf("a copy that was not told to take over: %v", err)
		}
	}()
	if err := os.RemoveAll(filepath.Join(second.dir, "replica")); err != nil {
		t.Fatal(err)
	}
	second.start(t, sqlite.ReplicaConfig{TakeOver: true})
	second.write(t, 10, 20)
	second.sync(t)
	if n, err := second.restored(t, time.Time{}); err != nil || n != 20 {
		t.Errorf("the second master: %d notes, %v", n, err)
	}

	r.halt(t)
	r.start(t, sqlite.ReplicaConfig{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := r.replica.Sync(ctx)
	if rep := fault.Of(err); rep.Code != "superseded" || !strings.Contains(rep.Sentence, "generation 2") || rep.Cure == "" {
		t.Errorf("the first master goes on: %v", err)
	}
	r.write(t, 10, 15) // its own people can go on working
	if n, err := second.restored(t, time.Time{}); err != nil || n != 20 {
		t.Errorf("the first master has written: %d notes, %v", n, err)
	}
}

// TestReplicaAges merges and prunes with the clock, and gives the same back.
func TestReplicaAges(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	for i := range 20 {
		r.write(t, i*5, i*5+5)
		r.sync(t)
	}
	count := func(level string) (n int) {
		for _, f := range r.files(t, "db") {
			if strings.Contains(f, "/"+level+"/") {
				n++
			}
		}
		return n
	}
	until := func(what string, ahead time.Duration, true_ func() bool) {
		t.Helper()
		r.ahead.Store(int64(ahead))
		deadline := time.Now().Add(20 * time.Second)
		for !true_() {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v", what, r.files(t, "db"))
			}
			time.Sleep(5 * time.Millisecond)
		}
		r.sync(t)
		if n, err := r.restored(t, time.Time{}); err != nil || n != 100 {
			t.Fatalf("%s: %d notes, %v", what, n, err)
		}
	}
	seconds := count("0")
	until("minutes", 3*time.Minute, func() bool { return count("1") > 0 })
	until("hours", 2*time.Hour, func() bool { return count("2") > 0 })
	until("a whole copy", 25*time.Hour, func() bool { return r.bases(t) == 2 })
	until("seconds expire", 27*time.Hour, func() bool { return count("0") <= 1 })
	if count("0") >= seconds {
		t.Error("no file of a second went")
	}
	until("minutes expire", 9*24*time.Hour, func() bool { return count("1") == 0 })
	until("all but whole copies expires", 80*24*time.Hour, func() bool { return count("2") == 0 && count("1") == 0 })
	if s := r.replica.Status()[0]; s.Files != len(r.files(t, "db")) || s.Bytes == 0 || s.Keeps {
		t.Errorf("status %+v for %v", s, r.files(t, "db"))
	}
}

// TestReplicaOfTurnedKeys turns the key of the pages while they are copied: the old
// key is in the file and its log no more, nothing readable is in the target, and
// what is restored opens with the new key alone.
func TestReplicaOfTurnedKeys(t *testing.T) {
	t.Parallel()
	keys, dir := newRing(1, 1), t.TempDir()
	r := &replicated{place: filepath.Join(t.TempDir(), "target"), keys: ring(t, 1)}
	r.target = place(t, r.place)
	r.db = sealedIn(t, dir, keys)
	var err error
	if r.replica, err = r.db.Replicate(t.Context(), sqlite.ReplicaConfig{Keys: r.keys, Installation: "installation-1", Interval: 10 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	r.replica.Attach("one", r.target, false)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.replica.Run(ctx) }()
	note(t, r.db, 0, 200)
	keys.turn(2)
	if err := r.db.Reseal(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n, err := r.db.PagesUnder(1); err != nil || n != 0 {
		t.Errorf("%d pages are under the old key, %v", n, err)
	}
	note(t, r.db, 200, 220)
	r.sync(t)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	restored := t.TempDir()
	if _, err := sqlite.RestoreDatabase(t.Context(), r.target, r.keys, time.Time{}, restored, nil); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{r.place, restored, dir} {
		if found := hits(t, place); len(found) != 0 {
			t.Errorf("%s is readable: %v", place, found)
		}
	}
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: restored, Keys: r.keys.Pages(), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, db); n != 220 {
		t.Errorf("got %d notes, want 220", n)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
