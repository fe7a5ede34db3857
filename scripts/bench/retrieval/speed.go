package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"chatets/appliance/lexical"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// speed measures keyword search on made-up passages of 120 words in 20 bases,
// with words as frequent as in a language, and how long 50 passages hold the
// writer.
func speed(ctx context.Context, passages int) error {
	dir, err := os.MkdirTemp("", "retrieval")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	keys, err := secret.New(make([]byte, secret.Size)) // of a database that is removed at the end
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: keys.Pages()})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx, lexical.Migrations); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(random, 1.1, 4, 60_000)
	text := func(words int) string {
		var b strings.Builder
		for range words {
			fmt.Fprintf(&b, "%s ", name(zipf.Uint64()))
		}
		return b.String()
	}
	var held []float64
	for at := 0; at < passages; at += 50 {
		entries := make([]lexical.Entry, 50)
		for i := range entries {
			n := at + i
			entries[i] = lexical.Entry{Chunk: int64(n + 1), Base: fmt.Sprint("k", n/50%20), Document: fmt.Sprint("d", n/50), Title: "Page", Text: text(120)}
		}
		took, err := hold(ctx, db, entries)
		if err != nil {
			return err
		}
		held = append(held, took)
	}
	var bases []string
	for i := range 20 {
		bases = append(bases, fmt.Sprint("k", i))
	}
	fmt.Printf("%d passages in 20 bases; writer held %.1f ms (p50), %.1f ms (p95) for 50 passages\n", passages, percentile(held, 50), percentile(held, 95))
	fmt.Println("| bases | words | CPU ms p50 | p95 | wall ms p50 | p95 |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, some := range []int{3, 20} {
		for _, words := range []int{4, 8, 16} {
			var cpu, wall []float64
			for range 200 {
				q := lexical.Query{Text: text(words), Bases: bases[:some], K: 50}
				before, began := processor(), time.Now()
				if _, err := lexical.Search(ctx, db.Read(), q); err != nil {
					return err
				}
				wall = append(wall, time.Since(began).Seconds()*1000)
				cpu = append(cpu, (processor()-before).Seconds()*1000)
			}
			fmt.Printf("| %d | %d | %.1f | %.1f | %.1f | %.1f |\n", some, words, percentile(cpu, 50), percentile(cpu, 95), percentile(wall, 50), percentile(wall, 95))
		}
	}
	return nil
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
