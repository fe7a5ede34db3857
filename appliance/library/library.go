// Package library keeps knowledge bases and their documents, and searches them.
//
// What a newcomer gets wrong: nothing is searched or opened without a Reach,
// which is made only from an actor; its zero value finds nothing.
package library

import (
	"context"

	"chatets/appliance/actor"
)

// Library keeps knowledge bases and documents.
type Library struct{}

// Reach is what an actor may read. The zero value finds nothing.
type Reach struct {
	who actor.Actor
}

// ReachOf is the reach of an actor.
func ReachOf(a actor.Actor) Reach { return Reach{who: a} }

// Question is what is looked for.
type Question struct {
	Text      string
	Knowledge []string // knowledge bases to look in; empty means all that may be read
	K         int      // how many passages at most
}

// Passage is a found piece of a document.
type Passage struct {
	Chunk         int64
	Document      string
	DocumentTitle string
	Knowledge     string
	Version       int // of the document
	Page          int // 0 where the format has no pages
	Heading       string
	Start, End    int // characters in the document's text
	Text          string
	Score         float64 // higher is better; comparable inside one answer only
	Coverage      float64 // 0..1: share of the question's terms, weighted by rarity
}

// Search finds the passages that fit the question, best first, among what who may read.
func (l *Library) Search(ctx context.Context, who Reach, q Question) ([]Passage, error) {
	return nil, nil
}

// Readable returns fault.NotFound naming the first knowledge base that who may not read.
func (l *Library) Readable(ctx context.Context, who Reach, ids []string) error {
	return nil
}
