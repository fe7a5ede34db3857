package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
)

// A ranking is one way of searching: it takes a set in once and then answers its
// questions with the ids of passages, best first.
type ranking interface {
	Name() string
	Index(ctx context.Context, s set, first int64) error
	Rank(ctx context.Context, s set, first int64, question string, k int) ([]string, error)
}

// keyword ranks by words, as the library does.
type keyword struct{ db *sqlite.DB }

// Name is the key of the results.
func (keyword) Name() string { return "keyword" }

// Index adds the passages in the steps in which the library adds chunks.
func (k keyword) Index(ctx context.Context, s set, first int64) error {
	entries := make([]lexical.Entry, len(s.corpus))
	for i, p := range s.corpus {
		entries[i] = lexical.Entry{Chunk: first + int64(i) + 1, Base: s.name, Document: s.name + p.ID,
			Title: strings.ReplaceAll(p.Title, "_", " "), Text: p.Text}
	}
	for some := range slices.Chunk(entries, 50) {
		list := lexical.Prepare(some...)
		if err := k.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return lexical.AddPrepared(ctx, tx, list...) }); err != nil {
			return fmt.Errorf("index %s: %w", s.name, err)
		}
	}
	return nil
}

// Rank asks one question in the set's own base.
func (k keyword) Rank(ctx context.Context, s set, first int64, question string, most int) ([]string, error) {
	hits, err := lexical.Search(ctx, k.db.Read(), lexical.Query{Text: question, Bases: []string{s.name}, K: most})
	ids := make([]string, len(hits))
	for i, h := range hits {
		ids[i] = s.corpus[h.Chunk-first-1].ID
	}
	return ids, err
}

// figures are the means over the judged questions of a set.
type figures struct {
	NDCG   float64 `json:"ndcg10"`
	Recall float64 `json:"recall10"`
	MRR    float64 `json:"mrr"`
}

// measure asks all judged questions of a set.
func measure(ctx context.Context, r ranking, s set, first int64) (figures, error) {
	var sum figures
	judged := 0.0
	for _, q := range s.queries {
		grades := s.grades[q.ID]
		var best []float64
		for _, g := range grades {
			if g > 0 {
				best = append(best, g)
			}
		}
		if len(best) == 0 {
			continue
		}
		ids, err := r.Rank(ctx, s, first, q.Text, 10)
		if err != nil {
			return figures{}, fmt.Errorf("%s, question %s: %w", s.name, q.ID, err)
		}
		judged++
		var got, found, ideal float64
		for i, id := range ids {
			if g := grades[id]; g > 0 {
				if found == 0 {
					sum.MRR += 1 / float64(i+1)
				}
				got += g / math.Log2(float64(i)+2)
				found++
			}
		}
		slices.Sort(best)
		slices.Reverse(best)
		for i, g := range best[:min(10, len(best))] {
			ideal += g / math.Log2(float64(i)+2)
		}
		sum.NDCG += got / ideal
		sum.Recall += found / float64(len(best))
	}
	if judged == 0 {
		return figures{}, fmt.Errorf("%s has no judged question", s.name)
	}
	return figures{sum.NDCG / judged, sum.Recall / judged, sum.MRR / judged}, nil
}
