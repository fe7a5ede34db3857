package extract

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cutSentence takes the first part of a text, at most n characters: up to the
// last end of a sentence in it, otherwise of a word, otherwise of a character
// with its marks.
func cutSentence(text string, n int) (part, rest string) {
	if len(text) <= n || utf8.RuneCountInString(text) <= n {
		return text, ""
	}
	var sentence, word, any, count int
	var before rune
	for i, r := range text {
		if count >= n && !unicode.Is(unicode.M, r) || count >= 2*n {
			break
		}
		if !unicode.Is(unicode.M, r) && r != 0x200d && before != 0x200d {
			any = i
		}
		switch {
		case unicode.IsSpace(r):
			word = i
			if strings.ContainsRune(".!?…:;\n", before) || r == '\n' {
				sentence = i
			}
		case strings.ContainsRune("。！？", before):
			sentence = i
		}
		before = r
		count++
	}
	// An early end would leave a crumb.
	at := any
	switch {
	case sentence > any/3:
		at = sentence
	case word > any/3:
		at = word
	}
	if at == 0 {
		at = len(first(text, n))
	}
	return strings.TrimSpace(text[:at]), strings.TrimSpace(text[at:])
}

// cutLines takes the first lines of a code block, at most n characters; a line
// that is longer is cut.
func cutLines(text string, n int) (part, rest string) {
	head := first(text, n)
	if len(head) == len(text) {
		return text, ""
	}
	if i := strings.LastIndexByte(head, '\n'); i > 0 {
		return text[:i], strings.TrimLeft(text[i:], "\n")
	}
	return head, strings.TrimLeft(text[len(head):], "\n")
}
