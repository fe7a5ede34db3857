// Package inferencetest is a model server for tests: one listener that speaks
// Ollama, OpenAI, LM Studio and Anthropic by path, and whose model names say how
// fast it answers, what it says and what goes wrong. It is imported by tests
// only; the architecture test holds that.
//
// A model is named "fake:first=20ms,rate=50,tokens=40,think=8,say=cite,fault=stall@5";
// what may stand there is told at profile. Asking for a model the server was not
// given is a 404, as with any other.
//
// What a newcomer gets wrong: a generation counts as running until its reader is
// gone or it ended, so Running says whether a cancel went all the way up.
package inferencetest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	requestsKept = 10_000
	bodyMost     = 64 << 20
)

// Options are how a server starts.
type Options struct {
	Listen  string   // "" = 127.0.0.1:0
	Models  []string // a bad name is an error
	TLS     bool     // with a certificate of its own authority
	Flavour string   // "" = everything by path
}

// Server is a model server that is listening.
type Server struct {
	URL string // without a slash at its end
	CA  string // its authority's certificate in PEM; "" without TLS

	flavour string
	addr    string
	secure  *tls.Config
	mux     http.Handler
	ended   chan struct{}
	work    sync.WaitGroup // handlers

	mu       sync.Mutex
	door     *http.Server // nil while down
	models   []*model
	requests []Request
	blobs    map[string]blob
	broken   map[string]string // path -> fault
	token    string
	running  int
	most     int // running at the same time
	slots    int // 0 = no limit
	closed   bool
}

// A model is a profile and what became of it.
type model struct {
	profile
	name    string
	loaded  bool
	jit     bool          // only because somebody asked it (LM Studio)
	loading chan struct{} // closed when the load that is going on ends
	context int           // it was loaded with; 0 = the server's choice
	used    int           // faults that were had
}

// New starts a server that lives as long as the test.
func New(t testing.TB, models ...string) *Server {
	t.Helper()
	return begin(t, Options{Models: models})
}

// NewTLS starts a server whose certificate only its own authority vouches for.
func NewTLS(t testing.TB, models ...string) *Server {
	t.Helper()
	return begin(t, Options{Models: models, TLS: true})
}

// NewFlavour starts a server that is of one flavour and nothing else.
func NewFlavour(t testing.TB, flavour string, models ...string) *Server {
	t.Helper()
	return begin(t, Options{Models: models, Flavour: flavour})
}

func begin(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Start is New for a process that is no test; end it with Close.
func Start(o Options) (*Server, error) {
	s := &Server{flavour: o.Flavour, ended: make(chan struct{}), blobs: map[string]blob{}, broken: map[string]string{}}
	for _, name := range o.Models {
		if err := s.add(name); err != nil {
			return nil, err
		}
	}
	scheme := "http"
	if o.TLS {
		scheme = "https"
		var err error
		if s.secure, s.CA, err = certificate(); err != nil {
			return nil, err
		}
	}
	var err error
	if s.mux, err = s.routes(); err != nil {
		return nil, err
	}
	s.addr = o.Listen
	if s.addr == "" {
		s.addr = "127.0.0.1:0"
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	s.URL = scheme + "://" + s.addr
	return s, nil
}

// open listens where it listened before.
func (s *Server) open() error {
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.addr = listener.Addr().String()
	if s.secure != nil {
		listener = tls.NewListener(listener, s.secure)
	}
	door := &http.Server{Handler: http.HandlerFunc(s.serve), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	s.mu.Lock()
	s.door = door
	s.mu.Unlock()
	s.work.Go(func() { _ = door.Serve(listener) })
	if s.flavour == LlamaCpp && len(s.models) > 0 {
		begun, cancel := context.WithCancel(context.Background())
		cancel() // the load is begun and not waited for
		_ = s.warm(begun, s.models[0], 0)
	}
	return nil
}

// Down stops listening and closes every connection, as a machine that was
// switched off; the models in memory are forgotten.
func (s *Server) Down() {
	s.mu.Lock()
	door := s.door
	s.door = nil
	for _, m := range s.models {
		m.loaded = m.load == 0
	}
	s.mu.Unlock()
	if door != nil {
		_ = door.Close()
	}
}

// Up listens again on the same port.
func (s *Server) Up() error {
	s.mu.Lock()
	up := s.door != nil || s.closed
	s.mu.Unlock()
	if up {
		return nil
	}
	var err error
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = s.open(); err == nil {
			return nil
		}
	}
	return err
}

// Close ends everything and waits for it.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()
	close(s.ended)
	s.Down()
	s.work.Wait()
}

// Add makes a model known while the server runs.
func (s *Server) Add(t testing.TB, name string) {
	t.Helper()
	if err := s.add(name); err != nil {
		t.Fatal(err)
	}
}

// Remove takes a model away.
func (s *Server) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.models = slices.DeleteFunc(s.models, func(m *model) bool { return m.name == name })
}

func (s *Server) add(name string) error {
	p, err := parse(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.models = slices.DeleteFunc(s.models, func(m *model) bool { return m.name == name })
	s.models = append(s.models, &model{profile: p, name: name, loaded: p.load == 0})
	return nil
}

// Slots bounds the generations worked on at a time; one more is a 503. 0 is no limit.
func (s *Server) Slots(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots = n
}

// Token makes every request without this bearer token or API key a 401.
func (s *Server) Token(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Break lets a path fail for whatever model: html, html200, error, error-object,
// error200, busy, busy429, redirect, stall, garbage (200 and no JSON), empty (200
// and nothing); "" mends it.
func (s *Server) Break(path, fault string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[path] = fault
}

// Running counts the generations whose reader is still connected.
func (s *Server) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// Most is the largest number of generations there were at the same time.
func (s *Server) Most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Requests are those that came, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Asked are the requests for an answer: chats and messages, whichever dialect.
func (s *Server) Asked() []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return !r.Chat() })
}

// Forget empties the list of requests.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Loaded names the models in memory.
func (s *Server) Loaded() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, m := range s.models {
		if m.loaded {
			names = append(names, m.name)
		}
	}
	return names
}

// serve is the outermost handler: it keeps what came and lets paths fail.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.work.Add(1)
	fault, token := s.broken[r.URL.Path], s.token
	s.mu.Unlock()
	defer s.work.Done()
	req, err := read(r)
	s.keep(req)
	switch {
	case err != nil:
		reply(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
	case token != "" && r.Header.Get("Authorization") != "Bearer "+token && r.Header.Get("X-Api-Key") != token:
		reply(w, http.StatusUnauthorized, map[string]any{"error": map[string]any{"type": "authentication_error", "message": "invalid token"}})
	case fault != "" && s.refuse(w, r, nil, fault):
	default:
		s.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, req)))
	}
}

type requestKey struct{}

func requestOf(r *http.Request) Request {
	req, _ := r.Context().Value(requestKey{}).(Request)
	return req
}

func (s *Server) keep(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) >= requestsKept {
		s.requests = slices.Delete(s.requests, 0, requestsKept/2)
	}
	s.requests = append(s.requests, r)
}

// find is the model of a name; Ollama's ":latest" may be left out.
func (s *Server) find(name string) *model {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.models {
		if m.name == name || strings.TrimSuffix(m.name, ":latest") == strings.TrimSuffix(name, ":latest") {
			return m
		}
	}
	return nil
}

var errFull = errors.New("all slots are taken")

// occupy counts a generation in, until the function it returns is called.
func (s *Server) occupy() (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots > 0 && s.running >= s.slots {
		return nil, errFull
	}
	s.running++
	s.most = max(s.most, s.running)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
	}, nil
}

// warm brings a model into memory; it takes the time the profile says, once.
func (s *Server) warm(ctx context.Context, m *model, size int) error {
	s.mu.Lock()
	if m.loaded && (size == 0 || m.context == 0 || m.context == size || m.load == 0) {
		if size > 0 {
			m.context = size
		}
		s.mu.Unlock()
		return nil
	}
	waiting := m.loading
	if waiting == nil {
		waiting = make(chan struct{})
		m.loading, m.loaded = waiting, false
		s.work.Go(func() {
			timer := time.NewTimer(m.load)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-s.ended:
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			m.loading, m.loaded, m.context = nil, true, size
			close(waiting)
		})
	}
	s.mu.Unlock()
	select {
	case <-waiting:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drop takes a model out of memory.
func (s *Server) drop(m *model) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.loaded, m.jit, m.context = false, false, 0
}
