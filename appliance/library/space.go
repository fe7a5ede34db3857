package library

import (
	"cmp"
	"context"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/extract"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/model"
	"chatets/appliance/vector"
)

// BuiltIn is the name of the built-in encoder where a model is chosen.
const BuiltIn = "built-in"

// questionTime is how long the vector of a question is waited for. Words answer
// alone when it takes longer.
const questionTime = 10 * time.Second

// Models makes vectors with embedding models of connected servers.
type Models interface {
	Embedder(ctx context.Context, who actor.Actor, name, digest string) (model.Embedder, error)
	Embedders(ctx context.Context, who actor.Actor) ([]model.Embedder, error)
	EmbedQuietly(ctx context.Context, e model.Embedder, person string, texts []string) ([][]float32, error)
	EmbedNow(ctx context.Context, e model.Embedder, text string) ([]float32, error)
	Idle() bool
}

// maker is what makes the vectors of a base; the zero maker is the built-in encoder.
type maker struct {
	model, digest string // of a connected server
	dimension     int    // 0 = not known before its first vector
}

func (m maker) builtIn() bool { return m.model == "" }

// space keeps vectors of different makers apart: a model that was replaced under
// its name is another one.
func (m maker) space() vector.Space {
	if m.builtIn() {
		return space()
	}
	name := "server/" + m.model
	if m.digest != "" {
		name += "@" + m.digest[:min(len(m.digest), 19)]
	}
	return vector.Space{Model: name, Dimension: m.dimension}
}

// takes reports whether the maker has something to say about a language.
func (m maker) takes(language string) bool { return !m.builtIn() || meansIn(language) }

// name is what people choose it by.
func (m maker) name() string { return cmp.Or(m.model, BuiltIn) }

// system is who asks a model for a base: who chose it had the right to.
func system() actor.Actor { return actor.Actor{Kind: actor.System} }

// make makes the vectors of texts that nobody waits for. Where the model cannot
// be asked now it is an awayError.
func (l *Library) make(ctx context.Context, m maker, person string, texts []string) ([][]float32, error) {
	if m.builtIn() {
		if l.encoder == nil {
			return nil, awayError{noEncoder()}
		}
		return l.quiet.embed(ctx, l.encoder, texts)
	}
	if l.models == nil {
		return nil, awayError{noModels()}
	}
	e, err := l.models.Embedder(ctx, system(), m.model, m.digest)
	if err != nil {
		return nil, classed(ctx, err)
	}
	vectors, err := l.models.EmbedQuietly(ctx, e, person, texts)
	if fault.Of(err).Code == inference.CodeContext {
		if len(texts) > 1 {
			return l.one(ctx, m, person, texts)
		}
		// The beginning of a passage that the model cannot take whole says what it is about.
		if text := []rune(texts[0]); len(text) > 200 {
			return l.make(ctx, m, person, []string{string(text[:len(text)/2])})
		}
	}
	if err != nil {
		return nil, classed(ctx, err)
	}
	for _, v := range vectors {
		if m.dimension != 0 && len(v) != m.dimension || len(v) > vector.MaxDimension {
			return nil, awayError{replaced(m)}
		}
	}
	return vectors, nil
}

// one makes vectors one by one.
func (l *Library) one(ctx context.Context, m maker, person string, texts []string) ([][]float32, error) {
	all := make([][]float32, 0, len(texts))
	for _, text := range texts {
		v, err := l.make(ctx, m, person, []string{text})
		if err != nil {
			return nil, err
		}
		all = append(all, v...)
	}
	return all, nil
}

// ask makes the vector of a question; nil where the maker has nothing to say.
func (l *Library) ask(ctx context.Context, m maker, question string) ([]float32, error) {
	if m.builtIn() {
		if l.encoder == nil || !meansIn(extract.Language(question)) {
			return nil, nil
		}
		vectors, err := l.encoder.Embed(ctx, []string{question})
		if err != nil || !Meant(vectors[0]) {
			return nil, err
		}
		return vectors[0], nil
	}
	if l.models == nil {
		return nil, noModels()
	}
	if m.dimension == 0 { // there are no vectors yet
		return nil, nil
	}
	short, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	e, err := l.models.Embedder(short, system(), m.model, m.digest)
	if err != nil {
		return nil, err
	}
	v, err := l.models.EmbedNow(short, e, question)
	if err == nil && len(v) != m.dimension {
		return nil, replaced(m)
	}
	return v, err
}

func noEncoder() error {
	return fault.New(fault.Unavailable, "The built-in encoder is not there.").Code("encoder-missing").
		Cure("Choose an embedding model of a connected server, or install ChatETS from a complete package.")
}

func noModels() error {
	return fault.New(fault.Unavailable, "No model server is connected.").Code(model.CodeNoEmbedder).Cure("Connect one on the page Models.")
}

func replaced(m maker) error {
	return fault.New(fault.Conflict, "The model %s makes vectors of another length than those of the knowledge base.", m.model).
		Code(model.CodeReplaced).Cure("Index the knowledge base again with the model as it is now.")
}
