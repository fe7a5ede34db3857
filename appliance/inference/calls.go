package inference

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"chatets/appliance/fault"
)

// CodeCall is the code of a tool call that cannot be understood. It is the model
// that wrote it, so neither is the server sick nor would another do better.
const CodeCall = "tool-call-broken"

// Limits of the calls of one answer: above them a model repeats itself.
const (
	callLimit     = 128
	callsLimit    = 4 << 20 // bytes of all arguments
	callNameLimit = 256
)

// calls collects the tool calls of an answer. Servers give them whole or in pieces,
// tell pieces apart by an index, by an id or by nothing but their order, and some
// give every call index 0 or the same id.
type calls struct {
	list []*pieces
	size int
}

// pieces is what came of one call.
type pieces struct {
	index     int // -1 where the server gave none
	id, name  string
	arguments []byte

	depth           int // of the braces and brackets that are open
	quoted, escaped bool
	whole           bool // the object was closed
}

// piece is a part of a call as a server sends it, or a whole one.
type piece struct {
	Index     *int
	ID        string
	Name      string
	Arguments json.RawMessage // a string with a part of an object, or the object
}

// add takes the next piece.
func (c *calls) add(p piece) error {
	arguments, err := argumentText(p.Arguments)
	if err != nil {
		return callBroken(p.Name, err)
	}
	if c.size += len(arguments) + len(p.Name); c.size > callsLimit || len(p.Name) > callNameLimit {
		return fault.New(fault.Unavailable, "The model did not stop writing a call of a tool.").Code(CodeEndless).
			Cure("Ask again, or choose another model.")
	}
	into := c.find(p)
	if into == nil || into.differs(p, arguments) {
		if len(c.list) == callLimit {
			return fault.New(fault.Unavailable, "The model asked for more than %d tools at once.", callLimit).Code(CodeEndless).
				Cure("Ask again, or choose another model.")
		}
		into = &pieces{index: -1}
		if p.Index != nil {
			into.index = *p.Index
		}
		c.list = append(c.list, into)
	}
	if into.id == "" {
		into.id = p.ID
	}
	if into.name == "" {
		into.name = p.Name
	}
	into.write(arguments)
	return nil
}

// find gives the call a piece goes on with, nil where it begins one.
func (c *calls) find(p piece) *pieces {
	for i := len(c.list) - 1; i >= 0; i-- {
		switch have := c.list[i]; {
		case p.Index != nil && have.index >= 0:
			if have.index == *p.Index {
				return have
			}
		case p.ID != "" && have.id != "":
			if have.id == p.ID {
				return have
			}
		default: // nothing to tell them apart by: the newest goes on
			return have
		}
	}
	if n := len(c.list); p.Index == nil && p.Name == "" && n > 0 {
		return c.list[n-1] // some servers make a new id for each piece
	}
	return nil
}

// differs reports whether a piece begins another call although index, id or order
// say that it goes on with this one. Only a piece with a name does, and since some
// servers repeat the name, or make a new id, with each piece, that alone says little.
func (h *pieces) differs(p piece, arguments []byte) bool {
	if p.Name == "" || h.name == "" {
		return false
	}
	if p.Name != h.name {
		return true
	}
	otherID := p.ID != "" && h.id != "" && p.ID != h.id
	if len(h.arguments) == 0 {
		return otherID
	}
	return h.whole && (otherID || len(bytes.TrimSpace(arguments)) > 0)
}

// write goes on with the arguments and notices when their object is closed.
func (h *pieces) write(arguments []byte) {
	h.arguments = append(h.arguments, arguments...)
	for _, b := range arguments {
		switch {
		case h.escaped:
			h.escaped = false
		case h.quoted:
			h.escaped, h.quoted = b == '\\', b != '"'
		case b == '"':
			h.quoted = true
		case b == '{' || b == '[':
			h.depth++
		case b == '}' || b == ']':
			h.depth--
			h.whole = h.depth == 0
		}
	}
}

// all gives the calls at the end of the answer, each with an id of its own. Where
// the limit of tokens ended the answer, short is true and a call that was not
// finished is left out; otherwise it is an error.
func (c *calls) all(short bool) ([]Call, error) {
	var whole []Call
	seen := map[string]bool{}
	for i, h := range c.list {
		arguments, err := object(h.arguments)
		if err == nil && h.name == "" {
			err = errors.New("it names no tool")
		}
		if err != nil {
			if short && i == len(c.list)-1 {
				break
			}
			return whole, callBroken(h.name, err)
		}
		id := h.id
		for id == "" || seen[id] {
			id = rand.Text()[:9] // nine letters and digits: what the strictest servers take back
		}
		seen[id] = true
		whole = append(whole, Call{ID: id, Name: h.name, Arguments: arguments})
	}
	return whole, nil
}

// argumentText is the text of arguments given as a string with a part of an object,
// as a whole object, or not at all.
func argumentText(raw json.RawMessage) ([]byte, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, nil
	case raw[0] == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, err
		}
		return []byte(text), nil
	case raw[0] == '{':
		return raw, nil
	}
	return nil, fmt.Errorf("arguments are no object but begin with %q", raw[0])
}

// object is text as a JSON object in its shortest form. Nothing and null are an
// empty one, and an object that was encoded twice is taken out of its string.
func object(text []byte) (json.RawMessage, error) {
	text = bytes.TrimSpace(text)
	if len(text) > 1 && text[0] == '"' {
		var inner string
		if err := json.Unmarshal(text, &inner); err != nil {
			return nil, err
		}
		text = bytes.TrimSpace([]byte(inner))
	}
	if len(text) == 0 || string(text) == "null" {
		return json.RawMessage("{}"), nil
	}
	if text[0] != '{' {
		return nil, fmt.Errorf("arguments are no object but begin with %q", text[0])
	}
	var short bytes.Buffer
	if err := json.Compact(&short, text); err != nil {
		return nil, err
	}
	return short.Bytes(), nil
}

func callBroken(name string, cause error) error {
	e := fault.New(fault.Unavailable, "The model asked for a tool in a way that cannot be read.")
	if name != "" {
		e = fault.New(fault.Unavailable, "The model asked for the tool %q with arguments that cannot be read.", name)
	}
	return e.Code(CodeCall).Cure("Ask again, or choose a model that is made for tools.").Because(cause)
}
