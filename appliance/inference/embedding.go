package inference

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"chatets/appliance/fault"
)

const embedBatch = 32 // texts in one request; with more, one that fails costs too much

// embedAll makes the vectors of texts with one request per batch. A batch that
// fails is halved until the text that spoils it stands alone. Nothing that comes
// back is believed: a vector too few or of another length would put a passage
// beside the words of another.
func embedAll(ctx context.Context, texts []string, one func(ctx context.Context, batch []string) ([][]float32, error)) ([][]float32, error) {
	for i, t := range texts {
		if strings.TrimSpace(t) == "" { // servers answer it with an empty vector, or fail the whole batch
			return nil, fault.New(fault.Invalid, "Text %d of %d is empty; there is no vector of nothing.", i+1, len(texts)).Code("text-empty")
		}
	}
	e := embedder{one: one, out: make([][]float32, 0, len(texts)), all: len(texts)}
	for begin := 0; begin < len(texts); begin += embedBatch {
		if err := e.batch(ctx, texts[begin:min(begin+embedBatch, len(texts))]); err != nil {
			return nil, err
		}
	}
	return e.out, nil
}

// vector is one on the wire. Some servers write null for a number that is none,
// which would be read as zero.
type vector []float32

// UnmarshalJSON implements json.Unmarshaler.
func (v *vector) UnmarshalJSON(raw []byte) error {
	if bytes.Contains(raw, []byte("null")) {
		return errors.New("null in a vector")
	}
	return json.Unmarshal(raw, (*[]float32)(v))
}

type embedder struct {
	one  func(ctx context.Context, batch []string) ([][]float32, error)
	out  [][]float32
	size int // of the vectors
	all  int // texts
}

func (e *embedder) batch(ctx context.Context, texts []string) error {
	if err := ctx.Err(); err != nil {
		return left(context.Cause(ctx))
	}
	vectors, err := e.one(ctx, texts)
	if err == nil {
		err = e.check(texts, vectors)
	}
	switch {
	case err == nil:
		e.out = append(e.out, vectors...)
		return nil
	case ctx.Err() != nil || !divisible(err):
		return err
	case len(texts) == 1:
		return e.alone(err)
	}
	half := len(texts) / 2
	if err := e.batch(ctx, texts[:half]); err != nil {
		return err
	}
	return e.batch(ctx, texts[half:])
}

// divisible reports whether fewer texts may succeed where these failed. Where the
// server cannot be reached or wants something else, they do not.
func divisible(err error) bool {
	switch codeOf(err) {
	case CodeBroken, CodeCut, CodeStalled, CodeContext, CodeEndless:
		return true
	}
	return false
}

// alone names the text that spoils its batch. The code stays, since what is to be
// done about it does.
func (e *embedder) alone(err error) error {
	r := fault.Of(err)
	if r.Code != CodeContext {
		return err
	}
	return fault.New(fault.Invalid, "Text %d of %d is longer than the embedding model takes.", len(e.out)+1, e.all).
		Code(CodeContext).Cure("Choose an embedding model with a larger context, or cut texts into smaller pieces.").Because(err)
}

// check holds vectors against their texts and gives each the length 1.
func (e *embedder) check(texts []string, vectors [][]float32) error {
	wrong := func(format string, args ...any) error {
		return fault.New(fault.Unavailable, "The embedding model answers in a way that cannot be used.").Code(CodeBroken).
			Cure("Choose another embedding model, or look into the log of its server.").Because(fmt.Errorf(format, args...))
	}
	if len(vectors) != len(texts) {
		return wrong("%d vectors for %d texts", len(vectors), len(texts))
	}
	size := e.size
	for i, v := range vectors {
		if size == 0 {
			size = len(v)
		}
		if len(v) == 0 || len(v) != size {
			return wrong("vector %d has %d dimensions, not %d", i, len(v), size)
		}
		if !normalise(v) {
			return wrong("vector %d has no direction", i)
		}
	}
	e.size = size
	return nil
}

// normalise gives a vector the length 1. It reports false where that cannot be:
// all zero, or a number that is none.
func normalise(v []float32) bool {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return false
	}
	by := 1 / math.Sqrt(sum)
	for i, x := range v {
		v[i] = float32(float64(x) * by)
	}
	return true
}
