package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"chatets/appliance/web"
)

// talkRoutes adds drafts, feedback, links and files of conversations.
func (c *Chat) talkRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/drafts/{chat}", ID: "draft", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Read what you typed in a conversation, or in a new one, and did not send", Errors: []int{404}}, c.getDraft)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/drafts/{chat}", ID: "keepDraft", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Keep a draft that was made from the version you read; an empty one ends it", Errors: []int{404, 409, 422}}, c.putDraftOf)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/messages/{id}/feedback", ID: "rateMessage", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Say what you think of an answer", Errors: []int{404, 422}}, c.putFeedback)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/messages/{id}/feedback", ID: "unrateMessage", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Take back what you said about an answer", Errors: []int{404}}, c.deleteFeedback)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/feedback", ID: "feedback", Tag: tag, Access: web.Administrator,
		Summary: "Count what people think of answers, by model; not what they wrote"}, c.getFeedback)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/conversations/{id}/share", ID: "shareConversation", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Make a link to a conversation as it is now for the members of the workspace", Errors: []int{404, 409}}, c.postShare)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/conversations/{id}/share", ID: "unshareConversation", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "End the link to a conversation", Errors: []int{404}}, c.deleteShare)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/shares", ID: "listShares", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "List the links to your conversations"}, c.getShares)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/shares/{id}", ID: "sharedConversation", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Read a conversation that was shared with your workspace", Errors: []int{404}}, c.getShare)
	web.HandleDownload(api, web.Route{Method: http.MethodGet, Path: "/api/conversations/{id}/export", ID: "exportConversation", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Download a conversation as Markdown or JSON", Errors: []int{404}}, c.getExport)
}

type draftIn struct {
	Chat string `path:"chat" maxLength:"64" doc:"A conversation, or new"`
}

type draftOut struct{ Body Draft }

func (c *Chat) getDraft(ctx context.Context, in *draftIn) (*draftOut, error) {
	d, err := c.draft(ctx, in.Chat)
	if err != nil {
		return nil, err
	}
	return &draftOut{Body: d}, nil
}

type putDraftIn struct {
	Chat string `path:"chat" maxLength:"64" doc:"A conversation, or new"`
	Body Draft
}

func (c *Chat) putDraftOf(ctx context.Context, in *putDraftIn) (*draftOut, error) {
	d, err := c.putDraft(ctx, in.Chat, in.Body)
	if err != nil {
		return nil, err
	}
	return &draftOut{Body: d}, nil
}

type feedbackIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body Feedback
}

func (c *Chat) putFeedback(ctx context.Context, in *feedbackIn) (*struct{}, error) {
	return nil, c.rate(ctx, in.ID, &in.Body)
}

func (c *Chat) deleteFeedback(ctx context.Context, in *messageIn) (*struct{}, error) {
	return nil, c.rate(ctx, in.ID, nil)
}

type feedbackCountsIn struct {
	Days int `query:"days" minimum:"1" maximum:"3650" default:"30" doc:"How far back"`
}

type feedbackCountsOut struct {
	Body struct {
		Since time.Time       `json:"since"`
		Items []FeedbackCount `json:"items"`
	}
}

func (c *Chat) getFeedback(ctx context.Context, in *feedbackCountsIn) (*feedbackCountsOut, error) {
	out := &feedbackCountsOut{}
	out.Body.Since = c.now().UTC().AddDate(0, 0, -in.Days).Truncate(time.Second)
	var err error
	out.Body.Items, err = c.rated(ctx, out.Body.Since)
	return out, err
}

type shareOut struct{ Body ChatShare }

func (c *Chat) postShare(ctx context.Context, in *idIn) (*shareOut, error) {
	s, err := c.share(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &shareOut{Body: s}, nil
}

func (c *Chat) deleteShare(ctx context.Context, in *idIn) (*struct{}, error) {
	return nil, c.unshare(ctx, in.ID)
}

type sharesIn struct {
	Conversation string `query:"conversation" maxLength:"64" doc:"Only the link to this one"`
}

type sharesOut struct {
	Body struct {
		Items []ChatShare `json:"items"`
	}
}

func (c *Chat) getShares(ctx context.Context, in *sharesIn) (*sharesOut, error) {
	out := &sharesOut{}
	var err error
	out.Body.Items, err = c.shares(ctx, in.Conversation)
	return out, err
}

type sharedOut struct{ Body SharedChat }

func (c *Chat) getShare(ctx context.Context, in *getIn) (*sharedOut, error) {
	s, err := c.openShare(ctx, in.ID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &sharedOut{Body: s}, nil
}

type exportIn struct {
	ID       string `path:"id" maxLength:"64"`
	Format   string `query:"format" enum:"markdown,json" default:"markdown"`
	Language string `query:"language" enum:"en,de,fr" default:"en" doc:"Of the headings of a Markdown file"`
}

func (c *Chat) getExport(ctx context.Context, in *exportIn) (web.File, error) {
	e, err := c.export(ctx, in.ID)
	if err != nil {
		return web.File{}, err
	}
	f := web.File{Name: fileName(e.Conversation.Title) + ".md", Type: "text/markdown; charset=utf-8", Modified: e.Conversation.UpdatedAt}
	data := []byte(e.markdown(in.Language))
	if in.Format == "json" {
		f.Name, f.Type = fileName(e.Conversation.Title)+".json", "application/json"
		if data, err = json.MarshalIndent(e, "", "  "); err != nil {
			return web.File{}, err
		}
	}
	f.Size, f.Body = int64(len(data)), io.NopCloser(bytes.NewReader(data))
	return f, nil
}
