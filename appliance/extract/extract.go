// Package extract turns the bytes of a document into blocks of plain text with
// positions.
//
// What a newcomer gets wrong: positions are counted in characters (Unicode code
// points) of the extracted text, blocks joined by one line break, never in
// bytes of the file.
package extract

import "context"

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

// Parse reads a document by its name and bytes. It does no input or output, so
// that it can run in a fenced process.
func Parse(ctx context.Context, name string, data []byte) (Document, error) {
	return Document{}, nil
}
