package inference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"chatets/appliance/fault"
)

const euros = "Grüße 😀 漢字 €"

// outcome is what a person has of an answer.
type outcome struct {
	text, thinking, reason, code string
	says                         string // part of the sentence of the failure
}

func (h *heard) check(t *testing.T, want outcome) {
	t.Helper()
	code := ""
	if h.err != nil {
		code = codeOf(h.err)
	}
	if code != want.code {
		t.Errorf("got the failure %q (%v), want %q", code, h.err, want.code)
	}
	if got := h.text.String(); got != want.text {
		t.Errorf("got the text %.80q (%d bytes), want %.80q (%d)", got, len(got), want.text, len(want.text))
	}
	if got := h.thinking.String(); got != want.thinking {
		t.Errorf("got the thinking %q, want %q", got, want.thinking)
	}
	if h.result.Reason != want.reason {
		t.Errorf("got the reason %q, want %q", h.result.Reason, want.reason)
	}
	if h.err == nil {
		return
	}
	r := fault.Of(h.err)
	if r.Cure == "" && r.Kind != fault.Cancelled || !strings.Contains(r.Sentence, want.says) {
		t.Errorf("got the sentence %q with the cure %q, want %q in it", r.Sentence, r.Cure, want.says)
	}
	if strings.Contains(r.Sentence+r.Cure, "key") && !strings.Contains(r.Sentence+r.Cure, "monkey") {
		t.Errorf("the token stands in %q", r.Sentence+r.Cure)
	}
}

func TestStreamsThatAreWhole(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, d dialect) {
		long := strings.Repeat(euros, 1<<15)
		hello := d.begin + d.text("Hel") + d.text("lo")
		for _, tt := range []struct {
			name, stream string
			want         outcome
		}{
			{"plain", hello + d.end(ReasonStop), outcome{text: "Hello", reason: ReasonStop}},
			{"at the limit", hello + d.end(ReasonLength), outcome{text: "Hello", reason: ReasonLength}},
			{"no piece but a reason", d.begin + d.end(ReasonStop), outcome{reason: ReasonStop}},
			{"no piece at the limit", d.begin + d.end(ReasonLength), outcome{reason: ReasonLength}},
			{"a reason and nothing more", hello + d.reason(ReasonStop), outcome{text: "Hello", reason: ReasonStop}},
			{"the end without a reason", hello + d.last, outcome{text: "Hello", reason: ReasonStop}},
			{"the last blank line is missing", strings.TrimRight(hello+d.reason(ReasonStop), "\n"), outcome{text: "Hello", reason: ReasonStop}},
			{"CRLF", strings.ReplaceAll(hello+d.end(ReasonStop), "\n", "\r\n"), outcome{text: "Hello", reason: ReasonStop}},
			{"CR", strings.ReplaceAll(hello+d.end(ReasonStop), "\n", "\r"), outcome{text: "Hello", reason: ReasonStop}},
			{"comments", ": ok\n\n" + strings.ReplaceAll(hello+d.end(ReasonStop), "\n\n", "\n\n: keep-alive\n\n"), outcome{text: "Hello", reason: ReasonStop}},
			{"data in more lines", strings.ReplaceAll(hello+d.end(ReasonStop), `":`, "\":\ndata:  "), outcome{text: "Hello", reason: ReasonStop}},
			{"other events", "event: news\ndata: {\"type\":\"news\",\"object\":\"x\"}\n\n" + hello + "event: more\ndata: {}\n\n" + d.end(ReasonStop), outcome{text: "Hello", reason: ReasonStop}},
			{"characters of many bytes", d.begin + d.text(euros) + d.end(ReasonStop), outcome{text: euros, reason: ReasonStop}},
			{"the word error", d.begin + d.text(`the "error" is {"error":"x"}`) + d.end(ReasonStop), outcome{text: `the "error" is {"error":"x"}`, reason: ReasonStop}},
			{"a giant piece", d.begin + d.text(long) + d.end(ReasonStop), outcome{text: long, reason: ReasonStop}},
			{"in one piece", d.whole("Hello"), outcome{text: "Hello", reason: ReasonStop}},
			{"in one piece after blank lines", "\r\n\n  " + d.whole("Hello"), outcome{text: "Hello", reason: ReasonStop}},
			{"thinking apart", d.begin + d.thinking("Hm") + d.thinking(", so") + d.text("Hello") + d.end(ReasonStop), outcome{thinking: "Hm, so", text: "Hello", reason: ReasonStop}},
			{"thinking inline", d.begin + d.text("<th") + d.text("ink>Hm") + d.text(", so</thi") + d.text("nk>\n\nHel") + d.text("lo") + d.end(ReasonStop), outcome{thinking: "Hm, so", text: "Hello", reason: ReasonStop}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				c := clientFor(t, d.kind, Limits{}, stream(tt.stream))
				h := ask1(t.Context(), c, question())
				h.check(t, tt.want)
				if tt.want.text != "" && (h.result.OutputTokens == 0 || h.result.FirstToken <= 0 || h.result.Took < h.result.FirstToken) {
					t.Errorf("the account is wrong: %+v", h.result)
				}
				if strings.Contains(tt.stream, "usage") && strings.Contains(tt.stream, d.last) && tt.name == "plain" && (h.result.PromptTokens != 9 || h.result.OutputTokens != 3) {
					t.Errorf("got %d and %d tokens, want 9 and 3", h.result.PromptTokens, h.result.OutputTokens)
				}
				if h.result.Server != "s1" || h.result.Model != "m" {
					t.Errorf("got server %q and model %q", h.result.Server, h.result.Model)
				}
			})
		}
	})
}

func TestAStreamMayBeCutAnywhereByTheNetwork(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, d dialect) {
		text := d.begin + d.thinking("Hm 漢") + d.text(euros) + d.end(ReasonStop)
		c := clientFor(t, d.kind, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range len(text) { // one byte, one packet
				_, _ = w.Write([]byte{text[i]})
				w.(http.Flusher).Flush()
			}
		}))
		ask1(t.Context(), c, question()).check(t, outcome{text: euros, thinking: "Hm 漢", reason: ReasonStop})
	})
}

func TestWhatBreaksInTheMiddleKeepsWhatCame(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, d dialect) {
		hel := d.begin + d.text("Hel")
		for _, tt := range []struct {
			name, stream string
			want         outcome
		}{
			{"no reason and no end", hel, outcome{text: "Hel", code: CodeCut}},
			{"nothing at all", "", outcome{code: CodeCut}},
			{"only comments", ": hello\n\n: bye\n\n", outcome{code: CodeCut}},
			{"inside of an event", hel + d.text("lo")[:len(d.text("lo"))-6], outcome{text: "Hel", code: CodeCut}},
			{"inside of a tag", d.begin + d.text("Hel") + d.text("lo <thi"), outcome{text: "Hello <thi", code: CodeCut}},
			{"inside of thinking", d.begin + d.text("<think>Hm, <") + d.text("/th"), outcome{thinking: "Hm, </th", code: CodeCut}},
			{"garbage", hel + "data: {]\n\n" + d.end(ReasonStop), outcome{text: "Hel", code: CodeBroken}},
			{"an error as object", hel + "data: " + d.failure("server_error", "CUDA error") + "\n\n", outcome{text: "Hel", code: CodeBroken}},
			{"an error and then the end", hel + "data: " + d.failure("server_error", "CUDA error") + "\n\n" + d.last, outcome{text: "Hel", code: CodeBroken}},
			{"an error as string", hel + "data: {\"error\":\"it broke\"}\n\n" + d.last, outcome{text: "Hel", code: CodeBroken}},
			{"an error event", hel + "event: error\ndata: " + d.failure("api_error", "broke") + "\n\n", outcome{text: "Hel", code: CodeBroken}},
			{"an error event of words", hel + "event: error\ndata: the engine died\n\n", outcome{text: "Hel", code: CodeBroken}},
			{"an error field", hel + "error: {\"code\":500,\"message\":\"broke\",\"type\":\"server_error\"}\n\n", outcome{text: "Hel", code: CodeBroken}},
			{"overloaded", hel + "event: error\ndata: " + d.failure("overloaded_error", "Overloaded") + "\n\n", outcome{text: "Hel", code: CodeBusy}},
			{"overloaded without a wrapping", hel + "event: error\ndata: {\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}\n\n", outcome{text: "Hel", code: CodeBusy}},
			{"over the context", hel + "data: " + d.failure("exceed_context_size_error", "request (5000 tokens) exceeds the available context size (4096 tokens)") + "\n\n",
				outcome{text: "Hel", code: CodeContext, says: "takes 4096 tokens, but this text needs 5000"}},
			{"out of memory", hel + "data: " + d.failure("server_error", "CUDA out of memory") + "\n\n", outcome{text: "Hel", code: CodeBroken, says: "memory"}},
			{"the end and nothing before", d.begin + d.last, outcome{code: CodeBroken}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				ask1(t.Context(), clientFor(t, d.kind, Limits{}, stream(tt.stream)), question()).check(t, tt.want)
			})
		}
		t.Run("the connection is gone", func(t *testing.T) {
			t.Parallel()
			c := clientFor(t, d.kind, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				stream(hel)(w, r)
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}))
			ask1(t.Context(), c, question()).check(t, outcome{text: "Hel", code: CodeCut})
		})
		t.Run("the connection is gone after the reason", func(t *testing.T) {
			t.Parallel()
			c := clientFor(t, d.kind, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				stream(hel+d.reason(ReasonStop))(w, r)
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}))
			ask1(t.Context(), c, question()).check(t, outcome{text: "Hel", reason: ReasonStop})
		})
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	page := "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
	eachDialect(t, func(t *testing.T, d dialect) {
		for _, tt := range []struct {
			name   string
			status int
			kind   string // content type
			body   string
			header map[string]string
			want   outcome
			retry  int
		}{
			{name: "200 with an error object", status: 200, kind: "application/json", body: d.failure("server_error", "it broke"), want: outcome{code: CodeBroken}},
			{name: "200 with an error string", status: 200, kind: "application/json", body: `{"error":"it broke"}`, want: outcome{code: CodeBroken}},
			{name: "200 with an error in a stream", status: 200, kind: "text/event-stream", body: `{"error":"Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough."}`,
				want: outcome{code: CodeContext, says: "takes 4096 tokens, but this text needs 5000"}},
			{name: "200 with a page", status: 200, kind: "text/html; charset=utf-8", body: page, want: outcome{code: CodeBroken, says: "web page"}},
			{name: "200 with a page in a stream", status: 200, kind: "text/event-stream", body: "\n" + page, want: outcome{code: CodeBroken, says: "web page"}},
			{name: "200 with words", status: 200, kind: "text/plain", body: "hello", want: outcome{code: CodeCut}},
			{name: "200 with half an object", status: 200, kind: "application/json", body: d.whole("Hello")[:40], want: outcome{code: CodeCut}},
			{name: "200 with another object", status: 200, kind: "application/json", body: `{"hello":"world"}`, want: outcome{code: CodeBroken}},
			{name: "200 with a list", status: 200, kind: "application/json", body: `[]`, want: outcome{code: CodeBroken}},
			{name: "204", status: 204, want: outcome{code: CodeCut}},
			{name: "400 with nothing", status: 400, want: outcome{code: CodeBroken}},
			{name: "400 over the context", status: 400, kind: "application/json", body: d.failure("invalid_request_error", "prompt is too long: 5000 tokens > 4096 maximum"),
				want: outcome{code: CodeContext, says: "takes 4096 tokens, but this text needs 5000"}},
			{name: "401", status: 401, kind: "application/json", body: d.failure("authentication_error", "invalid x-api-key"), want: outcome{code: CodeDenied}},
			{name: "403 with a page", status: 403, kind: "text/html", body: page, want: outcome{code: CodeDenied}},
			{name: "404 of a model", status: 404, kind: "application/json", body: d.failure("not_found_error", "The model `m` does not exist."), want: outcome{code: CodeModel}},
			{name: "404 of a path", status: 404, kind: "text/plain", body: "404 page not found", want: outcome{code: CodeBroken}},
			{name: "413 of a proxy", status: 413, kind: "text/html", body: page, want: outcome{code: CodeContext}},
			{name: "429", status: 429, kind: "application/json", body: d.failure("rate_limit_error", "slow down"), header: map[string]string{"Retry-After": "7"}, want: outcome{code: CodeBusy}, retry: 7},
			{name: "500 with a string", status: 500, kind: "application/json", body: `{"error":"it broke"}`, want: outcome{code: CodeBroken}},
			{name: "502 with a page", status: 502, kind: "text/html", body: page, want: outcome{code: CodeBroken, says: "web page"}},
			{name: "503", status: 503, kind: "application/json", body: d.failure("unavailable_error", "Loading model"), header: map[string]string{"Retry-After": "2"}, want: outcome{code: CodeBusy}, retry: 2},
			{name: "529", status: 529, kind: "application/json", body: d.failure("overloaded_error", "Overloaded"), want: outcome{code: CodeBusy}},
			{name: "a redirect elsewhere", status: 307, header: map[string]string{"Location": "http://127.0.0.1:1/v1"}, want: outcome{code: CodeBroken, says: "another address"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				c := clientFor(t, d.kind, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", tt.kind)
					for k, v := range tt.header {
						w.Header().Set(k, v)
					}
					w.WriteHeader(tt.status)
					_, _ = io.WriteString(w, tt.body)
				}))
				h := ask1(t.Context(), c, question())
				h.check(t, tt.want)
				if got := fault.Of(h.err).RetryAfter; got != tt.retry {
					t.Errorf("got to wait %d s, want %d", got, tt.retry)
				}
			})
		}
		t.Run("nobody there", func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			ask1(t.Context(), clientOf(t, d.kind, Limits{}, "http://"+l.Addr().String()), question()).check(t, outcome{code: CodeUnreachable})
		})
		t.Run("another certificate", func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(stream(""))
			server.Config.ErrorLog = nil
			server.StartTLS()
			t.Cleanup(server.Close)
			ask1(t.Context(), clientOf(t, d.kind, Limits{}, server.URL), question()).check(t, outcome{code: CodeCertificate})
		})
	})
}

func TestSilenceEnds(t *testing.T) {
	t.Parallel()
	short := Limits{FirstByte: 300 * time.Millisecond, Idle: 100 * time.Millisecond}
	eachDialect(t, func(t *testing.T, d dialect) {
		for _, tt := range []struct {
			name, stream, beat string
			limits             Limits
			want               outcome
		}{
			{"before the first piece", d.begin, "", short, outcome{code: CodeStalled, says: "begin"}},
			{"in the middle", d.begin + d.text("Hel"), "", short, outcome{text: "Hel", code: CodeStalled, says: "going on"}},
			{"signs of life but no piece", d.begin, ": alive\n\n", short, outcome{code: CodeStalled, says: "begin"}},
			{"signs of life in the middle", d.begin + d.text("Hel"), ": alive\n\n", short, outcome{text: "Hel", code: CodeStalled, says: "going on"}},
			{"after the reason", d.begin + d.text("Hel") + d.reason(ReasonStop), "", short, outcome{text: "Hel", reason: ReasonStop}},
			{"after the reason, with the limits of every day", d.begin + d.text("Hel") + d.reason(ReasonStop), "", Limits{}, outcome{text: "Hel", reason: ReasonStop}},
			{"after the end", d.begin + d.text("Hel") + d.end(ReasonStop), "", short, outcome{text: "Hel", reason: ReasonStop}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				gone := make(chan struct{})
				c := clientFor(t, d.kind, tt.limits, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(gone)
					_, _ = io.Copy(io.Discard, r.Body)
					stream(tt.stream)(w, r)
					beats := time.NewTicker(20 * time.Millisecond)
					defer beats.Stop()
					for {
						w.(http.Flusher).Flush()
						select {
						case <-r.Context().Done():
							return
						case <-beats.C:
							_, _ = io.WriteString(w, tt.beat)
						}
					}
				}))
				began := time.Now()
				ask1(t.Context(), c, question()).check(t, tt.want)
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("it took %v", took)
				}
				within(t, time.Second, "the server notices", gone)
			})
		}
	})
}

func TestWhatHasNoEndIsEnded(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, d dialect) {
		for _, tt := range []struct{ name, first, again string }{
			{"text", d.begin, d.text(strings.Repeat("and so on ", 1000))},
			{"thinking", d.begin, d.thinking(strings.Repeat("and so on ", 1000))},
			{"a call", d.begin + d.call(0, "a", "find", "{"), d.call(0, "", "", strings.Repeat("x", 10_000))},
			{"calls", d.begin, ""},
			{"a line", d.begin + "data: {\"choices\":\"", strings.Repeat("x", 10_000)},
			{"comments", d.begin, ": " + strings.Repeat("x", 10_000) + "\n\n"},
			{"an answer in one piece", d.whole("Hello")[:30], strings.Repeat("x", 10_000)},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				gone := make(chan struct{})
				c := clientFor(t, d.kind, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(gone)
					stream(tt.first)(w, r)
					for i := 0; ; i++ {
						again := tt.again
						if again == "" {
							again = d.call(i, fmt.Sprint("c", i), "find", "{}")
						}
						if _, err := io.WriteString(w, again); err != nil {
							return
						}
					}
				}))
				h := ask1(t.Context(), c, question())
				if codeOf(h.err) != CodeEndless || Sick(h.err) {
					t.Errorf("got %v (%s), want %s", h.err, codeOf(h.err), CodeEndless)
				}
				within(t, 5*time.Second, "the server notices", gone)
			})
		}
	})
}

func TestStopClosesTheConnection(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no more")
	eachDialect(t, func(t *testing.T, d dialect) {
		for _, tt := range []struct{ name, stream string }{
			{"before the answer", ""},
			{"before the first piece", d.begin},
			{"in the middle", d.begin + d.text("Hel")},
			{"by the sink", d.begin + d.text("Hel") + d.text("lo")},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				there, gone, back := make(chan struct{}), make(chan struct{}), make(chan struct{})
				c := clientFor(t, d.kind, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if tt.stream != "" {
						stream(tt.stream)(w, r)
						w.(http.Flusher).Flush()
					}
					close(there)
					<-r.Context().Done()
					close(gone)
				}))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				said, pieces := make(chan struct{}, 8), 0
				var err error
				go func() {
					defer close(back)
					_, err = c.Chat(ctx, question(), Sink{Text: func(string) error {
						pieces++
						said <- struct{}{}
						if tt.name == "by the sink" {
							return refusal
						}
						return nil
					}})
				}()
				within(t, 5*time.Second, "the server is asked", there)
				if strings.Contains(tt.stream, "Hel") {
					<-said
				}
				if tt.name != "by the sink" {
					cancel()
				}
				within(t, time.Second, "Chat returns", back)
				within(t, time.Second, "the server notices", gone)
				switch {
				case tt.name == "by the sink":
					if !errors.Is(err, refusal) || pieces != 1 {
						t.Errorf("got %v after %d pieces, want the sink's refusal after the first", err, pieces)
					}
				case !fault.Is(err, fault.Cancelled) || Sick(err) || Elsewhere(err):
					t.Errorf("got %v, want that it was stopped", err)
				}
			})
		}
	})
}

// It is not parallel: it counts what runs.
func TestNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, d := range dialects() {
		hel := d.begin + d.text("Hel")
		for _, text := range []string{hel + d.end(ReasonStop), hel + d.reason(ReasonStop), hel, "", d.whole("Hello"), `{"error":"x"}`, hel + "data: {]\n\n"} {
			func() {
				block := make(chan struct{})
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					stream(text)(w, r)
					if strings.HasPrefix(text, d.begin) && !strings.Contains(text, d.last) {
						w.(http.Flusher).Flush()
						<-block
					}
				}))
				transport := &http.Transport{}
				c, err := New(Server{Kind: d.kind, URL: server.URL, HTTP: &http.Client{Transport: transport}, Limits: Limits{Idle: 30 * time.Millisecond}})
				if err != nil {
					t.Fatal(err)
				}
				ask1(t.Context(), c, question())
				close(block)
				transport.CloseIdleConnections()
				server.Close()
			}()
		}
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
