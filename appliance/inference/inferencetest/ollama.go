package inferencetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ollama is /api/chat.
type ollama struct {
	*line
	req       Request
	arguments strings.Builder
	whole     ollamaMessage // of an answer that is no stream
}

type ollamaMessage struct {
	Role     string       `json:"role"`
	Content  string       `json:"content"`
	Thinking string       `json:"thinking,omitempty"`
	Calls    []ollamaCall `json:"tool_calls,omitempty"`
}

type ollamaCall struct {
	ID       string `json:"id,omitempty"`
	Function struct {
		Index     int             `json:"index,omitempty"`
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
}

type ollamaChunk struct {
	Model   string        `json:"model"`
	Created time.Time     `json:"created_at"`
	Message ollamaMessage `json:"message"`
	Done    bool          `json:"done"`
	*ollamaEnd
}

type ollamaEnd struct {
	Reason          string        `json:"done_reason"`
	Total           time.Duration `json:"total_duration"`
	Load            time.Duration `json:"load_duration"`
	PromptEvalCount int           `json:"prompt_eval_count,omitempty"`
	PromptEval      time.Duration `json:"prompt_eval_duration"`
	EvalCount       int           `json:"eval_count"`
	Eval            time.Duration `json:"eval_duration"`
}

func (o *ollama) begin() error {
	o.whole.Role = "assistant"
	if !o.req.Stream {
		return nil
	}
	return o.open("application/x-ndjson", false)
}

func (o *ollama) say(p piece) error {
	message := ollamaMessage{Role: "assistant"}
	switch p.kind {
	case pieceThink:
		message.Thinking = p.text
	case pieceText:
		message.Content = p.text
	case pieceCall:
		o.arguments.WriteString(p.text)
		if !p.last {
			return nil
		}
		c := ollamaCall{ID: p.call.id}
		c.Function.Index, c.Function.Name, c.Function.Arguments = p.call.index, p.call.name, rawOr(o.arguments.String())
		o.arguments.Reset()
		message.Calls = []ollamaCall{c}
	}
	if !o.req.Stream {
		o.whole.Thinking += message.Thinking
		o.whole.Content += message.Content
		o.whole.Calls = append(o.whole.Calls, message.Calls...)
		return nil
	}
	return o.row(ollamaChunk{Model: o.req.Model, Created: time.Now().UTC(), Message: message})
}

func (o *ollama) fail(message, form string) error {
	var body any = message
	if form == "object" {
		body = map[string]any{"message": message, "code": 500}
	}
	return o.row(map[string]any{"error": body})
}

func (o *ollama) empty() error {
	return o.row(ollamaChunk{Model: o.req.Model, Created: time.Now().UTC(), Message: ollamaMessage{Role: "assistant"}})
}

func (o *ollama) end(reason string, c counts) error {
	if reason == "tools" {
		reason = "stop"
	}
	last := ollamaChunk{Model: o.req.Model, Created: time.Now().UTC(), Message: ollamaMessage{Role: "assistant"}, Done: true,
		ollamaEnd: &ollamaEnd{Reason: reason, Total: c.took, Load: c.load, PromptEvalCount: c.prompt, PromptEval: c.reading,
			EvalCount: c.output, Eval: c.took - c.load - c.reading}}
	if !o.req.Stream {
		last.Message = o.whole
		reply(o.w, http.StatusOK, last)
		return nil
	}
	return o.row(last)
}

// chatOllama is /api/chat; without messages it loads and unloads.
func (s *Server) chatOllama(w http.ResponseWriter, r *http.Request) {
	req := requestOf(r)
	if len(req.Messages) > 0 {
		s.generate(w, r, func(l *line, _ *model, req Request) voice { return &ollama{line: l, req: req} })
		return
	}
	m := s.find(req.Model)
	if m == nil {
		s.unknown(w, r, req.Model)
		return
	}
	reason := "load"
	if req.KeepAlive == "0" || req.KeepAlive == "0s" {
		s.drop(m)
		reason = "unload"
	} else if err := s.warm(r.Context(), m, req.NumCtx); err != nil {
		return
	}
	reply(w, http.StatusOK, ollamaChunk{Model: req.Model, Created: time.Now().UTC(), Message: ollamaMessage{Role: "assistant"}, Done: true,
		ollamaEnd: &ollamaEnd{Reason: reason}})
}

// rawOr is JSON as it stands, and what is none as a string.
func rawOr(text string) json.RawMessage {
	if raw := json.RawMessage(text); json.Valid(raw) {
		return raw
	}
	quoted, _ := json.Marshal(text)
	return quoted
}

func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

func details(m *model) map[string]any {
	return map[string]any{"parent_model": "", "format": "gguf", "family": "fake", "families": []string{"fake"},
		"parameter_size": "8.0B", "quantization_level": "Q4_K_M"}
}

func (s *Server) tags(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []map[string]any{}
	for _, m := range s.models {
		list = append(list, map[string]any{"name": m.name, "model": m.name, "modified_at": "2026-01-02T03:04:05Z",
			"size": 4_700_000_000, "digest": digest(m.name), "details": details(m)})
	}
	reply(w, http.StatusOK, map[string]any{"models": list})
}

func (s *Server) ps(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []map[string]any{}
	for _, m := range s.models {
		if !m.loaded {
			continue
		}
		list = append(list, map[string]any{"name": m.name, "model": m.name, "size": 4_700_000_000, "size_vram": 4_700_000_000,
			"digest": digest(m.name), "details": details(m), "expires_at": "2099-01-01T00:00:00Z", "context_length": m.held()})
	}
	reply(w, http.StatusOK, map[string]any{"models": list})
}

func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	req := requestOf(r)
	m := s.find(req.Model)
	if m == nil {
		s.unknown(w, r, req.Model)
		return
	}
	info := map[string]any{"general.architecture": "fake", "general.parameter_count": 8_000_000_000, "fake.context_length": m.ctx, "fake.embedding_length": max(m.embed, 4096)}
	if m.embed > 0 {
		info["fake.embedding_length"] = m.embed
	}
	reply(w, http.StatusOK, map[string]any{"license": "none", "modelfile": "FROM fake", "parameters": "", "template": "{{ .Prompt }}",
		"details": details(m), "model_info": info, "capabilities": m.capabilities(), "modified_at": "2026-01-02T03:04:05Z"})
}

func (p profile) capabilities() []string {
	if p.embed > 0 {
		return []string{"embedding"}
	}
	can := []string{"completion"}
	if p.vision {
		can = append(can, "vision")
	}
	if p.tools {
		can = append(can, "tools")
	}
	if p.think > 0 {
		can = append(can, "thinking")
	}
	return can
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{"version": "0.17.4"})
}

func (s *Server) embedOllama(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	vectors, ok := s.vectors(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	name, _ := json.Marshal(requestOf(r).Model)
	_, _ = fmt.Fprintf(w, `{"model":%s,"embeddings":%s,"total_duration":%d,"load_duration":0,"prompt_eval_count":%d}`,
		name, list(vectors, func(v vector) string { return v.text }), time.Since(began), len(vectors))
}
