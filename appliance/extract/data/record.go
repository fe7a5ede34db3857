package data

import (
	"bytes"
	"strings"

	"chatets/appliance/extract/doc"
)

const (
	maxNested = 100
	maxRow    = 1500 // bytes of a row of pairs; a longer one becomes several
	maxInline = 64 << 10
)

// tree turns nested data, as it is met, into rows of "name: value" under
// headings that say the path. An element without others inside becomes a pair
// of the row of the one around it.
type tree struct {
	b       *doc.Builder
	frames  []frame
	heading string
}

type frame struct {
	name  string
	group bool // others lie inside
	text  bytes.Buffer
	words bool // text holds more than white space
	pairs []string
	size  int
	last  string // name of the last pair, whose values are listed
}

func (t *tree) open(name string) {
	if n := len(t.frames); n > 0 && !t.frames[n-1].group {
		t.frames[n-1].group = true
		// What stood before it belongs before it.
		for i := range t.frames[:n-1] {
			t.row(i)
		}
	}
	t.frames = append(t.frames, frame{name: doc.First(doc.OneLine(name), 100)})
}

func (t *tree) write(text string) {
	if n := len(t.frames); n > 0 {
		f := &t.frames[n-1]
		if f.text.Len() > maxInline {
			t.paragraph(n - 1)
		}
		f.text.WriteString(text)
		f.words = f.words || strings.TrimSpace(text) != ""
	}
}

// pair adds a value to the innermost element.
func (t *tree) pair(name, value string) {
	value = strings.TrimSpace(value)
	if n := len(t.frames); n > 0 && value != "" {
		t.add(n-1, name, value)
	}
}

func (t *tree) add(i int, name, value string) {
	f := &t.frames[i]
	if f.size > maxRow {
		t.row(i)
	}
	f.size += len(name) + len(value) + 5
	switch n := len(f.pairs); {
	case n > 0 && f.last == name && name != "":
		f.pairs[n-1] += ", " + value
	case name == "":
		f.pairs = append(f.pairs, value)
	default:
		f.pairs = append(f.pairs, name+": "+value)
	}
	f.last = name
}

func (t *tree) close() {
	n := len(t.frames)
	if n == 0 {
		return
	}
	f := &t.frames[n-1]
	text := doc.OneLine(f.text.String())
	if n > 1 && !f.group {
		parent := &t.frames[n-2]
		switch {
		case parent.words && len(f.pairs) == 0:
			if parent.text.WriteString(text); parent.text.Len() > maxInline {
				t.paragraph(n - 2)
			}
		case text != "" || len(f.pairs) > 0:
			t.add(n-2, f.name, strings.Join(append(nonempty(text), f.pairs...), ", "))
		}
		t.frames = t.frames[:n-1]
		return
	}
	t.row(n - 1)
	t.paragraph(n - 1)
	t.frames = t.frames[:n-1]
}

func nonempty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func (t *tree) row(i int) {
	f := &t.frames[i]
	if len(f.pairs) == 0 {
		return
	}
	t.under(i)
	t.b.Add(doc.Block{Kind: doc.Row, Text: joined(f.pairs)})
	f.pairs, f.size, f.last = f.pairs[:0], 0, ""
}

func (t *tree) paragraph(i int) {
	f := &t.frames[i]
	text := doc.OneLine(f.text.String())
	f.text.Reset()
	f.words = false
	if text == "" {
		return
	}
	t.under(i)
	t.b.Add(doc.Block{Kind: doc.Paragraph, Text: text})
}

// under writes the path as a heading where it is another than before.
func (t *tree) under(i int) {
	var path []string
	for _, f := range t.frames[:i+1] {
		if f.name != "" {
			path = append(path, f.name)
		}
	}
	heading := strings.Join(path[max(len(path)-6, 0):], " › ")
	if heading == t.heading || heading == "" {
		return
	}
	t.heading = heading
	t.b.Add(doc.Block{Kind: doc.Heading, Level: len(path), Text: heading})
}
