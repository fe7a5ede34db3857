package pdf

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/extract/doc"
)

// writer makes blocks of lines.
type writer struct {
	b    *doc.Builder
	size float64 // of running text

	now   doc.Block // the block that is being gathered
	last  line
	first line
	on    int // page of the last line
	any   bool
}

func (w *writer) page(n int, lines []line) {
	for i, l := range lines {
		if w.tabular(lines, i) {
			w.flush()
			w.row(n, l)
			continue
		}
		text := l.text()
		level := w.heading(l, text)
		_, item := bullet(text)
		if w.any && (item || !w.goesOn(n, l, level)) {
			w.flush()
		}
		if !w.any {
			w.now = doc.Block{Kind: doc.Paragraph, Page: n}
			w.first = l
			switch {
			case level > 0:
				w.now.Kind, w.now.Level = doc.Heading, level
			case item:
				w.now.Kind, w.now.Level = doc.Item, 1
				text, _ = bullet(text)
			}
		}
		w.add(n, l, text)
	}
}

// add joins a line to the block; a word divided at the line's end becomes whole.
func (w *writer) add(n int, l line, text string) {
	if w.any {
		before, _ := utf8.DecodeRuneInString(text)
		stem := strings.TrimSuffix(w.now.Text, "-")
		end, _ := utf8.DecodeLastRuneInString(stem)
		if stem != w.now.Text && unicode.IsLower(before) && unicode.IsLower(end) {
			w.now.Text = stem
			if k := len(w.now.Boxes) - 1; k >= 0 {
				w.now.Boxes[k].To--
			}
		} else if stem == w.now.Text {
			w.now.Text += " "
		}
	}
	from := utf8.RuneCountInString(w.now.Text)
	w.now.Text += text
	box := place(l.words, from, utf8.RuneCountInString(w.now.Text))
	if n != w.now.Page {
		box.Page = n
	}
	w.now.Boxes = append(w.now.Boxes, box)
	w.any, w.last, w.on = true, l, n
}

func (w *writer) flush() {
	if w.any {
		w.b.Add(w.now)
	}
	w.any = false
}

// goesOn reports whether a line belongs to the block of the one before.
func (w *writer) goesOn(n int, l line, level int) bool {
	if level != w.now.Level && (level > 0 || w.now.Kind == doc.Heading) {
		return false
	}
	if n != w.on || l.column != w.last.column {
		// Over a page or column a sentence that is not at its end goes on.
		r, _ := utf8.DecodeRuneInString(l.text())
		end := w.last.text()
		return level == 0 && !strings.ContainsAny(end[len(end)-1:], ".!?:;") && (unicode.IsLower(r) || strings.HasSuffix(end, "-"))
	}
	top, bottom := l.edge()
	lastTop, lastBottom := w.last.edge()
	size := max(l.size(), w.last.size())
	if (top+bottom)/2-(lastTop+lastBottom)/2 > size*1.75 {
		return false
	}
	if w.now.Kind == doc.Item {
		return l.x0() > w.first.x0()+size/3
	}
	// An indent begins a paragraph.
	return w.now.Kind == doc.Heading || l.x0() < w.last.x0()+size*0.8
}

// heading is the level of a line that stands out, otherwise 0.
func (w *writer) heading(l line, text string) int {
	if utf8.RuneCountInString(text) > 150 || !strings.ContainsFunc(text, unicode.IsLetter) {
		return 0
	}
	bold := true
	for _, x := range l.words {
		bold = bold && x.bold
	}
	switch s := l.size() / max(w.size, 1); {
	case s >= 1.7:
		return 1
	case s >= 1.35:
		return 2
	case s >= 1.14:
		return 3
	case bold && s > 0.95 && len(text) < 100 && !strings.ContainsAny(text[len(text)-1:], ".,;:"):
		return 4
	}
	return 0
}

// tabular reports whether a line and a neighbour have cells below each other.
func (w *writer) tabular(lines []line, i int) bool {
	mine := lines[i].cells()
	if len(mine) < 2 {
		return false
	}
	for _, k := range []int{i - 1, i + 1} {
		if k < 0 || k >= len(lines) || lines[k].column != lines[i].column {
			continue
		}
		other, same := lines[k].cells(), 0
		for _, a := range mine {
			for _, b := range other {
				if aligned(a, b) {
					same++
					break
				}
			}
		}
		if same >= 2 {
			return true
		}
	}
	return false
}

func aligned(a, b []word) bool {
	near := func(x, y float64) bool { return x-y < 3 && y-x < 3 }
	ax, bx := a[len(a)-1].x1, b[len(b)-1].x1
	return near(a[0].x0, b[0].x0) || near(ax, bx) || near(a[0].x0+ax, b[0].x0+bx)
}

func (w *writer) row(n int, l line) {
	block := doc.Block{Kind: doc.Row, Page: n}
	for i, c := range l.cells() {
		if i > 0 {
			block.Text += " | "
		}
		from := utf8.RuneCountInString(block.Text)
		block.Text += line{words: c}.text()
		block.Boxes = append(block.Boxes, place(c, from, utf8.RuneCountInString(block.Text)))
	}
	w.b.Add(block)
}

func place(words []word, from, to int) doc.Box {
	l := line{words: words}
	top, bottom := l.edge()
	width, height := max(words[0].w, 1), max(words[0].h, 1)
	return doc.Box{From: from, To: to, X: float32(l.x0() / width), Y: float32(top / height), W: float32((l.x1() - l.x0()) / width), H: float32((bottom - top) / height)}
}

// bullet takes the mark of a list's item off a line.
func bullet(text string) (string, bool) {
	mark, rest, found := strings.Cut(text, " ")
	if !found {
		return text, false
	}
	if strings.Contains("•‣▪●○◦–-*·", mark) {
		return rest, true
	}
	number := strings.TrimRight(mark, ".)")
	if number == mark || len(number) == 0 || len(number) > 3 || strings.Trim(number, "0123456789") != "" {
		return text, false
	}
	return text, true
}
