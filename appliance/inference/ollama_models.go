package inference

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ollama/ollama/api"
	ollamamodel "github.com/ollama/ollama/types/model"
)

const shows = 4 // models looked at at a time

// Models implements Client. Left out are models that the server only passes on to
// another machine, since questions would leave the house with them, and those
// that make neither text nor vectors.
func (o *ollama) Models(ctx context.Context) ([]Model, error) {
	var tags api.ListResponse
	if err := o.s.json(ctx, http.MethodGet, "/api/tags", nil, &tags); err != nil {
		return nil, err
	}
	loaded, _, err := o.Loaded(ctx)
	if err != nil {
		return nil, err
	}
	here := slices.DeleteFunc(tags.Models, func(m api.ListModelResponse) bool {
		return nameOf(m.Model, m.Name) == "" || m.RemoteHost != "" || m.RemoteModel != ""
	})
	found := make([]*Model, len(here))
	failed := make([]error, len(here))
	turns := make(chan struct{}, shows)
	var work sync.WaitGroup
	for i, m := range here {
		work.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			found[i], failed[i] = o.look(ctx, m)
		})
	}
	work.Wait()
	models, damaged := make([]Model, 0, len(here)), 0
	for i, m := range found {
		switch codeOf(failed[i]) {
		case CodeModel, CodeBroken, CodeCannot:
			// It was just removed, or is damaged; the others are well.
			if damaged++; damaged == len(here) {
				return nil, failed[i]
			}
		default:
			if failed[i] != nil {
				return nil, failed[i]
			}
		}
		if m == nil {
			continue
		}
		for _, l := range loaded {
			if plainName(l.Model) == plainName(m.Name) {
				m.Loaded = true
				if l.Context > 0 {
					m.Context = l.Context
				}
			}
		}
		models = append(models, *m)
	}
	o.forget(here)
	return models, nil
}

// look is what a model can do, nil where that is nothing of ours.
func (o *ollama) look(ctx context.Context, tag api.ListModelResponse) (*Model, error) {
	name := nameOf(tag.Model, tag.Name)
	show, err := o.show(ctx, name, tag.Digest)
	if err != nil {
		return nil, err
	}
	if show.RemoteHost != "" || show.RemoteModel != "" {
		return nil, nil
	}
	m := &Model{Name: name, Digest: tag.Digest, Family: nameOf(show.Details.Family, tag.Details.Family),
		Parameters: nameOf(show.Details.ParameterSize, tag.Details.ParameterSize),
		Size:       tag.Size, Context: contextOf(show.Parameters),
		Quantization: nameOf(show.Details.QuantizationLevel, tag.Details.QuantizationLevel)}
	m.MaxContext = infoNumber(show.ModelInfo, ".context_length")
	can := capabilities(show)
	has := func(c ollamamodel.Capability) bool { return slices.Contains(can, c) }
	m.Vision, m.Thinking, m.Tools = has(ollamamodel.CapabilityVision), has(ollamamodel.CapabilityThinking), has(ollamamodel.CapabilityTools)
	m.Embedding = has(ollamamodel.CapabilityEmbedding) && !has(ollamamodel.CapabilityCompletion)
	if m.Embedding {
		m.Dimensions = infoNumber(show.ModelInfo, ".embedding_length")
	} else if !has(ollamamodel.CapabilityCompletion) {
		return nil, nil
	}
	return m, nil
}

func (o *ollama) show(ctx context.Context, name, digest string) (api.ShowResponse, error) {
	key := digest + " " + name
	o.mu.Lock()
	show, known := o.shown[key]
	o.mu.Unlock()
	if known && digest != "" {
		return show, nil
	}
	if err := o.s.json(ctx, http.MethodPost, "/api/show", api.ShowRequest{Model: name}, &show); err != nil {
		return api.ShowResponse{}, err
	}
	// Kept is only what is asked for: licences and templates are long.
	kept := api.ShowResponse{Parameters: show.Parameters, Details: show.Details, RemoteModel: show.RemoteModel, RemoteHost: show.RemoteHost,
		Capabilities: capabilities(show), ModelInfo: map[string]any{}}
	for k, v := range show.ModelInfo {
		if strings.HasSuffix(k, ".context_length") || strings.HasSuffix(k, ".embedding_length") {
			kept.ModelInfo[k] = v
		}
	}
	o.mu.Lock()
	o.shown[key] = kept
	o.mu.Unlock()
	return kept, nil
}

// forget drops what is remembered of models that are gone.
func (o *ollama) forget(here []api.ListModelResponse) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key := range o.shown {
		if !slices.ContainsFunc(here, func(m api.ListModelResponse) bool { return key == m.Digest+" "+nameOf(m.Model, m.Name) }) {
			delete(o.shown, key)
		}
	}
}

// capabilities are those a server names; servers before 0.6.4 name none, and then
// the family and the template tell the most important.
func capabilities(show api.ShowResponse) []ollamamodel.Capability {
	if len(show.Capabilities) > 0 {
		return show.Capabilities
	}
	if strings.Contains(strings.ToLower(show.Details.Family), "bert") {
		return []ollamamodel.Capability{ollamamodel.CapabilityEmbedding}
	}
	can := []ollamamodel.Capability{ollamamodel.CapabilityCompletion}
	if strings.Contains(show.Template, ".Tools") {
		can = append(can, ollamamodel.CapabilityTools)
	}
	if len(show.ProjectorInfo) > 0 {
		can = append(can, ollamamodel.CapabilityVision)
	}
	return can
}

// infoNumber is the number of a model's data whose key, behind the name of its
// architecture, is that; vision models have further ones deeper down.
func infoNumber(info map[string]any, end string) int {
	best, short := 0, 0
	for key, value := range info {
		n, ok := value.(float64)
		if depth := strings.Count(key, "."); ok && strings.HasSuffix(key, end) && n >= 1 && n < 1<<31 && (best == 0 || depth < short) {
			best, short = int(n), depth
		}
	}
	return best
}

// contextOf is the num_ctx among a model's own parameters, 0 where it has none.
func contextOf(parameters string) int {
	for line := range strings.Lines(parameters) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "num_ctx" {
			if n, err := strconv.Atoi(f[1]); err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}
