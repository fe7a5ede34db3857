// Package lexical ranks passages by their words.
//
// Texts are split here and nowhere else: folded and stemmed words, pairs of
// characters where a script has no spaces, and codes such as P-101A once more
// in one piece. FTS5 finds the candidates inside the allowed knowledge bases;
// they are then scored with rarities counted in those bases alone.
//
// What a newcomer gets wrong: permission is part of the query, not a filter
// after it. Search takes the knowledge bases that may be read, and an empty
// list finds nothing.
package lexical

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Entry is one passage to be found.
type Entry struct {
	Chunk    int64  // the caller's number of the passage, unique over all bases
	Base     string // knowledge base
	Document string
	Title    string
	Heading  string
	Text     string
}

// Query is what is looked for and where.
type Query struct {
	Text      string
	Bases     []string // knowledge bases that may be read; empty finds nothing
	Documents []string // documents to look in, after the caller's filters; nil is all of the bases, an empty list finds nothing
	Denied    []string // documents that may not be seen, taken out before the cut to K
	Without   []int64  // passages that are left out, before the cut to K
	K         int
}

// Hit is a passage that was found.
type Hit struct {
	Chunk    int64
	Score    float64 // BM25; higher is better; comparable inside one answer only
	Coverage float64 // 0..1: share of the question's terms, weighted by rarity, that the passage holds
}

// candidates is how many passages FTS5 ranks before they are scored here.
const candidates = 200

// wideShare is the part of the index from which on it costs less to check the
// bases of ranked passages than to ask for them in the match.
const wideShare = 0.25

// Search ranks the passages of the query's bases, best first. Quoted phrases
// restrict the answer to passages that hold them word for word; where no
// passage does, they are words like the others, and coverage says so.
func Search(ctx context.Context, db *sql.DB, q Query) ([]Hit, error) {
	if len(q.Bases) == 0 || q.K <= 0 || q.Documents != nil && len(q.Documents) == 0 {
		return nil, nil
	}
	asked := parse(q.Text)
	if len(asked.needs) == 0 && len(asked.phrases) == 0 {
		return nil, nil
	}
	r, err := newRanker(ctx, db, q, asked)
	if err != nil || r.passages == 0 {
		return nil, err
	}
	n := max(candidates, 2*q.K)
	if len(asked.phrases) > 0 {
		found, err := r.fetch(ctx, db, q, nil, asked.phrases, false, n)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(c candidate) bool { return !c.holds(asked.phrases) })
		if len(found) > 0 {
			return r.rank(found, true, q.K), nil
		}
	}
	if len(r.needs) == 0 {
		return nil, nil
	}
	telling := r.telling()
	every := r.crowd(telling)
	found, err := r.fetch(ctx, db, q, telling, nil, every, n)
	if err == nil && every && len(found) < n {
		found, err = r.fetch(ctx, db, q, telling, nil, false, n)
	}
	if err != nil {
		return nil, err
	}
	if codes := slices.DeleteFunc(slices.Clone(r.needs), func(n need) bool { return !n.code }); len(codes) > 0 && len(found) == n {
		// A passage that holds the code must not be lost in a crowd of common words.
		exact, err := r.fetch(ctx, db, q, codes, nil, false, n)
		if err != nil {
			return nil, err
		}
		found = append(found, exact...)
	}
	return r.rank(found, false, q.K), nil
}

// Terms splits a text into terms as the index sees them: folded, without
// accents, stemmed, Chinese, Japanese, Korean and Thai in pairs of characters,
// codes once more in one piece.
func Terms(text string) []string {
	tokens := scan(text)
	terms := make([]string, len(tokens))
	for i, t := range tokens {
		terms[i] = t.term
	}
	return terms
}

// Content lists the terms of a question that say what it is about, each once:
// Terms without the glue words of its language.
func Content(text string) []string {
	asked := parse(text)
	terms := make([]string, 0, len(asked.needs))
	for _, n := range asked.needs {
		terms = append(terms, n.term)
	}
	return terms
}

// candidate is a passage FTS5 found.
type candidate struct {
	chunk int64
	fields
}

// holds reports whether the passage holds every phrase word for word.
func (c candidate) holds(phrases []phrase) bool {
	surface := " " + c.surface + " "
	for _, p := range phrases {
		if !strings.Contains(surface, " "+p.surface+" ") {
			return false
		}
	}
	return true
}

// fetch lists the best passages by FTS5's own ranking. What may not be seen is
// left out inside the query, before the cut: by the base's token in MATCH where
// the bases are a small part of the index, by the entry of each ranked passage
// where they are most of it.
func (r *ranker) fetch(ctx context.Context, db *sql.DB, q Query, needs []need, phrases []phrase, every bool, n int) ([]candidate, error) {
	const narrow = `SELECT rowid, title, heading, text, code, surface FROM lexical_word
		WHERE lexical_word MATCH ?1 AND rank MATCH 'bm25(0.0, 1.5, 1.2, 1.0, 2.0, 0.0)'
		AND rowid NOT IN (SELECT chunk FROM lexical_entry WHERE document IN (SELECT value FROM json_each(?2)))
		AND rowid NOT IN (SELECT value FROM json_each(?6))
		AND (?5 = '' OR EXISTS (SELECT 1 FROM lexical_entry AS o WHERE o.chunk = lexical_word.rowid AND o.document IN (SELECT value FROM json_each(?5))))
		ORDER BY rank LIMIT ?3`
	const wide = `SELECT rowid, title, heading, text, code, surface FROM lexical_word
		WHERE lexical_word MATCH ?1 AND rank MATCH 'bm25(0.0, 1.5, 1.2, 1.0, 2.0, 0.0)'
		AND rowid NOT IN (SELECT chunk FROM lexical_entry WHERE document IN (SELECT value FROM json_each(?2)))
		AND rowid NOT IN (SELECT value FROM json_each(?6))
		AND (?5 = '' OR EXISTS (SELECT 1 FROM lexical_entry AS o WHERE o.chunk = lexical_word.rowid AND o.document IN (SELECT value FROM json_each(?5))))
		AND EXISTS (SELECT 1 FROM lexical_entry AS e WHERE e.chunk = lexical_word.rowid AND e.base IN (SELECT value FROM json_each(?4)))
		ORDER BY rank LIMIT ?3`
	hidden, err := list(q.Denied)
	if err != nil {
		return nil, err
	}
	without, err := list(q.Without)
	if err != nil {
		return nil, err
	}
	only := ""
	if q.Documents != nil {
		if only, err = list(q.Documents); err != nil {
			return nil, err
		}
	}
	query, args := narrow, []any{match(q.Bases, needs, phrases, every), hidden, n, nil, only, without}
	if r.passages > r.all*wideShare {
		scope, err := list(q.Bases)
		if err != nil {
			return nil, err
		}
		query, args = wide, []any{match(nil, needs, phrases, every), hidden, n, scope, only, without}
	}
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("search the words: %w", err)
	}
	defer rows.Close()
	var found []candidate
	for rows.Next() {
		var c candidate
		if err := rows.Scan(&c.chunk, &c.title, &c.heading, &c.text, &c.code, &c.surface); err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, rows.Err()
}

// list is a list as json_each reads it.
func list[T any](items []T) (string, error) {
	if len(items) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(items)
	return string(text), err
}
