package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A screen is a terminal with somebody in front of it.
type screen struct {
	keys *os.File // what is written here was typed
	tty  *os.File // what the command sees

	mu   sync.Mutex
	seen strings.Builder
}

func newScreen(t *testing.T, columns uint16) *screen {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	s := &screen{keys: keys, tty: tty}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := make([]byte, 4096); ; {
			n, err := keys.Read(b)
			s.mu.Lock()
			s.seen.Write(b[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_, _ = io.WriteString(keys, "\n\n") // ends a reading that a failed test left behind, or its end would be waited for
		_ = tty.Close()
		<-done
	})
	return s
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// wait waits until the screen shows something.
func (s *screen) wait(t *testing.T, what string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(s.text(), what); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the screen never shows %q: %q", what, s.text())
		}
	}
}

// hears waits until what is typed is no longer shown.
func (s *screen) hidden(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); s.echoes(t); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the terminal goes on showing what is typed")
		}
	}
}

func (s *screen) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func (s *screen) typed(t *testing.T, line string) {
	t.Helper()
	s.hidden(t)
	if _, err := io.WriteString(s.keys, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func TestPasswordAtTheTerminal(t *testing.T) {
	t.Parallel()
	type result struct {
		text string
		err  error
	}
	ask := func(s *screen, ctx context.Context) <-chan result {
		done := make(chan result, 1)
		tty := &terminal{in: s.tty, out: s.tty, err: s.tty}
		go func() {
			text, err := tty.password(ctx, false, "Password for ana@clinic.test")
			done <- result{text, err}
		}()
		return done
	}
	t.Run("asked twice, never shown", func(t *testing.T) {
		t.Parallel()
		s := newScreen(t, 80)
		done := ask(s, t.Context())
		s.wait(t, "Password for ana@clinic.test: ")
		s.typed(t, "correct horse")
		s.wait(t, "Once more: ")
		s.typed(t, "correct horse")
		if r := <-done; r.err != nil || r.text != "correct horse" {
			t.Errorf("got %q, %v", r.text, r.err)
		}
		if strings.Contains(s.text(), "horse") {
			t.Errorf("the screen shows the password: %q", s.text())
		}
		if !s.echoes(t) {
			t.Error("the terminal does not show what is typed any more")
		}
	})
	t.Run("two that differ", func(t *testing.T) {
		t.Parallel()
		s := newScreen(t, 80)
		done := ask(s, t.Context())
		s.wait(t, "ana")
		s.typed(t, "correct horse")
		s.wait(t, "Once more: ")
		s.typed(t, "correct hoarse")
		if r := <-done; exitCode(r.err) != exitUsage {
			t.Errorf("got %q, %v", r.text, r.err)
		}
	})
	t.Run("an interrupt gives the echo back", func(t *testing.T) {
		t.Parallel()
		s := newScreen(t, 80)
		ctx, interrupt := context.WithCancel(t.Context())
		done := ask(s, ctx)
		s.wait(t, "ana")
		s.hidden(t)
		interrupt()
		if r := <-done; !errors.Is(r.err, context.Canceled) {
			t.Errorf("got %q, %v", r.text, r.err)
		}
		if !s.echoes(t) {
			t.Error("the terminal does not show what is typed any more")
		}
		// The reader that is left behind ends with its line.
		if _, err := io.WriteString(s.keys, "\n"); err != nil {
			t.Fatal(err)
		}
	})
}

// TestProgressOnATerminal wants a bar that is drawn in one line and taken away,
// and nothing of it where nobody looks.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	looks := 0
	socket := stand(t, map[string]http.HandlerFunc{
		"GET /api/knowledge": answers(`{"items":[{"id":"k","name":"Notes","owner":"p"}],"next":""}`),
		"POST /api/documents": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(202)
			fmt.Fprintf(w, `{"id":"d","name":%q}`, r.URL.Query().Get("name"))
		},
		"GET /api/documents/{id}": func(w http.ResponseWriter, _ *http.Request) {
			looks++
			state := []string{"waiting", "extracting", "ready"}[min(looks-1, 2)]
			fmt.Fprintf(w, `{"id":"d","name":"handbook.md","state":%q,"chunks":3,"progress":{"done":1,"total":2,"note":""}}`, state)
		},
	})
	dir := t.TempDir()
	file := filepath.Join(dir, strings.Repeat("a-very-long-name-", 5)+"handbook.md")
	if err := os.WriteFile(file, []byte(strings.Repeat("text ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newScreen(t, 60)
	tty := &terminal{in: s.tty, out: s.tty, err: s.tty}
	code := execute(t.Context(), tty, []string{"document", "add", file, "--data", filepath.Join(dir, "data"), "--socket", socket, "--config", os.DevNull})
	s.wait(t, "Added handbook.md: 3 passages.")
	seen := s.text()
	if code != 0 {
		t.Errorf("got code %d: %q", code, seen)
	}
	for _, want := range []string{"handbook.md [", "100 % uploading…", " 50 % extracting…", "waiting…"} {
		if !strings.Contains(seen, want) {
			t.Errorf("the screen never shows %q: %q", want, seen)
		}
	}
	for _, line := range strings.Split(seen, "\r") {
		if n := len([]rune(strings.TrimPrefix(line, "\x1b[K"))); n > 60 {
			t.Errorf("a line has %d columns of 60: %q", n, line)
		}
	}
	if i, j := strings.LastIndex(seen, "\x1b[K"), strings.LastIndex(seen, "…"); i < j {
		t.Errorf("the bar is not taken away: %q", seen)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text    string
		columns int
		want    string
	}{
		{"short", 10, "short"}, {"exactly ten", 11, "exactly ten"}, {"a long name.md", 8, "…name.md"}, {"山田太郎.md", 6, "…郎.md"}, {"x", 0, "…"},
	} {
		if got := cut(tt.text, tt.columns); got != tt.want {
			t.Errorf("%q in %d: got %q, want %q", tt.text, tt.columns, got, tt.want)
		}
	}
}

func TestFirstLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, want, rest string
		fails                bool
	}{
		{"a line", "secret\nrest", "secret", "rest", false},
		{"no line break", "secret", "secret", "", false},
		{"CRLF", "secret\r\nrest", "secret", "rest", false},
		{"spaces belong to it", " secret \n", " secret ", "", false},
		{"nothing", "", "", "", false},
		{"a file by mistake", strings.Repeat("x", 10_000), "", "", true},
	} {
		r := strings.NewReader(tt.in)
		got, err := firstLine(r)
		rest, _ := io.ReadAll(r)
		if got != tt.want || (err != nil) != tt.fails || !tt.fails && string(rest) != tt.rest {
			t.Errorf("%s: got %q, %v, rest %q", tt.name, got, err, rest)
		}
	}
}
