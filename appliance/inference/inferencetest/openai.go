package inferencetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// openai is /v1/chat/completions.
type openai struct {
	*line
	req   Request
	field string // of thinking
	whole openaiDelta
}

type openaiDelta struct {
	Role             string       `json:"role,omitempty"`
	Content          *string      `json:"content,omitempty"`
	Reasoning        string       `json:"reasoning,omitempty"`
	ReasoningContent string       `json:"reasoning_content,omitempty"`
	Calls            []openaiCall `json:"tool_calls,omitempty"`
}

type openaiCall struct {
	Index    *int   `json:"index,omitempty"`
	ID       string `json:"id,omitempty"`
	Type     string `json:"type,omitempty"`
	Function struct {
		Name      string `json:"name,omitempty"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

type openaiChoice struct {
	Index   int          `json:"index"`
	Delta   *openaiDelta `json:"delta,omitempty"`
	Message *openaiDelta `json:"message,omitempty"`
	Finish  *string      `json:"finish_reason"`
}

type openaiUsage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

type openaiChunk struct {
	ID      string         `json:"id"`
	Object  string         `json:"object"`
	Created int64          `json:"created"`
	Model   string         `json:"model"`
	Choices []openaiChoice `json:"choices"`
	Usage   *openaiUsage   `json:"usage,omitempty"`
}

func (o *openai) chunk(d openaiDelta, finish *string) openaiChunk {
	return openaiChunk{ID: "chatcmpl-1", Object: "chat.completion.chunk", Created: time.Now().Unix(), Model: o.req.Model,
		Choices: []openaiChoice{{Delta: &d, Finish: finish}}}
}

func (o *openai) begin() error {
	if !o.req.Stream {
		return nil
	}
	if err := o.open("text/event-stream", true); err != nil || o.fault == "slowfirst" || o.fault == "zero" {
		return err
	}
	return o.event("", o.chunk(openaiDelta{Role: "assistant", Content: new(string)}, nil))
}

func (o *openai) say(p piece) error {
	var d openaiDelta
	switch {
	case p.kind == pieceText:
		d.Content = &p.text
	case p.kind == pieceThink && o.field == "reasoning":
		d.Reasoning = p.text
	case p.kind == pieceThink:
		d.ReasoningContent = p.text
	default:
		c := openaiCall{Index: &p.call.index}
		c.Function.Arguments = p.text
		if p.first {
			c.ID, c.Type, c.Function.Name = p.call.id, "function", p.call.name
		}
		d.Calls = []openaiCall{c}
	}
	if !o.req.Stream {
		o.add(d, p)
		return nil
	}
	return o.event("", o.chunk(d, nil))
}

// add puts a piece to an answer that is no stream.
func (o *openai) add(d openaiDelta, p piece) {
	o.whole.Reasoning += d.Reasoning
	o.whole.ReasoningContent += d.ReasoningContent
	if d.Content != nil {
		text := *d.Content
		if o.whole.Content != nil {
			text = *o.whole.Content + text
		}
		o.whole.Content = &text
	}
	for _, c := range d.Calls {
		if p.first {
			o.whole.Calls = append(o.whole.Calls, c)
			continue
		}
		o.whole.Calls[len(o.whole.Calls)-1].Function.Arguments += c.Function.Arguments
	}
}

func (o *openai) fail(message, form string) error {
	var body any = map[string]any{"message": message, "type": "InternalServerError", "code": 500}
	if form == "string" {
		body = message
	}
	if err := o.event("", map[string]any{"error": body}); err != nil {
		return err
	}
	return o.event("", "[DONE]")
}

func (o *openai) empty() error { return o.event("", o.chunk(openaiDelta{Content: new(string)}, nil)) }

func (o *openai) end(reason string, c counts) error {
	if reason == "tools" {
		reason = "tool_calls"
	}
	usage := &openaiUsage{c.prompt, c.output, c.prompt + c.output}
	if !o.req.Stream {
		o.whole.Role = "assistant"
		reply(o.w, http.StatusOK, openaiChunk{ID: "chatcmpl-1", Object: "chat.completion", Created: time.Now().Unix(), Model: o.req.Model,
			Choices: []openaiChoice{{Message: &o.whole, Finish: &reason}}, Usage: usage})
		return nil
	}
	if err := o.event("", o.chunk(openaiDelta{}, &reason)); err != nil {
		return err
	}
	if o.req.usage {
		last := o.chunk(openaiDelta{}, nil)
		last.Choices, last.Usage = []openaiChoice{}, usage
		if err := o.event("", last); err != nil {
			return err
		}
	}
	return o.event("", "[DONE]")
}

func (s *Server) chatOpenAI(w http.ResponseWriter, r *http.Request) {
	s.generate(w, r, func(l *line, m *model, req Request) voice {
		return &openai{line: l, req: req, field: m.field}
	})
}

// modelsV1 lists for OpenAI and for Anthropic; a header tells them apart.
func (s *Server) modelsV1(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []map[string]any{}
	anthropic := r.Header.Get("Anthropic-Version") != ""
	for _, m := range s.models {
		entry := map[string]any{"id": m.name, "object": "model", "created": 1767322800, "owned_by": "library"}
		switch {
		case anthropic:
			entry = map[string]any{"type": "model", "id": m.name, "display_name": m.name, "created_at": "2026-01-02T03:04:05Z"}
		case s.flavour == VLLM:
			entry["owned_by"], entry["max_model_len"], entry["root"] = "vllm", m.ctx, m.name
		case s.flavour == LlamaCpp:
			entry["owned_by"] = "llamacpp"
			entry["meta"] = map[string]any{"n_ctx_train": m.ctx, "n_params": 8_000_000_000, "size": 4_700_000_000, "n_embd": 4096}
		case s.flavour == LMStudio:
			entry["owned_by"] = "organization_owner"
		}
		list = append(list, entry)
	}
	body := map[string]any{"object": "list", "data": list}
	if anthropic {
		body = map[string]any{"data": list, "has_more": false}
		if len(list) > 0 {
			body["first_id"], body["last_id"] = list[0]["id"], list[len(list)-1]["id"]
		}
	}
	reply(w, http.StatusOK, body)
}

func (s *Server) embedOpenAI(w http.ResponseWriter, r *http.Request) {
	vectors, ok := s.vectors(w, r)
	if !ok {
		return
	}
	name, _ := json.Marshal(requestOf(r).Model)
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"object":"list","model":%s,"data":%s,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, name,
		list(vectors, func(v vector) string {
			return fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":%s}`, v.index, v.text)
		}), len(vectors), len(vectors))
}

func list(vectors []vector, one func(vector) string) string {
	parts := make([]string, len(vectors))
	for i, v := range vectors {
		parts[i] = one(v)
	}
	return "[" + strings.Join(parts, ",") + "]"
}
