package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"chatets/appliance/encoder"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/vector"
)

// bases is how many knowledge bases the made-up passages are in.
const bases = 20

// A tongue is a language that passages are made up in.
type tongue struct {
	name      string
	glue      []string // every third word
	compounds bool     // every sixth word is made of two
}

func tongues() []tongue {
	return []tongue{
		{name: "English", glue: strings.Fields("the of and is for with are must this by")},
		{name: "German", glue: strings.Fields("der die und ist für mit sind muss nicht wird"), compounds: true},
		{name: "no glue words"},
	}
}

// A writer makes up text with words as frequent as in a language.
type writer struct {
	tongue
	random *rand.Rand
	zipf   *rand.Zipf
}

func newWriter(t tongue, seed uint64) *writer {
	random := rand.New(rand.NewPCG(seed, 2))
	return &writer{tongue: t, random: random, zipf: rand.NewZipf(random, 1.1, 4, 60_000)}
}

func (w *writer) text(words int) string {
	var b strings.Builder
	for i := range words {
		switch {
		case i > 0 && i%3 == 0 && len(w.glue) > 0:
			b.WriteString(w.glue[w.random.IntN(len(w.glue))])
		case w.compounds && i%6 == 4:
			b.WriteString(name(w.zipf.Uint64()) + name(w.zipf.Uint64()))
		default:
			b.WriteString(name(w.zipf.Uint64()))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// speed measures what a question costs among made-up passages of 120 words in 20
// bases, by words, by meaning and by both, and how long 50 passages hold the
// writer. dir keeps the passages for the next time; "" makes them anew.
func speed(ctx context.Context, passages int, dir, only string) error {
	for _, t := range tongues() {
		if only != "" && only != t.name {
			continue
		}
		if err := speak(ctx, t, passages, dir); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

func speak(ctx context.Context, t tongue, passages int, dir string) error {
	if dir == "" {
		made, err := os.MkdirTemp("", "retrieval")
		if err != nil {
			return err
		}
		defer os.RemoveAll(made)
		dir = made
	}
	dir = filepath.Join(dir, t.name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	keys, err := secret.New(make([]byte, secret.Size)) // of made-up passages
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: keys.Pages()})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx, lexical.Migrations, vector.Migrations); err != nil {
		return err
	}
	m, err := newMeaning(db)
	if err != nil {
		return err
	}
	defer m.store.Close()
	held, err := m.made(ctx, t, passages)
	if err != nil {
		return err
	}
	if len(held) > 0 {
		fmt.Printf("%s: writer held %.1f ms (p50), %.1f ms (p95) for 50 passages\n", t.name, percentile(held, 50), percentile(held, 95))
	}
	if err := m.store.Load(ctx); err != nil {
		return err
	}
	var all []string
	for i := range bases {
		all = append(all, fmt.Sprint("k", i))
	}
	asks := newWriter(t, 7)
	for _, some := range []int{3, bases} {
		for _, words := range []int{4, 8, 16} {
			var byWords, both []float64
			for range 100 {
				question := asks.text(words)
				before := processor()
				found, err := lexical.Search(ctx, db.Read(), lexical.Query{Text: question, Bases: all[:some], K: depth})
				if err != nil {
					return err
				}
				byWords = append(byWords, (processor()-before).Seconds()*1000)
				near, err := m.ask(ctx, all[:some], question)
				if err != nil {
					return err
				}
				library.Fuse(found, near, 12)
				both = append(both, (processor()-before).Seconds()*1000)
			}
			name := fmt.Sprintf("%s, %dk, %d of %d bases, %d words", t.name, passages/1000, some, bases, words)
			fmt.Printf("%-44s words %.1f ms CPU (p95 %.1f), words and meaning %.1f (p95 %.1f)\n", name,
				percentile(byWords, 50), percentile(byWords, 95), percentile(both, 50), percentile(both, 95))
		}
	}
	return nil
}

// ask is what the library does for the side of meaning.
func (m meaning) ask(ctx context.Context, bases []string, question string) ([]vector.Hit, error) {
	v, err := m.encoder.Embed(ctx, []string{question})
	if err != nil {
		return nil, err
	}
	return m.store.Search(ctx, vector.Query{Space: space(), Vector: v[0], Bases: bases, K: depth})
}

// made fills the index, unless that was done before, and says for how many
// milliseconds each 50 passages held the writer.
func (m meaning) made(ctx context.Context, t tongue, passages int) (held []float64, err error) {
	var there int
	if err := m.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM lexical_entry`).Scan(&there); err != nil || there >= passages {
		return nil, err
	}
	w := newWriter(t, 1)
	for at := 0; at < passages; at += 50 {
		entries, vectors := make([]lexical.Entry, 50), make([]vector.Entry, 50)
		base, document := fmt.Sprint("k", at/50%bases), fmt.Sprint("d", at/50)
		for i := range entries {
			chunk := int64(at + i + 1)
			entries[i] = lexical.Entry{Chunk: chunk, Base: base, Document: document, Title: "Page", Text: w.text(120)}
			vectors[i] = vector.Entry{Chunk: chunk, Document: document, Vector: make([]float32, encoder.Dimension)}
			for k := range vectors[i].Vector {
				vectors[i].Vector[k] = float32(w.random.NormFloat64())
			}
		}
		took, err := hold(ctx, m.db, entries)
		if err != nil {
			return nil, err
		}
		held = append(held, took)
		if err := m.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			return m.store.Add(ctx, tx, "w", base, space(), vectors)
		}); err != nil {
			return nil, err
		}
	}
	return held, nil
}

// name is the word of a number: letters only, no two alike.
func name(n uint64) string {
	b := []byte("zu")
	for n += 26; n > 0; n /= 16 {
		b = append(b, "bcdfghklmnprstvw"[n%16], "aeiou"[n%5])
	}
	return string(b) + "k"
}

// hold adds passages and says for how many milliseconds the writer was held.
func hold(ctx context.Context, db *sqlite.DB, entries []lexical.Entry) (float64, error) {
	var took time.Duration
	list := lexical.Prepare(entries...)
	err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		began := time.Now()
		defer func() { took = time.Since(began) }()
		return lexical.AddPrepared(ctx, tx, list...)
	})
	return took.Seconds() * 1000, err
}

// processor is the time this process has computed.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func percentile(values []float64, p int) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
