package vector

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

const dim = 40 // no multiple of 64, so that the padding is tested too

var plane = Space{Model: "m", Dimension: dim}

// rig is a store that can be opened again over the same rows and files.
type rig struct {
	db    *sqlite.DB
	blobs *blob.Store
	dir   string
	*Store
}

func blobsIn(t testing.TB, dir string) *blob.Store {
	t.Helper()
	keys, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	b, err := blob.Open(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB) *rig {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	r := &rig{db: sqlitetest.Open(t, Migrations), blobs: blobsIn(t, dir), dir: dir}
	r.reopen(t)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// reopen forgets what is in memory. Segments are codes from 40 rows on, in
// blocks of 32.
func (r *rig) reopen(t testing.TB) {
	t.Helper()
	if r.Store != nil {
		_ = r.Close()
	}
	r.Store = New(Config{DB: r.db, Blobs: r.blobs})
	r.small, r.block = 40, 32
}

func (r *rig) update(t testing.TB, f func(ctx context.Context, tx *sqlite.Tx) error) {
	t.Helper()
	if err := r.db.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) add(t testing.TB, base string, entries ...Entry) {
	t.Helper()
	r.update(t, func(ctx context.Context, tx *sqlite.Tx) error { return r.Add(ctx, tx, "w", base, plane, entries) })
}

func (r *rig) remove(t testing.TB, document string) {
	t.Helper()
	for n := 1; n > 0; {
		r.update(t, func(ctx context.Context, tx *sqlite.Tx) (err error) {
			n, err = r.Remove(ctx, tx, document, 3)
			return err
		})
	}
}

func (r *rig) search(t testing.TB, q Query) []Hit {
	t.Helper()
	q.Space = plane
	hits, err := r.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

func random(rnd *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rnd.NormFloat64())
	}
	return v
}

// stored is what a reference knows of a row.
type stored struct {
	Entry
	base string
}

// nearest is the reference: every row that may be seen, compared in 64 bits.
func nearest(rows []stored, q Query) []Hit {
	var hits []Hit
	for _, r := range rows {
		if !slices.Contains(q.Bases, r.base) || slices.Contains(q.Denied, r.Document) || slices.Contains(q.Without, r.Chunk) || q.Documents != nil && !slices.Contains(q.Documents, r.Document) {
			continue
		}
		hits = append(hits, Hit{r.Chunk, cosine(q.Vector, r.Vector, length(q.Vector)*length(r.Vector))})
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		if a.Score != b.Score {
			return cmp.Compare(b.Score, a.Score)
		}
		return cmp.Compare(a.Chunk, b.Chunk)
	})
	return hits[:min(q.K, len(hits))]
}

// TestGrants asks with random grants, after random changes, reopenings and
// repairs, and wants exactly what the reference finds: no leak and no loss.
func TestGrants(t *testing.T) {
	t.Parallel()
	r := open(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	var rows []stored
	next, documents := int64(0), 0
	bases := []string{"a", "b", "c", "d", "none"}
	for round := range 120 {
		base := bases[rnd.IntN(4)]
		switch rnd.IntN(9) {
		case 0, 1, 2, 3:
			documents++
			var entries []Entry
			for range 1 + rnd.IntN(40) {
				next++
				e := Entry{Chunk: next, Document: fmt.Sprint("d", documents), Vector: random(rnd, dim)}
				if rnd.IntN(10) == 0 && len(rows) > 0 {
					e.Vector = rows[rnd.IntN(len(rows))].Vector // a tie
				}
				entries, rows = append(entries, e), append(rows, stored{e, base})
			}
			r.add(t, base, entries...)
		case 4, 5:
			for range 2 {
				if len(rows) > 0 {
					d := rows[rnd.IntN(len(rows))].Document
					r.remove(t, d)
					rows = slices.DeleteFunc(rows, func(s stored) bool { return s.Document == d })
				}
			}
		case 6:
			if rnd.IntN(4) == 0 {
				for n := 1; n > 0; {
					r.update(t, func(ctx context.Context, tx *sqlite.Tx) (err error) {
						n, err = r.Drop(ctx, tx, base, plane, 50)
						return err
					})
				}
				rows = slices.DeleteFunc(rows, func(s stored) bool { return s.base == base })
			}
		case 7:
			if err := r.Tend(t.Context()); err != nil {
				t.Fatal(err)
			}
		case 8:
			r.reopen(t)
			if rnd.IntN(2) == 0 {
				if err := r.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 6 {
			q := Query{Vector: random(rnd, dim), K: 1 + rnd.IntN(25)}
			for _, b := range bases {
				if rnd.IntN(2) == 0 {
					q.Bases = append(q.Bases, b, b)
				}
			}
			if rnd.IntN(2) == 0 {
				for d := range documents {
					if rnd.IntN(3) == 0 {
						q.Denied = append(q.Denied, fmt.Sprint("d", d+1))
					}
					if rnd.IntN(2) == 0 {
						q.Documents = append(q.Documents, fmt.Sprint("d", d+1))
					}
				}
				q.Without = []int64{1, 5, next}
			}
			got, want := r.search(t, q), nearest(rows, q)
			if !slices.Equal(got, want) {
				t.Fatalf("round %d, %d rows, bases %v:\ngot  %v\nwant %v", round, len(rows), q.Bases, got, want)
			}
		}
	}
	for _, b := range bases {
		want := 0
		for _, s := range rows {
			if s.base == b {
				want++
			}
		}
		if n, err := r.Count(t.Context(), b, plane); err != nil || n != want {
			t.Errorf("base %s counts %d, %v; want %d", b, n, err, want)
		}
	}
}

// TestKernels wants the same numbers of every kernel, at the ends of the range too.
func TestKernels(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, d := range []int{1, 40, 64, 65, 512, 768, MaxDimension} {
		for _, extreme := range []bool{false, true} {
			b, err := newBlock(16, d)
			if err != nil {
				t.Fatal(err)
			}
			v := random(rnd, d)
			for i := range 16 {
				w := random(rnd, d)
				if extreme {
					for j := range w {
						w[j] = float32(1 - 2*((i+j)%2))
					}
				}
				b.put(int64(i+1), int64(i), 0, w)
			}
			if extreme {
				for j := range v {
					v[j] = 1
				}
			}
			q := newCode(v)
			want := make([]int32, 16)
			dotsGo(b.memory, q, want)
			for _, k := range kernels() {
				got := make([]int32, 16)
				if k.dots(b.memory, q, got); !slices.Equal(got, want) {
					t.Errorf("%s, dimension %d: got %v, want %v", k.name, d, got, want)
				}
			}
			b.release()
		}
	}
}

// TestRecall holds the codes against the exact answer, on random and on
// clustered data.
func TestRecall(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"random", "clustered"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(5, 6))
			r := open(t)
			r.block = 512
			exact, err := newFew()
			if err != nil {
				t.Fatal(err)
			}
			centres := make([][]float32, 20)
			for i := range centres {
				centres[i] = random(rnd, dim)
			}
			vector := func() []float32 {
				v := random(rnd, dim)
				if kind == "clustered" {
					c := centres[rnd.IntN(len(centres))]
					for i := range v {
						v[i] = c[i] + 0.2*v[i]
					}
				}
				return v
			}
			var entries []Entry
			for i := range int64(6000) {
				e := Entry{Chunk: i, Document: "d", Vector: vector()}
				entries = append(entries, e)
				if err := exact.add([]added{{seq: i, chunk: i, vector: e.Vector}}); err != nil {
					t.Fatal(err)
				}
			}
			r.add(t, "k", entries...)
			found := 0
			for range 50 {
				v := vector()
				want, err := exact.search(t.Context(), v, 10, func(added) bool { return true })
				if err != nil {
					t.Fatal(err)
				}
				slices.SortFunc(want, func(a, b Hit) int { return cmp.Compare(b.Score, a.Score) })
				got := r.search(t, Query{Vector: v, Bases: []string{"k"}, K: 10})
				for _, h := range want[:10] {
					if slices.ContainsFunc(got, func(g Hit) bool { return g.Chunk == h.Chunk }) {
						found++
					}
				}
			}
			if found < 495 {
				t.Errorf("recall@10 is %.3f, want 0.99", float64(found)/500)
			}
		})
	}
}

// TestSealedDamage changes, cuts and removes sealed files; the answer stays, and
// the files are made again.
func TestSealedDamage(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(file string) error{
		"flipped": func(file string) error {
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			data[len(data)/2] ^= 1
			return os.WriteFile(file, data, 0o600)
		},
		"torn":    func(file string) error { return os.Truncate(file, 100) },
		"empty":   func(file string) error { return os.Truncate(file, 0) },
		"missing": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t)
			rnd := rand.New(rand.NewPCG(8, 9))
			var rows []stored
			for i := range int64(200) {
				rows = append(rows, stored{Entry{Chunk: i, Document: fmt.Sprint("d", i%20), Vector: random(rnd, dim)}, "k"})
				r.add(t, "k", rows[i].Entry)
			}
			tend := func() int {
				t.Helper()
				if err := r.Tend(t.Context()); err != nil {
					t.Fatal(err)
				}
				names, err := r.blobs.List(t.Context(), Shelf("w"))
				if err != nil {
					t.Fatal(err)
				}
				return len(names)
			}
			if n := tend(); n != 6 {
				t.Fatalf("%d files are sealed, want 6", n)
			}
			r.remove(t, "d3")
			rows = slices.DeleteFunc(rows, func(s stored) bool { return s.Document == "d3" })
			files, err := filepath.Glob(filepath.Join(r.dir, Shelf("w"), "*", "*"))
			if err != nil || len(files) != 6 {
				t.Fatal(files, err)
			}
			if err := harm(files[2]); err != nil {
				t.Fatal(err)
			}
			check := func() {
				t.Helper()
				r.reopen(t)
				if err := r.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
				q := Query{Vector: random(rnd, dim), Bases: []string{"k"}, K: 20}
				if got, want := r.search(t, q), nearest(rows, q); !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			}
			check()
			if !r.segment(key{"k", plane}).reseal {
				t.Error("the damage was not noticed")
			}
			tend()
			check()
			if r.segment(key{"k", plane}).reseal {
				t.Error("the files were not made again")
			}
			// Rows that go behind the store's back make the files stale.
			r.update(t, func(ctx context.Context, tx *sqlite.Tx) error {
				_, err := tx.Exec(ctx, `DELETE FROM vector_row WHERE document = 'd5'`)
				return err
			})
			rows = slices.DeleteFunc(rows, func(s stored) bool { return s.Document == "d5" })
			r.update(t, func(ctx context.Context, tx *sqlite.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE vector_segment SET count = (SELECT count(*) FROM vector_row)`)
				return err
			})
			check()
		})
	}
}

// TestBadInput wants a fault for what cannot be compared, and nothing kept of it.
func TestBadInput(t *testing.T) {
	t.Parallel()
	r := open(t)
	good := random(rand.New(rand.NewPCG(1, 2)), dim)
	r.add(t, "k", Entry{Chunk: 1, Document: "d", Vector: good})
	with := func(x float32) []float32 {
		v := slices.Clone(good)
		v[3] = x
		return v
	}
	for name, v := range map[string][]float32{"empty": nil, "short": good[1:], "long": append(with(1), 1), "zero": make([]float32, dim),
		"not a number": with(float32(math.NaN())), "infinite": with(float32(math.Inf(-1)))} {
		_, err := r.Search(t.Context(), Query{Space: plane, Vector: v, Bases: []string{"k"}, K: 1})
		if !fault.Is(err, fault.Invalid) || fault.Of(err).Code != "vector-unfit" {
			t.Errorf("a query that is %s: %v", name, err)
		}
		err = r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			return r.Add(ctx, tx, "w", "k", plane, []Entry{{Chunk: 2, Document: "e", Vector: good}, {Chunk: 3, Document: "e", Vector: v}})
		})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("a row that is %s: %v", name, err)
		}
	}
	err := r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		return r.Add(ctx, tx, "w", "k", plane, []Entry{{Chunk: 1, Document: "e", Vector: good}})
	})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a number twice: %v", err)
	}
	if n, err := r.Count(t.Context(), "k", plane); err != nil || n != 1 {
		t.Errorf("%d rows are kept, %v", n, err)
	}
	if holds, err := r.Holds(t.Context(), "e"); err != nil || holds {
		t.Errorf("holds %v, %v", holds, err)
	}
	if hits := r.search(t, Query{Vector: good, K: 5}); len(hits) != 0 {
		t.Errorf("no bases find %v", hits)
	}
	if hits, err := r.Search(t.Context(), Query{Space: Space{"other", dim}, Vector: good, Bases: []string{"k"}, K: 5}); err != nil || len(hits) != 0 {
		t.Errorf("another model finds %v, %v", hits, err)
	}
}

// TestTogether adds, removes, tends, reopens nothing and searches at once: what
// was removed before a search began is not found, what was added is.
func TestTogether(t *testing.T) {
	t.Parallel()
	r := open(t)
	var work sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		work.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			for i := range 60 {
				document := fmt.Sprint("w", w, "-", i)
				var entries []Entry
				for j := range 10 {
					entries = append(entries, Entry{Chunk: int64(w*100_000 + i*100 + j), Document: document, Vector: random(rnd, dim)})
				}
				r.add(t, "k", entries...)
				has := func() bool {
					hits, err := r.Search(t.Context(), Query{Space: plane, Vector: entries[4].Vector, Bases: []string{"k"}, K: 3})
					if err != nil {
						t.Error(err)
					}
					return slices.ContainsFunc(hits, func(h Hit) bool { return h.Chunk == entries[4].Chunk })
				}
				if !has() {
					t.Errorf("%s was added and is not found", document)
				}
				if i%3 > 0 {
					r.remove(t, document)
					if has() {
						t.Errorf("%s was removed and is found", document)
					}
				}
			}
		})
	}
	var tender sync.WaitGroup
	tender.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := r.Tend(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	})
	work.Wait()
	close(stop)
	tender.Wait()
	if st := r.Stats(); st.Rows != 600 || st.Large != 1 {
		t.Errorf("figures %+v, want 600 rows in one large segment", st)
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	sqlitetest.UpDownUp(t, Migrations)
}
