package library

import (
	"context"
	"slices"
	"strings"

	"chatets/appliance/fault"
)

// probeWords is how many words of a passage are asked for.
const probeWords = 12

// Probe asks for a passage by its own words and wants it, or one of the same
// words, back. It tells of a database that was restored whether questions would
// be answered; searched is false where there is nothing to find.
func (l *Library) Probe(ctx context.Context, who Reach) (searched bool, err error) {
	knowledge, text, err := l.store.somePassage(ctx)
	if err != nil || text == "" {
		return false, err
	}
	words := strings.Fields(text)
	found, err := l.Search(ctx, who, Question{Text: strings.Join(words[:min(len(words), probeWords)], " "), Knowledge: []string{knowledge}, K: 20})
	if err != nil {
		return true, err
	}
	if !slices.ContainsFunc(found, func(p Passage) bool { return p.Text == text }) {
		return true, fault.New(fault.Internal, "A passage that is there is not found by its own words.").Code("search-fails")
	}
	return true, nil
}
