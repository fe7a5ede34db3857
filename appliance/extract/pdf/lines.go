package pdf

import (
	"math"
	"slices"
	"sort"
	"strings"
)

// word is a word with its place in points from the upper left corner of the page
// when it is held so that most text is upright.
type word struct {
	text           string
	x0, y0, x1, y1 float64
	base           float64 // the line it stands on
	size           float64
	bold           bool
	turned         bool    // runs another way than most of the page
	w, h           float64 // of its page
	at             rect    // in fractions of the page as it is shown
	grid           *grid   // of a table that this stands for
}

// line is the words of one column that stand beside each other.
type line struct {
	words  []word
	column int // counts up where another column or part of the page begins
}

func (l line) x0() float64 { return l.words[0].x0 }
func (l line) x1() float64 { return l.words[len(l.words)-1].x1 }

// size is the one most of its characters have: a raised number is small.
func (l line) size() float64 {
	best, most := 0.0, 0
	for _, w := range l.words {
		if n := len(w.text); n > most {
			best, most = w.size, n
		}
	}
	return best
}

func (l line) base() float64 {
	best, most := 0.0, 0
	for _, w := range l.words {
		if n := len(w.text); n > most {
			best, most = w.base, n
		}
	}
	return best
}

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

// cells are the words in groups that stand well apart. The mark of a list's item
// is no cell.
func (l line) cells() [][]word {
	cells := [][]word{{l.words[0]}}
	for i, w := range l.words[1:] {
		if w.x0-l.words[i].x1 > max(w.size, 6)*1.1 && (i > 0 || !isMark(l.words[0].text)) {
			cells = append(cells, nil)
		}
		cells[len(cells)-1] = append(cells[len(cells)-1], w)
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

// rows are all words on one line of the page, from left to right.
func rows(words []word) []line {
	words = slices.Clone(words)
	sort.SliceStable(words, func(i, j int) bool { return words[i].base < words[j].base })
	var out []line
	base, size := 0.0, 0.0
	for _, w := range words {
		// A raised number comes before its line, so the larger size counts.
		if len(out) == 0 || w.base-base > max(w.size, size, 4)*0.45 || w.grid != nil || out[len(out)-1].words[0].grid != nil {
			out = append(out, line{})
			base, size = w.base, w.size
		}
		size = max(size, w.size)
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

// tail ends the columns where another part of the page begins right below both:
// with a heading, or after a wide gap. If one column goes on alone for some
// lines, it goes on to the end.
func tail(rows []line, from, to int, x float64) int {
	last := from
	for i := from; i < to; i++ {
		n := left(rows[i], x)
		if n >= 2 && len(rows[i].words)-n >= 2 {
			last = i
		}
	}
	for i := last + 1; i < min(last+3, to); i++ {
		size := rows[last].size()
		if rows[i].size() > 1.14*size || rows[i].base()-rows[i-1].base() > 2.2*size && left(rows[i], x) > 0 {
			return i
		}
	}
	return to
}

// left is how many words of a line lie left of x.
func left(l line, x float64) int {
	n := 0
	for _, w := range l.words {
		if w.x0 < x {
			n++
		}
	}
	return n
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
		n := left(r, x)
		for i, k := range []int{n, len(r.words) - n} {
			words[i] += k
			if k > 0 {
				sides[i]++
			}
		}
	}
	return sides[0] >= 3 && sides[1] >= 3 && words[0] >= 3*sides[0] && words[1] >= 3*sides[1]
}
