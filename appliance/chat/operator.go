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
	var err error
	if in.text, err = check(in, ""); err != nil {
		return nil, err
	}
	if err := c.mayName(ctx, library.ReachOf(a), &in); err != nil {
		return nil, err
	}
	choice, err := c.choose(ctx, a, in, aim{})
	if err != nil {
		return nil, err
	}
	if err := c.fits(in.text, choice); err != nil {
		return nil, err
	}
	r := newRun(a, in.text, c.now())
	r.choice = choice
	r.context.within(scope{}.takes(in))
	r.signs()
	r.open()
	if err := c.enter(r); err != nil {
		return nil, err
	}
	err = c.Store.record(ctx, audit.Entry{Act: "chat.ask", ObjectKind: "run", Object: r.id,
		Detail: map[string]any{"kind": in.kind(), "knowledge": in.knowledge, "model": choice.Name}})
	if err != nil {
		r.turn.Leave()
		return nil, err
	}
	c.launch(context.WithoutCancel(ctx), r)
	return r, nil
}
