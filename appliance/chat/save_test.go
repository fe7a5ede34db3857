package chat

import (
	"bytes"
	"log/slog"
	"net/http"
	"sync"
	"testing"
)

// lines is a log that a test reads while others write it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// TestFirstEventIsStoredOnce asks from many sides while the saver writes: the
// first event of a run belongs to the question's transaction alone.
func TestFirstEventIsStoredOnce(t *testing.T) {
	t.Parallel()
	var log lines
	r := open(t, wardShelf(), func(c *Chat) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	var people sync.WaitGroup
	for _, token := range []string{"ada", "ben"} {
		for range 4 {
			people.Go(func() {
				for range 60 {
					got := r.do(token, "POST", "/api/conversations", `{"message":"How long may insulin stay outside the fridge?"}`, "Content-Type", "application/json")
					if got.status != http.StatusOK && got.status != http.StatusTooManyRequests {
						t.Errorf("got %d: %s", got.status, got.body)
					}
				}
			})
		}
	}
	people.Wait()
	log.mu.Lock()
	defer log.mu.Unlock()
	if bytes.Contains(log.text.Bytes(), []byte("save events")) {
		t.Errorf("events were not stored: %s", log.text.String())
	}
}
