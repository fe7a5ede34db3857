package inferencetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Request is one that came, as far as it could be read.
type Request struct {
	At     time.Time
	Method string
	Path   string
	Host   string
	Header http.Header
	Body   []byte // of what is JSON

	Model       string
	Messages    []Message // a system text of its own comes first
	Input       []string  // of embeddings
	Tools       []string  // names
	NumCtx      int       // Ollama
	MaxTokens   int
	Temperature *float64
	Seed        *int
	Stop        []string
	Think       string // "" not sent, else its value: "true", "false", "low", "enabled"
	Truncate    *bool
	Stream      bool
	KeepAlive   string
	usage       bool
	ownSystem   bool // it came in a field of its own
}

// Message is one turn of a request.
type Message struct {
	Role     string
	Content  string
	Thinking string
	Images   int
	Calls    []string // names of the tools the assistant asked for
	Result   bool     // of a tool
}

// Chat reports whether an answer was asked for.
func (r Request) Chat() bool {
	return r.Path == "/api/chat" || r.Path == "/v1/chat/completions" || r.Path == "/v1/messages"
}

// System is the system text.
func (r Request) System() string {
	var texts []string
	for _, m := range r.Messages {
		if m.Role == "system" {
			texts = append(texts, m.Content)
		}
	}
	return strings.Join(texts, "\n")
}

// User is the last text of the person.
func (r Request) User() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if m := r.Messages[i]; m.Role == "user" && !m.Result {
			return m.Content
		}
	}
	return ""
}

// wire is every dialect's request at once; their names do not collide.
type wire struct {
	Model    string          `json:"model"`
	Name     string          `json:"name"` // of /api/delete of old
	System   json.RawMessage `json:"system"`
	Messages []struct {
		Role       string          `json:"role"`
		Content    json.RawMessage `json:"content"`
		Thinking   string          `json:"thinking"`
		Images     []string        `json:"images"`
		ToolCalls  []wireCall      `json:"tool_calls"`
		ToolCallID string          `json:"tool_call_id"`
	} `json:"messages"`
	Input json.RawMessage `json:"input"`
	Tools []struct {
		Name     string `json:"name"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	} `json:"tools"`
	Options struct {
		NumCtx      int      `json:"num_ctx"`
		NumPredict  int      `json:"num_predict"`
		Temperature *float64 `json:"temperature"`
		Seed        *int     `json:"seed"`
		Stop        []string `json:"stop"`
	} `json:"options"`
	Think         json.RawMessage `json:"think"`
	Thinking      json.RawMessage `json:"thinking"`
	Effort        string          `json:"reasoning_effort"`
	Kwargs        map[string]any  `json:"chat_template_kwargs"`
	MaxTokens     int             `json:"max_tokens"`
	MaxCompletion int             `json:"max_completion_tokens"`
	Temperature   *float64        `json:"temperature"`
	Seed          *int            `json:"seed"`
	Stop          json.RawMessage `json:"stop"`
	StopSequences []string        `json:"stop_sequences"`
	Stream        *bool           `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Truncate  *bool           `json:"truncate"`
	KeepAlive json.RawMessage `json:"keep_alive"`
}

type wireCall struct {
	Function struct {
		Name string `json:"name"`
	} `json:"function"`
}

// read takes a request in, but for files.
func read(r *http.Request) (Request, error) {
	req := Request{At: time.Now(), Method: r.Method, Path: r.URL.Path, Host: r.Host, Header: r.Header}
	if strings.HasPrefix(r.URL.Path, "/api/blobs/") || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return req, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMost))
	if err != nil {
		return req, fmt.Errorf("read the request: %w", err)
	}
	req.Body = body
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return req, fmt.Errorf("the request is no JSON: %w", err)
	}
	req.fill(w)
	return req, nil
}

func (r *Request) fill(w wire) {
	r.Model = w.Model
	if r.Model == "" {
		r.Model = w.Name
	}
	if text, _ := content(w.System); text != "" && r.Path != "/api/create" {
		r.Messages = append(r.Messages, Message{Role: "system", Content: text})
		r.ownSystem = true
	}
	for _, m := range w.Messages {
		message := Message{Role: m.Role, Thinking: m.Thinking, Images: len(m.Images), Result: m.Role == "tool"}
		text, parts := content(m.Content)
		message.Content = text
		for _, p := range parts {
			switch p.Type {
			case "image", "image_url":
				message.Images++
			case "tool_use":
				message.Calls = append(message.Calls, p.Name)
			case "tool_result":
				message.Result = true
			case "thinking":
				message.Thinking += p.Thinking
			}
		}
		for _, c := range m.ToolCalls {
			message.Calls = append(message.Calls, c.Function.Name)
		}
		r.Messages = append(r.Messages, message)
	}
	r.Input = texts(w.Input)
	for _, t := range w.Tools {
		r.Tools = append(r.Tools, t.Name+t.Function.Name)
	}
	r.NumCtx = w.Options.NumCtx
	r.MaxTokens = max(w.Options.NumPredict, w.MaxTokens, w.MaxCompletion)
	r.Temperature, r.Seed = w.Temperature, w.Seed
	if r.Path == "/api/chat" {
		r.Temperature, r.Seed = w.Options.Temperature, w.Options.Seed
	}
	r.Stop = append(append(w.Options.Stop, w.StopSequences...), texts(w.Stop)...)
	r.Think = thinkOf(w)
	r.Truncate = w.Truncate
	r.Stream = w.Stream != nil && *w.Stream
	if strings.HasPrefix(r.Path, "/api/") && w.Stream == nil {
		r.Stream = true
	}
	r.KeepAlive = strings.Trim(string(w.KeepAlive), `"`)
	r.usage = w.StreamOptions.IncludeUsage
}

// thinkOf is the wish about thinking, wherever the dialect has it.
func thinkOf(w wire) string {
	var kind struct {
		Type string `json:"type"`
	}
	if len(w.Thinking) > 0 && json.Unmarshal(w.Thinking, &kind) == nil {
		return kind.Type
	}
	if w.Effort != "" {
		return w.Effort
	}
	if on, has := w.Kwargs["enable_thinking"]; has {
		return fmt.Sprint(on)
	}
	if text := strings.Trim(string(w.Think), `"`); text != "null" {
		return text
	}
	return ""
}

type part struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Name     string          `json:"name"`
	Thinking string          `json:"thinking"`
	Content  json.RawMessage `json:"content"`
}

// content is a string or a list of parts.
func content(raw json.RawMessage) (string, []part) {
	var text string
	if len(raw) == 0 || json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []part
	if json.Unmarshal(raw, &parts) != nil {
		return "", nil
	}
	for _, p := range parts {
		text += p.Text
		if inner, _ := content(p.Content); inner != "" {
			text += inner
		}
	}
	return text, parts
}

// texts is a string or a list of strings.
func texts(raw json.RawMessage) []string {
	var one string
	var many []string
	if len(raw) > 0 && json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	if len(raw) > 0 {
		_ = json.Unmarshal(raw, &many)
	}
	return many
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
