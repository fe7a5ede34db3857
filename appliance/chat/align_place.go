package chat

import (
	"strings"
	"unicode/utf8"

	"chatets/appliance/library"
)

// enoughShare is the part of what a passage holds of a statement that its best
// sentence must hold alone; otherwise the one that adds most is shown as well.
const enoughShare = 0.75

// A span is a stretch of a passage's text, in bytes.
type span struct{ start, end int }

// told remembers what was stated where a passage is cited.
func (c *citer) told(number int, text string) {
	if c.claims == nil {
		c.claims = map[int][]string{}
	}
	c.claims[number] = append(c.claims[number], text)
}

// Places are the stretches of the cited passages that what was stated comes from,
// by number. A passage that only another language could be compared with has none.
func (c *citer) Places(passages []library.Passage) map[int]span {
	places := map[int]span{}
	for number, texts := range c.claims {
		if number < 1 || number > len(passages) {
			continue
		}
		sentences := sentencesOf(number-1, passages[number-1])
		for _, text := range texts {
			found, ok := placeOf(claimOf(text), sentences)
			if !ok {
				continue
			}
			if before, known := places[number]; known {
				found = span{min(before.start, found.start), max(before.end, found.end)}
			}
			places[number] = found
		}
	}
	return places
}

// placeOf finds the sentence, or the two, that hold most of a claim.
func placeOf(c claim, sentences []quote) (span, bool) {
	// The fewer sentences hold a word, the more it tells about one of them.
	all := make([]float64, len(c.terms)) // in how many sentences each word stands
	for _, s := range sentences {
		for j, t := range c.terms {
			if s.held.Share(t) > 0 {
				all[j]++
			}
		}
	}
	worth := func(s quote, without *quote) float64 {
		sum := 0.0
		for j, t := range c.terms {
			if share := s.held.Share(t); share > 0 && (without == nil || without.held.Share(t) == 0) {
				sum += share / all[j]
			}
		}
		numbers := numberSet(s.text)
		for _, readings := range c.numbers {
			if anyOf(readings, numbers) && (without == nil || !anyOf(readings, numberSet(without.text))) {
				sum++
			}
		}
		return sum
	}
	best, most, whole := -1, 0.0, 0.0
	for i, s := range sentences {
		if s.heading {
			continue
		}
		if w := worth(s, nil); w > most {
			best, most = i, w
		}
	}
	if best < 0 {
		return span{}, false
	}
	for _, n := range all {
		if n > 0 {
			whole += 1 / n
		}
	}
	found := span{sentences[best].start, sentences[best].end}
	if most >= enoughShare*whole {
		return found, true
	}
	second, adds := -1, 0.0
	for i := range sentences {
		if i == best || sentences[i].heading {
			continue
		}
		if w := worth(sentences[i], &sentences[best]); w > adds {
			second, adds = i, w
		}
	}
	if second >= 0 && adds >= 1 {
		found = span{min(found.start, sentences[second].start), max(found.end, sentences[second].end)}
	}
	return found, true
}

func numberSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, readings := range numbersOf(text) {
		for _, n := range readings {
			set[n] = true
		}
	}
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		if n := numberWord(strings.Trim(w, ".,;:!?()")); n != "" {
			set[n] = true
		}
	}
	return set
}

func anyOf(readings []string, numbers map[string]bool) bool {
	for _, n := range readings {
		if numbers[n] {
			return true
		}
	}
	return false
}

// narrow puts a citation to a stretch of its passage. Only a passage that is its
// document's text at these offsets can be narrowed; another is cited whole, never
// at a wrong place.
func narrow(c *Citation, p library.Passage, s span) {
	if utf8.RuneCountInString(p.Text) != p.End-p.Start {
		return
	}
	c.Page, c.Heading = p.PageAt(s.start), p.HeadingAt(s.start)
	c.Start = p.Start + utf8.RuneCountInString(p.Text[:s.start])
	c.Text = p.Text[s.start:s.end]
	c.End = c.Start + utf8.RuneCountInString(c.Text)
}

// citationsAt are passages under the numbers the prompt gave them, narrowed to
// what was stated of them.
func citationsAt(passages []library.Passage, places map[int]span) []Citation {
	citations := citationsOf(passages)
	for i := range citations {
		if s, known := places[i+1]; known {
			narrow(&citations[i], passages[i], s)
		}
	}
	return citations
}
