package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"chatets/appliance/client"
	"chatets/appliance/fault"
)

// listen serves h on a socket and returns its path; deep makes a path that is
// longer than a socket address.
func listen(t *testing.T, h http.Handler, deep bool) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "client")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	reach := filepath.Join(dir, "s")
	ln, err := net.Listen("unix", reach)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	socket := reach
	if deep {
		folder := filepath.Join(dir, strings.Repeat("a-long-name/", 12))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		socket = filepath.Join(folder, "s")
		if err := os.Rename(reach, socket); err != nil {
			t.Fatal(err)
		}
		if len(socket) <= 107 {
			t.Fatalf("the path is short: %s", socket)
		}
	}
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return socket
}

// dial is a client that gives its connections up at the end of the test.
func dial(t *testing.T, socket, owner string) *client.Client {
	t.Helper()
	c := client.New(socket, owner)
	t.Cleanup(c.Close)
	return c
}

func problem(w http.ResponseWriter, status int, more string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"x","title":"y","status":%d,"request":"r-1"%s}`, status, more)
}

func TestCall(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(map[string]string{"body": string(body), "type": r.Header.Get("Content-Type"), "owner": r.Header.Get("X-Chatets-Owner")})
	})
	mux.HandleFunc("DELETE /api/echo", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("GET /api/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://evil.test/", http.StatusFound)
	})
	mux.HandleFunc("GET /api/garbage", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"half":`) })
	for _, deep := range []bool{false, true} {
		socket := listen(t, mux, deep)
		c := dial(t, socket, "ana@clinic.test")
		if err := c.Probe(t.Context()); err != nil {
			t.Errorf("probe: %v", err)
		}
		var got map[string]string
		if err := c.Call(t.Context(), "POST", "/api/echo", map[string]int{"n": 1}, &got); err != nil {
			t.Fatal(err)
		}
		if got["body"] != `{"n":1}` || got["type"] != "application/json" || got["owner"] != "ana@clinic.test" {
			t.Errorf("got %v", got)
		}
		if err := c.Call(t.Context(), "DELETE", "/api/echo", nil, nil); err != nil {
			t.Errorf("no content: %v", err)
		}
		var out any
		if err := c.Call(t.Context(), "GET", "/api/garbage", nil, &out); !fault.Is(err, fault.Internal) || !strings.Contains(fault.Of(err).Cure, "same version") {
			t.Errorf("garbage: %v", err)
		}
		if err := c.Call(t.Context(), "GET", "/api/moved", nil, &out); err == nil || strings.Contains(err.Error(), "evil") {
			t.Errorf("redirect: %v", err)
		}
	}
	if err := dial(t, "/nowhere", "a\r\nX-Evil: 1").Call(t.Context(), "GET", "/", nil, nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("an owner with a line break: got %v", err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status int
		more   string
		want   fault.Report
	}{
		{"what is wrong and what to do", 409, `,"code":"email-taken","detail":"There is one.","cure":"Take another."`,
			fault.Report{Kind: fault.Conflict, Code: "email-taken", Sentence: "There is one.", Cure: "Take another."}},
		{"fields", 422, `,"code":"invalid","detail":"Wrong.","errors":[{"field":"body.name","sentence":"Too long."}]`,
			fault.Report{Kind: fault.Invalid, Code: "invalid", Sentence: "Wrong.", Details: []fault.Detail{{Field: "body.name", Sentence: "Too long."}}}},
		{"a failure of the service names the request", 500, `,"code":"internal","detail":"It failed.","cure":"Look."`,
			fault.Report{Kind: fault.Internal, Code: "internal", Sentence: "It failed.", Cure: "Look. Request: r-1"}},
		{"percent signs are no format", 404, `,"code":"not-found","detail":"No %d%s.","cure":"100 %"`,
			fault.Report{Kind: fault.NotFound, Code: "not-found", Sentence: "No %d%s.", Cure: "100 %"}},
		{"no sentence", 503, ``, fault.Report{Kind: fault.Unavailable, Code: "unavailable", Sentence: "The service answered with status 503.", Cure: "Look into its log."}},
		{"an unknown status", 418, ``, fault.Report{Kind: fault.Internal, Code: "internal", Sentence: "The service answered with status 418.", Cure: "Look into its log."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { problem(w, tt.status, tt.more) }), false), "")
			for name, err := range map[string]error{
				"call":   c.Call(t.Context(), "GET", "/", nil, nil),
				"upload": c.Upload(t.Context(), "/", strings.NewReader("x"), 1, nil, nil),
				"stream": c.Stream(t.Context(), "/", nil, func(client.Event) error { return nil }),
			} {
				got := fault.Of(err)
				if fmt.Sprint(got) != fmt.Sprint(tt.want) {
					t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
				}
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stale := listen(t, http.NotFoundHandler(), false)
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "stale")
	ln, err := net.Listen("unix", gone)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, socket string }{
		{"no file", filepath.Join(dir, "none")},
		{"no folder", filepath.Join(dir, "no/such/folder/s")},
		{"a deep folder that is not there", filepath.Join(dir, strings.Repeat("no/", 60), "s")},
		{"a file on the way", filepath.Join(plain, "s")},
		{"a plain file", plain},
		{"left behind by a killed service", gone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := dial(t, tt.socket, "").Probe(t.Context())
			if got := fault.Of(err); got.Code != client.Absent || got.Kind != fault.Unavailable {
				t.Errorf("got %v (%+v)", err, got)
			}
		})
	}
	if err := dial(t, stale, "").Probe(t.Context()); err != nil {
		t.Errorf("a service that answers with 404 is there: %v", err)
	}
}

// TestSilence has a service that takes connections and says nothing.
func TestSilence(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	socket := listen(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-held }), false)
	t.Cleanup(func() { close(held) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got := fault.Of(dial(t, socket, "").Probe(ctx)); got.Code != "service-silent" {
		t.Errorf("got %+v", got)
	}
}

// TestCutOff has a service that dies in the middle of its answer.
func TestCutOff(t *testing.T) {
	t.Parallel()
	c := dial(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "event: delta\ndata: {}\n\nevent: done\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}), false), "")
	var out any
	if got := fault.Of(c.Call(t.Context(), "GET", "/", nil, &out)); got.Code != "connection-lost" {
		t.Errorf("call: got %+v", got)
	}
	n := 0
	err := c.Stream(t.Context(), "/", nil, func(client.Event) error { n++; return nil })
	if got := fault.Of(err); got.Code != "connection-lost" || n != 1 {
		t.Errorf("stream: got %+v after %d events", got, n)
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	c := dial(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 1<<20 {
			problem(w, 413, `,"code":"too-large","detail":"The body is larger than 1 MB."`)
			return
		}
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		fmt.Fprintf(w, `{"read":%d,"declared":%d}`, len(text), r.ContentLength)
	}), false), "")
	big := strings.Repeat("x", 200_000)
	for _, tt := range []struct {
		name string
		body io.Reader
		size int64
		want string // "" = success
	}{
		{"whole", strings.NewReader(big), 200_000, ""},
		{"empty", strings.NewReader(""), 0, ""},
		{"size not known", strings.NewReader(big), -1, ""},
		{"shorter than it was", strings.NewReader(big), 200_001, "file-changed"},
		{"longer than it was", strings.NewReader(big), 199_999, "file-changed"},
		{"a broken disk", io.MultiReader(strings.NewReader(big), iotest.ErrReader(errors.New("input/output error"))), 400_000, "file-unreadable"},
		{"refused by its size, before it is sent", strings.NewReader(big), 4 << 30, "too-large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var sent int64
			var got struct{ Read, Declared int64 }
			err := c.Upload(t.Context(), "/", tt.body, tt.size, func(n int64) { sent = n }, &got)
			if tt.want != "" {
				if r := fault.Of(err); r.Code != tt.want {
					t.Errorf("got %v (%+v)", err, r)
				}
				if tt.want == "too-large" && sent > 0 {
					t.Errorf("%d bytes were sent in vain", sent)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Declared != tt.size || got.Read != sent {
				t.Errorf("got %+v, told of %d", got, sent)
			}
		})
	}
}
