package pdf

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"chatets/appliance/extract/doc"
)

// picture is the paragraphs that were read from the picture of a page.
type picture struct{ paragraphs []doc.Block }

func (p *picture) words() int {
	n := 0
	if p != nil {
		for _, b := range p.paragraphs {
			n += len(strings.Fields(b.Text))
		}
	}
	return n
}

// fromTSV reads tesseract's table: a row of level 1 for the page, of level 5 for
// a word, with its place in dots.
func fromTSV(table string, page int) *picture {
	out := &picture{}
	var width, height float32
	var paragraph, row string
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(f) < 12 {
			continue
		}
		var at [4]float32
		for i := range at {
			v, err := strconv.ParseFloat(f[6+i], 32)
			if err != nil {
				v = 0
			}
			at[i] = max(float32(v), 0)
		}
		if f[0] == "1" {
			width, height = at[2], at[3]
		}
		text := doc.OneLine(doc.Clean(f[11]))
		if f[0] != "5" || text == "" {
			continue
		}
		box := doc.Box{}
		if width > 0 && height > 0 {
			box = doc.Box{X: min(at[0]/width, 1), Y: min(at[1]/height, 1)}
			box.W, box.H = min(at[2]/width, 1-box.X), min(at[3]/height, 1-box.Y)
		}
		p := strings.Join(f[1:4], ".")
		l := p + "." + f[4]
		if p != paragraph || len(out.paragraphs) == 0 {
			out.paragraphs = append(out.paragraphs, doc.Block{Kind: doc.Paragraph, Page: page})
		}
		b := &out.paragraphs[len(out.paragraphs)-1]
		sameLine := p == paragraph && l == row
		paragraph, row = p, l
		if b.Text != "" {
			if whole, hyphen, ok := undivided(b.Text, text); ok && !sameLine {
				b.Text = whole
				b.Boxes[len(b.Boxes)-1].To -= hyphen
			} else {
				b.Text += " "
			}
		}
		box.From = utf8.RuneCountInString(b.Text)
		b.Text += text
		box.To = utf8.RuneCountInString(b.Text)
		if k := len(b.Boxes) - 1; sameLine && k >= 0 {
			b.Boxes[k] = joined(b.Boxes[k], box)
		} else {
			b.Boxes = append(b.Boxes, box)
		}
	}
	return out
}

// joined is one box around two of a line.
func joined(a, b doc.Box) doc.Box {
	x, y := min(a.X, b.X), min(a.Y, b.Y)
	return doc.Box{From: a.From, To: b.To, X: x, Y: y, W: max(a.X+a.W, b.X+b.W) - x, H: max(a.Y+a.H, b.Y+b.H) - y}
}
