package office

import (
	"context"
	"strconv"
	"strings"

	"chatets/appliance/extract/doc"
)

// Odt reads an OpenDocument text.
func Odt(ctx context.Context, in doc.Input, b *doc.Builder) error {
	return readODF(ctx, in, b, "an OpenDocument text", "text")
}

// Ods reads an OpenDocument spreadsheet.
func Ods(ctx context.Context, in doc.Input, b *doc.Builder) error {
	return readODF(ctx, in, b, "an OpenDocument spreadsheet", "spreadsheet")
}

// Odp reads an OpenDocument presentation; the page of a block is its slide.
func Odp(ctx context.Context, in doc.Input, b *doc.Builder) error {
	return readODF(ctx, in, b, "an OpenDocument presentation", "presentation")
}

func readODF(ctx context.Context, in doc.Input, b *doc.Builder, what, kind string) error {
	p, err := open(ctx, in, what)
	if err != nil {
		return err
	}
	if !p.has("content.xml") {
		_, err := p.main(what, "content.xml", "content.xml")
		return err
	}
	sealed := p.has("encrypted-package")
	err = p.walk("META-INF/manifest.xml", func(w *walker, _ element) error {
		return w.each(func(el element) error {
			sealed = sealed || el.name == "encryption-data" || el.name == "encrypted-key"
			return nil
		})
	})
	if err != nil {
		return err
	}
	if sealed {
		return sealedFile()
	}
	o := &odf{b: b, hidden: map[string]bool{}, styles: map[string]*style{}}
	from := len(b.Blocks())
	found := false
	for _, part := range []string{"styles.xml", "content.xml"} {
		err := p.walk(part, func(w *walker, _ element) error {
			return w.children(func(el element) error {
				switch el.name {
				case "styles", "automatic-styles":
					return o.readStyles(w)
				case "body":
					if part != "content.xml" {
						return nil
					}
					return w.children(func(el element) error {
						if el.name != kind {
							return wrong(what, "OpenDocument of another kind")
						}
						found = true
						return o.body(w, kind)
					}, nil)
				}
				return nil
			}, nil)
		})
		if err != nil {
			return err
		}
	}
	if !found {
		return damaged(nil)
	}
	noteHidden(b, o.unread)
	entitle(b, p.title("meta.xml"), from)
	return nil
}

// odf is an OpenDocument file while it is read.
type odf struct {
	b       *doc.Builder
	styles  map[string]*style
	hidden  map[string]bool // styles of tables that are not shown
	unread  []string
	counted int
	page    int
}

func (o *odf) readStyles(w *walker) error {
	return w.children(func(el element) error {
		if el.name != "style" || len(o.styles) >= maxStyles {
			return nil
		}
		id, name := el.attr("name"), el.attr("display-name")
		if name == "" {
			name = strings.ReplaceAll(id, "_20_", " ")
		}
		s := meaning(name)
		s.base = el.attr("parent-style-name")
		o.styles[id] = &s
		return w.children(func(el element) error {
			if el.name == "table-properties" && el.attr("display") == "false" {
				o.hidden[id] = true
			}
			return nil
		}, nil)
	}, nil)
}

// style is what a style means, or the named one it is derived from.
func (o *odf) style(id string) style {
	var out style
	for range 8 {
		s := o.styles[id]
		if s == nil {
			break
		}
		if s.heading > 0 || s.quote || s.code || s.contents {
			return *s
		}
		id = s.base
	}
	return out
}

func (o *odf) emit(block doc.Block) error {
	block.Page = o.page
	o.b.Add(block)
	return o.b.Err()
}

func (o *odf) body(w *walker, kind string) error {
	switch kind {
	case "spreadsheet":
		return w.children(func(el element) error {
			if el.name == "table" {
				return o.sheet(w, el)
			}
			return nil
		}, nil)
	case "presentation":
		return w.children(func(el element) error {
			if el.name == "page" {
				return o.slide(w)
			}
			return nil
		}, nil)
	}
	return o.content(w, 0, o.emit)
}

// content reads paragraphs, lists, tables and what holds them.
func (o *odf) content(w *walker, depth int, emit func(doc.Block) error) error {
	return w.children(func(el element) error { return o.block(w, el, depth, emit) }, nil)
}

func (o *odf) block(w *walker, el element, depth int, emit func(doc.Block) error) error {
	switch el.name {
	case "h", "p":
		return o.paragraph(w, el, depth, emit)
	case "list":
		return w.children(func(el element) error {
			switch el.name {
			case "list-item":
				return o.content(w, depth+1, emit)
			case "list-header":
				return o.content(w, depth, emit)
			}
			return nil
		}, nil)
	case "table":
		return o.table(w, emit)
	case "section", "numbered-paragraph", "frame", "text-box", "g", "custom-shape", "rect", "ellipse", "polygon", "path", "a", "line", "connector":
		return o.content(w, depth, emit)
	}
	return nil
}

func (o *odf) paragraph(w *walker, el element, depth int, emit func(doc.Block) error) error {
	var text strings.Builder
	var after []doc.Block
	if err := o.inline(w, &text, &after); err != nil {
		return err
	}
	block := doc.Block{Kind: doc.Paragraph, Text: strings.TrimSpace(text.String())}
	s := o.style(el.attr("style-name"))
	switch {
	case el.name == "h":
		n, err := strconv.Atoi(el.attr("outline-level"))
		if err != nil {
			n = 1
		}
		block.Kind, block.Level = doc.Heading, min(max(n, 1), 9)
	case s.heading > 0 && depth == 0:
		block.Kind, block.Level = doc.Heading, s.heading
	case depth > 0:
		block.Kind, block.Level = doc.Item, min(depth, 9)
	case s.quote:
		block.Kind = doc.Quote
	case s.code:
		block.Kind = doc.Code
	}
	if block.Text != "" && !s.contents {
		if err := emit(block); err != nil {
			return err
		}
	}
	for _, block := range after {
		if err := emit(block); err != nil {
			return err
		}
	}
	return nil
}

// inline reads the text of a paragraph. White space counts as in HTML; what is
// meant to be seen has its own elements.
func (o *odf) inline(w *walker, text *strings.Builder, after *[]doc.Block) error {
	collect := gather(o.b, after)
	return w.children(func(el element) error {
		switch el.name {
		case "s":
			n, err := strconv.Atoi(el.attr("c"))
			if err != nil {
				n = 1
			}
			text.WriteString(strings.Repeat(" ", min(max(n, 1), 100)))
		case "tab":
			text.WriteByte('\t')
		case "line-break":
			text.WriteByte('\n')
		case "note":
			return o.note(w, el.attr("note-class"), after)
		case "annotation":
			return o.annotation(w, after)
		case "frame", "text-box", "custom-shape", "g", "rect", "ellipse":
			return o.content(w, 0, collect)
		case "tracked-changes", "change", "annotation-end", "ruby-text", "script", "bookmark-ref-end", "forms", "title", "desc", "event-listeners", "object":
		default: // span, a, field, ruby, meta and so on hold text
			return o.inline(w, text, after)
		}
		return nil
	}, func(s string) {
		if text.Len() > 2*maxToken {
			return
		}
		for _, r := range s {
			switch r {
			case '\n', '\r', '\t':
				text.WriteByte(' ')
			default:
				text.WriteRune(r)
			}
		}
	})
}

func (o *odf) note(w *walker, class string, after *[]doc.Block) error {
	return w.children(func(el element) error {
		if el.name != "note-body" {
			return nil
		}
		text, err := o.flat(w)
		if text != "" {
			o.counted++
			name := "Footnote"
			if class == "endnote" {
				name = "Endnote"
			}
			*after = append(*after, footnote(name, o.counted, text))
		}
		return err
	}, nil)
}

func (o *odf) annotation(w *walker, after *[]doc.Block) error {
	author := ""
	var parts []string
	err := w.children(func(el element) error {
		switch el.name {
		case "creator":
			text, err := w.text()
			author = doc.OneLine(text) + ": "
			return err
		case "p", "list":
			return o.block(w, el, 0, func(block doc.Block) error { parts = append(parts, block.Text); return o.b.Err() })
		}
		return nil
	}, nil)
	if text := doc.OneLine(strings.Join(parts, " ")); text != "" {
		o.counted++
		*after = append(*after, footnote("Comment", o.counted, author+text))
	}
	return err
}

// flat is all text below the element just opened, as one line.
func (o *odf) flat(w *walker) (string, error) {
	var list []doc.Block
	err := o.content(w, 0, gather(o.b, &list))
	text, rows := plain(list)
	for _, r := range rows {
		text += " " + r.Text
	}
	return doc.OneLine(text), err
}
