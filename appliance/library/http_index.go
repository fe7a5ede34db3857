package library

import (
	"context"
	"net/http"

	"chatets/appliance/web"
)

func (l *Library) indexRoutes(api *web.API) {
	const tag = "Knowledge"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/knowledge/{id}/index", ID: "getIndex", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Show by which model a knowledge base is compared and what is being built anew", Errors: []int{403, 404}}, l.getIndex)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/knowledge/{id}/embedding", ID: "setEmbedding", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusAccepted,
		Summary: "Choose the embedding model of a knowledge base; its index is built while the old one answers", Errors: []int{403, 404, 409, 422, 503}}, l.putEmbedding)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/knowledge/{id}/reindex", ID: "reindexKnowledge", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusAccepted,
		Summary: "Read all documents of a knowledge base again while the old index answers", Errors: []int{403, 404}}, l.postReindex)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/knowledge/{id}/reindex", ID: "stopReindexKnowledge", Tag: tag, Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusOK,
		Summary: "Give up what is being built anew; the index that answers stays", Errors: []int{403, 404, 409}}, l.deleteReindex)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/documents/{id}/reindex", ID: "reindexDocument", Tag: "Documents", Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusAccepted,
		Summary: "Read a document again while its passages answer", Errors: []int{403, 404, 409}}, l.postReindexDocument)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/documents/{id}/reindex", ID: "stopReindexDocument", Tag: "Documents", Access: web.SignedIn, Scope: web.KnowledgeWrite, Status: http.StatusOK,
		Summary: "Give up reading a document again; its passages stay", Errors: []int{403, 404, 409}}, l.deleteReindexDocument)
}

// indexing is what is being built anew in a base, in short.
type indexing struct {
	State string `json:"state" enum:"building,failed,renewing" doc:"building: vectors of another model; renewing: documents are read again."`
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
}

func showIndexing(x Indexing) *indexing {
	if x.State == "" {
		return nil
	}
	return &indexing{State: x.State, Done: x.Done, Total: x.Total}
}

// renewal is a document that is read again.
type renewal struct {
	State  string `json:"state" enum:"waiting,failed"`
	Reason string `json:"reason,omitempty" doc:"Why it failed or waits."`
	Cure   string `json:"cure,omitempty"`
}

func showRenewal(r Renewal) *renewal {
	if r.State == "" {
		return nil
	}
	return &renewal{State: r.State, Reason: r.Reason, Cure: r.Cure}
}

// note says why passages were compared by their words alone.
type note struct {
	Knowledge []string `json:"knowledge" doc:"The knowledge bases it is about."`
	Reason    string   `json:"reason"`
	Cure      string   `json:"cure,omitempty"`
}

func showNotes(list []Note) []note {
	out := make([]note, len(list))
	for i, n := range list {
		out[i] = note(n)
	}
	return out
}

// build is an index that is built beside the one that answers.
type build struct {
	Model  string `json:"model"`
	State  string `json:"state" enum:"building,failed"`
	Done   int64  `json:"done" doc:"Passages."`
	Total  int64  `json:"total"`
	Reason string `json:"reason,omitempty" doc:"Why it failed, or waits."`
	Cure   string `json:"cure,omitempty"`
}

// renewals are documents of a base that are read again.
type renewals struct {
	Done   int64 `json:"done"`
	Total  int64 `json:"total" doc:"0 when none is being read again."`
	Failed int64 `json:"failed" doc:"Could not be read again; their old passages answer."`
}

// embeddingChoice is a model that a base can be compared by.
type embeddingChoice struct {
	Model string `json:"model"`
	Label string `json:"label,omitempty"`
}

// indexBody is how a base is indexed.
type indexBody struct {
	Model     string            `json:"model" doc:"The model that answers, or built-in."`
	Dimension int               `json:"dimension" doc:"Of its vectors; 0 before the first one."`
	Passages  int64             `json:"passages" doc:"Of documents that are ready."`
	Vectors   int               `json:"vectors" doc:"Passages that can be found by meaning."`
	English   bool              `json:"english" doc:"Whether the model compares English alone; other languages are found by their words."`
	Foreign   int64             `json:"foreign" doc:"Passages that it therefore does not compare."`
	Away      *note             `json:"away,omitempty" doc:"Why questions are compared by words alone now."`
	Build     *build            `json:"build,omitempty"`
	Renewals  renewals          `json:"renewals"`
	Choices   []embeddingChoice `json:"choices" doc:"What may be chosen here."`
}

type indexOut struct{ Body indexBody }

func answerIndex(x Index, err error) (*indexOut, error) {
	if err != nil {
		return nil, err
	}
	out := &indexOut{Body: indexBody{Model: x.Model, Dimension: x.Dimension, Passages: x.Passages, Vectors: x.Vectors, English: x.English, Foreign: x.Foreign,
		Renewals: renewals{Done: x.Renewed, Total: x.Renewals, Failed: x.Failures}, Choices: make([]embeddingChoice, len(x.Choices))}}
	if x.Away.Reason != "" {
		out.Body.Away = &showNotes([]Note{x.Away})[0]
	}
	if x.Build != resting {
		out.Body.Build = &build{Model: x.Next, State: x.Build, Done: x.Done, Total: x.Total, Reason: x.Reason, Cure: x.Cure}
	}
	for i, c := range x.Choices {
		out.Body.Choices[i] = embeddingChoice(c)
	}
	return out, nil
}

func (l *Library) getIndex(ctx context.Context, in *idIn) (*indexOut, error) {
	return answerIndex(l.Index(ctx, reach(ctx), in.ID))
}

type embeddingIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Model string `json:"model" minLength:"1" maxLength:"400" doc:"Name of an embedding model of a connected server, or built-in."`
	}
}

func (l *Library) putEmbedding(ctx context.Context, in *embeddingIn) (*indexOut, error) {
	return answerIndex(l.SetEmbedding(ctx, reach(ctx), in.ID, in.Body.Model))
}

func (l *Library) postReindex(ctx context.Context, in *idIn) (*indexOut, error) {
	return answerIndex(l.Reindex(ctx, reach(ctx), in.ID))
}

func (l *Library) deleteReindex(ctx context.Context, in *idIn) (*indexOut, error) {
	return answerIndex(l.StopIndexing(ctx, reach(ctx), in.ID))
}

func (l *Library) postReindexDocument(ctx context.Context, in *idIn) (*documentOut, error) {
	d, err := l.ReindexDocument(ctx, reach(ctx), in.ID)
	return l.answerDocument(ctx, d, err)
}

func (l *Library) deleteReindexDocument(ctx context.Context, in *idIn) (*documentOut, error) {
	d, err := l.StopReindex(ctx, reach(ctx), in.ID)
	return l.answerDocument(ctx, d, err)
}
