package web

import (
	"context"
	"io"
	"net/http"
	"time"
)

// File is the answer of a HandleDownload route.
type File struct {
	Name     string // as the person knows it; made safe for the header
	Type     string // media type
	Size     int64  // -1 = unknown
	Modified time.Time
	Body     io.ReadCloser
	Inline   bool // shown in the browser where the type is harmless
}

// Handle registers a route with a JSON answer. In carries huma tags (path,
// query, header) and a field Body; Out carries a field Body, header fields and
// a field Status. In and Out are structs.
func Handle[In, Out any](a *API, r Route, fn func(context.Context, *In) (*Out, error)) {}

// HandleStream registers a route that answers with a body or with events. Out
// is the type of the body itself.
func HandleStream[In, Out any](a *API, r Route, fn func(context.Context, *In) (Result[Out], error)) {
}

// HandleUpload registers a route whose body is streamed to fn as it arrives,
// up to Route.BodyLimit bytes.
func HandleUpload[In, Out any](a *API, r Route, fn func(ctx context.Context, in *In, body io.Reader) (*Out, error)) {
}

// HandleDownload registers a route that answers with a file.
func HandleDownload[In any](a *API, r Route, fn func(context.Context, *In) (File, error)) {}

// WantsEvents reports whether an Accept header prefers an event stream to JSON.
func WantsEvents(accept string) bool { return false }

// Prefers reports whether a Prefer header names the preference, for example
// "respond-async".
func Prefers(header, preference string) bool { return false }

// SessionCookie is the cookie of a new session, for an Out field
// `SetCookie http.Cookie` tagged header:"Set-Cookie". The server turns it into
// a __Host- cookie where people reach it by https.
func SessionCookie(token string, expires time.Time) http.Cookie { return http.Cookie{} }

// ClearCookie removes the cookie of the session.
func ClearCookie() http.Cookie { return http.Cookie{} }

// CSRF is the token that the pages of the session in ctx must send in
// X-CSRF-Token. A login puts the new actor into ctx first: web.CSRF(actor.With(ctx, a)).
func CSRF(ctx context.Context) string { return "" }

// Agent is the User-Agent of the request.
func Agent(ctx context.Context) string { return "" }
