package chat

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
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
	conversation, err := c.Store.conversation(ctx, id)
	if err != nil {
		return fail(c.refuse(ctx, err, "conversation.open", "conversation", id))
	}
	messages, err := c.Store.shown(ctx, id, cursor, limit+1)
	if err != nil {
		return fail(err)
	}
	next := ""
	if len(messages) > limit {
		messages = messages[:limit]
		next = messages[limit-1].ID
	}
	if err := c.withholdFrom(ctx, messages); err != nil {
		return fail(err)
	}
	if cursor == "" {
		if err := c.noted(ctx, c.Store.opened(ctx, id), "conversation.open", id); err != nil {
			return fail(err)
		}
	}
	return conversation, messages, next, nil
}

// noted lets reading go on while the disk is full; then the log has what the
// record lacks.
func (c *Chat) noted(ctx context.Context, err error, act, object string) error {
	if !fault.Is(err, fault.Full) {
		return err
	}
	a := actor.From(ctx)
	c.log().Error("the disk is full: the record lacks an act", "act", act, "actor", a.ID, "request", a.Request, "object", object)
	return nil
}

// refuse records that somebody tried to get at what is another's. The answer is
// the same whether it exists or not.
func (c *Chat) refuse(ctx context.Context, err error, act, noun, id string) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	there, e := c.Store.exists(ctx, noun, id)
	if e == nil && there {
		e = c.noted(ctx, c.Store.refusedObject(ctx, act, noun, id), act, id)
	}
	return errors.Join(err, e)
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
		return Conversation{}, c.refuse(ctx, err, "conversation.change", "conversation", id)
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
		return c.refuse(ctx, err, "conversation.delete", "conversation", id)
	}
	for _, run := range runs {
		if r := c.live.find(run, a); r != nil {
			c.halt(r, errStopped)
		}
	}
	c.notify(a, id)
	return nil
}
