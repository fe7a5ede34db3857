package pdf

import (
	"math"
	"strings"
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

// table is how many lines from i on are rows of a table, with the lines that go
// on inside a cell; 0 = none.
func table(lines []line, i int) int {
	n, full, rows, most := 1, i, 1, 0.0
	if len(lines[i].cells()) < 2 {
		return 0
	}
	for k := i + 1; k < len(lines) && lines[k].column == lines[i].column && lines[k].words[0].grid == nil; k++ {
		step := lines[k].base() - lines[k-1].base()
		if wraps(lines, full, k, most) {
			most = max(most, step)
			continue // counts if a row follows, or at the table's end
		}
		if !alike(lines[full], lines[k]) {
			break
		}
		most = max(most, step)
		full = k
		rows++
		n = k - i + 1
	}
	if rows < 2 || rows == 2 && even(lines[i]) && even(lines[full]) && inText(lines, i, full) {
		return 0
	}
	for i+n < len(lines) && lines[i+n].column == lines[i].column && lines[i+n].words[0].grid == nil && wraps(lines, full, i+n, most) {
		n++
	}
	return n
}

// wraps reports whether line k is the rest of cells of the row that begins with
// the line full: it is closer than rows are, and each of its cells stands below
// one of the row.
func wraps(lines []line, full, k int, most float64) bool {
	l := lines[k]
	step := l.base() - lines[k-1].base()
	if k+1 < len(lines) && lines[k+1].column == l.column {
		most = max(most, lines[k+1].base()-l.base())
	}
	if step > 1.35*l.size() || step > 0.87*most {
		return false
	}
	row := lines[full].cells()
	cells := l.cells()
	if len(cells) > len(row) {
		return false
	}
	for _, c := range cells {
		below := false
		for i, r := range row {
			below = below || math.Abs(c[0].x0-r[0].x0) < 2.5 && (i+1 == len(row) || c[len(c)-1].x1 < row[i+1][0].x0)
		}
		if !below {
			return false
		}
	}
	return true
}

// inText reports whether two lines with wide spaces stand between lines of a
// justified paragraph: these reach as far to both sides.
func inText(lines []line, i, end int) bool {
	for _, k := range []int{i - 1, end + 1} {
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
	full, most := 0, 0.0
	for i, l := range lines {
		cells := l.cells()
		here := make([]cell, len(sides))
		k := 0
		for _, c := range cells {
			if sides == nil {
				here = append(here, cell{{words: c}})
				continue
			}
			for k < len(sides)-1 && c[0].x0 >= sides[k][1] {
				k++
			}
			here[k] = append(here[k], line{words: c})
		}
		if i > 0 && sides != nil && wraps(lines, full, i, most) {
			for k := range here {
				row[k] = append(row[k], here[k]...)
			}
		} else {
			w.row(n, row)
			row, full = here, i
		}
		if i > 0 {
			most = max(most, l.base()-lines[i-1].base())
		}
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
	if len(block.Boxes) == 0 {
		return
	}
	// An empty first or last cell leaves white space, which no block keeps.
	text := strings.TrimLeft(block.Text, " ")
	for i := range block.Boxes {
		block.Boxes[i].From -= len(block.Text) - len(text)
		block.Boxes[i].To -= len(block.Text) - len(text)
	}
	block.Text = strings.TrimRight(text, " ")
	w.b.Add(block)
}
