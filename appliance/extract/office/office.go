// Package office reads what office programs write: Word, PowerPoint and Excel
// files, OpenDocument and RTF.
//
// What a newcomer gets wrong: nothing here may trust a size, a count or a depth
// that a file states. Every repetition is bounded, every inner file is read as a
// stream through one budget (pack.go), and XML is walked, never loaded (walk.go).
package office

import (
	"fmt"
	"regexp"
	"strings"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

const (
	maxDepth = 200    // elements, groups or tables inside each other
	maxCells = 16_384 // columns of a row, as Excel has them
	maxHeld  = 20_000 // paragraphs of a cell
	maxCell  = 32_767 // characters of a cell, as Excel has them
)

func damaged(cause error) error {
	return fault.New(fault.Invalid, "The file is damaged or not complete.").Code("file-damaged").
		Cure("Open it in its own program, save it again and add the new file.").Because(cause)
}

func bomb(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).Code("file-bomb").
		Cure("Check where the file comes from; if it is trusted, split it into smaller files.")
}

// locked is a file that its password would open.
func locked() error {
	return fault.New(fault.Invalid, "The file is locked with a password.").Code("file-locked").Cure("Give its password, or save it without one and add it again.")
}

// sealedFile is a file whose inner files are locked each; none of them is opened here.
func sealedFile() error {
	return fault.New(fault.Unsupported, "The file is locked with a password, and locked files of this kind cannot be opened here.").Code("file-lock-unknown").
		Cure("Save it without a password in its own program and add it again.")
}

func wrong(what, have string) error {
	return fault.New(fault.Unsupported, "This is not %s; it holds %s.", what, have).
		Cure("Give the file the ending of what it is, or save it again in its own program.")
}

// table collects the cells of a table's rows. Text of cells that are merged
// downwards is said in each row, so that a row means something alone.
type table struct {
	above map[int]string // what stood in a merged column
	cells []string
	after []doc.Block // nested tables and notes, which follow their row
	head  bool        // the row names the columns
	begun bool
}

func (t *table) add(text string, span int) {
	for i := range min(max(span, 1), 64) {
		if len(t.cells) >= maxCells {
			return
		}
		if i > 0 {
			text = ""
		}
		t.cells = append(t.cells, doc.OneLine(text))
	}
}

// row ends a row and returns its block and what follows it.
func (t *table) row() []doc.Block {
	var out []doc.Block
	if block := doc.RowOf(t.cells, 1); block.Text != "" {
		if block.First = !t.begun; t.head {
			block.Role = doc.Head
		}
		t.begun = true
		out = append(out, block)
	}
	out = append(out, t.after...)
	t.cells, t.after, t.head = t.cells[:0], nil, false
	return out
}

// plain is the text of blocks that stand in a cell.
func plain(blocks []doc.Block) (text string, rows []doc.Block) {
	var parts []string
	for _, b := range blocks {
		switch b.Kind {
		case doc.Row:
			rows = append(rows, b)
		default:
			parts = append(parts, b.Text)
		}
	}
	return strings.Join(parts, " "), rows
}

// Titles that programs give by themselves say nothing about the document.
var emptyTitle = regexp.MustCompile(`(?i)^(microsoft (word|powerpoint|excel)\b.*|(document|dokument|presentation|präsentation|mappe|book|workbook|classeur|diapositive)\s*\d*|powerpoint[- ]?(presentation|präsentation)|présentation powerpoint|presentación de powerpoint|slide\s*\d*|folie\s*\d*|untitled.*|unbenannt.*|ohne titel.*|sans titre.*|template|vorlage|normal(\.dotm?)?|.*\.(docx?|dotx?|pptx?|potx?|xlsx?|odt|ods|odp|rtf|tmp))$`)

// entitle gives the document its own title where it is meaningful, otherwise its
// first heading among the blocks that came after from.
func entitle(b *doc.Builder, title string, from int) {
	if b.Title != "" {
		return
	}
	title = doc.OneLine(title)
	if len(title) > 2 && !emptyTitle.MatchString(title) {
		b.Title = title
		return
	}
	for _, block := range b.Blocks()[from:] {
		if block.Kind == doc.Heading {
			b.Title = block.Text
			return
		}
	}
}

// gather collects blocks of a cell, a note or a text box, as many as a real one has.
func gather(b *doc.Builder, list *[]doc.Block) func(doc.Block) error {
	return func(block doc.Block) error {
		if len(*list) >= maxHeld {
			return bomb("A cell, note or text box of the file holds more than %d paragraphs.", maxHeld)
		}
		*list = append(*list, block)
		return b.Err()
	}
}

func footnote(kind string, n int, text string) doc.Block {
	role := doc.Footnote
	if kind == "Comment" {
		role = doc.Comment
	}
	return doc.Block{Kind: doc.Paragraph, Role: role, Text: fmt.Sprintf("%s %d: %s", kind, n, text)}
}
