// Package table writes rows as JSON, CSV, XML or as an aligned table for a
// terminal, one row at a time where the form allows it.
//
// What a newcomer gets wrong: cells come from people. CSV cells that a
// spreadsheet would run as a formula are guarded, and control characters never
// reach a terminal.
package table

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// A Format is a form of output.
type Format string

// The formats.
const (
	Text Format = "text"
	JSON Format = "json"
	CSV  Format = "csv"
	XML  Format = "xml"
)

// A Writer takes rows of as many cells as there are columns, then Close.
type Writer interface {
	Row(cells ...any) error
	Close() error
}

// New returns a writer of columns, named as JSON keys, in the format.
func New(w io.Writer, format Format, columns ...string) (Writer, error) {
	switch format {
	case Text:
		return &text{w: w, rows: [][]string{columns}}, nil
	case JSON:
		return &jsonRows{w: w, columns: columns}, nil
	case CSV:
		c := &csvRows{w: csv.NewWriter(w)}
		return c, c.w.Write(columns)
	case XML:
		_, err := io.WriteString(w, xml.Header+"<rows>\n")
		return &xmlRows{w: w, columns: columns}, err
	}
	return nil, fmt.Errorf("table: unknown format %q", format)
}

type jsonRows struct {
	w       io.Writer
	columns []string
	some    bool
}

func (j *jsonRows) Row(cells ...any) error {
	var b strings.Builder
	b.WriteString(map[bool]string{false: "[\n  {", true: ",\n  {"}[j.some])
	j.some = true
	for i, name := range j.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		value, err := json.Marshal(cells[i])
		if err != nil {
			return err
		}
		b.Write(key)
		b.WriteString(": ")
		b.Write(value)
	}
	b.WriteString("}")
	_, err := io.WriteString(j.w, b.String())
	return err
}

func (j *jsonRows) Close() error {
	end := "[]\n"
	if j.some {
		end = "\n]\n"
	}
	_, err := io.WriteString(j.w, end)
	return err
}

type csvRows struct{ w *csv.Writer }

func (c *csvRows) Row(cells ...any) error {
	record := make([]string, len(cells))
	for i, cell := range cells {
		record[i] = guard(cell)
	}
	return c.w.Write(record)
}

func (c *csvRows) Close() error {
	c.w.Flush()
	return c.w.Error()
}

// guard keeps a spreadsheet from running a text cell: numbers stay numbers.
func guard(cell any) string {
	s, isText := cell.(string)
	if !isText {
		return fmt.Sprint(cell)
	}
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

type xmlRows struct {
	w       io.Writer
	columns []string
}

func (x *xmlRows) Row(cells ...any) error {
	var b strings.Builder
	b.WriteString("  <row>")
	for i, name := range x.columns {
		b.WriteString("<" + name + ">")
		if err := xml.EscapeText(&b, []byte(fmt.Sprint(cells[i]))); err != nil {
			return err
		}
		b.WriteString("</" + name + ">")
	}
	b.WriteString("</row>\n")
	_, err := io.WriteString(x.w, b.String())
	return err
}

func (x *xmlRows) Close() error {
	_, err := io.WriteString(x.w, "</rows>\n")
	return err
}

// text holds its rows until Close, because a column is as wide as its widest cell.
type text struct {
	w    io.Writer
	rows [][]string
}

func (t *text) Row(cells ...any) error {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = Clean(fmt.Sprint(cell))
	}
	t.rows = append(t.rows, row)
	return nil
}

func (t *text) Close() error {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	for _, row := range t.rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-Width(cell)+2))
			}
		}
		if _, err := io.WriteString(t.w, strings.TrimRight(b.String(), " ")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// Clean makes foreign text harmless on one line of a terminal: control and
// formatting characters, escapes among them, become a space or vanish.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}

// Width is how many columns a terminal gives s.
func Width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r):
		case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
