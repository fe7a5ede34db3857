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
	"crypto/rand"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

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
	CSRFKey        []byte           // key of the CSRF tokens; empty = one for this process only
	Instance       string           // a request that carries it as X-ChatETS-Instance came from ourselves and is refused
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
	Expires time.Time // zero = open streams are not ended by time
	Enrol   bool      // it may only use routes of Enrol
	Must    bool      // it may only use routes of Must
	Fresh   bool      // it has proved a short while ago who it is
	Scopes  []Scope   // of an API key, which may use routes of these alone; nil = a session
}

// Authenticator turns a session token into an identity; a token that is
// unknown, revoked or expired is fault.Unauthenticated. It is also asked again
// and again while a stream is open, so it must be quick.
type Authenticator interface {
	Authenticate(ctx context.Context, token, address string) (Identity, error)
}

// Operator names the actor behind a process on the Unix socket that runs as
// root or as the service's own user; ownerEmail is whom new rows belong to, ""
// leaves that to the answerer.
type Operator func(ctx context.Context, uid int, ownerEmail string) (actor.Actor, error)

// Observer is told about each answered request; route is the path of the route
// table, "page" for the pages and "other" for what matched nothing.
type Observer func(route, method string, status int, took time.Duration)

// timing holds every wait of the package, so that tests need not wait.
type timing struct {
	header    time.Duration // from the first byte of a request to the end of its header
	idle      time.Duration // between two requests of a connection
	body      time.Duration // time a body may make us wait for each windowBytes of it
	write     time.Duration // one write of at most writeChunk bytes
	linger    time.Duration // reading on after a refusal, so that the reader sees the answer
	heartbeat time.Duration // silence of a stream before a sign of life
	recheck   time.Duration // asking again whether the session of a stream is still good
	grace     time.Duration // requests may finish after the stop
}

// Server is the listener and everything around the routes. Its Use methods and
// the API are for the time before Run.
type Server struct {
	API *API
	Hub *Hub

	config    Config
	log       *slog.Logger
	now       func() time.Time
	timing    timing
	secure    bool // people reach us by https
	hosts     map[string]bool
	origin    string // of BaseURL, "" without one
	trusted   []netip.Prefix
	configErr error // what New found wrong; Run returns it

	auth      Authenticator
	operator  Operator
	bootstrap func(ctx context.Context) any
	observe   Observer

	app     *fiber.App
	server  *fasthttp.Server
	pages   *pages
	docs    *pages
	streams *streams
	conns   *connections

	base   context.Context // ends when the last grace is over
	cancel context.CancelFunc

	mu      sync.Mutex
	started bool
	addr    string
	ready   chan struct{}
}

// New returns a server without routes; it listens when Run is called. What is
// wrong with the configuration is the error of Run.
func New(c Config) *Server {
	s := &Server{
		config: c, log: c.Log, now: c.Now, ready: make(chan struct{}),
		timing: timing{
			header: 10 * time.Second, idle: 60 * time.Second, body: 60 * time.Second, write: 30 * time.Second,
			linger: 5 * time.Second, heartbeat: 15 * time.Second, recheck: 30 * time.Second, grace: 10 * time.Second,
		},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.config.BodyLimit <= 0 {
		s.config.BodyLimit = 1 << 20
	}
	if len(s.config.CSRFKey) == 0 {
		s.config.CSRFKey = make([]byte, 32)
		_, _ = rand.Read(s.config.CSRFKey) // never fails: crypto/rand ends the process instead
	}
	s.base, s.cancel = context.WithCancel(context.Background())
	s.hosts = map[string]bool{"127.0.0.1": true, "localhost": true, "::1": true}
	if u, err := url.Parse(c.BaseURL); err == nil && u.Host != "" {
		s.secure = u.Scheme == "https"
		s.origin = u.Scheme + "://" + strings.ToLower(u.Host)
		s.hosts[strings.ToLower(u.Hostname())] = true
	}
	s.trusted, s.configErr = parseNetworks(c.TrustedProxies)
	s.streams = newStreams()
	s.conns = newConnections()
	s.pages, s.docs = newPages(c.UI), newDocs()
	s.Hub = newHub(s)
	s.app = fiber.New(fiber.Config{
		Immutable: true, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true,
		ErrorHandler: func(c *fiber.Ctx, err error) error { return s.fail(c, err) },
	})
	s.app.Use(s.edge)
	s.API = newAPI(s)
	s.API.ownRoutes()
	return s
}

// UseAuthenticator says who knows session tokens.
func (s *Server) UseAuthenticator(a Authenticator) { s.auth = a }

// UseOperator says who the operator on the Unix socket is.
func (s *Server) UseOperator(f Operator) { s.operator = f }

// UseBootstrap says what the page is given when it loads, as JSON. Its ctx
// carries the actor of the session, or nobody.
func (s *Server) UseBootstrap(f func(ctx context.Context) any) { s.bootstrap = f }

// UseObserver says who is told about each answered request.
func (s *Server) UseObserver(f Observer) { s.observe = f }

// Ready is closed once the server accepts connections.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr is the TCP address the server listens on, "" before Ready.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Revoked ends the open streams and notices of a session at once.
func (s *Server) Revoked(session string) {
	if session == "" {
		return
	}
	s.streams.revoke(session)
	s.Hub.revoke(session)
}

// Stats counts what is open now, for metrics.
type Stats struct {
	Connections int // TCP and socket, streams and notices included
	Streams     int // event streams
	Notices     int // WebSockets of open pages
}

// Stats counts what is open now.
func (s *Server) Stats() Stats {
	return Stats{Connections: s.conns.count(), Streams: s.streams.count(), Notices: s.Hub.count()}
}
