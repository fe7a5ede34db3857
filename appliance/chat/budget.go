package chat

import (
	"unicode"
	"unicode/utf8"
)

const (
	contextUnknown = 4096 // tokens of a model that does not say how many it takes
	perMessage     = 8    // tokens a chat template puts around a message
	perPrompt      = 16   // and around all of them
	passageShare   = 0.75 // of what is left after question and reply, before history has its turn
	ratioLeast     = 0.5  // a learned ratio below is not believed
	ratioMost      = 3.0
	ratioMargin    = 1.1 // the next prompt is another mixture than the one the ratio was learned from
)

// tokensOf estimates how many tokens a text is, rather too many than too few.
func tokensOf(text string) int {
	total := 0
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if r < utf8.RuneSelf && unicode.IsLetter(r) {
			n := 1
			for n < len(text) && text[n] < utf8.RuneSelf && unicode.IsLetter(rune(text[n])) {
				n++
			}
			total += (n + 2) / 3
			text = text[n:]
			continue
		}
		if r != ' ' {
			total += size
		}
		text = text[size:]
	}
	return total
}

// scaleOf is what an estimate is multiplied with where a server's own counts
// are known.
func scaleOf(ratio float64) float64 {
	if ratio <= 0 {
		return 1
	}
	return min(max(ratio*ratioMargin, ratioLeast), ratioMost)
}
