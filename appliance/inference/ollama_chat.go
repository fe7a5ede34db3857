package inference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/ollama/ollama/api"

	"chatets/appliance/fault"
)

// ollamaLine is one line of an answer. Message and arguments are read by types of
// our own, since the maker's refuse arguments that came as text.
type ollamaLine struct {
	api.ChatResponse
	Message *ollamaMessage  `json:"message"`
	Error   json.RawMessage `json:"error"`
	Status  int             `json:"status"`
}

type ollamaMessage struct {
	Content  string `json:"content"`
	Thinking string `json:"thinking"`
	Calls    []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

// Chat implements Client.
func (o *ollama) Chat(ctx context.Context, r Request, out Sink) (Result, error) {
	a := o.s.newAnswer(r, out)
	req, err := ollamaRequest(r)
	if err != nil {
		return a.end("", err)
	}
	f, err := o.s.stream(ctx, "/api/chat", req)
	if err != nil {
		return a.end("", err)
	}
	defer f.Close()
	a.from(f)
	return a.end(o.read(a, newLines(f)))
}

// read takes the lines of an answer until the one that says it is done, and gives
// the reason for its end.
func (o *ollama) read(a *answer, in *lines) (string, error) {
	var asked calls
	for {
		if !in.ready() {
			if err := a.flush(); err != nil {
				return "", err
			}
		}
		raw, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return "", o.s.cut(errors.New("the stream ended without done"))
		case errors.Is(err, errLineSize):
			return "", o.s.endless()
		case err != nil:
			return "", err
		}
		if s, plain := ollamaPiece(raw); plain {
			if err := a.both(s); err != nil {
				return "", err
			}
			continue
		}
		var line ollamaLine
		if err := json.Unmarshal(raw, &line); err != nil {
			if raw[0] == '{' && raw[len(raw)-1] != '}' {
				return "", o.s.cut(err) // the connection ended inside of the line
			}
			return "", o.s.unreadable(a.flow.header, raw, err)
		}
		if len(line.Error) > 0 {
			if err := o.s.said(statusOr(line.Status), raw); err != nil {
				return "", err
			}
		}
		if m := line.Message; m != nil {
			if err := a.thinking(m.Thinking); err != nil {
				return "", err
			}
			if err := a.text(m.Content); err != nil {
				return "", err
			}
			for _, c := range m.Calls {
				if err := a.part(len(c.Function.Arguments)); err != nil {
					return "", err
				}
				if err := asked.add(piece{ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments}); err != nil {
					return "", err
				}
			}
		}
		if line.Done {
			return o.done(a, &asked, line)
		}
	}
}

// done is the last line.
func (o *ollama) done(a *answer, asked *calls, line ollamaLine) (string, error) {
	a.res.PromptTokens, a.res.OutputTokens = line.PromptEvalCount, line.EvalCount
	switch line.DoneReason {
	case "load", "unload": // what a server says that took the messages for none
		return "", o.s.cut(fmt.Errorf("done because of %s", line.DoneReason))
	}
	reason := ReasonStop
	if line.DoneReason == "length" {
		reason = ReasonLength
	}
	whole, err := asked.all(reason == ReasonLength)
	if err != nil {
		return "", err
	}
	for _, c := range whole {
		if err := a.call(c); err != nil {
			return "", err
		}
	}
	if len(whole) > 0 {
		reason = ReasonTools
	}
	a.flow.finish()
	return reason, nil
}

func statusOr(status int) int {
	if status == 0 {
		return http.StatusOK
	}
	return status
}

// ollamaRequest is a request as Ollama takes it. It is told neither to cut the
// prompt nor to forget its beginning while writing: what fits is counted before,
// and what a server drops in silence nobody can say.
func ollamaRequest(r Request) (*api.ChatRequest, error) {
	yes, no := true, false
	req := &api.ChatRequest{Model: r.Model, Stream: &yes, Truncate: &no, Shift: &no, Options: map[string]any{}}
	set := func(key string, value any, given bool) {
		if given {
			req.Options[key] = value
		}
	}
	set("num_ctx", r.Context, r.Context > 0)
	set("num_predict", r.MaxTokens, r.MaxTokens > 0)
	set("stop", r.Stop, len(r.Stop) > 0)
	if r.Temperature != nil {
		req.Options["temperature"] = *r.Temperature
	}
	if r.Seed != nil {
		req.Options["seed"] = *r.Seed
	}
	if r.Thinks && r.Think != ThinkDefault {
		req.Think = &api.ThinkValue{Value: r.Think == ThinkOn}
	}
	for _, m := range r.Messages {
		message, err := ollamaTurn(m, r.Sees)
		if err != nil {
			return nil, err
		}
		req.Messages = append(req.Messages, message)
	}
	if len(req.Messages) == 0 {
		return nil, fault.New(fault.Invalid, "There is nothing to ask the model.") // it would only be loaded
	}
	for _, t := range r.Tools {
		tool := api.Tool{Type: "function", Function: api.ToolFunction{Name: t.Name, Description: t.Description}}
		if err := json.Unmarshal(schemaOr(t.Parameters), &tool.Function.Parameters); err != nil {
			return nil, fault.New(fault.Invalid, "The parameters of the tool %s are no JSON schema of an object.", t.Name).Because(err)
		}
		req.Tools = append(req.Tools, tool)
	}
	return req, nil
}

func ollamaTurn(m Message, sees bool) (api.Message, error) {
	turn := api.Message{Role: m.Role, Content: m.Content, Thinking: m.Thinking, ToolCallID: m.Call, ToolName: m.Tool}
	if len(m.Images) > 0 && !sees {
		return turn, cannot("images")
	}
	for _, image := range m.Images {
		turn.Images = append(turn.Images, image)
	}
	for i, c := range m.Calls {
		call := api.ToolCall{ID: c.ID, Function: api.ToolCallFunction{Index: i, Name: c.Name}}
		arguments, err := object(c.Arguments)
		if err != nil {
			return turn, callBroken(c.Name, err)
		}
		if err := json.Unmarshal(arguments, &call.Function.Arguments); err != nil {
			return turn, callBroken(c.Name, err)
		}
		turn.ToolCalls = append(turn.ToolCalls, call)
	}
	return turn, nil
}

// schemaOr is a schema, that of an object without properties where there is none.
func schemaOr(schema json.RawMessage) json.RawMessage {
	if len(schema) == 0 {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	return schema
}
