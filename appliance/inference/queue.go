package inference

import (
	"context"
	"slices"
	"sync"
	"time"

	"chatets/appliance/fault"
)

// Local is the server of answers without a model; it is always there.
const Local = ""

// Class says how much a ticket matters.
type Class int

// The classes.
const (
	Person     Class = iota // somebody waits for it
	Background              // nobody does: only when no ticket of a person waits
)

const (
	waitingMost  = 1000            // tickets of a class that wait, of all people
	waitingOwn   = 20              // of one person
	homelessMost = time.Minute     // a ticket waits so long for a server to be there at all
	pauseWaited  = 2 * time.Minute // a longer pause of all its servers turns a ticket away
)

// Ticket is a wish for a slot of a server.
type Ticket struct {
	Person  string          // who it is for: the queue is fair over people
	Lane    string          // a person's tickets of one lane, such as a conversation, go one after another; "" = none
	Class   Class           // of Background the lane does not matter
	Servers func() []string // candidates, best first; asked again whenever something changes
	Tell    func(Waiting)   // hears of the place; it must not call the queue
}

// Waiting is what a ticket that waits is told.
type Waiting struct {
	Place int       // 1 = next for any of its servers
	Slots int       // of those of its servers that are not paused, together
	Why   string    // "" = others are in front; else what keeps it
	Until time.Time // all its servers are paused until then; zero = they are not
}

// Queue is the fair queue in front of all servers. Each server has slots; whoever
// has a slot works on it. People take turns: whoever was served goes to the end
// of the row, so nobody waits for somebody else's pile.
type Queue struct {
	now  func() time.Time
	tell sync.Mutex // held over a change and its telling, so that each ticket hears in order

	mu      sync.Mutex // never held while anybody is asked or told
	servers map[string]*queued
	known   int               // servers that were ever there
	rows    [2]row            // by class
	lanes   map[string]*Place // who goes first in it: the one that has a slot or had one
	working int               // tickets of people that have a slot
	closed  bool
	alarm   *time.Timer // for the next pause that ends
}

// queued is a server as the queue knows it.
type queued struct {
	slots, busy int
	gone        bool // removed, with somebody who still works there
	until       time.Time
	why         string // it is paused until then
	mark        uint64 // one bit; see Place.marks
}

func (s *queued) paused(now time.Time) bool { return now.Before(s.until) }

// Place is a ticket in the queue: first its place in the row, then its slot.
type Place struct {
	queue  *Queue
	ticket Ticket

	// Guarded by the queue.
	ready      chan struct{} // closed when it has a slot or is turned away
	waits      bool
	front      bool // it had a slot already
	candidates []string
	asked      bool
	marks      uint64   // of the candidates: two places wait for each other when they share one
	not        []string // servers that failed it
	server     string   // whose slot it has or had last
	holds      bool
	refused    error
	told       Waiting
	heard      bool
	homeless   time.Time // since when there is no server for it
}

// NewQueue returns a queue that knows no server yet.
func NewQueue(now func() time.Time) *Queue {
	return &Queue{now: now, servers: map[string]*queued{}, rows: [2]row{newRow(), newRow()}, lanes: map[string]*Place{}}
}

// Serve adds a server or changes its slots, and has everybody asked again where
// to go.
func (q *Queue) Serve(server string, slots int) {
	q.changed(true, func() {
		s := q.servers[server]
		if s == nil {
			s = &queued{mark: 1 << (q.known % 64)}
			q.known++
			q.servers[server] = s
		}
		s.slots, s.gone = max(slots, 1), false
	})
}

// Remove takes a server away. Who works on it may finish, and counts again if the
// server comes back meanwhile.
func (q *Queue) Remove(server string) {
	q.changed(true, func() {
		if s := q.servers[server]; s != nil && s.busy > 0 {
			s.gone, s.until = true, time.Time{}
			return
		}
		delete(q.servers, server)
	})
}

// Pause gives nobody a slot of the server until then; a time that has passed ends
// a pause. why is told to those who wait.
func (q *Queue) Pause(server string, until time.Time, why string) {
	q.changed(true, func() {
		if s := q.servers[server]; s != nil && !s.gone {
			s.until, s.why = until, why
		}
	})
}

// Enter gives a ticket its place. Too many tickets of one person are
// fault.TooMany, too many in all are fault.Unavailable.
func (q *Queue) Enter(t Ticket) (*Place, error) {
	p := &Place{queue: q, ticket: t, ready: make(chan struct{}), waits: true}
	var err error
	q.changed(false, func() {
		if err = q.full(t); err == nil {
			q.rows[t.Class].add(p)
		}
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (q *Queue) full(t Ticket) error {
	r := &q.rows[t.Class]
	own := r.own(t.Person)
	switch {
	case q.closed:
		return stopping()
	case own >= waitingOwn:
		return fault.New(fault.TooMany, "You have %d questions waiting already.", own).
			Cure("Wait for an answer, or stop one of them.").RetryAfter(5)
	case r.waiting() >= waitingMost:
		return fault.New(fault.Unavailable, "Too many questions are waiting for an answer.").
			Cure("Try again in a moment.").RetryAfter(10)
	}
	return nil
}

func stopping() error {
	return fault.New(fault.Unavailable, "ChatETS is stopping.").Cure("Try again in a moment.").RetryAfter(5)
}

func givenUp() error { return fault.New(fault.Cancelled, "The place in the queue was given up.") }

// Wait waits for a slot and says of which server. It ends at once with ctx; Leave
// must follow all the same.
func (p *Place) Wait(ctx context.Context) (server string, err error) {
	q := p.queue
	q.mu.Lock()
	ready := p.ready
	q.mu.Unlock()
	select {
	case <-ready:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !p.holds {
		return "", p.refused
	}
	return p.server, nil
}

// Again gives the slot back, because its server failed, and waits at the front
// for a slot of a server that is not among not. The lane stays its own.
func (p *Place) Again(ctx context.Context, not []string) (server string, err error) {
	q := p.queue
	q.changed(false, func() {
		if !p.holds {
			return // it waits, or is out
		}
		q.release(p)
		if q.closed {
			p.refused = stopping()
			q.out(p)
			return
		}
		p.not, p.front, p.waits, p.heard, p.asked = slices.Clone(not), true, true, false, false
		p.ready = make(chan struct{})
		q.rows[p.ticket.Class].addFront(p)
	})
	return p.Wait(ctx)
}

// Leave gives back the slot or the place; called again it does nothing.
func (p *Place) Leave() {
	q := p.queue
	q.changed(false, func() {
		switch {
		case p.waits:
			q.refuse(p, givenUp())
		case p.holds:
			q.release(p)
			p.refused = givenUp()
			q.out(p)
		}
	})
}

// Idle reports whether no person waits and nobody works for one.
func (q *Queue) Idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.rows[Person].waiting() == 0 && q.working == 0
}

// Busy is how many tickets have a slot of the server. Whoever is asked for
// candidates may call it.
func (q *Queue) Busy(server string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := q.servers[server]; s != nil {
		return s.busy
	}
	return 0
}

// Load is how many tickets have a slot of the server, and how many wait for it.
func (q *Queue) Load(server string) (working, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := q.servers[server]; s != nil {
		working = s.busy
	}
	for _, p := range q.all() {
		if slices.Contains(p.candidates, server) {
			waiting++
		}
	}
	return working, waiting
}

// Close turns away everybody who waits, and whoever comes.
func (q *Queue) Close() {
	q.changed(false, func() {
		q.closed = true
		for _, p := range q.all() {
			q.refuse(p, stopping())
		}
	})
}
