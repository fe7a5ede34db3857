package pdf

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// window is how many pages are held at a time: enough to tell what repeats on
// them, few enough for a document of thousands.
const window = 24

// leaf is one page on its way from its words to its blocks.
type leaf struct {
	number int
	lines  []line
	turned []word
	seen   *picture // of a page that was read from its picture
}

// sizes counts the characters of each size, and how many of them are bold.
type sizes struct {
	count     map[float64]int
	bold, all int
}

func (s *sizes) add(lines []line) {
	if s.count == nil {
		s.count = map[float64]int{}
	}
	for _, l := range lines {
		for _, w := range l.words {
			// What is larger than a page's title or smaller than print is not the size of running text.
			if k := math.Round(w.size*2) / 2; k > 0 && k < 100 {
				s.count[k] += len(w.text)
			}
			s.all += len(w.text)
			if w.bold {
				s.bold += len(w.text)
			}
		}
	}
}

// common is the size most characters have.
func (s *sizes) common() float64 {
	best := 0.0
	for k, n := range s.count {
		if n > s.count[best] || n == s.count[best] && k < best {
			best = k
		}
	}
	return best
}

// unframe takes running headers, footers and page numbers out of the first
// pages: what stands at the edge of several near pages and differs at most in
// its numbers.
func unframe(pages []*leaf, first int) {
	if len(pages) < 2 {
		return
	}
	seen := map[string]int{}
	for _, p := range pages {
		mine := map[string]bool{}
		for _, k := range p.keys() {
			if k != "" && !mine[k] {
				mine[k] = true
				seen[k]++
			}
		}
	}
	often := max(2, min(len(pages)/4, 4))
	for _, p := range pages[:first] {
		p.lines = slices.DeleteFunc(p.lines, func(l line) bool { return seen[edgeKey(l)] >= often })
		p.turned = slices.DeleteFunc(p.turned, func(w word) bool { return seen["turned "+w.text] >= often })
	}
}

func (p *leaf) keys() []string {
	var out []string
	for _, l := range p.lines {
		out = append(out, edgeKey(l))
	}
	for _, w := range p.turned {
		out = append(out, "turned "+w.text)
	}
	return out
}

func edgeKey(l line) string {
	if l.words[0].grid != nil {
		return ""
	}
	top, bottom := l.edge()
	h := l.words[0].h
	where := "top "
	switch {
	case bottom < h*0.1:
	case top > h*0.9:
		where = "end "
	default:
		return ""
	}
	text := l.text()
	if roman(text) {
		return where
	}
	return where + strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, text)
}

// roman reports the number of a page in front of the first chapter.
func roman(text string) bool {
	return text != "" && len(text) < 8 && strings.Trim(text, "ivxlc") == ""
}
