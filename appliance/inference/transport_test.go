package inference

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

// throughGate is a client behind a real gate that lets it reach only host.
func throughGate(t *testing.T, address, host string, pem []byte) Client {
	t.Helper()
	gate, err := egress.New(egress.Config{CAs: pem})
	if err != nil {
		t.Fatal(err)
	}
	if err := gate.Allow("model", []egress.Rule{{Purpose: "model:1", Host: host}}); err != nil {
		t.Fatal(err)
	}
	way := gate.Client("model:1")
	t.Cleanup(way.CloseIdleConnections)
	c, err := New(Server{ID: "1", Kind: Ollama, URL: address, HTTP: way})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheWayThroughTheGate(t *testing.T) {
	t.Parallel()
	version := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `{"version":"1"}`) }
	plain := httptest.NewServer(http.HandlerFunc(version))
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(version))
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	t.Cleanup(secure.Close)
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(secure.URL, "https://"))
	for _, tt := range []struct {
		name, address, host string
		ca                  []byte
		code, cure          string
	}{
		{"allowed", plain.URL, "127.0.0.1", nil, "", ""},
		{"with its certificate", secure.URL, "127.0.0.1", own, "", ""},
		{"not allowed", plain.URL, "10.9.9.9", nil, CodeUnreachable, "administrator"},
		{"without its certificate", secure.URL, "127.0.0.1", nil, CodeCertificate, "authority"},
		{"by a name that is not in its certificate", "https://localhost:" + port, "localhost", own, CodeCertificate, "name"},
		{"https where http is spoken", strings.Replace(plain.URL, "http:", "https:", 1), "127.0.0.1", nil, CodeUnreachable, "http://"},
		{"http where https is spoken", strings.Replace(secure.URL, "https:", "http:", 1), "127.0.0.1", nil, CodeUnreachable, "https://"},
		{"nobody there", "http://127.0.0.1:1", "127.0.0.1", nil, CodeUnreachable, "runs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := throughGate(t, tt.address, tt.host, tt.ca).Probe(t.Context())
			if tt.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			r := fault.Of(err)
			if err == nil || r.Code != tt.code || !strings.Contains(r.Cure, tt.cure) || r.Kind != fault.Unavailable {
				t.Errorf("got %v with the code %s and the cure %q; want %s and %q", err, r.Code, r.Cure, tt.code, tt.cure)
			}
			if !Elsewhere(err) || !Sick(err) {
				t.Error("another server is not tried")
			}
		})
	}
	t.Run("a certificate that has run out", func(t *testing.T) {
		t.Parallel()
		err := (&link{host: "h"}).network(&url.Error{Op: "Get", URL: "https://h", Err: x509.CertificateInvalidError{Reason: x509.Expired}})
		if r := fault.Of(err); r.Code != CodeCertificate || !strings.Contains(r.Cure, "clock") {
			t.Errorf("got %+v", r)
		}
	})
}

func TestPhases(t *testing.T) {
	t.Parallel()
	t.Run("no connection in time", func(t *testing.T) {
		t.Parallel()
		way := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		c, err := New(Server{Kind: Ollama, URL: "http://h", HTTP: &http.Client{Transport: way}, Limits: Limits{Connect: 50 * time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		for name, ask := range map[string]func() error{
			"probe": func() error { _, err := c.Probe(t.Context()); return err },
			"chat":  func() error { return ask1(t.Context(), c, question()).err },
		} {
			began := time.Now()
			if err := ask(); codeOf(err) != CodeUnreachable || time.Since(began) > 3*time.Second {
				t.Errorf("%s: got %v after %v", name, err, time.Since(began))
			}
		}
	})
	t.Run("a connection that stands is not bound by the time to connect", func(t *testing.T) {
		t.Parallel()
		c := clientFor(t, Ollama, Limits{Connect: 50 * time.Millisecond}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			late := time.NewTimer(200 * time.Millisecond)
			<-late.C
			ndjson(ollamaText("Hello")+ollamaEnd)(w, r)
		}))
		ask1(t.Context(), c, question()).check(t, outcome{text: "Hello", reason: ReasonStop})
	})
	for name, handler := range map[string]func(w http.ResponseWriter, r *http.Request){
		"a short request without an answer": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a short request in drops": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, " "); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				drop := time.NewTimer(10 * time.Millisecond)
				<-drop.C
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clientFor(t, Ollama, Limits{Short: 100 * time.Millisecond}, http.HandlerFunc(handler))
			began := time.Now()
			_, err := c.Probe(t.Context())
			if r := fault.Of(err); !Sick(err) || r.Cure == "" || time.Since(began) > 3*time.Second {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
	}
	t.Run("the caller's own limit", func(t *testing.T) {
		t.Parallel()
		c := clientFor(t, Ollama, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		h := ask1(ctx, c, question())
		if !fault.Is(h.err, fault.Unavailable) || Sick(h.err) || !errors.Is(h.err, context.DeadlineExceeded) {
			t.Errorf("got %v", h.err)
		}
	})
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host was asked: %s with the token %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	for _, tt := range []struct {
		name   string
		status int
		target string
		code   string
	}{
		{"another host", 307, elsewhere + "/api/chat", CodeBroken},
		{"another port", 307, other.URL + "/api/chat", CodeBroken},
		{"another scheme", 308, strings.Replace(elsewhere, "http:", "https:", 1), CodeBroken},
		{"itself, in a circle", 307, "/api/chat", CodeBroken},
		{"itself, as a form", 302, "/there", CodeBroken},
		{"nowhere", 307, "", CodeBroken},
		{"itself, as it was", 307, "/there", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("/api/chat", func(w http.ResponseWriter, r *http.Request) {
				if tt.target != "" {
					w.Header().Set("Location", tt.target)
				}
				w.WriteHeader(tt.status)
			})
			mux.HandleFunc("/there", ndjson(ollamaText("Hello")+ollamaEnd))
			h := ask1(t.Context(), clientFor(t, Ollama, Limits{}, mux), question())
			if tt.code == "" {
				h.check(t, outcome{text: "Hello", reason: ReasonStop})
				return
			}
			h.check(t, outcome{code: tt.code, says: "another address"})
			if u, err := url.Parse(tt.target); err == nil && u.Host != "" && !strings.Contains(fault.Of(h.err).Cure, u.Host) {
				t.Errorf("the cure does not name the address: %s", fault.Of(h.err).Cure)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	page := "<html><body>Bad Gateway</body></html>"
	for _, tt := range []struct {
		name   string
		status int
		header map[string]string
		body   string
		code   string
		says   string // in sentence or cure
		retry  int
	}{
		{name: "a string", status: 500, body: `{"error":"it broke"}`, code: CodeBroken, says: "“it broke”"},
		{name: "an object", status: 500, body: `{"error":{"message":"it broke","type":"server_error"}}`, code: CodeBroken, says: "it broke"},
		{name: "a detail", status: 400, body: `{"detail":"it broke"}`, code: CodeBroken, says: "it broke"},
		{name: "details that repeat the question", status: 422, body: `{"detail":[{"msg":"Field required","input":"a secret question"}]}`, code: CodeBroken, says: "Field required"},
		{name: "vLLM's", status: 404, body: `{"object":"error","message":"The model ` + "`m`" + ` does not exist.","type":"NotFoundError","code":404}`, code: CodeModel},
		{name: "words", status: 500, body: "it broke", code: CodeBroken, says: "it broke"},
		{name: "nothing", status: 500, code: CodeBroken},
		{name: "a page", status: 502, body: page, code: CodeBroken, says: "web page"},
		{name: "a page of a busy proxy", status: 503, body: page, header: map[string]string{"Retry-After": "9"}, code: CodeBusy, retry: 9},
		{name: "401", status: 401, code: CodeDenied, says: "token"},
		{name: "403", status: 403, body: `{"error":"no"}`, code: CodeDenied, says: "token"},
		{name: "403 of a foreign name", status: 403, code: CodeDenied, says: "OLLAMA_HOST"},
		{name: "407", status: 407, code: CodeDenied},
		{name: "404 of a model", status: 404, body: `{"error":"model 'm' not found"}`, code: CodeModel},
		{name: "404 of a path", status: 404, body: "404 page not found", code: CodeBroken, says: "kind"},
		{name: "405", status: 405, code: CodeBroken, says: "kind"},
		{name: "413", status: 413, body: page, code: CodeContext, says: "size"},
		{name: "429 in seconds", status: 429, header: map[string]string{"Retry-After": "7"}, code: CodeBusy, retry: 7},
		{name: "429 until a date", status: 429, header: map[string]string{"Date": "Mon, 02 Jan 2006 15:04:05 GMT", "Retry-After": "Mon, 02 Jan 2006 15:04:35 GMT"}, code: CodeBusy, retry: 30},
		{name: "429 in parts of seconds", status: 429, header: map[string]string{"Retry-After": "0.2"}, code: CodeBusy, retry: 1},
		{name: "429 for ages", status: 429, header: map[string]string{"Retry-After": "99999999999999999999"}, code: CodeBusy, retry: 3600},
		{name: "429 until yesterday", status: 429, header: map[string]string{"Retry-After": "Mon, 02 Jan 2006 15:04:05 GMT"}, code: CodeBusy},
		{name: "429 with nonsense", status: 429, header: map[string]string{"Retry-After": "soon"}, code: CodeBusy},
		{name: "429 with less than nothing", status: 429, header: map[string]string{"Retry-After": "-5"}, code: CodeBusy},
		{name: "503 while loading", status: 503, body: `{"error":{"message":"Loading model","type":"unavailable_error","code":503}}`, header: map[string]string{"Retry-After": "3"}, code: CodeBusy, retry: 3},
		{name: "503 of Ollama", status: 503, body: `{"error":"server busy, please try again.  maximum pending requests exceeded"}`, code: CodeBusy},
		{name: "no tools", status: 400, body: `{"error":"registry.ollama.ai/library/m:latest does not support tools"}`, code: CodeCannot, says: "does not support tools"},
		{name: "no eyes", status: 500, body: `{"error":{"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"}}`, code: CodeCannot},
		{name: "no memory", status: 500, body: `{"error":"model requires more system memory (9.1 GiB) than is available (4.0 GiB)"}`, code: CodeBroken, says: "memory"},
		{name: "context", status: 400, body: `{"error":"the input length exceeds the context length"}`, code: CodeContext, says: "Shorten"},
		{name: "the token in it", status: 500, body: `{"error":"token key is odd"}`, code: CodeBroken, says: "token … is odd"},
		{name: "paths in it", status: 500, body: `{"error":"open /root/.ollama/models/x: no such file"}`, code: CodeBroken, says: "open … no such file"},
		{name: "a novel", status: 500, body: `{"error":"` + strings.Repeat("word ", 10_000) + `"}`, code: CodeBroken, says: "…"},
		{name: "lines and controls", status: 500, body: `{"error":"a\n\u0000b\u001b[31m"}`, code: CodeBroken, says: "“a b [31m”"},
		{name: "an endless text", status: 500, body: strings.Repeat("x", 1<<20), code: CodeBroken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := clientFor(t, Ollama, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				for k, v := range tt.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			h := ask1(t.Context(), c, question())
			r := fault.Of(h.err)
			if r.Code != tt.code || r.RetryAfter != tt.retry || r.Cure == "" {
				t.Errorf("got %s and %d s with the cure %q (%v); want %s and %d s", r.Code, r.RetryAfter, r.Cure, h.err, tt.code, tt.retry)
			}
			if !strings.Contains(r.Sentence+" "+r.Cure, tt.says) {
				t.Errorf("got %q and %q, want %q in it", r.Sentence, r.Cure, tt.says)
			}
			if r.Kind == fault.Unauthenticated || r.Kind == fault.Internal || len(r.Cure) > 600 || strings.Contains(h.err.Error(), "secret question") || strings.Contains(h.err.Error(), "/root/") {
				t.Errorf("got %v: %+v", h.err, r)
			}
		})
	}
}

func TestWholeAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, code string
	}{
		{"an error with 200", `{"error":"it broke"}`, CodeBroken},
		{"no JSON", "{{{", CodeBroken},
		{"another kind of JSON", `["a"]`, CodeBroken},
		{"nothing", "", CodeBroken},
		{"a page", "<!DOCTYPE html>", CodeBroken},
		{"more than there is", `{"models":[` + strings.Repeat(" ", bodyLimit) + `]}`, CodeEndless},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := clientFor(t, Ollama, Limits{}, ndjson(tt.body)).Models(t.Context()); err == nil || codeOf(err) != tt.code {
				t.Errorf("got %v, want %s", err, tt.code)
			}
		})
	}
}

// A connection serves one answer after the other; it is not made anew for each.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	c := clientFor(t, Ollama, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen[r.RemoteAddr] = true
		ndjson(ollamaText("Hello")+ollamaEnd)(w, r)
	}))
	for range 5 {
		ask1(t.Context(), c, question()).check(t, outcome{text: "Hello", reason: ReasonStop})
	}
	if len(seen) != 1 {
		t.Errorf("%d connections for 5 answers", len(seen))
	}
}

// It is not parallel: it counts what runs.
func TestOllamaLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, text := range []string{ollamaText("Hel") + ollamaEnd, ollamaText("Hel"), "", "{]}\n", `{"error":"x"}` + "\n", "hang", "hang first"} {
		block := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			switch text {
			case "hang":
				fmt.Fprint(w, ollamaText("Hel"))
				w.(http.Flusher).Flush()
				<-block
			case "hang first":
				<-block
			default:
				fmt.Fprint(w, text)
			}
		}))
		way := &http.Transport{}
		c, err := New(Server{Kind: Ollama, URL: server.URL, HTTP: &http.Client{Transport: way}, Limits: Limits{FirstByte: 50 * time.Millisecond, Idle: 30 * time.Millisecond, Short: 50 * time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		ask1(t.Context(), c, question())
		_, _ = c.Probe(t.Context())
		_, _ = c.Embed(t.Context(), "m", []string{"x"})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ask1(ctx, c, question())
		close(block)
		way.CloseIdleConnections()
		server.Close()
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}
