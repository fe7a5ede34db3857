package inference

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
)

// afterEnd is how long a server may take from the end of an answer to its counts.
const afterEnd = time.Second

// chatReader reads one answer of chat completions.
type chatReader struct {
	s *link
	a *answer
	f *flow

	calls  calls
	finish string // why the answer ended, as the server says; "" = it did not yet
	done   bool   // the server has nothing more to say
}

// read reads the answer to its end and gives the reason for it.
func (c *chatReader) read() (string, error) {
	body, err := opened(c.f)
	if err != nil {
		return "", err
	}
	if body.kind == bodyJSON {
		err = c.whole(body)
	} else {
		err = c.events(body)
	}
	if err != nil {
		return "", err
	}
	return c.ended()
}

// events reads the answer event by event.
func (c *chatReader) events(body *body) error {
	events := newEvents(body)
	for {
		if !events.ready() {
			if err := c.a.flush(); err != nil {
				return err
			}
		}
		ev, err := events.next()
		switch {
		case err == nil:
		case errors.Is(err, errEventSize):
			return c.s.endless()
		case errors.Is(err, io.EOF) || c.finish != "" && c.f.parent.Err() == nil:
			return nil // whether that was an end is judged by what came
		default:
			return err
		}
		data := bytes.TrimSpace(ev.data)
		switch {
		case len(data) == 0:
			continue
		case string(data) == "[DONE]":
			c.done = true
			c.f.finish()
			return nil
		}
		if err := c.event(ev.name, data, ev.cut); err != nil {
			return err
		}
		if c.finish != "" {
			c.f.closing(afterEnd)
		}
	}
}

func (c *chatReader) event(name string, data []byte, cut bool) error {
	if name == "error" || bytes.Contains(data, []byte(`"error"`)) {
		if err := c.s.said(200, data); err != nil {
			return err
		}
		if name == "error" {
			return c.s.told(200, failureWords(data))
		}
	}
	if s, plain := chatPiece(data); plain {
		return c.a.both(s)
	}
	var chunk chatChunk
	if err := json.Unmarshal(data, &chunk); err != nil {
		if cut {
			return c.s.cut(err)
		}
		return c.s.unreadable(c.f.header, data, err)
	}
	return c.take(chunk)
}

// failureWords are the words of an error event that has none of the usual forms.
func failureWords(data []byte) string {
	var e struct {
		Message string `json:"message"`
		Type    string `json:"type"`
	}
	if json.Unmarshal(data, &e) == nil && e.Message+e.Type != "" {
		return join(e.Message, e.Type)
	}
	return string(data)
}

// take takes what is in a piece, or in a whole answer.
func (c *chatReader) take(chunk chatChunk) error {
	if u := chunk.Usage; u != nil {
		c.a.res.PromptTokens = max(c.a.res.PromptTokens, u.PromptTokens)
		c.a.res.OutputTokens = max(c.a.res.OutputTokens, u.CompletionTokens)
	}
	if len(chunk.Choices) == 0 {
		return nil
	}
	choice := chunk.Choices[0]
	delta := choice.Delta
	if choice.Message != nil {
		delta = *choice.Message
	}
	thinking := delta.ReasoningContent
	if thinking == "" {
		thinking = delta.Reasoning
	}
	if err := c.a.thinking(string(thinking)); err != nil {
		return err
	}
	if err := c.a.text(string(delta.Content) + string(delta.Refusal)); err != nil {
		return err
	}
	if f := delta.FunctionCall; f != nil {
		delta.Calls = append(delta.Calls, toolDelta{Function: *f})
	}
	for _, d := range delta.Calls {
		if err := c.a.part(len(d.Function.Arguments)); err != nil {
			return err
		}
		if err := c.calls.add(d.piece()); err != nil {
			return err
		}
	}
	switch choice.Finish {
	case "":
	case "error":
		return c.s.broken(errors.New("the answer ended with an error"))
	case "abort", "cancelled":
		return c.s.cut(errors.New("the server gave the answer up"))
	default:
		c.finish = choice.Finish
	}
	return nil
}

// whole reads an answer that came in one piece although a stream was asked for. Some
// gateways do that, and LM Studio and proxies put errors there.
func (c *chatReader) whole(body *body) error {
	raw, err := io.ReadAll(io.LimitReader(body, eventLimit+1))
	switch {
	case len(raw) > eventLimit:
		return c.s.endless()
	case err != nil:
		return err
	}
	if err := c.s.said(200, raw); err != nil {
		return err
	}
	var chunk chatChunk
	if err := json.Unmarshal(raw, &chunk); err != nil {
		if json.Valid(raw) {
			return c.s.unreadable(c.f.header, raw, err)
		}
		return c.s.cut(err)
	}
	if len(chunk.Choices) == 0 || chunk.Choices[0].Message == nil {
		return c.s.unreadable(c.f.header, raw, errors.New("no answer in it"))
	}
	c.done = true
	return c.take(chunk)
}

// ended judges the end of the answer.
func (c *chatReader) ended() (string, error) {
	reason := ReasonStop
	switch {
	case c.finish == "" && !c.done:
		return "", c.s.cut(errors.New("the stream ended without a reason and without [DONE]"))
	case c.finish == "" && c.a.pieces == 0:
		// LM Studio does that where the prompt is longer than the context.
		return "", c.s.broken(errors.New("the stream ended without a piece and without a reason")).
			Cure("The text may be too long for the context the model was loaded with. Look into the log of the server.")
	case c.finish == "length" || c.finish == "max_tokens" || c.finish == "model_length":
		reason = ReasonLength
	}
	return c.a.called(&c.calls, reason)
}

// called gives the calls of an answer that ended well, and its reason, which servers
// often name wrongly where there are calls.
func (a *answer) called(collected *calls, reason string) (string, error) {
	all, err := collected.all(reason == ReasonLength)
	if err != nil {
		return "", err
	}
	for _, call := range all {
		if err := a.call(call); err != nil {
			return "", err
		}
	}
	if len(all) > 0 && reason == ReasonStop {
		reason = ReasonTools
	}
	return reason, nil
}

// body is an answer of which the first byte is known.
type body struct {
	*bufio.Reader
	kind bodyKind
}

type bodyKind int

const (
	bodyEvents bodyKind = iota
	bodyJSON
)

// opened looks at the beginning of an answer, since what a server says of its type is
// often wrong: an error in JSON comes as a stream of events and a page as either.
func opened(f *flow) (*body, error) {
	b := &body{Reader: bufio.NewReaderSize(f, 4<<10)}
	for {
		first, err := b.Peek(1)
		if errors.Is(err, io.EOF) {
			return b, nil // nothing at all, which is judged as any end
		}
		if err != nil {
			return nil, err
		}
		switch first[0] {
		case ' ', '\t', '\r', '\n':
			_, _ = b.Discard(1)
			continue
		case '{', '[':
			b.kind = bodyJSON
		case '<':
			start, _ := b.Peek(16)
			return nil, f.link.unreadable(f.header, []byte(strings.ToLower(string(start))), errors.New("a page where an answer should be"))
		}
		return b, nil
	}
}
