package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"chatets/appliance/fault"
)

// maxEvent bounds one event; a whole answer with its sources is far below.
const maxEvent = 16 << 20

// An Event is one server-sent event.
type Event struct {
	ID, Name string
	Data     []byte // JSON
}

// Stream sends in as JSON and hands on each event until the stream ends or on
// returns an error, which is then the error of Stream.
func (c *Client) Stream(ctx context.Context, path string, in any, on func(Event) error) error {
	req, err := c.request(ctx, http.MethodPost, path, in)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := c.http.Do(req)
	if err != nil {
		return reach(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return refusal(res)
	}
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		return fault.New(fault.Internal, "The service did not answer with a stream.").Cure("Use the command of the same version as the service.")
	}
	return Events(res.Body, on)
}

// Events reads server-sent events from r until its end or until on returns an
// error. Comments are skipped; an event that is cut off by the end is dropped,
// as the specification says.
func Events(r io.Reader, on func(Event) error) error {
	lines := bufio.NewReader(r)
	var e Event
	named, size := false, 0
	for {
		line, err := readLine(lines, maxEvent-size)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return reach(err)
		}
		size += len(line)
		if line == "" {
			if named {
				if err := on(e); err != nil {
					return err
				}
			}
			e, named, size = Event{ID: e.ID}, false, 0
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			e.ID = value
		case "event":
			e.Name, named = value, true
		case "data":
			if e.Data != nil {
				e.Data = append(e.Data, '\n')
			}
			e.Data = append(e.Data, value...)
		}
	}
}

// readLine reads up to a line break, which may be LF or CRLF, and at most limit bytes.
func readLine(r *bufio.Reader, limit int) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > limit:
			return "", fault.New(fault.TooLarge, "The service sent an event that is larger than any answer.")
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return "", err
		}
		return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
	}
}
