package office

import (
	"strconv"
	"strings"

	"chatets/appliance/extract/doc"
)

// repeated is a count that the file states, at most most.
func repeated(el element, name string, most int) int {
	n, err := strconv.Atoi(el.attr(name))
	if err != nil {
		if len(el.attr(name)) > 9 {
			return most
		}
		return 1
	}
	return min(max(n, 1), most)
}

// table reads a table in a text or on a slide.
func (o *odf) table(w *walker, emit func(doc.Block) error) error {
	t := &table{above: map[int]string{}}
	until := map[int]int{} // rows a merged cell goes on for
	var rows func(el element) error
	head := false
	rows = func(el element) error {
		switch el.name {
		case "table-header-rows":
			head = true
			defer func() { head = false }()
			return w.children(rows, nil)
		case "table-row-group", "table-rows":
			return w.children(rows, nil)
		case "table-row":
			t.head = head
			times := repeated(el, "number-rows-repeated", 100)
			err := w.children(func(el element) error {
				if el.name != "table-cell" && el.name != "covered-table-cell" {
					return nil
				}
				var list []doc.Block
				err := o.content(w, 0, gather(o.b, &list))
				text, nested := plain(list)
				for range repeated(el, "number-columns-repeated", 1000) {
					column := len(t.cells)
					if until[column] > 0 {
						until[column]--
						if el.name == "covered-table-cell" {
							text = t.above[column]
						}
					}
					if n := repeated(el, "number-rows-spanned", 100_000); n > 1 {
						until[column], t.above[column] = n-1, doc.First(text, maxCell)
					}
					t.add(text, 1)
				}
				t.after = append(t.after, nested...)
				return err
			}, nil)
			if err != nil {
				return err
			}
			list := t.row()
			for range times {
				for _, block := range list {
					if err := emit(block); err != nil {
						return err
					}
				}
				if len(list) == 0 {
					break
				}
			}
		}
		return nil
	}
	return w.children(rows, nil)
}

// sheet reads a table of a spreadsheet. Programs fill sheets to their end with
// repeated empty rows and cells: only those with text are made.
func (o *odf) sheet(w *walker, table element) error {
	name := doc.First(table.attr("name"), 100)
	if o.hidden[table.attr("style-name")] || table.attr("display") == "false" {
		o.unread = append(o.unread, name)
		return nil
	}
	rows := &sheetRows{b: o.b, name: name}
	at := 0
	var visit func(el element) error
	visit = func(el element) error {
		switch el.name {
		case "table-header-rows", "table-row-group", "table-rows":
			return w.children(visit, nil)
		case "table-row":
			times := repeated(el, "number-rows-repeated", 1_048_576)
			cells, notes, err := o.cells(w, rows, at+1)
			if err != nil {
				return err
			}
			if len(cells) > 0 || len(rows.held) > 0 {
				for i := range min(times, 1000) {
					if err := rows.add(at+1+i, append([]string(nil), cells...)); err != nil {
						return err
					}
				}
				if times > 1000 && len(cells) > 0 {
					o.b.Note("A row that the sheet repeats more than 1,000 times was read 1,000 times.")
				}
			}
			for _, block := range notes {
				block.Sheet = name
				if err := o.emit(block); err != nil {
					return err
				}
			}
			at += times
		}
		return o.b.Err()
	}
	return w.children(visit, nil)
}

func (o *odf) cells(w *walker, rows *sheetRows, row int) (cells []string, notes []doc.Block, err error) {
	column := 0
	err = w.children(func(el element) error {
		if el.name != "table-cell" && el.name != "covered-table-cell" {
			return nil
		}
		var parts []string
		err := w.children(func(child element) error {
			switch child.name {
			case "p":
				return o.paragraph(w, child, 0, func(block doc.Block) error { parts = append(parts, block.Text); return o.b.Err() })
			case "annotation":
				return o.annotation(w, &notes)
			}
			return nil
		}, nil)
		times := repeated(el, "number-columns-repeated", maxCells)
		text := strings.Join(parts, " ")
		if text == "" && el.name == "table-cell" {
			text = el.attr("string-value")
		}
		if el.name == "covered-table-cell" {
			text = ""
		}
		if n := repeated(el, "number-rows-spanned", 1_048_576); n > 1 && text != "" {
			rows.hold(column+1, row+n-1, text)
		}
		if text != "" {
			for range min(times, 1000) {
				if column+1 > maxCells {
					break
				}
				for len(cells) < column {
					cells = append(cells, "")
				}
				cells = append(cells, text)
				column++
				times--
			}
		}
		column = min(column+times, 2*maxCells)
		return err
	}, nil)
	return cells, notes, err
}

// slide reads a page of a presentation.
func (o *odf) slide(w *walker) error {
	o.page++
	if o.page > maxSlides {
		return bomb("The presentation has more than %d slides.", maxSlides)
	}
	var title []string
	var blocks []doc.Block
	collect := gather(o.b, &blocks)
	var shape func(el element) error
	shape = func(el element) error {
		switch class := el.attr("class"); {
		case el.name == "g":
			return w.children(shape, nil)
		case class == "page-number", class == "footer", class == "date-time", class == "header":
			return nil
		case class == "title":
			text, err := o.flat(w)
			title = append(title, text)
			return err
		case el.name == "notes":
			first := len(blocks)
			err := w.children(func(el element) error {
				switch el.attr("class") {
				case "page-number", "footer", "date-time", "header", "page":
					return nil
				}
				return o.block(w, el, 0, collect)
			}, nil)
			for i := first; i < len(blocks); i++ {
				if blocks[i].Kind == doc.Paragraph {
					blocks[i].Role = doc.Notes
				}
			}
			if len(blocks) > first {
				blocks[first].Text, blocks[first].Grid = "Notes: "+blocks[first].Text, nil
			}
			return err
		case el.name == "annotation":
			return o.annotation(w, &blocks)
		}
		return o.block(w, el, 0, collect)
	}
	if err := w.children(shape, nil); err != nil {
		return err
	}
	if err := o.emit(doc.Block{Kind: doc.Heading, Level: 1, Text: strings.Join(title, " ")}); err != nil {
		return err
	}
	for _, block := range blocks {
		if err := o.emit(block); err != nil {
			return err
		}
	}
	o.b.Pages = max(o.b.Pages, o.page)
	return nil
}
