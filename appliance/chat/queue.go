package chat

import (
	"context"
	"slices"
	"sync"

	"chatets/appliance/fault"
)

const (
	maxWaiting       = 1000 // runs in the queue, of all people
	maxWaitingPerson = 20   // runs of one person
)

// A queue lets a bounded number of runs work at a time and takes the waiting
// ones person by person, so that nobody waits for somebody else's pile. Runs of
// one conversation go one after the other.
type queue struct {
	mu      sync.Mutex
	slots   int
	busy    int
	waiting int               // reserved or pushed
	count   map[string]int    // of a person, reserved or pushed
	people  map[string][]*run // pushed, oldest first
	ring    []string          // people with waiting runs; the first is next
	active  map[string]bool   // conversations with a working run
	halted  []*run            // taken out before their turn, to be ended by whoever calls next
	closed  bool              // the server stops
	wake    chan struct{}     // one token: something may be ready
}

func newQueue(slots int) *queue {
	return &queue{slots: slots, count: map[string]int{}, people: map[string][]*run{}, active: map[string]bool{}, wake: make(chan struct{}, 1)}
}

// reserve takes a place for a run of the person before anything is stored, and
// refuses when there is none. push or unreserve must follow.
func (q *queue) reserve(person string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return fault.New(fault.Unavailable, "ChatETS is stopping.").Cure("Try again in a moment.").RetryAfter(5)
	case q.count[person] >= maxWaitingPerson:
		return fault.New(fault.TooMany, "You have %d questions waiting already.", q.count[person]).
			Cure("Wait for an answer, or stop one of them.").RetryAfter(5)
	case q.waiting >= maxWaiting:
		return fault.New(fault.Unavailable, "Too many questions are waiting for an answer.").
			Cure("Try again in a moment.").RetryAfter(10)
	}
	q.waiting++
	q.count[person]++
	return nil
}

func (q *queue) unreserve(person string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.forget(person)
}

func (q *queue) forget(person string) {
	q.waiting--
	if q.count[person]--; q.count[person] == 0 {
		delete(q.count, person)
	}
}

// push puts a run with a reserved place into the queue; false when the server
// began to stop since.
func (q *queue) push(r *run) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.forget(r.who.ID)
		return false
	}
	person := r.who.ID
	if len(q.people[person]) == 0 {
		q.ring = append(q.ring, person)
	}
	q.people[person] = append(q.people[person], r)
	if q.busy >= q.slots || q.waiting > 1 {
		q.tell()
	}
	q.signal()
	return true
}

// next waits for a run that may work and takes it. The caller must call release
// when it ended.
func (q *queue) next(ctx context.Context) (*run, error) {
	for {
		if r := q.take(); r != nil {
			return r, nil
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *queue) take() *run {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.halted); n > 0 {
		r := q.halted[0]
		q.halted = q.halted[1:]
		q.signal()
		return r
	}
	if q.busy >= q.slots {
		return nil
	}
	for i, person := range q.ring {
		for _, r := range q.people[person] {
			if q.active[r.conversation] && r.conversation != "" {
				continue
			}
			// Whoever was served goes to the end of the ring.
			q.ring = append(slices.Delete(q.ring, i, i+1), person)
			q.drop(r)
			q.busy++
			r.slot = true
			q.active[r.conversation] = true
			q.tell()
			q.signal()
			return r
		}
	}
	return nil
}

// drop takes a waiting run out.
func (q *queue) drop(r *run) bool {
	person := r.who.ID
	i := slices.Index(q.people[person], r)
	if i < 0 {
		return false
	}
	q.people[person] = slices.Delete(q.people[person], i, i+1)
	if len(q.people[person]) == 0 {
		delete(q.people, person)
		q.ring = slices.DeleteFunc(q.ring, func(p string) bool { return p == person })
	}
	q.forget(person)
	return true
}

// halt lets a waiting run out at once, without a slot, so that its end need not
// wait for its turn.
func (q *queue) halt(r *run) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.drop(r) {
		q.halted = append(q.halted, r)
		q.tell()
		q.signal()
	}
}

// shut takes out everything that waits and lets nothing in any more.
func (q *queue) shut() []*run {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	all := append(q.halted, q.order()...)
	q.halted = nil
	for _, r := range all {
		q.drop(r)
	}
	return all
}

// release gives the slot of a run back, if it holds one.
func (q *queue) release(r *run) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !r.slot {
		return
	}
	r.slot = false
	q.busy--
	delete(q.active, r.conversation)
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// order lists the waiting runs as they will be taken.
func (q *queue) order() []*run {
	all := make([]*run, 0, q.waiting)
	for round := 0; ; round++ {
		before := len(all)
		for _, person := range q.ring {
			if runs := q.people[person]; round < len(runs) {
				all = append(all, runs[round])
			}
		}
		if len(all) == before {
			return all
		}
	}
}

// tell writes their place into the events of the waiting runs: each place near
// the front, every tenth further back.
func (q *queue) tell() {
	for i, r := range q.order() {
		place := i + 1
		if place != r.place && (r.place == 0 || place <= 10 || place%10 == 0) {
			r.place = place
			r.log.add(EventPhase, phaseData(phase{Phase: "queued", Place: place}))
		}
	}
}
