package appliance_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatets/appliance/inference/inferencetest"
)

// follow opens the events of a run past a number.
func (v *visitor) follow(t *testing.T, run string, after int) *stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", v.house.base+"/api/runs/"+run+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+v.token)
	req.Header.Set("Last-Event-ID", strconv.Itoa(after))
	return openStream(t, req)
}

// words is the text "w1 w2 … wn" as far as it goes; false when it is not.
func words(text string) (n int, ok bool) {
	for i, word := range strings.Fields(text) {
		if word != "w"+strconv.Itoa(i+1) {
			return i, false
		}
		n = i + 1
	}
	return n, true
}

// TestReloadsLoseNothing opens a page again and again at random moments of an
// answer, from what it had: put together, the text is the same as in the end,
// without a gap and without anything twice.
func TestReloadsLoseNothing(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	const model = "gpu:say=word=1200,rate=400"
	fake := inferencetest.New(t, model)
	owner.connect(t, "gpu", "ollama", fake.URL, 4, 1)
	random := rand.New(rand.NewPCG(3, 50))
	run := owner.with(t, "POST", "/api/conversations", asks("Count", model), "Prefer: respond-async").get("run", "id")
	text, last, ended := "", 0, false
	take := func(e event) {
		id, err := strconv.Atoi(e.id)
		if err != nil || id != last+1 {
			t.Fatalf("event %s follows %d", e.id, last)
		}
		last = id
		switch e.name {
		case "delta":
			var d struct{ Text string }
			if err := json.Unmarshal([]byte(e.data), &d); err != nil {
				t.Fatal(err)
			}
			text += d.Text
		case "done":
			ended = true
			if got := replyOf(t, e.data); got.Content != text {
				t.Errorf("the answer is not what was streamed: %d bytes and %d", len(got.Content), len(text))
			}
		case "error":
			t.Fatalf("it failed: %s", e.data)
		}
	}
	for reload := 0; reload < 50 && !ended; reload++ {
		s := owner.follow(t, run, last)
		for range 1 + random.IntN(40) {
			e, ok := s.next(20 * time.Second)
			if !ok {
				break
			}
			take(e)
		}
		s.close()
	}
	s := owner.follow(t, run, last)
	for !ended {
		e, ok := s.next(30 * time.Second)
		if !ok {
			t.Fatal("the run does not end")
		}
		take(e)
	}
	s.close()
	if n, ok := words(text); !ok || n != 1200 {
		t.Errorf("the text goes wrong after word %d of 1200", n)
	}
}

// TestKillKeepsWhatWasShown kills the service with SIGKILL in the middle of
// answers. Every word a reader saw is there after the start, none twice, and the
// answer goes on from there.
func TestKillKeepsWhatWasShown(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	random := rand.New(rand.NewPCG(10, 9))
	const model = "gpu:say=prefix=400,rate=300"
	fake := inferencetest.New(t, model)
	child, h := spawn(t, dir)
	owner := h.setUp(t)
	owner.connect(t, "gpu", "ollama", fake.URL, 4, 1)
	for round := range 10 {
		got := owner.with(t, "POST", "/api/conversations", asks(fmt.Sprintf("Count %d", round), model), "Prefer: respond-async")
		conversation, run := got.get("conversation", "id"), got.get("run", "id")
		s := owner.follow(t, run, 0)
		shown := ""
		for want := 20 + random.IntN(150); ; {
			e, ok := s.next(20 * time.Second)
			if !ok || e.name == "done" || e.name == "error" {
				t.Fatalf("round %d: it ended after %q: %v", round, shown, e)
			}
			if e.name != "delta" {
				continue
			}
			var d struct{ Text string }
			if err := json.Unmarshal([]byte(e.data), &d); err != nil {
				t.Fatal(err)
			}
			shown += d.Text
			if n, _ := words(shown); n >= want {
				break
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		for { // what was on its way still counts as shown
			e, ok := s.next(time.Second)
			if !ok {
				break
			}
			if e.name == "delta" {
				var d struct{ Text string }
				if err := json.Unmarshal([]byte(e.data), &d); err != nil {
					t.Fatal(err)
				}
				shown += d.Text
			}
		}
		s.close()
		child, h = spawn(t, dir)
		owner.house = h
		kept := replyOf(t, owner.must(t, "GET", "/api/conversations/"+conversation, "", 200).get("messages", "1"))
		if kept.State != "interrupted" || !strings.HasPrefix(kept.Content, shown) {
			t.Fatalf("round %d: shown were %d bytes, kept is %s with %d", round, len(shown), kept.State, len(kept.Content))
		}
		if n, ok := words(kept.Content); !ok {
			t.Errorf("round %d: the kept text goes wrong after word %d", round, n)
		}
		owner.usable(t, model)
		went := owner.must(t, "POST", "/api/messages/"+kept.ID+"/continue", `{}`, 200)
		whole := replyOf(t, went.get("answer"))
		if whole.ID != kept.ID || whole.State != "done" {
			t.Fatalf("round %d: gone on with: %+v", round, whole)
		}
		if n, ok := words(whole.Content); !ok || n != 400 || !strings.HasPrefix(whole.Content, kept.Content) {
			t.Errorf("round %d: the whole text goes wrong after word %d of 400", round, n)
		}
	}
	_ = child.Process.Kill()
	_ = child.Wait()
}

// usable waits until a model can be used, after a start.
func (v *visitor) usable(t *testing.T, model string) {
	t.Helper()
	until(t, "the model is back", func() bool {
		got := v.must(t, "GET", "/api/models", "", 200)
		for i := 0; got.get("items", strconv.Itoa(i), "name") != ""; i++ {
			if n := strconv.Itoa(i); got.get("items", n, "name") == model && got.get("items", n, "available") == "true" {
				return true
			}
		}
		return false
	})
}
