package inference

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"chatets/appliance/fault"
)

// Flavours of servers with OpenAI's interface. They differ in what they tell of
// themselves and in what has to be said to them.
const (
	flavourLMStudio = "lmstudio"
	flavourLlamaCpp = "llamacpp"
	flavourVLLM     = "vllm"
	flavourOllama   = "ollama"
	flavourOther    = "openai"
)

// openAI is the client of a server with OpenAI's interface.
type openAI struct {
	s *link

	mu    sync.Mutex
	known flavour

	loading sync.Mutex // one load or unload at a time: LM Studio loads a model twice when asked twice
}

// flavour is what a server was found to be.
type flavour struct {
	name    string // "" = not asked yet
	version string
	native  string // LM Studio's own interface: "/api/v1", "/api/v0" or "" for none
}

func newOpenAI(l *link) Client { return &openAI{s: l} }

// Probe implements Client.
func (o *openAI) Probe(ctx context.Context) (Health, error) {
	began := time.Now()
	list, err := o.list(ctx)
	h := Health{Latency: time.Since(began)}
	if err != nil {
		if !stillLoading(err) {
			return h, err
		}
		h.Busy, h.Flavour = true, o.flavourNow().name
		if h.Flavour == "" {
			h.Flavour = flavourLlamaCpp // the only one that answers while it loads
		}
		return h, nil
	}
	f, err := o.recognise(ctx, list)
	if err != nil {
		return h, err
	}
	h.Flavour, h.Version = f.name, f.version
	if f.name == flavourLlamaCpp { // its list is there before the model is
		if err := o.s.json(ctx, "GET", "/health", nil, nil); stillLoading(err) {
			h.Busy = true
		} else if err != nil && codeOf(err) != CodeBroken { // a proxy may let only /v1 through
			return h, err
		}
	}
	return h, nil
}

// stillLoading reports whether a server said that its model is not in memory yet.
// A proxy in front of a server that does not run says 503 too, but not that.
func stillLoading(err error) bool {
	return err != nil && codeOf(err) == CodeBusy && strings.Contains(strings.ToLower(err.Error()), "loading")
}

// openAIList is the list of models, with what the flavours add to it.
type openAIList struct {
	Data   []openAIModel `json:"data"`
	Models []struct {    // beside data, of llama.cpp
		Name         string   `json:"name"`
		Capabilities []string `json:"capabilities"`
		Details      struct {
			Family       string `json:"family"`
			Parameters   string `json:"parameter_size"`
			Quantization string `json:"quantization_level"`
		} `json:"details"`
	} `json:"models"`
}

type openAIModel struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	OwnedBy string `json:"owned_by"`

	MaxModelLen   int `json:"max_model_len"`      // vLLM
	ContextLength int `json:"context_length"`     // gateways
	ContextWindow int `json:"context_window"`     // gateways
	MaxContext    int `json:"max_context_length"` // gateways

	Meta *struct { // llama.cpp
		TrainContext int   `json:"n_ctx_train"`
		Context      int   `json:"n_ctx"`
		Dimensions   int   `json:"n_embd"`
		Parameters   int64 `json:"n_params"`
		Size         int64 `json:"size"`
	} `json:"meta"`
	Status *struct { // llama.cpp with more models than one
		Value string `json:"value"`
	} `json:"status"`
}

// list asks for the models every server of this interface has a list of.
func (o *openAI) list(ctx context.Context) (openAIList, error) {
	var raw json.RawMessage
	if err := o.s.json(ctx, "GET", "/v1/models", nil, &raw); err != nil {
		return openAIList{}, err
	}
	var list openAIList
	err := json.Unmarshal(raw, &list)
	switch {
	case raw[0] == '[': // some gateways leave the wrapping out
		err = json.Unmarshal(raw, &list.Data)
	case err == nil && list.Data == nil && !strings.Contains(string(raw), `"data"`):
		err = errors.New("no list of models")
	}
	if err != nil {
		return openAIList{}, o.s.unreadable(nil, raw, err)
	}
	list.Data = slices.DeleteFunc(list.Data, func(m openAIModel) bool { return m.id() == "" })
	return list, nil
}

func (o *openAI) flavourNow() flavour {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.known
}

// flavour is what the server is, asked once.
func (o *openAI) flavour(ctx context.Context) (flavour, error) {
	if f := o.flavourNow(); f.name != "" {
		return f, nil
	}
	list, err := o.list(ctx)
	if err != nil {
		return flavour{}, err
	}
	return o.recognise(ctx, list)
}

// recognise finds out what the server is by what it writes into its list, and asks
// further only where that is new: another server may run at the address one day.
func (o *openAI) recognise(ctx context.Context, list openAIList) (flavour, error) {
	sign := signature(list)
	known := o.flavourNow()
	if known.name != "" && (sign == "" || sign == known.name) {
		return known, nil
	}
	f := flavour{name: sign}
	var err error
	switch sign {
	case flavourVLLM:
		var v struct {
			Version string `json:"version"`
		}
		err = o.optional(ctx, "/version", &v)
		f.version = v.Version
	case flavourLlamaCpp:
		var p llamaProps
		err = o.optional(ctx, "/props", &p)
		f.version = p.Build
	case flavourOllama:
		var v struct {
			Version string `json:"version"`
		}
		err = o.optional(ctx, "/api/version", &v)
		f.version = v.Version
	default:
		f, err = o.unsigned(ctx, sign)
	}
	if err != nil {
		return flavour{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known = f
	return f, nil
}

// signature is the flavour that signs its models so, "" where nobody signed.
func signature(list openAIList) string {
	for _, m := range list.Data {
		switch m.OwnedBy {
		case "vllm":
			return flavourVLLM
		case "llamacpp":
			return flavourLlamaCpp
		case "library":
			return flavourOllama
		case "organization_owner":
			return flavourLMStudio
		}
		if m.Meta != nil && m.Meta.TrainContext > 0 {
			return flavourLlamaCpp
		}
	}
	return ""
}

// unsigned asks a server for what only one flavour has.
func (o *openAI) unsigned(ctx context.Context, sign string) (flavour, error) {
	for _, native := range []string{"/api/v1", "/api/v0"} {
		if _, ok, err := o.studioModels(ctx, native); err != nil {
			return flavour{}, err
		} else if ok {
			return flavour{name: flavourLMStudio, native: native}, nil
		}
	}
	if sign != "" {
		return flavour{name: sign}, nil
	}
	var p llamaProps
	if err := o.optional(ctx, "/props", &p); err != nil {
		return flavour{}, err
	}
	if p.Settings.Context > 0 || p.Slots > 0 {
		return flavour{name: flavourLlamaCpp, version: p.Build}, nil
	}
	return flavour{name: flavourOther}, nil
}

// optional asks for what only some servers have. Only where the server cannot be
// spoken with at all is that an error.
func (o *openAI) optional(ctx context.Context, path string, out any) error {
	err := o.s.json(ctx, "GET", path, nil, out)
	switch codeOf(err) {
	case CodeUnreachable, CodeStalled, CodeCertificate, fault.Cancelled.String(), fault.Unavailable.String():
		return err
	}
	return nil
}

// Embed implements Client.
func (o *openAI) Embed(ctx context.Context, model string, texts []string) ([][]float32, error) {
	return embedAll(ctx, texts, func(ctx context.Context, batch []string) ([][]float32, error) {
		var got struct {
			Data []struct {
				Index  *int   `json:"index"`
				Vector vector `json:"embedding"`
			} `json:"data"`
		}
		in := map[string]any{"model": model, "input": batch, "encoding_format": "float"}
		if err := o.s.slow(ctx, "POST", "/v1/embeddings", in, &got); err != nil {
			return nil, err
		}
		vectors := make([][]float32, len(got.Data))
		for i, d := range got.Data {
			at := i
			if d.Index != nil {
				at = *d.Index
			}
			if at < 0 || at >= len(vectors) || vectors[at] != nil {
				return nil, o.s.broken(errEmbedOrder).Cure("Choose another embedding model.")
			}
			vectors[at] = d.Vector
		}
		return vectors, nil
	})
}
