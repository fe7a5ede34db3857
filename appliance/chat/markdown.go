package chat

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// marker is how a citation stands in the text.
func marker(number int) string { return "[" + strconv.Itoa(number) + "]" }

// escape writes a verbatim sentence as Markdown that shows exactly its
// characters: a document's own "[1]", "*" or "<b>" must not become a citation, an
// emphasis or markup of the answer. What Markdown leaves alone is left alone.
func escape(text string) string {
	var b strings.Builder
	lineStart := true
	for i, r := range text {
		rest := text[i:]
		if lineStart && opensBlock(rest) || r != '\n' && opensSpan(text, i, r) {
			if r >= '0' && r <= '9' { // "3. " is a list only with its mark
				digits := leadingNumber(rest)
				b.WriteString(digits + `\` + rest[len(digits):len(digits)+1])
				return b.String() + escape(rest[len(digits)+1:])
			}
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		lineStart = r == '\n' || lineStart && (r == ' ' || r == '\t')
	}
	return b.String()
}

// opensBlock reports whether a line that begins so would be a heading, a list,
// a quote, a rule or a table instead of words.
func opensBlock(line string) bool {
	if strings.ContainsRune("#>+=|", rune(line[0])) || line[0] == '-' || strings.HasPrefix(line, "~~~") || strings.HasPrefix(line, ":-") {
		return true
	}
	n := leadingNumber(line)
	return n != "" && len(n) < 10 && len(line) > len(n) && (line[len(n)] == '.' || line[len(n)] == ')') &&
		(len(line) == len(n)+1 || line[len(n)+1] == ' ')
}

// opensSpan reports whether the character at i would begin or end an emphasis,
// a code span, a link, an entity or markup.
func opensSpan(text string, i int, r rune) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	rest := text[i+utf8.RuneLen(max(r, 0)):]
	after, _ := utf8.DecodeRuneInString(rest)
	gap := func(r rune) bool { return r == utf8.RuneError || unicode.IsSpace(r) }
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	switch r {
	case '`', '[':
		return true
	case '*':
		return !gap(before) || !gap(after)
	case '_':
		return word(before) != word(after)
	case '~':
		return before != '/' && (!gap(before) || !gap(after))
	case '<':
		return unicode.IsLetter(after) || strings.ContainsRune("/!?", after)
	case '&':
		return entity(rest)
	case '\\':
		return after < utf8.RuneSelf && (unicode.IsPunct(after) || unicode.IsSymbol(after)) || after == '\n'
	}
	return false
}

// entity reports whether "&" before rest begins a character reference.
func entity(rest string) bool {
	end := strings.IndexByte(rest, ';')
	if end < 1 || end > 32 {
		return false
	}
	for _, r := range rest[:end] {
		if r != '#' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			return false
		}
	}
	return true
}

// withhold takes the sentences of withheld citations out of an extractive
// answer. Each of them is one item of the list that Extractive wrote.
func withhold(content string, withheld map[int]bool) string {
	if len(withheld) == 0 {
		return content
	}
	items := strings.Split(content, "\n- ")
	for i, item := range items[1:] {
		// An item without a marker was cut by a stop; its source is not known, so it
		// is withheld too.
		if number, ok := lastMarker(item); !ok {
			items[i+1] = withheldSentence
		} else if withheld[number] {
			items[i+1] = withheldSentence + " " + marker(number)
		}
	}
	return strings.Join(items, "\n- ")
}

// lastMarker is the number of the marker an item ends with.
func lastMarker(item string) (int, bool) {
	at := strings.LastIndex(item, " [")
	if at < 0 || !strings.HasSuffix(item, "]") {
		return 0, false
	}
	number, err := strconv.Atoi(item[at+2 : len(item)-1])
	return number, err == nil
}
