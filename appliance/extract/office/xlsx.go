package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

const (
	maxSheets  = 2000
	maxShared  = 4_000_000   // shared strings
	maxStrings = 150_000_000 // bytes of all shared strings together
	maxMerges  = 100_000
	maxFormats = 100_000
)

// Xlsx reads an Excel workbook, row by row. It is a reader of our own because
// a library that loads sheets to know merged cells and formats cannot be kept
// within the memory that a hostile sheet is given.
func Xlsx(ctx context.Context, in doc.Input, b *doc.Builder) error {
	p, err := open(ctx, in, "an Excel workbook")
	if err != nil {
		return err
	}
	part, err := p.main("an Excel workbook", "xl/", "xl/workbook.xml")
	if err != nil {
		return err
	}
	if strings.HasSuffix(strings.ToLower(part), ".bin") {
		return wrong("an .xlsx workbook", "a binary Excel workbook (.xlsb)")
	}
	links, err := p.links(part)
	if err != nil {
		return err
	}
	x := &xlsx{pack: p, b: b}
	if err := x.readFormats(first(links, "styles", "xl/styles.xml")); err != nil {
		return err
	}
	if err := x.readShared(first(links, "sharedStrings", "xl/sharedStrings.xml")); err != nil {
		return err
	}
	type sheet struct{ name, part string }
	var sheets []sheet
	var hidden []string
	err = p.walk(part, func(w *walker, _ element) error {
		return w.each(func(el element) error {
			switch el.name {
			case "workbookPr":
				x.from1904 = truth(el.attr("date1904"))
			case "sheet":
				l := links[el.prefixed("r", "id")]
				name := doc.First(el.attr("name"), 100)
				switch state := el.attr("state"); {
				case l.kind != "worksheet" || len(sheets) >= maxSheets:
				case state == "hidden" || state == "veryHidden":
					hidden = append(hidden, name)
				default:
					sheets = append(sheets, sheet{name, l.target})
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	noteHidden(b, hidden)
	from := len(b.Blocks())
	for _, s := range sheets {
		if err := x.sheet(s.name, s.part); err != nil {
			return err
		}
	}
	if len(sheets) == 0 {
		return fault.New(fault.Invalid, "The workbook has no sheet that is shown.").Cure("Show a sheet, save the workbook and add it again.")
	}
	entitle(b, p.title("docProps/core.xml"), from)
	return nil
}

func noteHidden(b *doc.Builder, hidden []string) {
	switch {
	case len(hidden) == 1:
		b.Note(fmt.Sprintf("The sheet “%s” is hidden and was not read.", hidden[0]))
	case len(hidden) > 1:
		b.Note(fmt.Sprintf("%d sheets are hidden and were not read: %s.", len(hidden), doc.First(strings.Join(hidden, ", "), 200)))
	}
}

func truth(value string) bool { return value == "1" || value == "true" || value == "on" }

// xlsx is a workbook while it is read.
type xlsx struct {
	pack     *pack
	b        *doc.Builder
	shared   []string
	formats  []*numberFormat // of a cell, by its style
	from1904 bool
}

func (x *xlsx) readShared(part string) error {
	size := 0
	return x.pack.walk(part, func(w *walker, _ element) error {
		return w.children(func(el element) error {
			if el.name != "si" {
				return nil
			}
			text, err := richText(w)
			if size += len(text) + 16; size > maxStrings || len(x.shared) >= maxShared {
				return bomb("The workbook holds more than %d MB of text.", maxStrings/1_000_000)
			}
			x.shared = append(x.shared, text)
			if len(x.shared)%1000 == 0 && err == nil {
				err = x.pack.ctx.Err()
			}
			return err
		}, nil)
	})
}

// richText is the text of a string without the sounds written beside it.
func richText(w *walker) (string, error) {
	var out strings.Builder
	var read func(el element) error
	read = func(el element) error {
		switch el.name {
		case "t":
			text, err := w.text()
			if out.Len() < 4*maxCell {
				out.WriteString(text[:min(len(text), 4*maxCell)])
			}
			return err
		case "r":
			return w.children(read, nil)
		}
		return nil
	}
	err := w.children(read, nil)
	return escapes(strings.ToValidUTF8(out.String(), "")), err
}

// escapes resolves _x000D_, as Excel writes what XML cannot hold.
func escapes(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	var out strings.Builder
	for {
		i := strings.Index(text, "_x")
		if i < 0 || i+7 > len(text) {
			out.WriteString(text)
			return out.String()
		}
		out.WriteString(text[:i])
		if n, err := strconv.ParseUint(text[i+2:i+6], 16, 16); err == nil && text[i+6] == '_' {
			out.WriteRune(rune(n))
			text = text[i+7:]
			continue
		}
		out.WriteString("_x")
		text = text[i+2:]
	}
}

func (x *xlsx) readFormats(part string) error {
	codes := map[int]string{}
	known := map[int]*numberFormat{}
	inside := false
	return x.pack.walk(part, func(w *walker, _ element) error {
		return w.children(func(el element) error {
			inside = el.name == "cellXfs"
			if el.name != "numFmts" && !inside {
				return nil
			}
			return w.children(func(el element) error {
				id, err := strconv.Atoi(el.attr("numFmtId"))
				switch {
				case el.name == "numFmt" && err == nil && len(codes) < maxFormats:
					codes[id] = doc.First(el.attr("formatCode"), 255)
				case el.name == "xf" && inside && len(x.formats) < maxFormats:
					if known[id] == nil {
						code, own := codes[id]
						if !own {
							code = builtIn(id)
						}
						known[id] = parseFormat(code)
					}
					x.formats = append(x.formats, known[id])
				}
				return nil
			}, nil)
		}, nil)
	})
}

// merge is a range of cells shown as one.
type merge struct{ toRow, column int }

// merges finds the ranges merged over several rows. They are written behind the
// rows they concern, so the part is read twice; the first time without XML.
func (x *xlsx) merges(part string) (map[int][]merge, error) {
	r, err := x.pack.reader(part)
	if err != nil || r == nil {
		return nil, err
	}
	defer r.Close()
	out := map[int][]merge{}
	count := 0
	const mark = "mergeCell "
	buf := make([]byte, 64_000)
	keep := 0
	for {
		n, err := r.Read(buf[keep:])
		chunk := string(buf[:keep+n])
		for {
			i := strings.Index(chunk, mark)
			if i < 0 || len(chunk)-i < 120 && err == nil {
				break
			}
			chunk = chunk[i+len(mark):]
			if _, ref, ok := strings.Cut(chunk[:min(len(chunk), 100)], `ref="`); ok {
				ref, _, _ = strings.Cut(ref, `"`)
				from, to, _ := strings.Cut(ref, ":")
				column, row := place(from)
				_, toRow := place(to)
				if count++; row > 0 && toRow > row && count <= maxMerges {
					out[row] = append(out[row], merge{toRow, column})
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		}
		rest := chunk[max(0, len(chunk)-120):]
		keep = copy(buf, rest)
	}
}

// place reads "C7" as column 3 and row 7; what is none is 0.
func place(ref string) (column, row int) {
	for i := range len(ref) {
		switch c := ref[i]; {
		case c == '$':
		case c >= 'A' && c <= 'Z' && column < maxCells:
			column = column*26 + int(c-'A') + 1
		case c >= '0' && c <= '9' && row < 10_000_000:
			row = row*10 + int(c-'0')
		default:
			return 0, 0
		}
	}
	if column > maxCells || row > 1_048_576 {
		return 0, 0
	}
	return column, row
}

// letters is the name of a column: 28 is "AB".
func letters(column int) string {
	var out []byte
	for ; column > 0; column = (column - 1) / 26 {
		out = append([]byte{byte('A' + (column-1)%26)}, out...)
	}
	return string(out)
}
