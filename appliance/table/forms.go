package table

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

type jsonRows struct {
	w       io.Writer
	columns []string
	some    bool
}

func (j *jsonRows) Row(cells ...any) error {
	var b strings.Builder
	if j.some {
		b.WriteString(",\n  {")
	} else {
		b.WriteString("[\n  {")
	}
	j.some = true
	for i, name := range j.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + name + `": `)
		value, err := jsonValue(cells[i])
		if err != nil {
			return err
		}
		b.WriteString(value)
	}
	b.WriteString("}")
	_, err := io.WriteString(j.w, b.String())
	return err
}

// jsonValue is a cell as JSON: what has no text there, such as an infinite
// number or the zero time, is null.
func jsonValue(cell any) (string, error) {
	s, number := plain(cell)
	if number {
		return s, nil
	}
	kind := reflect.ValueOf(cell).Kind()
	switch _, isTime := cell.(time.Time); {
	case kind == reflect.String, isTime && s != "":
		cell = s
	case s == "":
		return "null", nil
	}
	return Marshal(cell, "")
}

// Marshal is v as JSON for people and programs alike: it is indented where
// indent says so, keeps < and > readable, and spells out the characters that a
// terminal would obey, which JSON itself leaves alone.
func Marshal(v any, indent string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	// Outside of its texts JSON holds none of these but the line breaks.
	var safe strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) && r <= 0xffff:
			fmt.Fprintf(&safe, `\u%04x`, r)
		case unicode.Is(unicode.Cf, r):
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&safe, `\u%04x\u%04x`, high, low)
		default:
			safe.WriteRune(r)
		}
	}
	return safe.String(), nil
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

func newCSV(w io.Writer, columns []string) (*csvRows, error) {
	c := &csvRows{w: csv.NewWriter(w)}
	c.w.UseCRLF = true // RFC 4180, and what spreadsheets expect
	return c, c.w.Write(columns)
}

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

// guard keeps a spreadsheet from running a text cell as a formula; numbers stay
// numbers, with their sign. The full-width signs count too: some spreadsheets
// read them as the plain ones.
func guard(cell any) string {
	s, number := plain(cell)
	if number || s == "" {
		return s
	}
	if first, _ := utf8.DecodeRuneInString(s); strings.ContainsRune("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20", first) {
		return "'" + s
	}
	return s
}

type xmlRows struct {
	w       io.Writer
	columns []string
}

func newXML(w io.Writer, columns []string) (*xmlRows, error) {
	_, err := io.WriteString(w, xml.Header+"<rows>\n")
	return &xmlRows{w: w, columns: columns}, err
}

func (x *xmlRows) Row(cells ...any) error {
	var b strings.Builder
	b.WriteString("  <row>")
	for i, name := range x.columns {
		b.WriteString("<" + name + ">")
		s, _ := plain(cells[i])
		// Characters that XML cannot hold become the replacement character.
		if err := xml.EscapeText(&b, []byte(s)); err != nil {
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
