package doc

import (
	"strings"
	"unicode/utf8"
)

// longestGap is how many empty cells beside each other a row keeps.
const longestGap = 30

// RowOf is the block of a row whose first cell stands in the column first. Its
// text is the cells with " | " between; empty cells before others keep their
// place, so that rows line up, but for a run of them as long as no table has it.
func RowOf(cells []string, first int) Block {
	w := rowWriter{Block: Block{Kind: Row}}
	gap := 0
	for i, cell := range cells {
		cell = OneLine(Clean(cell))
		if cell == "" {
			gap++
			continue
		}
		between := strings.Repeat(" | ", min(gap, longestGap))
		if len(w.Grid) > 0 {
			between += " | "
		} else {
			between = strings.TrimLeft(between, " ") // no block begins with white space
		}
		gap = 0
		w.write(between)
		w.cell(first+i, cell)
	}
	return w.block()
}

// NamedRow is the block of a row that says before each value the name of its
// column; empty cells are left out. Names are those of the columns from 1 on.
func NamedRow(names, cells []string) Block {
	w := rowWriter{Block: Block{Kind: Row}}
	for i, cell := range cells {
		if cell = OneLine(Clean(cell)); cell == "" {
			continue
		}
		if len(w.Grid) > 0 {
			w.write(" | ")
		}
		if i < len(names) {
			if name := strings.TrimSuffix(OneLine(Clean(names[i])), ":"); name != "" {
				w.write(name + ": ")
			}
		}
		w.cell(1+i, cell)
	}
	return w.block()
}

// Inner is cells without empty ones before the first, which is in column first.
func Inner(cells []string) (inner []string, first int) {
	for first < len(cells) && OneLine(cells[first]) == "" {
		first++
	}
	return cells[first:], first + 1
}

// rowWriter writes a row and counts its characters.
type rowWriter struct {
	Block
	text strings.Builder
	at   int
}

func (w *rowWriter) write(text string) {
	w.text.WriteString(text)
	w.at += utf8.RuneCountInString(text)
}

func (w *rowWriter) cell(column int, text string) {
	from := w.at
	w.write(text)
	w.Grid = append(w.Grid, Cell{Column: column, From: from, To: w.at})
}

func (w *rowWriter) block() Block {
	w.Text = w.text.String()
	return w.Block
}

// cellsBetween are the cells of the characters from..to, counted from from.
func cellsBetween(cells []Cell, from, to int) []Cell {
	var out []Cell
	for _, c := range cells {
		if c.To <= from || c.From >= to {
			continue
		}
		out = append(out, Cell{Column: c.Column, From: max(c.From-from, 0), To: min(c.To, to) - from})
	}
	return out
}
