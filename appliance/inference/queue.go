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
	waitingMost  = 1000        // tickets that wait, of all people
	waitingOwn   = 20          // of one person
	homelessMost = time.Minute // a ticket waits so long for a server to be there at all
	nearFront    = 10          // places that are all told; further back every tenth is
)

// Ticket is a wish for a slot of a server.
type Ticket struct {
	Person  string          // who it is for: the queue is fair over people
	Lane    string          // tickets of one lane, such as a conversation, go one after another; "" = none
	Class   Class           //
	Servers func() []string // candidates, best first; asked again whenever something changes
	Tell    func(Waiting)   // hears of the place; it must not call the queue
}

// Waiting is what a ticket that waits is told.
type Waiting struct {
	Place int    // 1 = next
	Slots int    // of the servers it waits for, together
	Why   string // "" = others are in front; else what keeps its servers
}

// Queue is the fair queue in front of all servers. Each server has slots; whoever
// has a slot works on it. People take turns: whoever was served goes to the end
// of the row, so nobody waits for somebody else's pile.
type Queue struct {
	now  func() time.Time
	tell sync.Mutex // held over a change and its telling, so that each ticket hears in order

	mu      sync.Mutex
	servers map[string]*queued
	people  map[string][]*Place // waiting for a slot, oldest first
	ring    []string            // people with waiting tickets; the first is next
	lanes   map[string]bool     // with a ticket that has a slot
	waiting int                 // tickets of people
	working int                 // tickets of people that have a slot
	closed  bool
	alarm   *time.Timer // for the end of the next pause
}

// queued is a server as the queue knows it.
type queued struct {
	slots, busy int
	until       time.Time // paused
	why         string
}

// Place is a ticket in the queue: first its place in the row, then its slot.
type Place struct {
	queue  *Queue
	ticket Ticket
	ready  chan struct{} // closed when it has a slot or is turned away

	// Guarded by the queue.
	candidates []string
	not        []string // servers that failed it
	front      bool     // it had a slot already
	server     string
	holds      bool
	left       bool
	refused    error
	told       Waiting
	heard      bool
	homeless   time.Time // since when there is no server for it
}

// NewQueue returns a queue that knows no server yet.
func NewQueue(now func() time.Time) *Queue {
	return &Queue{now: now, servers: map[string]*queued{}, people: map[string][]*Place{}, lanes: map[string]bool{}}
}

// Serve adds a server or changes its slots.
func (q *Queue) Serve(server string, slots int) {
	q.changed(func() {
		s := q.servers[server]
		if s == nil {
			s = &queued{}
			q.servers[server] = s
		}
		s.slots = max(slots, 1)
	})
}

// Remove takes a server away. Who works on it may finish.
func (q *Queue) Remove(server string) { q.changed(func() { delete(q.servers, server) }) }

// Pause gives nobody a slot of the server until then; a time that has passed ends
// a pause. why is told to those who wait.
func (q *Queue) Pause(server string, until time.Time, why string) {
	q.changed(func() {
		if s := q.servers[server]; s != nil {
			s.until, s.why = until, why
		}
	})
}

// Enter gives a ticket its place. Too many tickets of one person are
// fault.TooMany, too many in all are fault.Unavailable.
func (q *Queue) Enter(t Ticket) (*Place, error) {
	p := &Place{queue: q, ticket: t, ready: make(chan struct{})}
	var err error
	q.changed(func() {
		if err = q.room(t); err == nil {
			q.push(p)
		}
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (q *Queue) room(t Ticket) error {
	switch {
	case q.closed:
		return stopping()
	case len(q.people[t.Person]) >= waitingOwn:
		return fault.New(fault.TooMany, "You have %d questions waiting already.", len(q.people[t.Person])).
			Cure("Wait for an answer, or stop one of them.").RetryAfter(5)
	case q.waiting >= waitingMost:
		return fault.New(fault.Unavailable, "Too many questions are waiting for an answer.").
			Cure("Try again in a moment.").RetryAfter(10)
	}
	return nil
}

func stopping() error {
	return fault.New(fault.Unavailable, "ChatETS is stopping.").Cure("Try again in a moment.").RetryAfter(5)
}

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
		return "", ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return p.server, p.refused
}

// Again gives the slot back, because its server failed, and waits at the front
// for a slot of a server that is not among not.
func (p *Place) Again(ctx context.Context, not []string) (server string, err error) {
	q := p.queue
	q.changed(func() {
		q.release(p)
		if p.left || q.closed {
			return
		}
		p.not, p.front, p.heard = not, true, false
		p.ready = make(chan struct{})
		q.push(p)
	})
	if q.isClosed() {
		return "", stopping()
	}
	return p.Wait(ctx)
}

// Leave gives back the slot or the place; called again it does nothing.
func (p *Place) Leave() {
	q := p.queue
	q.changed(func() {
		if p.left {
			return
		}
		p.left = true
		q.drop(p)
		q.release(p)
	})
}

// Idle reports whether no person waits and nobody works for one.
func (q *Queue) Idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting == 0 && q.working == 0
}

// Busy is how many tickets have a slot of the server.
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
	for _, places := range q.people {
		for _, p := range places {
			if slices.Contains(p.candidates, server) {
				waiting++
			}
		}
	}
	return working, waiting
}

// Close turns away everybody who waits, and whoever comes.
func (q *Queue) Close() {
	q.changed(func() {
		q.closed = true
		for _, places := range q.people {
			for _, p := range slices.Clone(places) {
				q.refuse(p, stopping())
			}
		}
		if q.alarm != nil {
			q.alarm.Stop()
		}
	})
}

func (q *Queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// changed makes a change, gives out the slots that are free then, and tells
// those whose place is another one.
func (q *Queue) changed(change func()) {
	q.tell.Lock()
	defer q.tell.Unlock()
	q.mu.Lock()
	change()
	waiting := q.all()
	q.mu.Unlock()
	// The candidates are asked without the lock: whoever answers has locks of its own.
	lists := make([][]string, len(waiting))
	for i, p := range waiting {
		lists[i] = p.ticket.Servers()
	}
	q.mu.Lock()
	for i, p := range waiting {
		p.candidates = slices.DeleteFunc(slices.Clone(lists[i]), func(s string) bool { return slices.Contains(p.not, s) })
	}
	q.give()
	news := q.news()
	q.mu.Unlock()
	for _, n := range news {
		n.place.ticket.Tell(n.waiting)
	}
}

// push puts a place into the row of its person.
func (q *Queue) push(p *Place) {
	person := p.ticket.Person
	if len(q.people[person]) == 0 {
		q.ring = append(q.ring, person)
	}
	if p.front {
		q.people[person] = slices.Insert(q.people[person], 0, p)
		q.ring = append([]string{person}, slices.DeleteFunc(q.ring, func(r string) bool { return r == person })...)
	} else {
		q.people[person] = append(q.people[person], p)
	}
	if p.ticket.Class == Person {
		q.waiting++
	}
}

// drop takes a place out of the row of its person.
func (q *Queue) drop(p *Place) {
	person := p.ticket.Person
	i := slices.Index(q.people[person], p)
	if i < 0 {
		return
	}
	q.people[person] = slices.Delete(q.people[person], i, i+1)
	if len(q.people[person]) == 0 {
		delete(q.people, person)
		q.ring = slices.DeleteFunc(q.ring, func(r string) bool { return r == person })
	}
	if p.ticket.Class == Person {
		q.waiting--
	}
}

func (q *Queue) release(p *Place) {
	if !p.holds {
		return
	}
	p.holds = false
	if s := q.servers[p.server]; s != nil {
		s.busy--
	}
	if p.ticket.Class == Person {
		q.working--
	}
	if p.ticket.Lane != "" {
		delete(q.lanes, p.ticket.Lane)
	}
}

func (q *Queue) refuse(p *Place, why error) {
	q.drop(p)
	p.refused = why
	close(p.ready)
}

// give hands out the free slots: to people first, one each in turn, and what is
// left to work that nobody waits for.
func (q *Queue) give() {
	now := q.now()
	for q.giveOne(Person, now) {
	}
	if q.waiting == 0 {
		for q.giveOne(Background, now) {
		}
	}
	q.wakeAt(now)
}

func (q *Queue) giveOne(class Class, now time.Time) bool {
	for i, person := range q.ring {
		for _, p := range q.people[person] {
			if p.ticket.Class != class || p.ticket.Lane != "" && q.lanes[p.ticket.Lane] {
				continue
			}
			server, free := q.free(p, now)
			if !free {
				continue
			}
			q.ring = append(slices.Delete(q.ring, i, i+1), person)
			q.drop(p)
			q.servers[server].busy++
			p.server, p.holds = server, true
			if class == Person {
				q.working++
			}
			if p.ticket.Lane != "" {
				q.lanes[p.ticket.Lane] = true
			}
			close(p.ready)
			return true
		}
	}
	return false
}

// free is the best candidate with a free slot. Work in the background leaves one
// slot to people, where there is more than one.
func (q *Queue) free(p *Place, now time.Time) (string, bool) {
	for _, id := range p.candidates {
		s := q.servers[id]
		if s == nil || now.Before(s.until) {
			continue
		}
		slots := s.slots
		if p.ticket.Class == Background && slots > 1 {
			slots--
		}
		if s.busy < slots {
			return id, true
		}
	}
	return "", false
}
