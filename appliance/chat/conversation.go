package chat

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// conversations is a page of the actor's conversations and the cursor of the
// next one.
func (c *Chat) conversations(ctx context.Context, q, cursor string, limit int) ([]Conversation, string, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return nil, "", err
	}
	after := place{Updated: math.MaxInt64}
	if cursor != "" {
		data, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || json.Unmarshal(data, &after) != nil {
			return nil, "", badCursor()
		}
	}
	found, err := c.Store.conversations(ctx, strings.TrimSpace(q), after, limit+1)
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	found = found[:limit]
	last := found[limit-1]
	return found, base64.RawURLEncoding.EncodeToString(encode(place{Updated: last.UpdatedAt.UnixMilli(), ID: last.ID})), nil
}

// read is a page of one conversation, the newest message first, and the cursor
// of the older ones. Reading on from a cursor belongs to the same opening.
func (c *Chat) read(ctx context.Context, id, cursor string, limit int) (Conversation, []Message, string, error) {
	fail := func(err error) (Conversation, []Message, string, error) { return Conversation{}, nil, "", err }
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return fail(err)
	}
	before := math.MaxInt32
	if cursor != "" {
		var err error
		if before, err = strconv.Atoi(cursor); err != nil || before < 1 {
			return fail(badCursor())
		}
	}
	conversation, err := c.Store.conversation(ctx, id)
	if err != nil {
		return fail(err)
	}
	messages, last, err := c.Store.messages(ctx, id, before, limit)
	if err != nil {
		return fail(err)
	}
	if err := c.withholdFrom(ctx, messages); err != nil {
		return fail(err)
	}
	if cursor == "" {
		// Reading goes on while the disk is full; then the log has what the record lacks.
		switch err := c.Store.opened(ctx, id); {
		case fault.Is(err, fault.Full):
			c.log().Error("the disk is full: the record lacks an act", "act", "conversation.open", "actor", a.ID, "request", a.Request, "object", id)
		case err != nil:
			return fail(err)
		}
	}
	next := ""
	if last > 1 && len(messages) == limit {
		next = strconv.Itoa(last)
	}
	return conversation, messages, next, nil
}

func badCursor() error {
	return fault.New(fault.Invalid, "The place in the list is not known.").Cure("Start again from the first page.").
		With(fault.Detail{Field: "query.cursor", Sentence: "This is no cursor of this list."})
}

// rename gives a conversation of the actor another title.
func (c *Chat) rename(ctx context.Context, id, title string) (Conversation, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return Conversation{}, err
	}
	title = strings.Join(strings.Fields(title), " ")
	if title == "" || utf8.RuneCountInString(title) > 200 || strings.ContainsRune(title, 0) {
		return Conversation{}, fault.New(fault.Invalid, "A title has 1 to 200 characters.").
			With(fault.Detail{Field: "body.title", Sentence: "A title has 1 to 200 characters."})
	}
	if err := c.Store.rename(ctx, id, title); err != nil {
		return Conversation{}, err
	}
	c.notify(a, id)
	return c.Store.conversation(ctx, id)
}

// remove deletes a conversation of the actor; what is still running in it ends.
func (c *Chat) remove(ctx context.Context, id string) error {
	c.open()
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return err
	}
	runs, err := c.Store.remove(ctx, id)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if r := c.live.find(run, a); r != nil {
			c.halt(r, errStopped)
		}
	}
	c.notify(a, id)
	return nil
}
