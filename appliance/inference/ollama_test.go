package inference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"chatets/appliance/fault"
)

const ollamaEnd = `{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":9,"eval_count":3}` + "\n"

func ollamaText(s string) string {
	return `{"model":"m","created_at":"2026-01-02T03:04:05Z","message":{"role":"assistant","content":` + quoted(s) + `},"done":false}` + "\n"
}

func ollamaThinking(s string) string {
	return `{"model":"m","message":{"role":"assistant","content":"","thinking":` + quoted(s) + `},"done":false}` + "\n"
}

func ollamaCall(id, name, arguments string) string {
	return `{"message":{"role":"assistant","content":"","tool_calls":[{"id":` + quoted(id) + `,"function":{"index":0,"name":` + quoted(name) + `,"arguments":` + arguments + `}}]},"done":false}` + "\n"
}

func ollamaReason(reason string) string {
	return strings.Replace(ollamaEnd, `"stop"`, quoted(reason), 1)
}

// ndjson is a handler that answers a chat with lines.
func ndjson(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = io.WriteString(w, text)
	}
}

func TestOllamaStreams(t *testing.T) {
	t.Parallel()
	hel := ollamaText("Hel")
	long := strings.Repeat(euros, 1<<15)
	for _, tt := range []struct {
		name, stream string
		want         outcome
	}{
		{"plain", hel + ollamaText("lo") + ollamaEnd, outcome{text: "Hello", reason: ReasonStop}},
		{"the last line has text", hel + strings.Replace(ollamaEnd, `"content":""`, `"content":"lo"`, 1), outcome{text: "Hello", reason: ReasonStop}},
		{"no end of the last line", strings.TrimSpace(hel + ollamaEnd), outcome{text: "Hel", reason: ReasonStop}},
		{"CRLF and blank lines", strings.ReplaceAll(hel+ollamaText("lo")+ollamaEnd, "\n", "\r\n\r\n"), outcome{text: "Hello", reason: ReasonStop}},
		{"at the limit", hel + ollamaReason("length"), outcome{text: "Hel", reason: ReasonLength}},
		{"no piece but a reason", ollamaEnd, outcome{reason: ReasonStop}},
		{"a giant piece", ollamaText(long) + ollamaEnd, outcome{text: long, reason: ReasonStop}},
		{"the word error", ollamaText(`the "error": {"error":"x"}`) + ollamaEnd, outcome{text: `the "error": {"error":"x"}`, reason: ReasonStop}},
		{"an error that is none", strings.Replace(hel, `"model"`, `"error":null,"model"`, 1) + ollamaEnd, outcome{text: "Hel", reason: ReasonStop}},
		{"thinking apart", ollamaThinking("Hm") + ollamaThinking(", so") + hel + ollamaEnd, outcome{thinking: "Hm, so", text: "Hel", reason: ReasonStop}},
		{"thinking inline", ollamaText("<th") + ollamaText("ink>Hm, so</thi") + ollamaText("nk>\n\nHel") + ollamaEnd, outcome{thinking: "Hm, so", text: "Hel", reason: ReasonStop}},
		{"a tag after thinking apart is text", ollamaThinking("Hm") + ollamaText("<think> is a tag") + ollamaEnd, outcome{thinking: "Hm", text: "<think> is a tag", reason: ReasonStop}},

		{"no done", hel, outcome{text: "Hel", code: CodeCut}},
		{"nothing at all", "", outcome{code: CodeCut}},
		{"done by a load", ollamaReason("load"), outcome{code: CodeCut}},
		{"inside of a line", hel + ollamaText("lo")[:30], outcome{text: "Hel", code: CodeCut}},
		{"garbage", hel + "{]}\n" + ollamaEnd, outcome{text: "Hel", code: CodeBroken}},
		{"no lines but words", "hello\n", outcome{code: CodeBroken}},
		{"a page", "<!doctype html><html>Bad Gateway</html>", outcome{code: CodeBroken, says: "web page"}},
		{"an error in a line", hel + `{"error":"llama runner process no longer running: -1"}` + "\n", outcome{text: "Hel", code: CodeBroken}},
		{"an error of memory", hel + `{"error":"model requires more system memory (9 GiB) than is available (4 GiB)"}` + "\n", outcome{text: "Hel", code: CodeBroken, says: "memory"}},
		{"an error object in a line", hel + `{"error":{"message":"it broke"}}` + "\n", outcome{text: "Hel", code: CodeBroken}},
		{"an error and done", hel + `{"error":"it broke","done":true}` + "\n", outcome{text: "Hel", code: CodeBroken}},
		{"an error first", `{"error":"it broke"}`, outcome{code: CodeBroken}},
		{"over the context", `{"error":"the input length exceeds the context length","status":400}`, outcome{code: CodeContext}},
		{"arguments that are a list", ollamaCall("a", "find", "[1]") + ollamaEnd, outcome{code: CodeCall}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := ask1(t.Context(), clientFor(t, Ollama, Limits{}, ndjson(tt.stream)), question())
			h.check(t, tt.want)
			if h.err == nil && (h.result.PromptTokens != 9 || h.result.OutputTokens != 3) {
				t.Errorf("got %d and %d tokens, want 9 and 3", h.result.PromptTokens, h.result.OutputTokens)
			}
			if tt.want.text != "" && (h.result.FirstToken <= 0 || h.result.Took < h.result.FirstToken || h.result.OutputTokens == 0) {
				t.Errorf("the account is wrong: %+v", h.result)
			}
		})
	}
	t.Run("torn by the network", func(t *testing.T) {
		t.Parallel()
		text := ollamaThinking("Hm 漢") + ollamaText(euros) + ollamaEnd
		c := clientFor(t, Ollama, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for i := range len(text) {
				_, _ = w.Write([]byte{text[i]})
				w.(http.Flusher).Flush()
			}
		}))
		ask1(t.Context(), c, question()).check(t, outcome{text: euros, thinking: "Hm 漢", reason: ReasonStop})
	})
	t.Run("the connection is gone", func(t *testing.T) {
		t.Parallel()
		c := clientFor(t, Ollama, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ndjson(hel)(w, r)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}))
		ask1(t.Context(), c, question()).check(t, outcome{text: "Hel", code: CodeCut})
	})
}

// Thinking whose beginning the server keeps is known from the second answer on.
func TestOllamaLearnsThatThinkingComesFirst(t *testing.T) {
	t.Parallel()
	c := clientFor(t, Ollama, Limits{}, ndjson(ollamaText("Hm.\n</think>\n")+ollamaText("\nYes.")+ollamaEnd))
	ask1(t.Context(), c, question()).check(t, outcome{text: "Hm.\nYes.", reason: ReasonStop})
	ask1(t.Context(), c, question()).check(t, outcome{thinking: "Hm.", text: "Yes.", reason: ReasonStop})
}

func TestOllamaCalls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stream string
		want         []string
	}{
		{"one", ollamaCall("a", "find", `{"q":"größe","n":3}`), []string{`find {"q":"größe","n":3}`}},
		{"two with one id", ollamaCall("a", "find", `{"n":1}`) + ollamaCall("a", "find", `{"n":2}`), []string{`find {"n":1}`, `find {"n":2}`}},
		{"two without id", ollamaCall("", "find", `{"n":1}`) + ollamaCall("", "read", `{}`), []string{`find {"n":1}`, `read {}`}},
		{"arguments as text", ollamaCall("a", "find", `"{\"n\":1}"`), []string{`find {"n":1}`}},
		{"no arguments", ollamaCall("a", "find", `null`), []string{`find {}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := ask1(t.Context(), clientFor(t, Ollama, Limits{}, ndjson(tt.stream+ollamaEnd)), question())
			h.check(t, outcome{reason: ReasonTools})
			var got []string
			ids := map[string]bool{}
			for _, c := range h.calls {
				got = append(got, c.Name+" "+string(c.Arguments))
				ids[c.ID] = c.ID != ""
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) || len(ids) != len(tt.want) || ids[""] || len(h.result.Calls) != len(tt.want) {
				t.Errorf("got %v with the ids %v, want %v", got, ids, tt.want)
			}
		})
	}
}

func TestOllamaRequest(t *testing.T) {
	t.Parallel()
	var s sent
	c := clientFor(t, Ollama, Limits{}, s.keep(ndjson(ollamaEnd)))
	temperature, seed := 0.0, 7
	ask1(t.Context(), c, Request{Model: "m", Context: 4096, MaxTokens: 50, Temperature: &temperature, Seed: &seed, Stop: []string{"END"},
		Think: ThinkOff, Thinks: true, Sees: true, Prefix: true,
		Tools: []Tool{{Name: "find", Description: "finds", Parameters: json.RawMessage(`{"type":"object","required":["q"],"properties":{"q":{"type":"string"}}}`)}, {Name: "now"}},
		Messages: []Message{
			{Role: RoleSystem, Content: "Be short."},
			{Role: RoleUser, Content: "What is it?", Images: [][]byte{[]byte("\x89PNG")}},
			{Role: RoleAssistant, Thinking: "Hm", Calls: []Call{{ID: "a", Name: "find", Arguments: json.RawMessage(`{"q":"it"}`)}}},
			{Role: RoleTool, Call: "a", Tool: "find", Content: "a cat"},
			{Role: RoleAssistant, Content: "It is a"},
		}}).check(t, outcome{reason: ReasonStop})
	for _, want := range []struct{ path, value string }{
		{"model", `"m"`}, {"stream", "true"}, {"truncate", "false"}, {"shift", "false"}, {"think", "false"},
		{"options num_ctx", "4096"}, {"options num_predict", "50"}, {"options temperature", "0"}, {"options seed", "7"}, {"options stop", `["END"]`},
		{"messages 1 images 0", `"iVBORw=="`}, {"messages 2 thinking", `"Hm"`},
		{"messages 2 tool_calls 0 function arguments", `{"q":"it"}`}, {"messages 2 tool_calls 0 id", `"a"`},
		{"messages 3 tool_call_id", `"a"`}, {"messages 3 tool_name", `"find"`}, {"messages 3 role", `"tool"`},
		{"messages 4 role", `"assistant"`}, {"messages 4 content", `"It is a"`},
		{"tools 0 type", `"function"`}, {"tools 0 function parameters properties q type", `"string"`}, {"tools 1 function parameters type", `"object"`},
	} {
		if got := s.at(strings.Fields(want.path)...); got != want.value {
			t.Errorf("%s: got %s, want %s", want.path, got, want.value)
		}
	}
	h := s.raw["/api/chat"]
	if h.Get("Authorization") != "Bearer key" || h.Get("X-ChatETS-Instance") != "house" {
		t.Errorf("got the headers %v", h)
	}
	ask1(t.Context(), c, Request{Model: "m", Think: ThinkOff, Messages: []Message{{Role: RoleUser, Content: "x"}}})
	for _, none := range []string{"think", "options num_ctx", "options temperature", "tools", "keep_alive"} {
		if got := s.at(strings.Fields(none)...); got != "(none)" {
			t.Errorf("%s is sent although nobody asked: %s", none, got)
		}
	}
}

func TestOllamaRefusesBeforeItAsks(t *testing.T) {
	t.Parallel()
	c := clientFor(t, Ollama, Limits{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") }))
	for _, tt := range []struct {
		name, code string
		r          Request
	}{
		{"images for who does not see", CodeCannot, Request{Messages: []Message{{Role: RoleUser, Images: [][]byte{{1}}}}}},
		{"nothing", "invalid", Request{}},
		{"a schema that is none", "invalid", Request{Messages: question().Messages, Tools: []Tool{{Name: "x", Parameters: json.RawMessage(`7`)}}}},
	} {
		if h := ask1(t.Context(), c, tt.r); codeOf(h.err) != tt.code {
			t.Errorf("%s: got %v", tt.name, h.err)
		}
	}
}

func TestOllamaSilence(t *testing.T) {
	t.Parallel()
	short := Limits{FirstByte: 300 * time.Millisecond, Idle: 100 * time.Millisecond}
	patient := Limits{FirstByte: time.Minute, Idle: 100 * time.Millisecond}
	for _, tt := range []struct {
		name, stream string
		limits       Limits
		want         outcome
	}{
		{"before the answer", "", short, outcome{code: CodeStalled, says: "begin"}},
		{"in the middle", ollamaText("Hel"), patient, outcome{text: "Hel", code: CodeStalled, says: "going on"}},
		{"after the end", ollamaText("Hel") + ollamaEnd, patient, outcome{text: "Hel", reason: ReasonStop}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			gone := make(chan struct{})
			c := clientFor(t, Ollama, tt.limits, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(gone)
				_, _ = io.Copy(io.Discard, r.Body)
				if tt.stream != "" {
					ndjson(tt.stream)(w, r)
					w.(http.Flusher).Flush()
				}
				<-r.Context().Done()
			}))
			began := time.Now()
			ask1(t.Context(), c, question()).check(t, tt.want)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
			within(t, time.Second, "the server notices", gone)
		})
	}
	t.Run("a slow reader is not the server's silence", func(t *testing.T) {
		t.Parallel()
		c := clientFor(t, Ollama, short, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ndjson(ollamaText("Hel"))(w, r)
			w.(http.Flusher).Flush()
			ndjson(ollamaText("lo")+ollamaEnd)(w, r)
		}))
		var text strings.Builder
		_, err := c.Chat(t.Context(), question(), Sink{Text: func(s string) error {
			text.WriteString(s)
			busy := time.NewTimer(4 * short.Idle)
			<-busy.C
			return nil
		}})
		if err != nil || text.String() != "Hello" {
			t.Errorf("got %q, %v", text.String(), err)
		}
	})
}

func TestOllamaEndless(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, first, again string }{
		{"text", "", ollamaText(strings.Repeat("and so on ", 1000))},
		{"thinking", "", ollamaThinking(strings.Repeat("and so on ", 1000))},
		{"calls", "", ollamaCall("", "find", `{"q":"`+strings.Repeat("x", 10_000)+`"}`)},
		{"a line", `{"message":{"content":"`, strings.Repeat("x", 10_000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			gone := make(chan struct{})
			c := clientFor(t, Ollama, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(gone)
				ndjson(tt.first)(w, r)
				for {
					if _, err := io.WriteString(w, tt.again); err != nil {
						return
					}
				}
			}))
			h := ask1(t.Context(), c, question())
			if codeOf(h.err) != CodeEndless || Sick(h.err) {
				t.Errorf("got %v, want %s", h.err, CodeEndless)
			}
			within(t, 5*time.Second, "the server notices", gone)
		})
	}
}

func TestOllamaStop(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no more")
	for _, name := range []string{"before the answer", "in the middle", "by the sink"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there, gone, back := make(chan struct{}), make(chan struct{}), make(chan struct{})
			c := clientFor(t, Ollama, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if name != "before the answer" {
					ndjson(ollamaText("Hel")+ollamaText("lo"))(w, r)
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
					if name == "by the sink" {
						return refusal
					}
					return nil
				}})
			}()
			within(t, 5*time.Second, "the server is asked", there)
			switch name {
			case "in the middle":
				<-said
				cancel()
			case "before the answer":
				cancel()
			}
			within(t, time.Second, "Chat returns", back)
			within(t, time.Second, "the server notices", gone)
			switch {
			case name == "by the sink":
				if !errors.Is(err, refusal) || pieces != 1 {
					t.Errorf("got %v after %d pieces", err, pieces)
				}
			case !fault.Is(err, fault.Cancelled) || Sick(err) || Elsewhere(err):
				t.Errorf("got %v, want that it was stopped", err)
			}
		})
	}
}
