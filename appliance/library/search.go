package library

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/lexical"
)

// Question is what is looked for.
type Question struct {
	Text      string
	Knowledge []string // knowledge bases to look in; empty means all that may be read
	Filter    Filter   // of them, documents to look in
	K         int      // how many passages at most
}

// Passage is a found piece of a document.
type Passage struct {
	Chunk         int64
	Document      string
	DocumentTitle string
	Knowledge     string
	Version       int // of the document
	Page          int // 0 where the format has no pages
	Heading       string
	Start, End    int // characters in the document's text
	Text          string
	Parts         []Part  // what Text is made of
	Score         float64 // higher is better; comparable inside one answer only
	Coverage      float64 // 0..1: share of the question's terms, weighted by rarity
	Near          float64 // cosine of its meaning to the question's; 0 = not compared, or not among the nearest
}

// Part is a block, or what a passage has of it: it ends where the next one begins.
type Part struct {
	At   int    `json:"at"` // byte of the passage's text
	Kind string `json:"kind"`
	Page int    `json:"page,omitempty"` // where it begins on another page than the passage, otherwise 0
	// Heading is the path of headings from a heading inside the passage on.
	Heading string `json:"heading,omitempty"`
}

// HeadingAt is the path of headings above a byte of the passage's text.
func (p Passage) HeadingAt(at int) string {
	heading := p.Heading
	for _, part := range p.Parts {
		if part.At > at {
			break
		}
		if part.Heading != "" {
			heading = part.Heading
		}
	}
	return heading
}

// Fits is the byte of the passage's text where the part begins that holds most
// of a question: a passage may go over several pages and short sections.
func (p Passage) Fits(question []lexical.Sense) int {
	best, most := 0, 0.0
	for i, part := range p.Parts {
		end := len(p.Text)
		if i+1 < len(p.Parts) {
			end = p.Parts[i+1].At
		}
		held := lexical.Hold(p.HeadingAt(part.At) + "\n" + p.Text[part.At:end])
		sum := 0.0
		for _, s := range question {
			sum += held.Share(s)
		}
		if sum > most {
			best, most = part.At, sum
		}
	}
	return best
}

// PageAt is the page that a byte of the passage's text stands on, as far as its
// parts tell; 0 where the format has no pages.
func (p Passage) PageAt(at int) int {
	page := p.Page
	for _, part := range p.Parts {
		if part.At > at {
			break
		}
		if page = part.Page; page == 0 {
			page = p.Page
		}
	}
	return page
}

// Result is what a search finds.
type Result struct {
	Passages []Passage // best first
	Notes    []Note    // why less was compared than could have been; none = all was
}

// Search finds the passages that fit the question, best first, among what who
// may read. A knowledge base or a document that is named and may not be read is
// fault.NotFound.
func (l *Library) Search(ctx context.Context, who Reach, q Question) ([]Passage, error) {
	found, err := l.Find(ctx, who, q)
	return found.Passages, err
}

// Find is Search that says, too, what could not be compared by meaning.
func (l *Library) Find(ctx context.Context, who Reach, q Question) (Result, error) {
	if err := l.Readable(ctx, who, q.Knowledge); err != nil {
		return Result{}, err
	}
	if err := l.readable(ctx, who, q.Filter.Documents); err != nil {
		return Result{}, err
	}
	var wanted []string
	if len(q.Knowledge) > 0 {
		wanted = q.Knowledge
	}
	bases, err := l.store.readable(ctx, who, wanted)
	if err != nil || len(bases) == 0 || q.K <= 0 || strings.TrimSpace(q.Text) == "" {
		return Result{}, err
	}
	// A document that is put in the place of its old self between ranking and
	// reading takes its passages with it; then both are done once more.
	var found Result
	for range rankings {
		r, err := l.rank(ctx, who, q, bases)
		if err != nil {
			return Result{}, err
		}
		hits := r.fused(q.K)
		if found, err = l.passagesOf(ctx, who, hits); err != nil {
			return Result{}, err
		}
		if found.Notes = r.notes; len(found.Passages) == len(hits) {
			break
		}
	}
	return found, nil
}

// rankings is how often a question is ranked while documents change under it.
const rankings = 4

// passagesOf reads passages that were found.
func (l *Library) passagesOf(ctx context.Context, who Reach, hits []Fused) (Result, error) {
	if len(hits) == 0 {
		return Result{}, nil
	}
	numbers := make([]int64, len(hits))
	for i, h := range hits {
		numbers[i] = h.Chunk
	}
	list, err := json.Marshal(numbers)
	if err != nil {
		return Result{}, err
	}
	read, err := l.store.passages(ctx, who, string(list))
	if err != nil {
		return Result{}, err
	}
	passages := make([]Passage, 0, len(hits))
	for _, h := range hits {
		if p, ok := read[h.Chunk]; ok {
			p.Score, p.Coverage, p.Near = h.Score, h.Coverage, h.Near
			passages = append(passages, p)
		}
	}
	return Result{Passages: passages}, nil
}

// Readable returns fault.NotFound naming the first knowledge base that who may not read.
func (l *Library) Readable(ctx context.Context, who Reach, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	may, err := l.store.readable(ctx, who, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.Contains(may, id) {
			return noKnowledge(id)
		}
	}
	return nil
}

// readable returns fault.NotFound naming the first document that who may not read.
func (l *Library) readable(ctx context.Context, who Reach, documents []string) error {
	may, err := l.ReadableDocuments(ctx, who, documents)
	if err != nil {
		return err
	}
	for _, id := range documents {
		if !may[id] {
			return noDocument(id)
		}
	}
	return nil
}

// ReadableDocuments tells which of the documents who may open.
func (l *Library) ReadableDocuments(ctx context.Context, who Reach, ids []string) (map[string]bool, error) {
	may := map[string]bool{}
	if len(ids) == 0 {
		return may, nil
	}
	found, err := l.store.readableDocuments(ctx, who, ids)
	for _, id := range found {
		may[id] = true
	}
	return may, err
}

func mayNotEdit() error {
	return fault.New(fault.Forbidden, "You may read this knowledge base, but not change it.").Cure("Ask its owner for the right to edit.")
}

func mayNotRead() error {
	return fault.New(fault.Forbidden, "You manage this knowledge base, but you have no access to what is in it.").Code("no-access").
		Cure("Give yourself access to it first; this is recorded.")
}

func mayNotOpen() error {
	return fault.New(fault.Forbidden, "You manage this document, but you have no access to what is in it.").Code("no-access").
		Cure("Give yourself access to it, or to its knowledge base, first; this is recorded.")
}

// refuseFirst records the first of the named knowledge bases and documents that
// the actor of ctx tried to search without access.
func (l *Library) refuseFirst(ctx context.Context, err error, q Question) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	who := ReachOf(actor.From(ctx))
	may, e := l.store.readable(ctx, who, q.Knowledge)
	if e != nil {
		return errors.Join(err, e)
	}
	for _, id := range q.Knowledge {
		if !slices.Contains(may, id) {
			return l.refuse(ctx, err, "knowledge.search", "knowledge", id)
		}
	}
	open, e := l.ReadableDocuments(ctx, who, q.Filter.Documents)
	if e != nil {
		return errors.Join(err, e)
	}
	for _, id := range q.Filter.Documents {
		if !open[id] {
			return l.refuse(ctx, err, "document.search", "document", id)
		}
	}
	return err
}
