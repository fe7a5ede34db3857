package library

import (
	"cmp"
	"slices"
	"strings"

	"chatets/appliance/lexical"
	"chatets/appliance/vector"
)

// nearWeight is what nearness counts where words find nothing of a question;
// words count 1. The more of the question the best passage holds in its own
// words, the less nearness says: measured on the sets of `make bench-retrieval`,
// where a constant weight lost on one of them whatever it was.
const nearWeight = 0.4

// Fused is a passage that words or nearness found.
type Fused struct {
	Chunk    int64
	Score    float64 // comparable inside one answer only
	Coverage float64 // of the question's terms, 0 where words did not find it
	Near     float64 // cosine to the question, 0 where nearness did not find it
	Worded   float64 // score by words alone
	Word     int     // rank by words from 1, 0 = not found by them
	Meaning  int     // rank by nearness from 1, 0 = not found by it
}

// nearFloor is how near a passage must be that holds none of the question's
// words: without one, nearness finds something for any question. Of the 33
// questions on XQuAD that words do not answer it lets 27 through, 22 of them with
// the right passage; it does not decide whether there is an answer (ADR 0013).
const nearFloor = 0.46

// Side is what nearness found in one space of vectors.
type Side struct {
	Hits  []vector.Hit
	Floor float64 // how near a passage must be that holds none of the question's words
}

// Fuse puts the passages that words found and those that are near in one order,
// best first, at most k. Scores of each side count relative to its best.
func Fuse(words []lexical.Hit, near []vector.Hit, k int) []Fused {
	return FuseSides(words, []Side{{near, nearFloor}}, k)
}

// FuseSides is Fuse for nearness by several models: what they call near cannot be
// compared, so each counts relative to its own best.
func FuseSides(words []lexical.Hit, sides []Side, k int) []Fused {
	byChunk := make(map[int64]*Fused, len(words))
	get := func(chunk int64) *Fused {
		f := byChunk[chunk]
		if f == nil {
			f = &Fused{Chunk: chunk}
			byChunk[chunk] = f
		}
		return f
	}
	if len(words) > 0 {
		best := max(words[0].Score, 1e-9)
		for i, h := range words {
			f := get(h.Chunk)
			f.Coverage, f.Word, f.Worded = h.Coverage, i+1, h.Score
			f.Score += h.Score / best
		}
	}
	weight := nearWeight * (1 - covered(words))
	for _, side := range sides {
		if len(side.Hits) == 0 {
			continue
		}
		// What lies at the end of the list is no nearer than chance.
		least := side.Hits[len(side.Hits)-1].Score
		span := max(side.Hits[0].Score-least, 1e-9)
		for i, h := range side.Hits {
			if byChunk[h.Chunk] == nil && h.Score < side.Floor {
				continue
			}
			f := get(h.Chunk)
			f.Near, f.Meaning = h.Score, i+1
			f.Score += weight * (h.Score - least) / span
		}
	}
	all := make([]Fused, 0, len(byChunk))
	for _, f := range byChunk {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Fused) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk))
	})
	return all[:min(k, len(all))]
}

// covered is the most of the question that one passage holds.
func covered(words []lexical.Hit) float64 {
	most := 0.0
	for _, h := range words {
		most = max(most, h.Coverage)
	}
	return min(most, 1)
}

// Depth is how many passages words and nearness each bring to the fusion.
const Depth = 100

// Said is what the encoder reads of a passage: what it is about comes first.
func Said(title, heading, text string) string {
	var b strings.Builder
	for _, part := range []string{title, heading, text} {
		if part != "" {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(part)
		}
	}
	return b.String()
}

// Meant reports whether a text had anything the encoder knows; the vector of one
// that had not is nowhere, and is not kept.
func Meant(vector []float32) bool {
	return slices.ContainsFunc(vector, func(x float32) bool { return x != 0 })
}
