package lexical_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
)

func BenchmarkTerms(b *testing.B) {
	text := strings.Repeat("The emergency generators are tested monthly under load; pump P-101A too. ", 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		lexical.Terms(text)
	}
}

// filled is an index of n passages of 120 words in 20 bases.
func filled(b *testing.B, n int) *shelf {
	b.Helper()
	s := open(b)
	random := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(random, 1.1, 4, 20_000)
	for base := range 20 {
		texts := make([]string, n/20)
		for i := range texts {
			var text strings.Builder
			for range 120 {
				fmt.Fprintf(&text, "w%dx ", zipf.Uint64())
			}
			texts[i] = text.String()
		}
		s.put(b, fmt.Sprint("k", base), texts...)
	}
	return s
}

// BenchmarkSearch asks ten words in one of 20 bases and in all of them.
func BenchmarkSearch(b *testing.B) {
	s := filled(b, 10_000)
	var all []string
	for base := range 20 {
		all = append(all, fmt.Sprint("k", base))
	}
	for _, tt := range []struct {
		name  string
		bases []string
	}{{"one of 20 bases", all[:1]}, {"all bases", all}} {
		b.Run(tt.name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				s.search(b, lexical.Query{Text: fmt.Sprintf("w%dx w%dx w%dx w5x w9x w17x w40x w99x w300x w700x", i%50, i%500, i%5000), Bases: tt.bases})
			}
		})
	}
}

// BenchmarkAdd and BenchmarkRemove move 20 passages in an index of 10,000.
func BenchmarkAdd(b *testing.B) {
	s := filled(b, 10_000)
	text := strings.Repeat("the generator is tested every month under load by two people w1x w2x w3x ", 8)
	texts := slices.Repeat([]string{text}, 20)
	for b.Loop() {
		s.put(b, "k0", texts...)
	}
}

func BenchmarkRemove(b *testing.B) {
	s := filled(b, 10_000)
	i := 0
	for b.Loop() {
		if err := s.db.Update(b.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			for range 20 {
				i++
				if _, err := lexical.Remove(ctx, tx, fmt.Sprint("d", i), 20); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		if i > 9_900 {
			b.Fatal("the index is empty")
		}
	}
}
