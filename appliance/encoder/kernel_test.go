//go:build amd64

package encoder

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestKernelsAgree(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	twin := plain()
	for _, k := range usable()[1:] {
		for _, n := range []int{1, 2, 7, 64, 110, 256, 1536} {
			lda, ldc := n+3, panel+5
			a, codes, scales := make([]float32, 8*lda), make([]byte, n*panel), make([]float32, n)
			for i := range a {
				a[i] = random.Float32()*2 - 1
			}
			for i := range codes {
				codes[i] = byte(random.IntN(256))
			}
			for i := range scales {
				scales[i] = random.Float32() / 64
			}
			// The borders of the codes, zero and the smallest numbers.
			copy(codes, []byte{0x80, 0x7f, 0, 0xff, 1})
			a[0], scales[0] = 0, math.SmallestNonzeroFloat32
			b, want := make([]float32, n*panel+1), make([]float32, n*panel+1)
			k.widen(n, &codes[0], &scales[0], &b[0])
			twin.widen(n, &codes[0], &scales[0], &want[0])
			for i := range b {
				if b[i] != want[i] {
					t.Fatalf("%s: widened %d of %d: %v, want %v", k.name, i, n, b[i], want[i])
				}
			}
			if k.direct != nil {
				checkDirect(t, k, random, n, codes, scales, want)
			}
			const guard = 12345
			c, should := make([]float32, 8*ldc), make([]float32, 8*ldc)
			for i := range c {
				c[i], should[i] = guard, guard
			}
			k.multiply(n, &a[0], lda, &b[0], &c[0], ldc)
			for r := 0; r < k.rows; r += twin.rows {
				twin.multiply(n, &a[r*lda], lda, &b[0], &should[r*ldc], ldc)
			}
			for i := range c {
				if math.Abs(float64(c[i]-should[i])) > 1e-4 {
					t.Fatalf("%s: k=%d, product %d: %v, want %v", k.name, n, i, c[i], should[i])
				}
			}
		}
	}
}

// checkDirect holds that the product straight from the codes is that of the widened ones.
func checkDirect(t *testing.T, k kernels, random *rand.Rand, n int, codes []byte, scales, widened []float32) {
	t.Helper()
	const guard = 12345
	lda, ldc := n+3, panel+5
	a, c := make([]float32, k.few*lda), make([]float32, k.few*ldc)
	for i := range a {
		a[i] = random.Float32()*2 - 1
	}
	for i := range c {
		c[i] = guard
	}
	k.direct(n, &a[0], lda, &codes[0], &scales[0], &c[0], ldc)
	for r := range k.few {
		for j := range ldc {
			want := float64(guard)
			if j < panel {
				want = 0
				for i := range n {
					want += float64(a[r*lda+i]) * float64(widened[i*panel+j])
				}
			}
			if math.Abs(float64(c[r*ldc+j])-want) > 1e-3 {
				t.Fatalf("%s: direct, k=%d, row %d, column %d: %v, want %v", k.name, n, r, j, c[r*ldc+j], want)
			}
		}
	}
}

func TestKernelsGiveOneVector(t *testing.T) {
	t.Parallel()
	e := open(t)
	refs := references(t)
	all := usable()
	// Every seventh: under the race detector the twin is slow.
	for i := 0; i < len(refs); i += 7 {
		r := refs[i]
		if len(r.pieces) == 0 || len(r.pieces) > window {
			continue
		}
		ids := e.pieces.encode(r.text)
		var first []float32
		for _, k := range all {
			s := newScratch()
			e.model.run(k, s, ids)
			if first == nil {
				first = s.vector[:Dimension]
			} else if c := cosine(first, s.vector[:Dimension]); !(c > 0.99999) {
				t.Errorf("%q: %s and %s differ, cosine %v", r.text, all[0].name, k.name, c)
			}
		}
	}
}
