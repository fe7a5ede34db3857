// Command vector measures the vector index on this machine: what a query costs
// against merely reading its codes, recall, some of many bases, and the opening
// of a large index.
//
// What a newcomer gets wrong: figures are CPU time of this process, taken in
// turns and as medians; the machine may be busy.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chatets/appliance/blob"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/vector"
)

const dimension = 512

var space = vector.Space{Model: "bench", Dimension: dimension}

func main() {
	many := flag.Int("many", 1_000_000, "vectors of the large index; 0 leaves it out")
	flag.Parse()
	dir, err := os.MkdirTemp("", "vector-*")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := run(dir, *many); err != nil {
		log.Print(err)
	}
}

// house is a store with its database and files.
type house struct {
	db    *sqlite.DB
	store *vector.Store
	blobs *blob.Store
	next  int64
}

func open(dir string) (*house, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	keys, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(context.Background(), sqlite.Config{Dir: dir, Keys: keys.Pages(), Reserve: -1})
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(context.Background(), vector.Migrations); err != nil {
		return nil, err
	}
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), keys)
	if err != nil {
		return nil, err
	}
	return &house{db: db, blobs: blobs, store: vector.New(vector.Config{DB: db, Blobs: blobs})}, nil
}

// data makes vectors: random ones, or around centres.
type data struct {
	rnd     *rand.Rand
	centres [][]float32
}

func (d *data) vector() []float32 {
	v := make([]float32, dimension)
	for i := range v {
		v[i] = float32(d.rnd.NormFloat64())
	}
	if len(d.centres) > 0 {
		for i, c := range d.centres[d.rnd.IntN(len(d.centres))] {
			v[i] = c + 0.4*v[i]
		}
	}
	return v
}

func (h *house) fill(base string, n int, d *data, keep *[][]float32) error {
	for n > 0 {
		batch := make([]vector.Entry, min(n, 4000))
		for i := range batch {
			h.next++
			batch[i] = vector.Entry{Chunk: h.next, Document: fmt.Sprint("document-", h.next/50), Vector: d.vector()}
			if keep != nil {
				*keep = append(*keep, batch[i].Vector)
			}
		}
		n -= len(batch)
		err := h.db.Update(context.Background(), func(ctx context.Context, tx *sqlite.Tx) error {
			return h.store.Add(ctx, tx, "w", base, space, batch)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median[T int64 | float64 | time.Duration](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}

func rss(field string) string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "?"
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, field+":"); found {
			return strings.TrimSpace(rest)
		}
	}
	return "?"
}

func row(name, format string, args ...any) {
	fmt.Printf("%-44s %s\n", name, fmt.Sprintf(format, args...))
}

// ratio asks and reads in turns: CPU of a query, of a read, and their ratio.
func ratio(h *house, bases []string, rows int, d *data, rounds int) (query, bare time.Duration, low, mid, high float64, err error) {
	size := rows * dimension
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return 0, 0, 0, 0, 0, err
	}
	defer func() { _ = unix.Munmap(memory) }()
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE)
	for i := 0; i < size; i += 64 {
		memory[i] = byte(i)
	}
	each := max(1, 2_000_000/rows)
	var queries, bares []time.Duration
	var ratios []float64
	for range rounds {
		t0 := cpu()
		for range each {
			if _, err := h.store.Search(context.Background(), vector.Query{Space: space, Vector: d.vector(), Bases: bases, K: 10}); err != nil {
				return 0, 0, 0, 0, 0, err
			}
		}
		t1 := cpu()
		for range each {
			read(&memory[0], size&^255)
		}
		t2 := cpu()
		q, r := (t1-t0)/time.Duration(each), (t2-t1)/time.Duration(each)
		queries, bares, ratios = append(queries, q), append(bares, r), append(ratios, float64(q)/float64(r))
	}
	mid = median(ratios)
	return median(queries), median(bares), ratios[0], mid, ratios[len(ratios)-1], nil
}

// recall holds the answers against the exact ones.
func recall(h *house, base string, kept [][]float32, d *data) (float64, error) {
	found, asked := 0, 40
	for range asked {
		v := d.vector()
		hits, err := h.store.Search(context.Background(), vector.Query{Space: space, Vector: v, Bases: []string{base}, K: 10})
		if err != nil {
			return 0, err
		}
		scores := make([]float64, len(kept))
		for i, k := range kept {
			var dot, norm float64
			for j, x := range k {
				dot, norm = dot+float64(x)*float64(v[j]), norm+float64(x)*float64(x)
			}
			scores[i] = dot * max(dot, -dot) / norm // in the order of the cosine
		}
		sorted := slices.Sorted(slices.Values(scores))
		floor := sorted[len(sorted)-10]
		for _, hit := range hits {
			if scores[hit.Chunk-1] >= floor {
				found++
			}
		}
	}
	return float64(found) / float64(10*asked), nil
}

func run(dir string, many int) error {
	for _, kind := range []string{"random", "clustered"} {
		h, err := open(filepath.Join(dir, kind))
		if err != nil {
			return err
		}
		d := &data{rnd: rand.New(rand.NewPCG(1, 2))}
		if kind == "clustered" {
			source := &data{rnd: d.rnd}
			for range 200 {
				d.centres = append(d.centres, source.vector())
			}
		}
		var kept [][]float32
		if err := h.fill("k", 20_000, d, &kept); err != nil {
			return err
		}
		r, err := recall(h, "k", kept, d)
		if err != nil {
			return err
		}
		row("recall@10, 20k x 512, "+kind, "%.4f (%s)", r, h.store.Stats().Kernel)
		_ = h.store.Close()
		_ = h.db.Close()
	}
	d := &data{rnd: rand.New(rand.NewPCG(3, 4))}
	h, err := open(filepath.Join(dir, "bases"))
	if err != nil {
		return err
	}
	for i := range 20 {
		if err := h.fill(fmt.Sprint("k", i), 5000, d, nil); err != nil {
			return err
		}
	}
	all := make([]string, 20)
	for i := range all {
		all[i] = fmt.Sprint("k", i)
	}
	for _, n := range []int{3, 20} {
		q, b, low, mid, high, err := ratio(h, all[:n], n*5000, d, 7)
		if err != nil {
			return err
		}
		row(fmt.Sprintf("query, %d of 20 bases, 100k x 512", n), "%.2f ms CPU, its codes read %.2f ms, ratio %.2f (%.2f-%.2f)", ms(q), ms(b), mid, low, high)
	}
	_ = h.store.Close()
	_ = h.db.Close()
	if many > 0 {
		return large(filepath.Join(dir, "large"), many, d)
	}
	return nil
}

func ms(t time.Duration) float64 { return float64(t.Microseconds()) / 1000 }

func large(dir string, many int, d *data) error {
	h, err := open(dir)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := h.fill("k", many, &data{rnd: d.rnd}, nil); err != nil {
		return err
	}
	filled := time.Since(began)
	if err := h.store.Tend(context.Background()); err != nil {
		return err
	}
	row(fmt.Sprintf("%d x 512: added, sealed", many), "%.0f s, %.0f s", filled.Seconds(), (time.Since(began) - filled).Seconds())
	_ = h.store.Close()
	debug.FreeOSMemory()
	before := rss("VmRSS")
	h.store = vector.New(vector.Config{DB: h.db, Blobs: h.blobs})
	t0, w0 := cpu(), time.Now()
	if err := h.store.Load(context.Background()); err != nil {
		return err
	}
	row("open", "%.2f s, %.2f s CPU; %d vectors, RSS %s before, %s after", time.Since(w0).Seconds(), (cpu() - t0).Seconds(), h.store.Stats().Rows, before, rss("VmRSS"))
	q, b, low, mid, high, err := ratio(h, []string{"k"}, many, d, 7)
	if err != nil {
		return err
	}
	row("query", "%.2f ms CPU, its codes read %.2f ms, ratio %.2f (%.2f-%.2f)", ms(q), ms(b), mid, low, high)
	_ = h.store.Close()
	return h.db.Close()
}
