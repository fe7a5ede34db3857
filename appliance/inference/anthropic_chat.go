package inference

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

type messagesRequest struct {
	Model       string           `json:"model"`
	MaxTokens   int              `json:"max_tokens"`
	System      string           `json:"system,omitempty"`
	Messages    []messagesTurn   `json:"messages"`
	Stream      bool             `json:"stream"`
	Temperature *float64         `json:"temperature,omitempty"`
	Stop        []string         `json:"stop_sequences,omitempty"`
	Thinking    map[string]any   `json:"thinking,omitempty"`
	Tools       []map[string]any `json:"tools,omitempty"`
}

type messagesTurn struct {
	Role    string           `json:"role"`
	Content []map[string]any `json:"content"`
}

// Chat implements Client.
func (c *anthropic) Chat(ctx context.Context, r Request, out Sink) (Result, error) {
	a := c.s.newAnswer(r, out)
	if err := c.s.fits(r); err != nil {
		return a.end("", err)
	}
	in, space := anthropicRequest(r)
	f, err := c.s.stream(ctx, "/v1/messages", in)
	if err != nil {
		return a.end("", err)
	}
	defer f.Close()
	a.from(f)
	m := &messagesReader{s: c.s, a: a, f: f, space: space}
	return a.end(m.read())
}

// anthropicRequest is what is sent for r. space is what had to be taken off the end
// of the answer to be gone on with, since the interface refuses it there.
func anthropicRequest(r Request) (in messagesRequest, space string) {
	in = messagesRequest{Model: r.Model, MaxTokens: r.MaxTokens, Stream: true, Temperature: r.Temperature, Stop: r.Stop, Messages: []messagesTurn{}}
	if in.MaxTokens <= 0 {
		in.MaxTokens = anthropicTokens
		if r.Context > 0 {
			in.MaxTokens = max(1, min(in.MaxTokens, r.Context/2))
		}
	}
	switch {
	case !r.Thinks || r.Think == ThinkDefault:
	case r.Think == ThinkOff || r.Prefix: // an answer that has begun cannot be thought about any more
		in.Thinking = map[string]any{"type": "disabled"}
	default:
		in.Thinking = map[string]any{"type": "enabled", "budget_tokens": anthropicThinks}
		in.MaxTokens += anthropicThinks
		in.Temperature = nil // refused together with thinking
	}
	if t := in.Temperature; t != nil && *t > 1 { // the hottest this interface knows
		hottest := 1.0
		in.Temperature = &hottest
	}
	in.Stop = slices.DeleteFunc(slices.Clone(in.Stop), func(s string) bool { return strings.TrimSpace(s) == "" }) // refused
	var system []string
	for i, m := range r.Messages {
		if m.Role == RoleSystem {
			if strings.TrimSpace(m.Content) != "" {
				system = append(system, m.Content)
			}
			continue
		}
		if r.Prefix && i == len(r.Messages)-1 {
			whole := m.Content
			m.Content = strings.TrimRight(whole, " \t\r\n")
			space = whole[len(m.Content):]
		}
		role, blocks := anthropicBlocks(m)
		switch last := len(in.Messages) - 1; {
		case len(blocks) == 0: // empty turns are refused
		case last >= 0 && in.Messages[last].Role == role: // and so are two of one role
			in.Messages[last].Content = append(in.Messages[last].Content, blocks...)
		default:
			in.Messages = append(in.Messages, messagesTurn{Role: role, Content: blocks})
		}
	}
	in.System = strings.Join(system, "\n\n")
	for _, t := range r.Tools {
		tool := map[string]any{"name": t.Name, "input_schema": schemaOr(t.Parameters)}
		if t.Description != "" {
			tool["description"] = t.Description
		}
		in.Tools = append(in.Tools, tool)
	}
	return in, space
}

// anthropicBlocks is a turn in the blocks of the interface. The results of tools are
// what the user says there.
func anthropicBlocks(m Message) (role string, blocks []map[string]any) {
	if m.Role == RoleTool {
		result := map[string]any{"type": "tool_result", "tool_use_id": m.Call}
		if m.Content != "" {
			result["content"] = m.Content
		}
		return RoleUser, []map[string]any{result}
	}
	for _, image := range m.Images {
		blocks = append(blocks, map[string]any{"type": "image", "source": map[string]any{
			"type": "base64", "media_type": imageType(image), "data": base64.StdEncoding.EncodeToString(image)}})
	}
	if strings.TrimSpace(m.Content) != "" {
		blocks = append(blocks, map[string]any{"type": "text", "text": m.Content})
	}
	for _, call := range m.Calls {
		blocks = append(blocks, map[string]any{"type": "tool_use", "id": call.ID, "name": call.Name, "input": json.RawMessage(orObject(call.Arguments))})
	}
	return m.Role, blocks
}
