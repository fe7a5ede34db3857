package inference

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// messagesEvent is an event of a stream of messages, or a whole message where a
// server does not stream.
type messagesEvent struct {
	Type    string           `json:"type"`
	Index   int              `json:"index"`
	Message *messagesWhole   `json:"message"`
	Block   *messagesBlock   `json:"content_block"`
	Delta   *messagesDelta   `json:"delta"`
	Usage   *messagesUsage   `json:"usage"`
	Content []*messagesBlock `json:"content"`     // of a whole message
	Stop    string           `json:"stop_reason"` // of a whole message
}

type messagesWhole struct {
	Usage *messagesUsage `json:"usage"`
}

type messagesBlock struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Thinking string          `json:"thinking"`
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Input    json.RawMessage `json:"input"`
}

type messagesDelta struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Thinking string          `json:"thinking"`
	Partial  json.RawMessage `json:"partial_json"` // a string with a part of an object
	Stop     string          `json:"stop_reason"`
}

type messagesUsage struct {
	Input   int `json:"input_tokens"`
	Output  int `json:"output_tokens"`
	Created int `json:"cache_creation_input_tokens"` // both were part of the prompt too
	Cached  int `json:"cache_read_input_tokens"`
}

// messagesReader reads one answer of messages.
type messagesReader struct {
	s     *link
	a     *answer
	f     *flow
	space string // the end of the prefix, with which the answer may begin again

	calls calls
	stop  string // why the answer ended, as the server says; "" = it did not yet
	done  bool   // the server has nothing more to say
}

// read reads the answer to its end and gives the reason for it.
func (m *messagesReader) read() (string, error) {
	body, err := opened(m.f)
	if err != nil {
		return "", err
	}
	if body.kind == bodyJSON {
		err = m.whole(body)
	} else {
		err = m.events(body)
	}
	if err != nil {
		return "", err
	}
	return m.ended()
}

func (m *messagesReader) events(body *body) error {
	events := newEvents(body)
	for !m.done {
		if !events.ready() {
			if err := m.a.flush(); err != nil {
				return err
			}
		}
		ev, err := events.next()
		switch {
		case err == nil:
		case errors.Is(err, errEventSize):
			return m.s.endless()
		case errors.Is(err, io.EOF) || m.stop != "" && m.f.parent.Err() == nil:
			return nil // whether that was an end is judged by what came
		default:
			return err
		}
		data := bytes.TrimSpace(ev.data)
		if len(data) == 0 || string(data) == "[DONE]" { // of gateways that turn OpenAI's stream into this one
			continue
		}
		if err := m.event(ev.name, data, ev.cut); err != nil {
			return err
		}
		if m.stop != "" {
			m.f.closing(afterEnd)
		}
	}
	m.f.finish()
	return nil
}

func (m *messagesReader) event(name string, data []byte, cut bool) error {
	if name == "error" || bytes.Contains(data, []byte(`"error"`)) {
		if err := m.s.said(200, data); err != nil {
			return err
		}
		if name == "error" {
			return m.s.told(200, failureWords(data))
		}
	}
	var ev messagesEvent
	if err := json.Unmarshal(data, &ev); err != nil {
		if cut {
			return m.s.cut(err)
		}
		return m.s.unreadable(m.f.header, data, err)
	}
	if ev.Type == "" {
		ev.Type = name
	}
	m.count(ev.Usage)
	switch ev.Type {
	case "message_start":
		if ev.Message != nil {
			m.count(ev.Message.Usage)
		}
	case "content_block_start":
		if ev.Block != nil {
			return m.block(&ev.Index, ev.Block)
		}
	case "content_block_delta":
		if ev.Delta != nil {
			return m.delta(ev.Index, ev.Delta)
		}
	case "message_delta":
		if ev.Delta != nil && ev.Delta.Stop != "" {
			m.stop = ev.Delta.Stop
		}
	case "message_stop":
		m.done = true
	}
	return nil // others, as ping, say nothing; and there will be more of them one day
}

func (m *messagesReader) count(u *messagesUsage) {
	if u == nil {
		return
	}
	m.a.res.PromptTokens = max(m.a.res.PromptTokens, u.Input+u.Created+u.Cached)
	m.a.res.OutputTokens = max(m.a.res.OutputTokens, u.Output)
}

// block takes the beginning of a block, or a whole one.
func (m *messagesReader) block(index *int, b *messagesBlock) error {
	switch b.Type {
	case "text":
		return m.text(b.Text)
	case "thinking":
		return m.a.thinking(b.Thinking)
	case "tool_use":
		arguments := b.Input
		if index != nil && strings.Trim(string(arguments), "{} \t\r\n") == "" {
			arguments = nil // the pieces follow
		}
		if err := m.a.part(len(arguments)); err != nil {
			return err
		}
		return m.calls.add(piece{Index: index, ID: b.ID, Name: b.Name, Arguments: arguments})
	}
	return nil
}

func (m *messagesReader) delta(index int, d *messagesDelta) error {
	switch d.Type {
	case "text_delta":
		return m.text(d.Text)
	case "thinking_delta":
		return m.a.thinking(d.Thinking)
	case "input_json_delta":
		if err := m.a.part(len(d.Partial)); err != nil {
			return err
		}
		return m.calls.add(piece{Index: &index, Arguments: d.Partial})
	}
	return nil
}

// text gives a piece on, without the space that stands at the end of the prefix
// already.
func (m *messagesReader) text(piece string) error {
	for m.space != "" && piece != "" {
		if piece[0] != m.space[0] {
			m.space = ""
			break
		}
		m.space, piece = m.space[1:], piece[1:]
	}
	return m.a.text(piece)
}

// whole reads an answer that came in one piece although a stream was asked for.
func (m *messagesReader) whole(body *body) error {
	raw, err := io.ReadAll(io.LimitReader(body, eventLimit+1))
	switch {
	case len(raw) > eventLimit:
		return m.s.endless()
	case err != nil:
		return err
	}
	if err := m.s.said(200, raw); err != nil {
		return err
	}
	var ev messagesEvent
	if err := json.Unmarshal(raw, &ev); err != nil {
		if json.Valid(raw) {
			return m.s.unreadable(m.f.header, raw, err)
		}
		return m.s.cut(err)
	}
	if ev.Type != "message" {
		return m.s.unreadable(m.f.header, raw, errors.New("no answer in it"))
	}
	m.count(ev.Usage)
	for _, b := range ev.Content {
		if b == nil {
			continue
		}
		if err := m.block(nil, b); err != nil {
			return err
		}
	}
	m.stop, m.done = ev.Stop, true
	return nil
}

// ended judges the end of the answer.
func (m *messagesReader) ended() (string, error) {
	switch {
	case m.stop == "" && !m.done:
		return "", m.s.cut(errors.New("the stream ended without a reason and without message_stop"))
	case m.stop == "" && m.a.pieces == 0:
		return "", m.s.broken(errors.New("the stream ended without a piece and without a reason")).
			Cure("The text may be too long for the context the model was loaded with. Look into the log of the server.")
	case m.stop == "max_tokens" || m.stop == "model_context_window_exceeded":
		return m.a.called(&m.calls, ReasonLength)
	}
	return m.a.called(&m.calls, ReasonStop)
}
