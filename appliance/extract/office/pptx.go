package office

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

const maxSlides = 10_000

// Pptx reads a PowerPoint presentation; the page of a block is its slide.
func Pptx(ctx context.Context, in doc.Input, b *doc.Builder) error {
	p, err := open(ctx, in, "a PowerPoint presentation")
	if err != nil {
		return err
	}
	part, err := p.main("a PowerPoint presentation", "ppt/", "ppt/presentation.xml")
	if err != nil {
		return err
	}
	links, err := p.links(part)
	if err != nil {
		return err
	}
	var slides []string
	err = p.walk(part, func(w *walker, _ element) error {
		return w.each(func(el element) error {
			if l := links[el.prefixed("r", "id")]; el.name == "sldId" && l.kind == "slide" && len(slides) < maxSlides {
				slides = append(slides, l.target)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	from := len(b.Blocks())
	for i, s := range slides {
		if err := (&slide{pack: p, b: b, page: i + 1}).read(s); err != nil {
			return err
		}
	}
	if b.Pages = max(b.Pages, len(slides)); len(slides) == 0 {
		return fault.New(fault.Invalid, "The presentation has no slides.").Cure("Check the file and add it again.")
	}
	entitle(b, p.title("docProps/core.xml"), from)
	return nil
}

// slide is one while it is read.
type slide struct {
	pack   *pack
	b      *doc.Builder
	page   int
	title  []string
	blocks []doc.Block
}

// read puts a slide into the document: its title, its text, its notes.
func (s *slide) read(part string) error {
	hidden := false
	err := s.pack.walk(part, func(w *walker, root element) error {
		hidden = root.attr("show") == "0"
		return w.children(func(el element) error {
			if el.name == "cSld" {
				return s.shapes(w)
			}
			return nil
		}, nil)
	})
	if err != nil {
		return err
	}
	if hidden {
		s.b.Note(fmt.Sprintf("Slide %d is hidden in the presentation; it was read.", s.page))
	}
	links, err := s.pack.links(part)
	if err != nil {
		return err
	}
	for _, kind := range []string{"diagramData", "notesSlide", "comments"} {
		for _, l := range sorted(links, kind) {
			if err := s.extra(kind, l.target); err != nil {
				return err
			}
		}
	}
	s.b.Add(doc.Block{Kind: doc.Heading, Level: 1, Page: s.page, Text: strings.Join(s.title, " ")})
	for _, block := range s.blocks {
		block.Page = s.page
		s.b.Add(block)
		if err := s.b.Err(); err != nil {
			return err
		}
	}
	return s.b.Err()
}

// extra reads a part that belongs to a slide.
func (s *slide) extra(kind, part string) error {
	if kind == "notesSlide" {
		notes := &slide{pack: s.pack, b: s.b, page: s.page}
		err := s.pack.walk(part, func(w *walker, _ element) error {
			return w.children(func(el element) error {
				if el.name == "cSld" {
					return notes.shapes(w)
				}
				return nil
			}, nil)
		})
		for i, block := range notes.blocks {
			if block.Kind == doc.Item {
				block.Kind, block.Level = doc.Paragraph, 0
			}
			if block.Kind == doc.Paragraph {
				block.Role = doc.Notes
			}
			if i == 0 {
				block.Text, block.Grid = "Notes: "+block.Text, nil
			}
			s.blocks = append(s.blocks, block)
		}
		return err
	}
	return s.pack.walk(part, func(w *walker, _ element) error {
		return w.each(func(el element) error {
			switch el.name {
			case "p":
				return s.paragraph(w, false, s.add)
			case "text":
				text, err := w.text()
				if err != nil {
					return err
				}
				return s.add(doc.Block{Kind: doc.Paragraph, Role: doc.Comment, Text: "Comment: " + text})
			}
			return nil
		})
	})
}

func (s *slide) add(block doc.Block) error {
	if block.Text = strings.TrimSpace(block.Text); block.Text != "" {
		s.blocks = append(s.blocks, block)
	}
	if len(s.blocks) > doc.MaxBlocks {
		return bomb("A slide holds more than %d paragraphs.", doc.MaxBlocks)
	}
	return s.b.Err()
}

// shapes reads all shapes below the element just opened.
func (s *slide) shapes(w *walker) error {
	return w.children(func(el element) error {
		switch el.name {
		case "spTree", "grpSp", "graphicFrame", "graphic", "graphicData", "cxnSp", "contentPart", "Choice", "AlternateContent":
			return s.shapes(w)
		case "sp":
			return s.shape(w)
		case "tbl":
			return s.table(w)
		}
		return nil
	}, nil)
}

// shape reads a shape by what it is a place for; numbers, dates and footers of
// slides are left out.
func (s *slide) shape(w *walker) error {
	kind, place := "", false
	var body func(el element) error
	body = func(el element) error {
		switch el.name {
		case "nvSpPr", "nvPr":
			return w.children(body, nil)
		case "ph":
			kind, place = el.attr("type"), true
		case "txBody":
			switch kind {
			case "dt", "ftr", "sldNum", "hdr", "sldImg":
				return nil
			case "title", "ctrTitle":
				return s.paragraphs(w, false, func(block doc.Block) error {
					s.title = append(s.title, block.Text)
					return s.b.Err()
				})
			}
			return s.paragraphs(w, place && kind != "subTitle", s.add)
		}
		return nil
	}
	return w.children(body, nil)
}

func (s *slide) paragraphs(w *walker, items bool, emit func(doc.Block) error) error {
	return w.children(func(el element) error {
		if el.name == "p" {
			return s.paragraph(w, items, emit)
		}
		return nil
	}, nil)
}

func (s *slide) paragraph(w *walker, item bool, emit func(doc.Block) error) error {
	var text strings.Builder
	depth := 0
	var inline func(el element) error
	inline = func(el element) error {
		switch el.name {
		case "pPr":
			if n, err := strconv.Atoi(el.attr("lvl")); err == nil {
				depth = min(max(n, 0), 8)
			}
			return w.children(func(el element) error {
				switch el.name {
				case "buNone":
					item = false
				case "buChar", "buAutoNum", "buBlip":
					item = true
				}
				return nil
			}, nil)
		case "r", "fld", "AlternateContent", "Choice", "oMath", "oMathPara", "m":
			return w.children(inline, nil)
		case "t":
			part, err := w.text()
			text.WriteString(part)
			return err
		case "br":
			text.WriteByte('\n')
		}
		return nil
	}
	if err := w.children(inline, nil); err != nil {
		return err
	}
	block := doc.Block{Kind: doc.Paragraph, Text: strings.TrimSpace(text.String())}
	if block.Text == "" {
		return nil
	}
	if item {
		block.Kind, block.Level = doc.Item, depth+1
	}
	return emit(block)
}

func (s *slide) table(w *walker) error {
	t := &table{above: map[int]string{}}
	firstHead := false
	return w.children(func(el element) error {
		switch el.name {
		case "tblPr":
			firstHead = truth(el.attr("firstRow"))
			return nil
		case "tr":
			t.head = firstHead && !t.begun
		default:
			return nil
		}
		err := w.children(func(el element) error {
			if el.name != "tc" {
				return nil
			}
			cell := el
			var list []doc.Block
			err := w.children(func(el element) error {
				if el.name == "txBody" {
					return s.paragraphs(w, false, gather(s.b, &list))
				}
				return nil
			}, nil)
			text, _ := plain(list)
			column := len(t.cells)
			switch {
			case cell.attr("vMerge") == "1":
				text = t.above[column]
			case cell.attr("hMerge") == "1":
				text = ""
			case cell.attr("rowSpan") != "":
				t.above[column] = doc.First(text, maxCell)
			}
			t.add(text, 1)
			return err
		}, nil)
		if err != nil {
			return err
		}
		for _, block := range t.row() {
			if err := s.add(block); err != nil {
				return err
			}
		}
		return nil
	}, nil)
}

// sorted are the links of a kind in a fixed order.
func sorted(links map[string]link, kind string) []link {
	var out []link
	for i := range 200 {
		if l, ok := links["rId"+strconv.Itoa(i)]; ok && l.kind == kind {
			out = append(out, l)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, l := range links {
		if l.kind == kind && path.Base(l.target) != "" {
			return []link{l}
		}
	}
	return nil
}
