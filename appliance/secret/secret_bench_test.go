package secret_test

import (
	"io"
	"testing"
)

func BenchmarkSeal(b *testing.B) {
	k := ring(b, 1)
	plain := make([]byte, 100)
	for b.Loop() {
		if _, err := k.Seal("token", plain, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealStream(b *testing.B) {
	k := ring(b, 1)
	plain := make([]byte, 8<<20)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		w, err := k.SealStream("blob", io.Discard, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
