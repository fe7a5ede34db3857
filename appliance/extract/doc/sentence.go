package doc

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentence is the length in bytes of the first sentence of a text with the white
// space behind it. A full stop after an abbreviation or one letter ends none.
func Sentence(text string) int {
	before := ' '
	for i, r := range text {
		if ends(text, i, before, r) {
			return i
		}
		before = r
	}
	return len(text)
}

// ends reports whether a new sentence begins at byte i, with the rune r.
func ends(text string, i int, before, r rune) bool {
	if strings.ContainsRune("。！？｡", before) {
		return !strings.ContainsRune("」』）”’。！？", r)
	}
	if !unicode.IsSpace(before) || unicode.IsSpace(r) || unicode.IsLower(r) {
		return false
	}
	done := strings.TrimRightFunc(text[:i], unicode.IsSpace)
	if strings.Count(text[len(done):i], "\n") > 1 {
		return true
	}
	done = strings.TrimRight(done, "\"'”’»)]*_")
	if strings.HasSuffix(done, "!") || strings.HasSuffix(done, "?") || strings.HasSuffix(done, "…") {
		return true
	}
	if !strings.HasSuffix(done, ".") {
		return false
	}
	word := strings.TrimLeft(done[strings.LastIndexFunc(done, unicode.IsSpace)+1:len(done)-1], "(\"'„“«[")
	return utf8.RuneCountInString(word) > 1 && !abbreviation(strings.ToLower(word))
}

func abbreviation(word string) bool {
	switch word {
	case "dr", "mr", "mrs", "ms", "st", "no", "nos", "nr", "vs", "etc", "e.g", "i.e", "fig", "tab", "cf", "ca", "approx", "art", "abs", "bzw", "z.b", "d.h",
		"usw", "vgl", "p.ex", "env", "vol", "chap", "sec", "prof", "inc", "ltd":
		return true
	}
	return false
}
