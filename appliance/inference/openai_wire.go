package inference

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// chatRequest is a request for chat completions. What is not asked for is not sent,
// since servers refuse fields and values they do not know.
type chatRequest struct {
	Model         string         `json:"model"`
	Messages      []chatMessage  `json:"messages"`
	Stream        bool           `json:"stream"`
	StreamOptions map[string]any `json:"stream_options"`
	MaxTokens     int            `json:"max_tokens,omitempty"`
	Temperature   *float64       `json:"temperature,omitempty"`
	Seed          *int           `json:"seed,omitempty"`
	Stop          []string       `json:"stop,omitempty"`
	Tools         []chatTool     `json:"tools,omitempty"`

	ReasoningEffort string          `json:"reasoning_effort,omitempty"`
	TemplateArgs    map[string]bool `json:"chat_template_kwargs,omitempty"`

	// vLLM goes on with a last message of the assistant only when told so twice.
	ContinueFinal *bool `json:"continue_final_message,omitempty"`
	AddGeneration *bool `json:"add_generation_prompt,omitempty"`
}

type chatMessage struct {
	Role    string     `json:"role"`
	Content any        `json:"content"` // a string, or parts where there are images
	Calls   []chatCall `json:"tool_calls,omitempty"`
	Call    string     `json:"tool_call_id,omitempty"`
}

type chatPart struct {
	Type  string     `json:"type"`
	Text  string     `json:"text,omitempty"`
	Image *chatImage `json:"image_url,omitempty"`
}

type chatImage struct {
	URL string `json:"url"`
}

type chatCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function chatFunction `json:"function"`
}

type chatFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type chatTool struct {
	Type     string       `json:"type"`
	Function chatToolSpec `json:"function"`
}

type chatToolSpec struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters"`
}

// chatChunk is a piece of an answer, or a whole one where a server does not stream.
type chatChunk struct {
	Model   string          `json:"model"`
	Choices []chatChoice    `json:"choices"`
	Usage   *chatUsage      `json:"usage"`
	Error   json.RawMessage `json:"error"`

	// An error some servers send without a wrapping of its own.
	Object  string `json:"object"`
	Message string `json:"message"`
}

type chatChoice struct {
	Delta   chatDelta  `json:"delta"`
	Message *chatDelta `json:"message"` // of an answer that does not stream
	Finish  string     `json:"finish_reason"`
}

type chatDelta struct {
	Content          chatText    `json:"content"`
	Reasoning        chatText    `json:"reasoning"`
	ReasoningContent chatText    `json:"reasoning_content"`
	Refusal          chatText    `json:"refusal"`
	Calls            []toolDelta `json:"tool_calls"`
	FunctionCall     *toolBody   `json:"function_call"` // of before there were several at once
}

// chatText is text given as a string, as null or as a list of parts.
type chatText string

// UnmarshalJSON implements json.Unmarshaler. What is no text is left out: a field
// nobody needs must not end an answer.
func (t *chatText) UnmarshalJSON(raw []byte) error {
	switch {
	case len(raw) > 0 && raw[0] == '"':
		return json.Unmarshal(raw, (*string)(t))
	case len(raw) > 0 && raw[0] == '[':
		var parts []struct {
			Text string `json:"text"`
		}
		if json.Unmarshal(raw, &parts) == nil {
			for _, p := range parts {
				*t += chatText(p.Text)
			}
		}
	}
	return nil
}

// toolDelta is a piece of a tool call.
type toolDelta struct {
	Index    *int     `json:"index"`
	ID       string   `json:"id"`
	Function toolBody `json:"function"`
}

type toolBody struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

func (d toolDelta) piece() piece {
	return piece{Index: d.Index, ID: d.ID, Name: d.Function.Name, Arguments: d.Function.Arguments}
}

type chatUsage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
}

// chatMessages are the turns as the interface wants them.
func chatMessages(all []Message) []chatMessage {
	out := make([]chatMessage, 0, len(all))
	for _, m := range all {
		c := chatMessage{Role: m.Role, Content: m.Content}
		switch {
		case m.Role == RoleTool:
			c.Call = m.Call
		case len(m.Images) > 0:
			parts := make([]chatPart, 0, len(m.Images)+1)
			if m.Content != "" {
				parts = append(parts, chatPart{Type: "text", Text: m.Content})
			}
			for _, image := range m.Images {
				parts = append(parts, chatPart{Type: "image_url", Image: &chatImage{URL: "data:" + imageType(image) + ";base64," + base64.StdEncoding.EncodeToString(image)}})
			}
			c.Content = parts
		}
		for _, call := range m.Calls {
			c.Calls = append(c.Calls, chatCall{ID: call.ID, Type: "function", Function: chatFunction{Name: call.Name, Arguments: string(orObject(call.Arguments))}})
		}
		if len(c.Calls) > 0 && m.Content == "" {
			c.Content = nil // some templates write an empty text as an empty turn
		}
		out = append(out, c)
	}
	return out
}

func chatTools(all []Tool) []chatTool {
	var out []chatTool
	for _, t := range all {
		out = append(out, chatTool{Type: "function", Function: chatToolSpec{Name: t.Name, Description: t.Description, Parameters: schemaOr(t.Parameters)}})
	}
	return out
}

// orObject is the arguments of a call, an empty object where there are none.
func orObject(raw json.RawMessage) json.RawMessage {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

// imageType is the type of an image by its first bytes. PNG and JPEG is all that a
// Message may hold; other types are passed on by their name.
func imageType(image []byte) string { return http.DetectContentType(image) }
