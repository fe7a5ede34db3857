package pdf

import (
	"math"
	"unicode/utf8"

	"chatets/appliance/extract/doc"
)

// gaps are the white spaces between cells.
func gaps(cells [][]word) [][2]float64 {
	var out [][2]float64
	for i := 1; i < len(cells); i++ {
		before := cells[i-1]
		out = append(out, [2]float64{before[len(before)-1].x1, cells[i][0].x0})
	}
	return out
}

// alike reports whether two lines are rows of one table: the white spaces of
// the one with fewer of them lie below or above those of the other.
func alike(a, b line) bool {
	ga, gb := gaps(a.cells()), gaps(b.cells())
	if len(ga) == 0 || len(gb) == 0 || math.Abs(a.base()-b.base()) > 5*max(a.size(), b.size()) {
		return false
	}
	// The words of a justified line stand apart evenly; in a table all of them
	// would have to stand below each other.
	if (even(a) || even(b)) && len(ga) != len(gb) {
		return false
	}
	shared := 0
	for _, x := range ga {
		for _, y := range gb {
			if min(x[1], y[1])-max(x[0], y[0]) > 0.7*min(a.size(), b.size()) {
				shared++
				break
			}
		}
	}
	return shared >= min(len(ga), len(gb))
}

// even reports a line whose words all stand apart by the same wide space.
func even(l line) bool {
	least, most := math.Inf(1), 0.0
	for i, w := range l.words[1:] {
		gap := w.x0 - l.words[i].x1
		least, most = min(least, gap), max(most, gap)
	}
	return len(l.words) >= 2 && most < 4*l.size() && most-least < max(0.25*most, 1)
}

// table is how many lines from i on are rows of a table; 0 = none.
func table(lines []line, i int) int {
	n := 1
	for i+n < len(lines) && lines[i+n].column == lines[i].column && lines[i].words[0].grid == nil && lines[i+n].words[0].grid == nil {
		if alike(lines[i+n-1], lines[i+n]) || n >= 2 && under(lines[i:i+n], lines[i+n]) ||
			n >= 2 && len(lines[i+n-1].cells()) == 1 && alike(lines[i+n-2], lines[i+n]) {
			n++
			continue
		}
		break
	}
	if n < 2 {
		return 0
	}
	if n == 2 && even(lines[i]) && even(lines[i+1]) && inText(lines, i) {
		return 0
	}
	return n
}

// inText reports whether two lines with wide spaces stand between lines of a
// justified paragraph: these reach as far to both sides.
func inText(lines []line, i int) bool {
	for _, k := range []int{i - 1, i + 2} {
		if k < 0 || k >= len(lines) || lines[k].column != lines[i].column || len(lines[k].cells()) != 1 || len(lines[k].words) < 3 {
			continue
		}
		size := lines[i].size()
		if math.Abs(lines[k].x0()-lines[i].x0()) < size && math.Abs(lines[k].base()-lines[i].base()) < 3.2*size {
			return true
		}
	}
	return false
}

// under reports whether a line is the rest of cells of the row before: it is
// close to it and leaves the first column free.
func under(rows []line, l line) bool {
	last := rows[len(rows)-1]
	first := rows[0].cells()[0]
	return l.base()-last.base() < 1.35*last.size() && l.x0() > first[len(first)-1].x1+last.size() && len(last.cells()) > 1
}

// columns are the sides of the columns of a table's rows, or nil if its cells
// overlap too much to tell.
func columns(rows []line) [][2]float64 {
	var out [][2]float64
	most := 0
	for _, l := range rows {
		cells := l.cells()
		most = max(most, len(cells))
		for _, c := range cells {
			side := [2]float64{c[0].x0, c[len(c)-1].x1}
			for k := 0; k < len(out); {
				if side[0] < out[k][1] && out[k][0] < side[1] {
					side = [2]float64{min(side[0], out[k][0]), max(side[1], out[k][1])}
					out = append(out[:k], out[k+1:]...)
					continue
				}
				k++
			}
			k := 0
			for k < len(out) && out[k][0] < side[0] {
				k++
			}
			out = append(out[:k], append([][2]float64{side}, out[k:]...)...)
		}
		if len(out) > 60 {
			return nil
		}
	}
	if len(out) < most {
		return nil
	}
	return out
}

// table adds lines as the rows of a table without ruled lines.
func (w *writer) table(n int, lines []line) {
	sides := columns(lines)
	var row []cell
	var last line
	for _, l := range lines {
		cells := l.cells()
		here := make([]cell, max(len(sides), len(cells)))
		if sides == nil {
			here = here[:0]
			for _, c := range cells {
				here = append(here, cell{{words: c}})
			}
		}
		k := 0
		for _, c := range cells {
			for k < len(sides) && c[0].x0 >= sides[k][1] {
				k++
			}
			if k < len(sides) {
				here[k] = append(here[k], line{words: c})
			}
		}
		if sides != nil && row != nil && len(here[0]) == 0 && l.base()-last.base() < 1.35*l.size() && len(cells) < len(last.cells()) {
			for i := range here {
				row[i] = append(row[i], here[i]...)
			}
			last = line{words: l.words}
			continue
		}
		w.row(n, row)
		row, last = here, l
	}
	w.row(n, row)
}

// row adds a row of a table; the lines of a cell are joined.
func (w *writer) row(n int, cells []cell) {
	block := doc.Block{Kind: doc.Row, Page: n}
	for i, c := range cells {
		if i > 0 {
			block.Text += " | "
		}
		for k, l := range c {
			text := l.text()
			if k > 0 {
				if whole, hyphen, ok := undivided(block.Text, text); ok {
					block.Text = whole
					block.Boxes[len(block.Boxes)-1].To -= hyphen
				} else {
					block.Text += " "
				}
			}
			from := utf8.RuneCountInString(block.Text)
			block.Text += text
			block.Boxes = append(block.Boxes, place(l.words, from, utf8.RuneCountInString(block.Text)))
		}
	}
	if len(block.Boxes) > 0 {
		w.b.Add(block)
	}
}
