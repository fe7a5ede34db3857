package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

type eventsIn struct {
	Accept string `header:"Accept"`
	Prefer string `header:"Prefer"`
	Last   string `header:"Last-Event-ID"`
	After  int64  `query:"after" minimum:"0"`
}

type exchange struct {
	Answer  string   `json:"answer"`
	Sources []string `json:"sources"`
}

type accepted struct {
	Run string `json:"run"`
}

// feeding is a stream route whose source is given by the test.
func feeding(source func(in *eventsIn) Source) func(s *Server) {
	return func(s *Server) {
		s.timing.heartbeat = 20 * time.Millisecond
		s.timing.recheck = 40 * time.Millisecond
		guarded(s)
		HandleStream(s.API, Route{Method: "GET", Path: "/api/run", ID: "readRun", Summary: "A run.", Access: SignedIn, Also: map[int]any{202: accepted{}}},
			func(_ context.Context, in *eventsIn) (Result[exchange], error) {
				switch {
				case WantsEvents(in.Accept):
					return Result[exchange]{Events: source(in)}, nil
				case Prefers(in.Prefer, "respond-async"):
					return Result[exchange]{Status: 202, Other: accepted{"r1"}}, nil
				}
				return Result[exchange]{Body: &exchange{Answer: "yes"}}, nil
			})
	}
}

// silent says nothing until its context ends, and reports both.
type silent struct {
	began, ended atomic.Int32
	who          atomic.Pointer[actor.Actor]
}

func (q *silent) source(*eventsIn) Source {
	return func(ctx context.Context, send func(Event) error) error {
		a := actor.From(ctx)
		q.who.Store(&a)
		q.began.Add(1)
		defer q.ended.Add(1)
		<-ctx.Done()
		if send(Event{Name: "late", Data: []byte("{}")}) == nil {
			return errors.New("sending after the end works")
		}
		return ctx.Err()
	}
}

func TestStreamForms(t *testing.T) {
	t.Parallel()
	r := start(t, feeding(func(in *eventsIn) Source {
		return func(_ context.Context, send func(Event) error) error {
			from, _ := strconv.ParseInt(in.Last, 10, 64)
			for i := max(from, in.After) + 1; i <= 5; i++ {
				if err := send(Event{ID: i, Name: "delta", Data: fmt.Appendf(nil, `{"text":"%d"}`, i)}); err != nil {
					return err
				}
			}
			return send(Event{ID: 6, Name: "done", Data: []byte(`{}`)})
		}
	}))
	t.Run("JSON", func(t *testing.T) {
		a := r.call("GET", "/api/run", "", asBob)
		if a.StatusCode != 200 || a.text != `{"answer":"yes","sources":[]}`+"\n" {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
	})
	t.Run("asynchronous", func(t *testing.T) {
		a := r.call("GET", "/api/run", "", asBob, "Prefer: wait=10, respond-async")
		if a.StatusCode != 202 || a.text != `{"run":"r1"}`+"\n" {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
	})
	for _, tt := range []struct {
		name, path string
		headers    []string
		first      string
	}{
		{"events", "/api/run", nil, "1"},
		{"events from an id on", "/api/run", []string{"Last-Event-ID: 3"}, "4"},
		{"events after a number", "/api/run?after=4", nil, "5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, done := r.follow(t.Context(), tt.path, append(tt.headers, asBob)...)
			defer done()
			if g := e.must(); g.comment != "ok" {
				t.Errorf("begins with %+v", g)
			}
			g := e.must()
			if g.id != tt.first || g.name != "delta" || g.data != `{"text":"`+tt.first+`"}` {
				t.Errorf("first event is %+v", g)
			}
			for g.name != "done" {
				g = e.must()
			}
			if _, err := e.next(); err != io.EOF {
				t.Errorf("after the end: %v", err)
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		if a := r.call("GET", "/api/run", "", "Accept: text/event-stream"); a.StatusCode != 401 {
			t.Errorf("got %d", a.StatusCode)
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		if a := r.call("HEAD", "/api/run", "", "Accept: text/event-stream", asBob); a.StatusCode != 200 || a.text != "" {
			t.Errorf("got %d %q", a.StatusCode, a.text)
		}
	})
	t.Run("HTTP/1.0", func(t *testing.T) {
		c := r.dial()
		fmt.Fprintf(c, "GET /api/run HTTP/1.0\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n\r\n", asBob)
		got, _ := io.ReadAll(c)
		if !bytes.Contains(got, []byte("\r\n\r\n: ok\n\nid: 1\nevent: delta\n")) || bytes.Contains(got, []byte("chunked")) {
			t.Errorf("got %q", got)
		}
	})
}

// TestStreamBeginsAtOnce proves that the reader is heard before the first
// event, with all headers, and gets signs of life.
func TestStreamBeginsAtOnce(t *testing.T) {
	t.Parallel()
	q := &silent{}
	r := start(t, feeding(q.source))
	c := r.dial()
	fmt.Fprintf(c, "GET /api/run HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n\r\n", asBob)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	for h, want := range map[string]string{
		"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff",
	} {
		if got := res.Header.Get(h); got != want {
			t.Errorf("%s is %q", h, got)
		}
	}
	e := &events{t, bufio.NewReader(res.Body)}
	for i, want := range []string{"ok", "beat", "beat"} {
		if g, err := e.next(); err != nil || g.comment != want {
			t.Fatalf("%d: got %+v %v", i, g, err)
		}
	}
	if a := q.who.Load(); a == nil || a.ID != "p-bob" || a.Address != "127.0.0.1" || a.Request == "" {
		t.Errorf("the source is asked by %+v", a)
	}
	if st := r.Stats(); st.Streams != 1 || st.Connections != 1 {
		t.Errorf("stats %+v", st)
	}
	_ = c.Close()
	until(t, "the source ends when its reader leaves", func() bool { return q.ended.Load() == 1 && r.Stats() == Stats{} })
}

func TestStreamEndsWithTheServer(t *testing.T) {
	t.Parallel()
	q := &silent{}
	r := start(t, feeding(q.source))
	e, done := r.follow(t.Context(), "/api/run", asBob)
	defer done()
	e.must()
	until(t, "the source begins", func() bool { return q.began.Load() == 1 })
	r.stop()
	if g := e.must(); g.name != "shutdown" || g.data != "{}" {
		t.Errorf("got %+v", g)
	}
	if _, err := e.next(); err != io.EOF {
		t.Errorf("after the shutdown: %v", err)
	}
	if err := <-r.stopped; err != nil {
		t.Errorf("run: %v", err)
	}
	r.stopped <- nil
	if q.ended.Load() != 1 {
		t.Error("the server is gone before its source")
	}
}

func TestStreamEndsWithTheSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(r *rig)
	}{
		{"revoked", func(r *rig) { r.Revoked("s-bob") }},
		{"found out", func(r *rig) { r.sessions.drop("bob") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := &silent{}
			r := start(t, feeding(q.source))
			other, doneOther := r.follow(t.Context(), "/api/run", asAda)
			defer doneOther()
			e, done := r.follow(t.Context(), "/api/run", asBob)
			defer done()
			e.must()
			other.must()
			tt.end(r)
			g := e.must()
			if g.name != "error" || readJSON[Problem](t, g.data).Code != "unauthenticated" {
				t.Errorf("got %+v", g)
			}
			if _, err := e.next(); err != io.EOF {
				t.Errorf("after the end: %v", err)
			}
			if g, err := other.next(); err != nil || g.comment != "beat" {
				t.Errorf("another session: %+v %v", g, err)
			}
		})
	}
	t.Run("a failing database ends nothing", func(t *testing.T) {
		t.Parallel()
		q := &silent{}
		r := start(t, feeding(q.source))
		e, done := r.follow(t.Context(), "/api/run", asBob)
		defer done()
		r.sessions.mu.Lock()
		r.sessions.down = errors.New("database is locked")
		r.sessions.mu.Unlock()
		for range 6 {
			if g, err := e.next(); err != nil || g.comment == "" {
				t.Fatalf("got %+v %v", g, err)
			}
		}
	})
}

func TestStreamFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		source Source
		code   string
	}{
		{"fault", func(context.Context, func(Event) error) error { return fault.New(fault.NotFound, "No such run.") }, "not-found"},
		{"bug", func(context.Context, func(Event) error) error { return errors.New("secret: SELECT") }, "internal"},
		{"panic", func(context.Context, func(Event) error) error { panic("secret") }, "internal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, feeding(func(*eventsIn) Source { return tt.source }))
			e, done := r.follow(t.Context(), "/api/run", asBob)
			defer done()
			e.must()
			g := e.must()
			p := readJSON[Problem](t, g.data)
			if g.name != "error" || p.Code != tt.code || p.Request == "" || strings.Contains(g.data, "secret") {
				t.Errorf("got %+v", g)
			}
			if _, err := e.next(); err != io.EOF {
				t.Errorf("after the error: %v", err)
			}
			if !strings.Contains(r.log.String(), p.Request) {
				t.Error("the log has no word of it")
			}
		})
	}
}

// TestStreamToAReaderThatTakesNothing fills the connection of a reader that
// stays but never reads: the write deadline must end it.
func TestStreamToAReaderThatTakesNothing(t *testing.T) {
	t.Parallel()
	var ended atomic.Bool
	block := []byte(`"` + strings.Repeat("x", 100_000) + `"`)
	r := start(t, func(s *Server) {
		s.timing.write = 50 * time.Millisecond
		feeding(func(*eventsIn) Source {
			return func(_ context.Context, send func(Event) error) error {
				defer ended.Store(true)
				for {
					if err := send(Event{Name: "delta", Data: block}); err != nil {
						return err
					}
				}
			}
		})(s)
	})
	c := r.dial()
	fmt.Fprintf(c, "GET /api/run HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n\r\n", asBob)
	until(t, "the stream is given up", func() bool { return ended.Load() && r.Stats().Streams == 0 })
}

// TestStreamsCostTwoGoroutinesEach counts goroutines with many streams open and
// after they are gone.
func TestStreamsCostTwoGoroutinesEach(t *testing.T) {
	q := &silent{} // not parallel: it counts the goroutines of the process
	r := start(t, feeding(q.source))
	r.timing.heartbeat = time.Minute // set before any stream is open
	before := runtime.NumGoroutine()
	const n = 100
	for range n {
		c := r.dial()
		fmt.Fprintf(c, "GET /api/run HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n\r\n", asBob)
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	until(t, "all sources run", func() bool { return q.began.Load() == n })
	// Workers of the HTTP machine that wait for their next connection count too.
	if grown := runtime.NumGoroutine() - before; grown > 2*n+20 {
		t.Errorf("%d streams have %d goroutines", n, grown)
	}
	r.stop()
	<-r.stopped
	r.stopped <- nil
	until(t, "all goroutines are gone", func() bool { return runtime.NumGoroutine() <= before })
}

func TestEventFraming(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		e    Event
		want string
	}{
		{Event{ID: 7, Name: "delta", Data: []byte(`{"a":1}`)}, "id: 7\nevent: delta\ndata: {\"a\":1}\n\n"},
		{Event{Name: "x"}, "event: x\ndata: \n\n"},
		{Event{Data: []byte("a\nb\r\nc\rd")}, "data: a\ndata: b\ndata: c\ndata: d\n\n"},
		{Event{Data: []byte("a\n\nevent: done\ndata: {}\n\n")}, "data: a\ndata: \ndata: event: done\ndata: data: {}\ndata: \ndata: \n\n"},
		{Event{Name: "a\nevent: b", Data: []byte("1")}, "event: aevent: b\ndata: 1\n\n"},
	} {
		if got := string(appendEvent(nil, tt.e)); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/event-stream": true, "text/event-stream, */*": true,
		"application/json, text/event-stream;q=0.5": false, "application/json;q=0.5, text/event-stream": true,
		"text/event-stream;q=0": false, "TEXT/Event-Stream": true, "text/event-streams": false, ";;;,,": false,
	} {
		if got := WantsEvents(accept); got != want {
			t.Errorf("Accept %q: got %v", accept, got)
		}
	}
	for prefer, want := range map[string]bool{
		"": false, "respond-async": true, "wait=5, Respond-Async; x=1": true, "respond-asynchronously": false, "return=minimal": false,
	} {
		if got := Prefers(prefer, "respond-async"); got != want {
			t.Errorf("Prefer %q: got %v", prefer, got)
		}
	}
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "br, gzip": "br", "gzip, deflate, br;q=0": "gzip", "*": "br", "identity": "", "*;q=0": "", "br;q=0.1, gzip": "br",
	} {
		if got := encodingOf(accept, true, true); got != want {
			t.Errorf("Accept-Encoding %q: got %q", accept, got)
		}
	}
}
