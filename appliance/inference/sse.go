package inference

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// eventLimit bounds one line and one event of a stream. Real ones are a few
// kilobytes; a picture or a whole document in a tool call may be some megabytes.
const eventLimit = 16 << 20

// errEventSize is what a reader of events says of a line or an event over the limit,
// and of comments without end.
var errEventSize = errors.New("an event is larger than 16 MiB")

// event is one Server-Sent Event.
type event struct {
	name string // "" where the server names none
	data []byte // lines joined with LF; valid until the next call
	cut  bool   // the stream ended before the blank line that ends an event
}

// events reads Server-Sent Events as the standard of the web has them: lines end
// with LF, CRLF or CR, comments are skipped, data lines are joined. Other than a
// browser it also gives the last event where the blank line after it is missing,
// since many servers leave it out.
type events struct {
	r       *bufio.Reader
	limit   int
	line    []byte
	data    []byte
	idle    int  // bytes since the last event
	skipLF  bool // the last line ended with CR: an LF that follows belongs to it
	started bool // the first line was read, before which an order mark may stand
	err     error
}

func newEvents(r io.Reader) *events {
	return &events{r: bufio.NewReaderSize(r, 32<<10), limit: eventLimit}
}

// next gives the next event that has data, io.EOF after the last, or the error
// the stream ended with.
func (e *events) next() (event, error) {
	var ev event
	var some bool // an event without data is none, one with empty data is
	e.data, e.idle = e.data[:0], 0
	for e.err == nil {
		line, err := e.readLine()
		if err != nil {
			e.err = err
			if len(line) == 0 || errors.Is(err, errEventSize) {
				break
			}
		}
		if !e.started {
			e.started = true
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) == 0 {
			if some {
				ev.data = e.data
				return ev, nil
			}
			ev.name = ""
			continue
		}
		field, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(field) { // "" is a comment; ids and retry times are of no use here
		case "event":
			ev.name = string(value)
		case "data":
			if len(e.data)+len(value) >= e.limit {
				e.err = errEventSize
				return event{}, e.err
			}
			if some {
				e.data = append(e.data, '\n')
			}
			e.data, some = append(e.data, value...), true
		case "error": // of older llama.cpp, instead of an event that is named so
			ev.name = "error"
			e.data, some = append(e.data, value...), true
		}
	}
	if some && !errors.Is(e.err, errEventSize) {
		ev.data, ev.cut = e.data, true
		return ev, nil
	}
	return event{}, e.err
}

// ready reports whether the next event has come already, as far as can be told
// without reading it.
func (e *events) ready() bool {
	come, _ := e.r.Peek(e.r.Buffered())
	return bytes.Contains(come, []byte("\n\n")) || bytes.Contains(come, []byte("\r\n\r\n"))
}

// readLine gives the next line without its end. With an error it gives what there was
// of the line. A CR ends a line at once, without waiting for the byte after it: that
// byte may come only with the next event.
func (e *events) readLine() ([]byte, error) {
	e.line = e.line[:0]
	for {
		if _, err := e.r.Peek(1); err != nil {
			return e.line, err
		}
		chunk, err := e.r.Peek(e.r.Buffered())
		if err != nil {
			return e.line, err
		}
		if e.skipLF {
			e.skipLF = false
			if chunk[0] == '\n' {
				e.discard(1)
				continue
			}
		}
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			end = len(chunk)
		}
		if cr := bytes.IndexByte(chunk[:end], '\r'); cr >= 0 {
			end = cr
		}
		if e.idle += end + 1; e.idle > 4*e.limit || len(e.line)+end > e.limit {
			return nil, errEventSize
		}
		e.line = append(e.line, chunk[:end]...)
		if end == len(chunk) {
			e.discard(end)
			continue
		}
		e.skipLF = chunk[end] == '\r'
		e.discard(end + 1)
		return e.line, nil
	}
}

// discard drops bytes that are in the buffer, which cannot fail.
func (e *events) discard(n int) { _, _ = e.r.Discard(n) }
