package inference

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func allLines(r io.Reader, limit int) (all []string, err error) {
	l := newLines(r)
	l.limit = limit
	for {
		line, err := l.next()
		if err != nil {
			return all, err
		}
		all = append(all, string(line))
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 100_000)
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"lines", "a\nb\n", []string{"a", "b"}},
		{"CRLF", "a\r\nb\r\n", []string{"a", "b"}},
		{"no end", "a\nb", []string{"a", "b"}},
		{"blank lines", "\n\r\na\n \n\nb\n\n", []string{"a", "b"}},
		{"an order mark", "\ufeffa\nb\n", []string{"a", "b"}},
		{"a long line", long + "\nb\n" + long, []string{long, "b", long}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, r := range map[string]io.Reader{"whole": strings.NewReader(tt.in), "torn": iotest.OneByteReader(strings.NewReader(tt.in)),
				"with the end": iotest.DataErrReader(strings.NewReader(tt.in))} {
				got, err := allLines(r, lineLimit)
				if !slices.Equal(got, tt.want) || !errors.Is(err, io.EOF) {
					t.Errorf("%s: got %d lines and %v, want %d", name, len(got), err, len(tt.want))
				}
			}
		})
	}
}

func TestLinesLimit(t *testing.T) {
	t.Parallel()
	got, err := allLines(strings.NewReader("ok\n"+strings.Repeat("x", 70_000)+"\n"), 65_536)
	if !slices.Equal(got, []string{"ok"}) || !errors.Is(err, errLineSize) {
		t.Errorf("got %d lines, %v", len(got), err)
	}
}

// A line that a failing connection cut off is no line.
func TestLinesCut(t *testing.T) {
	t.Parallel()
	broken := errors.New("reset")
	got, err := allLines(io.MultiReader(strings.NewReader("a\n{\"half\":"), iotest.ErrReader(broken)), lineLimit)
	if !slices.Equal(got, []string{"a"}) || !errors.Is(err, broken) {
		t.Errorf("got %q, %v", got, err)
	}
}

func FuzzLines(f *testing.F) {
	for _, seed := range []string{"a\nb\n", "a\r\n\r\nb", "\ufeff{}\n", "\n", "ü\nö", "\xff\xfe\n"} {
		f.Add([]byte(seed), uint16(8))
	}
	f.Fuzz(func(t *testing.T, in []byte, limit uint16) {
		whole, err := allLines(bytes.NewReader(in), int(limit))
		torn, tornErr := allLines(iotest.OneByteReader(bytes.NewReader(in)), int(limit))
		if !slices.Equal(whole, torn) || !errors.Is(err, tornErr) {
			t.Fatalf("whole %q %v, torn %q %v", whole, err, torn, tornErr)
		}
		for _, line := range whole {
			if line == "" || len(line) > int(limit) || strings.ContainsRune(line, '\n') {
				t.Fatalf("got the line %q", line)
			}
		}
	})
}
