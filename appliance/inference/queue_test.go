package inference

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/fault"
)

// row is a queue whose tickets are written down as they get their slots.
type rig struct {
	t *testing.T
	*Queue
	mu   sync.Mutex
	told map[string][]Waiting
}

func newRig(t *testing.T, slots map[string]int) *rig {
	r := &rig{t: t, Queue: NewQueue(time.Now), told: map[string][]Waiting{}}
	for server, n := range slots {
		r.Serve(server, n)
	}
	return r
}

func (r *rig) enter(name, person, lane string, class Class, servers ...string) *Place {
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

func (r *rig) heard(name string) []Waiting {
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

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
		runtime.Gosched()
	}
}

func TestQueueIsFairOverPeople(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]int{"gpu": 4})
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
		run  func(t *testing.T, r *rig)
	}{
		{"one lane at a time", func(t *testing.T, r *rig) {
			a, b, c := r.enter("a", "ada", "talk", Person, "x"), r.enter("b", "ada", "talk", Person, "x"), r.enter("c", "ada", "other", Person, "x")
			if !has(a) || has(b) || !has(c) {
				t.Errorf("has %v %v %v", has(a), has(b), has(c))
			}
			a.Leave()
			if !has(b) {
				t.Error("the next of the lane waits on")
			}
		}},
		{"background waits for people", func(t *testing.T, r *rig) {
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
		{"another server when the first is full", func(t *testing.T, r *rig) {
			r.Serve("y", 1)
			var places []*Place
			for range 3 {
				places = append(places, r.enter("a", "ada", "", Person, "x", "y"))
			}
			if places[0].server != "x" || places[1].server != "x" || places[2].server != "y" {
				t.Errorf("got %q %q %q", places[0].server, places[1].server, places[2].server)
			}
		}},
		{"a pause is told and ends by itself", func(t *testing.T, r *rig) {
			r.Pause("x", time.Now().Add(50*time.Millisecond), "It is busy.")
			a := r.enter("a", "ada", "", Person, "x")
			if told := r.heard("a"); has(a) || len(told) != 1 || told[0].Why != "It is busy." {
				t.Errorf("told %v", told)
			}
			if server, err := a.Wait(t.Context()); server != "x" || err != nil {
				t.Errorf("got %q, %v", server, err)
			}
		}},
		{"a pause is ended", func(t *testing.T, r *rig) {
			r.Pause("x", time.Now().Add(time.Minute), "It fails.")
			a := r.enter("a", "ada", "", Person, "x")
			r.Pause("x", time.Time{}, "")
			if !has(a) {
				t.Error("it waits on")
			}
		}},
		{"no server at all is told", func(t *testing.T, r *rig) {
			a := r.enter("a", "ada", "", Person)
			if told := r.heard("a"); has(a) || len(told) != 1 || !strings.Contains(told[0].Why, "No server") {
				t.Errorf("told %v", told)
			}
		}},
		{"fail-over goes to the front", func(t *testing.T, r *rig) {
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
			eventually(t, func() bool { return len(r.heard("a")) > 0 })
			y.Leave()
			if got := <-moved; got != "y<nil>" || has(waits) {
				t.Errorf("got %s, and the other waits: %v", got, !has(waits))
			}
			a.Leave()
			if !has(waits) {
				t.Error("the slot was lost")
			}
		}},
		{"whoever leaves the row is gone", func(t *testing.T, r *rig) {
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
		{"the end turns everybody away", func(t *testing.T, r *rig) {
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
		{"twenty of one person and no more", func(t *testing.T, r *rig) {
			for range 22 {
				r.enter("a", "ada", "", Person, "x")
			}
			_, err := r.Enter(Ticket{Person: "ada", Servers: func() []string { return []string{"x"} }, Tell: func(Waiting) {}})
			if !fault.Is(err, fault.TooMany) || fault.Of(err).RetryAfter == 0 {
				t.Errorf("got %v", err)
			}
			r.enter("b", "ben", "", Person, "x")
		}},
		{"fail-over keeps the lane", func(t *testing.T, r *rig) {
			r.Serve("y", 1)
			y := r.enter("y", "ben", "", Person, "y")
			a, b := r.enter("a", "ada", "talk", Person, "x", "y"), r.enter("b", "ada", "talk", Person, "x", "y")
			done := make(chan error)
			go func() {
				_, err := a.Again(t.Context(), []string{"x"})
				done <- err
			}()
			eventually(t, func() bool { return len(r.heard("a")) > 0 })
			if has(b) {
				t.Error("the next of the lane overtook the one that failed")
			}
			y.Leave()
			if err := <-done; err != nil || a.server != "y" || has(b) {
				t.Errorf("got %v on %q; the next has a slot: %v", err, a.server, has(b))
			}
			a.Leave()
			if !has(b) {
				t.Error("the next of the lane waits on")
			}
		}},
		{"a lane keeps its order where another server is free", func(t *testing.T, r *rig) {
			r.Serve("y", 1)
			y := r.enter("y", "ben", "", Person, "y")
			first, second := r.enter("1", "ada", "talk", Person, "y"), r.enter("2", "ada", "talk", Person, "x")
			if has(first) || has(second) {
				t.Error("the second of a lane overtook the first")
			}
			first.Leave()
			if !has(second) {
				t.Error("nobody is in front any more")
			}
			y.Leave()
		}},
		{"the background keeps no lane", func(t *testing.T, r *rig) {
			title := r.enter("t", "ada", "talk", Background, "x")
			if a := r.enter("a", "ada", "talk", Person, "x"); !has(title) || !has(a) {
				t.Error("they wait for each other")
			}
		}},
		{"a server that comes back has no slots too many", func(t *testing.T, r *rig) {
			a, b := r.enter("a", "ada", "", Person, "x"), r.enter("b", "ben", "", Person, "x")
			r.Remove("x")
			waits := r.enter("w", "cid", "", Person, "x")
			r.Serve("x", 2)
			if has(waits) {
				t.Error("three work on two slots")
			}
			a.Leave()
			b.Leave()
			if n := r.Busy("x"); n != 1 || !has(waits) {
				t.Errorf("%d work", n)
			}
			waits.Leave()
			r.Remove("x")
			if len(r.servers) != 0 {
				t.Errorf("left behind: %v", r.servers)
			}
		}},
		{"fewer slots take nobody's away", func(t *testing.T, r *rig) {
			a, b := r.enter("a", "ada", "", Person, "x"), r.enter("b", "ben", "", Person, "x")
			waits := r.enter("w", "cid", "", Person, "x")
			r.Serve("x", 1)
			a.Leave()
			if has(waits) || !has(b) {
				t.Error("two work on one slot")
			}
			b.Leave()
			if !has(waits) {
				t.Error("the slot is lost")
			}
		}},
		{"a place counts those in front for the same servers", func(t *testing.T, r *rig) {
			r.Serve("y", 1)
			for i, server := range []string{"x", "x", "x", "x", "y", "y"} {
				r.enter("", fmt.Sprint(i), "", Person, server)
			}
			r.enter("both", "ada", "", Person, "x", "y")
			r.enter("last", "ben", "", Person, "y")
			for name, want := range map[string]Waiting{"both": {Place: 4, Slots: 3}, "last": {Place: 3, Slots: 1}} {
				if told := r.heard(name); len(told) != 1 || told[0] != want {
					t.Errorf("%s was told %+v, want %+v", name, told, want)
				}
			}
		}},
		{"places are told as they change, far ones by the ten", func(t *testing.T, r *rig) {
			places := []*Place{r.enter("", "ada", "", Person, "x"), r.enter("", "ben", "", Person, "x")}
			for i := range 25 {
				places = append(places, r.enter(fmt.Sprint(i), fmt.Sprint(i), "", Person, "x"))
			}
			for _, p := range places {
				p.Leave()
			}
			var got []int
			for _, w := range r.heard("24") {
				got = append(got, w.Place)
			}
			if want := []int{25, 20, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}},
		{"who leaves while waiting stops waiting", func(t *testing.T, r *rig) {
			r.Serve("x", 1)
			a, waits := r.enter("a", "ada", "", Person, "x"), r.enter("w", "ben", "", Person, "x")
			done := make(chan error)
			go func() {
				_, err := waits.Wait(t.Context())
				done <- err
			}()
			waits.Leave()
			if err := <-done; !fault.Is(err, fault.Cancelled) {
				t.Errorf("got %v", err)
			}
			a.Leave()
			if _, err := a.Again(t.Context(), nil); !fault.Is(err, fault.Cancelled) {
				t.Errorf("who left got %v", err)
			}
		}},
		{"a newcomer comes before the next turn of others", func(t *testing.T, r *rig) {
			var first []*Place
			for range 10 {
				first = append(first, r.enter("ada", "ada", "", Person, "x"))
			}
			ben := r.enter("ben", "ben", "", Person, "x")
			first[0].Leave()
			if !has(ben) {
				t.Error("the newcomer waits behind a pile")
			}
			first[1].Leave()
			if !has(first[2]) {
				t.Error("the pile does not move on")
			}
		}},
		{"newcomers keep nobody waiting for ever", func(t *testing.T, r *rig) {
			r.Serve("x", 1)
			working := r.enter("ada", "ada", "", Person, "x")
			second := r.enter("ada", "ada", "", Person, "x")
			next := r.enter("0", "0", "", Person, "x")
			for i := 1; !has(second); i++ {
				if i > roundMost+5 {
					t.Fatalf("%d newcomers went before", i)
				}
				working.Leave()
				working, next = next, r.enter(fmt.Sprint(i), fmt.Sprint(i), "", Person, "x")
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, newRig(t, map[string]int{"x": 2}))
		})
	}
}
