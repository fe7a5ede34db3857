package vector

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/philippgille/chromem-go"
)

// few is a small segment: a chromem collection in memory, and what is known of
// its rows. Its owner guards it.
//
// chromem breaks on vectors of two dimensions, makes NaN of a zero vector,
// refuses to give more than it has and deletes everything for an empty
// condition; nothing of that reaches it from here.
type few struct {
	collection *chromem.Collection
	rows       map[int64]added // by sequence
}

func newFew() (*few, error) {
	never := func(context.Context, string) ([]float32, error) {
		return nil, errors.New("chromem is given vectors, it makes none")
	}
	c, err := chromem.NewDB().CreateCollection("segment", nil, never)
	if err != nil {
		return nil, fmt.Errorf("small segment: %w", err)
	}
	return &few{collection: c, rows: map[int64]added{}}, nil
}

// add takes rows whose vectors were checked.
func (f *few) add(rows []added) error {
	for _, r := range rows {
		if _, known := f.rows[r.seq]; known {
			continue
		}
		norm, unit := length(r.vector), make([]float32, len(r.vector))
		for i, x := range r.vector {
			unit[i] = float32(float64(x) / norm)
		}
		doc := chromem.Document{ID: strconv.FormatInt(r.seq, 10), Embedding: unit}
		if err := f.collection.AddDocument(context.Background(), doc); err != nil {
			return fmt.Errorf("small segment: %w", err)
		}
		f.rows[r.seq] = r
	}
	return nil
}

func (f *few) remove(sequences []int64) error {
	var ids []string
	for _, seq := range sequences {
		if _, known := f.rows[seq]; known {
			ids = append(ids, strconv.FormatInt(seq, 10))
			delete(f.rows, seq)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return f.collection.Delete(context.Background(), nil, nil, ids...)
}

// slack is more than chromem's 32-bit sums can be wrong.
const slack = 1e-4

// search gives the best k rows that may be seen, exactly.
func (f *few) search(ctx context.Context, query []float32, k int, allowed func(added) bool) ([]Hit, error) {
	n := f.collection.Count()
	if n == 0 || k <= 0 {
		return nil, nil
	}
	norm, unit := length(query), make([]float32, len(query))
	for i, x := range query {
		unit[i] = float32(float64(x) / norm)
	}
	// All rows are asked for: what may not be seen goes before the cut.
	results, err := f.collection.QueryEmbedding(ctx, unit, n, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("small segment: %w", err)
	}
	var hits []Hit
	floor := float32(math.Inf(-1))
	for _, r := range results {
		if r.Similarity < floor {
			break
		}
		seq, err := strconv.ParseInt(r.ID, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("small segment: %w", err)
		}
		row, known := f.rows[seq]
		if !known || !allowed(row) {
			continue
		}
		hits = append(hits, Hit{Chunk: row.chunk, Score: cosine(query, row.vector, norm*length(row.vector))})
		if len(hits) == k {
			floor = r.Similarity - slack
		}
	}
	return hits, nil
}
