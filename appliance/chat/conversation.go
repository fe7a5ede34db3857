package chat

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// conversations is a page of the actor's conversations and the cursor of the
// next one.
func (c *Chat) conversations(ctx context.Context, w wanted, cursor string, limit int) ([]Conversation, string, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return nil, "", err
	}
	after, err := cursorPlace(cursor)
	if err != nil {
		return nil, "", err
	}
	w.title = strings.TrimSpace(w.title)
	found, err := c.Store.conversations(ctx, w, after, limit+1)
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	found = found[:limit]
	return found, cursorAt(found[limit-1]), nil
}

// place in a list of conversations: everything that stands behind it follows.
type place struct {
	Pinned  bool   `json:"p,omitempty"` // of a list that has the pinned ones first
	Updated int64  `json:"u"`
	ID      string `json:"i"`
}

// cursorPlace is the place of a cursor; "" is the beginning.
func cursorPlace(cursor string) (place, error) {
	after := place{Pinned: true, Updated: math.MaxInt64}
	if cursor == "" {
		return after, nil
	}
	after.Pinned = false
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(data, &after) != nil {
		return after, badCursor()
	}
	return after, nil
}

func cursorAt(c Conversation) string {
	return base64.RawURLEncoding.EncodeToString(encode(place{Pinned: c.Pinned, Updated: c.UpdatedAt.UnixMilli(), ID: c.ID}))
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
	if err := c.Store.opinions(ctx, messages); err != nil {
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
	if !fault.Unwritten(err) {
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
