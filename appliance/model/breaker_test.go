package model_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatets/appliance/inference"
	"chatets/appliance/inference/inferencetest"
	"chatets/appliance/model"
)

// clock is a time that a test moves on.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) move(d time.Duration) { c.ahead.Add(int64(d)) }

// paused is how long a turn that comes now is told to wait, in seconds; 0 when it
// gets its slot.
func (c *caller) paused(t *testing.T) (seconds int, why string) {
	t.Helper()
	turn, w := c.enter(t, "somebody", inference.Person)
	defer turn.Leave()
	if heard := w.heard(); len(heard) > 0 {
		return heard[0].Seconds, heard[0].Why
	}
	return 0, ""
}

// TestServerThatFailsIsLeftAlone opens the breaker of a server that is there and
// fails, longer each time, and closes it with a good answer. Good probes say
// nothing about it.
func TestServerThatFailsIsLeftAlone(t *testing.T) {
	t.Parallel()
	const name = "m:tokens=12"
	fake := inferencetest.New(t, name)
	at := &clock{}
	c := newCaller(t, start(t, func(c *model.Config) { c.Now, c.Probe = at.now, 20*time.Millisecond }), name, fake)
	fake.Break("/api/chat", "error")
	for i := range 3 {
		if seconds, why := c.paused(t); seconds != 0 {
			t.Fatalf("after %d failures it is left alone: %s", i, why)
		}
		if g := c.ask(t); g.err == nil {
			t.Fatal("it answers")
		}
	}
	for _, want := range []int{10, 20, 40, 80, 120, 120} {
		probes := len(fake.Requests())
		await(t, "it was looked at", func() bool { return len(fake.Requests()) > probes+2 })
		seconds, why := c.paused(t)
		if seconds < want-8 || seconds > want || !strings.Contains(why, "The server s0 failed") {
			t.Fatalf("told %d seconds, want %d: %q", seconds, want, why)
		}
		at.move(time.Duration(want) * time.Second)
		if g := c.ask(t); g.err == nil {
			t.Fatal("it answers")
		}
	}
	fake.Break("/api/chat", "")
	at.move(2 * time.Minute)
	if g := c.ask(t); g.err != nil {
		t.Fatal(g.err)
	}
	fake.Break("/api/chat", "error")
	for range 2 {
		c.ask(t)
	}
	if seconds, why := c.paused(t); seconds != 0 {
		t.Errorf("two failures after a good answer: %s", why)
	}
}

// TestServerThatComesBackIsUsed closes the breaker of a server that could not be
// reached with a good probe, long before the pause is over.
func TestServerThatComesBackIsUsed(t *testing.T) {
	t.Parallel()
	const name = "m:tokens=12"
	fake := inferencetest.New(t, name)
	c := newCaller(t, start(t, func(c *model.Config) { c.Down = 300 * time.Millisecond }), name, fake)
	fake.Down()
	for i := 0; ; i++ {
		turn, w := c.enter(t, "ada", inference.Person)
		if heard := w.heard(); len(heard) > 0 {
			if !strings.Contains(heard[0].Why, "s0") {
				t.Errorf("told %+v", heard)
			}
			check(t, fake.Up())
			began := time.Now()
			check(t, turn.Wait(t.Context()))
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it took %v", took)
			}
			turn.Leave()
			break
		}
		turn.Leave()
		if i > 3 {
			t.Fatal("it is not left alone")
		}
		c.ask(t)
	}
	if g := c.ask(t); g.err != nil {
		t.Error(g.err)
	}
}

// TestBusyOutlivesFailures keeps the time a server asked for whatever else ends.
func TestBusyOutlivesFailures(t *testing.T) {
	t.Parallel()
	const name = "m:say=plain,tokens=12,rate=40"
	fake := inferencetest.New(t, name)
	c := newCaller(t, start(t, func(c *model.Config) { c.Probe = 20 * time.Millisecond }), name, fake)
	c.slots(t, "s0", 2)
	begun, ended := make(chan struct{}), make(chan got)
	turn, _ := c.enter(t, "ben", inference.Person)
	check(t, turn.Wait(t.Context()))
	go func() {
		var g got
		first := true
		_, g.err = turn.Generate(t.Context(), inference.Request{Messages: []inference.Message{{Role: inference.RoleUser, Content: "Hello"}}},
			inference.Sink{Text: func(string) error {
				if first {
					first = false
					close(begun)
				}
				return nil
			}})
		turn.Leave()
		ended <- g
	}()
	<-begun
	fake.Break("/api/chat", "busy429")
	busy := make(chan got)
	go func() { busy <- c.ask(t) }()
	await(t, "it said that it is busy", func() bool { return len(fake.Asked()) == 2 })
	if g := <-ended; g.err != nil {
		t.Error(g.err)
	}
	fake.Break("/api/chat", "")
	if g := <-busy; g.err != nil || !strings.Contains(g.told.whys(), "asked to wait") {
		t.Errorf("got %v, told %s", g.err, g.told.whys())
	}
}
