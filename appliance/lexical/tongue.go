package lexical

import "strings"

// A word of a passage in German or French has, besides its own term, terms in
// the column of codes by which its other forms find it: its stem and the parts
// of a compound. They begin with the joint and a letter for the language, so
// that none of them can come out of a text, and English stays as it is.
const (
	germanMark = string(joint) + "g"
	frenchMark = string(joint) + "f"
)

// tongues are the languages a text is written in, as far as its terms depend on
// it. A text without glue words, such as a row of a table, may be in any.
type tongues struct{ german, french bool }

// tonguesOf counts the glue words that belong to one language only.
func tonguesOf(surfaces []string) tongues {
	lists := stopWords()
	var hits [3]int
	for _, w := range surfaces {
		in, at := 0, 0
		for i, list := range lists {
			if list[w] {
				in, at = in+1, i
			}
		}
		if in == 1 {
			hits[at]++
		}
	}
	// A third of the best is a passage in two languages.
	least := max(hits[0], hits[1], hits[2])
	return tongues{german: 3*hits[1] >= least, french: 3*hits[2] >= least}
}

// kin are the further terms of the words of a text.
func kin(surfaces []string, in tongues) []string {
	var terms []string
	lists := stopWords()
	for _, w := range surfaces {
		if len(w) < 4 || !letters(w) {
			continue
		}
		if in.german && lists[1][w] || in.french && lists[2][w] {
			continue
		}
		if in.german {
			terms = append(terms, germanMark+german(w))
			for _, c := range compounds(w) {
				terms = append(terms, germanMark+c.front, germanMark+c.back)
			}
		}
		if in.french {
			terms = append(terms, frenchMark+french(w))
		}
	}
	return terms
}

// letters reports a word of a-z alone.
func letters(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}

// french takes plurals and the endings of common verbs and adjectives off a
// folded French word.
func french(w string) string {
	for _, e := range []string{"issements", "issement", "atrices", "atrice", "ateurs", "ateur", "ations", "ation", "ements", "ement", "euses", "euse", "ables", "able",
		"iques", "ique", "aient", "ions", "ives", "ive", "ites", "ite", "ees", "ent", "ant", "ait", "ifs", "eur", "eux", "aux", "ies", "ee", "es", "er", "ez", "if", "ir", "ie", "al", "e", "s"} {
		if root, found := strings.CutSuffix(w, e); found && len(root) >= 4 {
			return root
		}
	}
	return w
}

// kinOf are the terms by which a word of a question finds its other forms, and
// the compounds it may be.
func kinOf(w string) (terms []string, parts []compound) {
	if len(w) < 4 || !letters(w) {
		return nil, nil
	}
	for _, c := range compounds(w) {
		parts = append(parts, compound{germanMark + c.front, germanMark + c.back})
	}
	return []string{germanMark + german(w), frenchMark + french(w)}, parts
}
