package pdf

import (
	"math"
	"strings"

	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// sheet is one page: how its points lie when it is shown, and how they lie when
// it is held so that most of its text is upright.
type sheet struct {
	document references.FPDF_DOCUMENT
	index    int
	width    float64 // as shown
	height   float64
	show     [6]float64 // x = show[0] + x*show[1] + y*show[2], y likewise
	turn     int        // where its text runs: 0 to the right, 1 up, 2 down
}

func (r *Reader) sheet(document references.FPDF_DOCUMENT, index int) (*sheet, error) {
	page := at(document, index)
	r.fill(document, index)
	size, err := r.instance.GetPageSize(&requests.GetPageSize{Page: page})
	if err != nil {
		return nil, err
	}
	if size.Width < 1 || size.Height < 1 {
		return nil, fault.New(fault.Invalid, "A page has no size.").Code("file-damaged")
	}
	s := &sheet{document: document, index: index, width: size.Width, height: size.Height}
	const fine = 100_000
	var p [3][2]float64
	for i, at := range [][2]float64{{0, 0}, {1000, 0}, {0, 1000}} {
		d, err := r.instance.FPDF_PageToDevice(&requests.FPDF_PageToDevice{Page: page, SizeX: fine, SizeY: fine, PageX: at[0], PageY: at[1]})
		if err != nil {
			return nil, err
		}
		p[i] = [2]float64{float64(d.DeviceX) / fine * size.Width, float64(d.DeviceY) / fine * size.Height}
	}
	s.show = [6]float64{p[0][0], (p[1][0] - p[0][0]) / 1000, (p[2][0] - p[0][0]) / 1000, p[0][1], (p[1][1] - p[0][1]) / 1000, (p[2][1] - p[0][1]) / 1000}
	return s, nil
}

// fill makes what was written into forms, and notes on the page, part of it.
func (r *Reader) fill(document references.FPDF_DOCUMENT, index int) {
	// Where that fails, the printed page is read as it is.
	_, _ = r.instance.FPDFPage_Flatten(&requests.FPDFPage_Flatten{Page: at(document, index), Usage: requests.FPDFPage_FlattenUsageNormalDisplay})
}

// rect is a rectangle from its upper left to its lower right corner.
type rect struct{ x0, y0, x1, y1 float64 }

func (s *sheet) shown(x, y float64) (float64, float64) {
	return s.show[0] + x*s.show[1] + y*s.show[2], s.show[3] + x*s.show[4] + y*s.show[5]
}

func (s *sheet) rect(left, bottom, right, top float64) rect {
	x0, y0 := s.shown(left, bottom)
	x1, y1 := s.shown(right, top)
	return rect{min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)}
}

// upright turns a rectangle as shown to where it lies when the text is upright.
func (s *sheet) upright(r rect) rect {
	switch s.turn {
	case 1:
		return rect{s.height - r.y1, r.x0, s.height - r.y0, r.x1}
	case 2:
		return rect{r.y0, s.width - r.x1, r.y1, s.width - r.x0}
	}
	return r
}

// size is the width and height of the page whose text is upright.
func (s *sheet) size() (float64, float64) {
	if s.turn != 0 {
		return s.height, s.width
	}
	return s.width, s.height
}

// fractions are the sides of a rectangle as shown, cut to the page.
func (s *sheet) fractions(r rect) rect {
	in := func(v float64) float64 { return min(max(v, 0), 1) }
	return rect{in(r.x0 / s.width), in(r.y0 / s.height), in(r.x1 / s.width), in(r.y1 / s.height)}
}

// heading tells where a character runs on the page as shown.
func (s *sheet) heading(angle float64) int {
	// The parser counts angles with the clock, the page against it.
	x, y := math.Cos(angle), -math.Sin(angle)
	dx, dy := x*s.show[1]+y*s.show[2], x*s.show[4]+y*s.show[5]
	switch {
	case math.Abs(dy) < 0.36*math.Abs(dx):
		return 0
	case math.Abs(dx) < 0.36*math.Abs(dy) && dy < 0:
		return 1
	case math.Abs(dx) < 0.36*math.Abs(dy):
		return 2
	}
	return 3 // across
}

// words are the words of a page, those that run another way than most last.
func (r *Reader) words(s *sheet) ([]word, error) {
	page := at(s.document, s.index)
	text, err := r.instance.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: page})
	if err != nil {
		return nil, err
	}
	defer func() {
		_, _ = r.instance.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.TextPage}) // the document's end frees it too
	}()
	count, err := r.instance.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text.TextPage})
	if err != nil {
		return nil, err
	}
	if count.Count > maxChars {
		return nil, fault.New(fault.TooLarge, "A page holds more than %d characters.", maxChars).Code("file-bomb")
	}
	if count.Count <= 0 {
		return nil, nil
	}
	chars, err := r.instance.GetPageTextStructured(&requests.GetPageTextStructured{Page: page, Mode: requests.GetPageTextStructuredModeChars})
	if err != nil {
		return nil, err
	}
	var ways [4]int
	for _, c := range chars.Chars {
		if strings.TrimSpace(c.Text) != "" {
			ways[s.heading(c.Angle)]++
		}
	}
	for way := 1; way <= 2; way++ {
		if ways[way] > ways[0]+ways[3-way]+ways[3] {
			s.turn = way
		}
	}
	t := &spelling{reader: r, sheet: s, text: text.TextPage}
	for i, c := range chars.Chars {
		t.add(i, c)
	}
	t.end()
	return append(t.words, t.turned...), nil
}

// spelling puts the characters of a page together to words.
type spelling struct {
	reader *Reader
	sheet  *sheet
	text   references.FPDF_TEXTPAGE
	words  []word
	turned []word
	now    word
	place  rect // of now, as shown
	way    int
}

func (t *spelling) end() {
	// Made plain here, where it still has its box: a ligature becomes two letters.
	if t.now.text = doc.OneLine(doc.Clean(t.now.text)); t.now.text != "" {
		t.now.at = t.sheet.fractions(t.place)
		if t.now.turned {
			t.turned = append(t.turned, t.now)
		} else {
			t.words = append(t.words, t.now)
		}
	}
	t.now = word{}
}

func (t *spelling) add(i int, c *responses.GetPageTextStructuredChar) {
	if strings.TrimSpace(c.Text) == "" || c.Text == "\x00" {
		t.end()
		return
	}
	s := t.sheet
	place := s.rect(c.PointPosition.Left, c.PointPosition.Bottom, c.PointPosition.Right, c.PointPosition.Top)
	if place.x1 < 0 || place.y1 < 0 || place.x0 > s.width || place.y0 > s.height {
		return // outside the page: nobody sees it
	}
	text := c.Text
	if text == "\u0002" || text == "\u00ad" || text == "\ufffe" {
		text = "-" // how the parser marks a hyphen at a line's end
	}
	way := s.heading(c.Angle)
	r := s.upright(place)
	if now := &t.now; now.text != "" {
		// The parser tells where spaces are; wider gaps are found here.
		gap, middle := 0.4*now.size, (r.y0+r.y1)/2
		if way != t.way || way == s.turn && (r.x0-now.x1 > gap || r.x0 < now.x1-now.size || middle < now.y0-gap/4 || middle > now.y1+gap/4) {
			t.end()
		}
	}
	if t.now.text == "" {
		t.begin(i, r, way)
		t.place = place
		if !t.now.turned {
			// Boxes of one line are equally high, whatever letters are in it.
			r.y0, r.y1 = t.now.y0, t.now.y1
		}
	}
	now := &t.now
	if small, raised := raise(text, r, *now); raised {
		now.text += small
		now.x1 = max(now.x1, r.x1)
		t.place = s.back(rect{now.x0, now.y0, now.x1, now.y1})
		return
	}
	now.text += text
	now.x0, now.x1, now.y0, now.y1 = min(now.x0, r.x0), max(now.x1, r.x1), min(now.y0, r.y0), max(now.y1, r.y1)
	if now.turned {
		t.place = rect{min(t.place.x0, place.x0), min(t.place.y0, place.y0), max(t.place.x1, place.x1), max(t.place.y1, place.y1)}
		return
	}
	t.place = s.back(rect{now.x0, now.y0, now.x1, now.y1})
}

// back turns an upright rectangle to where it is shown.
func (s *sheet) back(r rect) rect {
	switch s.turn {
	case 1:
		return rect{r.y0, s.height - r.x1, r.y1, s.height - r.x0}
	case 2:
		return rect{s.width - r.y1, r.x0, s.width - r.y0, r.x1}
	}
	return r
}

// begin starts a word at a character and asks for its font; asking for each
// character would take four times as long.
func (t *spelling) begin(i int, r rect, way int) {
	w, h := t.sheet.size()
	now := word{x0: r.x0, y0: r.y0, x1: r.x1, y1: r.y1, base: r.y1, w: w, h: h, turned: way != t.sheet.turn}
	t.way = way
	in := t.reader.instance
	if f, err := in.FPDFText_GetFontSize(&requests.FPDFText_GetFontSize{TextPage: t.text, Index: i}); err == nil {
		now.size = f.FontSize
	}
	if m, err := in.FPDFText_GetMatrix(&requests.FPDFText_GetMatrix{TextPage: t.text, Index: i}); err == nil {
		now.size *= math.Hypot(float64(m.Matrix.C), float64(m.Matrix.D))
	}
	if !(now.size > 0.5 && now.size < 2000) {
		now.size = max(r.y1-r.y0, 1)
	}
	if f, err := in.FPDFText_GetFontInfo(&requests.FPDFText_GetFontInfo{TextPage: t.text, Index: i}); err == nil {
		now.bold = bold(f.FontName, f.Flags)
	}
	if o, err := in.FPDFText_GetCharOrigin(&requests.FPDFText_GetCharOrigin{TextPage: t.text, Index: i}); err == nil && !now.turned {
		x, y := t.sheet.shown(o.X, o.Y)
		if b := t.sheet.upright(rect{x, y, x, y}).y1; math.Abs(b-r.y1) < now.size {
			now.base = b
		}
	}
	if !now.turned {
		now.y0, now.y1 = now.base-0.75*now.size, now.base+0.22*now.size
	}
	t.now = now
}

// bold goes by the font's name: the weight that the parser tells is a guess and
// often wrong.
func bold(name string, flags int) bool {
	const force = 1 << 18
	name = strings.ToLower(name)
	for _, part := range []string{"bold", "black", "heavy", "demi", "cmbx"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return flags&force != 0
}

// raise turns a raised number into a raised character: 10 to the third is not 103.
func raise(text string, r rect, w word) (string, bool) {
	if w.turned || w.text == "" || r.y1 > w.base-0.22*w.size || r.y1-r.y0 > 0.7*w.size {
		return "", false
	}
	i := strings.Index("0123456789", text)
	if i < 0 || len(text) != 1 {
		return "", false
	}
	return string([]rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[i]), true
}
