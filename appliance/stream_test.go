package appliance_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A stream is an event stream that is read while it is written.
type stream struct {
	events chan event
	stop   func()
}

// openStream sends the request and reads its events in the background.
func openStream(t *testing.T, req *http.Request) *stream {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		t.Fatalf("%s %s: got %d", req.Method, req.URL.Path, res.StatusCode)
	}
	s := &stream{events: make(chan event, 1024)}
	quit := make(chan struct{})
	s.stop = func() {
		close(quit)
		res.Body.Close()
	}
	go func() {
		defer close(s.events)
		lines := bufio.NewReader(res.Body)
		var e event
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data += value
			case "":
				if e.name != "" {
					select {
					case s.events <- e:
					case <-quit:
						return
					}
				}
				e = event{}
			}
		}
	}()
	return s
}

// next is the next event; false at the end, or when none comes in time.
func (s *stream) next(within time.Duration) (event, bool) {
	select {
	case e, ok := <-s.events:
		return e, ok
	case <-time.After(within):
		return event{}, false
	}
}

func (s *stream) close() { s.stop() }
