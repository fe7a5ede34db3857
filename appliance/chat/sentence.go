package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	longSentence = 600 // bytes after which a sentence without an end is cut at a word
	thaiPhrase   = 90  // bytes after which a space ends a piece in scripts that write no full stop
)

// Sentences cuts text into sentences. Joined, the pieces are the text again,
// byte for byte: whatever is quoted from them is verbatim. White space after a
// sentence belongs to its piece.
func Sentences(text string) []string {
	var pieces []string
	start := 0
	for start < len(text) {
		end := sentenceEnd(text, start)
		pieces = append(pieces, text[start:end])
		start = end
	}
	return pieces
}

// sentenceEnd is where the sentence that begins at start ends, its white space
// included. It is always after start.
func sentenceEnd(text string, start int) int {
	for i := start; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		next := i + size
		switch {
		case r == '\n' && strings.TrimSpace(text[start:i]) != "" && breaks(text, start, i):
			return spaceEnd(text, next)
		case full(r):
			return spaceEnd(text, closers(text, next))
		case r == '.' || r == '!' || r == '?' || r == '…' || r == '؟' || r == '۔':
			after := closers(text, next)
			if ends(text, start, i, after, r) {
				return spaceEnd(text, after)
			}
		case unicode.IsSpace(r) && next-start > thaiPhrase && unspaced(text[:i], text[next:]):
			return spaceEnd(text, next)
		case unicode.IsSpace(r) && next-start > longSentence, next-start > 2*longSentence:
			return spaceEnd(text, next)
		}
		i = next
	}
	return len(text)
}

// full reports whether the rune ends a sentence wherever it stands.
func full(r rune) bool {
	return strings.ContainsRune("。！？｡．।॥։።។။", r)
}

// closers skips further end marks and the quotes and brackets that belong to
// the sentence.
func closers(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !strings.ContainsRune(".!?…。！？\"'”’»›)]}」』）】》〉*_", r) {
			break
		}
		i += size
	}
	return i
}

func spaceEnd(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !unicode.IsSpace(r) {
			break
		}
		i += size
	}
	return i
}

// breaks reports whether the line feed at i ends the sentence that began at
// start: before an empty line, before a list item, a heading or a table row,
// and after a line that is a heading, an item or a cell by its own form. A line
// feed inside a paragraph that was only wrapped does not.
func breaks(text string, start, i int) bool {
	rest := strings.TrimLeft(text[i+1:], " \t\r")
	if rest == "" || rest[0] == '\n' || itemMark(rest) > 0 || strings.ContainsRune("#>|", rune(rest[0])) {
		return true
	}
	line := text[start:i]
	if at := strings.LastIndexByte(line, '\n'); at >= 0 {
		line = line[at+1:]
	}
	line = strings.TrimSpace(line)
	// A row of a table is its cells with " | " between them, however long it is.
	if strings.HasSuffix(line, ":") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "|") || strings.Contains(line, " | ") {
		return true
	}
	// A wrapped line is nearly full and goes on in lower case; a short line
	// before a capital is a heading or an entry of its own.
	first, _ := utf8.DecodeRuneInString(rest)
	return utf8.RuneCountInString(line) < 60 && !unicode.IsLower(first) && !strings.HasSuffix(line, ",")
}

// itemMark is the length of the list mark a line begins with, with its space:
// "- ", "• ", "3. ", "b) "; 0 where there is none.
func itemMark(line string) int {
	r, size := utf8.DecodeRuneInString(line)
	if strings.ContainsRune("-*+•‣–—·", r) && strings.HasPrefix(line[size:], " ") {
		return size + 1
	}
	i := 0
	for i < len(line) && i < 3 && line[i] >= '0' && line[i] <= '9' {
		i++
	}
	if i == 0 && len(line) > 1 && unicode.IsLetter(rune(line[0])) && line[1] == ')' {
		i = 1
	}
	if i > 0 && i+1 < len(line) && (line[i] == '.' || line[i] == ')') && line[i+1] == ' ' {
		return i + 2
	}
	return 0
}

// ends decides for a mark at i of Latin, Greek, Cyrillic or Arabic script whose
// closers end at after: a decimal, an abbreviation, an initial or an ordinal is
// no end.
func ends(text string, start, i, after int, mark rune) bool {
	if after >= len(text) {
		return true
	}
	r, _ := utf8.DecodeRuneInString(text[after:])
	if !unicode.IsSpace(r) {
		return mark != '.' && mark != '…' && wide(r)
	}
	rest := text[spaceEnd(text, after):]
	next, _ := utf8.DecodeRuneInString(rest)
	if mark == '.' && i == start+len(leadingNumber(text[start:i])) && i > start {
		return false // the number of a list item
	}
	if unicode.IsLower(next) {
		// "approx. five", "… and so on"; but a mark of emphasis before a lower-case
		// brand name is rare enough to lose.
		return mark == '!' || mark == '?'
	}
	if mark != '.' {
		return true
	}
	word := lastWord(text[start:i])
	switch {
	case word == "":
		return true
	case abbreviation(strings.ToLower(word), unicode.IsDigit(next)):
		return false
	case utf8.RuneCountInString(word) == 1 && unicode.IsUpper([]rune(word)[0]):
		return false // an initial: "J. Smith"
	case isNumber(word) && len(word) <= 2:
		return !month(rest)
	}
	return true
}

// leadingNumber is the digits a sentence begins with.
func leadingNumber(s string) string {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i]
}

// lastWord is the run of letters, digits and inner full stops at the end of s.
func lastWord(s string) string {
	i := len(s)
	for i > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:i])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' {
			break
		}
		i -= size
	}
	return s[i:]
}

func isNumber(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// wide reports whether the rune belongs to a script that puts no space after
// its full stops.
func wide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// unspaced reports whether a space between the two texts ends a phrase: on both
// sides stands a script that has no full stop of its own.
func unspaced(before, after string) bool {
	left, _ := utf8.DecodeLastRuneInString(before)
	if !thai(left) {
		return false
	}
	right, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(after, unicode.IsSpace))
	return thai(right)
}

func thai(r rune) bool {
	return unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// month reports whether the text goes on with the name of a month, which a
// number with a full stop before it counts the day of in German and its
// neighbours.
func month(rest string) bool {
	word := rest
	for i, r := range rest {
		if !unicode.IsLetter(r) {
			word = rest[:i]
			break
		}
	}
	switch strings.ToLower(word) {
	case "januar", "jänner", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober",
		"november", "dezember", "january", "february", "march", "may", "june", "july", "october", "december":
		return true
	}
	return false
}

// abbreviation reports whether a full stop after the lower-case word is part of
// it, so that the sentence goes on. Some words are short forms only before a
// number: "No. 5", but "The answer is no."
func abbreviation(word string, number bool) bool {
	switch word {
	case "dr", "prof", "mr", "mrs", "ms", "st", "sr", "jr", "rev", "hon", "gen", "col", "sgt", "capt", "lt", "pres",
		"gov", "cf", "vs", "viz", "approx", "est", "dept", "univ", "e.g", "i.e", "al", "resp", "incl", "excl",
		"ph.d", "b.sc", "m.sc", "dipl", "ing", "vgl", "z.b", "d.h", "u.a", "u.u", "i.d.r", "s.o", "s.u", "o.g",
		"v.a", "i.v", "p.o", "s.c", "i.m", "bzw", "ca", "inkl", "exkl", "ggf", "evtl", "hr", "fr", "hrsg", "sog",
		"bspw", "str", "mme", "mlle", "env", "p.ex", "sra", "srta", "dott", "max", "min", "mio", "mrd", "tel":
		return true
	case "no", "nr", "nos", "nrs", "n", "p", "pp", "fig", "figs", "vol", "ch", "sec", "sect", "art", "abb", "tab",
		"kap", "abs", "s", "núm", "pág", "sig", "op", "ed":
		return number
	}
	return false
}
