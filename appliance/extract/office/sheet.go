package office

import (
	"fmt"
	"strconv"
	"strings"

	"chatets/appliance/extract/doc"
)

// sheetRows puts rows of a sheet into the document, whatever wrote the sheet.
type sheetRows struct {
	b     *doc.Builder
	name  string
	left  int            // first column used so far, 0 = none; rows line up by it
	held  map[int]string // text of cells merged downwards, by column
	until map[int]int    // the last row of these
	begun bool
	rows  int
}

// add puts a row there; cells holds the text from column 1 on. A sheet is named
// by a heading before its first row.
func (s *sheetRows) add(row int, cells []string) error {
	for column, to := range s.until {
		if row > to {
			delete(s.until, column)
			delete(s.held, column)
			continue
		}
		for len(cells) < column {
			cells = append(cells, "")
		}
		if cells[column-1] == "" {
			cells[column-1] = s.held[column]
		}
	}
	from, to := 0, 0
	for i, c := range cells {
		if cells[i] = doc.OneLine(c); cells[i] != "" {
			if to = i + 1; from == 0 {
				from = i + 1
			}
		}
	}
	if to == 0 {
		return s.b.Err()
	}
	if !s.begun {
		s.begun = true
		s.b.Add(doc.Block{Kind: doc.Heading, Level: 1, Sheet: s.name, Text: s.name})
	}
	if s.left == 0 || from < s.left {
		s.left = from
	}
	at := fmt.Sprintf("%s%d:%s%d", letters(from), row, letters(to), row)
	if from == to {
		at = letters(from) + strconv.Itoa(row)
	}
	block := doc.RowOf(cells[s.left-1:to], s.left)
	block.Sheet, block.Cells, block.First = s.name, at, s.rows == 0
	s.rows++
	s.b.Add(block)
	return s.b.Err()
}

func (s *sheetRows) hold(column, to int, text string) {
	if s.held == nil {
		s.held, s.until = map[int]string{}, map[int]int{}
	}
	if column > 0 && len(s.held) < 1000 {
		s.held[column], s.until[column] = text, to
	}
}

func (x *xlsx) sheet(name, part string) error {
	merges, err := x.merges(part)
	if err != nil {
		return err
	}
	rows := &sheetRows{b: x.b, name: name}
	last := 0
	var cells []string
	return x.pack.walk(part, func(w *walker, _ element) error {
		return w.children(func(el element) error {
			if el.name != "sheetData" {
				return nil
			}
			return w.children(func(el element) error {
				if el.name != "row" {
					return nil
				}
				row := last + 1
				if n, err := strconv.Atoi(el.attr("r")); err == nil && n > 0 && n <= 1_048_576 {
					row = n
				}
				last = row
				if cells, err = x.cells(w, cells[:0]); err != nil {
					return err
				}
				for _, m := range merges[row] {
					if m.column > 0 && m.column <= len(cells) && cells[m.column-1] != "" {
						rows.hold(m.column, m.toRow, cells[m.column-1])
					}
				}
				return rows.add(row, cells)
			}, nil)
		}, nil)
	})
}

// cells reads one row.
func (x *xlsx) cells(w *walker, cells []string) ([]string, error) {
	last, size := 0, 0
	err := w.children(func(el element) error {
		if el.name != "c" {
			return nil
		}
		column, _ := place(el.attr("r"))
		if column == 0 {
			column = last + 1
		}
		if last = column; column > maxCells {
			return nil
		}
		text, err := x.cell(w, el.attr("t"), el.attr("s"))
		if err != nil || text == "" {
			return err
		}
		if size += len(text); size > maxToken {
			return bomb("A row of the workbook holds more than %d MB of text.", maxToken/1_000_000)
		}
		for len(cells) < column {
			cells = append(cells, "")
		}
		cells[column-1] = text
		return nil
	}, nil)
	return cells, err
}

// cell is what a cell shows.
func (x *xlsx) cell(w *walker, kind, format string) (string, error) {
	value, text := "", ""
	err := w.children(func(el element) error {
		var err error
		switch el.name {
		case "v":
			value, err = w.text()
			value = strings.TrimSpace(value[:min(len(value), 4*maxCell)])
		case "is":
			text, err = richText(w)
		}
		return err
	}, nil)
	if err != nil {
		return "", err
	}
	switch kind {
	case "s":
		if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < len(x.shared) {
			return x.shared[n], nil
		}
		return "", nil
	case "inlineStr":
		return text, nil
	case "str":
		return escapes(strings.ToValidUTF8(value, "")), nil
	case "e":
		return value, nil
	case "b":
		if truth(value) {
			return "TRUE", nil
		}
		return "FALSE", nil
	case "d":
		return strings.TrimSuffix(strings.Replace(value, "T", " ", 1), " 00:00:00"), nil
	}
	if value == "" {
		return text, nil
	}
	number, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return value, nil
	}
	if n, err := strconv.Atoi(format); err == nil && n >= 0 && n < len(x.formats) && x.formats[n] != nil {
		return x.formats[n].show(number, x.from1904), nil
	}
	return general(number), nil
}
