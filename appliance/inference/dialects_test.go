package inference

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// dialect writes a stream of events as the servers of a kind do.
type dialect struct {
	kind     Kind
	path     string
	begin    string
	text     func(s string) string
	thinking func(s string) string
	call     func(index int, id, name, piece string) string
	end      func(reason string) string // with what follows it
	reason   func(reason string) string // without
	last     string
	whole    func(text string) string // an answer in one piece
	failure  func(kind, words string) string
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func dialects() map[string]dialect {
	openAI := dialect{
		kind: OpenAI, path: "/v1/chat/completions",
		begin: "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
		text: func(s string) string {
			return `data: {"choices":[{"index":0,"delta":{"content":` + quoted(s) + "}}]}\n\n"
		},
		thinking: func(s string) string {
			return `data: {"choices":[{"index":0,"delta":{"reasoning_content":` + quoted(s) + "}}]}\n\n"
		},
		call: func(index int, id, name, piece string) string {
			head := ""
			if name != "" {
				head = `"id":` + quoted(id) + `,"type":"function",`
				name = `"name":` + quoted(name) + ","
			}
			return fmt.Sprintf("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,%s\"function\":{%s\"arguments\":%s}}]}}]}\n\n", index, head, name, quoted(piece))
		},
		reason: func(reason string) string {
			return `data: {"choices":[{"index":0,"delta":{},"finish_reason":` + quoted(map[string]string{ReasonTools: "tool_calls"}[reason]+map[string]string{ReasonStop: "stop", ReasonLength: "length"}[reason]) + "}]}\n\n"
		},
		last: "data: [DONE]\n\n",
		whole: func(text string) string {
			return `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":` + quoted(text) + `},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}`
		},
		failure: func(kind, words string) string {
			return `{"error":{"message":` + quoted(words) + `,"type":` + quoted(kind) + `,"code":500}}`
		},
	}
	openAI.end = func(reason string) string {
		return openAI.reason(reason) + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n" + openAI.last
	}
	said := func(kind, rest string) string {
		return "event: " + kind + "\ndata: {\"type\":" + quoted(kind) + rest + "}\n\n"
	}
	anthropic := dialect{
		kind: Anthropic, path: "/v1/messages",
		begin: said("message_start", `,"message":{"id":"m","role":"assistant","content":[],"usage":{"input_tokens":5,"cache_read_input_tokens":4,"output_tokens":1}}`) +
			said("ping", ""),
		text: func(s string) string {
			return said("content_block_delta", `,"index":1,"delta":{"type":"text_delta","text":`+quoted(s)+"}")
		},
		thinking: func(s string) string {
			return said("content_block_delta", `,"index":0,"delta":{"type":"thinking_delta","thinking":`+quoted(s)+"}")
		},
		call: func(index int, id, name, piece string) string {
			out := ""
			if name != "" {
				out = said("content_block_start", fmt.Sprintf(`,"index":%d,"content_block":{"type":"tool_use","id":%s,"name":%s,"input":{}}`, index+2, quoted(id), quoted(name)))
			}
			return out + said("content_block_delta", fmt.Sprintf(`,"index":%d,"delta":{"type":"input_json_delta","partial_json":%s}`, index+2, quoted(piece)))
		},
		reason: func(reason string) string {
			return said("message_delta", `,"delta":{"stop_reason":`+quoted(map[string]string{ReasonStop: "end_turn", ReasonLength: "max_tokens"}[reason]+map[string]string{ReasonTools: "tool_use"}[reason])+`},"usage":{"output_tokens":3}`)
		},
		last: said("message_stop", ""),
		whole: func(text string) string {
			return `{"type":"message","role":"assistant","content":[{"type":"text","text":` + quoted(text) + `}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":3}}`
		},
		failure: func(kind, words string) string {
			return `{"type":"error","error":{"type":` + quoted(kind) + `,"message":` + quoted(words) + `}}`
		},
	}
	anthropic.end = func(reason string) string { return anthropic.reason(reason) + anthropic.last }
	return map[string]dialect{"openai": openAI, "anthropic": anthropic}
}

// eachDialect runs a test once for each.
func eachDialect(t *testing.T, test func(t *testing.T, d dialect)) {
	t.Helper()
	for name, d := range dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

// clientFor is a client of a server that answers with handler.
func clientFor(t *testing.T, kind Kind, limits Limits, handler http.Handler) Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return clientOf(t, kind, limits, server.URL)
}

func clientOf(t *testing.T, kind Kind, limits Limits, url string) Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := New(Server{ID: "s1", Kind: kind, URL: url, Token: "key", HTTP: &http.Client{Transport: transport}, Instance: "house", Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stream is a handler that sends text as a stream of events.
func stream(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, text)
	}
}

// heard is what came of an answer.
type heard struct {
	thinking, text strings.Builder
	calls          []Call
	result         Result
	err            error
}

// question is the smallest one.
func question() Request {
	return Request{Model: "m", Messages: []Message{{Role: RoleUser, Content: "Why?"}}}
}

func ask1(ctx context.Context, c Client, r Request) *heard {
	h := &heard{}
	h.result, h.err = c.Chat(ctx, r, Sink{
		Thinking: func(s string) error { h.thinking.WriteString(s); return nil },
		Text:     func(s string) error { h.text.WriteString(s); return nil },
		Call:     func(c Call) error { h.calls = append(h.calls, c); return nil },
	})
	return h
}

// sent keeps the requests that came.
type sent struct {
	mu  sync.Mutex
	all []string // "GET /v1/models"
	got map[string]any
	raw map[string]http.Header
}

// keep wraps a handler.
func (s *sent) keep(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if r.Body != nil {
			_ = json.NewDecoder(r.Body).Decode(&body)
		}
		s.mu.Lock()
		s.all = append(s.all, r.Method+" "+r.URL.RequestURI())
		if s.raw == nil {
			s.raw = map[string]http.Header{}
		}
		s.raw[r.URL.Path] = r.Header
		if body != nil {
			s.got = body
		}
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	}
}

// at gives a value of the last body: at("messages", "0", "content").
func (s *sent) at(path ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var v any = s.got
	for _, p := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[p]
		case []any:
			i, err := strconv.Atoi(p)
			if err != nil || i >= len(in) {
				return "(none)"
			}
			v = in[i]
		default:
			return "(none)"
		}
	}
	if v == nil {
		return "(none)"
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// within fails the test where what does not happen in time.
func within(t *testing.T, limit time.Duration, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("%s: not within %v", what, limit)
	}
}
