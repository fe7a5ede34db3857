// Package encoder turns text into vectors inside the service, without a model
// server: the English sentence encoder USE-lite, two transformer layers over
// 8,000 word pieces, with eight-bit weights that stay where the binary maps them.
//
// What a newcomer gets wrong: the model reads at most 128 pieces and was
// trained on sentences, so a longer text is read in overlapping windows whose
// vectors are averaged; and a vector belongs to ID, never compare it with one
// of another model.
package encoder

import (
	"context"
	"math"
	"sync"

	"chatets/appliance/fault"
)

// ID names the model and the version of its weights; it is stored with every vector.
const ID = "use-lite-en-1"

// Dimension is the length of every vector.
const Dimension = 512

const (
	// window is how many pieces are read at once; the model itself would cut at 128.
	window = 110
	// overlap is how many pieces two neighbouring windows share, so that a sentence on the border is whole in one of them.
	overlap = 20
)

// Encoder makes vectors of texts. It is safe for use by many goroutines; each
// call uses one processor.
type Encoder struct {
	model   *model
	pieces  *tokenizer
	kernels kernels
	scratch sync.Pool
}

// New reads the weights that the build made. They are used in place, so the
// bytes must not change while the encoder lives.
func New(weights []byte) (*Encoder, error) {
	if len(weights) == 0 {
		return nil, fault.New(fault.Unavailable, "The built-in encoder has no weights in this build, so texts cannot be compared by meaning.").
			Cure("Build the service with make build, which makes them, or choose an embedding model of a model server.").Code("encoder-missing")
	}
	m, tk, err := parse(weights)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "The weights of the built-in encoder cannot be read, because they are damaged or of another version.").
			Cure("Run make weights and build the service again, or install it from a fresh download.").Code("encoder-damaged").Because(err)
	}
	e := &Encoder{model: m, pieces: tk, kernels: fastest()}
	e.scratch.New = func() any { return newScratch() }
	return e, nil
}

// Embed returns a vector of length one for each text, in their order. A text
// without any piece (the empty one) has the zero vector, which is like nothing.
func (e *Encoder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	all := make([]float32, len(texts)*Dimension)
	s := e.scratch.Get().(*scratch)
	defer e.scratch.Put(s)
	for i, text := range texts {
		out[i] = all[i*Dimension : (i+1)*Dimension : (i+1)*Dimension]
		if err := e.embed(ctx, s, e.pieces.encode(text), out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Tokens is the number of word pieces of the text.
func (e *Encoder) Tokens(text string) int { return len(e.pieces.encode(text)) }

func (e *Encoder) embed(ctx context.Context, s *scratch, ids []int32, into []float32) error {
	n := windows(len(ids))
	for w := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		from, to := span(len(ids), n, w)
		e.model.run(e.kernels, s, ids[from:to])
		for i, v := range s.vector[:Dimension] {
			into[i] += v
		}
	}
	if n > 1 {
		normalise(into)
	}
	return nil
}

// windows is how many windows cover n pieces.
func windows(n int) int {
	switch {
	case n == 0:
		return 0
	case n <= window:
		return 1
	}
	step := window - overlap
	return 1 + (n-window+step-1)/step
}

// span is the w-th of count windows over n pieces. They are spread evenly, so
// that the last is not a stub that weighs as much as a full one.
func span(n, count, w int) (from, to int) {
	if count == 1 {
		return 0, n
	}
	from = w * (n - window) / (count - 1)
	return from, from + window
}

func normalise(v []float32) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	by := float32(1 / math.Sqrt(max(sum, 1e-12)))
	for i := range v {
		v[i] *= by
	}
}
