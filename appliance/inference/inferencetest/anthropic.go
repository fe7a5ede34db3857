package inferencetest

import (
	"net/http"
	"strings"
)

// anthropic is /v1/messages.
type anthropic struct {
	*line
	req    Request
	prompt int
	block  int // the one that is open, counted from 0; -1 none yet
	kind   int // of it
	whole  []map[string]any
	text   strings.Builder // of the block that is open, without a stream
}

func (a *anthropic) begin() error {
	a.block = -1
	if !a.req.Stream {
		return nil
	}
	if err := a.open("text/event-stream; charset=utf-8", true); err != nil {
		return err
	}
	err := a.event("message_start", map[string]any{"type": "message_start", "message": map[string]any{"id": "msg_1", "type": "message",
		"role": "assistant", "model": a.req.Model, "content": []any{}, "stop_reason": nil, "stop_sequence": nil,
		"usage": map[string]any{"input_tokens": a.prompt, "output_tokens": 1}}})
	if err != nil || a.fault == "zero" {
		return err
	}
	return a.event("ping", map[string]any{"type": "ping"})
}

type anthropicDelta struct {
	Type  string `json:"type"`
	Index int    `json:"index"`
	Delta any    `json:"delta"`
}

func (a *anthropic) say(p piece) error {
	if a.block < 0 || a.kind != p.kind || p.first {
		if err := a.next(p); err != nil {
			return err
		}
	}
	if !a.req.Stream {
		a.text.WriteString(p.text)
		return nil
	}
	var delta any
	switch p.kind {
	case pieceText:
		delta = struct {
			Type string `json:"type"`
			Text string `json:"text"`
		}{"text_delta", p.text}
	case pieceThink:
		delta = struct {
			Type     string `json:"type"`
			Thinking string `json:"thinking"`
		}{"thinking_delta", p.text}
	case pieceCall:
		delta = struct {
			Type string `json:"type"`
			JSON string `json:"partial_json"`
		}{"input_json_delta", p.text}
	}
	return a.event("content_block_delta", anthropicDelta{"content_block_delta", a.block, delta})
}

// next ends the block that is open and opens one for the piece.
func (a *anthropic) next(p piece) error {
	if err := a.stop(); err != nil {
		return err
	}
	a.block++
	a.kind = p.kind
	var block map[string]any
	switch p.kind {
	case pieceText:
		block = map[string]any{"type": "text", "text": ""}
	case pieceThink:
		block = map[string]any{"type": "thinking", "thinking": "", "signature": ""}
	case pieceCall:
		block = map[string]any{"type": "tool_use", "id": "toolu_" + p.call.id, "name": p.call.name, "input": map[string]any{}}
		if p.call.id == "" {
			delete(block, "id")
		}
	}
	if !a.req.Stream {
		a.whole = append(a.whole, block)
		return nil
	}
	return a.event("content_block_start", map[string]any{"type": "content_block_start", "index": a.block, "content_block": block})
}

// stop ends the block that is open.
func (a *anthropic) stop() error {
	if a.block < 0 {
		return nil
	}
	if !a.req.Stream {
		last := a.whole[len(a.whole)-1]
		switch a.kind {
		case pieceText:
			last["text"] = a.text.String()
		case pieceThink:
			last["thinking"], last["signature"] = a.text.String(), "c2lnbmVk"
		case pieceCall:
			last["input"] = rawOr(a.text.String())
		}
		a.text.Reset()
		return nil
	}
	if a.kind == pieceThink {
		err := a.event("content_block_delta", anthropicDelta{"content_block_delta", a.block, map[string]any{"type": "signature_delta", "signature": "c2lnbmVk"}})
		if err != nil {
			return err
		}
	}
	return a.event("content_block_stop", map[string]any{"type": "content_block_stop", "index": a.block})
}

func (a *anthropic) fail(message, form string) error {
	var body any = map[string]any{"type": "overloaded_error", "message": message}
	if form == "string" {
		body = message
	}
	return a.event("error", map[string]any{"type": "error", "error": body})
}

func (a *anthropic) empty() error { return a.say(piece{kind: pieceText}) }

func (a *anthropic) end(reason string, c counts) error {
	if err := a.stop(); err != nil {
		return err
	}
	reason = map[string]string{"stop": "end_turn", "length": "max_tokens", "tools": "tool_use"}[reason]
	if !a.req.Stream {
		reply(a.w, http.StatusOK, map[string]any{"id": "msg_1", "type": "message", "role": "assistant", "model": a.req.Model, "content": a.whole,
			"stop_reason": reason, "stop_sequence": nil, "usage": map[string]any{"input_tokens": c.prompt, "output_tokens": c.output}})
		return nil
	}
	err := a.event("message_delta", map[string]any{"type": "message_delta", "delta": map[string]any{"stop_reason": reason, "stop_sequence": nil},
		"usage": map[string]any{"output_tokens": c.output}})
	if err != nil {
		return err
	}
	return a.event("message_stop", map[string]any{"type": "message_stop"})
}

// chatAnthropic is /v1/messages, as strict as the original about what must be there.
func (s *Server) chatAnthropic(w http.ResponseWriter, r *http.Request) {
	req := requestOf(r)
	switch {
	case req.MaxTokens == 0:
		reply(w, http.StatusBadRequest, problem(r, "max_tokens: Field required"))
		return
	case len(req.Messages) == 0 || systemLater(req):
		reply(w, http.StatusBadRequest, problem(r, "messages: Unexpected role \"system\", or none at all"))
		return
	}
	s.generate(w, r, func(l *line, _ *model, req Request) voice {
		return &anthropic{line: l, req: req, prompt: prompt(req.Messages)}
	})
}

// systemLater reports a system text among the messages; its own field becomes
// the first message.
func systemLater(r Request) bool {
	from := 0
	if r.ownSystem {
		from = 1
	}
	for _, m := range r.Messages[from:] {
		if m.Role == "system" {
			return true
		}
	}
	return false
}
