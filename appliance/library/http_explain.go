package library

import (
	"context"
	"net/http"

	"chatets/appliance/web"
)

func (l *Library) explainRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/explain", ID: "explainSearch", Tag: "Knowledge", Access: web.SignedIn, Scope: web.KnowledgeRead,
		Summary: "Say why a search finds what it finds, and why it does not find a document", BodyLimit: 256 << 10, Errors: []int{403, 404, 422}}, l.postExplain)
}

// ranked is a passage with what decided its place.
type ranked struct {
	Chunk     int64        `json:"chunk" doc:"Its number; it may change when the document is read again."`
	Document  documentName `json:"document"`
	Knowledge string       `json:"knowledge"`
	Page      int          `json:"page" doc:"0 where the format has no pages."`
	Heading   string       `json:"heading" doc:"The headings above it, one line each."`
	Start     int          `json:"start" doc:"In characters of the document's text."`
	End       int          `json:"end"`
	Text      string       `json:"text"`
	Score     float64      `json:"score" doc:"Of both together; comparable within one answer only."`
	Coverage  float64      `json:"coverage" doc:"Share of the question's terms it holds, weighted by rarity."`
	Rank      int          `json:"rank" doc:"0 when it is not found."`
	WordRank  int          `json:"wordRank" doc:"By words; 0 when they do not find it."`
	WordScore float64      `json:"wordScore"`
	NearRank  int          `json:"nearRank" doc:"By meaning; 0 when it is not among the nearest."`
	Cosine    float64      `json:"cosine" doc:"Of its meaning to the question's, where they were compared."`
	Matched   []string     `json:"matched" doc:"Words of the question that it holds."`
	Missing   []string     `json:"missing"`
	Disabled  bool         `json:"disabled" doc:"It was switched off."`
	Answers   bool         `json:"answers" doc:"It holds enough of the question to answer it."`
}

func showRanked(list []ExplainedPassage) []ranked {
	out := make([]ranked, len(list))
	for i, p := range list {
		out[i] = ranked{Chunk: p.Chunk, Document: documentName{ID: p.Document, Title: p.DocumentTitle}, Knowledge: p.Knowledge,
			Page: p.Page, Heading: p.Heading, Start: p.Start, End: p.End, Text: p.Text, Score: p.Score, Coverage: p.Coverage,
			Rank: p.Rank, WordRank: p.WordRank, WordScore: p.WordScore, NearRank: p.NearRank, Cosine: p.Cosine, Matched: some(p.Matched), Missing: some(p.Missing),
			Disabled: p.Disabled, Answers: p.Answers}
	}
	return out
}

// some is a list that is never null on the wire.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// explainedBase is by what a base was asked.
type explainedBase struct {
	Knowledge string  `json:"knowledge"`
	Name      string  `json:"name"`
	Model     string  `json:"model"`
	Compared  bool    `json:"compared" doc:"Whether meaning was compared, and not words alone."`
	Near      float64 `json:"near" doc:"Cosine that a passage needs which holds none of the question's words."`
}

// reason is one of the reasons why something is not found, or is.
type reason struct {
	Code     string `json:"code"`
	Sentence string `json:"sentence"`
	Cure     string `json:"cure,omitempty"`
}

// expected is the document that was expected.
type expected struct {
	Document document `json:"document"`
	Reasons  []reason `json:"reasons"`
	Passages []ranked `json:"passages" doc:"Its best ones."`
}

// explanation is why a search finds what it finds.
type explanation struct {
	Language string          `json:"language" doc:"Of the question; empty when it is too short to tell."`
	Words    []string        `json:"words" doc:"Words of the question that say what it is about."`
	Floor    float64         `json:"floor" doc:"Coverage from which on a passage answers a question."`
	Bases    []explainedBase `json:"bases"`
	Notes    []note          `json:"notes"`
	Passages []ranked        `json:"passages" doc:"Best first."`
	Expected *expected       `json:"expected,omitempty"`
}

type explainIn struct {
	Body struct {
		Question  string   `json:"question" maxLength:"20000"`
		Knowledge []string `json:"knowledge,omitempty" maxItems:"50" doc:"Where to look; the base of the expected document when absent."`
		Document  string   `json:"document,omitempty" maxLength:"64" doc:"That was expected."`
		Phrase    string   `json:"phrase,omitempty" maxLength:"1000" doc:"Words of the passage that was expected in it."`
		Limit     int      `json:"limit,omitempty" minimum:"1" maximum:"50" default:"10"`
	}
}

type explainOut struct{ Body explanation }

func (l *Library) postExplain(ctx context.Context, in *explainIn) (*explainOut, error) {
	x, err := l.Explain(ctx, reach(ctx), Asking{Text: in.Body.Question, Knowledge: in.Body.Knowledge, Document: in.Body.Document, Phrase: in.Body.Phrase, K: in.Body.Limit})
	if err != nil {
		return nil, err
	}
	out := &explainOut{Body: explanation{Language: x.Language, Words: some(x.Words), Floor: x.Floor, Bases: make([]explainedBase, len(x.Bases)),
		Notes: showNotes(x.Notes), Passages: showRanked(x.Passages)}}
	for i, b := range x.Bases {
		out.Body.Bases[i] = explainedBase(b)
	}
	if x.Expected == nil {
		return out, nil
	}
	names, err := l.names(ctx, x.Expected.Document.Owner)
	if err != nil {
		return nil, err
	}
	out.Body.Expected = &expected{Document: showDocument(x.Expected.Document, names), Reasons: make([]reason, len(x.Expected.Reasons)), Passages: showRanked(x.Expected.Passages)}
	for i, r := range x.Expected.Reasons {
		out.Body.Expected.Reasons[i] = reason(r)
	}
	return out, nil
}
