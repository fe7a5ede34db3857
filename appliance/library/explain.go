package library

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"chatets/appliance/extract"
	"chatets/appliance/fault"
	"chatets/appliance/lexical"
	"chatets/appliance/vector"
)

// explainDepth is how far down the ranks an explanation looks.
const explainDepth = 1000

// Asking is a question whose answer is to be explained.
type Asking struct {
	Text      string
	Knowledge []string // bases that who asks may edit; at least one
	Document  string   // that was expected, "" = none
	Phrase    string   // words of the passage that was expected, "" = any of the document
	K         int
}

// Explained is why a search finds what it finds.
type Explained struct {
	Language string // of the question, "" = too short to tell
	Words    []string
	Floor    float64 // coverage from which on a passage answers a question
	Bases    []ExplainedBase
	Notes    []Note
	Passages []ExplainedPassage
	Expected *Expected
}

// ExplainedBase is by what a base was asked.
type ExplainedBase struct {
	Knowledge, Name, Model string
	Compared               bool    // by meaning
	Near                   float64 // floor of the cosine of a passage without the question's words
}

// ExplainedPassage is a passage with all that decides its place.
type ExplainedPassage struct {
	Passage
	Rank      int // 0 = not found at all
	WordRank  int
	WordScore float64
	NearRank  int
	Cosine    float64
	Matched   []string // words of the question that it holds
	Missing   []string
	Disabled  bool
	Answers   bool // its coverage is enough for an answer
	compared  bool // by meaning
}

// Expected is the document that was expected, and why it is not where it was.
type Expected struct {
	Document Document
	Reasons  []Reason
	Passages []ExplainedPassage // the best of it
}

// Reason is one of the reasons why something is not found, or is.
type Reason struct{ Code, Sentence, Cure string }

// Explain searches bases that who may edit and says what decided. What who may
// not read is not in it, as in any search.
func (l *Library) Explain(ctx context.Context, who Reach, a Asking) (Explained, error) {
	out := Explained{Language: extract.Language(a.Text), Floor: lexical.Floor}
	if strings.TrimSpace(a.Text) == "" {
		return out, wrong("body.question", "There is no question.")
	}
	var expected *Document
	if a.Document != "" {
		d, err := l.documentFor(ctx, who, a.Document, Edit, "knowledge.explain")
		if err != nil {
			return out, err
		}
		expected = &d
		if len(a.Knowledge) == 0 {
			a.Knowledge = []string{d.Knowledge}
		}
	}
	if len(a.Knowledge) == 0 {
		return out, wrong("body.knowledge", "Say which knowledge bases are searched.")
	}
	var names []string
	for _, id := range a.Knowledge {
		k, err := l.editable(ctx, who, id, "knowledge.explain")
		if err != nil {
			return out, err
		}
		names = append(names, k.Name)
	}
	e := explaining{l: l, who: who, asked: a, words: wordsAsked(a.Text)}
	out.Words = e.words
	r, err := l.rank(ctx, who, Question{Text: a.Text, K: explainDepth}, a.Knowledge)
	if err != nil {
		return out, err
	}
	out.Notes, e.ranking = r.notes, r
	// What is found is cut as a search cuts it; the depth only says how far away the rest is.
	e.fused = FuseSides(r.words[:min(Depth, len(r.words))], cutSides(r.sides, Depth), explainDepth)
	if out.Passages, err = e.describe(ctx, e.fused[:min(a.K, len(e.fused))]); err != nil {
		return out, err
	}
	groups, err := l.grouped(ctx, a.Knowledge)
	if err != nil {
		return out, err
	}
	for _, g := range groups {
		for i, id := range a.Knowledge {
			if slices.Contains(g.bases, id) {
				compared := l.store.vectors != nil && (!g.maker.builtIn() || l.encoder != nil && meansIn(out.Language)) &&
					!slices.ContainsFunc(r.notes, func(n Note) bool { return slices.Contains(n.Knowledge, id) })
				out.Bases = append(out.Bases, ExplainedBase{Knowledge: id, Name: names[i], Model: g.maker.name(), Compared: compared, Near: g.floor})
			}
		}
	}
	if expected == nil {
		return out, nil
	}
	out.Expected, err = e.expected(ctx, *expected, groups)
	return out, err
}

func cutSides(sides []Side, k int) []Side {
	cut := make([]Side, len(sides))
	for i, s := range sides {
		cut[i] = Side{Hits: s.Hits[:min(k, len(s.Hits))], Floor: s.Floor}
	}
	return cut
}

// wordsAsked are the words of a question that say what it is about.
func wordsAsked(question string) []string {
	content := map[string]bool{}
	for _, t := range lexical.Content(question) {
		content[t] = true
	}
	var words []string
	for _, w := range strings.FieldsFunc(question, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("?!,;:\"()", r) }) {
		w = strings.TrimRight(w, ".")
		if slices.ContainsFunc(lexical.Terms(w), func(t string) bool { return content[t] }) && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// explaining is one explanation on its way.
type explaining struct {
	l       *Library
	who     Reach
	asked   Asking
	words   []string
	ranking ranking
	fused   []Fused

	// Of the expected document alone, wherever it stands among the others.
	alone     []lexical.Hit
	nearAlone []vector.Hit
}

// describe reads found passages and says what decided their places.
func (e *explaining) describe(ctx context.Context, hits []Fused) ([]ExplainedPassage, error) {
	found, err := e.l.passagesOf(ctx, e.who, hits)
	if err != nil {
		return nil, err
	}
	list := make([]ExplainedPassage, 0, len(hits))
	for _, p := range found.Passages {
		list = append(list, e.described(p))
	}
	return list, nil
}

func (e *explaining) described(p Passage) ExplainedPassage {
	x := ExplainedPassage{Passage: p, Answers: p.Coverage >= lexical.Floor}
	for i, f := range e.fused {
		if f.Chunk == p.Chunk {
			x.Rank = i + 1
		}
	}
	for _, h := range e.alone {
		if h.Chunk == p.Chunk {
			x.WordScore, x.Coverage = h.Score, h.Coverage
		}
	}
	for _, h := range e.nearAlone {
		if h.Chunk == p.Chunk {
			x.Cosine, x.compared = h.Score, true
		}
	}
	for i, h := range e.ranking.words {
		if h.Chunk == p.Chunk {
			x.WordRank, x.WordScore, x.Coverage = i+1, h.Score, h.Coverage
		}
	}
	for _, s := range e.ranking.sides {
		for i, h := range s.Hits {
			if h.Chunk == p.Chunk {
				x.NearRank, x.Cosine, x.compared = i+1, h.Score, true
			}
		}
	}
	x.Answers = x.Coverage >= lexical.Floor
	x.Matched, x.Missing = matches(e.words, p.DocumentTitle+"\n"+p.Heading+"\n"+p.Text)
	return x
}

// matches parts words into those that a text holds in some form and the others.
func matches(words []string, text string) (held, missing []string) {
	have := map[string]bool{}
	for _, t := range lexical.Terms(text) {
		have[t] = true
	}
	for _, w := range words {
		if slices.ContainsFunc(lexical.Terms(w), func(t string) bool { return have[t] }) {
			held = append(held, w)
		} else {
			missing = append(missing, w)
		}
	}
	return held, missing
}

// bestShown is how many passages of an expected document are shown.
const bestShown = 3

// expected says why a document is not found, or where it is.
func (e *explaining) expected(ctx context.Context, d Document, groups []group) (*Expected, error) {
	out := &Expected{Document: d}
	say := func(code, cure, sentence string, args ...any) {
		out.Reasons = append(out.Reasons, Reason{Code: code, Sentence: fmt.Sprintf(sentence, args...), Cure: cure})
	}
	if !slices.Contains(e.asked.Knowledge, d.Knowledge) {
		say("other-base", "Search that knowledge base, too.", "The document is in a knowledge base that was not searched.")
		return out, nil
	}
	switch {
	case d.State == Quarantined:
		say("quarantined", d.Cure, "The document is in quarantine: %s", d.Reason)
	case d.State == Failed:
		say("failed", d.Cure, "The document could not be read: %s", d.Reason)
	case d.State.Working():
		say("not-indexed", "Wait until it is ready.", "The document is not read yet (%s).", d.State)
	}
	if d.State != Ready {
		return out, nil
	}
	if d.Chunks == 0 {
		say("no-text", "If it is a scan, install text recognition and index it again.", "Nothing that can be searched was found in the document. %s", d.Note)
		return out, nil
	}
	list, err := e.l.store.ranked(ctx, d)
	if err != nil {
		return nil, err
	}
	if e.asked.Phrase != "" {
		phrase := lexical.Fold(e.asked.Phrase)
		all := len(list)
		list = slices.DeleteFunc(list, func(c Chunk) bool { return !strings.Contains(lexical.Fold(c.Text), phrase) })
		if len(list) == 0 {
			say("no-phrase", "It may stand in a picture or be written otherwise. Open the document and look at its passages.", "None of the document's %d passages holds these words.", all)
			return out, nil
		}
	}
	if err := e.close(ctx, d, groups); err != nil {
		return nil, err
	}
	for _, c := range list {
		x := e.described(Passage{Chunk: c.Number, Document: d.ID, DocumentTitle: d.Title, Knowledge: d.Knowledge, Version: d.Version,
			Page: c.Page, Heading: c.Heading, Start: c.Start, End: c.End, Text: c.Text})
		x.Disabled = c.Disabled
		out.Passages = append(out.Passages, x)
	}
	slices.SortStableFunc(out.Passages, func(a, b ExplainedPassage) int { return better(b, a) })
	out.Passages = out.Passages[:min(bestShown, len(out.Passages))]
	out.Reasons = append(out.Reasons, e.reasons(d, out.Passages[0], groups)...)
	return out, nil
}

// better orders passages by their place, then by what would have given them one.
func better(a, b ExplainedPassage) int {
	key := func(x ExplainedPassage) [4]float64 {
		var k [4]float64
		if x.Rank > 0 {
			k[0] = 1 / float64(x.Rank)
		}
		if !x.Disabled {
			k[1] = 1
		}
		k[2], k[3] = x.Coverage, x.Cosine
		return k
	}
	return slices.Compare(func() []float64 { k := key(a); return k[:] }(), func() []float64 { k := key(b); return k[:] }())
}

// close ranks the passages of the document alone, so that those beyond the depth
// have their scores, too.
func (e *explaining) close(ctx context.Context, d Document, groups []group) error {
	only := []string{d.indexed()}
	words, err := e.l.store.worded(ctx, lexical.Query{Text: e.asked.Text, Bases: e.asked.Knowledge, Documents: only, K: explainDepth})
	if err != nil {
		return err
	}
	e.alone = words
	for _, g := range groups {
		if e.l.store.vectors == nil || !slices.Contains(g.bases, d.Knowledge) {
			continue
		}
		hits, err := e.l.near(ctx, e.asked.Text, g, vector.Query{Documents: only, K: explainDepth})
		if err != nil {
			if ctx.Err() != nil || fault.Of(err).Kind == fault.Internal {
				return err
			}
			continue // the notes say why
		}
		e.nearAlone = hits
	}
	return nil
}

// reasons says why the best passage of a document is where it is.
func (e *explaining) reasons(d Document, best ExplainedPassage, groups []group) []Reason {
	var list []Reason
	say := func(code, cure, sentence string, args ...any) {
		list = append(list, Reason{Code: code, Sentence: fmt.Sprintf(sentence, args...), Cure: cure})
	}
	var g group
	for _, one := range groups {
		if slices.Contains(one.bases, d.Knowledge) {
			g = one
		}
	}
	away := slices.ContainsFunc(e.ranking.notes, func(n Note) bool { return slices.Contains(n.Knowledge, d.Knowledge) })
	switch {
	case best.Disabled:
		say("disabled", "Switch it on again in the list of passages.", "The passage that fits best is switched off.")
		return list
	case best.Rank > 0 && best.Rank <= e.asked.K:
		say("found", "", "The document is found at rank %d of the first %d.", best.Rank, e.asked.K)
	case best.Rank > 0:
		say("beyond-cut", "Ask more exactly, or in the document's own words; fewer knowledge bases help, too.",
			"The document is found at rank %d, behind the first %d that are used.", best.Rank, e.asked.K)
	case best.WordRank > Depth || best.NearRank > Depth:
		say("beyond-depth", "Ask more exactly, or in the document's own words; fewer knowledge bases help, too.",
			"The document is found at rank %d by words and %d by meaning; only the first %d of each count.", best.WordRank, best.NearRank, Depth)
	}
	if len(best.Matched) == 0 {
		say("no-words", "Ask with words that the document uses.", "The best passage holds none of the question's words (%s).", strings.Join(best.Missing, ", "))
	} else if len(best.Missing) > 0 {
		say("missing-words", "", "The best passage does not hold: %s.", strings.Join(best.Missing, ", "))
	}
	switch {
	case e.l.store.vectors == nil || g.maker.builtIn() && e.l.encoder == nil:
		say("no-encoder", noEncoderCure, "Passages are compared by words alone here.")
	case away:
		say("model-away", "See what is said of the model's server.", "The embedding model of the knowledge base was not asked, so meaning counts nothing.")
	case !g.maker.takes(extract.Language(e.asked.Text)):
		say("question-language", "Choose a multilingual embedding model for the knowledge base, or ask in English.",
			"The question is not in English, which is all the built-in encoder knows, so meaning counts nothing.")
	case !g.maker.takes(d.Language):
		say("document-language", "Choose a multilingual embedding model for the knowledge base.",
			"The document is not in English, which is all the built-in encoder knows, so it is found by its words alone.")
	case !d.meant && !best.compared:
		say("no-vectors", "Wait until they are made.", "The document's passages have no vectors yet, so it is found by its words alone.")
	case best.compared && len(best.Matched) == 0 && best.Cosine < g.floor:
		say("below-floor", "Ask with words that the document uses.", "Its meaning is not near enough to the question's: %.2f, and %.2f is the least without a common word.", best.Cosine, g.floor)
	}
	if best.Rank > 0 && !best.Answers {
		say("below-answer", "Ask with more of the words that the document uses.",
			"It holds %.0f %% of what the question asks for; an answer is written from %.0f %% on.", 100*best.Coverage, 100*lexical.Floor)
	}
	if d.Restricted {
		say("restricted", "See who has access to the document.", "Only people that the document's own rules allow find it.")
	}
	if d.Renewal.State == "failed" {
		say("renewal-failed", d.Renewal.Cure, "It could not be read again, so its old passages are searched: %s", d.Renewal.Reason)
	}
	return list
}

const noEncoderCure = "Choose an embedding model of a connected server."

// ranked lists all passages of a document that are found.
func (s store) ranked(ctx context.Context, d Document) ([]Chunk, error) {
	list, err := s.chunks(ctx, d.ID, Chunks{Limit: 100_000})
	if err != nil {
		return nil, fmt.Errorf("passages of an expected document: %w", err)
	}
	return list, nil
}
