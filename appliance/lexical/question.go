package lexical

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a question: what is longer is cut, and of what is left the rarest
// terms count.
const (
	maxRunes = 10_000
	maxNeeds = 48
)

// need is one thing the question asks for.
type need struct {
	term   string     // a term that proves it
	or     []string   // terms that prove it as well
	phrase string     // terms, one space between, that prove it when they stand together
	kin    []string   // terms of its other forms in German and French, as kinOf has them
	parts  []compound // terms that together prove a compound
	pair   string     // it and the next need of the question, side by side
	prefix bool       // a single character of a script without spaces: terms that begin with it
	form   form
	code   bool
	extra  bool    // says again what other needs say; counts for the score alone
	aside  bool    // asks for a number and is seldom in the answer
	rarity float64 // idf, set when the counts are known
	weight float64 // in coverage
	held   float64 // passages that hold it
	rows   float64 // passages that are looked at to find it, at most: those of its parts too
}

// phrase is what stood in quotation marks.
type phrase struct {
	terms   string // as the index sees it
	surface string // as it was written, folded
}

type question struct {
	needs   []need
	phrases []phrase
}

// parse reads what a person typed. Nothing in it is syntax but quotation marks.
func parse(text string) question {
	text = head(text, maxRunes)
	var q question
	for _, quoted := range quotes(text) {
		if p := phraseOf(quoted); p.terms != "" {
			q.phrases = append(q.phrases, p)
		}
	}
	tokens := scan(text)
	stop := glue(stopWords(), tokens)
	q.needs = needs(tokens, stop)
	if len(q.needs) == 0 {
		q.needs = needs(tokens, nil)
	}
	return q
}

func head(text string, most int) string {
	if len(text) <= most {
		return text
	}
	n := 0
	for i := range text {
		if n++; n > most {
			return text[:i]
		}
	}
	return text
}

// quotes lists what stands in quotation marks of any language. An apostrophe is
// none.
func quotes(text string) []string {
	var found []string
	closing := map[rune]string{'"': `"`, '“': `”"`, '”': `”`, '„': `“”"`, '«': `»`, '»': `«`, '「': `」`, '『': `』`, '＂': `＂`}
	for i := 0; i < len(text) && len(found) < 8; {
		r, n := utf8.DecodeRuneInString(text[i:])
		i += n
		if end := closing[r]; end != "" {
			if length := strings.IndexAny(text[i:], end); length >= 0 {
				found = append(found, text[i:i+length])
				_, n := utf8.DecodeRuneInString(text[i+length:])
				i += length + n
			}
		}
	}
	return found
}

func phraseOf(text string) phrase {
	var terms, surfaces []string
	tokens := scan(text)
	for i, t := range tokens {
		if t.form == join || t.form == single && i > 0 && tokens[i-1].form == gram {
			continue
		}
		terms, surfaces = append(terms, t.term), append(surfaces, t.surface)
		if len(terms) == maxNeeds {
			break
		}
	}
	return phrase{terms: strings.Join(terms, " "), surface: strings.Join(surfaces, " ")}
}

// needs makes the question's needs of its tokens, each once.
func needs(tokens []token, stop map[string]bool) []need {
	var list []need
	at := map[string]int{}
	add := func(n need) {
		if i, known := at[n.term]; known {
			list[i].or = append(list[i].or, n.or...)
			return
		}
		at[n.term] = len(list)
		list = append(list, n)
	}
	for i := 0; i < len(tokens); i++ {
		// A join stands behind its parts: look ahead for one that begins here.
		if parts, joined := joinAt(tokens[i:]); parts > 0 {
			if joined.isCode() {
				var terms []string
				for _, t := range tokens[i : i+parts] {
					terms = append(terms, t.term)
				}
				add(need{term: joined.term, phrase: strings.Join(terms, " "), form: join, code: true})
			} else {
				before := len(list)
				for _, t := range tokens[i : i+parts] {
					if !stop[t.surface] {
						n := need{term: t.term, or: []string{joined.term}, form: word}
						n.kin, n.parts = kinOf(t.surface)
						add(n)
					}
				}
				add(need{term: joined.term, form: join, extra: len(list) > before})
			}
			i += parts
			continue
		}
		switch t := tokens[i]; t.form {
		case word:
			c, found := codeAt(tokens[i:], stop)
			if !stop[t.surface] {
				n := need{term: t.term, form: word, code: mixed(t.surface), aside: i > 0 && measures(tokens[i-1].surface, t.surface)}
				n.kin, n.parts = kinOf(t.surface)
				if n.code {
					n.phrase = apart(t.surface)
				}
				if found {
					n.or = []string{c.term}
				}
				add(n)
			}
			if found {
				// The number proves itself by the code as well: E121 holds the 121 of "E 121".
				if parts, _ := joinAt(tokens[i+1:]); parts == 0 {
					add(need{term: tokens[i+1].term, or: []string{c.term}, form: word})
				}
				add(c)
			}
		case gram:
			if stop == nil || !hiragana(t.surface) {
				add(need{term: t.term, form: gram})
			}
		case single:
			if (i == 0 || tokens[i-1].form != gram) && (stop == nil || !hiragana(t.surface)) {
				add(need{term: t.term, form: single, prefix: true})
			}
		}
	}
	for i := range list[:max(0, len(list)-1)] {
		list[i].pair = list[i].term + " " + list[i+1].term
	}
	return list
}

// measures reports the second word of "how long" and its like.
func measures(before, word string) bool {
	switch before {
	case "how":
		switch word {
		case "long", "often", "far", "big", "large", "old", "soon", "fast", "quickly", "tall":
			return true
		}
	case "wie":
		switch word {
		case "lange", "oft", "weit", "gross", "alt", "bald", "schnell":
			return true
		}
	}
	return false
}

// joinAt finds the join whose first part is the first token.
func joinAt(tokens []token) (parts int, joined token) {
	for n := 1; n < len(tokens) && n <= 10; n++ {
		if tokens[n].form == join {
			if tokens[n].parts == n {
				return n, tokens[n]
			}
			return 0, token{}
		}
		if tokens[n].form != word {
			return 0, token{}
		}
	}
	return 0, token{}
}

// isCode reports a join that is one thing, such as P-101A, 3.5 or U.S.A.
func (t token) isCode() bool {
	return strings.ContainsAny(t.term, "0123456789") || utf8.RuneCountInString(t.term) == t.parts
}

// mixed reports letters and digits in one word, such as 101a or h2o.
func mixed(w string) bool {
	return strings.ContainsAny(w, "0123456789") && strings.Trim(w, "0123456789") != ""
}

// match is the FTS5 expression for the needs. Terms hold letters, digits, marks
// and the joint only, so that nothing in them can be syntax; they are quoted
// all the same.
func match(bases []string, needs []need, phrases []phrase, every bool) string {
	var b strings.Builder
	for i, base := range bases {
		b.WriteString([]string{"base : (", " OR "}[min(i, 1)])
		quote(&b, baseToken(base))
	}
	if len(bases) > 0 {
		b.WriteString(") AND ")
	}
	for i, p := range phrases {
		b.WriteString([]string{"{title heading text} : ", " AND {title heading text} : "}[min(i, 1)])
		quote(&b, p.terms)
	}
	if len(phrases) > 0 {
		return b.String()
	}
	const fields = "{title heading text code} : ("
	b.WriteString("(" + fields)
	for i, n := range needs {
		switch {
		case i > 0 && every:
			b.WriteString(") AND " + fields)
		case i > 0:
			b.WriteString(" OR ")
		}
		quote(&b, n.term)
		if n.prefix {
			b.WriteByte('*')
		}
		for _, t := range slices.Concat(n.or, n.kin) {
			b.WriteString(" OR ")
			quote(&b, t)
		}
		for _, p := range n.parts {
			b.WriteString(" OR (")
			quote(&b, p.front)
			b.WriteString(" AND ")
			quote(&b, p.back)
			b.WriteByte(')')
		}
		if n.phrase != "" {
			b.WriteString(" OR ")
			quote(&b, n.phrase)
		}
	}
	b.WriteString("))")
	return b.String()
}

func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	b.WriteString(strings.ReplaceAll(s, `"`, ""))
	b.WriteByte('"')
}
