package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/fault"
)

type downloadIn struct {
	Name   string `query:"name"`
	Type   string `query:"type" default:"text/plain"`
	Size   int    `query:"size" default:"5"`
	Real   int    `query:"real" default:"5"`
	Inline bool   `query:"inline"`
	Fail   bool   `query:"fail"`
}

type counted struct {
	io.Reader
	closed *atomic.Int32
	ctx    context.Context
	fail   bool
}

func (c *counted) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, errors.New("the context is over before the body is")
	}
	n, err := c.Reader.Read(p)
	if err == io.EOF && c.fail {
		return n, errors.New("the disk broke")
	}
	return n, err
}

func (c *counted) Close() error { c.closed.Add(1); return nil }

func downloads(closed *atomic.Int32) func(s *Server) {
	return func(s *Server) {
		HandleDownload(s.API, Route{Method: "GET", Path: "/api/file", ID: "readFile", Summary: "A file.", Access: Public},
			func(ctx context.Context, in *downloadIn) (File, error) {
				if in.Name == "missing" {
					return File{}, fault.New(fault.NotFound, "There is no such file.")
				}
				body := &counted{strings.NewReader(strings.Repeat("x", in.Real)), closed, ctx, in.Fail}
				return File{Name: in.Name, Type: in.Type, Size: int64(in.Size), Modified: time.Unix(1e9, 0), Body: body, Inline: in.Inline}, nil
			})
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	var closed atomic.Int32
	r := start(t, downloads(&closed))
	t.Run("whole", func(t *testing.T) {
		a := r.call("GET", "/api/file?name=notes.txt&size=3000000&real=3000000", "")
		if a.StatusCode != 200 || len(a.text) != 3_000_000 || a.ContentLength != 3_000_000 {
			t.Errorf("got %d, %d bytes, declared %d", a.StatusCode, len(a.text), a.ContentLength)
		}
		for h, want := range map[string]string{
			"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Last-Modified":       "Sun, 09 Sep 2001 01:46:40 GMT",
			"Content-Disposition": `attachment; filename="notes.txt"; filename*=UTF-8''notes.txt`,
		} {
			if got := a.Header.Get(h); got != want {
				t.Errorf("%s is %q, want %q", h, got, want)
			}
		}
		if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("policy %q", csp)
		}
	})
	t.Run("size unknown", func(t *testing.T) {
		if a := r.call("GET", "/api/file?name=a&size=-1&real=70000", ""); len(a.text) != 70_000 || a.ContentLength != -1 {
			t.Errorf("%d bytes, declared %d", len(a.text), a.ContentLength)
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		if a := r.call("HEAD", "/api/file?name=a", ""); a.StatusCode != 200 || a.text != "" || a.ContentLength != 5 {
			t.Errorf("got %d %q %d", a.StatusCode, a.text, a.ContentLength)
		}
	})
	t.Run("missing", func(t *testing.T) {
		if a := r.call("GET", "/api/file?name=missing", ""); a.problem(t).Status != 404 || a.Header.Get("Content-Disposition") != "" {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
	})
	for name, query := range map[string]string{"shorter than said": "size=100&real=5", "broken": "size=100&real=5&fail=true", "broken, size unknown": "size=-1&real=5&fail=true"} {
		t.Run(name, func(t *testing.T) {
			c := r.dial()
			fmt.Fprintf(c, "GET /api/file?name=a&%s HTTP/1.1\r\nHost: localhost\r\n\r\n", query)
			got, _ := io.ReadAll(c)
			if strings.HasSuffix(string(got), "0\r\n\r\n") || strings.Contains(string(got), "Content-Length: 5\r\n") {
				t.Errorf("a broken file looks whole: %q", got)
			}
			until(t, "it is in the log", func() bool { return strings.Contains(r.log.String(), "download cut off") })
		})
	}
	for _, tt := range []struct{ media, want, how string }{
		{"text/plain; charset=utf-8", "text/plain; charset=utf-8", "inline"},
		{"application/pdf", "application/pdf", "inline"},
		{"text/html", "text/html", "attachment"},
		{"image/svg+xml", "image/svg+xml", "attachment"},
		{"nonsense", "application/octet-stream", "attachment"},
		{"text/plain\r\nX-Evil: 1", "application/octet-stream", "attachment"},
		{"", "text/plain", "inline"},
	} {
		a := r.call("GET", "/api/file?name=a&inline=true&type="+url.QueryEscape(tt.media), "")
		if a.Header.Get("Content-Type") != tt.want || !strings.HasPrefix(a.Header.Get("Content-Disposition"), tt.how) || a.Header.Get("X-Evil") != "" {
			t.Errorf("%q: got %q %q", tt.media, a.Header.Get("Content-Type"), a.Header.Get("Content-Disposition"))
		}
	}
	until(t, "every body is closed", func() bool { return closed.Load() == 2+1+3+7 })
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, plain, want string }{
		{"notes.txt", "notes.txt", "notes.txt"},
		{`a"b.txt`, "a_b.txt", "a_b.txt"},
		{"a\r\nSet-Cookie: x=1.txt", "aSet-Cookie_ x=1.txt", "aSet-Cookie_ x=1.txt"},
		{"../../etc/passwd", "passwd", "passwd"},
		{`C:\Users\ada\plan.doc`, "plan.doc", "plan.doc"},
		{"a\x00b\x07.txt", "ab.txt", "ab.txt"},
		{"invoice\u202efdp.exe", "invoicefdp.exe", "invoicefdp.exe"},
		{"\u2066x\u2069\u200f.txt", "x.txt", "x.txt"},
		{"Übersicht – März.pdf", "_bersicht _ M_rz.pdf", "Übersicht – März.pdf"},
		{"دليل.txt", "____.txt", "دليل.txt"},
		{"100%.txt", "100_.txt", "100%.txt"},
		{"", "download", "download"},
		{"...", "download", "download"},
		{"/", "download", "download"},
		{".profile", "profile", "profile"},
		{"a\xffb", "a_b", "a_b"},
		{"  spaced  ", "spaced", "spaced"},
		{strings.Repeat("ü", 300) + ".pdf", strings.Repeat("_", 98) + ".pdf", strings.Repeat("ü", 98) + ".pdf"},
		{"page\u2028break", "page break", "page break"},
	} {
		got := disposition(tt.name, false)
		kind, params, err := mime.ParseMediaType(got)
		if err != nil || kind != "attachment" {
			t.Errorf("%q: %q: %v", tt.name, got, err)
			continue
		}
		if params["filename"] != tt.want {
			t.Errorf("%q: got %q, want %q", tt.name, params["filename"], tt.want)
		}
		if !strings.Contains(got, `filename="`+tt.plain+`"`) {
			t.Errorf("%q: %q lacks %q", tt.name, got, tt.plain)
		}
	}
}

func FuzzDisposition(f *testing.F) {
	for _, seed := range []string{"a.txt", "\"\r\n", "../x", "\u202e", "a\x00", strings.Repeat("€", 200), "%%", `\`, "a.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		header := disposition(name, false)
		for _, b := range []byte(header) {
			if b < ' ' || b > '~' {
				t.Fatalf("%q holds %q", header, b)
			}
		}
		if strings.Count(header, `"`) != 2 {
			t.Fatalf("%q has quotes inside", header)
		}
		_, params, err := mime.ParseMediaType(header)
		if err != nil {
			t.Fatalf("%q: %v", header, err)
		}
		got := params["filename"]
		if got == "" || len(got) > nameLimit || !utf8.ValidString(got) || strings.ContainsAny(got, `/\`) || got == "." || got == ".." {
			t.Fatalf("%q gives the name %q", name, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q keeps %q", name, r)
			}
		}
	})
}

func FuzzMediaType(f *testing.F) {
	for _, seed := range []string{"text/plain", "a/b; charset=x", "\r\n", "text/html;charset=\"\r\n\"", "a/b; x=\u202e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := mediaType(text)
		if strings.ContainsAny(got, "\r\n\x00") || !strings.Contains(got, "/") {
			t.Fatalf("%q gives %q", text, got)
		}
	})
}
