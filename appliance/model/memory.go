package model

import (
	"context"
	"errors"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// loadTimeout is how long bringing a model into memory may take.
const loadTimeout = 10 * time.Minute

// Load brings a model into the memory of a server, with the context its answers
// have unless another is given.
func (m *Models) Load(ctx context.Context, id, model string, tokens int) error {
	return m.onServer(ctx, "server.load", id, model, map[string]any{"context": tokens}, func(ctx context.Context, c inference.Client, name string, size int) error {
		if tokens > 0 {
			size = tokens
		}
		return c.Load(ctx, name, size)
	})
}

// Unload takes a model out of the memory of a server.
func (m *Models) Unload(ctx context.Context, id, model string) error {
	return m.onServer(ctx, "server.unload", id, model, nil, func(ctx context.Context, c inference.Client, name string, _ int) error {
		return c.Unload(ctx, name)
	})
}

// DeleteOn takes a model off the disk of a server.
func (m *Models) DeleteOn(ctx context.Context, id, model string) error {
	return m.onServer(ctx, "server.delete-model", id, model, nil, func(ctx context.Context, c inference.Client, name string, _ int) error {
		shelf, ok := c.(inference.Shelf)
		if !ok {
			return noShelf()
		}
		return shelf.Delete(ctx, name)
	})
}

func noShelf() error {
	return fault.New(fault.Conflict, "This server's models are managed on the server itself.").Code("no-shelf").
		Cure("Only an Ollama takes and gives away models over the network.")
}

// onServer does something with a model of a server, records it, and looks at
// what the server has then.
func (m *Models) onServer(ctx context.Context, act, id, model string, detail map[string]any,
	do func(ctx context.Context, c inference.Client, name string, size int) error) error {
	if _, err := administers(ctx); err != nil {
		return err
	}
	if _, err := m.store.server(ctx, id); err != nil {
		return err
	}
	l, client := m.linked(id)
	if client == nil {
		return switchedOff(l)
	}
	list, err := m.store.models(ctx, reach{manages: true}, "")
	if err != nil {
		return err
	}
	var here *onServer
	for _, o := range on(id, list) {
		if o.place.Name == model || o.model.Name == plainName(model) {
			here = &o
			break
		}
	}
	if here == nil {
		return fault.New(fault.NotFound, "The server has no model %s.", shown(model)).Code("no-model").Cure("Look at its list again.")
	}
	ctx, stop := context.WithTimeout(ctx, loadTimeout)
	defer stop()
	failure := outside(do(ctx, client, here.place.Name, here.model.tokens()))
	entry := audit.Entry{Act: act, ObjectKind: "server", Object: id, Detail: map[string]any{"model": here.place.Name}}
	for name, value := range detail {
		entry.Detail[name] = value
	}
	if failure != nil {
		entry.Outcome = audit.Failed
	}
	// It was done, or not, whoever has left meanwhile.
	ctx = context.WithoutCancel(ctx)
	if err := m.store.acted(ctx, entry); err != nil {
		return errors.Join(failure, err)
	}
	if failure != nil {
		return failure
	}
	if err := m.discover(ctx, l, client); err != nil {
		m.log.Warn("the models of a server cannot be listed", "server", id, "error", err)
	}
	m.tell("servers", "models")
	return nil
}
