package inference

import (
	"context"
	"encoding/json"
	"strings"

	"chatets/appliance/fault"
)

// studioModel is a model as LM Studio's own interfaces tell it; /api/v0 has fewer
// fields, and other names for some.
type studioModel struct {
	Key          string          `json:"key"`
	ID           string          `json:"id"`   // v0
	Type         string          `json:"type"` // llm, embedding; v0: llm, vlm, embeddings
	Architecture string          `json:"architecture"`
	Arch         string          `json:"arch"`         // v0
	Quantization json.RawMessage `json:"quantization"` // an object; v0: a string
	Size         int64           `json:"size_bytes"`
	Parameters   string          `json:"params_string"`
	Instances    []struct {
		ID     string `json:"id"`
		Config struct {
			Context  int `json:"context_length"`
			Parallel int `json:"parallel"`
		} `json:"config"`
	} `json:"loaded_instances"`
	State         string          `json:"state"`                 // v0: loaded, not-loaded
	LoadedContext int             `json:"loaded_context_length"` // v0
	MaxContext    int             `json:"max_context_length"`
	Capabilities  json.RawMessage `json:"capabilities"` // an object; v0: a list of words
}

// studioModels asks one of LM Studio's own interfaces. ok is false where the server
// does not have it, which LM Studio says with status 200 and an error in it.
func (o *openAI) studioModels(ctx context.Context, native string) (models []studioModel, ok bool, err error) {
	var list struct {
		Models []studioModel `json:"models"`
		Data   []studioModel `json:"data"`
	}
	if err := o.optional(ctx, native+"/models", &list); err != nil {
		return nil, false, err
	}
	models = list.Models
	if native == "/api/v0" {
		models = list.Data
	}
	for _, m := range models {
		if m.Type == "" || m.name() == "" {
			return nil, false, nil // something else has a list there
		}
	}
	return models, models != nil, nil
}

func (m studioModel) name() string {
	if m.Key != "" {
		return m.Key
	}
	return m.ID
}

// studio lists the models from the newest interface that the server has. LM Studio
// is updated while it is a server of ours, so the newest is tried each time.
func (o *openAI) studio(ctx context.Context) ([]Model, bool, error) {
	for _, native := range []string{"/api/v1", "/api/v0"} {
		list, ok, err := o.studioModels(ctx, native)
		if err != nil {
			return nil, false, err
		}
		if !ok {
			continue
		}
		o.mu.Lock()
		o.known.name, o.known.native = flavourLMStudio, native
		o.mu.Unlock()
		models := make([]Model, 0, len(list))
		for _, m := range list {
			models = append(models, m.model())
		}
		return models, true, nil
	}
	o.mu.Lock()
	o.known.native = ""
	o.mu.Unlock()
	return nil, false, nil
}

func (m studioModel) model() Model {
	out := Model{Name: m.name(), Family: m.Architecture + m.Arch, Parameters: m.Parameters, Size: m.Size, MaxContext: m.MaxContext,
		Embedding: strings.HasPrefix(m.Type, "embedding"), Vision: m.Type == "vlm", Loaded: len(m.Instances) > 0 || m.State == "loaded", Context: m.LoadedContext}
	var q struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(m.Quantization, &q) == nil {
		out.Quantization = q.Name
	} else {
		out.Quantization = text(m.Quantization)
	}
	for _, i := range m.Instances { // requests by the key go to any of them
		if out.Context == 0 || i.Config.Context < out.Context {
			out.Context = i.Config.Context
		}
		out.Slots += i.Config.Parallel
	}
	if out.Embedding {
		return out
	}
	out.Thinking = named(out.Name).Thinking
	var can struct {
		Vision    bool            `json:"vision"`
		Tools     bool            `json:"trained_for_tool_use"`
		Reasoning json.RawMessage `json:"reasoning"`
	}
	var words []string
	switch {
	case json.Unmarshal(m.Capabilities, &can) == nil:
		out.Vision, out.Tools = out.Vision || can.Vision, can.Tools
		if r := string(can.Reasoning); r != "" && r != "null" {
			out.Thinking = r != "false"
		}
	case json.Unmarshal(m.Capabilities, &words) == nil:
		for _, w := range words {
			out.Tools = out.Tools || w == "tool_use"
			out.Vision = out.Vision || w == "vision"
		}
	}
	return out
}

// studioLoad loads a model for good. Left to itself LM Studio keeps one model of
// those it loads on demand, so that a chat and an embedding model push each other
// out; what is loaded in so many words stays.
func (o *openAI) studioLoad(ctx context.Context, model string, context int) error {
	o.loading.Lock()
	defer o.loading.Unlock()
	m, err := o.studioModel(ctx, model)
	if err != nil {
		return err
	}
	if context > m.MaxContext && m.MaxContext > 0 {
		context = m.MaxContext
	}
	for _, i := range m.Instances {
		if i.Config.Context >= context {
			return nil
		}
	}
	for _, i := range m.Instances { // a second one beside it would need its memory too
		if err := o.studioEject(ctx, i.ID); err != nil {
			return err
		}
	}
	in := map[string]any{"model": m.name()}
	if context > 0 {
		in["context_length"] = context
	}
	return o.s.slow(ctx, "POST", "/api/v1/models/load", in, nil)
}

func (o *openAI) studioUnload(ctx context.Context, model string) error {
	o.loading.Lock()
	defer o.loading.Unlock()
	m, err := o.studioModel(ctx, model)
	if err != nil {
		return err
	}
	for _, i := range m.Instances {
		if err := o.studioEject(ctx, i.ID); err != nil {
			return err
		}
	}
	return nil
}

func (o *openAI) studioEject(ctx context.Context, instance string) error {
	err := o.s.slow(ctx, "POST", "/api/v1/models/unload", map[string]any{"instance_id": instance}, nil)
	if codeOf(err) == CodeModel { // somebody else was faster
		return nil
	}
	return err
}

// studioModel finds a model by its key, or by the name of an instance of it.
func (o *openAI) studioModel(ctx context.Context, model string) (studioModel, error) {
	list, ok, err := o.studioModels(ctx, "/api/v1")
	if err != nil {
		return studioModel{}, err
	}
	for _, m := range list {
		if m.Key == model {
			return m, nil
		}
		for _, i := range m.Instances {
			if i.ID == model {
				return m, nil
			}
		}
	}
	if !ok {
		return studioModel{}, fault.New(fault.Unavailable, "%s no longer lists its models.", o.s.host).Code(CodeBroken).
			Cure("Check whether LM Studio was replaced by another server.")
	}
	return studioModel{}, o.s.noModel(nil)
}
