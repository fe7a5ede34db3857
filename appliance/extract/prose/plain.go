package prose

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/extract/doc"
)

var (
	// "- milk", "• milk", "1. milk", "2) milk", "a) milk"
	itemForm = regexp.MustCompile(`^(\s*)(?:[-*+•‣–▪]|\d{1,3}[.)]|[a-zA-Z][)])\s+(\S.*)$`)
	// "3.2 Torque values"
	numberedForm = regexp.MustCompile(`^\d{1,3}(\.\d{1,3}){0,4}\.?\s+\p{Lu}`)
	ruleForm     = regexp.MustCompile(`^\s*(={3,}|-{3,}|~{3,}|\*{3,}|_{3,}|#{3,})\s*$`)
)

// plain reads a text: paragraphs between empty lines, list items, and headings
// where a line looks like one.
func (b *builder) plain(text string) {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if b.Err() != nil {
			return
		}
		line = strings.TrimRightFunc(line, unicode.IsSpace)
		if line != "" {
			lines = append(lines, line)
			// Lines without an end are a log or a table, not one paragraph.
			if len(lines) < 400 {
				continue
			}
		}
		b.paragraph(lines)
		lines = lines[:0]
	}
	b.paragraph(lines)
}

func (b *builder) paragraph(lines []string) {
	for len(lines) > 0 {
		n := 1
		switch {
		case ruleForm.MatchString(lines[0]):
		case len(lines) > 1 && underlined(lines[0], lines[1]):
			b.add(doc.Heading, 1+strings.IndexByte("=-~", strings.TrimSpace(lines[1])[0]), doc.OneLine(lines[0]))
			n = 2
		case len(lines) == 1 && headingLike(lines[0]):
			b.add(doc.Heading, headingLevel(lines[0]), doc.OneLine(lines[0]))
		case itemForm.MatchString(lines[0]):
			item := itemForm.FindStringSubmatch(lines[0])
			text := []string{lines[0]}
			for n < len(lines) && !itemForm.MatchString(lines[n]) && indent(lines[n]) > utf8.RuneCountInString(item[1]) {
				text = append(text, lines[n])
				n++
			}
			b.add(doc.Item, 1+min(indent(lines[0])/2, 8), doc.OneLine(strings.Join(text, " ")))
		default:
			for n < len(lines) && !itemForm.MatchString(lines[n]) && !ruleForm.MatchString(lines[n]) && (n+1 >= len(lines) || !underlined(lines[n], lines[n+1])) {
				n++
			}
			b.add(doc.Paragraph, 0, strings.Join(lines[:n], "\n"))
		}
		lines = lines[n:]
	}
}

func indent(line string) int {
	n := 0
	for _, r := range line {
		switch r {
		case ' ':
			n++
		case '\t':
			n += 4
		default:
			return n
		}
	}
	return n
}

// underlined reports a heading by the line of signs below it.
func underlined(line, below string) bool {
	below = strings.TrimSpace(below)
	return len(below) >= 3 && strings.Trim(below, below[:1]) == "" && strings.ContainsAny(below[:1], "=-~") &&
		!ruleForm.MatchString(line) && utf8.RuneCountInString(line) <= 100
}

// headingLike reports a line that stands alone, is short and is written like a
// heading: in capitals or with a section number.
func headingLike(line string) bool {
	line = strings.TrimSpace(line)
	if n := utf8.RuneCountInString(line); n < 3 || n > 80 || strings.ContainsAny(line[len(line)-1:], ".,;:!?") {
		return false
	}
	letters := 0
	for _, r := range line {
		switch {
		case unicode.IsLower(r):
			return numberedForm.MatchString(line)
		case unicode.IsUpper(r):
			letters++
		}
	}
	return letters >= 3
}

// headingLevel is the depth of the section number, 2 for one without.
func headingLevel(line string) int {
	number, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	if number = strings.TrimSuffix(number, "."); number == "" || number[0] < '0' || number[0] > '9' {
		return 2
	}
	return min(1+strings.Count(number, "."), 6)
}
