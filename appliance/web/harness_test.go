package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// sessions is an Authenticator over a map.
type sessions struct {
	mu   sync.Mutex
	by   map[string]Identity
	down error
}

func (s *sessions) Authenticate(_ context.Context, token, _ string) (Identity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return Identity{}, s.down
	}
	id, ok := s.by[token]
	if !ok {
		return Identity{}, fault.New(fault.Unauthenticated, "Your session has ended.")
	}
	return id, nil
}

func (s *sessions) set(token string, a actor.Actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by[token] = Identity{Actor: a}
}

func (s *sessions) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, token)
}

// lines is a log that a test can read.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a running server with two people: ada, an owner, and bob, a member.
type rig struct {
	*Server
	t        *testing.T
	sessions *sessions
	log      *lines
	base     string
	stop     context.CancelFunc
	stopped  chan error
}

func testUI() fstest.MapFS {
	return fstest.MapFS{
		"index.html":                   {Data: []byte("<!doctype html><html><head><title>ChatETS</title></head><body></body></html>")},
		"assets/app-a1b2c3d4.js":       {Data: []byte("console.log('plain')")},
		"assets/app-a1b2c3d4.js.br":    {Data: []byte("BROTLI")},
		"assets/app-a1b2c3d4.js.gz":    {Data: []byte("GZIP")},
		"favicon.svg":                  {Data: []byte("<svg/>")},
		"assets/inter-x1y2z3w4q.woff2": {Data: []byte("font")},
	}
}

// start runs a server; set changes its configuration and registers routes.
func start(t *testing.T, set func(s *Server)) *rig {
	t.Helper()
	return startWith(t, Config{Listen: "127.0.0.1:0", UI: testUI(), Version: "1.2.3"}, set)
}

func startWith(t *testing.T, c Config, set func(s *Server)) *rig {
	t.Helper()
	r := &rig{t: t, sessions: &sessions{by: map[string]Identity{}}, log: &lines{}, stopped: make(chan error, 1)}
	c.Log = slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.Server = New(c)
	r.sessions.set("ada", actor.Actor{Kind: actor.Person, ID: "p-ada", Workspace: "w1", Role: actor.Owner, Session: "s-ada"})
	r.sessions.set("bob", actor.Actor{Kind: actor.Person, ID: "p-bob", Workspace: "w1", WorkspaceRole: actor.Member, Session: "s-bob"})
	r.sessions.set("eve", actor.Actor{Kind: actor.Person, ID: "p-eve", Workspace: "w2", WorkspaceRole: actor.Member, Session: "s-eve"})
	r.UseAuthenticator(r.sessions)
	r.UseOperator(func(_ context.Context, uid int, owner string) (actor.Actor, error) {
		return actor.Actor{ID: "p-ada", Workspace: "w1"}, nil
	})
	if set != nil {
		set(r.Server)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.stopped <- r.Run(ctx) }()
	select {
	case <-r.Ready():
	case err := <-r.stopped:
		t.Fatalf("run: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("not ready in time")
	}
	r.base = "http://" + r.Addr()
	t.Cleanup(func() {
		cancel()
		select {
		case <-r.stopped:
		case <-time.After(20 * time.Second):
			t.Error("the server does not stop")
		}
	})
	return r
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	text string
}

func (a answer) problem(t *testing.T) Problem {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("status %d, type %q, want a problem: %s", a.StatusCode, got, a.text)
	}
	var p Problem
	if err := json.Unmarshal([]byte(a.text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// call sends a request; headers are "Name: value".
func (r *rig) call(method, path, body string, headers ...string) answer {
	r.t.Helper()
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, from)
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return r.do(req, headers...)
}

func (r *rig) do(req *http.Request, headers ...string) answer {
	r.t.Helper()
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatalf("read the answer: %v", err)
	}
	return answer{res, string(text)}
}

const asAda, asBob = "Authorization: Bearer ada", "Authorization: Bearer bob"

// dial opens a raw connection that is closed at the end of the test.
func (r *rig) dial() net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.Addr())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// raw sends bytes, and returns everything that comes until the server closes.
func (r *rig) raw(text string) string {
	r.t.Helper()
	c := r.dial()
	if _, err := io.WriteString(c, text); err != nil {
		r.t.Fatal(err)
	}
	if half, ok := c.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
	got, _ := io.ReadAll(c)
	return string(got)
}

// until polls a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		<-tick.C
	}
}

// events reads server-sent events from a response.
type events struct {
	t  *testing.T
	in *bufio.Reader
}

type got struct{ id, name, data, comment string }

func (e *events) next() (got, error) {
	var g got
	seen := false
	for {
		line, err := e.in.ReadString('\n')
		if err != nil {
			return g, err
		}
		line = strings.TrimSuffix(line, "\n")
		switch name, value, _ := strings.Cut(line, ": "); {
		case line == "":
			if seen {
				return g, nil
			}
		case name == "":
			g.comment, seen = value, true
		case name == "id":
			g.id, seen = value, true
		case name == "event":
			g.name, seen = value, true
		case name == "data":
			g.data, seen = g.data+value, true
		}
	}
}

// must is the next event that is no sign of life.
func (e *events) must() got {
	e.t.Helper()
	for {
		g, err := e.next()
		if err != nil {
			e.t.Fatalf("no event: %v", err)
		}
		if g.comment != "beat" {
			return g
		}
	}
}

// follow opens an event stream.
func (r *rig) follow(ctx context.Context, path string, headers ...string) (*events, func()) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", r.base+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		text, _ := io.ReadAll(res.Body)
		r.t.Fatalf("status %d %s: %s", res.StatusCode, res.Header.Get("Content-Type"), text)
	}
	return &events{r.t, bufio.NewReader(res.Body)}, func() { _ = res.Body.Close() }
}

type empty struct{}

type said[T any] struct{ Body T }

type who struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Address string `json:"address"`
	UID     int    `json:"uid"`
	Agent   string `json:"agent"`
	CSRF    string `json:"csrf"`
}

// whoRoute tells the caller who they are.
func whoRoute(s *Server, method, path, id string, access Access) {
	Handle(s.API, Route{Method: method, Path: path, ID: id, Summary: "Who am I.", Access: access},
		func(ctx context.Context, _ *empty) (*said[who], error) {
			a := actor.From(ctx)
			return &said[who]{who{a.ID, string(a.Kind), a.Address, a.UID, Agent(ctx), CSRF(ctx)}}, nil
		})
}

func readJSON[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}
