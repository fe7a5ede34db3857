package pdf

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/extract/doc"
)

// writer makes blocks of lines.
type writer struct {
	b     *doc.Builder
	size  float64 // of running text
	plain bool    // most text is not bold, so bold stands out

	now     doc.Block // the block that is being gathered
	last    line
	first   line
	on      int // page of the last line
	any     bool
	pitch   float64   // from line to line of this page's running text, in sizes
	indents []float64 // of the lists that are open
}

// leaf adds a page.
func (w *writer) leaf(p *leaf) {
	if p.seen != nil {
		w.flush()
		for _, b := range p.seen.paragraphs {
			w.b.Add(b)
		}
		return
	}
	w.page(p.number, p.lines)
	w.aside(p.number, p.turned)
}

func (w *writer) page(n int, lines []line) {
	w.pitch = pitch(lines)
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		if g := l.words[0].grid; g != nil {
			w.flush()
			for _, r := range g.rows {
				w.row(n, r)
			}
			continue
		}
		if k := table(lines, i); k > 0 {
			w.flush()
			w.table(n, lines[i:i+k])
			i += k - 1
			continue
		}
		w.line(n, l)
	}
}

// line adds a line of running text.
func (w *writer) line(n int, l line) {
	text := l.text()
	level := w.heading(l, text)
	item := level == 0 && w.item(n, l)
	if w.any && (item || !w.goesOn(n, l, level)) {
		w.flush()
	}
	words := l.words
	if !w.any {
		w.now = doc.Block{Kind: doc.Paragraph, Page: n}
		w.first = l
		switch {
		case level > 0:
			w.now.Kind, w.now.Level = doc.Heading, level
		case item:
			w.now.Kind, w.now.Level = doc.Item, w.depth(l)
			if isBullet(words[0].text) {
				words = words[1:]
				text = line{words: words}.text()
			}
		}
		if !item {
			w.indents = nil
		}
	}
	w.add(n, l, words, text)
}

// add joins a line to the block; a word divided at the line's end becomes whole.
func (w *writer) add(n int, l line, words []word, text string) {
	if w.any {
		if whole, hyphen, ok := undivided(w.now.Text, text); ok {
			w.now.Text = whole
			w.now.Boxes[len(w.now.Boxes)-1].To -= hyphen
		} else {
			w.now.Text += " "
		}
	}
	from := utf8.RuneCountInString(w.now.Text)
	w.now.Text += text
	box := place(words, from, utf8.RuneCountInString(w.now.Text))
	if n != w.now.Page {
		box.Page = n
	}
	w.now.Boxes = append(w.now.Boxes, box)
	w.any, w.last, w.on = true, l, n
}

// undivided is the text before without the hyphen by which a word was divided
// at the end of a line, and how many characters that took; ok also where the
// hyphen is the word's own and nothing may come between.
func undivided(before, next string) (text string, hyphen int, ok bool) {
	stem, found := strings.CutSuffix(before, "-")
	end, _ := utf8.DecodeLastRuneInString(stem)
	begin, _ := utf8.DecodeRuneInString(next)
	switch {
	case !found || !unicode.IsLetter(end) && !unicode.IsDigit(end):
		return before, 0, false
	case unicode.IsLower(begin) && unicode.IsLower(end):
		// "infusion- and drainage pump" keeps its hyphen and its space.
		first, _, _ := strings.Cut(next, " ")
		if slices.Contains([]string{"and", "or", "und", "oder", "bzw.", "to", "bis"}, first) {
			return before, 0, false
		}
		return stem, 1, true
	}
	return before, 0, true
}

func (w *writer) flush() {
	if w.any {
		w.b.Add(w.now)
	}
	w.any = false
}

// aside adds what runs another way than the page: labels of axes, notes at the
// margin.
func (w *writer) aside(n int, words []word) {
	var run []word
	end := func() {
		if len(run) > 0 {
			w.flush()
			w.now = doc.Block{Kind: doc.Paragraph, Page: n}
			text := line{words: run}.text()
			w.now.Text, w.now.Boxes = text, []doc.Box{place(run, 0, utf8.RuneCountInString(text))}
			w.b.Add(w.now)
		}
		run = nil
	}
	for _, x := range words {
		if len(run) > 0 {
			y := run[len(run)-1]
			if math.Abs(x.x0-y.x0) > 3*y.size && math.Abs(x.y0-y.y0) > 3*y.size || len(run) > 200 {
				end()
			}
		}
		run = append(run, x)
	}
	end()
}

// pitch is how far the lines of running text of a page are apart, in sizes.
func pitch(lines []line) float64 {
	wide := map[int]float64{}
	for _, l := range lines {
		wide[l.column] = max(wide[l.column], l.x1())
	}
	count := map[int]int{}
	best := 0
	for i := 1; i < len(lines); i++ {
		a, b := lines[i-1], lines[i]
		if a.column != b.column || a.x1() < wide[a.column]-4*a.size() || len(a.words) < 4 {
			continue // not a full line: the next one may begin a paragraph
		}
		step := (b.base() - a.base()) / max(a.size(), 1)
		if k := int(math.Round(step * 10)); k >= 8 && k <= 26 {
			count[k]++
			if count[k] > count[best] || count[k] == count[best] && k < best {
				best = k
			}
		}
	}
	if best == 0 || count[best] < 3 {
		return 1.3
	}
	return max(float64(best)/10, 1)
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
	size := max(l.size(), w.last.size())
	if step := l.base() - w.last.base(); step > size*(w.pitch+0.35) || step < -size {
		return false
	}
	if w.now.Kind == doc.Item {
		return l.x0() > w.first.x0()+size/3
	}
	if w.now.Kind == doc.Heading {
		return true
	}
	// An indent begins a paragraph, and so does another size.
	return l.x0() < w.last.x0()+size*0.8 && math.Abs(l.size()-w.last.size()) < 0.15*size
}

// heading is the level of a line that stands out, otherwise 0.
func (w *writer) heading(l line, text string) int {
	if utf8.RuneCountInString(text) > 150 || !strings.ContainsFunc(text, unicode.IsLetter) || isBullet(l.words[0].text) {
		return 0
	}
	bold := w.plain
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

// item reports whether a line begins with the mark of a list's item. A number or
// a dash may also stand there by chance, inside a sentence.
func (w *writer) item(n int, l line) bool {
	if len(l.words) < 2 {
		return false
	}
	switch mark := l.words[0].text; {
	case mark == "o" && l.words[1].x0-l.words[0].x1 < 0.6*l.size():
		return false // a word of some languages
	case isBullet(mark) && !strings.Contains("-–—*·o", mark):
		return true
	case !isMark(mark):
		return false
	}
	if !w.any || w.now.Kind == doc.Item || n != w.on || l.column != w.last.column || l.base()-w.last.base() > l.size()*(w.pitch+0.35) {
		return true
	}
	end := w.last.text()
	return strings.ContainsAny(end[len(end)-1:], ".:;!?")
}

// depth is how deep the list lies that an item belongs to.
func (w *writer) depth(l line) int {
	x := l.x0()
	for len(w.indents) > 0 && w.indents[len(w.indents)-1] > x+3 {
		w.indents = w.indents[:len(w.indents)-1]
	}
	if len(w.indents) == 0 || w.indents[len(w.indents)-1] < x-3 {
		w.indents = append(w.indents, x)
	}
	return min(len(w.indents), 6)
}

// place is the box around words of a line, on the page as it is shown.
func place(words []word, from, to int) doc.Box {
	all := words[0].at
	for _, x := range words[1:] {
		all = rect{min(all.x0, x.at.x0), min(all.y0, x.at.y0), max(all.x1, x.at.x1), max(all.y1, x.at.y1)}
	}
	return doc.Box{From: from, To: to, X: float32(all.x0), Y: float32(all.y0), W: float32(all.x1 - all.x0), H: float32(all.y1 - all.y0)}
}

// isBullet reports a mark that is no part of its item's text.
func isBullet(mark string) bool {
	switch mark {
	case "•", "‣", "▪", "▫", "●", "○", "◦", "■", "□", "◆", "–", "—", "-", "*", "·", "➢", "➤", "►", "✓", "✔", "❖", "☐", "☑", "☒", "⁃", "\uf0b7", "\uf0a7", "\uf076", "\uf0d8", "\uf0fc", "\uf02d", "\uf06f", "o":
		return true
	}
	return false
}

// isNumber reports the number of a list's item, which stays in its text.
func isNumber(mark string) bool {
	number := strings.TrimRight(strings.TrimLeft(mark, "("), ".)")
	if number == mark || len(mark)-len(number) > 2 || number == "" || len(number) > 3 {
		return false
	}
	if strings.Trim(number, "0123456789") == "" {
		return true
	}
	return len(number) == 1 && unicode.IsLetter(rune(number[0])) && strings.HasSuffix(mark, ")")
}

func isMark(text string) bool { return isBullet(text) || isNumber(text) }
