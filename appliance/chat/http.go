package chat

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"chatets/appliance/fault"
	"chatets/appliance/library"
	"chatets/appliance/web"
)

const tag = "Chat"

// Routes adds conversations and runs to the API.
func (c *Chat) Routes(api *web.API) {
	c.open()
	accepted := map[int]any{http.StatusAccepted: Accepted{}}
	web.HandleStream(api, web.Route{Method: http.MethodPost, Path: "/api/conversations", ID: "ask", Tag: tag, Access: web.SignedIn, Scope: web.Chat, Also: accepted,
		Summary: "Ask a question in a new conversation: wait for the answer, stream it, or follow its run", Errors: []int{404, 422, 429, 503}}, c.postConversation)
	web.HandleStream(api, web.Route{Method: http.MethodPost, Path: "/api/conversations/{id}/messages", ID: "askAgain", Tag: tag, Access: web.SignedIn, Scope: web.Chat, Also: accepted,
		Summary: "Ask the next question of a conversation", Errors: []int{404, 422, 429, 503}}, c.postMessage)
	c.versionRoutes(api, accepted)
	c.shelfRoutes(api)
	c.talkRoutes(api)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/conversations", ID: "listConversations", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "List your conversations, the newest first"}, c.list)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/conversations/{id}", ID: "conversation", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Read the shown path of a conversation from its newest messages backwards", Errors: []int{404}}, c.get)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/conversations/{id}", ID: "changeConversation", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Give a conversation another title, pin it, file it, archive it, or mark it read", Errors: []int{404, 422}}, c.patch)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/conversations/{id}", ID: "deleteConversation", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Delete a conversation with its messages and citations", Errors: []int{404}}, c.delete)
	web.HandleStream(api, web.Route{Method: http.MethodGet, Path: "/api/runs/{id}/events", ID: "runEvents", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Follow the events of a run from any number on, while it runs and after it ended", Errors: []int{404}}, c.getEvents)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/runs/{id}/stop", ID: "stopRun", Tag: tag, Access: web.SignedIn, Scope: web.Chat, Status: http.StatusAccepted,
		Summary: "Stop a run; what was shown stays", Errors: []int{404}}, c.postStop)
	web.HandleStream(api, web.Route{Method: http.MethodPost, Path: "/api/operator/ask", ID: "operatorAsk", Tag: tag, Access: web.Socket,
		Summary: "Ask all knowledge bases from the command line; nothing is kept"}, c.postOperator)
}

// Accepted names what was made for a question whose answer is still to come.
type Accepted struct {
	Conversation Named `json:"conversation"`
	Run          Named `json:"run"`
	Question     Named `json:"question"`
	Answer       Named `json:"answer"`
}

// Named is an id alone.
type Named struct {
	ID string `json:"id"`
}

type newConversation struct {
	Message   string          `json:"message" doc:"The question, at most 32,000 characters"`
	Temporary bool            `json:"temporary,omitempty" doc:"In no list and no search, and gone with your session or eight hours after the last word"`
	Knowledge []string        `json:"knowledge,omitempty" maxItems:"100" doc:"Knowledge bases to search; none means all that you may read"`
	Filter    *library.Narrow `json:"filter,omitempty" doc:"Of them, only some documents: every part that is set must hold, of its values any"`
	Model     string          `json:"model,omitempty" maxLength:"200" doc:"Name of a model, or extractive for an answer without one; empty is the default model"`
}

type newMessage struct {
	Message   string          `json:"message" doc:"The question, at most 32,000 characters"`
	Knowledge []string        `json:"knowledge,omitempty" maxItems:"100" doc:"Knowledge bases to search; left out, those of the conversation"`
	Filter    *library.Narrow `json:"filter,omitempty" doc:"Of them, only some documents; left out, as in the conversation, and an empty one takes it away"`
	Model     string          `json:"model,omitempty" maxLength:"200" doc:"Name of a model, or extractive for an answer without one; empty is the default model"`
	Parent    string          `json:"parent,omitempty" maxLength:"64" doc:"The message this one follows; left out, the newest that is shown"`
}

// how says which of the three answers the caller wants.
type how struct {
	Accept string `header:"Accept" doc:"text/event-stream streams the run"`
	Prefer string `header:"Prefer" doc:"respond-async answers 202 at once"`
}

type postConversationIn struct {
	how
	Body newConversation
}

func (c *Chat) postConversation(ctx context.Context, in *postConversationIn) (web.Result[Exchange], error) {
	return c.post(ctx, in.how, asking{text: in.Body.Message, knowledge: in.Body.Knowledge, filter: in.Body.Filter, model: in.Body.Model, temporary: in.Body.Temporary})
}

type postMessageIn struct {
	how
	ID   string `path:"id" maxLength:"64"`
	Body newMessage
}

func (c *Chat) postMessage(ctx context.Context, in *postMessageIn) (web.Result[Exchange], error) {
	return c.post(ctx, in.how, asking{conversation: in.ID, text: in.Body.Message, knowledge: in.Body.Knowledge, filter: in.Body.Filter, model: in.Body.Model, parent: in.Body.Parent})
}

func (c *Chat) post(ctx context.Context, h how, in asking) (web.Result[Exchange], error) {
	r, err := c.ask(ctx, in)
	if err != nil {
		return web.Result[Exchange]{}, err
	}
	if web.WantsEvents(h.Accept) {
		return web.Result[Exchange]{Events: func(ctx context.Context, send func(web.Event) error) error {
			return r.log.follow(ctx, 0, func(e Event) error { return send(web.Event(e)) })
		}}, nil
	}
	if !web.Prefers(h.Prefer, "respond-async") {
		ended, err := c.waitFor(ctx, r)
		if err != nil {
			return web.Result[Exchange]{}, err
		}
		if ended {
			return web.Result[Exchange]{Body: &Exchange{Conversation: c.leftBy(ctx, r), Question: r.question, Answer: r.answer}}, nil
		}
	}
	return web.Result[Exchange]{Status: http.StatusAccepted, Other: Accepted{Conversation: Named{r.conversation}, Run: Named{r.id},
		Question: Named{r.question.ID}, Answer: Named{r.answerID}}}, nil
}

// leftBy is the conversation as it is after a run; where it was deleted, as it
// was.
func (c *Chat) leftBy(ctx context.Context, r *run) Conversation {
	conversation, err := c.Store.conversation(ctx, r.conversation)
	if err != nil {
		return r.left()
	}
	return conversation
}

// Transcript is a page of a conversation: its messages in the order they were
// written.
type Transcript struct {
	Conversation Conversation `json:"conversation"`
	Messages     []Message    `json:"messages" doc:"Oldest first; the first page holds the newest messages"`
	Next         string       `json:"next" doc:"Cursor of the messages before these; empty at the beginning"`
}

type getIn struct {
	ID     string `path:"id" maxLength:"64"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"200"`
}

type getOut struct{ Body Transcript }

func (c *Chat) get(ctx context.Context, in *getIn) (*getOut, error) {
	conversation, messages, next, err := c.read(ctx, in.ID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	slices.Reverse(messages)
	return &getOut{Body: Transcript{Conversation: conversation, Messages: messages, Next: next}}, nil
}

type idIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (c *Chat) delete(ctx context.Context, in *idIn) (*struct{}, error) {
	return nil, c.remove(ctx, in.ID)
}

func (c *Chat) postStop(ctx context.Context, in *idIn) (*struct{}, error) {
	return nil, c.stop(ctx, in.ID)
}

type eventsIn struct {
	ID    string `path:"id" maxLength:"64"`
	After int64  `query:"after" minimum:"0" doc:"Number of the last event that is known"`
	Last  string `header:"Last-Event-ID" doc:"The same, as browsers send it; it wins"`
}

func (c *Chat) getEvents(ctx context.Context, in *eventsIn) (web.Result[struct{}], error) {
	after := in.After
	if in.Last != "" {
		n, err := strconv.ParseInt(in.Last, 10, 64)
		if err != nil || n < 0 {
			return web.Result[struct{}]{}, fault.New(fault.Invalid, "Last-Event-ID is no number of an event.").
				With(fault.Detail{Field: "header.Last-Event-ID", Sentence: "This is no number of an event."})
		}
		after = n
	}
	follow, err := c.follow(ctx, in.ID, after)
	if err != nil {
		return web.Result[struct{}]{}, err
	}
	return web.Result[struct{}]{Events: func(ctx context.Context, send func(web.Event) error) error {
		return follow(ctx, func(e Event) error { return send(web.Event(e)) })
	}}, nil
}

type postOperatorIn struct {
	Body struct {
		Question  string          `json:"question"`
		Knowledge []string        `json:"knowledge,omitempty" maxItems:"100"`
		Filter    *library.Narrow `json:"filter,omitempty"`
		Model     string          `json:"model,omitempty" maxLength:"200"`
	}
}

func (c *Chat) postOperator(ctx context.Context, in *postOperatorIn) (web.Result[struct{}], error) {
	r, err := c.askOperator(ctx, asking{text: in.Body.Question, knowledge: in.Body.Knowledge, filter: in.Body.Filter, model: in.Body.Model})
	if err != nil {
		return web.Result[struct{}]{}, err
	}
	return web.Result[struct{}]{Events: func(ctx context.Context, send func(web.Event) error) error {
		// Nobody else can follow this run, so it ends with its only reader.
		defer c.halt(r, errStopped)
		return r.log.follow(ctx, 0, func(e Event) error { return send(web.Event(e)) })
	}}, nil
}
