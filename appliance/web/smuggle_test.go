package web

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// TestNoRequestHidesInAnother sends what a web server in front and this one
// could read differently. However it is answered, the request hidden in it must
// never be.
func TestNoRequestHidesInAnother(t *testing.T) {
	t.Parallel()
	var hidden, seen atomic.Int32
	r := start(t, func(s *Server) {
		guarded(s)
		Handle(s.API, Route{Method: "GET", Path: "/api/hidden", ID: "hidden", Summary: "Hidden.", Access: Public},
			func(context.Context, *empty) (*empty, error) { hidden.Add(1); return nil, nil })
		Handle(s.API, Route{Method: "POST", Path: "/api/echo", ID: "echo", Summary: "Echo.", Access: Public, RawBody: true},
			func(_ context.Context, in *struct{ RawBody []byte }) (*said[string], error) {
				seen.Add(1)
				return &said[string]{string(in.RawBody)}, nil
			})
	})
	inner := "GET /api/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
	host := "Host: localhost\r\n"
	n := func(s string) string { return strconv.Itoa(len(s)) }
	for _, tt := range []struct{ name, request string }{
		{"length and chunked", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length: " + n("0\r\n\r\n"+inner) + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner},
		{"chunked and length", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + inner},
		{"two lengths", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: " + n(inner) + "\r\n\r\n" + inner},
		{"two lengths, other order", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length: " + n(inner) + "\r\nContent-Length: 0\r\n\r\n" + inner},
		{"list of lengths", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length: 0, " + n(inner) + "\r\n\r\n" + inner},
		{"signed length", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length: +0\r\n\r\n" + inner},
		{"negative length", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n" + inner},
		{"length in hex", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length: 0x0\r\n\r\n" + inner},
		{"length with a space before the colon", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length : 0\r\n\r\n" + inner},
		{"empty length", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length: \r\n\r\n" + inner},
		{"length folded over two lines", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length:\r\n 0\r\n\r\n" + inner},
		{"folded header", "POST /api/echo HTTP/1.1\r\n" + host + "X-A: b\r\n Content-Length: 0\r\n\r\n" + inner},
		{"encoding folded", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + inner},
		{"other encoding", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner},
		{"two encodings", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + inner},
		{"list of encodings", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + inner},
		{"gzip and chunked", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + inner},
		{"encoding with a space before the colon", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inner},
		{"encoding with a control character", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + inner},
		{"encoding in HTTP/1.0", "POST /api/echo HTTP/1.0\r\n" + host + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner},
		{"chunk size in odd form", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + inner},
		{"chunk size with a sign", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + inner},
		{"chunk size ended by a bare line feed", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\n\r\n" + inner},
		{"chunk extension with a line feed", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0;a\n=b\r\n\r\n" + inner},
		{"chunk size too large for any number", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + inner},
		{"chunk longer than said", "POST /api/echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" + inner},
		{"bare line feeds", "POST /api/echo HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n" + inner},
		{"bare line feed in a header", "POST /api/echo HTTP/1.1\r\n" + host + "X-A: b\nContent-Length: 0\r\n\r\n" + inner},
		{"bare carriage return in a header", "POST /api/echo HTTP/1.1\r\n" + host + "X-A: b\rContent-Length: 0\r\n\r\n" + inner},
		{"NUL in a header", "POST /api/echo HTTP/1.1\r\n" + host + "X-A: b\x00\r\nContent-Length: 0\r\n\r\n" + inner},
		{"header without a colon", "POST /api/echo HTTP/1.1\r\n" + host + "Content-Length\r\n\r\n" + inner},
		{"header that begins with a space", "POST /api/echo HTTP/1.1\r\n Host: localhost\r\nContent-Length: 0\r\n\r\n" + inner},
		{"two hosts", "POST /api/echo HTTP/1.1\r\n" + host + "Host: evil.example\r\nContent-Length: " + n(inner) + "\r\n\r\n" + inner},
		{"no host", "POST /api/echo HTTP/1.1\r\nContent-Length: " + n(inner) + "\r\n\r\n" + inner},
		{"foreign host in the address", "GET http://evil.example/api/hidden HTTP/1.1\r\n" + host + "\r\n"},
		{"a version of its own", "GET /api/public HTTP/1.1x\r\n" + host + "Content-Length: " + n(inner) + "\r\n\r\n" + inner},
		{"a body of GET", "GET /api/public HTTP/1.1\r\n" + host + "Content-Length: " + n(inner) + "\r\n\r\n" + inner},
		{"an unread body of a refused POST", "POST /api/me HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nContent-Length: " + n(inner) + "\r\n\r\n" + inner},
		{"an unread body of nothing", "POST /api/none HTTP/1.1\r\n" + host + "Content-Length: " + n(inner) + "\r\n\r\n" + inner},
		{"an unread chunked body", "POST /api/me HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(inner)), 16) + "\r\n" + inner + "\r\n0\r\n\r\n"},
		{"upgrade to something", "GET /api/public HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: " + n(inner) + "\r\n\r\n" + inner},
		{"expect and more", "POST /api/me HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: " + n(inner) + "\r\n\r\n" + inner},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := hidden.Load()
			got := r.raw(tt.request)
			if hidden.Load() != before {
				t.Fatalf("the hidden request was served: %q", got)
			}
			if n := strings.Count(got, "HTTP/1.1 ") - strings.Count(got, "HTTP/1.1 100 "); n > 1 && !strings.Contains(got, "HTTP/1.1 400 ") {
				t.Errorf("%d answers: %q", n, got)
			}
		})
	}

	t.Run("two honest requests in a row are two", func(t *testing.T) {
		before, heard := hidden.Load(), seen.Load()
		got := r.raw("POST /api/echo HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nhi" + inner + "POST /api/echo HTTP/1.1\r\n" + host +
			"Transfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\n" + inner)
		if hidden.Load() != before+2 || seen.Load() != heard+2 || strings.Count(got, "HTTP/1.1 ") != 4 {
			t.Errorf("got %q", got)
		}
	})
}

func TestUnreadableRequests(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	long := strings.Repeat("a", headerLimit+1)
	for _, tt := range []struct{ name, request, status, code string }{
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400", "malformed"},
		{"long header", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + long + "\r\n\r\n", "431", "header-too-large"},
		{"long address", "GET /" + long + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "431", "header-too-large"},
		{"cut off in the header", "GET / HTTP/1.1\r\nHost: loc", "400", "malformed"},
		{"method unknown", "FETCH /api/public HTTP/1.1\r\nHost: localhost\r\n\r\n", "501", "method-unknown"},
		{"script in the address", "GET /api/<script>alert(1)</script> HTTP/1.1\r\nHost: localhost\r\n\r\n", "404", "no-route"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := r.raw(tt.request)
			if !strings.HasPrefix(got, "HTTP/1.1 "+tt.status+" ") || !strings.Contains(got, `"code":"`+tt.code+`"`) {
				t.Fatalf("got %.300q", got)
			}
			for _, h := range []string{"X-Content-Type-Options: nosniff", "Content-Security-Policy: ", "application/problem+json"} {
				if !strings.Contains(got, h) {
					t.Errorf("lacks %s", h)
				}
			}
		})
	}
}
