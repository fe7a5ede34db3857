package office

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// Rtf reads Rich Text Format.
func Rtf(ctx context.Context, in doc.Input, b *doc.Builder) error {
	data := in.Data
	switch {
	case len(data) == 0:
		return fault.New(fault.Invalid, "The file is empty.").Cure("Check it and add it again.")
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return wrong("an RTF document", "an archive or a newer office document")
	case !bytes.HasPrefix(bytes.TrimLeft(data[:min(len(data), 64)], "\xef\xbb\xbf \r\n\t"), []byte(`{\rtf`)):
		return wrong("an RTF document", "something else")
	}
	r := &rtf{ctx: ctx, b: b, data: data, fonts: map[int]int{}, styles: map[int]style{}, page: 1252}
	from := len(b.Blocks())
	if err := r.read(); err != nil {
		return err
	}
	entitle(b, r.title.String(), from)
	return nil
}

// rtfState is what a group inherits and forgets at its end.
type rtfState struct {
	skip   bool   // a destination whose text is not shown
	into   string // "", "title", "fonttbl", "stylesheet", "listtext", "note"
	page   int    // code page
	uc     int    // characters after \u that say it again
	hidden bool
	style  int
}

// rtf is a document while it is read.
type rtf struct {
	ctx     context.Context
	b       *doc.Builder
	data    []byte
	at      int
	state   rtfState
	stack   []rtfState
	page    int         // code page of the document
	fonts   map[int]int // font -> code page
	font    int         // being described
	named   strings.Builder
	styles  map[int]style
	title   strings.Builder
	text    strings.Builder
	note    strings.Builder
	raw     []byte // bytes of the code page not decoded yet
	drop    int    // characters still to leave out after \u
	high    rune   // first half of a pair
	outline int    // of the paragraph, 0 = none, otherwise 1..9
	item    int    // depth of the paragraph in a list, 0 = none
	inTable bool
	row     *table
	cells   []bool // which cells of the row go on from the row above
	merged  bool   // the cell being described does
	after   []doc.Block
	counted int
	steps   int
}

func (r *rtf) read() error {
	r.state = rtfState{uc: 1, page: r.page}
	r.row = &table{above: map[int]string{}}
	closed := false
	for r.at < len(r.data) && !closed {
		if r.steps++; r.steps%1000 == 0 {
			if err := r.b.Err(); err != nil {
				return err
			}
		}
		switch c := r.data[r.at]; c {
		case '{':
			r.flush()
			if len(r.stack) >= 2000 {
				return bomb("The file's groups lie more than 2000 deep inside each other.")
			}
			r.stack = append(r.stack, r.state)
			r.drop = 0
			r.at++
		case '}':
			r.flush()
			r.at++
			r.drop = 0
			if len(r.stack) == 0 {
				closed = true
				break
			}
			r.leave(r.stack[len(r.stack)-1])
			r.stack = r.stack[:len(r.stack)-1]
			closed = len(r.stack) == 0
		case '\\':
			r.control()
		case '\r', '\n':
			r.at++
		default:
			r.at++
			r.byte(c)
		}
	}
	r.flush()
	r.inTable = false
	r.paragraph()
	if len(r.row.cells) > 0 {
		r.endRow()
	}
	if !closed {
		if len(r.b.Blocks()) == 0 {
			return damaged(nil)
		}
		r.b.Note("The file ends too early; what it holds was read.")
	}
	return r.b.Err()
}

// leave ends a group and goes back to the state before it.
func (r *rtf) leave(before rtfState) {
	if r.state.into == "note" && before.into != "note" {
		if text := doc.OneLine(r.note.String()); text != "" {
			r.counted++
			r.after = append(r.after, footnote("Footnote", r.counted, text))
		}
		r.note.Reset()
	}
	if r.state.into == "stylesheet" && r.named.Len() > 0 {
		name, _, _ := strings.Cut(r.named.String(), ";")
		if len(r.styles) < maxStyles {
			r.styles[r.state.style] = meaning(name)
		}
		r.named.Reset()
	}
	r.state = before
}

// byte takes a byte of text in the code page.
func (r *rtf) byte(c byte) {
	if r.drop > 0 {
		r.drop--
		return
	}
	if !r.state.skip {
		r.raw = append(r.raw, c)
	}
	if len(r.raw) > 64_000 {
		r.flush()
	}
}

// flush decodes the bytes read so far.
func (r *rtf) flush() {
	if len(r.raw) == 0 {
		return
	}
	raw := r.raw
	r.raw = r.raw[:0]
	var e encoding.Encoding = codePage(r.state.page)
	if text, err := e.NewDecoder().Bytes(raw); err == nil {
		r.write(string(text))
	}
}

func (r *rtf) write(text string) {
	if r.state.skip {
		return
	}
	switch r.state.into {
	case "title":
		if r.title.Len() < 4000 {
			r.title.WriteString(text)
		}
	case "stylesheet":
		if r.named.Len() < 400 {
			r.named.WriteString(text)
		}
	case "note":
		if r.note.Len() < maxToken {
			r.note.WriteString(text)
		}
	case "":
		if !r.state.hidden {
			r.text.WriteString(text)
		}
		if r.text.Len() > maxToken {
			r.paragraph()
		}
	}
}

// control reads a control word or sign.
func (r *rtf) control() {
	r.at++
	if r.at >= len(r.data) {
		return
	}
	c := r.data[r.at]
	if c|0x20 < 'a' || c|0x20 > 'z' {
		r.at++
		r.sign(c)
		return
	}
	from := r.at
	for r.at < len(r.data) && r.data[r.at]|0x20 >= 'a' && r.data[r.at]|0x20 <= 'z' && r.at-from < 32 {
		r.at++
	}
	word := string(r.data[from:r.at])
	from = r.at
	if r.at < len(r.data) && r.data[r.at] == '-' {
		r.at++
	}
	for r.at < len(r.data) && r.data[r.at] >= '0' && r.data[r.at] <= '9' && r.at-from < 11 {
		r.at++
	}
	n, err := strconv.Atoi(string(r.data[from:r.at]))
	stated := err == nil
	if r.at < len(r.data) && r.data[r.at] == ' ' {
		r.at++
	}
	if word == "bin" {
		r.at = min(r.at+max(n, 0), len(r.data))
		return
	}
	if word == "u" && stated {
		r.unicode(n)
		return
	}
	if r.drop > 0 {
		r.drop--
		return
	}
	r.flush()
	r.word(word, n, stated)
}

func (r *rtf) unicode(n int) {
	r.flush()
	r.drop = r.state.uc
	c := rune(n)
	if n < 0 {
		c = rune(n + 65_536)
	}
	switch {
	case c >= 0xd800 && c < 0xdc00:
		r.high = c
	case c >= 0xdc00 && c < 0xe000:
		r.write(string(utf16.DecodeRune(r.high, c)))
		r.high = 0
	case c >= 0xf000 && c <= 0xf0ff: // a sign of a symbol font
	default:
		r.write(string(c))
	}
}

func (r *rtf) sign(c byte) {
	switch c {
	case '\'':
		n, err := strconv.ParseUint(string(r.data[r.at:min(r.at+2, len(r.data))]), 16, 8)
		r.at = min(r.at+2, len(r.data))
		if err == nil {
			r.byte(byte(n))
		}
		return
	case '*':
		r.flush()
		r.state.skip = true
		return
	}
	if r.drop > 0 {
		r.drop--
		return
	}
	r.flush()
	switch c {
	case '{', '}', '\\':
		r.write(string(c))
	case '~':
		r.write(" ")
	case '_':
		r.write("-")
	case '\r', '\n':
		r.word("par", 0, false)
	}
}

// paragraph ends the paragraph read so far.
func (r *rtf) paragraph() {
	if r.inTable { // a further paragraph of the cell
		if r.text.Len() > 0 {
			r.text.WriteByte(' ')
		}
		if r.text.Len() > maxToken {
			r.row.add(r.text.String(), 1)
			r.text.Reset()
		}
		return
	}
	text := strings.TrimSpace(r.text.String())
	r.text.Reset()
	s := r.styles[r.state.style]
	block := doc.Block{Kind: doc.Paragraph, Text: text}
	switch {
	case s.contents:
		block.Text = ""
	case r.outline > 0:
		block.Kind, block.Level = doc.Heading, r.outline
	case s.heading > 0:
		block.Kind, block.Level = doc.Heading, s.heading
	case r.item > 0:
		block.Kind, block.Level = doc.Item, r.item
	case s.quote:
		block.Kind = doc.Quote
	}
	r.b.Add(block)
	r.addAfter()
}

func (r *rtf) addAfter() {
	for _, block := range r.after {
		r.b.Add(block)
	}
	r.after = nil
}

func (r *rtf) endRow() {
	for i := range r.row.cells {
		if i < len(r.cells) && r.cells[i] && r.row.cells[i] == "" {
			r.row.cells[i] = r.row.above[i]
		}
		if i < 64 {
			r.row.above[i] = doc.First(r.row.cells[i], maxCell)
		}
	}
	for _, block := range r.row.row() {
		r.b.Add(block)
	}
	r.addAfter()
}
