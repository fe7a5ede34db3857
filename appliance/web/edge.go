package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"chatets/appliance/fault"
)

// drainMax is how much of an unread body is read on so that the connection can
// serve the next request; with more to come it is closed instead.
const drainMax = 64 << 10

// handler is the router behind what the router itself cannot do.
func (s *Server) handler() fasthttp.RequestHandler {
	routed := s.app.Handler()
	return func(fc *fasthttp.RequestCtx) {
		if nc, ok := fc.Conn().(*conn); ok {
			if err := nc.refusal.Load(); err != nil { // the body was there already
				s.unreadable(fc, *err)
				return
			}
		}
		switch string(fc.Method()) {
		case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT":
			routed(fc)
		default: // the router would answer by itself, without our headers
			s.refuse(fc, &protocolErr{status: 501, title: "Method unknown", code: "method-unknown",
				sentence: "This method is not known here."})
		}
	}
}

// edge is the outermost layer of each request: id, headers, rescue, the host
// check, and in the end the count of it.
func (s *Server) edge(c *fiber.Ctx) error {
	fc := c.Context()
	nc, _ := fc.Conn().(*conn)
	sc := &scope{server: s, request: newID(), agent: shown(c.Get("User-Agent"), 300), route: "other", began: s.now(),
		host: strings.ToLower(string(c.Context().Request.Header.Host()))}
	if nc != nil {
		sc.peer = nc.peer
	}
	if sc.peer == nil {
		sc.address = s.clientAddress(fc.RemoteAddr(), joinHeaders(&fc.Request.Header, "X-Forwarded-For"))
	}
	c.Locals(scopeLocal, sc)
	harden(&fc.Response.Header, s.secure)
	fc.Response.Header.Set("X-Request-Id", sc.request)

	if err := s.rescued(c, sc); err != nil {
		_ = s.fail(c, err) // answers, and returns nil always
	}
	if left(fc, sc) {
		fc.SetConnectionClose()
		if nc != nil {
			nc.linger.Store(true)
		}
	}
	if s.observe != nil {
		s.observe(sc.route, c.Method(), fc.Response.StatusCode(), s.now().Sub(sc.began))
	}
	return nil
}

// rescued serves the request and makes an error of a panic.
func (s *Server) rescued(c *fiber.Ctx, sc *scope) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in %s %s: %v\n%s", c.Method(), sc.route, r, debug.Stack())
		}
	}()
	if target := c.Context().Request.Header.RequestURI(); len(target) == 0 || target[0] != '/' {
		// An address with a host in it would have two hosts.
		return fault.New(fault.Malformed, "The address of the request must begin with a slash.")
	}
	if own := s.config.Instance; own != "" && c.Get("X-ChatETS-Instance") == own {
		return fault.New(fault.Conflict, "This is ChatETS itself, which cannot be its own model server.").Code("own-instance").
			Cure("Enter the address of the model server.")
	}
	if err := s.checkHost(c, sc); err != nil {
		return err
	}
	return c.Next()
}

// checkHost refuses names that are not ours. A page of a stranger can make its
// own name point to 127.0.0.1 and would then speak to us from inside the
// browser; but it speaks under its own name.
func (s *Server) checkHost(c *fiber.Ctx, sc *scope) error {
	if sc.peer != nil {
		return nil
	}
	if s.hosts[hostOf(string(c.Context().Request.Header.Host()))] {
		return nil
	}
	return fault.New(fault.Forbidden, "ChatETS does not answer under this host name.").Code("host-not-allowed").
		Cure("Open it at %s, or set the address people use as its base address.", s.home())
}

// home is an address that works.
func (s *Server) home() string {
	if s.origin != "" {
		return s.origin
	}
	return "http://" + s.Addr()
}

// left reports whether so much of the body was not read that reading on for the
// next request is not worth it.
func left(fc *fasthttp.RequestCtx, sc *scope) bool {
	if sc.taken || !fc.Request.IsBodyStream() || sc.body != nil && sc.body.ended {
		return false
	}
	n := fc.Request.Header.ContentLength()
	return n > drainMax || n == -1 && (sc.body == nil || sc.body.err != nil)
}

// refuse answers outside the router.
func (s *Server) refuse(fc *fasthttp.RequestCtx, err error) {
	sc := &scope{server: s, request: newID(), route: "other", began: s.now()}
	harden(&fc.Response.Header, s.secure)
	fc.Response.Header.Set("X-Request-Id", sc.request)
	p := s.problem(err, sc.request)
	s.logFailure(sc, string(fc.Method()), p, err)
	writeProblem(&fc.Response, p)
	fc.SetConnectionClose()
	if nc, ok := fc.Conn().(*conn); ok {
		nc.linger.Store(true)
	}
	if s.observe != nil {
		s.observe(sc.route, "other", p.Status, 0)
	}
}

// unreadable answers a request that did not arrive as one. The text of the
// parser is for the log only: it may quote what was sent.
func (s *Server) unreadable(fc *fasthttp.RequestCtx, cause error) {
	var small *fasthttp.ErrSmallBuffer
	var timeout net.Error
	switch {
	case errors.Is(cause, errTooLarge):
		s.refuse(fc, tooLarge(0))
	case errors.As(cause, &small):
		s.refuse(fc, &protocolErr{status: 431, title: "Header too large", code: "header-too-large",
			sentence: fmt.Sprintf("The address and header of the request are larger than %d KB.", headerLimit>>10),
			cure:     "Shorten the address, or remove cookies of this host."})
	case errors.As(cause, &timeout) && timeout.Timeout():
		s.refuse(fc, &protocolErr{status: 408, title: "Too slow", code: "too-slow",
			sentence: "The request did not arrive in time."})
	case errors.Is(cause, io.ErrUnexpectedEOF):
		s.refuse(fc, fault.New(fault.Malformed, "The request ended before it was complete.").Because(cause))
	default:
		s.refuse(fc, fault.New(fault.Malformed, "This is not a request that can be read.").Because(cause))
	}
}

// headerReceived looks at the header before anything of the body is read: what
// two readers could read differently, and a body no route takes, go no further.
func (s *Server) headerReceived(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	switch {
	case !plainLines(h.RawHeaders()):
		return fasthttp.RequestConfig{ReadTimeout: sayMalformed}
	case s.overLimit(h):
		return fasthttp.RequestConfig{ReadTimeout: sayTooLarge}
	}
	return fasthttp.RequestConfig{}
}

// plainLines reports whether each line of a header ends with CR LF, holds no other
// CR and does not go on on the next line. The parser takes all of these; a web
// server in front may read them in another way and see another request.
func plainLines(raw []byte) bool {
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\n')
		if i < 1 || raw[i-1] != '\r' || bytes.IndexByte(raw[:i-1], '\r') >= 0 || raw[0] == ' ' || raw[0] == '\t' {
			return false
		}
		raw = raw[i+1:]
	}
	return true
}

// expect refuses the same for clients that ask before they send.
func (s *Server) expect(fc *fasthttp.RequestCtx) int {
	if nc, ok := fc.Conn().(*conn); ok && nc.refusal.Load() == &errMalformed {
		s.unreadable(fc, errMalformed)
		return fasthttp.StatusBadRequest
	}
	if !s.overLimit(&fc.Request.Header) {
		return fasthttp.StatusContinue
	}
	s.refuse(fc, tooLarge(0))
	return fasthttp.StatusRequestEntityTooLarge
}

func (s *Server) overLimit(h *fasthttp.RequestHeader) bool {
	n := int64(h.ContentLength())
	return n > s.config.BodyLimit && n > s.API.limitOf(string(h.Method()), string(h.RequestURI()))
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func joinHeaders(h *fasthttp.RequestHeader, name string) string {
	var parts []string
	for _, v := range h.PeekAll(name) {
		parts = append(parts, string(v))
	}
	return strings.Join(parts, ",")
}

// shown is text of a stranger as it may stand in a sentence or a log line:
// printable, valid, of at most max bytes.
func shown(text string, max int) string {
	if len(text) > max {
		text = text[:max]
		for i := 0; i < utf8.UTFMax && !utf8.ValidString(text); i++ {
			text = text[:len(text)-1] // a cut character
		}
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
