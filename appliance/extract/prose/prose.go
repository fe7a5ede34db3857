// Package prose reads what is written as text: plain text and Markdown.
package prose

import (
	"context"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// builder adds blocks of text to a document.
type builder struct {
	*doc.Builder
	lang string // of all code
}

func (b *builder) add(kind string, level int, text string) {
	block := doc.Block{Kind: kind, Level: level, Text: text}
	if kind == doc.Code {
		block.Lang = b.lang
	}
	b.Add(block)
}

// Text reads a plain text in any encoding.
func Text(ctx context.Context, in doc.Input, b *doc.Builder) error {
	return read(in, b, (*builder).plain)
}

// Markdown reads Markdown, with tables and the HTML inside it.
func Markdown(ctx context.Context, in doc.Input, b *doc.Builder) error {
	return read(in, b, (*builder).markdown)
}

func read(in doc.Input, b *doc.Builder, parse func(b *builder, text string)) error {
	if len(in.Data) > doc.MaxBytes {
		return fault.New(fault.TooLarge, "The text is larger than %d MB.", doc.MaxBytes/1_000_000).Cure("Split it into several documents.")
	}
	text, notes, err := doc.Decode(in.Data)
	if err != nil {
		return err
	}
	for _, n := range notes {
		b.Note(n)
	}
	parse(&builder{Builder: b}, text)
	return b.Err()
}
