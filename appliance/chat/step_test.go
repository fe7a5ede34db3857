package chat

import (
	"context"
	"strings"
	"testing"
	"time"
)

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestStepsLetAllGoTogether holds that a step frees every answer that waits, and
// that a saving knows when they are back, one that left included.
func TestStepsLetAllGoTogether(t *testing.T) {
	t.Parallel()
	var s steps
	if !closed(s.step()) {
		t.Error("a step nobody waits for is waited for")
	}
	const n = 3
	poked, free := make(chan struct{}, n*n), make(chan *pacer, n)
	waits := func(p *pacer) {
		go func() {
			p.wait(t.Context())
			free <- p
		}()
		<-poked
	}
	for range n {
		waits(&pacer{all: &s, poke: func() { poked <- struct{}{} }})
	}
	select {
	case <-free:
		t.Fatal("an answer went on without a step")
	default:
	}
	back := s.step()
	first, second, third := <-free, <-free, <-free
	waits(first)
	second.end()
	if closed(back) {
		t.Error("one is out and nobody waits for it")
	}
	late := s.step() // the saving waited long enough
	if p := <-free; p != first {
		t.Fatal("another one was let go")
	}
	waits(third)
	if closed(late) {
		t.Error("who comes back from an earlier step counts for this one")
	}
	waits(first)
	if !closed(late) {
		t.Error("all are back")
	}
}

func TestStepsAreLeftWithTheContext(t *testing.T) {
	t.Parallel()
	var s steps
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	p := &pacer{all: &s, poke: cancel}
	go func() {
		p.wait(ctx)
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("an answer that was stopped waits for a step")
	}
	if !closed(s.step()) {
		t.Error("a step waits for an answer that left")
	}
}

// TestPiecesOfAModelShareSavings holds that what a model writes between two savings
// is one event, and that none of it is lost or doubled.
func TestPiecesOfAModelShareSavings(t *testing.T) {
	t.Parallel()
	const model = "m:say=word=300,rate=1000"
	r, _ := openModels(t, wardShelf(), model)
	events := r.stream("ada", "POST", "/api/conversations", `{"message":"visiting hours","model":"`+model+`"}`).rest()
	pieces := 0
	for _, e := range events {
		if e.Name == EventDelta {
			pieces++
		}
	}
	if pieces < 2 || pieces > 100 {
		t.Errorf("300 words in 0.3 seconds are %d events", pieces)
	}
	if got := strings.Fields(textOf(t, events)); len(got) != 300 || got[0] != "w1" || got[299] != "w300" {
		t.Errorf("got %d words: %.200q", len(got), got)
	}
}
