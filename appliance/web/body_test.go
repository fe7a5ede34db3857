package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatets/appliance/fault"
)

type uploadIn struct {
	Name string `query:"name" required:"true" maxLength:"80" doc:"File name."`
}

type taken struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// bodies has an upload of at most limit bytes and a JSON route.
func bodies(limit int64, reading func(n int)) func(s *Server) {
	return func(s *Server) {
		guarded(s)
		HandleUpload(s.API, Route{Method: "POST", Path: "/api/files", ID: "addFile", Summary: "Adds a file.", Access: SignedIn, Status: 202, BodyLimit: limit},
			func(_ context.Context, in *uploadIn, body io.Reader) (*said[taken], error) {
				var sum int64
				buf := make([]byte, 32<<10)
				for {
					n, err := body.Read(buf)
					sum += int64(n)
					if reading != nil {
						reading(n)
					}
					if err == io.EOF {
						return &said[taken]{taken{in.Name, sum}}, nil
					}
					if err != nil {
						return nil, errors.New("store: " + err.Error()) // careless: the class of the failure is lost
					}
				}
			})
		Handle(s.API, Route{Method: "POST", Path: "/api/text", ID: "addText", Summary: "Adds text.", Access: Public},
			func(_ context.Context, in *struct{ Body textIn }) (*said[int], error) {
				return &said[int]{len(in.Body.Text)}, nil
			})
	}
}

type textIn struct {
	Text string `json:"text" maxLength:"3000000"`
}

func TestUpload(t *testing.T) {
	t.Parallel()
	r := start(t, bodies(8<<20, nil))
	for _, n := range []int{0, 1, 2, 5000, 64 << 10, 8 << 20} {
		req, _ := http.NewRequest("POST", r.base+"/api/files?name=a.txt", strings.NewReader(strings.Repeat("x", n)))
		a := r.do(req, asBob)
		if a.StatusCode != 202 || readJSON[taken](t, a.text).Bytes != int64(n) {
			t.Errorf("%d bytes: got %d %s", n, a.StatusCode, a.text)
		}
		// Without a declared length.
		req, _ = http.NewRequest("POST", r.base+"/api/files?name=a.txt", io.MultiReader(strings.NewReader(strings.Repeat("x", n))))
		req.ContentLength = -1
		a = r.do(req, asBob)
		if a.StatusCode != 202 || readJSON[taken](t, a.text).Bytes != int64(n) {
			t.Errorf("%d bytes in chunks: got %d %s", n, a.StatusCode, a.text)
		}
	}
	for _, tt := range []struct {
		name, path string
		headers    []string
		status     int
		code       string
	}{
		{"no name", "/api/files", []string{asBob}, 422, "invalid"},
		{"long name", "/api/files?name=" + strings.Repeat("n", 81), []string{asBob}, 422, "invalid"},
		{"name that is not UTF-8", "/api/files?name=%ff%fe", []string{asBob}, 400, "not-utf8"},
		{"name with NUL", "/api/files?name=a%00b", []string{asBob}, 400, "not-utf8"},
		{"broken escape", "/api/files?name=%zz", []string{asBob}, 400, "malformed"},
		{"form", "/api/files?name=a", []string{asBob, "Content-Type: multipart/form-data; boundary=x"}, 415, "unsupported"},
		{"compressed", "/api/files?name=a", []string{asBob, "Content-Encoding: gzip"}, 415, "unsupported"},
		{"nobody", "/api/files?name=a", nil, 401, "unauthenticated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.call("POST", tt.path, "hello", tt.headers...)
			if p := a.problem(t); a.StatusCode != tt.status || p.Code != tt.code {
				t.Errorf("got %d %+v", a.StatusCode, p)
			}
		})
	}
}

func TestTooLargeIsSaidBeforeTheBodyIsRead(t *testing.T) {
	t.Parallel()
	var read atomic.Int64
	r := start(t, bodies(1<<20+1000, func(n int) { read.Add(int64(n)) }))
	head := "POST /api/files?name=a HTTP/1.1\r\nHost: localhost\r\n" + asBob + "\r\n"

	t.Run("by its header, not one byte sent", func(t *testing.T) {
		c := r.dial()
		fmt.Fprintf(c, "%sContent-Length: 99999999999\r\n\r\n", head)
		wantRefusal(t, c, 413)
	})
	t.Run("by its header, asking first", func(t *testing.T) {
		c := r.dial()
		fmt.Fprintf(c, "%sExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n", head)
		wantRefusal(t, c, 413)
	})
	t.Run("by its header, sending on", func(t *testing.T) {
		c := r.dial()
		fmt.Fprintf(c, "%sContent-Length: 50000000\r\n\r\n", head)
		go sendOn(c, 50_000_000) // ends with the connection
		wantRefusal(t, c, 413)
	})
	t.Run("just over the limit", func(t *testing.T) {
		c := r.dial()
		fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n", head, 1<<20+1001)
		wantRefusal(t, c, 413)
	})
	if n := read.Load(); n != 0 {
		t.Errorf("the route was given %d bytes", n)
	}
	t.Run("in chunks", func(t *testing.T) {
		c := r.dial()
		fmt.Fprintf(c, "%sTransfer-Encoding: chunked\r\n\r\n", head)
		go func() {
			for {
				if _, err := fmt.Fprintf(c, "8000\r\n%s\r\n", strings.Repeat("x", 0x8000)); err != nil {
					return
				}
			}
		}()
		text := wantRefusal(t, c, 413)
		if !strings.Contains(text, "too-large") {
			t.Errorf("got %s", text)
		}
	})
	if n := read.Load(); n > 1<<20+1000 {
		t.Errorf("the route was given %d bytes", n)
	}
	t.Run("JSON", func(t *testing.T) {
		a := r.call("POST", "/api/text", `{"text":"`+strings.Repeat("x", 2<<20)+`"}`)
		if p := a.problem(t); a.StatusCode != 413 || p.Detail != "The body is larger than 1 MB." && p.Detail != "The body is larger than this address takes." {
			t.Errorf("got %d %+v", a.StatusCode, p)
		}
	})
	t.Run("JSON in chunks", func(t *testing.T) {
		req, _ := http.NewRequest("POST", r.base+"/api/text", io.MultiReader(strings.NewReader(`{"text":"`+strings.Repeat("x", 2<<20)+`"}`)))
		if a := r.do(req, "Content-Type: application/json"); a.StatusCode != 413 || a.problem(t).Detail != "The body is larger than 1 MB." {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
	})
}

func sendOn(c net.Conn, n int) {
	block := strings.Repeat("x", 64<<10)
	for n > 0 {
		m, err := io.WriteString(c, block[:min(n, len(block))])
		if err != nil {
			return
		}
		n -= m
	}
}

// wantRefusal reads one answer and the end of the connection.
func wantRefusal(t *testing.T, c net.Conn, status int) string {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != status || !strings.Contains(res.Header.Get("Content-Type"), "problem+json") {
		t.Errorf("got %d %s", res.StatusCode, text)
	}
	if !res.Close {
		t.Error("the connection stays open with an unread body in it")
	}
	return string(text)
}

func TestTruncatedBodies(t *testing.T) {
	t.Parallel()
	r := start(t, bodies(8<<20, nil))
	for _, tt := range []struct{ name, request string }{
		{"declared length", "POST /api/files?name=a HTTP/1.1\r\nHost: localhost\r\n" + asBob + "\r\nContent-Length: 100\r\n\r\nonly this"},
		{"one byte of two", "POST /api/files?name=a HTTP/1.1\r\nHost: localhost\r\n" + asBob + "\r\nContent-Length: 2\r\n\r\n1"},
		{"chunks", "POST /api/files?name=a HTTP/1.1\r\nHost: localhost\r\n" + asBob + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
		{"inside a chunk", "POST /api/files?name=a HTTP/1.1\r\nHost: localhost\r\n" + asBob + "\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello"},
		{"JSON", "POST /api/text HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"text\":\"a\"}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := r.raw(tt.request)
			if !strings.HasPrefix(got, "HTTP/1.1 400 ") {
				t.Errorf("got %.400q", got)
			}
		})
	}
}

func TestSlowBodies(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *Server) {
		s.timing.body, s.timing.header = 60*time.Millisecond, 100*time.Millisecond
		bodies(8<<20, nil)(s)
	})
	t.Run("stalls", func(t *testing.T) {
		c := r.dial()
		fmt.Fprintf(c, "POST /api/files?name=a HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: 100\r\n\r\nsome", asBob)
		if text := wantRefusal(t, c, 400); !strings.Contains(text, "too-slow") {
			t.Errorf("got %s", text)
		}
	})
	t.Run("trickles", func(t *testing.T) {
		c := r.dial()
		fmt.Fprintf(c, "POST /api/text HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
		go func() {
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for {
				if _, err := io.WriteString(c, " "); err != nil {
					return
				}
				<-tick.C
			}
		}()
		if text := wantRefusal(t, c, 400); !strings.Contains(text, "too-slow") {
			t.Errorf("got %s", text)
		}
	})
	t.Run("header that never ends", func(t *testing.T) {
		c := r.dial()
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: loc")
		wantRefusal(t, c, 408)
	})
}

// TestOurOwnSlownessIsNotTheSenders reads with pauses that are longer than a
// sender may make us wait.
func TestOurOwnSlownessIsNotTheSenders(t *testing.T) {
	t.Parallel()
	b := &body{from: strings.NewReader("abcdef"), deadline: func(time.Time) error { return nil }, limit: 10, declared: 6, budget: 20 * time.Millisecond}
	buf := make([]byte, 1)
	for range 6 {
		wait := time.NewTimer(8 * time.Millisecond)
		<-wait.C
		if _, err := b.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	if !b.ended {
		t.Error("not at its end")
	}
}

func TestJSONBodies(t *testing.T) {
	t.Parallel()
	r := start(t, bodies(1<<20, nil))
	deep := strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100)
	for _, tt := range []struct {
		name, media, body string
		status            int
		code, field       string
	}{
		{"good", "application/json", `{"text":"a"}`, 200, "", ""},
		{"good, with charset", "application/json; charset=UTF-8", `{"text":"a"}`, 200, "", ""},
		{"good, some +json", "application/merge-patch+json", `{"text":"a"}`, 200, "", ""},
		{"form", "application/x-www-form-urlencoded", `text=a`, 415, "unsupported", ""},
		{"plain text", "text/plain", `{"text":"a"}`, 415, "unsupported", ""},
		{"other charset", "application/json; charset=latin1", `{"text":"a"}`, 415, "unsupported", ""},
		{"empty", "application/json", "", 400, "malformed", ""},
		{"not JSON", "application/json", `hello`, 400, "malformed", ""},
		{"cut off", "application/json", `{"text":"a`, 400, "truncated", ""},
		{"cut off between", "application/json", `{"text":`, 400, "truncated", ""},
		{"two values", "application/json", `{"text":"a"}{}`, 400, "malformed", ""},
		{"trailing comma", "application/json", `{"text":"a",}`, 400, "malformed", ""},
		{"missing comma", "application/json", `{"text":"a" "x":1}`, 400, "malformed", ""},
		{"not UTF-8", "application/json", "{\"text\":\"\xff\xfe\"}", 400, "not-utf8", ""},
		{"raw NUL", "application/json", "{\"text\":\"a\x00b\"}", 400, "malformed", ""},
		{"escaped NUL", "application/json", `{"text":"a\u0000b"}`, 422, "invalid", "body.text"},
		{"deep", "application/json", `{"text":` + deep + `}`, 400, "malformed", ""},
		{"list", "application/json", `[]`, 422, "invalid", "body"},
		{"null", "application/json", `null`, 422, "invalid", "body"},
		{"wrong type", "application/json", `{"text":7}`, 422, "invalid", "body.text"},
		{"null value", "application/json", `{"text":null}`, 422, "invalid", "body.text"},
		{"missing", "application/json", `{}`, 422, "invalid", "body.text"},
		{"unknown field", "application/json", `{"text":"a","colour":"red"}`, 422, "invalid", "body.colour"},
		{"name in another case", "application/json", `{"text":"a","TEXT":"b"}`, 422, "invalid", "body.TEXT"},
		{"given twice", "application/json", `{"text":"a","text":"b"}`, 422, "invalid", "body.text"},
		{"field with dots", "application/json", `{"text":"a","a.b[0]":1}`, 422, "invalid", "body.a.b[0]"},
		{"hostile field name", "application/json", `{"text":"a","<img onerror=x>\n\u202e":1}`, 422, "invalid", "body.<img onerror=x>??"},
		{"a great many values", "application/json", `{"text":[` + strings.Repeat("1,", 60_000) + `1]}`, 413, "too-large", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, _ := http.NewRequest("POST", r.base+"/api/text", strings.NewReader(tt.body))
			a := r.do(req, "Content-Type: "+tt.media)
			if a.StatusCode != tt.status {
				t.Fatalf("got %d %s", a.StatusCode, a.text)
			}
			if tt.code == "" {
				return
			}
			p := a.problem(t)
			if p.Code != tt.code || p.Detail == "" || !strings.HasSuffix(p.Detail, ".") {
				t.Errorf("got %+v", p)
			}
			if tt.field != "" && (len(p.Errors) == 0 || p.Errors[0].Field != tt.field || p.Errors[0].Sentence == "") {
				t.Errorf("got errors %+v, want %s", p.Errors, tt.field)
			}
			for _, internal := range []string{"json:", "Go struct", "textIn", "unmarshal"} {
				if strings.Contains(a.text, internal) {
					t.Errorf("it tells %q: %s", internal, a.text)
				}
			}
		})
	}
	t.Run("no type", func(t *testing.T) {
		got := r.raw("POST /api/text HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n{\"text\":\"a\"}")
		if !strings.HasPrefix(got, "HTTP/1.1 415 ") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("one long line", func(t *testing.T) {
		if a := r.call("POST", "/api/text", `{"text":"`+strings.Repeat("x", 1<<20-100)+`"}`); a.StatusCode != 200 {
			t.Errorf("got %d", a.StatusCode)
		}
	})
}

func TestBodyFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		kind fault.Kind
	}{
		{io.ErrUnexpectedEOF, fault.Malformed},
		{&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, fault.Cancelled},
		{errors.New("cannot find crlf"), fault.Malformed},
	} {
		if got := fault.KindOf(bodyFault(tt.err)); got != tt.kind {
			t.Errorf("%v: got %v", tt.err, got)
		}
	}
}

func TestSizeForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{1: "1 bytes", 1500: "1500 bytes", 1 << 10: "1 KB", 1 << 20: "1 MB", 10 << 20: "10 MB", 2_000_000_000: "2 GB", 200_000_000: "200 MB", 1_000: "1 KB"} {
		if got := size(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
