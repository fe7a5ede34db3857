package library

import (
	"context"
	"net/http"
	"strconv"

	"chatets/appliance/fault"
	"chatets/appliance/web"
)

func (l *Library) chunkRoutes(api *web.API) {
	const tag = "Documents"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/documents/{id}/chunks", ID: "listChunks", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "List the passages a document was cut into, in the order of its text", Errors: []int{403, 404, 409, 422}}, l.getChunks)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/documents/{id}/chunks/{number}", ID: "changeChunk", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite,
		Summary: "Switch a passage off, so that it is not found, or on again", Errors: []int{403, 404, 409, 422}}, l.patchChunk)
}

// chunkShown is a passage of a document on the wire.
type chunkShown struct {
	Number     int64  `json:"number" doc:"Changes when the document is read again."`
	Page       int    `json:"page" doc:"0 where the format has no pages."`
	Heading    string `json:"heading" doc:"Path of headings, one line each."`
	Start      int    `json:"start" doc:"In characters of the document's text."`
	End        int    `json:"end"`
	Text       string `json:"text"`
	Characters int    `json:"characters"`
	Tokens     int    `json:"tokens" doc:"About how many it takes of a model's context."`
	Language   string `json:"language,omitempty" doc:"Two letters, where it was recognised."`
	Disabled   bool   `json:"disabled" doc:"Switched off: it is not found."`
}

func showChunk(c Chunk) chunkShown {
	return chunkShown{Number: c.Number, Page: c.Page, Heading: c.Heading, Start: c.Start, End: c.End, Text: c.Text, Characters: c.size(),
		Tokens: c.Tokens, Language: c.Language, Disabled: c.Disabled}
}

// chunkList is a page of the list.
type chunkList struct {
	Items    []chunkShown `json:"items"`
	Next     string       `json:"next,omitempty" doc:"Cursor of what comes after; absent on the last page."`
	Previous string       `json:"previous,omitempty" doc:"What to give as before for what stands before; absent on the first page."`
	Total    int          `json:"total" doc:"Passages of the document."`
	Disabled int          `json:"disabled" doc:"How many of them are switched off."`
}

type chunksIn struct {
	ID       string `path:"id" maxLength:"64"`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string `query:"cursor" maxLength:"20"`
	Before   string `query:"before" maxLength:"20" doc:"The passages right before this one."`
	From     int    `query:"from" minimum:"0" doc:"A character of the document's text: the list begins with the passage that holds it."`
	Page     int    `query:"page" minimum:"0" doc:"Only passages that begin on this page."`
	Disabled bool   `query:"disabled" doc:"Only passages that are switched off."`
}

type chunksOut struct{ Body chunkList }

func (l *Library) getChunks(ctx context.Context, in *chunksIn) (*chunksOut, error) {
	ask := Chunks{From: in.From, Page: in.Page, Disabled: in.Disabled, Limit: in.Limit + 1}
	for _, place := range []struct {
		text, field string
		into        *int64
	}{{in.Cursor, "query.cursor", &ask.After}, {in.Before, "query.before", &ask.Before}} {
		if place.text == "" {
			continue
		}
		n, err := strconv.ParseInt(place.text, 10, 64)
		if err != nil || n < 1 {
			return nil, fault.New(fault.Invalid, "The place in the list is not known.").Cure("Start again from the first page.").
				With(fault.Detail{Field: place.field, Sentence: "This is no cursor of this list."})
		}
		*place.into = n
	}
	d, list, err := l.Chunks(ctx, reach(ctx), in.ID, ask)
	if err != nil {
		return nil, err
	}
	out := &chunksOut{Body: chunkList{Items: []chunkShown{}, Total: d.Chunks, Disabled: d.Disabled}}
	// One more than asked for says whether the list goes on in the direction it was read.
	more, back := len(list) > in.Limit, ask.Before > 0
	switch {
	case more && back:
		list = list[1:]
	case more:
		list = list[:in.Limit]
	}
	for _, c := range list {
		out.Body.Items = append(out.Body.Items, showChunk(c))
	}
	if n := len(list); n > 0 {
		if more || back {
			out.Body.Next = strconv.FormatInt(list[n-1].Number, 10)
		}
		if more && back || !back && (ask.After > 0 || in.From > 0 && list[0].Start > 0) {
			out.Body.Previous = strconv.FormatInt(list[0].Number, 10)
		}
	}
	return out, nil
}

type chunkIn struct {
	ID     string `path:"id" maxLength:"64"`
	Number int64  `path:"number" minimum:"1"`
	Body   struct {
		Disabled bool `json:"disabled"`
		Start    *int `json:"start,omitempty" minimum:"0" doc:"Where the passage begins that is meant: one that was numbered anew meanwhile is not switched by mistake."`
	}
}

type chunkOut struct{ Body chunkShown }

func (l *Library) patchChunk(ctx context.Context, in *chunkIn) (*chunkOut, error) {
	_, c, err := l.SetChunk(ctx, reach(ctx), in.ID, in.Number, in.Body.Start, in.Body.Disabled)
	if err != nil {
		return nil, err
	}
	return &chunkOut{Body: showChunk(c)}, nil
}
