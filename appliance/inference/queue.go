package inference

import (
	"context"
	"time"
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

// Ticket is a wish for a slot of a server.
type Ticket struct {
	Person  string          // who it is for
	Lane    string          // tickets of one lane go one after another; "" = none
	Class   Class           //
	Servers func() []string // candidates, best first
	Tell    func(Waiting)   // hears of the place
}

// Waiting is what a ticket that waits is told.
type Waiting struct {
	Place int    // 1 = next; 0 = in no row
	Slots int    // of the servers it waits for
	Why   string // "" = there are others in front
}

// Queue is the fair queue in front of all servers.
type Queue struct{}

// Place is a ticket in the queue.
type Place struct{}

// NewQueue returns an empty queue.
func NewQueue(now func() time.Time) *Queue { return &Queue{} }

// Serve adds a server or changes its slots.
func (q *Queue) Serve(server string, slots int) {}

// Remove takes a server away.
func (q *Queue) Remove(server string) {}

// Pause lets nobody go to a server until then.
func (q *Queue) Pause(server string, until time.Time, why string) {}

// Enter gives a ticket a place.
func (q *Queue) Enter(t Ticket) (*Place, error) { return &Place{}, nil }

// Wait waits for a slot.
func (p *Place) Wait(ctx context.Context) (server string, err error) { return Local, nil }

// Again gives the slot back and waits at the front for another.
func (p *Place) Again(ctx context.Context, not []string) (server string, err error) {
	return Local, nil
}

// Leave gives the slot or the place back.
func (p *Place) Leave() {}

// Idle reports whether nobody waits and no person is served.
func (q *Queue) Idle() bool { return true }

// Close ends the queue.
func (q *Queue) Close() {}
