// Package web is the one door: listeners, route table, binding, validation,
// problem documents, OpenAPI, cookies, CSRF, headers, event streams, the notice
// hub and the pages. Capabilities register plain functions and never see HTTP.
//
// What a newcomer gets wrong: nothing is reachable by forgetting something. A
// route without an Access does not register, a value the schema does not allow
// never reaches the function, and who is asking is read from the context with
// actor.From, not from a header.
package web

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"chatets/appliance/actor"
)

// Config is what a Server must know before it starts.
type Config struct {
	Listen         string           // TCP address on loopback, "" = none
	Socket         string           // path of the Unix socket, "" = none
	BaseURL        string           // how people reach the service; https makes cookies Secure
	TrustedProxies []string         // addresses or networks whose X-Forwarded-For is believed
	UI             fs.FS            // the built pages; nil serves a page that says how to build them
	Version        string           // shown in the OpenAPI document
	Log            *slog.Logger     // nil discards
	Now            func() time.Time // nil = time.Now
	BodyLimit      int64            // bytes of a JSON body, 0 = 1 MiB
	CSRFKey        []byte           // key of the CSRF tokens, 32 bytes
}

// Access says who may call a route. There is no default: the zero value is
// refused at registration.
type Access int

// The levels of access.
const (
	Public        Access = iota + 1 // everybody, signed in or not
	SignedIn                        // every known actor
	Administrator                   // actor.Administers
	Auditing                        // actor.Audits
	Socket                          // the operator on the Unix socket only; not in the public document
)

// Identity is what an Authenticator knows about the holder of a token.
type Identity struct {
	Actor   actor.Actor
	Expires time.Time
}

// Authenticator turns a session token into an identity; a token that is
// unknown, revoked or expired is fault.Unauthenticated.
type Authenticator interface {
	Authenticate(ctx context.Context, token, address string) (Identity, error)
}

// Route is one line of the route table.
type Route struct {
	Method    string // GET, POST, PUT, PATCH or DELETE
	Path      string // with {name} for path parameters
	ID        string // operationId, for example "listKnowledge"
	Summary   string // one sentence for the API documentation
	Tag       string // heading in the API documentation
	Access    Access
	Status    int         // status of success; 0 = 200, or 204 where Out has no Body
	BodyLimit int64       // bytes of the body; 0 = Config.BodyLimit
	RawBody   bool        // In has a field RawBody []byte that takes the body as it is
	Also      map[int]any // other answers by status, for the document: {202: Accepted{}}
	Errors    []int       // statuses of problem documents this route is known for
}

// Result is the answer of a HandleStream route: either a body or events.
type Result[Out any] struct {
	Status int    // 0 = Route.Status
	Body   *Out   // JSON body
	Other  any    // JSON body of another type, named in Route.Also; wins over Body
	Events Source // set: the answer is an event stream
}

// Event is one server-sent event.
type Event struct {
	ID   int64 // 0 = none
	Name string
	Data []byte // JSON
}

// Source sends events until there are no more. Its ctx ends when the reader
// leaves, the session ends or the server stops; send fails from then on.
type Source func(ctx context.Context, send func(Event) error) error

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items" doc:"The items of this page."`
	Next  string `json:"next" doc:"Cursor of the next page; empty on the last one."`
}

// API registers routes.
type API struct {
	s *Server
}

// Server is the listener and everything around the routes.
type Server struct {
	API *API
	Hub *Hub
}

// New returns a server without routes; it listens when Run is called.
func New(c Config) *Server {
	s := &Server{Hub: &Hub{}}
	s.API = &API{s: s}
	return s
}

// UseAuthenticator says who knows session tokens.
func (s *Server) UseAuthenticator(a Authenticator) {}

// UseOperator says who the operator on the Unix socket is; ownerEmail is the
// person new rows belong to, "" = the first owner.
func (s *Server) UseOperator(f func(ctx context.Context, uid int, ownerEmail string) (actor.Actor, error)) {
}

// UseBootstrap says what the page is given at its load, as JSON.
func (s *Server) UseBootstrap(f func(ctx context.Context) any) {}

// UseObserver says who is told about each request that was answered; route is
// the path of the route table, or "other".
func (s *Server) UseObserver(f func(route, method string, status int, took time.Duration)) {}

// Run listens and serves until ctx ends, then stops gracefully.
func (s *Server) Run(ctx context.Context) error { return nil }

// Ready is closed once the server accepts connections.
func (s *Server) Ready() <-chan struct{} { return nil }

// Addr is the TCP address the server listens on, "" before Ready.
func (s *Server) Addr() string { return "" }

// Revoked ends the open streams and notices of a session at once.
func (s *Server) Revoked(session string) {}

// OpenAPI is the OpenAPI 3.1 document of all routes but those of the socket,
// the same bytes for the same routes.
func (s *Server) OpenAPI() ([]byte, error) { return nil, nil }

// MountHandler serves a plain http.Handler, for example /metrics. Its answer
// is held in memory before it is sent.
func (a *API) MountHandler(method, path string, access Access, h http.Handler) {}

// Hub carries notices to open pages.
type Hub struct{}

// Notice says that something changed and a page showing it should ask again.
type Notice struct {
	Workspace string
	Person    string // "" = everybody of the workspace
	Noun, ID  string
}

// Publish hands n to the pages concerned without ever waiting.
func (h *Hub) Publish(n Notice) {}
