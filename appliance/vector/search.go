package vector

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// rescored is how many of the best rows by codes are compared by their real
// vectors, at least.
const rescored = 100

// Search gives the K nearest passages of the query's bases, best first; equal
// ones in the order of their numbers. It needs the bases in memory: one that is
// still being read is fault.Unavailable with the code index-loading.
func (s *Store) Search(ctx context.Context, q Query) ([]Hit, error) {
	if len(q.Bases) == 0 || q.K <= 0 {
		return nil, nil
	}
	if err := fit(q.Vector, q.Space.Dimension); err != nil {
		return nil, err
	}
	bases := slices.Compact(slices.Sorted(slices.Values(q.Bases)))
	var hits []Hit
	var coded *code
	top := &best{n: max(rescored, 4*q.K)}
	for _, base := range bases {
		g, err := s.ensure(ctx, key{base, q.Space})
		if err != nil {
			return nil, err
		}
		if g == nil {
			continue
		}
		v, few, err := g.ask(ctx, &q)
		if err != nil {
			return nil, err
		}
		hits = append(hits, few...)
		if v == nil {
			continue
		}
		if coded == nil {
			coded = newCode(q.Vector)
		}
		err = s.scan(ctx, v, coded, top)
		v.close()
		if err != nil {
			return nil, err
		}
	}
	more, err := s.rescore(ctx, q.Vector, top.sorted())
	if err != nil {
		return nil, err
	}
	hits = append(hits, more...)
	slices.SortFunc(hits, func(a, b Hit) int {
		if a.Score != b.Score {
			return cmp.Compare(b.Score, a.Score)
		}
		return cmp.Compare(a.Chunk, b.Chunk)
	})
	return hits[:min(q.K, len(hits))], nil
}

// ask answers at once where the segment is small, and gives what is to be
// scanned where it is not.
func (g *segment) ask(ctx context.Context, q *Query) (*view, []Hit, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	switch {
	case g.state != loaded:
		return nil, nil, loading() // it was given up since it was found
	case g.few == nil:
		return g.look(q), nil, nil
	}
	denied, without := set(q.Denied), set(q.Without)
	only := set(q.Documents)
	hits, err := g.few.search(ctx, q.Vector, q.K, func(r added) bool {
		return !denied[r.document] && (q.Documents == nil || only[r.document]) && !without[r.chunk]
	})
	return nil, hits, err
}

func (s *Store) scan(ctx context.Context, v *view, q *code, to *best) error {
	for i, b := range v.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.kernel.scan(b, v.rows[i], q, v.filter, to)
	}
	return nil
}

// rescore compares candidates by their rows. One that was removed meanwhile is
// not there any more and so is not given.
func (s *Store) rescore(ctx context.Context, query []float32, found []candidate) ([]Hit, error) {
	if len(found) == 0 {
		return nil, nil
	}
	sequences := make([]int64, len(found))
	for i, c := range found {
		sequences[i] = c.seq
	}
	list, err := json.Marshal(sequences)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Read().QueryContext(ctx, `SELECT chunk, vector FROM vector_row WHERE sequence IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, fmt.Errorf("read vectors: %w", err)
	}
	defer rows.Close()
	norm, vector := length(query), make([]float32, len(query))
	hits := make([]Hit, 0, len(found))
	for rows.Next() {
		var h Hit
		var data []byte
		if err := rows.Scan(&h.Chunk, &data); err != nil {
			return nil, err
		}
		if err := decode(data, vector); err != nil {
			return nil, err
		}
		h.Score = cosine(query, vector, norm*length(vector))
		hits = append(hits, h)
	}
	return hits, rows.Err()
}
