package web

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	writeChunk = 64 << 10 // bytes one write deadline is for
	lingerMax  = 64 << 20 // bytes read on after a refusal: a refused upload still sends for a while
)

// The HTTP machine lets us see the header before it waits for the first byte of
// the body, but lets us answer only afterwards; all it takes from us in between
// is a time-out. So a time-out nobody would ask for is how headerReceived tells
// the connection to end the waiting with a refusal.
const (
	sayTooLarge  = time.Duration(1)
	sayMalformed = 100 * 365 * 24 * time.Hour
)

var (
	errTooLarge  = errors.New("the declared body is larger than the route takes")
	errMalformed = errors.New("the header can be understood in two ways")
)

// conn is a connection that sets a deadline before every write, knows the
// process at the other end of a Unix socket, and closes in a way that lets the
// other side read a refusal sent before its body was.
type conn struct {
	net.Conn
	peer    *peer // nil on TCP
	timing  *timing
	home    *connections
	idle    atomic.Bool // between two requests, so that a stop may close it at once
	linger  atomic.Bool
	refusal atomic.Pointer[error]
	cut     atomic.Bool // something was read after the other side had ended
	once    sync.Once
}

// Write sends p in chunks, each of which may take timing.write. A reader that
// takes less than a chunk in that time is gone or hostile.
func (c *conn) Write(p []byte) (int, error) {
	sent := 0
	for {
		part := p[sent:min(len(p), sent+writeChunk)]
		if err := c.Conn.SetWriteDeadline(time.Now().Add(c.timing.write)); err != nil {
			return sent, err
		}
		n, err := c.Conn.Write(part)
		sent += n
		if err != nil || sent == len(p) {
			return sent, err
		}
	}
}

// SetReadDeadline passes t on, or takes it for a refusal.
func (c *conn) SetReadDeadline(t time.Time) error {
	switch left := time.Until(t); {
	case t.IsZero():
	case left < time.Millisecond:
		c.refusal.Store(&errTooLarge)
	case left > sayMalformed/2:
		c.refusal.Store(&errMalformed)
	}
	return c.Conn.SetReadDeadline(t)
}

// Read reads on, unless the request has been refused.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.refusal.Load(); err != nil {
		return 0, *err
	}
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		c.cut.Store(true)
	}
	return n, err
}

// Close closes the connection. After a refusal it first ends its own side and
// reads on for a moment: closing with unread bytes would reset the connection,
// and the other side would lose the answer it was sent.
func (c *conn) Close() error {
	c.once.Do(func() {
		c.home.remove(c)
		half, ok := c.Conn.(interface{ CloseWrite() error })
		if !ok || !c.linger.Load() || half.CloseWrite() != nil {
			return
		}
		if c.Conn.SetReadDeadline(time.Now().Add(c.timing.linger)) == nil {
			_, _ = io.CopyN(io.Discard, c.Conn, lingerMax)
		}
	})
	return c.Conn.Close()
}

// connections is the set of open connections, so that a stop can end them.
type connections struct {
	mu   sync.Mutex
	open map[*conn]struct{}
	stop bool
}

func newConnections() *connections { return &connections{open: map[*conn]struct{}{}} }

// add reports whether c may stay.
func (cs *connections) add(c *conn) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.stop {
		return false
	}
	cs.open[c] = struct{}{}
	return true
}

func (cs *connections) remove(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.open, c)
}

func (cs *connections) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.open)
}

// end closes what is open, or only what waits for a next request, and lets
// nothing new in.
func (cs *connections) end(onlyIdle bool) {
	cs.mu.Lock()
	cs.stop = true
	var list []*conn
	for c := range cs.open {
		if !onlyIdle || c.idle.Load() {
			list = append(list, c)
		}
	}
	cs.mu.Unlock()
	for _, c := range list {
		c.linger.Store(false) // one after the other, it would take a second each
		_ = c.Close()         // an error here is that it is closed already
	}
}

// listener hands out conns.
type listener struct {
	net.Listener
	server *Server
}

// Accept waits for the next connection. A connection whose peer cannot be told
// is dropped, not served as somebody else.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: raw, timing: &l.server.timing, home: l.server.conns}
		c.idle.Store(true)
		if u, ok := raw.(*net.UnixConn); ok {
			if c.peer, err = peerOf(u); err != nil {
				l.server.log.Warn("socket peer unknown", "cause", err)
				_ = raw.Close()
				continue
			}
		}
		if !l.server.conns.add(c) {
			_ = raw.Close()
			continue
		}
		return c, nil
	}
}
