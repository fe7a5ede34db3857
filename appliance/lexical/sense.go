package lexical

import "strings"

// A Sense is a word of a question with everything that proves it in a text: its
// own term, the code it belongs to, its other forms in German and French, and the
// parts of a compound.
type Sense struct{ need need }

// Senses lists what a question is about, as Content does.
func Senses(text string) []Sense {
	asked := parse(text)
	list := make([]Sense, 0, len(asked.needs))
	for _, n := range asked.needs {
		list = append(list, Sense{n})
	}
	return list
}

// Term is the word's own term, as Content gives it.
func (s Sense) Term() string { return s.need.term }

// Held is what a text holds, ready to be compared with senses.
type Held map[string]bool

// Hold splits a text into its terms and the further ones of its words in German
// and French, as the index does.
func Hold(text string) Held {
	tokens := scan(text)
	held := make(Held, len(tokens))
	surfaces := make([]string, 0, len(tokens))
	for _, t := range tokens {
		held[t.term] = true
		if t.form == word {
			surfaces = append(surfaces, t.surface)
		}
	}
	for _, t := range kin(surfaces, tonguesOf(surfaces)) {
		held[t] = true
	}
	return held
}

// Share is how far a text proves a sense: 1 by the word itself, less by another
// form or by the parts of a compound, 0 not at all.
func (h Held) Share(s Sense) float64 {
	if h[s.need.term] {
		return 1
	}
	for _, t := range s.need.or {
		if h[t] {
			return 1
		}
	}
	if s.need.prefix {
		for t := range h {
			if strings.HasPrefix(t, s.need.term) {
				return 1
			}
		}
	}
	for _, t := range s.need.kin {
		if h[t] {
			return kinShare
		}
	}
	for _, p := range s.need.parts {
		if h[p.front] && h[p.back] {
			return kinShare
		}
	}
	return 0
}

// Places tells for each term of a text which of its parts hold it: bit n%64 of
// number n/64 is part n.
type Places map[string][]uint64

// Note says that a part holds what is given.
func (p Places) Note(held Held, part int) {
	for t := range held {
		bits := p[t]
		for len(bits) <= part/64 {
			bits = append(bits, 0)
		}
		bits[part/64] |= 1 << (part % 64)
		p[t] = bits
	}
}

// Of adds to a list, which has room for all parts, those that prove a sense, as
// Share has it.
func (p Places) Of(s Sense, parts []uint64) {
	add := func(bits []uint64) {
		for i, b := range bits {
			parts[i] |= b
		}
	}
	add(p[s.need.term])
	for _, t := range s.need.or {
		add(p[t])
	}
	if s.need.prefix {
		for t, bits := range p {
			if strings.HasPrefix(t, s.need.term) {
				add(bits)
			}
		}
	}
	for _, t := range s.need.kin {
		add(p[t])
	}
	for _, c := range s.need.parts {
		front, back := p[c.front], p[c.back]
		for i := range min(len(front), len(back)) {
			parts[i] |= front[i] & back[i]
		}
	}
}
