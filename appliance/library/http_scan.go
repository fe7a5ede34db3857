package library

import (
	"context"
	"io"
	"net/http"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/web"
)

func (l *Library) scanRoutes(api *web.API) {
	const tag = "Malware scan"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/scanner", ID: "getScanner", Tag: tag, Access: web.Auditing,
		Summary: "Say whether the malware scanner answers, and what waits for it"}, l.getScanner)
	web.HandleUpload(api, web.Route{Method: http.MethodPost, Path: "/api/scanner/test", ID: "testScanner", Tag: tag, Access: web.Administrator,
		Summary: "Have the malware scanner judge a file that is not kept; the body is the file itself", BodyLimit: maxMegabytes * 1_000_000, Errors: []int{409, 413, 503}}, l.postScannerTest)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/quarantine", ID: "listQuarantine", Tag: tag, Access: web.SignedIn,
		Summary: "List the documents in quarantine of the workspace one manages, the newest first", Errors: []int{403}}, l.getQuarantine)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/quarantine/{id}/release", ID: "releaseDocument", Tag: tag, Access: web.SignedIn, Status: http.StatusAccepted,
		Summary: "Read a document although the scanner found something in it", Errors: []int{403, 404, 409, 422}}, l.postRelease)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/quarantine/{id}", ID: "deleteQuarantined", Tag: tag, Access: web.SignedIn,
		Summary: "Delete a document that is in quarantine", Errors: []int{403, 404, 409, 422}}, l.deleteQuarantined)
}

// scannerState is the malware scanner on the wire.
type scannerState struct {
	Address     string     `json:"address" doc:"Empty where there is none."`
	Unjudged    string     `json:"unjudged" enum:"hold,read" doc:"What becomes of files without a verdict."`
	State       string     `json:"state" enum:"off,answers,silent"`
	Since       *time.Time `json:"since,omitempty" doc:"Since when it is silent."`
	Reason      string     `json:"reason,omitempty" doc:"Why it counts as silent."`
	Cure        string     `json:"cure,omitempty"`
	Waiting     int        `json:"waiting" doc:"Documents that wait for it."`
	Quarantined int        `json:"quarantined" doc:"Documents in quarantine, in all workspaces."`
}

type scannerOut struct{ Body scannerState }

func (l *Library) getScanner(ctx context.Context, _ *struct{}) (*scannerOut, error) {
	s, err := l.Scanner(ctx)
	if err != nil {
		return nil, err
	}
	out := &scannerOut{Body: scannerState{Address: l.guard.address.Get(ctx), Unjudged: l.guard.unjudged.Get(ctx), State: "off", Waiting: s.Held, Quarantined: s.Quarantined}}
	switch {
	case !s.On:
	case s.Silent.IsZero():
		out.Body.State = "answers"
	default:
		since := s.Silent.UTC()
		out.Body.State, out.Body.Since, out.Body.Reason = "silent", &since, "The malware scanner does not answer."
		out.Body.Cure = "Check that it runs, that its address is right, and that ChatETS's user may use its socket."
		if r := fault.Of(s.Cause); r.Code != "scan-failed" {
			out.Body.Reason, out.Body.Cure = r.Sentence, r.Cure
		}
	}
	return out, nil
}

type scannerTestIn struct {
	Length int64 `header:"Content-Length" hidden:"true" default:"-1"`
}

// scannerVerdict is what a scanner says about a file, on the wire.
type scannerVerdict struct {
	Clean        bool   `json:"clean"`
	Finding      string `json:"finding,omitempty" doc:"The name of what was found."`
	Milliseconds int64  `json:"milliseconds"`
}

type scannerTestOut struct{ Body scannerVerdict }

func (l *Library) postScannerTest(ctx context.Context, in *scannerTestIn, body io.Reader) (*scannerTestOut, error) {
	v, took, err := l.TestScanner(ctx, in.Length, body)
	return &scannerTestOut{Body: scannerVerdict{Clean: v.Clean, Finding: v.Name, Milliseconds: took.Milliseconds()}}, err
}

// quarantined is a document in quarantine on the wire.
type quarantined struct {
	Document  document `json:"document"`
	Knowledge string   `json:"knowledge" doc:"Name of the knowledge base."`
}

type quarantineIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"64"`
}

type quarantineOut struct{ Body web.Page[quarantined] }

func (l *Library) getQuarantine(ctx context.Context, in *quarantineIn) (*quarantineOut, error) {
	list, err := l.Quarantine(ctx, reach(ctx), in.Cursor, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &quarantineOut{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = list[in.Limit-1].ID
	}
	owners := make([]string, len(list))
	for i, c := range list {
		owners[i] = c.Owner
	}
	names, err := l.names(ctx, owners...)
	if err != nil {
		return nil, err
	}
	out.Body.Items = make([]quarantined, len(list))
	for i, c := range list {
		out.Body.Items[i] = quarantined{Document: showDocument(c.Document, names), Knowledge: c.Base}
	}
	return out, nil
}

type releaseIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Reason    string `json:"reason" enum:"false-alarm,checked,test-file,needed,malware,unwanted" doc:"Why; it is recorded."`
		Reference string `json:"reference,omitempty" maxLength:"60" doc:"Where more is written down, such as the number of a ticket; it is recorded."`
	}
}

func (l *Library) postRelease(ctx context.Context, in *releaseIn) (*documentOut, error) {
	d, err := l.Release(ctx, reach(ctx), in.ID, Decision{in.Body.Reason, in.Body.Reference})
	return l.answerDocument(ctx, d, err)
}

type destroyIn struct {
	ID        string `path:"id" maxLength:"64"`
	Reason    string `query:"reason" required:"true" enum:"false-alarm,checked,test-file,needed,malware,unwanted" doc:"Why; it is recorded."`
	Reference string `query:"reference" maxLength:"60" doc:"Where more is written down, such as the number of a ticket; it is recorded."`
}

func (l *Library) deleteQuarantined(ctx context.Context, in *destroyIn) (*none, error) {
	return &none{}, l.Destroy(ctx, reach(ctx), in.ID, Decision{in.Reason, in.Reference})
}

type passwordIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"255" doc:"Of the file; it is kept sealed, for reading and for pictures of pages."`
	}
}

func (l *Library) putPassword(ctx context.Context, in *passwordIn) (*documentOut, error) {
	d, err := l.Unlock(ctx, reach(ctx), in.ID, in.Body.Password)
	return l.answerDocument(ctx, d, err)
}
