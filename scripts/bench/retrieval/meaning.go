package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"chatets/appliance/encoder"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
	"chatets/appliance/sqlite"
	"chatets/appliance/vector"
	"chatets/embed"
)

// depth is how many passages each side brings to the fusion, as the library asks.
const depth = library.Depth

// meaning ranks by the built-in encoder alone.
type meaning struct {
	db      *sqlite.DB
	store   *vector.Store
	encoder *encoder.Encoder
}

func newMeaning(db *sqlite.DB) (meaning, error) {
	weights, made := embed.Weights()
	if !made {
		return meaning{}, fmt.Errorf("the encoder's weights are not there: make weights")
	}
	e, err := encoder.New(weights)
	return meaning{db, vector.New(vector.Config{DB: db}), e}, err
}

func space() vector.Space { return vector.Space{Model: encoder.ID, Dimension: encoder.Dimension} }

// Name is the key of the results.
func (meaning) Name() string { return "vector" }

// Index embeds the passages in the steps in which the library adds chunks.
func (m meaning) Index(ctx context.Context, s set, first int64) error {
	at := first
	for some := range slices.Chunk(s.corpus, 50) {
		texts := make([]string, len(some))
		for i, p := range some {
			texts[i] = library.Said(strings.ReplaceAll(p.Title, "_", " "), "", p.Text)
		}
		vectors, err := m.encoder.Embed(ctx, texts)
		if err != nil {
			return err
		}
		var entries []vector.Entry
		for i, p := range some {
			at++
			if library.Meant(vectors[i]) {
				entries = append(entries, vector.Entry{Chunk: at, Document: s.name + p.ID, Vector: vectors[i]})
			}
		}
		err = m.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			return m.store.Add(ctx, tx, "w", s.name, space(), entries)
		})
		if err != nil {
			return fmt.Errorf("index %s: %w", s.name, err)
		}
	}
	return nil
}

func (m meaning) near(ctx context.Context, s set, question string, most int) ([]vector.Hit, error) {
	v, err := m.encoder.Embed(ctx, []string{question})
	if err != nil {
		return nil, err
	}
	return m.store.Search(ctx, vector.Query{Space: space(), Vector: v[0], Bases: []string{s.name}, K: most})
}

// Rank asks one question in the set's own base.
func (m meaning) Rank(ctx context.Context, s set, first int64, question string, most int) ([]string, error) {
	hits, err := m.near(ctx, s, question, most)
	ids := make([]string, len(hits))
	for i, h := range hits {
		ids[i] = s.corpus[h.Chunk-first-1].ID
	}
	return ids, err
}

// hybrid fuses the two as the library does; both have indexed the set before it.
type hybrid struct {
	words   keyword
	meaning meaning
}

// Name is the key of the results.
func (hybrid) Name() string { return "hybrid" }

// Index has nothing to add.
func (hybrid) Index(context.Context, set, int64) error { return nil }

// Rank asks one question in the set's own base.
func (h hybrid) Rank(ctx context.Context, s set, first int64, question string, most int) ([]string, error) {
	words, err := lexical.Search(ctx, h.words.db.Read(), lexical.Query{Text: question, Bases: []string{s.name}, K: depth})
	if err != nil {
		return nil, err
	}
	near, err := h.meaning.near(ctx, s, question, depth)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, f := range library.Fuse(words, near, most) {
		ids = append(ids, s.corpus[f.Chunk-first-1].ID)
	}
	return ids, nil
}
