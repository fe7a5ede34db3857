package blob_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

func BenchmarkPut(b *testing.B) {
	s, _ := store(b)
	text := strings.Repeat("The generator is tested on the first Monday of each month. ", 20_000)
	b.SetBytes(int64(len(text)))
	for i := range b.N {
		put(b, s, "one", fmt.Sprint(i, text))
	}
}

func BenchmarkOpen(b *testing.B) {
	s, _ := store(b)
	text := strings.Repeat("The generator is tested on the first Monday of each month. ", 20_000)
	ref := put(b, s, "one", text)
	b.SetBytes(ref.Size)
	for b.Loop() {
		r, err := s.Open(b.Context(), "one", ref.Name)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
