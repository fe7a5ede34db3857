package inference

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ollama/ollama/api"

	"chatets/appliance/fault"
)

// ollama speaks Ollama's own interface, with the types of its makers but our own
// transport: theirs takes the end of a stream for success and knows no silence.
type ollama struct {
	s *link

	mu       sync.Mutex
	shown    map[string]api.ShowResponse // by digest and name, which together never change
	contexts map[string]int              // tokens a model was loaded with, by name
}

func newOllama(l *link) Client {
	return &ollama{s: l, shown: map[string]api.ShowResponse{}, contexts: map[string]int{}}
}

// Probe implements Client.
func (o *ollama) Probe(ctx context.Context) (Health, error) {
	begun := time.Now()
	var v struct {
		Version string `json:"version"`
	}
	if err := o.s.json(ctx, http.MethodGet, "/api/version", nil, &v); err != nil {
		return Health{}, err
	}
	if v.Version == "" {
		return Health{}, o.s.unreadable(nil, nil, errors.New("no version"))
	}
	return Health{Flavour: "ollama", Version: v.Version, Latency: time.Since(begun)}, nil
}

// Loaded implements Client.
func (o *ollama) Loaded(ctx context.Context) ([]Loaded, bool, error) {
	var ps api.ProcessResponse
	if err := o.s.json(ctx, http.MethodGet, "/api/ps", nil, &ps); err != nil {
		return nil, false, err
	}
	loaded := make([]Loaded, 0, len(ps.Models))
	for _, m := range ps.Models {
		loaded = append(loaded, Loaded{Model: nameOf(m.Model, m.Name), Context: m.ContextLength})
	}
	return loaded, true, nil
}

// Load implements Client. A chat without messages loads a model; models that make
// vectors refuse it, and load for an input without texts.
func (o *ollama) Load(ctx context.Context, model string, context int) error {
	options := map[string]any{}
	if context > 0 {
		options["num_ctx"] = context
	}
	var done api.ChatResponse
	stream := false
	err := o.s.slow(ctx, http.MethodPost, "/api/chat", api.ChatRequest{Model: model, Messages: []api.Message{}, Stream: &stream, Options: options}, &done)
	if codeOf(err) == CodeCannot {
		err = o.s.slow(ctx, http.MethodPost, "/api/embed", api.EmbedRequest{Model: model, Input: []string{}, Options: options}, nil)
	}
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.contexts[plainName(model)] = context
	return nil
}

// Unload implements Client.
func (o *ollama) Unload(ctx context.Context, model string) error {
	stream := false
	var done api.ChatResponse
	return o.s.slow(ctx, http.MethodPost, "/api/chat", api.ChatRequest{Model: model, Messages: []api.Message{}, Stream: &stream,
		KeepAlive: &api.Duration{Duration: 0}}, &done)
}

// Embed implements Client. The server is told to cut no text: half a passage has
// another meaning, and nobody would learn of it.
func (o *ollama) Embed(ctx context.Context, model string, texts []string) ([][]float32, error) {
	whole := false
	options := map[string]any{}
	o.mu.Lock()
	if n := o.contexts[plainName(model)]; n > 0 {
		options["num_ctx"] = n // another value would load the model again
	}
	o.mu.Unlock()
	return embedAll(ctx, texts, func(ctx context.Context, batch []string) ([][]float32, error) {
		var res struct {
			Embeddings []vector `json:"embeddings"`
		}
		err := o.s.slow(ctx, http.MethodPost, "/api/embed", api.EmbedRequest{Model: model, Input: batch, Truncate: &whole, Options: options}, &res)
		vectors := make([][]float32, len(res.Embeddings))
		for i, v := range res.Embeddings {
			vectors[i] = v
		}
		return vectors, err
	})
}

// nameOf is the first name that is one.
func nameOf(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}

// plainName is a name without the tag that Ollama adds where there is none.
func plainName(model string) string { return strings.TrimSuffix(model, ":latest") }

// cannot is the failure of a request that the model has not the ability for.
func cannot(what string) error {
	return fault.New(fault.Invalid, "This model cannot take %s.", what).Code(CodeCannot).Cure("Choose a model that can.")
}
