package inference

import (
	"strconv"
	"unicode/utf8"
)

// quick reads the pieces of an answer that every server sends by the hundred: an
// object of strings and numbers with a little text in it. Whatever is not of that
// plain form is refused and read by encoding/json, so quick never decides what an
// odd piece means.
type quick struct {
	rest []byte
	text []byte // what the last string was, where it had escapes
}

// said is the text of a piece.
type said struct {
	thinking, text string
}

// ollamaPiece reads {"model":"…","created_at":"…","message":{"role":"assistant","content":"…"},"done":false}.
func ollamaPiece(raw []byte) (s said, plain bool) {
	q := quick{rest: raw}
	done := false
	plain = q.object(func(key string) bool {
		switch key {
		case "model", "created_at":
			_, is := q.str()
			return is
		case "done":
			done = true
			return q.word("false")
		case "message":
			return s == said{} && q.object(func(key string) bool {
				switch key {
				case "role":
					_, is := q.str()
					return is
				case "content":
					return q.into(&s.text)
				case "thinking":
					return q.into(&s.thinking)
				}
				return false
			})
		}
		return false
	})
	return s, plain && done && len(q.rest) == 0
}

// chatPiece reads a chunk of chat completions that brings text and ends nothing.
func chatPiece(raw []byte) (s said, plain bool) {
	q := quick{rest: raw}
	choices := 0
	plain = q.object(func(key string) bool {
		switch key {
		case "id", "object", "model", "system_fingerprint", "service_tier":
			return q.word("null") || q.skip()
		case "created":
			return q.number()
		case "usage", "timings", "logprobs":
			return q.word("null")
		case "choices":
			choices++
			return choices == 1 && q.byte('[') && q.object(func(key string) bool {
				switch key {
				case "index":
					return q.number()
				case "finish_reason", "logprobs", "stop_reason", "token_ids":
					return q.word("null")
				case "delta":
					return s == said{} && q.object(func(key string) bool {
						switch key {
						case "role":
							return q.word("null") || q.skip()
						case "content":
							return q.word("null") || q.into(&s.text)
						case "reasoning_content":
							return q.word("null") || q.into(&s.thinking)
						case "refusal", "tool_calls", "function_call", "reasoning":
							return q.word("null")
						}
						return false
					})
				}
				return false
			}) && q.byte(']')
		}
		return false
	})
	return s, plain && choices == 1 && len(q.rest) == 0
}

// object reads an object; field reads the value of each key and reports whether
// it was plain.
func (q *quick) object(field func(key string) bool) bool {
	if !q.byte('{') {
		return false
	}
	if q.byte('}') {
		return true
	}
	for {
		key, is := q.str()
		if !is || !q.byte(':') || !field(string(key)) {
			return false
		}
		if q.byte('}') {
			return true
		}
		if !q.byte(',') {
			return false
		}
	}
}

// byte takes a character and the white space before it.
func (q *quick) byte(b byte) bool {
	q.space()
	if len(q.rest) == 0 || q.rest[0] != b {
		return false
	}
	q.rest = q.rest[1:]
	return true
}

func (q *quick) space() {
	for len(q.rest) > 0 && (q.rest[0] == ' ' || q.rest[0] == '\n' || q.rest[0] == '\r' || q.rest[0] == '\t') {
		q.rest = q.rest[1:]
	}
}

func (q *quick) word(w string) bool {
	q.space()
	if len(q.rest) < len(w) || string(q.rest[:len(w)]) != w {
		return false
	}
	q.rest = q.rest[len(w):]
	return true
}

// number takes a whole number without a sign.
func (q *quick) number() bool {
	q.space()
	n := 0
	for n < len(q.rest) && n < 18 && q.rest[n] >= '0' && q.rest[n] <= '9' {
		n++
	}
	if n == 0 || n > 1 && q.rest[0] == '0' {
		return false
	}
	q.rest = q.rest[n:]
	return true
}

func (q *quick) skip() bool {
	_, is := q.str()
	return is
}

func (q *quick) into(text *string) bool {
	s, is := q.str()
	if is && *text != "" {
		return false // twice
	}
	*text = string(s)
	return is
}

// str takes a string, valid until the next one is taken.
func (q *quick) str() ([]byte, bool) {
	if !q.byte('"') {
		return nil, false
	}
	ascii, escaped := true, false
	for i := 0; i < len(q.rest); i++ {
		switch c := q.rest[i]; {
		case c == '"':
			s := q.rest[:i]
			q.rest = q.rest[i+1:]
			if !ascii && !utf8.Valid(s) {
				return nil, false
			}
			if escaped {
				return q.unescape(s)
			}
			return s, true
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// unescape takes the escapes out of a string; halves of a pair are refused.
func (q *quick) unescape(s []byte) ([]byte, bool) {
	q.text = q.text[:0]
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			q.text = append(q.text, s[i])
			continue
		}
		i++ // str saw that something follows
		switch s[i] {
		case '"', '\\', '/':
			q.text = append(q.text, s[i])
		case 'n':
			q.text = append(q.text, '\n')
		case 't':
			q.text = append(q.text, '\t')
		case 'r':
			q.text = append(q.text, '\r')
		case 'b':
			q.text = append(q.text, '\b')
		case 'f':
			q.text = append(q.text, '\f')
		case 'u':
			if i+4 >= len(s) {
				return nil, false
			}
			r, err := strconv.ParseUint(string(s[i+1:i+5]), 16, 32)
			if err != nil || r >= 0xD800 && r <= 0xDFFF {
				return nil, false
			}
			q.text = utf8.AppendRune(q.text, rune(r))
			i += 4
		default:
			return nil, false
		}
	}
	return q.text, true
}
