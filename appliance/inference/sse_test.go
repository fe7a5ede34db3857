package inference

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// told is an event as the tests compare it.
type told struct {
	name, data string
	cut        bool
}

func allEvents(r io.Reader) ([]told, error) { return eventsUpTo(r, eventLimit) }

func eventsUpTo(r io.Reader, limit int) ([]told, error) {
	var got []told
	e := newEvents(r)
	e.limit = limit
	for {
		ev, err := e.next()
		if err != nil {
			return got, err
		}
		got = append(got, told{ev.name, string(ev.data), ev.cut})
	}
}

func same[T comparable](t *testing.T, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d: %+v, want %d: %+v", len(got), got, len(want), want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("at %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestEventsAreReadAsTheStandardSays(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("€", 100<<10)
	for _, tt := range []struct {
		name, in string
		want     []told
	}{
		{"nothing", "", nil},
		{"one", "data: a\n\n", []told{{data: "a"}}},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []told{{data: "a"}, {data: "b"}}},
		{"CRLF between lines of an event", "event: x\r\ndata: a\r\ndata: b\r\n\r\n", []told{{name: "x", data: "a\nb"}}},
		{"CR", "data: a\r\rdata: b\r\r", []told{{data: "a"}, {data: "b"}}},
		{"ends mixed", "data: a\r\n\ndata: b\r\r\ndata: c\n\r", []told{{data: "a"}, {data: "b"}, {data: "c"}}},
		{"no blank after the colon", "data:a\n\n", []told{{data: "a"}}},
		{"only one blank is dropped", "data:  a \n\n", []told{{data: " a "}}},
		{"data without a colon", "data\n\n", []told{{data: ""}}},
		{"more lines", "data: a\ndata:\ndata: b\n\n", []told{{data: "a\n\nb"}}},
		{"names", "event: ping\ndata: {}\n\ndata: x\nevent: last\n\ndata: y\n\n", []told{{name: "ping", data: "{}"}, {name: "last", data: "x"}, {data: "y"}}},
		{"a name alone is no event", "event: ping\n\ndata: x\n\n", []told{{data: "x"}}},
		{"comments and unknown fields", ": keep alive\n\n:\nid: 7\nretry: 10\nfoo: bar\ndata: a\n: more\n\n", []told{{data: "a"}}},
		{"the error of old servers", "data: a\n\nerror: {\"code\":500}\n\n", []told{{data: "a"}, {name: "error", data: `{"code":500}`}}},
		{"order mark", "\ufeffdata: a\n\n", []told{{data: "a"}}},
		{"order mark only at the start", "data: a\n\n\ufeffdata: b\n\n", []told{{data: "a"}}},
		{"many blank lines", "\n\n\n\ndata: a\n\n\n\n", []told{{data: "a"}}},
		{"last without a blank line", "data: a\n\ndata: [DONE]\n", []told{{data: "a"}, {data: "[DONE]", cut: true}}},
		{"last without an end", "data: a\n\ndata: [DONE]", []told{{data: "a"}, {data: "[DONE]", cut: true}}},
		{"characters of many bytes", "data: Grüße 😀 漢字\n\n", []told{{data: "Grüße 😀 漢字"}}},
		{"a giant line", "data: " + big + "\n\ndata: b\n\n", []told{{data: big}, {data: "b"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for how, r := range map[string]io.Reader{
				"at once":      strings.NewReader(tt.in),
				"half by half": iotest.HalfReader(strings.NewReader(tt.in)),
				"with the end": iotest.DataErrReader(strings.NewReader(tt.in)),
				"byte by byte": iotest.OneByteReader(strings.NewReader(tt.in)),
			} {
				got, err := allEvents(r)
				if !errors.Is(err, io.EOF) {
					t.Fatalf("%s: got %v, want the end", how, err)
				}
				same(t, got, tt.want)
			}
		})
	}
}

func TestAnEventIsGivenBeforeTheNextByteComes(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n\n", "\r\n\r\n", "\r\r"} {
		r, w := io.Pipe()
		got := make(chan told, 1)
		go func() {
			ev, _ := newEvents(r).next()
			got <- told{ev.name, string(ev.data), ev.cut}
		}()
		if _, err := io.WriteString(w, "data: a"+end); err != nil {
			t.Fatal(err)
		}
		if ev := <-got; ev != (told{data: "a"}) { // hangs where the reader waits for more
			t.Errorf("%q: got %+v", end, ev)
		}
		w.Close()
	}
}

func TestEventsHaveALimit(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]io.Reader{
		"a line":          io.MultiReader(strings.NewReader("data: "), endless("x")),
		"a comment":       io.MultiReader(strings.NewReader(": "), endless("x")),
		"lines of one":    endless("data: 0123456789abcdef\n"),
		"only comments":   endless(": keep alive\n\n"),
		"only line ends":  endless("\r\n"),
		"a name, no data": io.MultiReader(strings.NewReader("event: "), endless("\u00e4")),
	} {
		if got, err := eventsUpTo(in, 256<<10); !errors.Is(err, errEventSize) || len(got) > 0 {
			t.Errorf("%s: got %v and %d events, want %v", name, err, len(got), errEventSize)
		}
	}
	fits := strings.Repeat("x", eventLimit-len("data: "))
	got, err := allEvents(strings.NewReader("data: " + fits + "\n\n"))
	if !errors.Is(err, io.EOF) || len(got) != 1 || got[0].data != fits {
		t.Errorf("at the limit: got %v and %d events", err, len(got))
	}
}

func TestABrokenStreamGivesItsErrorAfterWhatCame(t *testing.T) {
	t.Parallel()
	broken := errors.New("reset")
	got, err := allEvents(io.MultiReader(strings.NewReader("data: a\n\ndata: b\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	same(t, got, []told{{data: "a"}, {data: "b", cut: true}})
}

// endless repeats s for ever.
func endless(s string) io.Reader { return &repeat{s: []byte(strings.Repeat(s, 4096/len(s)+1))} }

type repeat struct {
	s  []byte
	at int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], r.s[r.at:])
		n, r.at = n+c, (r.at+c)%len(r.s)
	}
	return n, nil
}

func FuzzEvents(f *testing.F) {
	for _, s := range []string{
		"", "data: a\n\n", "data: a\r\n\r\ndata: b\r\r", "event: x\ndata: {\"a\":\"\u20ac\"}\n\n: c\ndata\ndata:\n\n",
		"\ufeffdata: a\n\ndata: [DONE]", "\r\n\r\r\n\n", "data: \xff\xfe\n\n", "id: 1\nretry: 2\n\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, err := allEvents(bytes.NewReader(in))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("got %v, want the end", err)
		}
		size := 0
		for i, ev := range whole {
			size += len(ev.data)
			if ev.cut && i != len(whole)-1 {
				t.Fatalf("event %d of %d is cut", i, len(whole))
			}
		}
		if size > len(in) {
			t.Fatalf("%d bytes of data came from %d", size, len(in))
		}
		bytewise, _ := allEvents(iotest.OneByteReader(bytes.NewReader(in)))
		same(t, bytewise, whole)
	})
}
