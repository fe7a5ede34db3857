package lexical

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// fewDenied is how many passages that may not be seen are read to take them out of
// the counts; of more, the index is asked for each term instead.
const fewDenied = 4000

// without takes the passages of denied documents out of the counts, so that a
// score says no more about them than if they were not there.
func (r *ranker) without(ctx context.Context, db *sql.DB, q Query, words *float64, holding map[string]float64) error {
	if len(q.Denied) == 0 {
		return nil
	}
	hidden, err := list(q.Denied)
	if err != nil {
		return err
	}
	scope, err := list(q.Bases)
	if err != nil {
		return err
	}
	const size = `SELECT count(*) FROM lexical_entry WHERE document IN (SELECT value FROM json_each(?)) AND base IN (SELECT value FROM json_each(?))`
	var denied float64
	if err := db.QueryRowContext(ctx, size, hidden, scope).Scan(&denied); err != nil {
		return fmt.Errorf("count the denied passages: %w", err)
	}
	switch {
	case denied == 0:
		return nil
	case denied <= fewDenied:
		err = read(ctx, db, hidden, scope, words, holding)
	default:
		*words *= 1 - min(1, denied/max(1, r.passages))
		err = ask(ctx, db, q, hidden, holding)
	}
	r.passages = max(0, r.passages-denied)
	return err
}

// read looks through the denied passages themselves.
func read(ctx context.Context, db *sql.DB, hidden, scope string, words *float64, holding map[string]float64) error {
	const text = `SELECT w.title, w.heading, w.text, w.code FROM lexical_entry AS e JOIN lexical_word AS w ON w.rowid = e.chunk
		WHERE e.document IN (SELECT value FROM json_each(?)) AND e.base IN (SELECT value FROM json_each(?))`
	rows, err := db.QueryContext(ctx, text, hidden, scope)
	if err != nil {
		return fmt.Errorf("read the denied passages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f fields
		if err := rows.Scan(&f.title, &f.heading, &f.text, &f.code); err != nil {
			return err
		}
		*words -= float64(f.words())
		seen := map[string]bool{}
		for _, field := range []string{f.title, f.heading, f.text, f.code} {
			for term := range strings.SplitSeq(field, " ") {
				if n, asked := holding[term]; asked && !seen[term] {
					seen[term] = true
					holding[term] = max(0, n-1)
				}
			}
		}
	}
	return rows.Err()
}

// ask has the index say for each term how many denied passages hold it.
func ask(ctx context.Context, db *sql.DB, q Query, hidden string, holding map[string]float64) error {
	const holds = `SELECT count(*) FROM lexical_word WHERE lexical_word MATCH ?1
		AND EXISTS (SELECT 1 FROM lexical_entry AS e WHERE e.chunk = lexical_word.rowid AND e.document IN (SELECT value FROM json_each(?2)))`
	for term, n := range holding {
		var denied float64
		if err := db.QueryRowContext(ctx, holds, match(q.Bases, []need{{term: term}}, nil, false), hidden).Scan(&denied); err != nil {
			return fmt.Errorf("count a term in the denied passages: %w", err)
		}
		holding[term] = max(0, n-denied)
	}
	return nil
}
