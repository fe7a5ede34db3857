package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// markers takes the markers of one place, after so many bytes of white space.
func (c *citer) markers(space int, numbers []int, size int, last bool) bool {
	gap := c.buf[:space]
	c.buf = c.buf[space+size:]
	text := string(c.sentence[c.since:])
	if claim := c.claimOf(text); len(claim.terms)+len(claim.numbers) < claimLeast {
		text = string(c.sentence)
	}
	numbers = c.existing(numbers)
	stay := c.check(text, numbers)
	for _, n := range stay {
		c.told(n, text)
	}
	words := strings.TrimSpace(string(c.sentence))
	switch {
	case len(stay) > 0:
		c.put(gap, stay)
	case len(numbers) > 0 && c.late == nil && c.mark == 0 && utf8.RuneCountInString(words) < 40:
		c.late = &late{numbers: numbers, space: gap}
	case strings.Contains(gap, "|"):
		c.emit(gap)
	case words == "":
		c.buf = c.buf[spaces(c.buf):] // nothing stands before it
	}
	return true
}

// put writes markers behind what was said last.
func (c *citer) put(gap string, numbers []int) {
	switch {
	case strings.Contains(gap, "|"):
		c.emit(gap)
	case gap != "" || len(c.sentence) > 0:
		c.emit(" ")
	}
	for _, n := range numbers {
		c.emit(marker(n))
		c.cited[n] = true
	}
	c.kept += len(numbers)
	c.since = len(c.sentence)
}

// claimOf is what a sentence states; the last one is asked for more than once.
func (c *citer) claimOf(text string) claim {
	if text != c.asked {
		c.asked, c.claim = text, claimOf(text)
	}
	return c.claim
}

// existing leaves the numbers that passages have, each once.
func (c *citer) existing(numbers []int) []int {
	var list []int
	for _, n := range numbers {
		if n >= 1 && n <= c.number && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// check leaves those of the passages a model cites that support the text.
func (c *citer) check(text string, numbers []int) []int {
	if len(numbers) == 0 || strings.TrimSpace(text) == "" {
		return nil
	}
	if len(text) > claimMost {
		text = strings.ToValidUTF8(text[len(text)-claimMost:], "")
	}
	all := c.prover.support(c.claimOf(text))
	best := 0.0
	for _, s := range all {
		best = max(best, s.share)
	}
	var stay []int
	for _, n := range numbers {
		s := all[n-1]
		switch {
		case s.share >= citedFloor && s.share >= citedShare*best:
			stay = append(stay, n)
		case s.foreign && s.numbers && len(numbers) <= citedMost:
			// Words of two languages cannot be compared: the model is believed as far
			// as it is choosy and the numbers agree.
			stay = append(stay, n)
		}
	}
	if len(stay) > citedMost {
		ranked := slices.Clone(stay)
		slices.SortStableFunc(ranked, func(a, b int) int {
			switch x, y := all[a-1].share, all[b-1].share; {
			case x > y:
				return -1
			case x < y:
				return 1
			}
			return 0
		})
		ranked = ranked[:citedMost]
		stay = slices.DeleteFunc(stay, func(n int) bool { return !slices.Contains(ranked, n) })
	}
	return stay
}

// settle decides about a marker that waited for its sentence.
func (c *citer) settle() {
	l := c.late
	if l == nil {
		return
	}
	c.late = nil
	text := l.text.String()
	if stay := c.check(string(c.sentence), l.numbers); len(stay) > 0 {
		if l.space != "" {
			c.emit(l.space)
		}
		for _, n := range stay {
			c.emit(marker(n))
			c.cited[n] = true
			c.told(n, string(c.sentence))
		}
		c.kept += len(stay)
	} else if l.space == "" {
		text = text[spaces(text):]
	} else if strings.Contains(l.space, "|") {
		c.emit(l.space)
	}
	c.emit(text)
}

// endSentence closes the sentence: one that states something and has no marker
// gets that of its passage.
func (c *citer) endSentence() {
	c.settle()
	text := strings.TrimSpace(string(c.sentence))
	if n := c.align(text); n > 0 {
		c.emit(" " + marker(n))
		c.cited[n] = true
		c.told(n, text)
	}
	c.sentence, c.since, c.kept, c.mark, c.bracket = c.sentence[:0], 0, 0, 0, false
}

// align finds the passage a sentence comes from; 0 for none.
func (c *citer) align(text string) int {
	if text == "" || c.line == headingLine || c.line == headLine || c.line == codeLine {
		return 0
	}
	bare := strings.TrimRight(text, "\"'”’»›)]}」』）】》〉*_ ")
	switch {
	case strings.HasSuffix(bare, "?"), strings.HasSuffix(bare, "？"), strings.HasSuffix(bare, ":"), strings.HasSuffix(bare, "："):
		return 0
	case !strings.ContainsFunc(text, unicode.IsLetter), refuses(text):
		return 0
	}
	c.spoke = true
	if c.kept > 0 || c.number == 0 || c.mark == 0 && c.line == plainLine && emphasised(text) {
		return 0
	}
	if len(text) > claimMost {
		text = strings.ToValidUTF8(text[:claimMost], "")
	}
	claim := c.claimOf(text)
	if len(claim.terms)+len(claim.numbers) < claimLeast {
		return 0
	}
	best, share := 0, 0.0
	for i, s := range c.prover.support(claim) {
		if s.numbers && s.share >= alignFloor && s.share > share {
			best, share = i+1, s.share
		}
	}
	return best
}

// emphasised reports a line that is a heading by its emphasis alone.
func emphasised(text string) bool {
	for _, mark := range []string{"**", "__"} {
		inner, ok := strings.CutPrefix(text, mark)
		if inner, end := strings.CutSuffix(inner, mark); ok && end && !strings.Contains(inner, mark) {
			return true
		}
	}
	return false
}

// refuses reports a sentence that says what the passages do not hold. It shares
// the words of what was asked with them and is supported by none.
func refuses(text string) bool {
	source, facts, not, none := false, false, false, false
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		switch w {
		case "passage", "passages", "document", "documents", "source", "sources", "excerpts", "text", "texts", "context",
			"passagen", "dokument", "dokumente", "dokumenten", "quelle", "quellen", "textstellen", "auszüge", "auszügen", "abschnitte", "abschnitten",
			"unterlagen", "extraits", "extrait":
			source = true
		case "information", "details", "informationen", "angaben", "angabe", "hinweise", "d'information", "informations", "l'information", "indication":
			facts = true
		case "no", "none", "nothing", "kein", "keine", "keinen", "keinerlei", "aucun", "aucune", "rien":
			not, none = true, true
		case "not", "cannot", "don't", "doesn't", "isn't", "aren't", "nicht", "nichts", "pas", "ni", "neither", "weder":
			not = true
		}
	}
	if strings.ContainsAny(text, "没未無") && (strings.Contains(text, "段落") || strings.Contains(text, "文档") || strings.Contains(text, "文件") || strings.Contains(text, "资料")) {
		return true
	}
	return source && not && saysSo(text) || facts && none
}

// saysSo reports the verbs of what a text holds.
func saysSo(text string) bool {
	text = strings.ToLower(text)
	for _, phrase := range []string{"mention", "contain", "provide", "state", "specify", "enthalten", "enthält", "erwähn", "genannt", "hervor",
		"angegeben", "contien", "mentionn", "précis", "indiqu"} {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}
