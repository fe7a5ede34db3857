package main

import (
	"context"
	"fmt"

	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
)

// floors prints which questions are still answered at each floor of coverage:
// the set's own, the own ones whose right passage is above it, the own ones
// asked without their right passages, and those of the other set.
func floors(ctx context.Context, db *sqlite.DB, s, other set, first int64) error {
	var own, right, without, foreign []float64
	for _, q := range s.queries {
		hits, err := search(ctx, db, s, q, nil)
		if err != nil {
			return err
		}
		own = append(own, most(hits, nil))
		right = append(right, most(hits, func(h lexical.Hit) bool { return s.grades[q.ID][s.corpus[h.Chunk-first-1].ID] > 0 }))
		var denied []string
		for id := range s.grades[q.ID] {
			denied = append(denied, s.name+id)
		}
		if hits, err = search(ctx, db, s, q, denied); err != nil {
			return err
		}
		without = append(without, most(hits, nil))
	}
	for _, q := range other.queries {
		hits, err := search(ctx, db, s, q, nil)
		if err != nil {
			return err
		}
		foreign = append(foreign, most(hits, nil))
	}
	fmt.Printf("\n| floor on %s | own questions answered | right passage above it | refused without their passages | questions of %s refused |\n|---|---|---|---|---|\n", s.name, other.name)
	for floor := 20; floor <= 70; floor += 5 {
		at := float64(floor) / 100
		fmt.Printf("| %.2f | %.1f %% | %.1f %% | %.1f %% | %.1f %% |\n", at, 100*share(own, at), 100*share(right, at), 100-100*share(without, at), 100-100*share(foreign, at))
	}
	return nil
}

func search(ctx context.Context, db *sqlite.DB, s set, q query, denied []string) ([]lexical.Hit, error) {
	return lexical.Search(ctx, db.Read(), lexical.Query{Text: q.Text, Bases: []string{s.name}, Denied: denied, K: 10})
}

// most is the highest coverage among hits.
func most(hits []lexical.Hit, which func(lexical.Hit) bool) float64 {
	best := 0.0
	for _, h := range hits {
		if which == nil || which(h) {
			best = max(best, h.Coverage)
		}
	}
	return best
}

func share(values []float64, floor float64) float64 {
	n := 0
	for _, v := range values {
		if v >= floor {
			n++
		}
	}
	return float64(n) / float64(len(values))
}
