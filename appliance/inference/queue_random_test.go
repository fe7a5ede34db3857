package inference

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatets/appliance/fault"
)

// TestQueueTime shows what happens by itself as time passes.
func TestQueueTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, r *rig)
	}{
		{"a pause ends to the second", func(t *testing.T, r *rig) {
			began := time.Now()
			r.Pause("x", began.Add(90*time.Second), "It is busy.")
			a := r.enter("a", "ada", "", Person, "x")
			if told := r.heard("a"); len(told) != 1 || told[0].Why != "It is busy." || !told[0].Until.Equal(began.Add(90*time.Second)) {
				t.Errorf("told %+v", told)
			}
			if server, err := a.Wait(t.Context()); server != "x" || err != nil || time.Since(began).Round(time.Second) != 90*time.Second {
				t.Errorf("got %q, %v after %v", server, err, time.Since(began))
			}
		}},
		{"a pause that is made longer is told and waited for", func(t *testing.T, r *rig) {
			began := time.Now()
			r.Pause("x", began.Add(10*time.Second), "It failed.")
			a := r.enter("a", "ada", "", Person, "x")
			time.Sleep(5 * time.Second)
			r.Pause("x", time.Now().Add(20*time.Second), "It failed.")
			if _, err := a.Wait(t.Context()); err != nil || time.Since(began).Round(time.Second) != 25*time.Second || len(r.heard("a")) != 2 {
				t.Errorf("%v after %v, told %+v", err, time.Since(began), r.heard("a"))
			}
		}},
		{"a long pause is not waited for", func(t *testing.T, r *rig) {
			r.Pause("x", time.Now().Add(10*time.Minute), "It is busy.")
			a := r.enter("a", "ada", "", Person, "x")
			_, err := a.Wait(t.Context())
			if f := fault.Of(err); f.Code != CodeBusy || f.Sentence != "It is busy." || f.RetryAfter != 600 || f.Cure == "" {
				t.Errorf("got %+v", f)
			}
			r.Serve("y", 1)
			b := r.enter("b", "ada", "", Person, "x", "y")
			if server, err := b.Wait(t.Context()); server != "y" || err != nil {
				t.Errorf("got %q, %v", server, err)
			}
		}},
		{"a minute without a server is enough", func(t *testing.T, r *rig) {
			began := time.Now()
			a := r.enter("a", "ada", "", Person, "nowhere")
			_, err := a.Wait(t.Context())
			if f := fault.Of(err); f.Kind != fault.Unavailable || f.Cure == "" || time.Since(began).Round(time.Second) != time.Minute {
				t.Errorf("got %+v after %v", f, time.Since(began))
			}
			if len(r.heard("a")) == 0 || !r.Idle() {
				t.Errorf("told %v, idle %v", r.heard("a"), r.Idle())
			}
		}},
		{"a server that comes in time is used", func(t *testing.T, r *rig) {
			a := r.enter("a", "ada", "", Person, "y")
			time.Sleep(50 * time.Second)
			r.Serve("y", 1)
			if server, err := a.Wait(t.Context()); server != "y" || err != nil {
				t.Errorf("got %q, %v", server, err)
			}
		}},
		{"when nobody waits any more the background works", func(t *testing.T, r *rig) {
			r.enter("a", "ada", "", Person, "nowhere")
			title := r.enter("t", "ada", "", Background, "x")
			if has(title) {
				t.Error("it went before a person")
			}
			time.Sleep(2 * time.Minute)
			if !has(title) {
				t.Error("it waits for nobody")
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { tt.run(t, newRig(t, map[string]int{"x": 2})) })
		})
	}
}

// TestQueueRandomSteps makes changes of all kinds one after another. After each
// one no slot is lost or used twice, no lane has two, and nobody waits for what is
// free.
func TestQueueRandomSteps(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(11, seed))
			r := newRig(t, map[string]int{"x": 2, "y": 1, Local: 1})
			var live []*Place
			for step := range 400 {
				switch n := random.IntN(20); {
				case n < 9:
					servers := [][]string{{"x"}, {"y", "x"}, {"x", "y"}, {Local}}[random.IntN(4)]
					person := fmt.Sprint(random.IntN(5))
					class, lane := Class(random.IntN(6)/5), []string{"", person + "a", person + "b"}[random.IntN(3)]
					p, err := r.Enter(Ticket{Person: person, Lane: lane, Class: class, Servers: func() []string { return servers }})
					if err == nil {
						live = append(live, p)
					} else if !fault.Is(err, fault.TooMany) {
						t.Fatal(err)
					}
				case n < 17 && len(live) > 0:
					i := random.IntN(len(live))
					live[i].Leave()
					live = slices.Delete(live, i, i+1)
				case n == 17:
					r.Serve([]string{"x", "y"}[random.IntN(2)], 1+random.IntN(3))
				case n == 18:
					r.Remove("y")
				case n == 19:
					r.Pause("x", time.Now().Add(time.Duration(random.IntN(2))*time.Minute), "It failed.")
				}
				r.check(step, live)
			}
			for _, p := range live {
				p.Leave()
			}
			r.empty()
		})
	}
}

// check says what is wrong with the queue between two changes.
func (r *rig) check(step int, live []*Place) {
	r.t.Helper()
	r.Queue.mu.Lock()
	defer r.Queue.mu.Unlock()
	busy, lanes := map[string]int{}, map[string]bool{}
	for _, p := range live {
		if !p.holds {
			continue
		}
		busy[p.server]++
		if lane := p.lane(); lane != "" {
			if lanes[lane] {
				r.t.Errorf("step %d: two in lane %s", step, lane)
			}
			lanes[lane] = true
		}
	}
	now := time.Now()
	for id, s := range r.servers {
		if s.busy != busy[id] {
			r.t.Errorf("step %d: %d slots of %q are used, counted are %d", step, busy[id], id, s.busy)
		}
	}
	for _, p := range live {
		if !p.waits || p.ticket.Class == Background || lanes[p.lane()] {
			continue
		}
		for _, id := range p.ticket.Servers() {
			s := r.servers[id]
			if s == nil || s.gone || s.paused(now) || s.busy >= s.slots {
				continue
			}
			if older := slices.ContainsFunc(live, func(o *Place) bool { return o != p && o.waits && o.lane() != "" && o.lane() == p.lane() }); !older {
				r.t.Errorf("step %d: somebody waits for %q, which has a free slot", step, id)
			}
		}
	}
}

// empty says what is left in a queue that everybody has left.
func (r *rig) empty() {
	r.t.Helper()
	for class := range r.rows {
		if row := &r.rows[class]; !r.Idle() || len(row.people) != 0 || row.waiting() != 0 || len(r.lanes) != 0 {
			r.t.Errorf("left behind: %d people, %d waiting, %d lanes", len(row.people), row.waiting(), len(r.lanes))
		}
	}
	for server := range r.servers {
		if n := r.Busy(server); n != 0 {
			r.t.Errorf("%d slots of %q are lost", n, server)
		}
	}
}

// TestQueueUnderRandomUse lets many come, move, leave and give up: slots and lanes
// are never shared by too many, and in the end nothing is left behind.
func TestQueueUnderRandomUse(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]int{"x": 2, "y": 1, Local: 1})
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
					ctx, cancel = context.WithTimeout(t.Context(), 2*time.Minute)
				}
				server, err := p.Wait(ctx)
				if err == nil {
					take(server, lane, 1)
					if random.IntN(4) == 0 {
						runtime.Gosched()
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
	r.empty()
}

// BenchmarkQueueLong is what one ticket costs that comes and goes while a
// thousand wait.
func BenchmarkQueueLong(b *testing.B) {
	for _, idle := range []bool{false, true} {
		b.Run(fmt.Sprintf("idle=%v", idle), func(b *testing.B) {
			q := NewQueue(time.Now)
			q.Serve("x", 4)
			if idle {
				q.Serve("y", 1) // a free slot that nobody can use
			}
			enter := func(person int) *Place {
				p, err := q.Enter(Ticket{Person: fmt.Sprint(person), Servers: func() []string { return []string{"x"} }, Tell: func(Waiting) {}})
				if err != nil {
					b.Fatal(err)
				}
				return p
			}
			for i := range 1000 {
				enter(i % 100)
			}
			for i := 0; b.Loop(); i++ {
				enter(i % 100).Leave()
			}
		})
	}
}
