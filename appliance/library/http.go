package library

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/lexical"
	"chatets/appliance/web"
)

// Routes adds knowledge bases, documents and search to the API.
func (l *Library) Routes(api *web.API) {
	const tag = "Knowledge"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/knowledge", ID: "listKnowledge", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "List the knowledge bases one may read, by name"}, l.getList)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/knowledge", ID: "addKnowledge", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusCreated,
		Summary: "Make a knowledge base that only its maker sees", Errors: []int{403, 422}}, l.postKnowledge)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/knowledge/{id}", ID: "getKnowledge", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Show a knowledge base", Errors: []int{404}}, l.getKnowledge)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/knowledge/{id}", ID: "changeKnowledge", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite,
		Summary: "Rename a knowledge base", Errors: []int{403, 404, 422}}, l.patchKnowledge)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/knowledge/{id}", ID: "deleteKnowledge", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite,
		Summary: "Delete a knowledge base with its documents", Errors: []int{403, 404}}, l.deleteKnowledge)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/knowledge/{id}/access", ID: "getAccess", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "List who has access to a knowledge base", Errors: []int{403, 404}}, l.getAccess)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/knowledge/{id}/access", ID: "setAccess", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite,
		Summary: "Replace the list of who has access", Errors: []int{403, 404, 422}}, l.putAccess)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/search", ID: "search", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Find the passages that fit a question, best first", BodyLimit: 256 << 10, Errors: []int{404, 422}}, l.postSearch)
	l.documentRoutes(api)
	l.chunkRoutes(api)
	l.accessRoutes(api)
	l.scanRoutes(api)
	l.indexRoutes(api)
	l.explainRoutes(api)
}

// none is the answer of a route that has nothing to say but that it was done.
type none struct{}

// knowledge is a knowledge base on the wire.
type knowledge struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Workspace string    `json:"workspace"`
	Owner     string    `json:"owner"`
	OwnerName string    `json:"ownerName"`
	Right     string    `json:"right" enum:"none,read,edit" doc:"What one may do with its documents; none for who only manages it."`
	Manages   bool      `json:"manages" doc:"Whether one may change access and delete it."`
	Documents int       `json:"documents"`
	Size      int64     `json:"size" doc:"Bytes of all files."`
	Working   int       `json:"working" doc:"Documents that are not ready yet."`
	Indexing  *indexing `json:"indexing,omitempty" doc:"What is built anew while the old index answers."`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

func showKnowledge(k Knowledge, names map[string]string) knowledge {
	return knowledge{ID: k.ID, Name: k.Name, Workspace: k.Workspace, Owner: k.Owner, OwnerName: names[k.Owner], Right: k.Right, Manages: k.Manages,
		Documents: k.Documents, Size: k.Size, Working: k.Working, Indexing: showIndexing(k.Indexing), CreatedAt: k.Created, UpdatedAt: k.Updated}
}

// names are the display names of ids; what the system made has the product's.
func (l *Library) names(ctx context.Context, ids ...string) (map[string]string, error) {
	names, err := l.accounts.Names(ctx, ids)
	if err != nil {
		return nil, err
	}
	if names == nil {
		names = map[string]string{}
	}
	names[actor.SystemID] = "ChatETS"
	return names, nil
}

func reach(ctx context.Context) Reach { return ReachOf(actor.From(ctx)) }

type knowledgeOut struct{ Body knowledge }

func (l *Library) answerKnowledge(ctx context.Context, k Knowledge, err error) (*knowledgeOut, error) {
	if err != nil {
		return nil, err
	}
	names, err := l.names(ctx, k.Owner)
	if err != nil {
		return nil, err
	}
	return &knowledgeOut{Body: showKnowledge(k, names)}, nil
}

type listIn struct {
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor  string `query:"cursor" maxLength:"2000"`
	Managed bool   `query:"managed" doc:"List what one manages instead of what one may read: administrators of the workspace see all its knowledge bases."`
}

type listOut struct{ Body web.Page[knowledge] }

func (l *Library) getList(ctx context.Context, in *listIn) (*listOut, error) {
	var after Place
	if in.Cursor != "" {
		text, err := base64.RawURLEncoding.DecodeString(in.Cursor)
		if err != nil || json.Unmarshal(text, &after) != nil {
			return nil, fault.New(fault.Invalid, "The place in the list is not known.").Cure("Start again from the first page.").
				With(fault.Detail{Field: "query.cursor", Sentence: "This is no cursor of this list."})
		}
	}
	bases, err := l.ListKnowledge(ctx, reach(ctx), in.Managed, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &listOut{}
	if len(bases) > in.Limit {
		bases = bases[:in.Limit]
		text, err := json.Marshal(bases[in.Limit-1].Place())
		if err != nil {
			return nil, err
		}
		out.Body.Next = base64.RawURLEncoding.EncodeToString(text)
	}
	owners := make([]string, len(bases))
	for i, k := range bases {
		owners[i] = k.Owner
	}
	names, err := l.names(ctx, owners...)
	if err != nil {
		return nil, err
	}
	out.Body.Items = make([]knowledge, len(bases))
	for i, k := range bases {
		out.Body.Items[i] = showKnowledge(k, names)
	}
	return out, nil
}

type nameIn struct {
	Body struct {
		Name string `json:"name"`
	}
}

func (l *Library) postKnowledge(ctx context.Context, in *nameIn) (*knowledgeOut, error) {
	k, err := l.AddKnowledge(ctx, reach(ctx), in.Body.Name)
	return l.answerKnowledge(ctx, k, err)
}

type idIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (l *Library) getKnowledge(ctx context.Context, in *idIn) (*knowledgeOut, error) {
	k, err := l.Knowledge(ctx, reach(ctx), in.ID)
	return l.answerKnowledge(ctx, k, err)
}

type renameIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Name string `json:"name"`
	}
}

func (l *Library) patchKnowledge(ctx context.Context, in *renameIn) (*knowledgeOut, error) {
	k, err := l.Rename(ctx, reach(ctx), in.ID, in.Body.Name)
	return l.answerKnowledge(ctx, k, err)
}

func (l *Library) deleteKnowledge(ctx context.Context, in *idIn) (*none, error) {
	if err := l.Remove(ctx, reach(ctx), in.ID); err != nil {
		return nil, err
	}
	return &none{}, nil
}

// accessEntry is one line of an access list.
type accessEntry struct {
	Person    string `json:"person,omitempty" maxLength:"64" doc:"Exactly one of person, group and workspace is set."`
	Group     string `json:"group,omitempty" maxLength:"64"`
	Workspace string `json:"workspace,omitempty" maxLength:"64"`
	Right     string `json:"right" enum:"read,edit,deny" doc:"A deny of a person or group wins over everything that gives a right, ownership too."`
	Name      string `json:"name,omitempty" doc:"Of the person, group or workspace; ignored when sent. Empty when it no longer exists."`
}

// access is who has a right to a knowledge base besides its owner.
type access struct {
	Entries []accessEntry `json:"entries"`
}

type accessOut struct{ Body access }

func (l *Library) answerAccess(ctx context.Context, entries []Access, err error) (*accessOut, error) {
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(entries))
	for i, e := range entries {
		_, ids[i] = e.subject()
	}
	names, err := l.names(ctx, ids...)
	if err != nil {
		return nil, err
	}
	out := &accessOut{Body: access{Entries: make([]accessEntry, len(entries))}}
	for i, e := range entries {
		out.Body.Entries[i] = accessEntry{Person: e.Person, Group: e.Group, Workspace: e.Workspace, Right: e.Right, Name: names[ids[i]]}
	}
	return out, nil
}

func (l *Library) getAccess(ctx context.Context, in *idIn) (*accessOut, error) {
	entries, err := l.Access(ctx, reach(ctx), in.ID)
	return l.answerAccess(ctx, entries, err)
}

type accessIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body access
}

func (l *Library) putAccess(ctx context.Context, in *accessIn) (*accessOut, error) {
	entries := make([]Access, len(in.Body.Entries))
	for i, e := range in.Body.Entries {
		entries[i] = Access{Person: e.Person, Group: e.Group, Workspace: e.Workspace, Right: e.Right}
	}
	entries, err := l.SetAccess(ctx, reach(ctx), in.ID, entries)
	return l.answerAccess(ctx, entries, err)
}

// passage is a found piece of a document on the wire.
type passage struct {
	Chunk    int64        `json:"chunk"`
	Document documentName `json:"document"`

	Knowledge string  `json:"knowledge"`
	Page      int     `json:"page" doc:"Of the part of it that fits best; 0 where the format has no pages."`
	Heading   string  `json:"heading" doc:"The headings above the part of it that fits best, one line each."`
	Start     int     `json:"start" doc:"In characters (Unicode code points) of the document's text."`
	End       int     `json:"end"`
	Text      string  `json:"text"`
	Score     float64 `json:"score" doc:"Higher is better; comparable within one answer only."`
	Coverage  float64 `json:"coverage" doc:"Share of the question's terms it holds, weighted by rarity."`
}

// documentName is the document a passage stands in.
type documentName struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type searchIn struct {
	Body struct {
		Question  string   `json:"question" maxLength:"20000"`
		Knowledge []string `json:"knowledge,omitempty" maxItems:"200" doc:"Where to look; everything one may read when absent."`
		Limit     int      `json:"limit,omitempty" minimum:"1" maximum:"50" default:"10"`
		Filter    Narrow   `json:"filter,omitzero" doc:"Only some of their documents: every part that is set must hold, of its values any."`
	}
}

// foundPassages is what a search finds.
type foundPassages struct {
	Items []passage `json:"items" doc:"The passages, best first."`
	Next  string    `json:"next" doc:"Always empty: what is beyond the limit is not found."`
	Notes []note    `json:"notes,omitempty" doc:"Why less was compared by meaning than could have been."`
}

type searchOut struct{ Body foundPassages }

func (l *Library) postSearch(ctx context.Context, in *searchIn) (*searchOut, error) {
	filter, err := in.Body.Filter.Filter("body.filter.")
	if err != nil {
		return nil, err
	}
	q := Question{Text: in.Body.Question, Knowledge: in.Body.Knowledge, Filter: filter, K: in.Body.Limit}
	found, err := l.Find(ctx, reach(ctx), q)
	if err != nil {
		return nil, l.refuseFirst(ctx, err, q)
	}
	out := &searchOut{}
	out.Body.Items, out.Body.Notes = make([]passage, len(found.Passages)), showNotes(found.Notes)
	senses := lexical.Senses(in.Body.Question)
	for i, p := range found.Passages {
		at := p.Fits(senses)
		out.Body.Items[i] = passage{Chunk: p.Chunk, Document: documentName{ID: p.Document, Title: p.DocumentTitle}, Knowledge: p.Knowledge,
			Page: p.PageAt(at), Heading: p.HeadingAt(at), Start: p.Start, End: p.End, Text: p.Text, Score: p.Score, Coverage: p.Coverage}
	}
	return out, nil
}
