package chat

import (
	"context"
	"sync"
)

// steps let the answers that are being written come in step: what models wrote
// since the last saving is fetched just before the next one, for all answers
// together. Nobody is shown a word later for it, since nothing is shown before
// it is saved, and a hundred answers wake the processor ten times a second
// instead of five thousand times.
type steps struct {
	mu      sync.Mutex
	number  int
	next    chan struct{} // closed with the next step
	waiting int           // answers that wait for it
	out     int           // answers that were let go with this step and are not back
	back    chan struct{} // closed when none of them is out
}

// A pacer holds one answer back until the next step.
type pacer struct {
	all  *steps
	poke func() // asks for a step
	with int    // the step it was let go with last; 0 for none
}

// wait returns with the next step, or with ctx. Nobody else may use the pacer.
func (p *pacer) wait(ctx context.Context) {
	next, number := p.all.enter(p.with)
	p.poke()
	select {
	case <-next:
		p.with = number
	case <-ctx.Done():
		p.all.leave(number)
		p.with = 0
	}
}

// end takes the answer out: nobody is to wait for it.
func (p *pacer) end() {
	p.all.returned(p.with)
	p.with = 0
}

func (s *steps) enter(last int) (next <-chan struct{}, number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.home(last)
	if s.next == nil {
		s.next = make(chan struct{})
	}
	s.waiting++
	return s.next, s.number + 1
}

func (s *steps) leave(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.number >= number { // it was let go at the same moment
		s.home(number)
		return
	}
	s.waiting--
}

func (s *steps) returned(last int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.home(last)
}

// home notes that an answer is back that was let go with a step.
func (s *steps) home(last int) {
	if last == 0 || last != s.number || s.out == 0 {
		return
	}
	if s.out--; s.out == 0 {
		close(s.back)
	}
}

// step lets all answers go that wait. What it returns is closed when each of
// them has taken what there was; one whose model has written nothing stays out.
func (s *steps) step() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	s.out, s.waiting = s.waiting, 0
	s.back = make(chan struct{})
	if s.out == 0 {
		close(s.back)
	}
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
	return s.back
}
