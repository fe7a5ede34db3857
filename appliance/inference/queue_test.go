package inference

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/fault"
)

// row is a queue whose tickets are written down as they get their slots.
type row struct {
	t *testing.T
	*Queue
	mu   sync.Mutex
	told map[string][]Waiting
}

func newRow(t *testing.T, slots map[string]int) *row {
	r := &row{t: t, Queue: NewQueue(time.Now), told: map[string][]Waiting{}}
	for server, n := range slots {
		r.Serve(server, n)
	}
	return r
}

func (r *row) enter(name, person, lane string, class Class, servers ...string) *Place {
	r.t.Helper()
	p, err := r.Enter(Ticket{Person: person, Lane: lane, Class: class, Servers: func() []string { return servers },
		Tell: func(w Waiting) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told[name] = append(r.told[name], w)
		}})
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *row) heard(name string) []Waiting {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told[name])
}

// has reports whether a place has its slot already.
func has(p *Place) bool {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	return p.holds
}

func TestQueueIsFairOverPeople(t *testing.T) {
	t.Parallel()
	r := newRow(t, map[string]int{"gpu": 4})
	var blockers []*Place
	for i := range 4 {
		blockers = append(blockers, r.enter("b", fmt.Sprint("blocker ", i), "", Person, "gpu"))
	}
	type named struct {
		person string
		place  *Place
	}
	var all []named
	for i := range 8 {
		for range 10 {
			person := fmt.Sprint("person ", i)
			all = append(all, named{person, r.enter(person, person, "", Person, "gpu")})
		}
	}
	for _, b := range blockers {
		b.Leave()
	}
	var order []string
	for len(order) < 80 {
		served := 0
		for _, n := range all {
			if has(n.place) {
				order = append(order, n.person)
				served++
				n.place.Leave()
			}
		}
		if served == 0 {
			t.Fatalf("nobody is served after %d", len(order))
		}
	}
	if first := slices.Compact(slices.Sorted(slices.Values(order[:8]))); len(first) != 8 {
		t.Errorf("the first eight slots went to %v", order[:8])
	}
	for i := range 8 {
		if told := r.heard(fmt.Sprint("person ", i)); len(told) == 0 || told[0].Place == 0 || told[0].Slots != 4 {
			t.Errorf("person %d was told %v", i, told)
		}
	}
}

func TestQueueRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, r *row)
	}{
		{"one lane at a time", func(t *testing.T, r *row) {
			a, b, c := r.enter("a", "ada", "talk", Person, "x"), r.enter("b", "ada", "talk", Person, "x"), r.enter("c", "ada", "other", Person, "x")
			if !has(a) || has(b) || !has(c) {
				t.Errorf("has %v %v %v", has(a), has(b), has(c))
			}
			a.Leave()
			if !has(b) {
				t.Error("the next of the lane waits on")
			}
		}},
		{"background waits for people", func(t *testing.T, r *row) {
			a, b := r.enter("a", "ada", "", Person, "x"), r.enter("b", "ben", "", Person, "x")
			title := r.enter("t", "ada", "", Background, "x")
			waits := r.enter("w", "cid", "", Person, "x")
			if !has(a) || !has(b) || has(title) || has(waits) || r.Idle() {
				t.Error("two slots are not two people's")
			}
			a.Leave()
			if !has(waits) || has(title) {
				t.Error("the background went before a person")
			}
			b.Leave()
			if has(title) {
				t.Error("the background took the last slot of two")
			}
			waits.Leave()
			if !has(title) || !r.Idle() {
				t.Error("the background does not run when nobody waits")
			}
			late := r.enter("l", "dora", "", Person, "x")
			if !has(late) {
				t.Error("the background holds up a person")
			}
		}},
		{"another server when the first is full", func(t *testing.T, r *row) {
			r.Serve("y", 1)
			var places []*Place
			for range 3 {
				places = append(places, r.enter("a", "ada", "", Person, "x", "y"))
			}
			if places[0].server != "x" || places[1].server != "x" || places[2].server != "y" {
				t.Errorf("got %q %q %q", places[0].server, places[1].server, places[2].server)
			}
		}},
		{"a pause is told and ends by itself", func(t *testing.T, r *row) {
			r.Pause("x", time.Now().Add(50*time.Millisecond), "It is busy.")
			a := r.enter("a", "ada", "", Person, "x")
			if told := r.heard("a"); has(a) || len(told) != 1 || told[0].Why != "It is busy." {
				t.Errorf("told %v", told)
			}
			if server, err := a.Wait(t.Context()); server != "x" || err != nil {
				t.Errorf("got %q, %v", server, err)
			}
		}},
		{"a pause is ended", func(t *testing.T, r *row) {
			r.Pause("x", time.Now().Add(time.Hour), "It fails.")
			a := r.enter("a", "ada", "", Person, "x")
			r.Pause("x", time.Time{}, "")
			if !has(a) {
				t.Error("it waits on")
			}
		}},
		{"no server at all is told", func(t *testing.T, r *row) {
			a := r.enter("a", "ada", "", Person)
			if told := r.heard("a"); has(a) || len(told) != 1 || !strings.Contains(told[0].Why, "No server") {
				t.Errorf("told %v", told)
			}
		}},
		{"fail-over goes to the front", func(t *testing.T, r *row) {
			r.Serve("y", 1)
			a := r.enter("a", "ada", "", Person, "x", "y")
			r.enter("b", "ben", "", Person, "x")
			y := r.enter("c", "cid", "", Person, "y")
			waits := r.enter("d", "dora", "", Person, "y")
			moved := make(chan string)
			go func() {
				server, err := a.Again(t.Context(), []string{"x"})
				moved <- fmt.Sprint(server, err)
			}()
			for deadline := time.Now().Add(5 * time.Second); len(r.heard("a")) == 0 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			y.Leave()
			if got := <-moved; got != "y<nil>" || has(waits) {
				t.Errorf("got %s, and the other waits: %v", got, !has(waits))
			}
			a.Leave()
			if !has(waits) {
				t.Error("the slot was lost")
			}
		}},
		{"whoever leaves the row is gone", func(t *testing.T, r *row) {
			a, b := r.enter("a", "ada", "", Person, "x"), r.enter("b", "ada", "", Person, "x")
			waits := r.enter("w", "ben", "", Person, "x")
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := waits.Wait(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			waits.Leave()
			waits.Leave()
			a.Leave()
			a.Leave()
			b.Leave()
			if working, waiting := r.Load("x"); working != 0 || waiting != 0 || !r.Idle() {
				t.Errorf("%d work, %d wait", working, waiting)
			}
		}},
		{"the end turns everybody away", func(t *testing.T, r *row) {
			r.enter("a", "ada", "", Person, "x")
			r.enter("b", "ada", "", Person, "x")
			waits := r.enter("w", "ben", "", Person, "x")
			r.Close()
			if _, err := waits.Wait(t.Context()); !fault.Is(err, fault.Unavailable) {
				t.Errorf("got %v", err)
			}
			if _, err := r.Enter(Ticket{Person: "ada", Servers: func() []string { return nil }, Tell: func(Waiting) {}}); !fault.Is(err, fault.Unavailable) {
				t.Errorf("got %v", err)
			}
		}},
		{"twenty of one person and no more", func(t *testing.T, r *row) {
			for range 22 {
				r.enter("a", "ada", "", Person, "x")
			}
			_, err := r.Enter(Ticket{Person: "ada", Servers: func() []string { return []string{"x"} }, Tell: func(Waiting) {}})
			if !fault.Is(err, fault.TooMany) || fault.Of(err).RetryAfter == 0 {
				t.Errorf("got %v", err)
			}
			r.enter("b", "ben", "", Person, "x")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, newRow(t, map[string]int{"x": 2}))
		})
	}
}

// TestQueueUnderRandomUse lets many come, move, leave and give up: slots and lanes
// are never shared by too many, and in the end nothing is left behind.
func TestQueueUnderRandomUse(t *testing.T) {
	t.Parallel()
	r := newRow(t, map[string]int{"x": 2, "y": 1, Local: 1})
	var mu sync.Mutex
	using, lanes := map[string]int{}, map[string]int{}
	limit := map[string]int{"x": 2, "y": 1, Local: 1}
	take := func(server, lane string, n int) {
		mu.Lock()
		defer mu.Unlock()
		using[server] += n
		lanes[lane] += n
		if using[server] > limit[server] || lane != "" && lanes[lane] > 1 {
			t.Errorf("%d use %q, %d the lane %q", using[server], server, lanes[lane], lane)
		}
	}
	var people sync.WaitGroup
	for i := range 12 {
		people.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			for range 60 {
				servers := [][]string{{"x"}, {"y", "x"}, {"x", "y"}, {Local}}[random.IntN(4)]
				lane := fmt.Sprint("lane ", random.IntN(6))
				class := Person
				if random.IntN(6) == 0 {
					class, lane = Background, ""
				}
				p, err := r.Enter(Ticket{Person: fmt.Sprint(i % 5), Lane: lane, Class: class, Servers: func() []string { return servers }, Tell: func(Waiting) {}})
				if err != nil {
					if !fault.Is(err, fault.TooMany) {
						t.Error(err)
					}
					continue
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(20))*time.Millisecond)
				if random.IntN(3) > 0 {
					cancel()
					ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
				}
				server, err := p.Wait(ctx)
				if err == nil {
					take(server, lane, 1)
					if random.IntN(4) == 0 {
						time.Sleep(time.Duration(random.IntN(2)) * time.Millisecond)
					}
					take(server, lane, -1)
					if random.IntN(5) == 0 && len(servers) > 1 {
						if server, err = p.Again(ctx, []string{server}); err == nil {
							take(server, lane, 1)
							take(server, lane, -1)
						}
					}
				} else if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				p.Leave()
				cancel()
			}
		})
	}
	people.Wait()
	if !r.Idle() || len(r.people) != 0 || len(r.ring) != 0 || len(r.lanes) != 0 {
		t.Errorf("left behind: %d people, %d lanes", len(r.people), len(r.lanes))
	}
	for server := range limit {
		if n := r.Busy(server); n != 0 {
			t.Errorf("%d slots of %q are lost", n, server)
		}
	}
}
