package table

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// text holds its rows until Close, because a column is as wide as its widest cell.
type text struct {
	w       io.Writer
	rows    [][]string
	numbers []bool // the column holds nothing else, so it is set flush right
}

func newText(w io.Writer, columns []string) *text {
	t := &text{w: w, numbers: make([]bool, len(columns))}
	head := make([]string, len(columns))
	for i, name := range columns {
		head[i] = heading(name)
		t.numbers[i] = true
	}
	t.rows = append(t.rows, head)
	return t
}

// heading turns a name of JSON into one of a table: workspaceRole, WORKSPACE ROLE.
func heading(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

func (t *text) Row(cells ...any) error {
	row := make([]string, len(cells))
	for i, cell := range cells {
		s, number := plain(cell)
		row[i] = Clean(s)
		t.numbers[i] = t.numbers[i] && (number || s == "")
	}
	t.rows = append(t.rows, row)
	return nil
}

func (t *text) Close() error {
	widths := make([]int, len(t.numbers))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	for _, row := range t.rows {
		var b strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-Width(cell))
			if t.numbers[i] && len(t.rows) > 1 {
				b.WriteString(space + cell)
			} else {
				b.WriteString(cell + space)
			}
			if i < len(row)-1 {
				b.WriteString("  ")
			}
		}
		if _, err := io.WriteString(t.w, strings.TrimRight(b.String(), " ")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// Clean makes foreign text harmless on one line of a terminal: line breaks and
// tabs become a space; control characters, the escape among them, and the marks
// that turn the direction of writing vanish.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r', unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case r == '\u200c', r == '\u200d': // Persian and Indic words are spelled with these
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r // a byte that is no UTF-8 arrives here as the replacement character
	}, s)
}

// Lines is Clean for text of several lines: its line breaks stay.
func Lines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = Clean(line)
	}
	return strings.Join(lines, "\n")
}

// Wrap cleans s and breaks it into lines of at most columns, at spaces; a word
// that is longer gets a line of its own.
func Wrap(s string, columns int) []string {
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(Clean(s)) {
		w := Width(word)
		if line != "" && used+1+w > columns {
			lines = append(lines, line)
			line, used = "", 0
		}
		if line != "" {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+w
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// Width is how many columns a terminal gives s.
func Width(s string) int {
	n := 0
	for _, r := range s {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Cc), r >= '\u1160' && r <= '\u11ff':
			// Marks stand on the letter before; so do the later letters of a Korean syllable.
		case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
