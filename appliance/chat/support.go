package chat

import (
	"math"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/lexical"
	"chatets/appliance/library"
)

const (
	stemLeast = 5    // characters two forms of a word have in common at least
	stemShare = 0.65 // of the longer form
	stemWorth = 0.8  // of the word itself
)

// A prover knows what each passage of an answer holds.
type prover struct {
	passages []*proof
}

// A proof is one passage, ready to be compared with sentences. It never changes.
type proof struct {
	terms   lexical.Held
	near    map[string][]string // first letters of a term -> terms
	where   lexical.Places      // which windows hold a term: two sentences side by side each
	windows int
	numbers map[string]bool
	tongue  string
}

// A claim is one sentence of an answer.
type claim struct {
	terms   []lexical.Sense // content words, each once
	numbers [][]string      // each with its readings: "1.000" is 1000 or 1
	tongue  string
}

// support is how far a passage holds a claim.
type support struct {
	share   float64 // of the claim's terms, weighted by rarity over the passages
	numbers bool    // all numbers of the claim stand in it
	foreign bool    // it is in another language: words cannot be compared
}

func newProver(passages []library.Passage) *prover {
	p := &prover{passages: make([]*proof, len(passages))}
	for i := range passages {
		p.passages[i] = newProof(pageOf(passages[i]))
	}
	return p
}

// page is what of a passage is compared.
type page struct{ title, heading, text string }

func pageOf(p library.Passage) page { return page{p.DocumentTitle, p.Heading, p.Text} }

func newProof(p page) *proof {
	text := p.title + "\n" + p.heading + "\n" + p.text
	f := &proof{terms: lexical.Hold(text), near: map[string][]string{}, where: lexical.Places{}, numbers: map[string]bool{}, tongue: tongueOf(p.text)}
	for t := range f.terms {
		if key := stemKey(t); key != "" {
			f.near[key] = append(f.near[key], t)
		}
	}
	for _, readings := range numbersOf(text) {
		for _, n := range readings {
			f.numbers[n] = true
		}
	}
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if n := numberWord(w); n != "" {
			f.numbers[n] = true
		}
	}
	head := lexical.Hold(p.title + "\n" + p.heading)
	sentences := Sentences(p.text)
	f.windows = len(sentences)
	for i, sentence := range sentences {
		held := lexical.Hold(sentence)
		f.where.Note(head, i)
		f.where.Note(held, i)
		if i+1 < len(sentences) {
			f.where.Note(held, i+1)
		}
	}
	return f
}

func claimOf(text string) claim {
	c := claim{tongue: tongueOf(text), numbers: numbersOf(text)}
	for _, s := range lexical.Senses(text) {
		if t := s.Term(); strings.ContainsFunc(t, unicode.IsLetter) && utf8.RuneCountInString(t) > 1 {
			c.terms = append(c.terms, s)
		}
	}
	return c
}

// weigh gives a term its weight: the fewer passages hold it, the more it tells. A
// term that none holds weighs as much as one of a single passage.
func (p *prover) weigh(t string) float64 {
	holds := 0
	for _, f := range p.passages {
		if f.terms[t] {
			holds++
		}
	}
	return math.Log(1 + float64(len(p.passages))/float64(max(holds, 1)))
}

// support compares a claim with every passage.
func (p *prover) support(c claim) []support {
	weights := make([]float64, len(c.terms))
	rare := math.Log(1 + float64(len(p.passages)))
	total := rare * float64(len(c.numbers))
	for i, t := range c.terms {
		weights[i] = p.weigh(t.Term())
		total += weights[i]
	}
	var sums []float64 // of the windows
	var in []uint64    // windows that hold a term
	out := make([]support, len(p.passages))
	for i, f := range p.passages {
		s := support{numbers: true, foreign: c.tongue != "" && f.tongue != "" && c.tongue != f.tongue}
		held := 0.0
		for _, readings := range c.numbers {
			if f.has(readings) {
				held += rare
			} else {
				s.numbers = false
			}
		}
		all := held
		sums = append(sums[:0], make([]float64, f.windows)...)
		for j, t := range c.terms {
			form := f.form(t, s.foreign)
			if form.worth == 0 {
				continue
			}
			all += weights[j] * form.worth
			in = append(in[:0], make([]uint64, f.windows/64+1)...)
			f.spots(form, in)
			for n, word := range in {
				for ; word != 0; word &= word - 1 {
					sums[64*n+bits.TrailingZeros64(word)] += weights[j] * form.worth
				}
			}
		}
		best := 0.0
		for _, sum := range sums {
			best = max(best, sum)
		}
		if total > 0 {
			s.share = (all + held + best) / (2 * total)
		}
		out[i] = s
	}
	return out
}

// A form is what a passage has of a word: a term that begins like it, or, where
// alike is "", what its sense proves.
type form struct {
	sense lexical.Sense
	alike string
	worth float64 // 0 = the passage has nothing of it
}

// form is the passage's own form of a word, and how much finding it is worth. Of
// a passage in another language only the word itself counts.
func (f *proof) form(s lexical.Sense, foreign bool) form {
	if worth := f.terms.Share(s); worth == 1 || worth > 0 && !foreign {
		return form{sense: s, worth: worth}
	}
	t := s.Term()
	length := utf8.RuneCountInString(t)
	for _, other := range f.near[stemKey(t)] {
		same := common(t, other)
		if float64(same) >= stemShare*float64(max(length, utf8.RuneCountInString(other))) {
			return form{alike: other, worth: stemWorth}
		}
	}
	return form{}
}

// spots adds the windows of the passage that have the word.
func (f *proof) spots(word form, in []uint64) {
	if word.alike == "" {
		f.where.Of(word.sense, in)
		return
	}
	for i, b := range f.where[word.alike] {
		in[i] |= b
	}
}

func (f *proof) has(readings []string) bool {
	for _, n := range readings {
		if f.numbers[n] {
			return true
		}
	}
	return false
}

// stemKey is what the forms of a word begin with; "" for what has no forms.
func stemKey(t string) string {
	n := 0
	for i, r := range t {
		if !unicode.IsLetter(r) || wide(r) {
			return ""
		}
		if n++; n == stemLeast {
			return t[:i+utf8.RuneLen(r)]
		}
	}
	return ""
}

// common counts the characters two terms begin with alike.
func common(a, b string) int {
	n := 0
	for i, r := range a {
		if i >= len(b) {
			break
		}
		if s, _ := utf8.DecodeRuneInString(b[i:]); s != r {
			break
		}
		n++
	}
	return n
}

// numbersOf lists the numbers of a text, each with its readings: what "1.000"
// is depends on the language, "1,5" and "1.5" are one.
func numbersOf(text string) [][]string {
	var all [][]string
	text = lexical.Fold(text)
	for i := 0; i < len(text); {
		if !digit(text[i]) {
			i++
			continue
		}
		end := i
		for end < len(text) && (digit(text[end]) || end+1 < len(text) && digit(text[end+1]) && strings.IndexByte(".,'", text[end]) >= 0) {
			end++
		}
		all = append(all, readings(text[i:end]))
		i = end
	}
	return all
}

func readings(number string) []string {
	parts := strings.FieldsFunc(number, func(r rune) bool { return r == '.' || r == ',' || r == '\'' })
	if len(parts) == 1 {
		return []string{plain(parts[0])}
	}
	list := []string{strings.Join(parts, ".")} // dates and versions as they stand
	groups := true
	for i, p := range parts[1:] {
		if len(p) != 3 && i < len(parts)-2 {
			groups = false
		}
	}
	last := parts[len(parts)-1]
	if groups && len(parts[0]) <= 3 {
		if len(last) == 3 {
			list = append(list, plain(strings.Join(parts, "")))
		}
		whole := plain(strings.Join(parts[:len(parts)-1], ""))
		if fraction := strings.TrimRight(last, "0"); fraction != "" {
			whole += "." + fraction
		}
		list = append(list, whole)
	}
	return list
}

func plain(digits string) string {
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	return digits
}

// numberWord is the number a word says, in the languages that are told apart.
func numberWord(w string) string {
	switch w {
	case "one", "ein", "eine", "einen", "einem", "einer", "eines", "eins", "un", "une":
		return "1"
	case "two", "zwei", "deux", "twice", "zweimal":
		return "2"
	case "three", "drei", "trois":
		return "3"
	case "four", "vier", "quatre":
		return "4"
	case "five", "fünf", "cinq":
		return "5"
	case "six", "sechs":
		return "6"
	case "seven", "sieben", "sept":
		return "7"
	case "eight", "acht", "huit":
		return "8"
	case "nine", "neun", "neuf":
		return "9"
	case "ten", "zehn", "dix":
		return "10"
	case "eleven", "elf", "onze":
		return "11"
	case "twelve", "zwölf", "douze":
		return "12"
	case "fourteen", "vierzehn", "quatorze":
		return "14"
	case "fifteen", "fünfzehn", "quinze":
		return "15"
	case "twenty", "zwanzig", "vingt":
		return "20"
	case "thirty", "dreißig", "dreissig", "trente":
		return "30"
	case "sixty", "sechzig", "soixante":
		return "60"
	case "hundred", "hundert", "cent":
		return "100"
	}
	return ""
}

// tongueOf is the language a text is written in as far as its small words tell:
// "" where they do not.
func tongueOf(text string) string {
	var counts [5]int
	letters, wides := 0, 0
	for _, r := range text {
		if wide(r) {
			wides++
		} else if unicode.IsLetter(r) {
			letters++
		}
	}
	if wides > letters {
		return "cjk"
	}
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		switch w {
		case "the", "of", "and", "to", "is", "are", "for", "with", "be", "by", "from", "that", "this", "which", "it", "must", "not", "or", "has", "have", "at", "as":
			counts[0]++
		case "der", "die", "das", "und", "ist", "sind", "den", "dem", "ein", "eine", "mit", "von", "zu", "im", "nicht", "wird", "werden", "auf", "für", "muss", "oder", "bei":
			counts[1]++
		case "le", "la", "les", "et", "est", "sont", "des", "du", "une", "pour", "dans", "avec", "par", "sur", "ne", "pas", "doit", "au", "aux", "que":
			counts[2]++
		case "el", "los", "las", "y", "es", "son", "del", "por", "con", "una", "se", "debe", "para":
			counts[3]++
		case "il", "lo", "gli", "e", "sono", "della", "di", "che", "per", "nel", "alla":
			counts[4]++
		}
	}
	best, second := 0, -1
	for i := 1; i < len(counts); i++ {
		if counts[i] > counts[best] {
			best, second = i, best
		} else if second < 0 || counts[i] > counts[second] {
			second = i
		}
	}
	if counts[best] < 2 || counts[best] <= counts[second] {
		return ""
	}
	return []string{"en", "de", "fr", "es", "it"}[best]
}
