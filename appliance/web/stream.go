package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

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

// HandleStream registers a route that answers with a body or with events. Out
// is the type of the body itself, or struct{} where there are only events.
func HandleStream[In, Out any](a *API, r Route, fn func(context.Context, *In) (Result[Out], error)) {
	reg := a.add(r)
	in := planOf(structType[In](), a.registry, title(r.ID))
	if reg.Status == 0 {
		reg.Status = http.StatusOK
	}
	var schema *huma.Schema // Out is struct{} where there are only events
	if out := reflect.TypeFor[Out](); out != reflect.TypeFor[struct{}]() {
		schema = a.registry.Schema(out, true, title(r.ID)+"Response")
	}
	fill := fillerOf(reflect.TypeFor[Out]())
	a.document(reg, in, answers{body: schema, events: true})
	a.serve(reg, func(ctx context.Context, c *fiber.Ctx, sc *scope) error {
		var input In
		if err := a.s.bind(c, sc, in, reg.BodyLimit, reflect.ValueOf(&input).Elem()); err != nil {
			return err
		}
		res, err := fn(ctx, &input)
		if err != nil {
			return err
		}
		if res.Events != nil {
			return a.s.streams.start(ctx, c, sc, res.Events)
		}
		status := reg.Status
		if res.Status != 0 {
			status = res.Status
		}
		c.Status(status)
		switch {
		case res.Other != nil:
			return writeJSON(c, res.Other)
		case res.Body != nil:
			fill.fill(reflect.ValueOf(res.Body).Elem())
			return writeJSON(c, res.Body)
		}
		return nil
	})
}

// stream is one reader. It has two goroutines: one runs the source, one waits
// for the reader to leave. The connection is taken from the HTTP machine, which
// holds many times the memory per stream and cannot tell that a reader left.
type stream struct {
	server  *Server
	sc      *scope
	session string
	conn    net.Conn
	chunked bool
	cancel  context.CancelFunc

	farewell atomic.Pointer[Event] // set: the stream ends with it

	mu     sync.Mutex
	buf    bytes.Buffer
	broken error     // why nothing more can be written
	last   time.Time // of the last write
}

var (
	errReaderLeft = errors.New("the reader left")
	errEnded      = errors.New("the stream has ended")
)

// start takes over the connection once the function of the route has returned.
// Nothing of c is used afterwards.
func (ss *streams) start(ctx context.Context, c *fiber.Ctx, sc *scope, source Source) error {
	fc := c.Context()
	h := &fc.Response.Header
	fc.Response.SetStatusCode(http.StatusOK)
	h.SetContentType("text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // a web server in front must not collect
	if fc.IsHead() {
		return nil
	}
	who := actor.From(ctx)
	st := &stream{server: sc.server, sc: sc, session: who.Session, chunked: fc.Request.Header.IsHTTP11()}
	if st.chunked {
		h.SetContentLength(-1)
	} else {
		h.SetContentLength(-2)
	}
	h.SetConnectionClose()
	head := append([]byte(nil), h.Header()...)
	sc.taken = true
	fc.HijackSetNoResponse(true)
	fc.Hijack(func(nc net.Conn) {
		// The wrapper keeps the read buffer of the request alive; what is under
		// it is all that is needed.
		if w, ok := nc.(interface{ UnsafeConn() net.Conn }); ok {
			nc = w.UnsafeConn()
		}
		st.conn = nc
		var ctx context.Context // the one of the request has ended
		ctx, st.cancel = context.WithCancel(actor.With(withScope(st.server.base, sc), who))
		if !ss.add(st) {
			st.cancel()
			st.open(head)
			st.finish(shutdownEvent())
			_ = nc.Close()
			return
		}
		go st.run(ctx, head, source) // waited for by streams.wait
	})
	return nil
}

// run is the life of a stream.
func (st *stream) run(ctx context.Context, head []byte, source Source) {
	defer st.server.streams.remove(st)
	defer st.cancel()
	st.open(head)
	watched := make(chan struct{})
	go func() { // ends with the connection, which is closed below
		defer close(watched)
		st.watch()
	}()

	err := st.feed(ctx, source)
	last := Event{}
	switch e := st.farewell.Load(); {
	case e != nil:
		last = *e
	case err != nil && ctx.Err() == nil && !errors.Is(err, errReaderLeft):
		p := st.server.problem(err, st.sc.request)
		st.server.logFailure(st.sc, "GET", p, err)
		last = Event{Name: "error", Data: bytes.TrimSpace(encode(p))}
	}
	st.finish(last)
	_ = st.conn.Close()
	<-watched
}

// leave ends the stream with e without waiting for it.
func (st *stream) leave(e Event) {
	st.farewell.CompareAndSwap(nil, &e)
	st.cancel()
}

// watch waits for the reader to leave and uses the waiting time for signs of
// life and for asking whether the session is still good.
func (st *stream) watch() {
	var b [64]byte // a reader has nothing to say; what it says is dropped
	every, checked := st.server.timing.heartbeat, st.server.now()
	for {
		if err := st.conn.SetReadDeadline(time.Now().Add(every)); err != nil {
			st.breakOff(errReaderLeft)
			return
		}
		_, err := st.conn.Read(b[:])
		var timeout net.Error
		switch {
		case err == nil:
			continue
		case !errors.As(err, &timeout) || !timeout.Timeout():
			st.breakOff(errReaderLeft)
			return
		}
		st.heartbeat(every)
		if now := st.server.now(); now.Sub(checked) >= st.server.timing.recheck {
			checked = now
			if !st.server.stillGood(st.sc) {
				st.leave(st.sessionEnded())
			}
		}
	}
}

// feed runs the source and makes an error of a panic.
func (st *stream) feed(ctx context.Context, source Source) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in the events of %s: %v\n%s", st.sc.route, r, debug.Stack())
		}
	}()
	return source(ctx, st.send)
}

// open writes the header and a comment at once: until then the reader cannot
// know that it was heard.
func (st *stream) open(head []byte) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.buf.Write(head)
	st.frame([]byte(": ok\n\n"))
	st.flush()
}

// send writes one event and flushes it.
func (st *stream) send(e Event) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case st.farewell.Load() != nil:
		return errEnded
	case st.broken != nil:
		return st.broken
	}
	st.frame(appendEvent(nil, e))
	return st.flush()
}

// finish writes a last event, or none, and the end of the body.
func (st *stream) finish(e Event) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.broken != nil {
		return
	}
	if e.Name != "" {
		st.frame(appendEvent(nil, e))
	}
	if st.chunked {
		st.buf.WriteString("0\r\n\r\n")
	}
	if st.flush() == nil {
		st.broken = errEnded
	}
}

// breakOff notes that writing has no sense any more and ends the source.
func (st *stream) breakOff(why error) {
	st.cancel()
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.broken == nil {
		st.broken = why
	}
}

// frame puts data into the buffer, as a chunk where the reader knows chunks.
func (st *stream) frame(data []byte) {
	if !st.chunked {
		st.buf.Write(data)
		return
	}
	st.buf.Write(strconv.AppendInt(st.buf.AvailableBuffer(), int64(len(data)), 16))
	st.buf.WriteString("\r\n")
	st.buf.Write(data)
	st.buf.WriteString("\r\n")
}

// flush sends the buffer; the connection sets the deadline. A failed write ends
// the source, which may be waiting for something else.
func (st *stream) flush() error {
	_, err := st.conn.Write(st.buf.Bytes())
	st.buf.Reset()
	if st.buf.Cap() > writeChunk {
		st.buf = bytes.Buffer{}
	}
	if err != nil {
		st.broken = errReaderLeft
		st.cancel()
		return errReaderLeft
	}
	st.last = time.Now()
	return nil
}

// heartbeat writes a comment after silence.
func (st *stream) heartbeat(every time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.broken == nil && time.Since(st.last) >= every/2 {
		st.frame([]byte(": beat\n\n"))
		_ = st.flush() // notes a failure itself
	}
}

func (st *stream) sessionEnded() Event {
	p := ProblemOf(fault.New(fault.Unauthenticated, "Your session has ended.").Cure("Sign in and try again."), st.sc.request)
	return Event{Name: "error", Data: bytes.TrimSpace(encode(p))}
}

func shutdownEvent() Event { return Event{Name: "shutdown", Data: []byte("{}")} }

// stillGood asks again whether the token of an open stream may be there. Only a
// clear no ends it: a busy database is no reason.
func (s *Server) stillGood(sc *scope) bool {
	if sc.token == "" {
		return true // an operator, or a public stream
	}
	if !sc.expires.IsZero() && !s.now().Before(sc.expires) {
		return false
	}
	ctx, cancel := context.WithTimeout(s.base, 5*time.Second)
	defer cancel()
	id, err := s.auth.Authenticate(ctx, sc.token, sc.address)
	if err != nil {
		return !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Forbidden)
	}
	sc.expires = id.Expires
	return true
}
