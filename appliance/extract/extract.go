// Package extract turns the bytes of a document into blocks of plain text with
// positions.
//
// What a newcomer gets wrong: positions are counted in characters (Unicode code
// points) of the extracted text, blocks joined by one line break, never in
// bytes of the file. And nothing here reads, writes or keeps state: the package
// will run in a fenced process on files of strangers.
package extract

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

// Block is a paragraph, a heading, a list item or the like.
type Block struct {
	Kind  string // heading, paragraph, item, code, quote or row
	Level int    // of a heading 1..6, of an item its depth from 1, otherwise 0
	Page  int    // from 1 where the format has pages, otherwise 0
	Text  string // plain, NFC, no markup
	Start int    // first character in the whole text
	End   int    // one after the last character
}

// Document is what was read.
type Document struct {
	Title  string // from the document itself, otherwise from its name
	Blocks []Block
	Notes  []string // what a reader should know, for example a guessed encoding
}

// Characters is the length of the whole text.
func (d Document) Characters() int {
	if len(d.Blocks) == 0 {
		return 0
	}
	return d.Blocks[len(d.Blocks)-1].End
}

// The media types that are read.
const (
	Text     = "text/plain"
	Markdown = "text/markdown"
)

// MaxBytes is the most a text may have.
const MaxBytes = 32_000_000

// A block that is longer is split where a sentence or a word ends.
const (
	maxBlock = 2000
	maxTitle = 200
)

// Type tells the media type of a file by its name and its first bytes. What
// cannot be read is fault.Unsupported, with a sentence that names what can.
func Type(name string, head []byte) (string, error) {
	ending := strings.ToLower(path.Ext(name))
	if what := magic(head); what != "" {
		return "", unreadable("This file is %s, whatever its name says.", what)
	}
	switch ending {
	case ".txt", ".text", ".log", "":
		return Text, nil
	case ".md", ".markdown", ".mdown", ".mkd":
		return Markdown, nil
	}
	return "", unreadable("Files of type %s are not read yet.", ending)
}

func unreadable(format string, args ...any) error {
	return fault.New(fault.Unsupported, format, args...).Cure("Add it as plain text (.txt) or Markdown (.md); these are read today.")
}

// magic names well-known binary files by how they begin.
func magic(head []byte) string {
	for _, m := range []struct{ begin, what string }{
		{"%PDF-", "a PDF document"}, {"PK\x03\x04", "a ZIP archive or an Office document"}, {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"},
		{"{\\rtf", "an RTF document"}, {"\x89PNG", "a picture"}, {"\xff\xd8\xff", "a picture"}, {"GIF8", "a picture"}, {"\x1f\x8b", "a compressed file"},
		{"\x7fELF", "a program"}, {"MZ\x90\x00", "a program"}, {"SQLite format 3\x00", "a database"},
	} {
		if strings.HasPrefix(string(head[:min(len(head), 32)]), m.begin) {
			return m.what
		}
	}
	return ""
}

// Parse reads a document by its name and bytes. It does no input or output.
// What cannot be read is fault.Unsupported or fault.Invalid, with the cure.
func Parse(ctx context.Context, name string, data []byte) (Document, error) {
	media, err := Type(name, data)
	if err != nil {
		return Document{}, err
	}
	if len(data) > MaxBytes {
		return Document{}, fault.New(fault.TooLarge, "The text is larger than %d MB.", MaxBytes/1_000_000).Cure("Split it into several documents.")
	}
	text, notes, err := decode(data)
	if err != nil {
		return Document{}, err
	}
	b := builder{ctx: ctx}
	if media == Markdown {
		b.markdown(text)
	} else {
		b.plain(text)
	}
	if err := ctx.Err(); err != nil {
		return Document{}, err
	}
	if len(b.blocks) == 0 {
		return Document{}, fault.New(fault.Invalid, "There is no text in the file.").Cure("Check the file: it is empty or holds only white space or markup.")
	}
	title := b.title
	if title == "" {
		title = strings.TrimSuffix(name, path.Ext(name))
	}
	return Document{Title: first(oneLine(title), maxTitle), Blocks: b.blocks, Notes: notes}, nil
}

// builder collects blocks and counts their positions.
type builder struct {
	ctx    context.Context
	blocks []Block
	at     int // position of the next block
	title  string
}

// add appends a block, split where it is too long; an empty one is left out.
func (b *builder) add(kind string, level int, text string) {
	text = clean(text)
	if kind == Code {
		text = strings.Trim(text, "\n")
		if strings.TrimSpace(text) == "" {
			return
		}
	} else {
		text = strings.TrimSpace(text)
	}
	for text != "" {
		part := text
		if kind == Code {
			part, text = cutLines(text, maxBlock)
		} else {
			part, text = cutSentence(text, maxBlock)
		}
		n := utf8.RuneCountInString(part)
		b.blocks = append(b.blocks, Block{Kind: kind, Level: level, Text: part, Start: b.at, End: b.at + n})
		b.at += n + 1
	}
}

// oneLine puts one space for each run of white space.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// first is the text's first n characters.
func first(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
