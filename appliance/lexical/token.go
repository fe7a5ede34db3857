package lexical

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxToken cuts what no person types: a line of base64 is one token of this
// many characters, in the index and in the question alike.
const maxToken = 64

// joint keeps the digits of "3.5" and of "35" apart in a joined token. It is a
// token character for FTS5's ascii tokeniser and cannot come out of a text.
const joint = '·'

// form is what a token is.
type form int

const (
	word   form = iota
	gram        // two characters of a script without spaces
	single      // the last character of a run of such a script
	join        // "P-101A" as p101a, "e-mail" as email, "3.5" as 3·5
)

// token is one term of a text.
type token struct {
	term    string // stemmed
	surface string // folded only
	form    form
	parts   int // of a join: how many words before it belong to it
}

// scan splits a text into tokens. A join follows the words it is made of.
func scan(text string) []token {
	s := scanner{out: make([]token, 0, len(text)/6+4)}
	s.run(Fold(text))
	return s.out
}

// Fold makes letters comparable: lower case, no accents, one form for full
// width letters, ligatures and raised digits. It is what unicode61 with
// remove_diacritics 2 does, and a little more.
func Fold(text string) string {
	plain := true
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		return strings.ToLower(text)
	}
	text = strings.ToValidUTF8(text, " ")
	text = norm.NFKD.String(text)
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			b.WriteByte(byte(r))
		case accent(r), unicode.Is(unicode.Cf, r):
		default:
			switch r = unicode.ToLower(r); r {
			case 'ß':
				b.WriteString("ss")
			case 'æ':
				b.WriteString("ae")
			case 'œ':
				b.WriteString("oe")
			case 'ø':
				b.WriteByte('o')
			case 'đ', 'ð':
				b.WriteByte('d')
			case 'ł':
				b.WriteByte('l')
			case 'ı':
				b.WriteByte('i')
			case '’', 'ʼ':
				b.WriteByte('\'')
			case '‐', '‑', '‒', '–', '−':
				b.WriteByte('-')
			default:
				b.WriteRune(r)
			}
		}
	}
	return norm.NFC.String(b.String())
}

// accent reports marks that people leave out: Latin, Greek and Cyrillic
// accents, Hebrew points, Arabic vowel signs and the Arabic stretch.
func accent(r rune) bool {
	switch {
	case r >= 0x0300 && r <= 0x036F, r >= 0x1AB0 && r <= 0x1AFF, r >= 0x1DC0 && r <= 0x1DFF, r >= 0x20D0 && r <= 0x20FF, r >= 0xFE20 && r <= 0xFE2F:
		return true
	case r >= 0x0591 && r <= 0x05C7, r >= 0x064B && r <= 0x065F, r == 0x0670, r == 0x0640:
		return unicode.Is(unicode.Mn, r) || r == 0x0640
	}
	return false
}

// unspaced reports characters of scripts that put no spaces between words.
// Korean does, but glues its particles to them, so pairs find more there too.
func unspaced(r rune) bool {
	switch {
	case r < 0x0E00:
		return false
	case r <= 0x0EFF, r >= 0x1000 && r <= 0x109F, r >= 0x1780 && r <= 0x17FF: // Thai, Lao, Burmese, Khmer
		return true
	case r >= 0x3005 && r <= 0x3007, r >= 0x3031 && r <= 0x3035, r >= 0x3041 && r <= 0x3096, r >= 0x309D && r <= 0x309F,
		r >= 0x30A1 && r <= 0x30FA, r >= 0x30FC && r <= 0x312F, r >= 0x31A0 && r <= 0x31BF, r >= 0x31F0 && r <= 0x31FF:
		return true
	}
	return unicode.In(r, unicode.Han, unicode.Hangul)
}

func hiragana(text string) bool {
	for _, r := range text {
		if r < 0x3041 || r > 0x309F {
			return false
		}
	}
	return true
}

func tokenRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
	}
	return unicode.In(r, unicode.L, unicode.N, unicode.M)
}

// scanner collects parts that touch, such as the three of MIL-STD-810.
type scanner struct {
	out   []token
	parts []string // of the current run, folded
	links []rune   // between them
}

// run walks the folded text.
func (s *scanner) run(text string) {
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r != utf8.RuneError && tokenRune(r) && !unspaced(r):
			end := spanOf(text, func(r rune) bool { return tokenRune(r) && !unspaced(r) })
			s.parts = append(s.parts, text[:end])
			text = text[end:]
			// A link joins only when a word character follows it directly.
			link, n := utf8.DecodeRuneInString(text)
			next, _ := utf8.DecodeRuneInString(text[n:])
			if n > 0 && strings.ContainsRune("-./_:,+&#@'", link) && tokenRune(next) && !unspaced(next) {
				s.links = append(s.links, link)
				text = text[n:]
				continue
			}
			s.flush()
		case r != utf8.RuneError && tokenRune(r):
			end := spanOf(text, func(r rune) bool { return tokenRune(r) && unspaced(r) })
			s.grams(text[:end])
			text = text[end:]
		default:
			text = text[n:]
		}
	}
}

func spanOf(text string, in func(rune) bool) int {
	for i, r := range text {
		if !in(r) {
			return i
		}
	}
	return len(text)
}

// flush emits the run's words and what they make when joined.
func (s *scanner) flush() {
	s.apostrophes()
	for i := 0; i < len(s.parts); {
		end := i + 1
		for end < len(s.parts) && s.links[end-1] != 0 {
			end++
		}
		for _, p := range s.parts[i:end] {
			p = cut(p)
			s.out = append(s.out, token{term: stem(p), surface: p, form: word})
		}
		if joined := s.joined(i, end); joined != "" {
			s.out = append(s.out, token{term: joined, surface: joined, form: join, parts: end - i})
		}
		i = end
	}
	s.parts, s.links = s.parts[:0], s.links[:0]
}

// apostrophes takes the English genitive off, writes don't as dont and parts
// the French l'eau. A link of 0 parts two words.
func (s *scanner) apostrophes() {
	for i := 0; i < len(s.links); {
		right := s.parts[i+1]
		if s.links[i] == ',' && !(digits(s.parts[i]) && digits(right)) {
			s.links[i] = 0
		}
		if s.links[i] != '\'' {
			i++
			continue
		}
		switch right {
		case "s":
			s.remove(i)
		case "t", "re", "ve", "ll", "m", "d":
			s.parts[i] += right
			s.remove(i)
		default:
			s.links[i] = 0
			i++
		}
	}
}

// remove takes the part right of link i away, together with the link.
func (s *scanner) remove(i int) {
	s.parts = append(s.parts[:i+1], s.parts[i+2:]...)
	s.links = append(s.links[:i], s.links[i+1:]...)
}

// joined is the form of a run that is looked for as one: codes, numbers,
// acronyms with dots and words with hyphens. Anything else has none.
func (s *scanner) joined(from, to int) string {
	parts, links := s.parts[from:to], s.links[from:max(from, to-1)]
	if len(parts) < 2 || len(parts) > 10 {
		return ""
	}
	digit, letters, acronym, hyphens, length := false, 0, true, true, 0
	for i, p := range parts {
		digit = digit || strings.ContainsAny(p, "0123456789")
		if utf8.RuneCountInString(p) != 1 {
			acronym = false
		}
		if i < len(links) {
			hyphens = hyphens && links[i] == '-'
			acronym = acronym && links[i] == '.'
			if links[i] == '@' {
				return ""
			}
		}
		letters++
		length += len(p)
	}
	if length > maxToken || !digit && !acronym && (!hyphens || letters > 3) {
		return ""
	}
	if thousands(parts, links) {
		return strings.Join(parts, "")
	}
	var b strings.Builder
	for i, p := range parts {
		if i > 0 && ends(parts[i-1]) && starts(p) {
			b.WriteRune(joint)
		}
		b.WriteString(p)
	}
	return b.String()
}

// thousands reports a number written like 1,000,000.
func thousands(parts []string, links []rune) bool {
	for i, p := range parts {
		if !digits(p) || i > 0 && (len(p) != 3 || links[i-1] != ',') || len(p) > 3 {
			return false
		}
	}
	return true
}

func digits(p string) bool { return strings.Trim(p, "0123456789") == "" }
func starts(p string) bool { return p[0] >= '0' && p[0] <= '9' }
func ends(p string) bool   { return p[len(p)-1] >= '0' && p[len(p)-1] <= '9' }

// grams emits pairs of neighbouring characters; a mark belongs to the character
// before it. The last character stands alone once more, so that a question of
// one character finds it as a beginning.
func (s *scanner) grams(run string) {
	var before string
	for len(run) > 0 {
		_, n := utf8.DecodeRuneInString(run)
		for n < len(run) {
			r, m := utf8.DecodeRuneInString(run[n:])
			if !unicode.Is(unicode.M, r) || n > 32 {
				break
			}
			n += m
		}
		if before != "" {
			s.out = append(s.out, token{term: before + run[:n], surface: before + run[:n], form: gram})
		}
		before, run = run[:n], run[n:]
	}
	s.out = append(s.out, token{term: before, surface: before, form: single})
}

// cut keeps the first characters of an endless word.
func cut(p string) string {
	if len(p) <= maxToken {
		return p
	}
	n := 0
	for i := range p {
		if n++; n > maxToken {
			return p[:i]
		}
	}
	return p
}
