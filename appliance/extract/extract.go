// Package extract turns the bytes of a document into blocks of plain text with
// positions.
//
// What a newcomer gets wrong: positions are counted in characters (Unicode code
// points) of the extracted text, blocks joined by one line break, never in
// bytes of the file. And nothing here reads, writes or keeps state: readers run
// in a fenced process on files of strangers.
package extract

import (
	"context"
	"strings"

	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/pdf"
	"chatets/appliance/fault"
)

// The kinds of block.
const (
	Heading   = doc.Heading
	Paragraph = doc.Paragraph
	Item      = doc.Item
	Code      = doc.Code
	Quote     = doc.Quote
	Row       = doc.Row
)

// Attachment is the role of a heading that names a file inside the document.
const Attachment = doc.Attachment

// Block is a paragraph, a heading, a list item or the like.
type Block = doc.Block

// Box is the place of a line of a block on its page.
type Box = doc.Box

// Document is what was read.
type Document = doc.Document

// Sentence is the length in bytes of the first sentence of a text with the white
// space behind it.
func Sentence(text string) int { return doc.Sentence(text) }

// maxDepth is how many files may lie inside each other: a document in an archive
// that is attached to a mail.
const maxDepth = 4

// Parse reads a document by its name and bytes. It does no input or output.
// What cannot be read is fault.Unsupported or fault.Invalid, with the cure.
func Parse(ctx context.Context, name string, data []byte) (Document, error) {
	return parse(ctx, name, data, options{})
}

// options are what a reader may be told beside name and bytes.
type options struct {
	password string
	pdf      pdfReader // nil = the simple one
	ocr      func(ctx context.Context, picture []byte) ([]byte, error)
	pages    func(done, total int) // nil = nobody is told
}

func parse(ctx context.Context, name string, data []byte, o options) (Document, error) {
	b := doc.NewBuilder(ctx)
	if err := into(ctx, name, data, o, b, 0); err != nil && !doc.Full(err) {
		return Document{}, err
	}
	d, err := b.Document(name)
	if err == nil && d.Language == "" {
		d.Language = languageOf(d)
	}
	return d, err
}

// Language tells the language of a text, two letters; "" = not known.
func Language(text string) string { return doc.Language(text) }

// languageOf looks at the beginning, the middle and the end of a document.
func languageOf(d Document) string {
	var sample strings.Builder
	for _, from := range []int{0, len(d.Blocks) / 2, len(d.Blocks) - 10} {
		for i := max(from, 0); i < min(len(d.Blocks), from+60) && sample.Len() < 8000*(1+from/max(len(d.Blocks)/2, 1)); i++ {
			if d.Blocks[i].Kind != Code {
				sample.WriteString(d.Blocks[i].Text)
				sample.WriteByte('\n')
			}
		}
	}
	return doc.Language(sample.String())
}

// readPDF reads with the parser that was opened, or without one by the simpler reader.
func (o options) readPDF(ctx context.Context, in doc.Input, b *doc.Builder) error {
	if o.pdf == nil {
		return pdf.Plain(ctx, in, b)
	}
	return o.pdf(ctx, in, b)
}

// into reads one file into b, and the files inside it.
func into(ctx context.Context, name string, data []byte, o options, b *doc.Builder, depth int) error {
	f, err := o.formatOf(name, data)
	if err != nil {
		return err
	}
	if depth >= maxDepth {
		return fault.New(fault.Unsupported, "Files lie more than %d deep inside each other.", maxDepth).Cure("Unpack it and add the files themselves.")
	}
	inner := func(ctx context.Context, name string, data []byte, b *doc.Builder) error {
		return b.InFile(name, func() error { return into(ctx, name, data, o, b, depth+1) })
	}
	return f.read(ctx, doc.Input{Name: name, Data: data, Password: o.password, Inner: inner, Recognise: o.ocr, Pages: o.pages}, b)
}
