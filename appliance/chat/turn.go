package chat

import (
	"context"
	"sync"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/model"
)

// A turn is a run's place in the fair queue, and then its slot.
type turn interface {
	Wait(ctx context.Context) error
	Generate(ctx context.Context, r inference.Request, out inference.Sink) (inference.Result, error)
	Leave()
}

// enter gives a run its place, or refuses it when too much waits already.
func (c *Chat) enter(r *run) error {
	if !r.stored() {
		r.log.loosen()
	}
	tell := func(w model.Waiting) { c.waits(r, w) }
	if c.Models != nil {
		t, err := c.Models.Enter(model.Ticket{Person: r.who.ID, Lane: r.conversation, Class: inference.Person, Choice: r.choice, Tell: tell})
		if err != nil {
			return err
		}
		r.turn = t
		return nil
	}
	place, err := c.local.Enter(inference.Ticket{Person: r.who.ID, Lane: r.conversation, Class: inference.Person,
		Servers: func() []string { return []string{inference.Local} },
		Tell:    func(w inference.Waiting) { tell(model.Waiting{Place: w.Place, Why: w.Why}) }})
	if err != nil {
		return err
	}
	r.turn = local{place}
	return nil
}

// waits tells the readers of a run how long it still waits.
func (c *Chat) waits(r *run, w model.Waiting) {
	r.log.add(EventPhase, phaseData(phase{Phase: "queued", Place: w.Place, Seconds: w.Seconds, Why: w.Why}))
	c.changed(r, true)
}

// local is the turn of a chat that knows no model servers.
type local struct{ place *inference.Place }

func (l local) Wait(ctx context.Context) error {
	_, err := l.place.Wait(ctx)
	return err
}

func (l local) Leave() { l.place.Leave() }

func (local) Generate(context.Context, inference.Request, inference.Sink) (inference.Result, error) {
	return inference.Result{}, fault.New(fault.Unavailable, "No language model is connected.")
}

// A crew is the runs that were entered and are to be worked on.
type crew struct {
	mu     sync.Mutex
	next   []*run
	closed bool
	wake   chan struct{} // one token: next is not empty
}

// add hands a run over; false when the server stops.
func (w *crew) add(r *run) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.next = append(w.next, r)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

// take is everything that was handed over; last closes the crew.
func (w *crew) take(last bool) []*run {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = w.closed || last
	runs := w.next
	w.next = nil
	return runs
}
