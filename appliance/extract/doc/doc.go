// Package doc is what every reader of a format writes into: blocks of plain
// text with their places, and the means to make text plain.
//
// What a newcomer gets wrong: positions are counted in characters (Unicode code
// points) of the extracted text, blocks joined by one line break, never in
// bytes of the file.
package doc

import (
	"context"
	"path"
	"strings"
	"unicode/utf8"

	"chatets/appliance/fault"
)

// The kinds of block.
const (
	Heading   = "heading"
	Paragraph = "paragraph"
	Item      = "item"
	Code      = "code"
	Quote     = "quote"
	Row       = "row"
)

// Block is a paragraph, a heading, a list item, a row of a table or the like.
// End stays the last field: whoever turns the pages of a long text reads it off
// the end of a line without decoding the rest.
type Block struct {
	Kind  string // heading, paragraph, item, code, quote or row
	Level int    // of a heading 1..6, of an item its depth from 1, otherwise 0
	Page  int    // page or slide from 1 where the format has them, otherwise 0
	Sheet string `json:",omitempty"` // name of the sheet, in spreadsheets
	Cells string `json:",omitempty"` // range of cells the block was made of, "A3:F3"
	Boxes []Box  `json:",omitempty"` // where on its page the text stands, where that is known
	Role  string `json:",omitempty"` // what it is besides its kind, "" = nothing more
	Lang  string `json:",omitempty"` // of code, as the document names it
	File  string `json:",omitempty"` // path of the file it stands in, inside a mail or an archive; pages and sheets are those of it
	First bool   `json:",omitempty"` // of a row: a table begins with it, and says by Role which rows are its head
	Grid  []Cell `json:",omitempty"` // of a row: its cells with something in them, where they are known
	Text  string // plain, normalised, no markup; the cells of a row are joined by " | "
	Start int    // first character in the whole text
	End   int    // one after the last character
}

// What a block is besides its kind.
const (
	Head       = "head"       // a row that names the columns
	Notes      = "notes"      // of the speaker of a slide
	Comment    = "comment"    // of somebody who read the document
	Footnote   = "footnote"   // or endnote
	Header     = "header"     // of a mail: a line each for sender, receivers, date and attachments
	Attachment = "attachment" // a heading: the name of a file in a mail or an archive
)

// Cell is a cell of a row.
type Cell struct {
	Column   int // from 1
	From, To int // characters of the block's text
}

// Box is the place of a line of a block on its page, in fractions of the page's
// width and height from its upper left corner, 0..1.
type Box struct {
	From, To   int // characters of the block's text
	X, Y, W, H float32
	Page       int `json:",omitempty"` // where the block goes on to another page than it began on, otherwise 0
}

// Document is what was read.
type Document struct {
	Title    string // from the document itself, otherwise from its name
	Language string // two letters of ISO 639-1, "" = not known
	Pages    int    // pages or slides, 0 where the format has none
	Blocks   []Block
	Notes    []string // what a reader should know, for example a guessed encoding
}

// Characters is the length of the whole text.
func (d Document) Characters() int {
	if len(d.Blocks) == 0 {
		return 0
	}
	return d.Blocks[len(d.Blocks)-1].End
}

// Input is a file for a reader.
type Input struct {
	Name     string // as it was uploaded
	Data     []byte
	Password string // of a file that is locked, "" = none is known
	// Inner reads a file that lies inside this one, an attachment or an entry of
	// an archive, into the same builder; it refuses what lies too deep.
	Inner func(ctx context.Context, name string, data []byte, b *Builder) error
	// Recognise reads the letters in a picture (PNG, JPEG or TIFF) and returns
	// tesseract's TSV; nil = no OCR is installed.
	Recognise func(ctx context.Context, picture []byte) (tsv []byte, err error)
	// Pages is told how many pages were read, of so many; nil = nobody is.
	Pages func(done, total int)
}

// Limits of what one file may become; a reader that meets one stops and notes it.
const (
	MaxBytes      = 32_000_000  // of a plain text
	MaxUnpacked   = 512_000_000 // bytes that one compressed file may unpack to in all
	MaxBlocks     = 500_000
	MaxCharacters = 40_000_000
	MaxNotes      = 20

	maxBlock = 2000 // characters; a longer block is split where a sentence or a word ends
	maxTitle = 200
)

// Builder collects blocks and counts their positions.
type Builder struct {
	Title string // of the document itself; "" = take the file's name
	Pages int    // raised by Add

	ctx    context.Context
	blocks []Block
	notes  []string
	at     int // position of the next block
	shift  int // added to the level of headings, inside archives
	file   string
	full   bool
}

// NewBuilder makes an empty one.
func NewBuilder(ctx context.Context) *Builder { return &Builder{ctx: ctx} }

// Err says why reading should end: the context, or that the document is full.
func (b *Builder) Err() error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if b.full {
		return errFull
	}
	return nil
}

// Blocks are the ones added so far.
func (b *Builder) Blocks() []Block { return b.blocks }

// Note tells the reader of the document something, once.
func (b *Builder) Note(text string) {
	for _, n := range b.notes {
		if n == text {
			return
		}
	}
	if len(b.notes) < MaxNotes {
		b.notes = append(b.notes, text)
	}
}

// Within puts the headings of what read adds n levels deeper.
func (b *Builder) Within(n int, read func() error) error {
	b.shift += n
	defer func() { b.shift -= n }()
	return read()
}

// InFile reads a file that lies inside the document: what read adds is marked
// with its path, and its pages are not counted as those of the document.
func (b *Builder) InFile(name string, read func() error) error {
	pages, file := b.Pages, b.file
	b.file = First(path.Join(file, name), 400)
	defer func() { b.Pages, b.file = pages, file }()
	return read()
}

// Add appends a block; Start and End are set here. One that is too long is
// split, with its boxes; an empty one is left out.
func (b *Builder) Add(block Block) {
	text := Clean(block.Text)
	if block.Kind == Code {
		text = strings.Trim(text, "\n")
		if strings.TrimSpace(text) == "" {
			return
		}
	} else {
		text = strings.TrimSpace(text)
	}
	if block.Kind == Heading {
		block.Level = min(max(block.Level, 1)+b.shift, 6)
	}
	b.Pages = max(b.Pages, block.Page)
	block.File = b.file
	boxes, grid := block.Boxes, block.Grid
	if text != block.Text && utf8.RuneCountInString(text) != utf8.RuneCountInString(block.Text) {
		boxes, grid = stretch(boxes, utf8.RuneCountInString(block.Text), utf8.RuneCountInString(text)), nil
	}
	done := 0
	for text != "" {
		if len(b.blocks) >= MaxBlocks || b.at >= MaxCharacters {
			b.full = true
			b.Note("The document is very long; only its first part was read.")
			return
		}
		part, rest := text, ""
		if block.Kind == Code {
			part, rest = cutLines(text, maxBlock)
		} else {
			part, rest = cutSentence(text, maxBlock)
		}
		n := utf8.RuneCountInString(part)
		piece := block
		piece.Text, piece.Start, piece.End = part, b.at, b.at+n
		piece.Boxes, piece.Grid = between(boxes, done, done+n), cellsBetween(grid, done, done+n)
		piece.First = block.First && done == 0
		b.blocks = append(b.blocks, piece)
		b.at += n + 1
		done += utf8.RuneCountInString(text[:len(text)-len(rest)])
		text = rest
	}
}

// stretch fits the characters of boxes to a text that became longer or shorter
// when it was made plain.
func stretch(boxes []Box, from, to int) []Box {
	out := make([]Box, len(boxes))
	for i, box := range boxes {
		box.From, box.To = box.From*to/max(from, 1), box.To*to/max(from, 1)
		out[i] = box
	}
	return out
}

// between are the boxes of the characters from..to, counted from from.
func between(boxes []Box, from, to int) []Box {
	var out []Box
	for _, box := range boxes {
		if box.To <= from || box.From >= to {
			continue
		}
		box.From, box.To = max(box.From-from, 0), min(box.To, to)-from
		out = append(out, box)
	}
	return out
}

// Document is what was collected. A document without text is fault.Invalid.
func (b *Builder) Document(name string) (Document, error) {
	if err := b.ctx.Err(); err != nil {
		return Document{}, err
	}
	if len(b.blocks) == 0 {
		return Document{}, fault.New(fault.Invalid, "There is no text in the file.").Cure("Check the file: it is empty or holds only white space or markup.")
	}
	title := b.Title
	if strings.TrimSpace(title) == "" {
		title = strings.TrimSuffix(path.Base(name), path.Ext(name))
	}
	return Document{Title: First(OneLine(Clean(title)), maxTitle), Pages: b.Pages, Blocks: b.blocks, Notes: b.notes}, nil
}

// OneLine puts one space for each run of white space.
func OneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// First is the text's first n characters.
func First(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// errFull ends a reader whose document is full; what was read until then counts.
var errFull = fault.New(fault.TooLarge, "The document holds more text than ChatETS reads.").Code("document-full").Cure("Split it into several documents.")

// Full reports whether an error only says that the document is full.
func Full(err error) bool { return err != nil && fault.Of(err).Code == "document-full" }
