package chat

import (
	"context"
	"encoding/json"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/library"
)

// A scope is where the answer to a question is looked for. The zero scope is all
// that may be read.
type scope struct {
	Knowledge []string       `json:"knowledge"` // knowledge bases; none means all that may be read
	Filter    library.Narrow `json:"filter"`    // of them, only some documents
}

// text is a scope as the tables hold it: a list of knowledge bases, or an object
// where it is narrowed.
func (s scope) text() string {
	if s.Knowledge == nil {
		s.Knowledge = []string{}
	}
	if s.Filter.Empty() {
		return string(encode(s.Knowledge))
	}
	return string(encode(s))
}

// scopeOf reads what text wrote. What cannot be read is the scope of a question
// that finds nothing rather than of one that searches everything.
func scopeOf(text string) scope {
	s := scope{Knowledge: []string{}}
	if json.Unmarshal([]byte(text), &s.Knowledge) == nil {
		return s
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil || s.Knowledge == nil {
		return scope{Knowledge: []string{"unreadable"}}
	}
	return s
}

func (c Conversation) scope() scope { return scope{Knowledge: c.Knowledge, Filter: c.Filter} }

func (c *Conversation) within(s scope) { c.Knowledge, c.Filter = s.Knowledge, s.Filter }

// takes is the scope with what an asking says about it.
func (s scope) takes(in asking) scope {
	if in.knowledge != nil {
		s.Knowledge = in.knowledge
	}
	if in.filter != nil {
		s.Filter = *in.filter
	}
	return s
}

// mayName checks the knowledge bases and the documents that an asking names, and
// that its filter can be read.
func (c *Chat) mayName(ctx context.Context, who library.Reach, in *asking) error {
	if len(in.knowledge) > 0 {
		in.knowledge = unique(in.knowledge)
	}
	err := c.Library.Readable(ctx, who, in.knowledge)
	if err == nil && in.filter != nil {
		err = c.mayNarrow(ctx, who, *in.filter)
	}
	if fault.Is(err, fault.NotFound) && actor.From(ctx).Kind == actor.Person {
		err = c.Store.refused(ctx, *in, err)
	}
	return err
}

func (c *Chat) mayNarrow(ctx context.Context, who library.Reach, n library.Narrow) error {
	if _, err := n.Filter("body.filter."); err != nil {
		return err
	}
	may, err := c.Library.ReadableDocuments(ctx, who, n.Documents)
	if err != nil {
		return err
	}
	for _, id := range n.Documents {
		if !may[id] {
			return fault.New(fault.NotFound, "A document that the question names does not exist.").Code("no-document").
				Cure("It may have been deleted, or you have no access; choose others.")
		}
	}
	return nil
}

// searchIn asks for passages in a scope. It may name what the person lost since:
// nothing is found there, and the rest is searched as before.
func (c *Chat) searchIn(ctx context.Context, who library.Reach, text string, s scope) (library.Result, error) {
	filter, err := s.Filter.Filter("")
	if err != nil {
		return library.Result{}, err
	}
	q := library.Question{Text: text, Knowledge: s.Knowledge, Filter: filter, K: passageWish}
	found, err := c.Library.Find(ctx, who, q)
	if !fault.Is(err, fault.NotFound) {
		return found, err
	}
	named, narrowed := len(q.Knowledge) > 0, len(q.Filter.Documents) > 0
	q.Knowledge = slices.DeleteFunc(slices.Clone(q.Knowledge), func(id string) bool {
		return fault.Is(c.Library.Readable(ctx, who, []string{id}), fault.NotFound)
	})
	may, err := c.Library.ReadableDocuments(ctx, who, q.Filter.Documents)
	if err != nil {
		return library.Result{}, err
	}
	q.Filter.Documents = slices.DeleteFunc(slices.Clone(q.Filter.Documents), func(id string) bool { return !may[id] })
	if named && len(q.Knowledge) == 0 || narrowed && len(q.Filter.Documents) == 0 { // an empty list would search all
		return library.Result{}, nil
	}
	return c.Library.Find(ctx, who, q)
}
