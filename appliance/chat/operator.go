package chat

import (
	"context"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/library"
)

// askOperator answers a question of the command line over all knowledge bases.
// Nothing of it is kept but the audit record, which names the uid.
func (c *Chat) askOperator(ctx context.Context, in asking) (*run, error) {
	c.open()
	a := actor.From(ctx)
	if err := a.Need(a.Kind == actor.Operator); err != nil {
		return nil, err
	}
	text, err := check(in)
	if err != nil {
		return nil, err
	}
	in.knowledge = unique(in.knowledge)
	if len(in.knowledge) > 0 {
		if err := c.Library.Readable(ctx, library.ReachOf(a), in.knowledge); err != nil {
			return nil, err
		}
	}
	if err := c.queue.reserve(a.ID); err != nil {
		return nil, err
	}
	r := newRun(a, text, c.now())
	r.context.Knowledge = in.knowledge
	r.open()
	err = c.Store.record(ctx, audit.Entry{Act: "chat.ask", ObjectKind: "run", Object: r.id, Detail: map[string]any{"knowledge": in.knowledge}})
	if err != nil {
		c.queue.unreserve(a.ID)
		return nil, err
	}
	if !c.queue.push(r) {
		c.finish(ctx, r, errInterrupted)
	}
	return r, nil
}
