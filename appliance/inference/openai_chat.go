package inference

import (
	"context"

	"chatets/appliance/fault"
)

// Chat implements Client.
func (o *openAI) Chat(ctx context.Context, r Request, out Sink) (Result, error) {
	a := o.s.newAnswer(r, out)
	in, err := o.request(ctx, r)
	if err != nil {
		return a.end("", err)
	}
	f, err := o.s.stream(ctx, "/v1/chat/completions", in)
	if err != nil {
		return a.end("", err)
	}
	defer f.Close()
	a.from(f)
	c := &chatReader{s: o.s, a: a, f: f}
	return a.end(c.read())
}

// request is what is sent for r.
func (o *openAI) request(ctx context.Context, r Request) (chatRequest, error) {
	if err := o.s.fits(r); err != nil {
		return chatRequest{}, err
	}
	in := chatRequest{Model: r.Model, Messages: chatMessages(r.Messages), Stream: true, StreamOptions: map[string]any{"include_usage": true},
		MaxTokens: r.MaxTokens, Temperature: r.Temperature, Seed: r.Seed, Stop: r.Stop, Tools: chatTools(r.Tools)}
	wish := r.Thinks && r.Think != ThinkDefault
	if !wish && !r.Prefix {
		return in, nil // any server of this interface understands that
	}
	f, err := o.flavour(ctx)
	if err != nil {
		return chatRequest{}, err
	}
	switch {
	case f.name == flavourVLLM || f.name == flavourLlamaCpp:
		if wish {
			in.TemplateArgs = thinkArgs(r.Think == ThinkOn)
		}
	case wish && r.Think == ThinkOff:
		in.ReasoningEffort = "none"
	case wish:
		in.ReasoningEffort = "medium"
	}
	if !r.Prefix {
		return in, nil
	}
	switch f.name {
	case flavourVLLM:
		yes, no := true, false
		in.ContinueFinal, in.AddGeneration = &yes, &no
	case flavourLlamaCpp: // it refuses to go on with an answer of a model that would think first
		in.TemplateArgs = thinkArgs(false)
	}
	return in, nil
}

// thinkArgs are the names by which chat templates ask whether to think; they ignore
// those they do not know.
func thinkArgs(on bool) map[string]bool {
	return map[string]bool{"enable_thinking": on, "thinking": on}
}

// fits refuses what the model or the dialect cannot do, before anything is sent.
func (s *link) fits(r Request) error {
	if len(r.Messages) == 0 {
		return fault.New(fault.Invalid, "There is nothing to ask the model.")
	}
	if last := r.Messages[len(r.Messages)-1]; r.Prefix && last.Role != RoleAssistant {
		return fault.New(fault.Invalid, "There is no answer to go on with.").Code("no-prefix")
	}
	for _, m := range r.Messages {
		if len(m.Images) > 0 && !r.Sees {
			return cannot("images")
		}
	}
	return nil
}
