package library

import (
	"context"
	"maps"
	"slices"

	"chatets/appliance/fault"
	"chatets/appliance/lexical"
	"chatets/appliance/vector"
)

// Note says why passages of knowledge bases were compared by their words alone.
type Note struct {
	Knowledge []string // ids
	Reason    string
	Cure      string
}

// ranking is what words and nearness found, before it is put in one order.
type ranking struct {
	words []lexical.Hit
	sides []Side
	notes []Note
}

func (r ranking) fused(k int) []Fused { return FuseSides(r.words, r.sides, k) }

// rank finds the passages that fit a question, by words and by meaning. What may
// not be found is left out before either ranks, and counts for nothing.
func (l *Library) rank(ctx context.Context, who Reach, q Question, bases []string) (ranking, error) {
	denied, err := l.store.denied(ctx, who, bases)
	if err != nil {
		return ranking{}, err
	}
	without, err := l.store.disabled(ctx, bases)
	if err != nil {
		return ranking{}, err
	}
	var r ranking
	var only []string // nil = all documents
	if !q.Filter.Empty() {
		if only, err = l.store.chosen(ctx, who, bases, q.Filter); err != nil || len(only) == 0 {
			return r, err
		}
	}
	if r.words, err = l.store.worded(ctx, lexical.Query{Text: q.Text, Bases: bases, Documents: only, Denied: denied, Without: without, K: max(Depth, q.K)}); err != nil {
		return ranking{}, err
	}
	if l.store.vectors == nil {
		return r, nil
	}
	groups, err := l.grouped(ctx, bases)
	if err != nil {
		return ranking{}, err
	}
	for _, g := range groups {
		hits, err := l.near(ctx, q.Text, g, vector.Query{Documents: only, Denied: denied, Without: without, K: max(Depth, q.K)})
		switch {
		case err == nil:
			if len(hits) > 0 {
				r.sides = append(r.sides, Side{Hits: hits, Floor: g.floor})
			}
		case ctx.Err() != nil:
			return ranking{}, err
		case fault.Of(err).Kind == fault.Internal:
			return ranking{}, err
		default:
			// Words answer alone while a model is away or an index is being loaded.
			told := fault.Of(err)
			l.log.Debug("bases are searched by words alone", "model", g.maker.name(), "error", err)
			r.notes = append(r.notes, Note{Knowledge: g.bases, Reason: told.Sentence, Cure: told.Cure})
		}
	}
	return r, nil
}

// group is bases that are compared by vectors of the same maker.
type group struct {
	maker maker
	floor float64
	bases []string
}

// grouped puts bases together that can be asked with one vector.
func (l *Library) grouped(ctx context.Context, bases []string) ([]group, error) {
	indexes, err := l.store.indexes(ctx, bases)
	if err != nil {
		return nil, err
	}
	groups := map[vector.Space]*group{}
	for _, base := range bases {
		x := indexes[base]
		g := groups[x.serving.space()]
		if g == nil {
			g = &group{maker: x.serving}
			groups[x.serving.space()] = g
		}
		g.bases = append(g.bases, base)
		g.floor = max(g.floor, x.near())
	}
	var list []group
	for _, space := range slices.SortedFunc(maps.Keys(groups), func(a, b vector.Space) int {
		if a.Model < b.Model {
			return -1
		}
		return 1
	}) {
		list = append(list, *groups[space])
	}
	return list, nil
}

// near finds passages of a group by meaning.
func (l *Library) near(ctx context.Context, question string, g group, in vector.Query) ([]vector.Hit, error) {
	v, err := l.ask(ctx, g.maker, question)
	if err != nil || v == nil {
		return nil, err
	}
	in.Space, in.Vector, in.Bases = g.maker.space(), v, g.bases
	return l.store.vectors.Search(ctx, in)
}
