package chat

import (
	"context"
	"slices"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// ChatShare is a link to a conversation as it was when it was shared, for the
// members of the workspace.
type ChatShare struct {
	ID           string    `json:"id"`
	Conversation string    `json:"conversation"`
	Title        string    `json:"title"`
	Current      bool      `json:"current" doc:"It shows all that is shown of the conversation now"`
	CreatedAt    time.Time `json:"createdAt"`
}

// SharedChat is what a reader of a link sees. What rests on documents the reader
// may not read is left out, as in a conversation of their own.
type SharedChat struct {
	Title     string    `json:"title"`
	Owner     string    `json:"owner" doc:"Name of the person who shared it"`
	CreatedAt time.Time `json:"createdAt"`
	Messages  []Message `json:"messages" doc:"Oldest first; the first page holds the newest messages"`
	Next      string    `json:"next" doc:"Cursor of the messages before these; empty at the beginning"`
}

// share makes the link of a conversation of the actor, or moves the one there is
// to what is shown now.
func (c *Chat) share(ctx context.Context, conversation string) (ChatShare, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return ChatShare{}, err
	}
	s, err := c.Store.share(ctx, conversation)
	if err != nil {
		return s, c.refuse(ctx, err, "conversation.share", "conversation", conversation)
	}
	c.shelved(a, conversation)
	return s, nil
}

// unshare ends the link of a conversation of the actor.
func (c *Chat) unshare(ctx context.Context, conversation string) error {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return err
	}
	if err := c.Store.unshare(ctx, conversation); err != nil {
		return c.refuse(ctx, err, "conversation.unshare", "conversation", conversation)
	}
	c.shelved(a, conversation)
	return nil
}

// shares are the links of the actor, of one conversation or of all.
func (c *Chat) shares(ctx context.Context, conversation string) ([]ChatShare, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return nil, err
	}
	return c.Store.shares(ctx, conversation)
}

// openShare reads a page of what was shared with the workspace of the actor.
func (c *Chat) openShare(ctx context.Context, id, cursor string, limit int) (SharedChat, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return SharedChat{}, err
	}
	from, err := c.Store.shared(ctx, id)
	if err != nil {
		return SharedChat{}, c.refuse(ctx, err, "share.open", "share", id)
	}
	owner := actor.With(ctx, actor.Actor{Kind: actor.Person, ID: from.owner, Workspace: a.Workspace})
	messages, err := c.Store.above(owner, from, cursor, limit+1)
	if err != nil {
		return SharedChat{}, err
	}
	shown := SharedChat{Title: from.title, CreatedAt: from.created}
	if len(messages) > limit {
		messages = messages[:limit]
		shown.Next = messages[limit-1].ID
	}
	if err := c.withholdFrom(ctx, messages); err != nil { // by the rights of the reader
		return SharedChat{}, err
	}
	for i := range messages {
		messages[i].Run, messages[i].Problem = "", nil
	}
	slices.Reverse(messages)
	shown.Messages = messages
	if c.Names != nil {
		names, err := c.Names(ctx, []string{from.owner})
		if err != nil {
			return SharedChat{}, err
		}
		shown.Owner = names[from.owner]
	}
	if cursor == "" {
		if err := c.noted(ctx, c.Store.openedShare(ctx, id, from.conversation), "share.open", id); err != nil {
			return SharedChat{}, err
		}
	}
	return shown, nil
}

func noShare(id string) error {
	return fault.New(fault.NotFound, "There is no shared chat %s.", quoted(id)).Cure("The link was ended, or it is for the members of another workspace. Ask the person who sent it.")
}
