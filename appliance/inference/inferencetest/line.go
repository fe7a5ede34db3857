package inferencetest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"
)

// A line writes frames, each at once.
type line struct {
	w     http.ResponseWriter
	to    *http.ResponseController
	fault string
	sse   bool
	buf   bytes.Buffer
}

// open sends the header.
func (l *line) open(kind string, sse bool) error {
	l.sse = sse
	l.w.Header().Set("Content-Type", kind)
	l.w.WriteHeader(http.StatusOK)
	return nil
}

// event sends a server-sent event; name may be "".
func (l *line) event(name string, body any) error {
	l.buf.Reset()
	if l.fault == "comments" {
		l.buf.WriteString(": a comment\n\nretry: 1000\nid: 7\nunknown: field\n")
	}
	if name != "" {
		l.buf.WriteString("event: " + name + "\n")
	}
	l.buf.WriteString("data: ")
	if text, is := body.(string); is {
		l.buf.WriteString(text)
	} else {
		from := l.buf.Len()
		if err := l.json(body); err != nil {
			return err
		}
		l.buf.Truncate(l.buf.Len() - 1)
		if l.fault == "multiline" {
			rest := bytes.Clone(l.buf.Bytes()[from+1:])
			l.buf.Truncate(from + 1)
			l.buf.WriteString("\ndata:")
			l.buf.Write(rest)
		}
	}
	l.buf.WriteString("\n\n")
	return l.send()
}

// row sends a line of JSON.
func (l *line) row(body any) error {
	l.buf.Reset()
	if err := l.json(body); err != nil {
		return err
	}
	return l.send()
}

func (l *line) json(body any) error {
	encoder := json.NewEncoder(&l.buf)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(body)
}

func (l *line) comment() error {
	if !l.sse {
		return nil
	}
	l.buf.Reset()
	l.buf.WriteString(": processing\n\n")
	return l.send()
}

func (l *line) send() error {
	body := l.buf.Bytes()
	switch l.fault {
	case "crlf":
		body = bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))
	case "splitutf8", "dribble":
		return l.tear(body)
	}
	return l.write(body)
}

func (l *line) write(body []byte) error {
	if _, err := l.w.Write(body); err != nil {
		return err
	}
	return l.to.Flush()
}

// tear sends bytes so that a reader gets characters in parts; the pauses keep
// the network from putting them together again.
func (l *line) tear(body []byte) error {
	from := 0
	for i := range body {
		inside := body[i] >= utf8.RuneSelf && i+1 < len(body) && !utf8.RuneStart(body[i+1])
		if !inside && l.fault != "dribble" {
			continue
		}
		if err := l.write(body[from : i+1]); err != nil {
			return err
		}
		from = i + 1
		if inside {
			time.Sleep(time.Millisecond)
		}
	}
	if from == len(body) {
		return nil
	}
	return l.write(body[from:])
}
