package model

import (
	"context"
	"net/http"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/web"
)

// Routes adds models and their servers to the API.
func (m *Models) Routes(api *web.API) {
	const tag = "Models"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/models", ID: "listModels", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "List the models one may use, by name", Errors: []int{403}}, m.getModels)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/models/{id}", ID: "changeModel", Tag: tag, Access: web.Administrator,
		Summary: "Change what a model is called, who may use it and how", Errors: []int{404, 409, 422}}, m.patchModel)
	m.serverRoutes(api)
	m.memoryRoutes(api)
	m.fileRoutes(api)
}

// none is the answer of a route that has nothing to say but that it was done.
type none struct{}

// model is a model on the wire.
type model struct {
	ID              string        `json:"id"`
	Name            string        `json:"name" doc:"As questions name it."`
	Label           string        `json:"label" doc:"What people see; the name where nobody gave one."`
	Aliases         []string      `json:"aliases" doc:"Other names that questions may use."`
	Kind            string        `json:"kind" enum:"chat,embedding"`
	Capabilities    capabilitySet `json:"capabilities"`
	Context         int           `json:"context" doc:"Tokens that question, history, passages and answer may have together; 0 while no server has it."`
	Parameters      string        `json:"parameters" doc:"Size, for example 8.0B; empty where the server does not say."`
	Quantization    string        `json:"quantization" doc:"For example Q4_K_M; empty where the server does not say."`
	Loaded          bool          `json:"loaded" doc:"Whether it is in the memory of a server."`
	Available       bool          `json:"available" doc:"Whether it can be used now."`
	Why             string        `json:"why,omitempty" doc:"Why it cannot."`
	Default         bool          `json:"default" doc:"Whether it answers where no model is chosen."`
	TokensPerSecond float64       `json:"tokensPerSecond" doc:"As measured; 0 before the first answer."`
	Manage          *managed      `json:"manage,omitempty" doc:"For administrators who ask for all models."`
}

// capabilitySet is what a model can do beside text.
type capabilitySet struct {
	Vision   bool `json:"vision" doc:"Takes images."`
	Thinking bool `json:"thinking" doc:"Can think before it answers."`
	Tools    bool `json:"tools" doc:"Can use tools."`
}

// managed is what administrators see and set of a model.
type managed struct {
	Enabled     bool          `json:"enabled"`
	Everyone    bool          `json:"everyone" doc:"Everybody may use it; otherwise only those in access."`
	Access      []modelAccess `json:"access"`
	Context     int           `json:"context" doc:"Tokens that somebody set; 0 where ChatETS chooses."`
	Temperature *float64      `json:"temperature,omitempty" doc:"Absent is the model's own."`
	Servers     []modelServer `json:"servers"`
}

// modelAccess is somebody who may use a model.
type modelAccess struct {
	Kind string `json:"kind" enum:"person,group,workspace"`
	ID   string `json:"id" minLength:"1" maxLength:"64"`
	Name string `json:"name,omitempty" doc:"Told, not read."`
}

// modelServer is a server that has a model.
type modelServer struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Model   string `json:"model" doc:"What the model is called there."`
	Kind    string `json:"kind" enum:"ollama,openai,anthropic"`
	Loaded  bool   `json:"loaded"`
	Context int    `json:"context" doc:"Tokens it is loaded with; 0 unknown."`
	Most    int    `json:"most" doc:"Tokens it could take; 0 unknown."`
	Size    int64  `json:"size" doc:"Bytes; 0 unknown."`
	Digest  string `json:"digest"`
	Gone    bool   `json:"gone" doc:"The server does not have it any more."`
}

type modelsIn struct {
	All bool `query:"all" doc:"All models with what administrators see; for administrators."`
}

type modelsOut struct {
	Body struct {
		Items      []model `json:"items"`
		Generation string  `json:"generation" enum:"none,ready,down" doc:"Whether a model can answer."`
	}
}

func (m *Models) getModels(ctx context.Context, in *modelsIn) (*modelsOut, error) {
	list, err := m.List(ctx, actor.From(ctx), in.All)
	if err != nil {
		return nil, err
	}
	out := &modelsOut{}
	out.Body.Generation = m.Generation(ctx)
	out.Body.Items = make([]model, len(list))
	standard := m.first(list)
	for i, one := range list {
		out.Body.Items[i] = m.show(one, i == standard)
	}
	if in.All {
		return out, m.manageAll(ctx, out.Body.Items, list)
	}
	return out, nil
}

func (m *Models) show(one Model, standard bool) model {
	c := m.choiceOf(one)
	out := model{ID: one.ID, Name: one.Name, Label: one.label(), Aliases: append([]string{}, one.Aliases...), Kind: "chat",
		Capabilities: capabilitySet{Vision: c.Vision, Thinking: c.Thinking, Tools: c.Tools}, Context: c.Context, Loaded: c.Loaded,
		Why: m.why(one), Default: standard, TokensPerSecond: c.TokensPerSecond}
	out.Available = out.Why == ""
	if one.Embedding {
		out.Kind = "embedding"
	}
	for _, p := range one.Places {
		if out.Parameters == "" {
			out.Parameters = p.Parameters
		}
		if out.Quantization == "" {
			out.Quantization = p.Quantization
		}
	}
	return out
}

// manageAll adds what administrators see.
func (m *Models) manageAll(ctx context.Context, items []model, list []Model) error {
	var ids []string
	for _, one := range list {
		for _, a := range one.Access {
			ids = append(ids, a.ID)
		}
	}
	slices.Sort(ids)
	names, err := m.accounts.Names(ctx, slices.Compact(ids))
	if err != nil {
		return err
	}
	for i, one := range list {
		in := &managed{Enabled: one.Enabled, Everyone: one.Everyone, Access: []modelAccess{}, Context: one.Context, Temperature: one.Temperature, Servers: []modelServer{}}
		for _, a := range one.Access {
			in.Access = append(in.Access, modelAccess{Kind: a.Kind, ID: a.ID, Name: names[a.ID]})
		}
		for _, p := range one.Places {
			in.Servers = append(in.Servers, modelServer{ID: p.Server, Name: p.ServerName, Model: p.Name, Kind: string(p.Kind), Loaded: p.Loaded,
				Context: p.LoadedContext, Most: p.MaxContext, Size: p.Size, Digest: p.Digest, Gone: !p.Gone.IsZero()})
		}
		items[i].Manage = in
	}
	return nil
}

type patchModelIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Label       *string        `json:"label,omitempty" maxLength:"400" doc:"Empty shows the name."`
		Enabled     *bool          `json:"enabled,omitempty"`
		Everyone    *bool          `json:"everyone,omitempty"`
		Access      *[]modelAccess `json:"access,omitempty" maxItems:"500" doc:"Takes the place of the list there was."`
		Aliases     *[]string      `json:"aliases,omitempty" maxItems:"20" doc:"Take the place of those there were."`
		Context     *int           `json:"context,omitempty" doc:"Tokens; 0 lets ChatETS choose."`
		Temperature *float64       `json:"temperature,omitempty" doc:"Below 0 is the model's own."`
		Default     *bool          `json:"default,omitempty" doc:"Whether it answers where no model is chosen."`
	}
}

type modelOut struct{ Body model }

func (m *Models) patchModel(ctx context.Context, in *patchModelIn) (*modelOut, error) {
	c := Change{Label: in.Body.Label, Enabled: in.Body.Enabled, Everyone: in.Body.Everyone, Aliases: in.Body.Aliases,
		Context: in.Body.Context, Temperature: in.Body.Temperature, Default: in.Body.Default}
	if in.Body.Access != nil {
		list := make([]Access, len(*in.Body.Access))
		for i, a := range *in.Body.Access {
			list[i] = Access{Kind: a.Kind, ID: a.ID}
		}
		c.Access = &list
	}
	one, err := m.Change(ctx, in.ID, c)
	if err != nil {
		return nil, err
	}
	all, err := m.List(ctx, actor.From(ctx), true)
	if err != nil {
		return nil, err
	}
	standard := m.first(all)
	items := []model{m.show(one, standard >= 0 && all[standard].ID == one.ID)}
	if err := m.manageAll(ctx, items, []Model{one}); err != nil {
		return nil, err
	}
	return &modelOut{Body: items[0]}, nil
}
