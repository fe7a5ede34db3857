package chat

import (
	"context"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/extract"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
)

const (
	maxQuotes        = 6   // sentences of an answer
	maxQuotedPassage = 3   // of them from one passage
	maxPassages      = 5   // passages that are quoted
	quoteShare       = 0.5 // of the best sentence's score that another needs
)

// Sentences that ChatETS says itself. Everything else in an extractive answer
// is the documents' own.
const (
	noModel = "No language model is connected, so this answer is made of the documents' own words:"
	nothing = "Nothing about this was found in the knowledge bases that were searched. " +
		"Ask with other words, choose other knowledge bases, or add a document that holds the answer."
	withheldSentence = "*This sentence is withheld: you may no longer read its document.*"
)

// Extractive answers with the documents' own sentences, word for word. It is
// what speaks while no model is connected.
type Extractive struct{}

// Write quotes the best sentences of the passages; without passages it says
// that nothing was found.
func (Extractive) Write(ctx context.Context, b Brief, out Out) (kind string, err error) {
	quotes := choose(b)
	if len(quotes) == 0 {
		return KindNone, out.Say(nothing)
	}
	numbers, citations := cite(b.Passages, quotes)
	if err := out.Cite(citations); err != nil {
		return KindExtractive, err
	}
	if err := out.Say(noModel + "\n"); err != nil {
		return KindExtractive, err
	}
	for _, q := range quotes {
		if err := out.Say("\n- " + escape(q.text) + " " + marker(numbers[q.passage])); err != nil {
			return KindExtractive, err
		}
	}
	return KindExtractive, nil
}

// A quote is one sentence of a passage, at byte offsets of the passage's text.
type quote struct {
	passage    int
	start, end int
	text       string
	held       lexical.Held
	terms      int  // how many it has
	item       bool // of a list
	heading    bool // repeats the title or the heading path
	score      float64
}

// choose picks the sentences that answer best, grouped by document and ordered
// by relevance: the document, then the passage, then the place in the passage.
func choose(b Brief) []quote {
	passages := b.Passages[:min(len(b.Passages), maxPassages)]
	var all []quote
	for i, p := range passages {
		all = append(all, sentencesOf(i, p)...)
	}
	words := weigh(b, all)
	about := make([][]weighed, len(passages))
	for i, p := range passages {
		about[i] = within(p, words)
	}
	for i := range all {
		all[i].score = own(all[i], about[all[i].passage])
	}
	score(passages, all, words)
	ranked := slices.Clone(all)
	slices.SortStableFunc(ranked, func(x, y quote) int {
		switch {
		case x.score > y.score:
			return -1
		case x.score < y.score:
			return 1
		}
		return 0
	})
	var chosen []quote
	perPassage := map[int]int{}
	said := map[string]bool{}
	for _, q := range ranked {
		key := strings.ToLower(strings.Join(strings.Fields(q.text), " "))
		if len(chosen) == maxQuotes || q.heading || q.score <= 0 || q.score < quoteShare*ranked[0].score && len(chosen) > 0 {
			continue
		}
		if perPassage[q.passage] == maxQuotedPassage || said[key] {
			continue
		}
		perPassage[q.passage]++
		said[key] = true
		chosen = append(chosen, q)
	}
	if len(chosen) == 0 {
		chosen = firstOf(all)
	}
	return arrange(passages, withLists(all, chosen))
}

// firstOf is the answer where only titles and headings matched: what stands
// first under the best of them, with its list.
func firstOf(all []quote) []quote {
	for i, q := range all {
		if !q.heading {
			list := itemsAfter(all, i)
			return append([]quote{q}, list[:min(len(list), maxQuotes-1)]...)
		}
	}
	return nil
}

// withLists adds the list to a sentence that only leads into it.
func withLists(all, chosen []quote) []quote {
	has := map[[2]int]bool{}
	for _, q := range chosen {
		has[[2]int{q.passage, q.start}] = true
	}
	for i, q := range all {
		if !has[[2]int{q.passage, q.start}] || !strings.HasSuffix(q.text, ":") {
			continue
		}
		for _, item := range itemsAfter(all, i) {
			if at := [2]int{item.passage, item.start}; !has[at] && len(chosen) < maxQuotes {
				has[at] = true
				chosen = append(chosen, item)
			}
		}
	}
	return chosen
}

// itemsAfter are the items of the list that follows a sentence.
func itemsAfter(all []quote, i int) []quote {
	end := i + 1
	for end < len(all) && all[end].passage == all[i].passage && all[end].item {
		end++
	}
	return all[i+1 : end]
}

// arrange groups quotes, which come best first, by document and passage.
func arrange(passages []library.Passage, chosen []quote) []quote {
	document, passage := map[string]int{}, map[int]int{}
	for i, q := range chosen {
		if _, known := document[passages[q.passage].Document]; !known {
			document[passages[q.passage].Document] = i
		}
		if _, known := passage[q.passage]; !known {
			passage[q.passage] = i
		}
	}
	slices.SortStableFunc(chosen, func(x, y quote) int {
		if d := document[passages[x.passage].Document] - document[passages[y.passage].Document]; d != 0 {
			return d
		}
		if d := passage[x.passage] - passage[y.passage]; d != 0 {
			return d
		}
		return x.start - y.start
	})
	return chosen
}

// sentencesOf cuts a passage into what can be quoted.
func sentencesOf(index int, p library.Passage) []quote {
	var quotes []quote
	at := 0
	for _, piece := range pieces(p) {
		start, end := at, at+len(piece.text)
		at = end
		piece, kind := piece.text, piece.kind
		start += len(piece) - len(strings.TrimLeftFunc(piece, unicode.IsSpace))
		end -= len(piece) - len(strings.TrimRightFunc(piece, unicode.IsSpace))
		if start >= end {
			continue
		}
		mark := itemMark(p.Text[start:end])
		start += mark
		text := p.Text[start:end]
		if strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0 || !utf8.ValidString(text) {
			continue
		}
		quotes = append(quotes, quote{passage: index, start: start, end: end, text: text, held: lexical.Hold(text), terms: len(lexical.Terms(text)),
			item: mark > 0 || kind == extract.Item, heading: kind == extract.Heading || repeats(text, p)})
	}
	return quotes
}

// A piece is a sentence of a passage with the kind of block it stands in.
type piece struct {
	text string
	kind string
}

// pieces cuts each block of a passage into sentences; joined, they are its text.
// A row of a table stays whole: its cells mean nothing apart.
func pieces(p library.Passage) []piece {
	var all []piece
	cut := func(text string, kind string) {
		if kind == extract.Row && len(text) <= longSentence {
			all = append(all, piece{text, kind})
			return
		}
		for _, sentence := range Sentences(text) {
			all = append(all, piece{sentence, kind})
		}
	}
	end := len(p.Text)
	if len(p.Parts) > 0 {
		end = p.Parts[0].At
	}
	cut(p.Text[:end], "")
	for i, part := range p.Parts {
		end = len(p.Text)
		if i+1 < len(p.Parts) {
			end = p.Parts[i+1].At
		}
		cut(p.Text[part.At:end], part.Kind)
	}
	return all
}

// repeats reports whether a sentence is the title or a part of the heading path
// over the passage, which says what the passage is about and nothing about it.
func repeats(text string, p library.Passage) bool {
	text = strings.TrimSpace(strings.TrimLeft(text, "# "))
	return text == p.DocumentTitle || text == p.Heading || strings.Contains("\n"+p.Heading+"\n", text) && utf8.RuneCountInString(text) > 3 && !strings.HasSuffix(text, ".")
}

// A weighed sense is a word of the question and how much it tells.
type weighed struct {
	lexical.Sense
	weight float64
}

// weigh gives each word of the question its weight: the fewer sentences hold it,
// the more it tells. What comes from the question before counts half.
func weigh(b Brief, all []quote) []weighed {
	var words []weighed
	at := map[string]int{}
	n := float64(len(all))
	add := func(text string, share float64) {
		for _, s := range lexical.Senses(text) {
			d := 0.0
			for _, q := range all {
				if q.held.Share(s) > 0 {
					d++
				}
			}
			weight := share * math.Log(1+(n-d+0.5)/(d+0.5))
			if i, known := at[s.Term()]; known {
				words[i].weight = max(words[i].weight, weight)
				continue
			}
			at[s.Term()] = len(words)
			words = append(words, weighed{s, weight})
		}
	}
	add(b.Question, 1)
	add(b.Before, 0.5)
	return words
}

// within weighs for the sentences of one passage: what its title or its heading
// says already tells less about one sentence of it than about another.
func within(p library.Passage, words []weighed) []weighed {
	w := slices.Clone(words)
	head := lexical.Hold(p.DocumentTitle + "\n" + p.Heading)
	for i := range w {
		if head.Share(w[i].Sense) > 0 {
			w[i].weight /= 2
		}
	}
	return w
}

// own is the weight of the question's words in the sentence itself; a very long
// sentence, which holds many words by its length alone, counts less.
func own(q quote, words []weighed) float64 {
	sum := 0.0
	for _, w := range words {
		sum += w.weight * q.held.Share(w.Sense)
	}
	return sum / (1 + max(0, float64(q.terms-40))/80)
}

// score adds to each sentence what its surroundings say: the heading over it,
// the question or the lead-in right before it, the rank of its passage.
func score(passages []library.Passage, all []quote, words []weighed) {
	best := 0.0
	for _, p := range passages {
		best = max(best, p.Score)
	}
	heading := make([]float64, len(passages))
	for i, p := range passages {
		heading[i] = own(quote{held: lexical.Hold(p.Heading)}, words)
	}
	lead := 0.0 // what the lead-in of the running list scored
	before := 0.0
	for i := range all {
		q := &all[i]
		mine := q.score
		if i == 0 || all[i-1].passage != q.passage {
			lead, before = 0, 0
		}
		if !q.item {
			lead = 0
		}
		total := mine + 0.3*before + 0.5*lead
		if mine > 0 || before > 0 || lead > 0 {
			total += 0.25 * heading[q.passage]
		}
		if strings.HasSuffix(q.text, "?") {
			total *= 0.4
		}
		if strings.HasSuffix(q.text, ":") {
			lead = mine
		}
		if before = 0; q.heading || strings.HasSuffix(q.text, "?") || strings.HasSuffix(q.text, ":") {
			before = mine
		}
		if best > 0 {
			total *= 0.7 + 0.3*passages[q.passage].Score/best
		}
		q.score = total
	}
}

// cite numbers the passages in the order of their quotes and narrows each to
// the range from its first quote to its last.
func cite(passages []library.Passage, quotes []quote) (numbers map[int]int, citations []Citation) {
	numbers = map[int]int{}
	spans := map[int]span{}
	var order []int
	for _, q := range quotes {
		s, known := spans[q.passage]
		if !known {
			order = append(order, q.passage)
			numbers[q.passage] = len(order)
			s = span{q.start, q.end}
		}
		spans[q.passage] = span{min(s.start, q.start), max(s.end, q.end)}
	}
	for _, i := range order {
		p := passages[i]
		c := Citation{Number: numbers[i], Document: CitedDocument{ID: p.Document, Title: p.DocumentTitle}, Knowledge: p.Knowledge,
			Version: p.Version, Page: p.Page, Heading: p.Heading, Start: p.Start, End: p.End, Text: p.Text}
		narrow(&c, p, spans[i])
		citations = append(citations, c)
	}
	return numbers, citations
}
