package chat

import (
	"context"

	"chatets/appliance/actor"
)

// fork begins another conversation of the actor with what was said up to a
// message.
func (c *Chat) fork(ctx context.Context, message string) (Conversation, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return Conversation{}, err
	}
	id, err := c.Store.fork(ctx, message)
	if err != nil {
		return Conversation{}, c.refuse(ctx, err, "conversation.fork", "message", message)
	}
	c.notify(a, id)
	return c.Store.conversation(ctx, id)
}

// cut deletes a message of the actor with all that follows it.
func (c *Chat) cut(ctx context.Context, message string) error {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return err
	}
	conversation, err := c.Store.cut(ctx, message)
	if err != nil {
		return c.refuse(ctx, err, "message.delete", "message", message)
	}
	c.notify(a, conversation)
	return nil
}
