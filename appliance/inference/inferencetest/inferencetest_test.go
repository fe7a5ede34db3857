package inferencetest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"chatets/appliance/inference/inferencetest"
)

const prompt = `Answer from these.
<passage number="1" document="a.md">
# Salt
Salt keeps food for weeks &amp; months. It is white.
</passage>
<passage number="2" title='b.md'>Water boils at a hundred degrees. It is wet.</passage>
<passage number='3'>Sugar melts slowly in the pan!</passage>`

// An answer is what a stream said, read with as little knowledge as possible.
type answer struct {
	status   int
	header   http.Header
	body     string
	text     string
	thinking string
	calls    string // names and arguments
	reason   string
	errored  string
	done     bool
	err      error // of reading
	pieces   int
}

// dialects are the bodies and readers of the three.
var dialects = []string{"ollama", "openai", "anthropic"}

func send(ctx context.Context, t *testing.T, s *inferencetest.Server, path string, body any) (*http.Response, error) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, "POST", s.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	return client.Do(req)
}

type turn map[string]any

func ask(ctx context.Context, t *testing.T, s *inferencetest.Server, dialect, model string, more map[string]any, turns ...turn) answer {
	t.Helper()
	body := map[string]any{"model": model, "messages": turns, "stream": true}
	path := "/api/chat"
	switch dialect {
	case "openai":
		path = "/v1/chat/completions"
	case "anthropic":
		path = "/v1/messages"
		body["max_tokens"] = 4096
		body["thinking"] = map[string]any{"type": "enabled", "budget_tokens": 1024}
	}
	for k, v := range more {
		body[k] = v
	}
	res, err := send(ctx, t, s, path, body)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	var raw bytes.Buffer
	lines := bufio.NewReader(io.TeeReader(res.Body, &raw))
	for {
		line, err := lines.ReadString('\n')
		a.line(strings.TrimRight(line, "\r\n"))
		if err != nil {
			if !errors.Is(err, io.EOF) {
				a.err = err
			}
			break
		}
	}
	a.body = raw.String()
	return a
}

func (a *answer) line(line string) {
	line = strings.TrimPrefix(line, "data: ")
	if line == "[DONE]" {
		a.done = true
		return
	}
	var c struct {
		Error   any    `json:"error"`
		Done    bool   `json:"done"`
		Reason  string `json:"done_reason"`
		Message struct {
			Content  string
			Thinking string
			Calls    []struct {
				Function struct {
					Name      string
					Arguments json.RawMessage
				}
			} `json:"tool_calls"`
		}
		Choices []struct {
			Delta struct {
				Content   string
				Reasoning string `json:"reasoning_content"`
				Calls     []struct {
					ID       string
					Function struct{ Name, Arguments string }
				} `json:"tool_calls"`
			}
			Finish string `json:"finish_reason"`
		}
		Type  string
		Block struct{ Name string } `json:"content_block"`
		Delta struct {
			Text, Thinking string
			JSON           string `json:"partial_json"`
			Stop           string `json:"stop_reason"`
		}
	}
	if json.Unmarshal([]byte(line), &c) != nil {
		return
	}
	if c.Error != nil {
		raw, _ := json.Marshal(c.Error)
		a.errored = string(raw)
	}
	before := len(a.text) + len(a.thinking)
	a.text += c.Message.Content + c.Delta.Text
	a.thinking += c.Message.Thinking + c.Delta.Thinking
	for _, call := range c.Message.Calls {
		a.calls += call.Function.Name + string(call.Function.Arguments)
	}
	for _, choice := range c.Choices {
		a.text += choice.Delta.Content
		a.thinking += choice.Delta.Reasoning
		a.reason += choice.Finish
		for _, call := range choice.Delta.Calls {
			a.calls += call.Function.Name + call.Function.Arguments
		}
	}
	a.calls += c.Block.Name + c.Delta.JSON
	a.reason += c.Reason + c.Delta.Stop
	a.done = a.done || c.Done || c.Type == "message_stop"
	if len(a.text)+len(a.thinking) > before {
		a.pieces++
	}
}

func user(text string) turn      { return turn{"role": "user", "content": text} }
func assistant(text string) turn { return turn{"role": "assistant", "content": text} }

func TestEachDialectStreams(t *testing.T) {
	t.Parallel()
	const model = "fake:think=3"
	s := inferencetest.New(t, model)
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			got := ask(t.Context(), t, s, dialect, model, nil, user(prompt))
			if want := "Salt keeps food for weeks & months [1]. Water boils at a hundred degrees [2]."; got.text != want {
				t.Errorf("got %q, want %q\n%s", got.text, want, got.body)
			}
			if got.thinking != "t1 t2 t3" {
				t.Errorf("thought %q", got.thinking)
			}
			if !got.done || got.status != 200 || got.err != nil || got.pieces < 10 {
				t.Errorf("got %+v", got)
			}
			if want := map[string]string{"ollama": "stop", "openai": "stop", "anthropic": "end_turn"}[dialect]; got.reason != want {
				t.Errorf("got reason %q, want %q", got.reason, want)
			}
		})
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in time", what)
		}
	}
}
