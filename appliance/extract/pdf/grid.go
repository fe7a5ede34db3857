package pdf

import (
	"slices"
	"sort"
	"unicode/utf8"
)

// grid is a table whose cells are divided by ruled lines.
type grid struct {
	area rect
	rows [][]cell
}

// cell is the words of one cell, in lines.
type cell []line

func (c cell) length() int {
	n := 0
	for _, l := range c {
		n += utf8.RuneCountInString(l.text()) + 1
	}
	return n
}

const (
	touch    = 4.0  // points by which lines may miss each other
	maxRules = 1500 // of one page; more are a drawing
	maxCell  = 1500 // characters; more are a page's frame
)

// grids takes the words inside ruled tables out and puts one in their place that
// stands for the table.
func grids(words []word, rules []rect) []word {
	if len(rules) < 4 || len(rules) > maxRules {
		return words
	}
	for _, g := range clusters(rules) {
		var in, out []word
		area := g.area()
		for _, w := range words {
			if x, y := (w.x0+w.x1)/2, (w.y0+w.y1)/2; w.grid == nil && x > area.x0 && x < area.x1 && y > area.y0 && y < area.y1 {
				in = append(in, w)
			} else {
				out = append(out, w)
			}
		}
		if t := g.table(area, in); t != nil {
			one := in[0]
			one.x0, one.y0, one.x1, one.y1 = area.x0, area.y0, area.x1, area.y1
			one.base, one.text, one.bold, one.grid = area.y0+one.size, "", false, t
			words = append(out, one)
		}
	}
	return words
}

// ruled is the lines of one table: those that touch each other.
type ruled struct{ across, down []rect }

func (g ruled) area() rect {
	a := rect{1e9, 1e9, -1e9, -1e9}
	for _, r := range append(slices.Clone(g.across), g.down...) {
		a = rect{min(a.x0, r.x0), min(a.y0, r.y0), max(a.x1, r.x1), max(a.y1, r.y1)}
	}
	return a
}

// clusters are the lines in groups that touch, each with lines both ways.
func clusters(rules []rect) []ruled {
	group := make([]int, len(rules))
	for i := range group {
		group[i] = i
	}
	var find func(i int) int
	find = func(i int) int {
		if group[i] != i {
			group[i] = find(group[i])
		}
		return group[i]
	}
	for i, a := range rules {
		for k, b := range rules[:i] {
			if a.x0-touch < b.x1 && b.x0-touch < a.x1 && a.y0-touch < b.y1 && b.y0-touch < a.y1 {
				group[find(i)] = find(k)
			}
		}
	}
	byGroup := map[int]*ruled{}
	var order []int
	for i, r := range rules {
		k := find(i)
		if byGroup[k] == nil {
			byGroup[k] = &ruled{}
			order = append(order, k)
		}
		if r.x1-r.x0 > r.y1-r.y0 {
			byGroup[k].across = append(byGroup[k].across, r)
		} else {
			byGroup[k].down = append(byGroup[k].down, r)
		}
	}
	var out []ruled
	for _, k := range order {
		if g := byGroup[k]; len(g.across) >= 2 && len(g.down) >= 1 {
			out = append(out, *g)
		}
	}
	return out
}

// steps are the places of lines, each once.
func steps(values []float64) []float64 {
	sort.Float64s(values)
	var out []float64
	for _, v := range values {
		if len(out) == 0 || v-out[len(out)-1] > touch {
			out = append(out, v)
		}
	}
	return out
}

// table is the words in rows and cells, or nil if the lines are none of a table.
func (g ruled) table(area rect, words []word) *grid {
	if len(words) < 2 {
		return nil
	}
	// A line between rows may be drawn cell by cell.
	var heights []float64
	for _, r := range g.across {
		heights = append(heights, (r.y0+r.y1)/2)
	}
	ys := []float64{area.y0}
	for _, y := range steps(heights) {
		long := 0.0
		for _, r := range g.across {
			if m := (r.y0 + r.y1) / 2; m > y-touch && m < y+2*touch {
				long += r.x1 - r.x0
			}
		}
		if long > (area.x1-area.x0)/2 && y-ys[len(ys)-1] > touch {
			ys = append(ys, y)
		}
	}
	if area.y1-ys[len(ys)-1] > touch {
		ys = append(ys, area.y1)
	}
	t := &grid{area: area}
	filled, wide := 0, 0
	for i := range len(ys) - 1 {
		middle := (ys[i] + ys[i+1]) / 2
		var at []float64
		for _, r := range g.down {
			if r.y0-touch < middle && r.y1+touch > middle {
				at = append(at, (r.x0+r.x1)/2)
			}
		}
		xs := steps(append(at, area.x0, area.x1))
		row := make([]cell, max(len(xs)-1, 1))
		inside := make([][]word, len(row))
		for _, w := range words {
			if y := (w.y0 + w.y1) / 2; y < ys[i] || y >= ys[i+1] {
				continue
			}
			k := 0
			for k < len(row)-1 && (w.x0+w.x1)/2 >= xs[k+1] {
				k++
			}
			inside[k] = append(inside[k], w)
		}
		any := false
		for k, in := range inside {
			if len(in) == 0 {
				continue
			}
			row[k] = rows(in)
			if row[k].length() > maxCell {
				return nil
			}
			any = true
			filled++
		}
		if any {
			t.rows = append(t.rows, row)
			if len(row) > 1 {
				wide++
			}
		}
	}
	if len(t.rows) < 2 || wide < 1 || filled < 3 {
		return nil
	}
	return t
}
