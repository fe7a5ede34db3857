package inference

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
)

// errEmbedOrder is why vectors are not believed whose places contradict each other.
var errEmbedOrder = errors.New("the vectors are numbered wrongly")

// llamaProps is what llama.cpp tells of itself.
type llamaProps struct {
	Settings struct {
		Context int `json:"n_ctx"` // of one slot
	} `json:"default_generation_settings"`
	Slots      int    `json:"total_slots"`
	Build      string `json:"build_info"`
	Template   string `json:"chat_template"`
	Modalities struct {
		Vision bool `json:"vision"`
	} `json:"modalities"`
	TemplateCan struct {
		Tools bool `json:"supports_tools"`
	} `json:"chat_template_caps"`
}

// Models implements Client.
func (o *openAI) Models(ctx context.Context) ([]Model, error) {
	list, err := o.list(ctx)
	if err != nil {
		return nil, err
	}
	f, err := o.recognise(ctx, list)
	if err != nil {
		return nil, err
	}
	switch f.name {
	case flavourLMStudio:
		if models, ok, err := o.studio(ctx); err != nil || ok {
			return models, err
		}
	case flavourLlamaCpp:
		return o.llamaModels(ctx, list)
	}
	return plainModels(list, f), nil
}

// plainModels are the models of a server that tells little more than their names;
// the rest is guessed from these.
func plainModels(list openAIList, f flavour) []Model {
	models := make([]Model, 0, len(list.Data))
	for _, d := range list.Data {
		m := named(d.id())
		m.MaxContext = max(d.MaxModelLen, d.ContextLength, d.ContextWindow, d.MaxContext)
		if f.name == flavourVLLM { // it holds what it lists
			m.Context, m.Loaded = d.MaxModelLen, true
		}
		models = append(models, m)
	}
	return models
}

func (d openAIModel) id() string {
	if d.ID != "" {
		return d.ID
	}
	return d.Name
}

// llamaModels are the models of llama.cpp: mostly one, whose context and slots
// stand in its properties.
func (o *openAI) llamaModels(ctx context.Context, list openAIList) ([]Model, error) {
	var p llamaProps
	err := o.s.json(ctx, "GET", "/props", nil, &p)
	if code := codeOf(err); err != nil && code != CodeBroken && code != CodeCannot {
		return nil, err
	}
	models := plainModels(list, flavour{})
	many := len(list.Data) > 1
	for i := range models {
		m, d := &models[i], list.Data[i]
		m.Loaded = d.Status == nil || d.Status.Value == "loaded"
		if meta := d.Meta; meta != nil {
			m.MaxContext, m.Size, m.Parameters = meta.TrainContext, meta.Size, parameters(meta.Parameters)
			m.Context = meta.Context
		}
		for _, more := range list.Models {
			if more.Name != d.ID {
				continue
			}
			m.Family, m.Quantization = more.Details.Family, more.Details.Quantization
			for _, c := range more.Capabilities {
				m.Embedding = m.Embedding || c == "embedding"
				m.Vision = m.Vision || c == "multimodal" || c == "vision"
			}
		}
		m.Context, m.Slots = max(m.Context, p.Settings.Context), p.Slots
		if !many { // what else stands in the properties is of one model
			m.Vision, m.Tools = m.Vision || p.Modalities.Vision, p.TemplateCan.Tools
			m.Thinking = m.Thinking || thinkingTemplate(p.Template)
		}
		if m.Embedding {
			m.Vision, m.Thinking, m.Tools = false, false, false
			if d.Meta != nil {
				m.Dimensions = d.Meta.Dimensions
			}
		}
	}
	return models, nil
}

// thinkingTemplate reports whether a chat template has a place for thinking.
func thinkingTemplate(t string) bool {
	return strings.Contains(t, "enable_thinking") || strings.Contains(t, "<think>") || strings.Contains(t, "reasoning_content") || strings.Contains(t, "<|channel|>")
}

// parameters is a number of weights as people write it.
func parameters(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1fB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0fM", float64(n)/1e6)
	}
	return ""
}

// named is a model of which only the name is known. Makers put into it what a model
// is for, and nothing else says so at this interface.
func named(name string) Model {
	m := Model{Name: name}
	low := strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	any := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(low, p) {
				return true
			}
		}
		return false
	}
	switch m.Embedding = any("embed", "bge-", "minilm", "gte-", "arctic-embed", "sentence-t5") || strings.HasPrefix(low, "e5-") || strings.Contains(low, "-e5-"); {
	case m.Embedding:
		return m
	case any("-vl", "vl-", "2vl", "vision", "llava", "pixtral", "minicpm-v", "internvl", "moondream", "molmo", "gpt-4o", "gpt-4.1", "gpt-5"):
		m.Vision = true
	}
	m.Thinking = any("thinking", "reason", "deepseek-r1", "gpt-oss", "qwq", "magistral") || any("qwen3") && !any("instruct", "coder")
	return m
}

// Loaded implements Client.
func (o *openAI) Loaded(ctx context.Context) ([]Loaded, bool, error) {
	f, err := o.flavour(ctx)
	if err != nil {
		return nil, false, err
	}
	switch f.name {
	case flavourLMStudio, flavourLlamaCpp, flavourVLLM:
	default:
		return nil, false, nil
	}
	models, err := o.Models(ctx)
	if err != nil {
		return nil, false, err
	}
	if f = o.flavourNow(); f.name == flavourLMStudio && f.native == "" {
		return nil, false, nil // its list of /v1 does not say
	}
	loaded := []Loaded{}
	for _, m := range models {
		if m.Loaded {
			loaded = append(loaded, Loaded{Model: m.Name, Context: m.Context})
		}
	}
	return loaded, true, nil
}

// Load implements Client. Only LM Studio can be told; the others hold what they were
// started with.
func (o *openAI) Load(ctx context.Context, model string, context int) error {
	f, err := o.flavour(ctx)
	if err != nil || f.native != "/api/v1" {
		return err
	}
	return o.studioLoad(ctx, model, context)
}

// Unload implements Client.
func (o *openAI) Unload(ctx context.Context, model string) error {
	f, err := o.flavour(ctx)
	if err != nil || f.native != "/api/v1" {
		return err
	}
	return o.studioUnload(ctx, model)
}
