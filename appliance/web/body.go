package web

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"chatets/appliance/fault"
)

// windowBytes is what must arrive for each timing.body that a sender makes us
// wait: 16 KB/s over a minute. Time the receiver takes itself does not count,
// so a busy disk never ends an honest upload.
const windowBytes = 16 << 10 * 60

// body reads a request body as it arrives: at most limit bytes, not slower than
// the window allows, and never mistaking a cut-off body for a whole one.
type body struct {
	from     io.Reader
	deadline func(time.Time) error
	cut      func() bool // the other side ended while more was expected
	limit    int64
	declared int64 // -1 = chunked

	budget time.Duration // waiting allowed for one window
	waited time.Duration // in this window
	got    int64         // in this window
	read   int64         // in all
	ended  bool          // everything has been read
	err    error         // what every further Read returns
}

// openBody is the body of the request with a limit. A declared length over the
// limit is refused here, before anything is read.
func (s *Server) openBody(fc *fasthttp.RequestCtx, sc *scope, limit int64) (*body, error) {
	b := &body{
		from: fc.RequestBodyStream(), deadline: fc.SetReadDeadline, limit: limit,
		declared: int64(fc.Request.Header.ContentLength()), budget: s.timing.body,
	}
	if nc, ok := fc.Conn().(*conn); ok {
		b.cut = nc.cut.Load
	}
	sc.body = b
	switch {
	case b.declared > limit:
		b.err = tooLarge(limit)
		return nil, b.err
	case b.declared == 0 || b.declared < -1 || b.from == nil:
		b.declared, b.ended, b.err = 0, true, io.EOF
	}
	return b, nil
}

// Read implements io.Reader. Its failures are faults with a sentence.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	began := time.Now()
	patience := b.budget - b.waited
	if patience < 2*time.Millisecond {
		b.err = tooSlow(nil)
		return 0, b.err
	}
	if err := b.deadline(began.Add(patience)); err != nil {
		b.err = fault.New(fault.Cancelled, "The connection was lost.").Because(err)
		return 0, b.err
	}
	n, err := b.from.Read(p)
	b.waited += time.Since(began)
	b.got += int64(n)
	b.read += int64(n)
	if b.got >= windowBytes {
		b.got, b.waited = 0, 0
	}
	switch {
	case b.read > b.limit:
		b.err = tooLarge(b.limit)
		return 0, b.err
	case err == io.EOF && b.declared >= 0 && b.read < b.declared:
		// The parser ends a cut-off body as if it were whole, here and below.
		b.err = fault.New(fault.Malformed, "The body ended after %d of %d bytes.", b.read, b.declared).Code("truncated").Cure("Send it again.")
	case err == io.EOF && b.declared < 0 && b.cut != nil && b.cut():
		b.err = bodyFault(io.ErrUnexpectedEOF)
	case err == io.EOF:
		b.ended, b.err = true, io.EOF
	case err != nil:
		b.err = bodyFault(err)
	case b.declared >= 0 && b.read == b.declared:
		b.ended, b.err = true, io.EOF
	}
	if n > 0 {
		return n, nil
	}
	return 0, b.err
}

func bodyFault(err error) error {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return tooSlow(err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fault.New(fault.Malformed, "The body ended before it was complete.").Code("truncated").Cure("Send it again.").Because(err)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return fault.New(fault.Cancelled, "The connection was lost.").Because(err)
	}
	return fault.New(fault.Malformed, "The body cannot be read.").Because(err)
}

func tooSlow(cause error) error {
	return fault.New(fault.Malformed, "The body arrived too slowly.").Code("too-slow").
		Cure("Try again with a better connection.").Because(cause)
}

func tooLarge(limit int64) error {
	if limit <= 0 {
		return fault.New(fault.TooLarge, "The body is larger than this address takes.").Cure("Send less at once.")
	}
	return fault.New(fault.TooLarge, "The body is larger than %s.", size(limit)).Cure("Send less at once.")
}

// size is a number of bytes for people, in the steps (1,000 or 1,024) that
// give the rounder number.
func size(n int64) string {
	best := fmt.Sprintf("%d bytes", n)
	for _, step := range []int64{1000, 1024} {
		left := n
		for _, unit := range []string{"KB", "MB", "GB"} {
			if left < step || left%step != 0 {
				break
			}
			left /= step
			if text := fmt.Sprintf("%d %s", left, unit); len(text) < len(best) || strings.HasSuffix(best, "bytes") {
				best = text
			}
		}
	}
	return best
}

// checkJSONType refuses bodies that do not say that they are JSON. Forms that a
// page of another site could send say something else.
func checkJSONType(h *fasthttp.RequestHeader) error {
	if enc := strings.ToLower(strings.TrimSpace(string(h.Peek("Content-Encoding")))); enc != "" && enc != "identity" {
		return fault.New(fault.Unsupported, "Compressed bodies are not read.").Cure("Send the body as it is, without Content-Encoding.")
	}
	sent := string(h.ContentType())
	media, rest, _ := strings.Cut(sent, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	if media != "application/json" && !(strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")) {
		what := "says nothing about its type"
		if media != "" {
			what = "says that it is " + shown(media, 100)
		}
		return fault.New(fault.Unsupported, "The body must be JSON, but %s.", what).Cure("Send the header Content-Type: application/json.")
	}
	for _, p := range strings.Split(rest, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(k, "charset") && !strings.EqualFold(strings.Trim(v, `"`), "utf-8") {
			return fault.New(fault.Unsupported, "JSON is read as UTF-8 only.").Cure("Send the body in UTF-8.")
		}
	}
	return nil
}
