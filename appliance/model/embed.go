package model

import (
	"cmp"
	"context"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// Codes of failures of embedding models, besides those of inference.
const (
	CodeNoEmbedder = "no-embedding-model"
	CodeReplaced   = "model-replaced"
)

// Embedder is a model that makes vectors of texts. Vectors of another digest are
// vectors of another model, whatever its name is.
type Embedder struct {
	Name, Label, Digest string
	choice              Choice
}

// Embedder is the embedding model of the name for who. Where a digest is given
// only places count that have that very model.
func (m *Models) Embedder(ctx context.Context, who actor.Actor, name, digest string) (Embedder, error) {
	found, ok, err := m.byName(ctx, who, name)
	switch {
	case err != nil:
		return Embedder{}, err
	case !ok:
		return Embedder{}, fault.New(fault.NotFound, "There is no embedding model %s.", shown(name)).Code(CodeNoEmbedder).
			Cure("Choose one of the embedding models that are listed for you, or connect a server that has it.")
	case !found.Embedding:
		return Embedder{}, fault.New(fault.Invalid, "The model %s writes answers and makes no vectors.", shown(name)).
			Code(inference.CodeCannot).Cure("Choose an embedding model.")
	}
	return m.embedderOf(found, digest)
}

// Embedders lists the embedding models that who may use and a server has.
func (m *Models) Embedders(ctx context.Context, who actor.Actor) ([]Embedder, error) {
	list, err := m.store.models(ctx, reachOf(who), "")
	if err != nil {
		return nil, err
	}
	var all []Embedder
	for _, found := range list {
		if !found.Embedding {
			continue
		}
		if e, err := m.embedderOf(found, ""); err == nil {
			all = append(all, e)
		}
	}
	return all, nil
}

// embedderOf keeps the places that have one and the same model: servers may have
// different ones under one name.
func (m *Models) embedderOf(found Model, digest string) (Embedder, error) {
	away := func(why string) error {
		return fault.New(fault.Unavailable, "The embedding model %s cannot be used: %s", found.label(), why).Code("model-unavailable").
			Cure("It is used again once its server is there; ask an administrator to look at the page Models.")
	}
	c := m.choiceOf(found)
	if !found.Enabled || len(c.places) == 0 {
		return Embedder{}, away(m.why(found))
	}
	wanted := digest
	if wanted == "" {
		wanted = c.Digest
	}
	live := len(c.places)
	c.places = slices.DeleteFunc(c.places, func(p place) bool {
		return !slices.ContainsFunc(found.Places, func(q Place) bool { return q.Server == p.server && q.Digest == wanted })
	})
	if len(c.places) == 0 && live > 0 {
		return Embedder{}, fault.New(fault.Conflict, "The model %s on its server is not the one the knowledge base was indexed with.", found.label()).
			Code(CodeReplaced).Cure("Index the knowledge base again with the model as it is now.")
	}
	c.Digest = wanted
	return Embedder{Name: found.Name, Label: found.label(), Digest: wanted, choice: c}, nil
}

// EmbedQuietly makes the vectors of texts when nobody waits for an answer of the
// servers that have the model. person is who it is done for.
func (m *Models) EmbedQuietly(ctx context.Context, e Embedder, person string, texts []string) ([][]float32, error) {
	turn, err := m.Enter(Ticket{Person: person, Class: inference.Background, Choice: e.choice})
	if err != nil {
		return nil, err
	}
	defer turn.Leave()
	if err := turn.Wait(ctx); err != nil {
		return nil, err
	}
	return m.embedAt(ctx, e, turn.Server(), texts)
}

// EmbedNow makes the vector of a question. It takes no turn: who asks has one
// already, or waits for nothing else, and a vector costs less than a token.
func (m *Models) EmbedNow(ctx context.Context, e Embedder, text string) ([]float32, error) {
	m.recall()
	var first error
	for _, server := range m.serversFor(e.choice) {
		vectors, err := m.embedAt(ctx, e, server, []string{text})
		if err == nil {
			return vectors[0], nil
		}
		first = cmp.Or(first, err)
		if ctx.Err() != nil || !inference.Elsewhere(err) {
			return nil, first
		}
	}
	if first == nil {
		why := m.silent(e.choice)
		first = fault.New(fault.Unavailable, "The embedding model %s cannot be asked. %s", e.Label, why).Code(inference.CodeUnreachable).
			Cure("Try again when its server is back.")
	}
	return nil, first
}

// embedAt asks one server, and takes in how that went.
func (m *Models) embedAt(ctx context.Context, e Embedder, server string, texts []string) ([][]float32, error) {
	i := slices.IndexFunc(e.choice.places, func(p place) bool { return p.server == server })
	client := m.client(server)
	if i < 0 || client == nil {
		return nil, fault.New(fault.Unavailable, "The model server was taken away.").Code(inference.CodeUnreachable).
			Cure("Choose another embedding model, or connect its server again.")
	}
	p := e.choice.places[i]
	if _, cold := m.cold(p); cold {
		if err := client.Load(ctx, p.name, p.context); err != nil {
			return nil, err
		}
	}
	vectors, err := client.Embed(ctx, p.name, texts)
	if ctx.Err() == nil {
		m.learn(ctx, p, inference.Result{}, err)
	}
	return vectors, err
}
