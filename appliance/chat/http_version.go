package chat

import (
	"context"
	"net/http"

	"chatets/appliance/library"
	"chatets/appliance/web"
)

// versionRoutes adds what makes and shows versions of messages.
func (c *Chat) versionRoutes(api *web.API, accepted map[int]any) {
	errors := []int{404, 409, 422, 429, 503}
	web.HandleStream(api, web.Route{Method: http.MethodPost, Path: "/api/messages/{id}/regenerate", ID: "regenerateMessage", Tag: tag, Access: web.SignedIn, Scope: web.Chat, Also: accepted,
		Summary: "Ask for another version of an answer, by the same model or another", Errors: errors}, c.postRegenerate)
	web.HandleStream(api, web.Route{Method: http.MethodPost, Path: "/api/messages/{id}/continue", ID: "continueMessage", Tag: tag, Access: web.SignedIn, Scope: web.Chat, Also: accepted,
		Summary: "Go on with an answer that was interrupted, stopped or cut", Errors: errors}, c.postContinue)
	web.HandleStream(api, web.Route{Method: http.MethodPost, Path: "/api/messages/{id}/edit", ID: "editMessage", Tag: tag, Access: web.SignedIn, Scope: web.Chat, Also: accepted,
		Summary: "Ask a question in other words: another version of it, with an answer of its own", Errors: errors}, c.postEdit)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/conversations/{id}/leaf", ID: "showVersion", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Show the path of a conversation that leads through a message to the newest one under it", Errors: []int{404, 422}}, c.putLeaf)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/messages/{id}/receipt", ID: "messageReceipt", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Read how an answer of a model came about: prompt, passages, parameters and times", Errors: []int{404}}, c.getReceipt)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/context", ID: "context", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Read how much of a model's context a conversation fills, and what there is room for", Errors: []int{404}}, c.getContext)
}

type regenerateIn struct {
	how
	ID   string `path:"id" maxLength:"64"`
	Body *struct {
		Model string `json:"model,omitempty" maxLength:"200" doc:"Name of a model, or extractive; left out, the one that wrote the answer"`
	}
}

func (c *Chat) postRegenerate(ctx context.Context, in *regenerateIn) (web.Result[Exchange], error) {
	a := asking{regenerate: in.ID}
	if in.Body != nil {
		a.model = in.Body.Model
	}
	return c.post(ctx, in.how, a)
}

type continueIn struct {
	how
	ID   string `path:"id" maxLength:"64"`
	Body *struct{}
}

func (c *Chat) postContinue(ctx context.Context, in *continueIn) (web.Result[Exchange], error) {
	return c.post(ctx, in.how, asking{goOn: in.ID})
}

type editIn struct {
	how
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Message   string          `json:"message" doc:"The question, at most 32,000 characters"`
		Knowledge []string        `json:"knowledge,omitempty" maxItems:"100" doc:"Knowledge bases to search; left out, those the question was asked of"`
		Filter    *library.Narrow `json:"filter,omitempty" doc:"Of them, only some documents; left out, as the question was asked"`
		Model     string          `json:"model,omitempty" maxLength:"200" doc:"Left out, the model of the conversation"`
	}
}

func (c *Chat) postEdit(ctx context.Context, in *editIn) (web.Result[Exchange], error) {
	return c.post(ctx, in.how, asking{edit: in.ID, text: in.Body.Message, knowledge: in.Body.Knowledge, filter: in.Body.Filter, model: in.Body.Model})
}

type putLeafIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Message string `json:"message" maxLength:"64" doc:"A message of the conversation"`
	}
}

func (c *Chat) putLeaf(ctx context.Context, in *putLeafIn) (*patchOut, error) {
	conversation, err := c.show(ctx, in.ID, in.Body.Message)
	if err != nil {
		return nil, err
	}
	return &patchOut{Body: conversation}, nil
}

type messageIn struct {
	ID string `path:"id" maxLength:"64"`
}

type receiptOut struct{ Body Receipt }

func (c *Chat) getReceipt(ctx context.Context, in *messageIn) (*receiptOut, error) {
	rc, err := c.openReceipt(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &receiptOut{Body: rc}, nil
}

type contextIn struct {
	Conversation string `query:"conversation" maxLength:"64" doc:"Left out, a new one"`
	Model        string `query:"model" maxLength:"200" doc:"Left out, the one that would answer"`
}

type contextOut struct{ Body Room }

func (c *Chat) getContext(ctx context.Context, in *contextIn) (*contextOut, error) {
	room, err := c.room(ctx, in.Conversation, in.Model)
	if err != nil {
		return nil, err
	}
	return &contextOut{Body: room}, nil
}
