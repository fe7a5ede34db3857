package chat

import (
	"context"
	"encoding/json"
	"fmt"

	"chatets/appliance/actor"
	"chatets/appliance/library"
)

// withheldText stands for an answer of a model.
const withheldText = "*This answer is withheld: you may no longer read a document it was written from.*"

// withheldTitle stands for the title of a document. One who could read it once
// may have been kept from it for what its title says.
const withheldTitle = "Withheld document"

// follow finds a run of the actor and returns what sends its events past a
// number: from memory while it lives, from disk once it ended.
func (c *Chat) follow(ctx context.Context, id string, after int64) (func(context.Context, func(Event) error) error, error) {
	c.open()
	if r := c.live.find(id, actor.From(ctx)); r != nil {
		return func(ctx context.Context, send func(Event) error) error { return r.log.follow(ctx, after, send) }, nil
	}
	h, err := c.Store.history(ctx, id, after)
	if err != nil {
		return nil, c.refuse(ctx, err, "run.open", "run", id)
	}
	answer, err := c.readable(ctx, h.answer)
	if err != nil {
		return nil, err
	}
	events, err := replay(h, answer, after)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", id, err)
	}
	return func(_ context.Context, send func(Event) error) error {
		for _, e := range events {
			if err := send(e); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// replay numbers the events of a run as its first readers got them. What the
// person may no longer read was part of the deltas: then the answer comes with
// the last event only.
func replay(h history, answer Message, after int64) ([]Event, error) {
	withheld := answer.Withheld
	for _, c := range answer.Citations {
		withheld = withheld || c.Withheld
	}
	var events []Event
	for _, row := range h.rows {
		switch {
		case batched(row.name) && withheld:
		case batched(row.name):
			var pieces []json.RawMessage
			if err := json.Unmarshal([]byte(row.data), &pieces); err != nil {
				return nil, fmt.Errorf("event %d: %w", row.first, err)
			}
			for i, d := range pieces {
				if n := row.first + int64(i); n > after {
					events = append(events, Event{ID: n, Name: row.name, Data: d})
				}
			}
		case row.name == EventPhase && withheld:
			var p phase
			if err := json.Unmarshal([]byte(row.data), &p); err != nil {
				return nil, fmt.Errorf("event %d: %w", row.first, err)
			}
			p.Query = ""
			events = append(events, Event{ID: row.first, Name: row.name, Data: phaseData(p)})
		case row.name == EventCitations && h.ended:
			events = append(events, Event{ID: row.first, Name: row.name, Data: encode(answer.Citations)})
		case row.name == EventDone:
			events = append(events, Event{ID: row.first, Name: row.name, Data: encode(answer)})
		default:
			events = append(events, Event{ID: row.first, Name: row.name, Data: []byte(row.data)})
		}
	}
	return events, nil
}

// readable is a message as its person may read it today.
func (c *Chat) readable(ctx context.Context, id string) (Message, error) {
	m, err := c.Store.message(ctx, id)
	if err != nil {
		return Message{}, err
	}
	one := []Message{m}
	err = c.withholdFrom(ctx, one)
	return one[0], err
}

// withholdFrom takes out of messages the words of documents that the person may
// no longer read or that are gone: the title and the text of the citation, and
// the sentences quoted from it. A model may have mixed its sources in any sentence, so its
// answer is withheld whole.
func (c *Chat) withholdFrom(ctx context.Context, messages []Message) error {
	var documents []string
	for _, m := range messages {
		for _, cited := range m.Citations {
			documents = append(documents, cited.Document.ID)
		}
	}
	may, err := c.Library.ReadableDocuments(ctx, library.ReachOf(actor.From(ctx)), unique(documents))
	if err != nil {
		return fmt.Errorf("documents of citations: %w", err)
	}
	for i := range messages {
		m := &messages[i]
		withheld := map[int]bool{}
		for k := range m.Citations {
			if cited := &m.Citations[k]; !may[cited.Document.ID] {
				withheld[cited.Number] = true
				cited.Text, cited.Heading, cited.Document.Title, cited.Withheld = "", "", withheldTitle, true
			}
		}
		if m.Kind != KindGenerated {
			m.Content = withhold(m.Content, withheld)
			continue
		}
		if len(withheld) > 0 {
			m.Content, m.Thinking, m.Query, m.Withheld = withheldText, "", "", true
		}
	}
	return nil
}
