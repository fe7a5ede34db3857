// Package lexical ranks passages by their words.
//
// What a newcomer gets wrong: permission is part of the query, not a filter
// after it. Search takes the knowledge bases that may be read, and an empty
// list finds nothing.
package lexical

import (
	"context"
	"database/sql"
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
	Text   string
	Bases  []string // knowledge bases that may be read; empty finds nothing
	Denied []string // documents that may not be seen, taken out before the cut to K
	K      int
}

// Hit is a passage that was found.
type Hit struct {
	Chunk    int64
	Score    float64 // BM25; higher is better; comparable inside one answer only
	Coverage float64 // 0..1: idf-weighted share of the question's terms that the passage holds
}

// Search ranks the passages of the query's bases, best first.
func Search(ctx context.Context, db *sql.DB, q Query) ([]Hit, error) {
	return nil, nil
}

// Terms splits a text into terms as the index sees them: folded, without
// accents, stemmed, Chinese, Japanese, Korean and Thai in pairs of characters.
func Terms(text string) []string {
	return nil
}
