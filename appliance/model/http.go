package model

import (
	"context"
	"net/http"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/inference"
	"chatets/appliance/web"
)

// Routes adds models and their servers to the API.
func (m *Models) Routes(api *web.API) {
	const tag = "Models"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/models", ID: "listModels", Tag: tag, Access: web.SignedIn,
		Summary: "List the models one may use, by name", Errors: []int{403}}, m.getModels)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/models/{id}", ID: "changeModel", Tag: tag, Access: web.Administrator,
		Summary: "Change what a model is called, who may use it and how", Errors: []int{404, 409, 422}}, m.patchModel)
	m.serverRoutes(api)
	m.fileRoutes(api)
}

// none is the answer of a route that has nothing to say but that it was done.
type none struct{}

// model is a model on the wire.
type model struct {
	ID              string       `json:"id"`
	Name            string       `json:"name" doc:"As questions name it."`
	Label           string       `json:"label" doc:"What people see; the name where nobody gave one."`
	Aliases         []string     `json:"aliases" doc:"Other names that questions may use."`
	Kind            string       `json:"kind" enum:"chat,embedding"`
	Capabilities    capabilitySet `json:"capabilities"`
	Context         int          `json:"context" doc:"Tokens that question, history, passages and answer may have together; 0 while no server has it."`
	Parameters      string       `json:"parameters" doc:"Size, for example 8.0B; empty where the server does not say."`
	Quantization    string       `json:"quantization" doc:"For example Q4_K_M; empty where the server does not say."`
	Loaded          bool         `json:"loaded" doc:"Whether it is in the memory of a server."`
	Available       bool         `json:"available" doc:"Whether it can be used now."`
	Why             string       `json:"why,omitempty" doc:"Why it cannot."`
	Default         bool         `json:"default" doc:"Whether it answers where no model is chosen."`
	TokensPerSecond float64      `json:"tokensPerSecond" doc:"As measured; 0 before the first answer."`
	Manage          *managed     `json:"manage,omitempty" doc:"For administrators who ask for all models."`
}

// capabilitySet is what a model can do beside text.
type capabilitySet struct {
	Vision   bool `json:"vision" doc:"Takes images."`
	Thinking bool `json:"thinking" doc:"Can think before it answers."`
	Tools    bool `json:"tools" doc:"Can use tools."`
}
