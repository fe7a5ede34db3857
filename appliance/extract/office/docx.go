package office

import (
	"context"
	"strconv"
	"strings"

	"chatets/appliance/extract/doc"
)

// Docx reads a Word document.
func Docx(ctx context.Context, in doc.Input, b *doc.Builder) error {
	p, err := open(ctx, in, "a Word document")
	if err != nil {
		return err
	}
	part, err := p.main("a Word document", "word/", "word/document.xml")
	if err != nil {
		return err
	}
	links, err := p.links(part)
	if err != nil {
		return err
	}
	d := &docx{pack: p, b: b, notes: map[string]string{}}
	if err := d.readStyles(first(links, "styles", "word/styles.xml")); err != nil {
		return err
	}
	if err := d.readNumbering(first(links, "numbering", "word/numbering.xml")); err != nil {
		return err
	}
	for _, n := range []struct{ kind, usual string }{
		{"footnotes", "word/footnotes.xml"}, {"endnotes", "word/endnotes.xml"}, {"comments", "word/comments.xml"},
	} {
		if err := d.readNotes(n.kind, first(links, n.kind, n.usual)); err != nil {
			return err
		}
	}
	from := len(b.Blocks())
	err = p.walk(part, func(w *walker, root element) error {
		if root.name != "document" {
			return wrong("a Word document", "XML of another kind")
		}
		return w.children(func(el element) error {
			if el.name == "body" {
				return d.content(w, d.emit)
			}
			return nil
		}, nil)
	})
	if err != nil {
		return err
	}
	entitle(b, p.title("docProps/core.xml"), from)
	return nil
}

// docx is a Word document while it is read.
type docx struct {
	pack    *pack
	b       *doc.Builder
	styles  map[string]*style
	nums    map[string]*numbering
	notes   map[string]string // kind and id -> text
	counted int               // notes shown so far
	carry   string            // text of a paragraph whose end was deleted
}

// emit puts a block into the document.
func (d *docx) emit(block doc.Block) error {
	d.b.Add(block)
	return d.b.Err()
}

// readNotes reads footnotes, endnotes or comments.
func (d *docx) readNotes(kind, part string) error {
	size := 0
	return d.pack.walk(part, func(w *walker, _ element) error {
		return w.children(func(el element) error {
			id, kindOf := el.attr("id"), el.attr("type")
			if kindOf == "separator" || kindOf == "continuationSeparator" || kindOf == "continuationNotice" {
				return nil
			}
			var list []doc.Block
			author := el.attr("author")
			err := d.content(w, gather(d.b, &list))
			if err != nil {
				return err
			}
			text, rows := plain(list)
			for _, r := range rows {
				text += " " + r.Text
			}
			if text = doc.OneLine(text); text == "" {
				return nil
			}
			if author != "" {
				text = author + ": " + text
			}
			if size += len(text); size <= maxNoteText {
				d.notes[kind+id] = text
			}
			return nil
		}, nil)
	})
}

const maxNoteText = 64_000_000 // bytes of all notes of a document

// content reads paragraphs and tables; each goes to emit.
func (d *docx) content(w *walker, emit func(doc.Block) error) error {
	return w.children(func(el element) error { return d.block(w, el, emit) }, nil)
}

func (d *docx) block(w *walker, el element, emit func(doc.Block) error) error {
	switch el.name {
	case "p":
		return d.paragraph(w, emit)
	case "tbl":
		return d.table(w, emit)
	case "sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "txbxContent", "oMathPara":
		return d.content(w, emit)
	case "AlternateContent":
		return w.children(func(el element) error {
			if el.name == "Choice" {
				return d.content(w, emit)
			}
			return nil
		}, nil)
	}
	return nil
}

// paragraph is one while it is read.
type paragraph struct {
	text    strings.Builder
	style   string
	outline int // 1..9, 0 = none stated, 10 = body text
	num     string
	level   int
	isNum   bool
	merged  bool // its end was deleted
	after   []doc.Block
}

func (d *docx) paragraph(w *walker, emit func(doc.Block) error) error {
	p := &paragraph{}
	p.text.WriteString(d.carry)
	d.carry = ""
	if err := d.inline(w, p); err != nil {
		return err
	}
	if p.merged && p.text.Len() < maxCell {
		d.carry = p.text.String()
	} else if block := d.classify(p); block.Text != "" {
		if err := emit(block); err != nil {
			return err
		}
	}
	for _, block := range p.after {
		if err := emit(block); err != nil {
			return err
		}
	}
	return nil
}

// classify says whether a paragraph is a heading, an item or text. Lines of a
// table of contents are nothing: they repeat the headings.
func (d *docx) classify(p *paragraph) doc.Block {
	text := strings.TrimSpace(p.text.String())
	s := d.style(p.style)
	block := doc.Block{Kind: doc.Paragraph, Text: text}
	switch {
	case text == "" || s.contents:
		return doc.Block{}
	case p.outline > 0:
		if p.outline < 10 {
			block.Kind, block.Level = doc.Heading, p.outline
		}
	case s.heading > 0:
		block.Kind, block.Level = doc.Heading, s.heading
	case s.quote:
		block.Kind = doc.Quote
	case s.code:
		block.Kind = doc.Code
	}
	num, level := s.num, s.level
	if p.isNum {
		num, level = p.num, p.level
	}
	if num == "" || num == "0" {
		return block
	}
	mark := d.mark(num, level)
	if block.Kind != doc.Heading {
		block.Kind, block.Level = doc.Item, level+1
	}
	if mark != "" {
		block.Text = mark + " " + text
	}
	return block
}

// inline reads what stands in a paragraph.
func (d *docx) inline(w *walker, p *paragraph) error {
	return w.children(func(el element) error {
		switch el.name {
		case "pPr":
			return d.paragraphStyle(w, p)
		case "r":
			return d.run(w, p)
		case "hyperlink", "ins", "moveTo", "smartTag", "sdt", "sdtContent", "fldSimple", "bdo", "dir", "customXml", "oMath", "oMathPara":
			return d.inline(w, p)
		case "commentReference":
			d.refer(p, "comments", "Comment", el.attr("id"))
		case "AlternateContent":
			return w.children(func(el element) error {
				if el.name == "Choice" {
					return d.inline(w, p)
				}
				return nil
			}, nil)
		case "t":
			return d.mathText(w, p)
		case "f", "num", "den", "e", "sSup", "sSub", "sup", "sub", "rad", "nary", "d", "sSubSup", "func", "fName", "eqArr", "m", "mr", "acc", "bar", "box", "limLow", "lim":
			return d.math(w, p, el)
		}
		return nil
	}, nil)
}

// math reads a formula as a line: a fraction as a/b, powers as a^b.
func (d *docx) math(w *walker, p *paragraph, el element) error {
	switch el.name {
	case "den":
		p.text.WriteByte('/')
	case "sup":
		p.text.WriteByte('^')
	case "sub":
		p.text.WriteByte('_')
	case "d":
		p.text.WriteByte('(')
		defer p.text.WriteByte(')')
	}
	return d.inline(w, p)
}

func (d *docx) mathText(w *walker, p *paragraph) error {
	text, err := w.text()
	if p.text.Len()+len(text) > 2*maxToken {
		return bomb("A paragraph of the file holds more than %d MB of text.", 2*maxToken/1_000_000)
	}
	p.text.WriteString(text)
	return err
}

func (d *docx) paragraphStyle(w *walker, p *paragraph) error {
	return w.children(func(el element) error {
		switch el.name {
		case "pStyle":
			p.style = el.attr("val")
		case "outlineLvl":
			p.outline = level(el) + 1
		case "numPr":
			p.isNum = true
			return w.children(func(el element) error {
				switch el.name {
				case "ilvl":
					p.level = min(level(el), 8)
				case "numId":
					p.num = el.attr("val")
				}
				return nil
			}, nil)
		case "rPr":
			return w.children(func(el element) error {
				p.merged = p.merged || el.name == "del" || el.name == "moveFrom"
				return nil
			}, nil)
		}
		return nil
	}, nil)
}

// level is a number from 0 to 9 in an attribute val.
func level(el element) int {
	n, err := strconv.Atoi(el.attr("val"))
	if err != nil {
		return 0
	}
	return min(max(n, 0), 9)
}

// run reads text of one form; hidden text is left out, as on paper.
func (d *docx) run(w *walker, p *paragraph) error {
	hidden := false
	return w.children(func(el element) error {
		if hidden {
			return nil
		}
		switch el.name {
		case "rPr":
			return w.children(func(el element) error {
				if v := el.attr("val"); el.name == "vanish" && v != "0" && v != "false" && v != "off" {
					hidden = true
				}
				return nil
			}, nil)
		case "t":
			return d.mathText(w, p)
		case "tab", "ptab":
			p.text.WriteByte('\t')
		case "br", "cr":
			p.text.WriteByte('\n')
		case "noBreakHyphen":
			p.text.WriteByte('-')
		case "sym":
			if n, err := strconv.ParseUint(el.attr("char"), 16, 32); err == nil && n >= 0x20 && (n < 0xe000 || n > 0xf8ff) {
				p.text.WriteRune(rune(n))
			}
		case "footnoteReference":
			d.refer(p, "footnotes", "Footnote", el.attr("id"))
		case "endnoteReference":
			d.refer(p, "endnotes", "Endnote", el.attr("id"))
		case "commentReference":
			d.refer(p, "comments", "Comment", el.attr("id"))
		case "drawing", "pict", "object", "AlternateContent":
			return d.drawing(w, el, p)
		}
		return nil
	}, nil)
}

// refer puts a note after the paragraph that refers to it, once.
func (d *docx) refer(p *paragraph, kind, name, id string) {
	if text := d.notes[kind+id]; text != "" {
		delete(d.notes, kind+id)
		d.counted++
		p.after = append(p.after, footnote(name, d.counted, text))
	}
}

// drawing finds the text boxes in a drawing; of two forms of one drawing only
// the first counts.
func (d *docx) drawing(w *walker, el element, p *paragraph) error {
	switch el.name {
	case "Fallback":
		return nil
	case "txbxContent":
		carry := d.carry
		d.carry = ""
		err := d.content(w, gather(d.b, &p.after))
		d.carry = carry
		return err
	}
	return w.children(func(el element) error { return d.drawing(w, el, p) }, nil)
}

func (d *docx) table(w *walker, emit func(doc.Block) error) error {
	t := &table{above: map[int]string{}}
	var rows func(el element) error
	firstHead := false
	rows = func(el element) error {
		switch el.name {
		case "tblPr":
			return w.children(func(el element) error {
				if el.name == "tblLook" {
					firstHead = truth(el.attr("firstRow"))
				}
				return nil
			}, nil)
		case "tr":
			t.head = firstHead && !t.begun
			if err := d.row(w, t); err != nil {
				return err
			}
			for _, block := range t.row() {
				if err := emit(block); err != nil {
					return err
				}
			}
		case "sdt", "sdtContent", "ins", "moveTo", "customXml":
			return w.children(rows, nil)
		}
		return nil
	}
	return w.children(rows, nil)
}

func (d *docx) row(w *walker, t *table) error {
	deleted := false
	var cells func(el element) error
	cells = func(el element) error {
		switch el.name {
		case "trPr":
			return w.children(func(el element) error {
				deleted = deleted || el.name == "del"
				switch v := el.attr("val"); {
				case el.name == "gridBefore":
					t.add("", level(el))
				case el.name == "tblHeader":
					t.head = v != "0" && v != "false" && v != "off"
				}
				return nil
			}, nil)
		case "tc":
			if !deleted {
				return d.cell(w, t)
			}
		case "sdt", "sdtContent", "ins", "moveTo", "customXml":
			return w.children(cells, nil)
		}
		return nil
	}
	return w.children(cells, nil)
}

func (d *docx) cell(w *walker, t *table) error {
	var list []doc.Block
	span, merge := 1, ""
	err := w.children(func(el element) error {
		if el.name != "tcPr" {
			return d.block(w, el, gather(d.b, &list))
		}
		return w.children(func(el element) error {
			switch el.name {
			case "gridSpan":
				if n, err := strconv.Atoi(el.attr("val")); err == nil {
					span = n
				}
			case "vMerge":
				if merge = el.attr("val"); merge == "" {
					merge = "continue"
				}
			}
			return nil
		}, nil)
	}, nil)
	if err != nil {
		return err
	}
	text, rows := plain(list)
	column := len(t.cells)
	if merge == "continue" {
		text = t.above[column]
	}
	delete(t.above, column)
	if merge != "" {
		t.above[column] = doc.First(text, maxCell)
	}
	t.add(text, span)
	t.after = append(t.after, rows...)
	return nil
}
