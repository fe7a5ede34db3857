package chat

import (
	"unicode"
	"unicode/utf8"
)

const (
	contextUnknown = 4096 // tokens of a model that does not say how many it takes
	perMessage     = 8    // tokens a chat template puts around a message
	perPrompt      = 16   // and around all of them
	passageShare   = 0.75 // of what question and reply leave; the rest is for history, and then for passages again

	ratioLeast  = 0.5 // a learned ratio outside of these two is a miscount
	ratioMost   = 3.0
	ratioMargin = 1.1 // the next prompt is another mixture than the one the ratio was learned from
)

// Tokens estimates how many tokens a text is. Which tokeniser a model has is
// not known, so it is to be too many rather than too few: a prompt that is too
// long loses its beginning without a word.
//
// The rule is fitted to what the tokenisers of Llama 2, Mistral, Llama 3 and
// OpenAI (cl100k, o200k) make of the texts in testdata/tokens.json, and is above
// the worst of the five on each of them. On 180 other texts (English, German and
// French interface texts, manuals, abstracts, Go, TypeScript, checksums) it was
// never below the worst of the five, at least 1.11 and on average 1.5 times it.
func Tokens(text string) int {
	quarters := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !latin(r) {
			quarters += aside(text, i, r, size)
			i += size
			continue
		}
		n, cost := word(text[i:])
		if i > 0 && digit(text[i-1]) || i+n < len(text) && digit(text[i+n]) {
			cost = max(cost, 3*n) // "9f86d081": no word, however short
		}
		quarters += cost
		i += n
	}
	return (quarters + 3) / 4
}

// word is the run of Latin letters that a text begins with: its bytes, and what
// it costs in quarters of a token.
func word(text string) (size, quarters int) {
	letters, capitals, turns, bare, barest, accents := 0, 0, 0, 0, 0, 0
	upper := false
	for i, r := range text {
		if !latin(r) {
			break
		}
		size = i + utf8.RuneLen(r)
		up := unicode.IsUpper(r)
		if letters > 0 && up != upper {
			turns++
		}
		if upper = up; up {
			capitals++
		}
		switch {
		case r >= utf8.RuneSelf:
			accents += accent(r)
			bare = 0
		case vowel(r):
			bare = 0
		default:
			bare++
			barest = max(barest, bare)
		}
		letters++
	}
	switch {
	case turns > 2 && 4*turns > letters, barest > 5: // base64, random letters
		return size, (14*letters+3)/4 + accents
	case capitals > 1 && 2*capitals > letters:
		return size, max(4, (5*letters+1)/2) + accents
	case letters > 20: // compounds are made of common words
		return size, 2*letters - 12 + accents
	case letters <= 3:
		return size, 4 + accents
	}
	return size, (12*letters+7)/8 + accents
}

// accent is what a letter costs that is not one of the 26: German and French
// have it in one piece with its neighbours, Polish and Turkish seldom.
func accent(r rune) int {
	switch {
	case r < 0x100:
		return 2
	case r < 0x250:
		return 9
	}
	return 10
}

// aside is what any other character costs in quarters of a token.
func aside(text string, i int, r rune, size int) int {
	switch {
	case r == ' ':
		if i > 0 && text[i-1] == ' ' {
			return 1 // runs of spaces are few tokens
		}
		if i+1 < len(text) && digit(text[i+1]) {
			return 4
		}
		return 0 // in one piece with the word after it
	case r < utf8.RuneSelf:
		if digit(byte(r)) && (i == 0 || !digit(text[i-1])) {
			return 5
		}
		return 4
	case r == utf8.RuneError, r > 0xFFFF:
		return 4 * size // a token a byte
	case r >= 0x300 && r <= 0x323:
		return 8
	case r < 0x250:
		return 8
	case unicode.Is(unicode.Cyrillic, r):
		return 3
	case unicode.In(r, unicode.Greek, unicode.Arabic, unicode.Hebrew, unicode.Thai, unicode.Hiragana, unicode.Katakana):
		return 5
	case unicode.Is(unicode.Devanagari, r):
		return 6
	case unicode.Is(unicode.Han, r):
		return 8
	case unicode.Is(unicode.Hangul, r):
		return 9
	}
	return 4 * size
}

func latin(r rune) bool {
	return (r < 0x250 || r >= 0x1E00 && r <= 0x1EFF) && unicode.IsLetter(r)
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

func vowel(r rune) bool {
	switch r {
	case 'a', 'e', 'i', 'o', 'u', 'y', 'A', 'E', 'I', 'O', 'U', 'Y':
		return true
	}
	return false
}

// A budget counts the tokens of a context as they are spent.
type budget struct {
	limit int     // tokens of the context
	scale float64 // the server's count for ours
	used  int     // spent on the prompt
	reply int     // kept for the answer
}

// newBudget is a context with nothing in it but the template. The reply shrinks
// to what an answer must have at least before a question is refused.
func newBudget(limit, reply int, ratio float64) *budget {
	if limit <= 0 {
		limit = contextUnknown
	}
	b := &budget{limit: limit, scale: 1, reply: max(reply, 0)}
	if ratio > 0 {
		b.scale = min(max(ratio*ratioMargin, ratioLeast), ratioMost)
	}
	b.used = b.scaled(perPrompt)
	return b
}

func (b *budget) scaled(tokens int) int { return int(float64(tokens)*b.scale + 0.999) }

// cost is what messages of such texts take.
func (b *budget) cost(texts ...string) int {
	tokens := 0
	for _, t := range texts {
		tokens += Tokens(t) + perMessage
	}
	return b.scaled(tokens)
}

func (b *budget) left() int { return b.limit - b.used - b.reply }

// take spends so many tokens, if they are left.
func (b *budget) take(tokens int) bool {
	if tokens > b.left() {
		return false
	}
	b.used += tokens
	return true
}

// questionMost is how many tokens a question may be that is asked alone.
func questionMost(limit, reply int, ratio float64) int {
	b := newBudget(limit, reply, ratio)
	b.reply = min(b.reply, replyLeast)
	b.take(b.cost(systemWithPassages) + b.scaled(perMessage))
	return max(b.left(), 0)
}
