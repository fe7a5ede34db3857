package inferencetest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// kinds of piece.
const (
	pieceText = iota
	pieceThink
	pieceCall
)

// A piece is what is sent at a time.
type piece struct {
	kind  int
	text  string // of a call: a fragment of its arguments
	call  call
	first bool // of the call
	last  bool
}

// A call is a wish to use a tool.
type call struct {
	index int
	id    string
	name  string
}

// script is the pieces of an answer.
func (m *model) script(r Request, fault string) (all []piece, reason string) {
	reason = "stop"
	if m.think > 0 && m.thinks(r) {
		for _, t := range pieces(thoughts(m.think)) {
			all = append(all, piece{kind: pieceThink, text: t})
		}
	}
	if strings.HasPrefix(fault, "tool") && len(r.Tools) > 0 && !answersTool(r) {
		return append(all, calls(r.Tools, fault)...), "tools"
	}
	text := m.answer(r)
	if last := len(r.Messages) - 1; last >= 0 && r.Messages[last].Role == "assistant" {
		text = rest(text, r.Messages[last].Content)
	}
	if (fault == "splitutf8" || fault == "dribble") && utf8.RuneCountInString(text) == len(text) {
		text += torn
	}
	for _, stop := range r.Stop {
		text, _, _ = strings.Cut(text, stop)
	}
	said := pieces(text)
	if m.tokens > 0 {
		once := said
		for len(said) < m.tokens && len(once) > 0 {
			said = append(said, " "+once[0])
			said = append(said, once[1:]...)
		}
		said = said[:min(len(said), m.tokens)]
	}
	switch fault {
	case "thinkinline":
		said = append([]string{"<th", "ink>", "I look", " at it.", "</thi", "nk>"}, said...)
	case "thinkopen":
		said = append([]string{"I look", " at it.", "</thi", "nk>"}, said...)
	}
	for _, t := range said {
		all = append(all, piece{kind: pieceText, text: t})
	}
	if r.MaxTokens > 0 && len(all) > r.MaxTokens {
		all, reason = all[:r.MaxTokens], "length"
	}
	return all, reason
}

// thinks reports whether the model thinks before it answers this request.
func (m *model) thinks(r Request) bool {
	switch r.Think {
	case "false", "none", "disabled":
		return false
	case "":
		return r.Path != "/v1/messages"
	}
	return true
}

func thoughts(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if i > 1 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "t%d", i)
	}
	return b.String()
}

func answersTool(r Request) bool {
	last := len(r.Messages) - 1
	return last >= 0 && r.Messages[last].Result
}

// calls are wishes for the first tool, or the first two.
func calls(tools []string, fault string) []piece {
	const arguments = `{"query":"größe of it","limit":3}`
	two := fault != "toolwhole" && fault != "toolbad"
	var all []piece
	for i := range 2 {
		if i > 0 && !two {
			break
		}
		c := call{index: i, id: fmt.Sprintf("call_%d", i+1), name: tools[min(i, len(tools)-1)]}
		switch fault {
		case "toolnoid":
			c.id = ""
		case "toolsameid":
			c.id = "call_1"
		}
		parts := []string{arguments}
		switch fault {
		case "toolbad":
			parts = []string{`{"query": "it`}
		case "toolpieces", "toolnoid", "toolsameid":
			parts = []string{"", arguments[:9], arguments[9:14], arguments[14:]}
		}
		for j, p := range parts {
			all = append(all, piece{kind: pieceCall, text: p, call: c, first: j == 0, last: j == len(parts)-1})
		}
	}
	return all
}
