// Package table writes rows as JSON, CSV, XML or as an aligned table for a
// terminal, one row at a time where the form allows it.
//
// What a newcomer gets wrong: cells come from people. CSV cells that a
// spreadsheet would run as a formula are guarded, and control characters never
// reach a terminal.
package table

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"time"
)

// A Format is a form of output.
type Format string

// The formats.
const (
	Text Format = "text" // aligned columns for a terminal; held until Close
	JSON Format = "json" // a list of objects
	CSV  Format = "csv"  // RFC 4180 with a header line
	XML  Format = "xml"  // <rows><row><column>…
)

// A Writer takes rows of as many cells as there are columns, then Close. Cells
// are text, numbers, booleans, times or nil; after an error it is of no use.
type Writer interface {
	Row(cells ...any) error
	Close() error
}

// New returns a writer of columns in the format. Columns are named as in JSON:
// letters and digits that begin with a letter.
func New(w io.Writer, format Format, columns ...string) (Writer, error) {
	seen := map[string]bool{}
	for _, name := range columns {
		if !isName(name) || seen[name] {
			return nil, fmt.Errorf("table: the column name %q is not usable", name)
		}
		seen[name] = true
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("table: no columns")
	}
	var inner Writer
	switch format {
	case Text:
		inner = newText(w, columns)
	case JSON:
		inner = &jsonRows{w: w, columns: columns}
	case CSV:
		c, err := newCSV(w, columns)
		if err != nil {
			return nil, err
		}
		inner = c
	case XML:
		x, err := newXML(w, columns)
		if err != nil {
			return nil, err
		}
		inner = x
	default:
		return nil, fmt.Errorf("table: unknown format %q", format)
	}
	return &counted{Writer: inner, columns: len(columns)}, nil
}

// counted refuses a row that does not fit its columns.
type counted struct {
	Writer
	columns int
}

func (c *counted) Row(cells ...any) error {
	if len(cells) != c.columns {
		return fmt.Errorf("table: %d cells for %d columns", len(cells), c.columns)
	}
	return c.Writer.Row(cells...)
}

func isName(s string) bool {
	for i, r := range []byte(s) {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// plain is a cell as text, and whether it is a number.
func plain(cell any) (s string, number bool) {
	switch v := cell.(type) {
	case nil:
		return "", false
	case string:
		return v, false
	case time.Time:
		if v.IsZero() {
			return "", false
		}
		return v.UTC().Format(time.RFC3339), false
	}
	switch v := reflect.ValueOf(cell); v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), true
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'f', -1, 64), true
		}
		return "", false // JSON has no word for these either
	case reflect.String:
		return v.String(), false
	}
	return fmt.Sprint(cell), false
}
