package encoder

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// reserved is how many pieces at the head of the vocabulary never match text.
const reserved = 6

const wordMark = '▁' // stands for a space, and before the text

// piece is one entry of the vocabulary.
type piece struct {
	text  string
	score float64
}

// tokenizer cuts text into the pieces whose scores sum highest. It repeats the
// original to the letter, its oddity included: a best score of exactly zero
// counts as "nothing found yet".
type tokenizer struct {
	next   map[uint64]int32 // node<<32 | character -> node
	id     []int32          // node -> piece that ends there, 0 for none
	scores []float64        // by piece
	length []int32          // by piece, in characters
}

func newTokenizer(pieces []piece) *tokenizer {
	t := &tokenizer{next: make(map[uint64]int32, 4*len(pieces)), id: make([]int32, 1, 4*len(pieces)),
		scores: make([]float64, len(pieces)), length: make([]int32, len(pieces))}
	for i, p := range pieces {
		t.scores[i], t.length[i] = p.score, int32(utf8.RuneCountInString(p.text))
		if i < reserved {
			continue
		}
		var node int32
		for _, r := range p.text {
			key := uint64(node)<<32 | uint64(r)
			to, ok := t.next[key]
			if !ok {
				to = int32(len(t.id))
				t.next[key], t.id = to, append(t.id, 0)
			}
			node = to
		}
		t.id[node] = int32(i)
	}
	return t
}

// encode lists the pieces of the text; 0 is a run of unknown characters.
func (t *tokenizer) encode(text string) []int32 {
	text = norm.NFKC.String(strings.ToValidUTF8(text, "\uFFFD"))
	if text == "" {
		return nil
	}
	chars := make([]rune, 1, len(text)+1)
	chars[0] = wordMark
	for _, r := range text {
		if r == ' ' {
			r = wordMark
		}
		chars = append(chars, r)
	}
	best, last := make([]float64, len(chars)+1), make([]int32, len(chars)+1)
	offer := func(end int, id int32, score float64) {
		if best[end] == 0 || score >= best[end] {
			best[end], last[end] = score, id
		}
	}
	// Every offer to an end comes from an earlier start, and starts ascend: the order of the original, which breaks ties.
	for start := range chars {
		var node int32
		found := false
		for end := start; end < len(chars); end++ {
			to, ok := t.next[uint64(node)<<32|uint64(chars[end])]
			if !ok {
				break
			}
			node = to
			if id := t.id[node]; id != 0 {
				offer(end+1, id, t.scores[id]+best[start])
				found = true
			}
		}
		if !found {
			offer(start+1, 0, best[start])
		}
	}
	out := make([]int32, 0, len(chars)/3+1)
	for at := len(chars); at > 0; {
		id := last[at]
		if id != 0 || len(out) == 0 || out[len(out)-1] != 0 {
			out = append(out, id)
		}
		at -= int(t.length[id])
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
