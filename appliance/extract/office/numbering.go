package office

import (
	"strconv"
	"strings"
)

// numbering counts the items of a list of a Word document.
type numbering struct {
	levels  *[9]numberLevel
	counts  *[9]int // lists that share their form go on counting
	restart [9]int  // 1 + where an own list begins again, 0 = where the form says
}

type numberLevel struct {
	form  string // decimal, bullet, lowerLetter ...
	text  string // "%1.%2"
	start int
}

func (d *docx) readNumbering(part string) error {
	d.nums = map[string]*numbering{}
	forms := map[string]*numbering{}
	return d.pack.walk(part, func(w *walker, _ element) error {
		return w.children(func(el element) error {
			switch {
			case len(forms)+len(d.nums) > maxStyles:
			case el.name == "abstractNum":
				n := &numbering{levels: &[9]numberLevel{}, counts: &[9]int{}}
				forms[el.attr("abstractNumId")] = n
				return w.children(func(el element) error {
					if i := levelOf(el); el.name == "lvl" {
						return readLevel(w, &n.levels[i])
					}
					return nil
				}, nil)
			case el.name == "num":
				id, n := el.attr("numId"), &numbering{}
				return w.children(func(el element) error {
					switch i := levelOf(el); el.name {
					case "abstractNumId":
						if form := forms[el.attr("val")]; form != nil {
							n.levels, n.counts = form.levels, form.counts
							d.nums[id] = n
						}
					case "lvlOverride":
						return w.children(func(el element) error {
							if start, err := strconv.Atoi(el.attr("val")); el.name == "startOverride" && err == nil {
								n.restart[i] = 1 + min(max(start, 0), 1_000_000)
							}
							return nil
						}, nil)
					}
					return nil
				}, nil)
			}
			return nil
		}, nil)
	})
}

func levelOf(el element) int {
	n, err := strconv.Atoi(el.attr("ilvl"))
	if err != nil {
		return 0
	}
	return min(max(n, 0), 8)
}

func readLevel(w *walker, l *numberLevel) error {
	l.start = 1
	return w.children(func(el element) error {
		switch el.name {
		case "start":
			if n, err := strconv.Atoi(el.attr("val")); err == nil {
				l.start = min(max(n, 0), 1_000_000)
			}
		case "numFmt":
			l.form = el.attr("val")
		case "lvlText":
			l.text = el.attr("val")
			l.text = l.text[:min(len(l.text), 64)]
		}
		return nil
	}, nil)
}

// mark counts an item and is the number before it, as it is shown; bullets have none.
func (d *docx) mark(id string, level int) string {
	n := d.nums[id]
	if n == nil || n.levels == nil {
		return ""
	}
	if n.restart[level] > 0 {
		n.counts[level] = n.restart[level] - 1
		n.restart[level] = 0
	} else if n.counts[level] == 0 {
		n.counts[level] = n.levels[level].start
	} else {
		n.counts[level]++
	}
	for i := level + 1; i < len(n.counts); i++ {
		n.counts[i] = 0
	}
	l := n.levels[level]
	if l.form == "bullet" || l.form == "none" || l.form == "" {
		return ""
	}
	mark := l.text
	for i := 0; i <= level; i++ {
		if place := "%" + strconv.Itoa(i+1); strings.Contains(mark, place) {
			count := n.counts[i]
			if count == 0 {
				count = max(n.levels[i].start, 1)
			}
			mark = strings.ReplaceAll(mark, place, numeral(n.levels[i].form, count))
		}
	}
	return strings.TrimSpace(mark)
}

// numeral writes a number in a form of Word.
func numeral(form string, n int) string {
	switch form {
	case "lowerLetter", "upperLetter":
		if n < 1 || n > 780 {
			break
		}
		text := strings.Repeat(string(rune('a'+(n-1)%26)), 1+(n-1)/26)
		if form == "upperLetter" {
			text = strings.ToUpper(text)
		}
		return text
	case "lowerRoman", "upperRoman":
		if n < 1 || n > 3999 {
			break
		}
		text := roman(n)
		if form == "lowerRoman" {
			text = strings.ToLower(text)
		}
		return text
	case "decimalZero":
		if n < 10 {
			return "0" + strconv.Itoa(n)
		}
	case "none":
		return ""
	}
	return strconv.Itoa(n)
}

func roman(n int) string {
	var out strings.Builder
	for _, r := range []struct {
		n int
		s string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for ; n >= r.n; n -= r.n {
			out.WriteString(r.s)
		}
	}
	return out.String()
}
