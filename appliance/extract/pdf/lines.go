package pdf

import (
	"math"
	"slices"
	"sort"
	"strings"
	"unicode"
)

// word is a word with its place in points from the page's upper left corner.
type word struct {
	text           string
	x0, y0, x1, y1 float64
	size           float64
	bold           bool
	w, h           float64 // of its page
}

// line is the words of one column that stand beside each other.
type line struct {
	words  []word
	column int // counts up where another column or part of the page begins
}

func (l line) x0() float64   { return l.words[0].x0 }
func (l line) x1() float64   { return l.words[len(l.words)-1].x1 }
func (l line) size() float64 { return l.words[0].size }

func (l line) edge() (top, bottom float64) {
	top, bottom = math.Inf(1), math.Inf(-1)
	for _, w := range l.words {
		top, bottom = min(top, w.y0), max(bottom, w.y1)
	}
	return top, bottom
}

func (l line) text() string {
	var b strings.Builder
	for i, w := range l.words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.text)
	}
	return b.String()
}

// cells are the words in groups that stand well apart.
func (l line) cells() [][]word {
	cells := [][]word{{l.words[0]}}
	for i, w := range l.words[1:] {
		if w.x0-l.words[i].x1 > max(w.size, 6)*1.1 {
			cells = append(cells, nil)
		}
		cells[len(cells)-1] = append(cells[len(cells)-1], w)
	}
	// Words of a justified line stand apart evenly; they are no cells.
	if len(l.words) >= 5 && len(cells) == len(l.words) {
		widest := 0.0
		for i, w := range l.words[1:] {
			widest = max(widest, w.x0-l.words[i].x1)
		}
		if widest < 2.5*l.size() {
			return [][]word{l.words}
		}
	}
	return cells
}

// order puts the words of a page into lines in reading order.
func order(words []word) []line {
	rows := rows(words)
	var out []line
	column := 0
	var walk func(rows []line, depth int)
	walk = func(rows []line, depth int) {
		if len(rows) == 0 {
			return
		}
		from, to, x := gutter(rows)
		if depth > 4 || to-from < 4 {
			column++
			for _, l := range rows {
				l.column = column
				out = append(out, l)
			}
			return
		}
		walk(rows[:from], depth+1)
		var left, right []line
		for _, l := range rows[from:to] {
			i := slices.IndexFunc(l.words, func(w word) bool { return w.x0 >= x })
			if i < 0 {
				i = len(l.words)
			}
			if i > 0 {
				left = append(left, line{words: l.words[:i]})
			}
			if i < len(l.words) {
				right = append(right, line{words: l.words[i:]})
			}
		}
		walk(left, depth+1)
		walk(right, depth+1)
		walk(rows[to:], depth+1)
	}
	walk(rows, 0)
	return out
}

// rows are all words at one height, from left to right.
func rows(words []word) []line {
	words = slices.Clone(words)
	sort.SliceStable(words, func(i, j int) bool { return words[i].y0+words[i].y1 < words[j].y0+words[j].y1 })
	var out []line
	middle := 0.0
	for _, w := range words {
		m := (w.y0 + w.y1) / 2
		if len(out) == 0 || m-middle > max(w.size, 4)*0.45 {
			out = append(out, line{})
			middle = m
		}
		out[len(out)-1].words = append(out[len(out)-1].words, w)
	}
	for _, l := range out {
		sort.SliceStable(l.words, func(i, j int) bool { return l.words[i].x0 < l.words[j].x0 })
	}
	return out
}

// gutter finds the white strip between two columns of running text: the rows
// from..to beside it and its right edge. Columns of a table are no such
// columns: their cells are short.
func gutter(rows []line) (from, to int, x float64) {
	tried := map[int]bool{}
	for _, r := range rows {
		for i := 1; i < len(r.words); i++ {
			cand := r.words[i].x0
			if r.words[i].x0-r.words[i-1].x1 < max(r.words[i].size*0.9, 7) || tried[int(cand)] || len(tried) > 200 {
				continue
			}
			tried[int(cand)] = true
			cand -= 0.5
			start := 0
			for k := 0; k <= len(rows); k++ {
				if k < len(rows) && !crosses(rows[k], cand) {
					continue
				}
				if k-start > to-from && running(rows[start:k], cand) {
					from, to, x = start, k, cand
				}
				start = k + 1
			}
		}
	}
	return from, tail(rows, from, to, x), x
}

// tail ends the columns where below them a heading begins another part.
func tail(rows []line, from, to int, x float64) int {
	last := from
	for i := from; i < to; i++ {
		n := 0
		for _, w := range rows[i].words {
			if w.x0 < x {
				n++
			}
		}
		if n >= 2 && len(rows[i].words)-n >= 2 {
			last = i
		}
	}
	for i := last + 1; i < to; i++ {
		if rows[i].size() > 1.14*rows[last].size() {
			return i
		}
	}
	return to
}

func crosses(l line, x float64) bool {
	for _, w := range l.words {
		if w.x0 < x && w.x1 > x-5 {
			return true
		}
	}
	return false
}

// running reports whether there is running text on both sides.
func running(rows []line, x float64) bool {
	var words, sides [2]int
	for _, r := range rows {
		n := 0
		for _, w := range r.words {
			if w.x0 < x {
				n++
			}
		}
		for i, k := range []int{n, len(r.words) - n} {
			words[i] += k
			if k > 0 {
				sides[i]++
			}
		}
	}
	return sides[0] >= 3 && sides[1] >= 3 && words[0] >= 3*sides[0] && words[1] >= 3*sides[1]
}

// common is the size most characters have.
func common(pages [][]line) float64 {
	count := map[float64]int{}
	best := 0.0
	for _, p := range pages {
		for _, l := range p {
			for _, w := range l.words {
				s := math.Round(w.size*2) / 2
				count[s] += len(w.text)
				if count[s] > count[best] {
					best = s
				}
			}
		}
	}
	return best
}

// unframe takes out running headers, footers and page numbers: what stands at
// the edge of most pages and differs at most in its numbers.
func unframe(pages [][]line) {
	if len(pages) < 2 {
		return
	}
	seen := map[string]int{}
	for _, p := range pages {
		mine := map[string]bool{}
		for _, l := range p {
			if k := edgeKey(l); k != "" && !mine[k] {
				mine[k] = true
				seen[k]++
			}
		}
	}
	for i, p := range pages {
		pages[i] = slices.DeleteFunc(p, func(l line) bool {
			k := edgeKey(l)
			return k != "" && seen[k] >= max(2, min(len(pages)/3, 20))
		})
	}
}

func edgeKey(l line) string {
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
	return where + strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, l.text())
}
