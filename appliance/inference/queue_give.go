package inference

import (
	"math"
	"slices"
	"time"

	"chatets/appliance/fault"
)

// nearFront is how many places are all told; further back every tenth is.
const nearFront = 10

// changed makes a change, gives out the slots that are free then, and tells those
// whose place is another one. everybody says that the change may lead tickets to
// other servers even where no slot is free.
func (q *Queue) changed(everybody bool, change func()) {
	q.tell.Lock()
	defer q.tell.Unlock()
	q.mu.Lock()
	change()
	ask := q.all()
	if !everybody && !q.anyFree() {
		ask = slices.DeleteFunc(ask, func(p *Place) bool { return p.asked })
	}
	q.mu.Unlock()
	// Candidates are asked without the lock: whoever answers has locks of its own.
	answers := make([][]string, len(ask))
	for i, p := range ask {
		answers[i] = p.ticket.Servers()
	}
	q.mu.Lock()
	for i, p := range ask {
		q.mayGo(p, answers[i])
	}
	q.turnAway()
	q.give()
	news := q.news()
	q.mu.Unlock()
	for _, n := range news {
		n.tell(n.waiting)
	}
}

// all lists the tickets that wait: people before the background.
func (q *Queue) all() []*Place { return append(q.rows[Person].all(), q.rows[Background].all()...) }

// mayGo notes where a ticket may go.
func (q *Queue) mayGo(p *Place, servers []string) {
	p.candidates, p.asked, p.marks = p.candidates[:0], true, 0
	for _, id := range servers {
		if s := q.servers[id]; s != nil && !s.gone && !slices.Contains(p.not, id) {
			p.candidates = append(p.candidates, id)
			p.marks |= s.mark
		}
	}
}

func (q *Queue) anyFree() bool {
	now := q.now()
	for _, s := range q.servers {
		if s.busy < s.slots && !s.gone && !s.paused(now) {
			return true
		}
	}
	return false
}

// give hands out the free slots: to people first, and what is left to work that
// nobody waits for.
func (q *Queue) give() {
	for class := range q.rows {
		if Class(class) == Background && q.rows[Person].waiting() > 0 || !q.anyFree() {
			return
		}
		r := &q.rows[class]
		r.front = slices.DeleteFunc(r.front, q.granted)
		stuck := map[*person]bool{}
		for i := 0; i < len(r.turns); {
			who := r.turns[i].person
			p := (*Place)(nil)
			if !stuck[who] {
				p = q.grantOne(who)
			}
			if p == nil {
				stuck[who] = true
				i++
				continue
			}
			r.use(i, p)
		}
	}
}

// grantOne gives a slot to the oldest ticket of a person that can have one; nil
// when none can.
func (q *Queue) grantOne(who *person) *Place {
	var lanes []string // with an older ticket that waits
	for _, p := range who.tickets {
		lane := p.lane()
		if lane != "" && (q.lanes[lane] != nil || slices.Contains(lanes, lane)) {
			continue
		}
		if q.granted(p) {
			if lane != "" {
				q.lanes[lane] = p
			}
			return p
		}
		if lane != "" {
			lanes = append(lanes, lane)
		}
	}
	return nil
}

func (p *Place) lane() string {
	if p.ticket.Class == Background {
		return ""
	}
	return p.ticket.Lane
}

// granted gives a ticket a slot of the best of its servers that has one. Work in
// the background leaves one slot to people, where there is more than one.
func (q *Queue) granted(p *Place) bool {
	now := q.now()
	for _, id := range p.candidates {
		s := q.servers[id]
		if s == nil || s.gone || s.paused(now) {
			continue
		}
		slots := s.slots
		if p.ticket.Class == Background && slots > 1 {
			slots--
		}
		if s.busy >= slots {
			continue
		}
		s.busy++
		if p.ticket.Class == Person {
			q.working++
		}
		p.server, p.holds, p.waits, p.front, p.homeless = id, true, false, false, time.Time{}
		close(p.ready)
		return true
	}
	return false
}

// release gives back the slot of a ticket.
func (q *Queue) release(p *Place) {
	p.holds = false
	if p.ticket.Class == Person {
		q.working--
	}
	s := q.servers[p.server]
	if s.busy--; s.gone && s.busy == 0 {
		delete(q.servers, p.server)
	}
}

// out ends a ticket that had a slot.
func (q *Queue) out(p *Place) {
	if q.lanes[p.lane()] == p {
		delete(q.lanes, p.lane())
	}
	q.rows[p.ticket.Class].leave(p)
}

// refuse turns away a ticket that waits.
func (q *Queue) refuse(p *Place, why error) {
	q.rows[p.ticket.Class].drop(p)
	if q.lanes[p.lane()] == p {
		delete(q.lanes, p.lane())
	}
	p.waits, p.refused = false, why
	close(p.ready)
}

type placeNews struct {
	tell    func(Waiting)
	waiting Waiting
}

// turnAway refuses the tickets that have nothing to wait for.
func (q *Queue) turnAway() {
	now := q.now()
	for _, p := range q.all() {
		if _, _, err := q.outlook(p, now); err != nil {
			q.refuse(p, err)
		}
	}
}

// news is what has changed for those who wait. The alarm is set for when this is
// to be looked at again.
func (q *Queue) news() []placeNews {
	now := q.now()
	var list []placeNews
	var next time.Time
	var ahead inFront
	for _, p := range q.all() {
		w, look, _ := q.outlook(p, now) // an error between turnAway and now comes with the alarm
		w.Place = ahead.place(p.marks)
		if !look.IsZero() && (next.IsZero() || look.Before(next)) {
			next = look
		}
		same := w.Why == p.told.Why && w.Until.Equal(p.told.Until)
		if p.heard && same && (w == p.told || w.Place > nearFront && w.Place%nearFront != 0) {
			continue
		}
		p.told, p.heard = w, true
		if p.ticket.Tell != nil {
			list = append(list, placeNews{p.ticket.Tell, w})
		}
	}
	q.wakeAt(next, now)
	return list
}

// outlook is what keeps a ticket, and when that may be different; an error when
// it need not wait for it.
func (q *Queue) outlook(p *Place, now time.Time) (w Waiting, look time.Time, err error) {
	var soonest *queued
	for _, id := range p.candidates {
		s := q.servers[id]
		if s.paused(now) {
			if soonest == nil || s.until.Before(soonest.until) {
				soonest = s
			}
			continue
		}
		w.Slots += s.slots
	}
	switch {
	case len(p.candidates) == 0:
		if p.homeless.IsZero() {
			p.homeless = now
		}
		look = p.homeless.Add(homelessMost)
		if !now.Before(look) {
			return w, look, fault.New(fault.Unavailable, "No server that has the model can be reached.").
				Cure("Try again later, or choose another model.").Code(CodeUnreachable).RetryAfter(30)
		}
		w.Why = "No server that has the model can be reached."
		return w, look, nil
	case w.Slots > 0:
		if lane := p.lane(); lane != "" && q.lanes[lane] != nil && q.lanes[lane] != p {
			w.Why = "The answer before this one is not finished."
		}
	default:
		wait := soonest.until.Sub(now)
		if wait > pauseWaited {
			return w, look, fault.New(fault.Unavailable, "%s", soonest.why).Cure("Try again later, or choose another model.").
				Code(CodeBusy).RetryAfter(int(math.Ceil(wait.Seconds())))
		}
		w.Why, w.Until = soonest.why, soonest.until
	}
	p.homeless = time.Time{}
	if soonest != nil {
		look = soonest.until
	}
	return w, look, nil
}

// wakeAt sets the alarm, or stops it when there is nothing to wake for.
func (q *Queue) wakeAt(next, now time.Time) {
	if q.alarm != nil {
		q.alarm.Stop()
		q.alarm = nil
	}
	if !next.IsZero() {
		q.alarm = time.AfterFunc(next.Sub(now)+time.Millisecond, func() { q.changed(true, func() {}) })
	}
}

// inFront counts the tickets that were passed in a walk, by the servers they may
// go to. Of more than 64 servers two share a mark; then a place may be told as
// further back than it is.
type inFront []struct {
	marks uint64
	n     int
}

// place is the place of the next ticket: behind those that wait for one of the
// same servers.
func (f *inFront) place(marks uint64) int {
	place, known := 1, false
	for i := range *f {
		if (*f)[i].marks&marks != 0 {
			place += (*f)[i].n
		}
		if (*f)[i].marks == marks {
			(*f)[i].n++
			known = true
		}
	}
	if !known {
		*f = append(*f, struct {
			marks uint64
			n     int
		}{marks, 1})
	}
	return place
}
