package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/client"
	"chatets/appliance/fault"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string // id name data
	}{
		{"one", "id: 1\nevent: delta\ndata: {\"text\":\"a\"}\n\n", []string{`1 delta {"text":"a"}`}},
		{"heartbeats", ": ok\n\n: \n\nid: 2\nevent: done\ndata: {}\n\n:\n", []string{`2 done {}`}},
		{"several lines of data", "event: x\ndata: a\ndata:  b\ndata:c\n\n", []string{" x a\n b\nc"}},
		{"CRLF", "id: 3\r\nevent: x\r\ndata: 1\r\n\r\n", []string{"3 x 1"}},
		{"an id holds on", "id: 4\nevent: x\ndata: 1\n\nevent: y\ndata: 2\n\n", []string{"4 x 1", "4 y 2"}},
		{"a name is needed", "data: 1\n\n", nil},
		{"fields of others", "retry: 5\nevent: x\nfoo\ndata: 1\n\n", []string{" x 1"}},
		{"cut off in an event", "event: x\ndata: 1\n\nevent: y\ndata: 2\n", []string{" x 1"}},
		{"cut off in a line", "event: x\ndata: 1", nil},
		{"nothing", "", nil},
		{"a long line", "event: x\ndata: " + strings.Repeat("z", 100_000) + "\n\n", []string{" x " + strings.Repeat("z", 100_000)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			err := client.Events(strings.NewReader(tt.text), func(e client.Event) error {
				got = append(got, fmt.Sprintf("%s %s %s", e.ID, e.Name, e.Data))
				return nil
			})
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// endless is a line without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += len(p)
	return len(p), nil
}

func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	r := &endless{}
	err := client.Events(r, func(client.Event) error { return nil })
	if !fault.Is(err, fault.TooLarge) || r.read > 64<<20 {
		t.Errorf("got %v after %d bytes", err, r.read)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /stream", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "text/event-stream" {
			w.WriteHeader(406)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for i := range 3 {
			fmt.Fprintf(w, "id: %d\nevent: delta\ndata: {}\n\n", i)
		}
	})
	mux.HandleFunc("POST /json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") })
	c := dial(t, listen(t, mux, false), "")
	n := 0
	if err := c.Stream(t.Context(), "/stream", map[string]string{"question": "?"}, func(client.Event) error { n++; return nil }); err != nil || n != 3 {
		t.Errorf("got %d events, %v", n, err)
	}
	stop := errors.New("enough")
	if err := c.Stream(t.Context(), "/stream", nil, func(client.Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the reader's own error: got %v", err)
	}
	if err := c.Stream(t.Context(), "/json", nil, func(client.Event) error { return nil }); !fault.Is(err, fault.Internal) {
		t.Errorf("no stream: got %v", err)
	}
}

// FuzzEvents feeds the reader anything: it must end, and give no event without a name.
func FuzzEvents(f *testing.F) {
	f.Add("id: 1\nevent: delta\ndata: {}\n\n")
	f.Add(":\r\n\r\nevent\ndata\n\n")
	f.Add("\x00\xff\n\nevent: \n\n")
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		if err := client.Events(strings.NewReader(text), func(e client.Event) error {
			n++
			if strings.ContainsAny(e.Name+e.ID, "\n") {
				t.Errorf("a line break in %q or %q", e.Name, e.ID)
			}
			return nil
		}); err != nil {
			t.Errorf("got %v", err)
		}
		if most := strings.Count(text, "event"); n > most {
			t.Errorf("%d events of %d names", n, most)
		}
	})
}
