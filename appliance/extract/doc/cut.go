package doc

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cutSentence takes the first part of a text, at most n characters: up to the
// last end of a sentence in it, otherwise of a word, otherwise of a character
// with its marks.
func cutSentence(text string, n int) (part, rest string) {
	head := First(text, n)
	if len(head) == len(text) {
		return text, ""
	}
	sentence := 0
	for sentence < len(head) {
		next := Sentence(text[sentence:min(len(text), len(head)+utf8.UTFMax)])
		if sentence+next > len(head) || sentence+next == len(text) {
			break
		}
		sentence += next
	}
	word, character := 0, 0
	before := ' '
	for i, r := range head {
		if !unicode.Is(unicode.M, r) && r != 0x200d && before != 0x200d {
			character = i
		}
		if unicode.IsSpace(r) {
			word = i
		}
		before = r
	}
	if r, _ := utf8.DecodeRuneInString(text[len(head):]); !unicode.Is(unicode.M, r) && r != 0x200d && before != 0x200d {
		character = len(head)
	}
	// An early end would leave a crumb.
	at := len(head)
	switch {
	case sentence > len(head)/3:
		at = sentence
	case word > len(head)/3:
		at = word
	case character > 0:
		at = character
	}
	return strings.TrimSpace(text[:at]), strings.TrimSpace(text[at:])
}

// cutLines takes the first lines of a code block, at most n characters; a line
// that is longer is cut.
func cutLines(text string, n int) (part, rest string) {
	head := First(text, n)
	if len(head) == len(text) {
		return text, ""
	}
	if i := strings.LastIndexByte(head, '\n'); i > 0 {
		return text[:i], strings.TrimLeft(text[i:], "\n")
	}
	return head, strings.TrimLeft(text[len(head):], "\n")
}
