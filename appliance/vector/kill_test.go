package vector

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// victim is the environment variable that makes TestKill the process to be killed.
const victim = "VECTOR_TEST_VICTIM"

// writes adds documents, says so, removes every third, says so, and tends.
func writes(t *testing.T, dir string) {
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context(), Migrations); err != nil {
		t.Fatal(err)
	}
	s := New(Config{DB: db, Blobs: blobsIn(t, filepath.Join(dir, "blobs"))})
	s.small, s.block = 40, 32
	go func() {
		for {
			if err := s.Tend(context.Background()); err != nil {
				panic(err)
			}
		}
	}()
	for i := int64(1); ; i++ {
		var entries []Entry
		for j := range int64(5) {
			entries = append(entries, Entry{Chunk: i*10 + j, Document: fmt.Sprint(i), Vector: made(i*10 + j)})
		}
		if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error { return s.Add(ctx, tx, "w", "k", plane, entries) }); err != nil {
			t.Fatal(err)
		}
		fmt.Println("added", i)
		if i%3 != 0 {
			continue
		}
		fmt.Println("removing", i-2)
		if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := s.Remove(ctx, tx, fmt.Sprint(i-2), 10)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("removed", i-2)
	}
}

func made(chunk int64) []float32 { return random(rand.New(rand.NewPCG(uint64(chunk), 77)), dim) }

// TestKill kills a process in the middle of adding, removing and sealing. What
// it said it had committed is there and can be found, what it had removed is not.
func TestKill(t *testing.T) {
	if dir := os.Getenv(victim); dir != "" {
		writes(t, dir)
		return
	}
	t.Parallel()
	for round := range 4 {
		dir := t.TempDir()
		child := exec.Command(os.Args[0], "-test.run=^TestKill$", "-test.v")
		child.Env = append(os.Environ(), victim+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		state := map[int64]string{}
		until := int64(40 + 37*round)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			word, number, _ := strings.Cut(lines.Text(), " ")
			n, err := strconv.ParseInt(number, 10, 64)
			if err != nil || word != "added" && word != "removing" && word != "removed" {
				continue
			}
			state[n] = word
			if n == until {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				// What it said before it died is still read.
			}
		}
		_ = child.Wait()
		if len(state) < 40 {
			t.Fatalf("the process said only %v", state)
		}
		verify(t, dir, state)
	}
}

func verify(t *testing.T, dir string, state map[int64]string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	s := New(Config{DB: db, Blobs: blobsIn(t, filepath.Join(dir, "blobs"))})
	s.small, s.block = 40, 32
	defer func() { _ = s.Close() }()
	for range 2 { // as the kill left it, and once more after it was put in order
		if err := s.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.segment(key{"k", plane}).reseal {
			t.Error("the sealed files do not fit the rows after a kill")
		}
		for n, said := range state {
			hits, err := s.Search(t.Context(), Query{Space: plane, Vector: made(n*10 + 2), Bases: []string{"k"}, K: 1})
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(hits, func(h Hit) bool { return h.Chunk == n*10+2 })
			if said == "added" && !found || said == "removed" && found {
				t.Errorf("document %d was %s; found: %v", n, said, found)
			}
		}
		var rows int64
		if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM vector_row`).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if st := s.Stats(); st.Rows != rows {
			t.Errorf("%d rows are in memory, %d in the database", st.Rows, rows)
		}
		if err := s.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
	}
}

// TestManyNumbers keeps 90,000 vectors apart, before and after they are read again.
func TestManyNumbers(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.block = blockRows
	const n = 90_000
	space := Space{Model: "small", Dimension: 4}
	rnd := rand.New(rand.NewPCG(1, 9))
	for from := int64(0); from < n; from += 10_000 {
		entries := make([]Entry, 10_000)
		for i := range entries {
			entries[i] = Entry{Chunk: from + int64(i), Document: fmt.Sprint("d", i%100), Vector: random(rnd, 4)}
		}
		r.update(t, func(ctx context.Context, tx *sqlite.Tx) error { return r.Add(ctx, tx, "w", "k", space, entries) })
	}
	check := func() {
		t.Helper()
		seen := map[int64]bool{}
		for _, b := range r.segment(key{"k", space}).blocks {
			for _, c := range b.chunk[:b.n] {
				seen[c] = true
			}
		}
		if len(seen) != n || r.Stats().Rows != n {
			t.Errorf("%d numbers are in memory, want %d; %+v", len(seen), n, r.Stats())
		}
	}
	check()
	if err := r.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.reopen(t)
	r.block = blockRows
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	check()
}

// FuzzUnpack holds that no file is more than an error, and that a block that is
// read is the one that was written.
func FuzzUnpack(f *testing.F) {
	b, err := newBlock(8, dim)
	if err != nil {
		f.Fatal(err)
	}
	for i := range int64(5) {
		b.put(i*2+1, 100+i, uint32(i%2), made(i))
	}
	whole := pack(b, dim, []string{"one", "two"})
	f.Add(whole)
	f.Add(whole[:50])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		g := &segment{}
		b, err := unpack(data, dim, 1<<16, g.number)
		if err != nil {
			return
		}
		defer b.release()
		if again := pack(b, dim, g.documents); len(again) > len(data) {
			t.Errorf("%d bytes became %d", len(data), len(again))
		}
	})
}
