package model_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/inference/inferencetest"
	"chatets/appliance/model"
)

// TestServerRemovedWhileUsed lets an answer come to its end, and gives the server
// no other.
func TestServerRemovedWhileUsed(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.New(t, "a:say=plain,rate=100,tokens=60")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	ask := func(c model.Choice, patience time.Duration, out inference.Sink) error {
		turn, err := h.models.Enter(model.Ticket{Person: ada.id, Choice: c})
		if err != nil {
			return err
		}
		defer turn.Leave()
		ctx, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		if err := turn.Wait(ctx); err != nil {
			return err
		}
		_, err = turn.Generate(ctx, inference.Request{Messages: []inference.Message{{Role: inference.RoleUser, Content: "Hello"}}}, out)
		return err
	}
	c, err := h.models.Choose(t.Context(), ada.actor(t), "a:say=plain,rate=100,tokens=60")
	check(t, err)
	begun, text := make(chan struct{}), &strings.Builder{}
	var once sync.Once
	ended := make(chan error, 1)
	go func() {
		ended <- ask(c, 20*time.Second, inference.Sink{Text: func(piece string) error {
			text.WriteString(piece)
			once.Do(func() { close(begun) })
			return nil
		}})
	}()
	select {
	case <-begun:
	case err := <-ended:
		t.Fatalf("the answer does not begin: %v", err)
	}
	if got := ada.must(t, "GET /api/servers/"+id, "", 200); got.get("working") != "1" {
		t.Errorf("nobody works: %s", got.body)
	}
	ada.must(t, "DELETE /api/servers/"+id, "", 204)
	asked := len(fake.Asked())
	if err := <-ended; err != nil || text.Len() == 0 {
		t.Errorf("the answer: %q, %v", text, err)
	}
	if _, err := h.models.Choose(t.Context(), ada.actor(t), c.Name); !fault.Is(err, fault.NotFound) {
		t.Errorf("the model is still there: %v", err)
	}
	// Somebody who chose it before waits, in case it comes back.
	if err := ask(c, 100*time.Millisecond, inference.Sink{}); err == nil {
		t.Error("the server that is gone gave an answer")
	}
	if n := len(fake.Asked()); n != asked {
		t.Errorf("the server was asked %d times more", n-asked)
	}
}
