// Package data reads tables and structured data written as text: CSV, TSV, JSON
// and XML.
//
// What a newcomer gets wrong: a row is found and read without the rows around
// it, so each one says the names of its columns itself.
package data

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

const (
	maxColumns = 4096
	maxQuoted  = 64 << 10 // bytes of a quoted cell
	maxStrays  = 200      // quotation marks that nothing closes, until they are plain signs
)

// CSV reads a table of values parted by commas, semicolons, tabs or strokes;
// which one is found out.
func CSV(ctx context.Context, in doc.Input, b *doc.Builder) error { return separated(in, b, 0) }

// TSV reads a table of values parted by tabs.
func TSV(ctx context.Context, in doc.Input, b *doc.Builder) error { return separated(in, b, '\t') }

func separated(in doc.Input, b *doc.Builder, delimiter byte) error {
	text, err := decode(in, b)
	if err != nil {
		return err
	}
	if line, rest, _ := strings.Cut(text, "\n"); len(line) == 5 && strings.EqualFold(line[:4], "sep=") {
		delimiter, text = line[4], rest
	}
	if delimiter == 0 {
		delimiter = guess(text)
	}
	var names []string
	s := &scanner{text: text, delimiter: delimiter}
	for number := 1; b.Err() == nil; number++ {
		cells, more := s.record()
		if !more {
			break
		}
		if number == 1 {
			ahead := &scanner{text: text[:min(len(text), 256<<10)], delimiter: delimiter}
			if header(ahead) {
				names = cells
			}
		}
		block := doc.RowOf(doc.Inner(cells))
		switch {
		case number > 1 && names != nil:
			block = doc.NamedRow(names, cells)
		case names != nil:
			block.Role = doc.Head
		}
		block.Cells, block.First = fmt.Sprintf("A%d:%s%d", number, column(len(cells)), number), number == 1
		b.Add(block)
	}
	if s.strays > 0 {
		b.Note("Some quotation marks of the table are never closed; they were read as plain signs.")
	}
	return b.Err()
}

func decode(in doc.Input, b *doc.Builder) (string, error) {
	if len(in.Data) > doc.MaxBytes {
		return "", fault.New(fault.TooLarge, "The file is larger than %d MB.", doc.MaxBytes/1_000_000).Cure("Split it into several documents.")
	}
	text, notes, err := doc.Decode(in.Data)
	for _, n := range notes {
		b.Note(n)
	}
	return text, err
}

func joined(cells []string) string { return strings.Trim(strings.Join(cells, " | "), "| ") }

// column is the letter of the nth column of a sheet, from 1.
func column(n int) string {
	var name string
	for n = max(n, 1); n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// scanner takes records off a text. A quotation mark counts only at the
// beginning of a cell and only when another one ends it.
type scanner struct {
	text      string
	delimiter byte
	strays    int
}

// record is the next row that is not empty, and whether there was one.
func (s *scanner) record() (cells []string, more bool) {
	for s.text != "" {
		cell, last := s.cell()
		if len(cells) < maxColumns {
			cells = append(cells, doc.OneLine(cell))
		}
		if last {
			return cells, true
		}
	}
	return cells, len(cells) > 0
}

// cell is the next value, and whether it ends its record.
func (s *scanner) cell() (text string, last bool) {
	bare := strings.TrimLeft(s.text[:min(len(s.text), 16)], " ")
	if strings.HasPrefix(bare, `"`) && s.strays < maxStrays {
		from := strings.IndexByte(s.text, '"') + 1
		if text, n, found := s.quoted(s.text[from:]); found {
			s.text = s.text[from+n:]
			return text, s.after()
		}
		s.strays++
	}
	end := strings.IndexFunc(s.text, func(r rune) bool { return r == '\n' || r == rune(s.delimiter) })
	if end < 0 {
		end = len(s.text)
	}
	text = s.text[:end]
	s.text = s.text[end:]
	return text, s.after()
}

// quoted is the value up to its closing mark, and the bytes with the mark and
// the spaces behind it.
func (s *scanner) quoted(rest string) (text string, n int, found bool) {
	rest = rest[:min(len(rest), maxQuoted)]
	for i := 0; i < len(rest); i++ {
		if rest[i] != '"' {
			continue
		}
		if i+1 < len(rest) && rest[i+1] == '"' {
			i++
			continue
		}
		end := i + 1
		for end < len(rest) && rest[end] == ' ' {
			end++
		}
		if end == len(rest) && len(rest) < maxQuoted || end < len(rest) && (rest[end] == s.delimiter || rest[end] == '\n') {
			return strings.ReplaceAll(rest[:i], `""`, `"`), end, true
		}
		return "", 0, false // a mark inside a value: the first one opened nothing
	}
	return "", 0, false
}

// after steps over the sign behind a cell; true when the record ends there.
func (s *scanner) after() bool {
	if s.text == "" {
		return true
	}
	newline := s.text[0] == '\n'
	s.text = s.text[1:]
	return newline
}

// guess is the sign that parts the first rows most evenly.
func guess(text string) byte {
	best, most := byte(','), 0.0
	for _, d := range []byte{',', ';', '\t', '|'} {
		s := &scanner{text: text[:min(len(text), 64<<10)], delimiter: d}
		widths, rows := map[int]int{}, 0
		for ; rows < 100; rows++ {
			cells, more := s.record()
			if !more {
				break
			}
			widths[len(cells)]++
		}
		for width, n := range widths {
			if width < 2 {
				continue
			}
			score := float64(n)/float64(rows) + 0.001*float64(min(width, 100))
			if score > most {
				best, most = d, score
			}
		}
	}
	return best
}

// header reports whether the first row names the columns: short different words
// that are no values.
func header(s *scanner) bool {
	first, _ := s.record()
	seen := map[string]bool{}
	filled := 0
	for _, cell := range first {
		if cell == "" {
			continue
		}
		if seen[cell] || value(cell) || utf8.RuneCountInString(cell) > 80 {
			return false
		}
		seen[cell] = true
		filled++
	}
	if filled == 0 || filled*2 < len(first) || len(first) < 2 {
		return false
	}
	for rows := 0; rows < 100; rows++ {
		cells, more := s.record()
		if !more {
			return rows > 0
		}
		for i, cell := range cells {
			// A name that comes again as a value of its column was a value.
			if i < len(first) && cell != "" && cell == first[i] {
				return false
			}
		}
	}
	return true
}

// value reports a number, a date, an amount or an address rather than a name.
func value(cell string) bool {
	digits, letters := 0, 0
	for _, r := range cell {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return digits > 0 && digits >= letters || letters == 0 && digits > 0 || strings.Contains(cell, "@")
}
