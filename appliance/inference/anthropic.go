package inference

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chatets/appliance/fault"
)

const (
	anthropicVersion = "2023-06-01"
	anthropicPage    = "1000" // models in one answer
	anthropicPages   = 20     // a list longer than that is none

	// anthropicTokens is the limit of an answer for which none was asked: the
	// interface wants one, and what it allows differs from model to model.
	anthropicTokens = 8192
	// anthropicThinks is how many tokens a model may think when it should; they
	// count against the limit of the answer, so that is made larger by them.
	anthropicThinks = 4096
)

// anthropic is the client of a server with Anthropic's messages.
type anthropic struct{ s *link }

func newAnthropic(l *link) Client {
	l.header = func(h http.Header) {
		h.Set("anthropic-version", anthropicVersion)
		if l.token != "" {
			h.Set("X-Api-Key", l.token)
		}
	}
	return &anthropic{s: l}
}

// Probe implements Client.
func (c *anthropic) Probe(ctx context.Context) (Health, error) {
	began := time.Now()
	_, err := c.page(ctx, url.Values{"limit": {"1"}})
	h := Health{Flavour: "anthropic", Latency: time.Since(began)}
	if stillLoading(err) {
		h.Busy, err = true, nil
	}
	return h, err
}

type anthropicModel struct {
	ID       string `json:"id"`
	MaxInput int    `json:"max_input_tokens"`
	MaxModel int    `json:"max_model_len"` // of vLLM
}

// anthropicList is a page of the list of models.
type anthropicList struct {
	Data []anthropicModel `json:"data"`
	More bool             `json:"has_more"`
	Last string           `json:"last_id"`
}

func (c *anthropic) page(ctx context.Context, query url.Values) (anthropicList, error) {
	var list anthropicList
	if err := c.s.json(ctx, "GET", "/v1/models?"+query.Encode(), nil, &list); err != nil {
		return list, err
	}
	if list.Data == nil {
		return list, c.s.unreadable(nil, nil, errors.New("no list of models"))
	}
	return list, nil
}

// Models implements Client.
func (c *anthropic) Models(ctx context.Context) ([]Model, error) {
	models := []Model{}
	query := url.Values{"limit": {anthropicPage}}
	for range anthropicPages {
		list, err := c.page(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, m := range list.Data {
			if m.ID != "" {
				models = append(models, m.model())
			}
		}
		if !list.More || list.Last == "" || list.Last == query.Get("after_id") {
			return models, nil
		}
		query.Set("after_id", list.Last)
	}
	return models, nil
}

// model is what is known of a model. The list says little, so what all models of the
// maker can is written down here.
func (m anthropicModel) model() Model {
	out := named(m.ID)
	out.MaxContext = max(m.MaxInput, m.MaxModel)
	if strings.HasPrefix(m.ID, "claude-") {
		old := strings.HasPrefix(m.ID, "claude-2") || strings.HasPrefix(m.ID, "claude-instant")
		out.Vision, out.Tools = !old, !old
		out.Thinking = !old && (!strings.HasPrefix(m.ID, "claude-3-") || strings.HasPrefix(m.ID, "claude-3-7"))
		if out.MaxContext == 0 && !old {
			out.MaxContext = 200_000
		}
	}
	out.Context = out.MaxContext
	return out
}

// Loaded implements Client; the interface does not tell.
func (c *anthropic) Loaded(context.Context) ([]Loaded, bool, error) { return nil, false, nil }

// Load implements Client; the interface has nothing for it.
func (c *anthropic) Load(context.Context, string, int) error { return nil }

// Unload implements Client; the interface has nothing for it.
func (c *anthropic) Unload(context.Context, string) error { return nil }

// Embed implements Client; the interface has no vectors.
func (c *anthropic) Embed(context.Context, string, []string) ([][]float32, error) {
	return nil, fault.New(fault.Invalid, "%s makes no vectors: the interface of Anthropic has none.", c.s.host).Code(CodeCannot).
		Cure("Use a server of another kind for the embedding model.")
}
