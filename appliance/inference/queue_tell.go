package inference

import (
	"time"

	"chatets/appliance/fault"
)

// all lists the waiting tickets as they will be taken: one of each person, then
// the second of each.
func (q *Queue) all() []*Place {
	var list []*Place
	for round := 0; ; round++ {
		before := len(list)
		for _, person := range q.ring {
			if places := q.people[person]; round < len(places) {
				list = append(list, places[round])
			}
		}
		if len(list) == before {
			return list
		}
	}
}

type placeNews struct {
	place   *Place
	waiting Waiting
}

// news is what has changed for those who wait; who has no server for too long is
// turned away.
func (q *Queue) news() []placeNews {
	now := q.now()
	var list []placeNews
	place := 0
	for _, p := range q.all() {
		place++
		w := Waiting{Place: place}
		open, soonest := false, (*queued)(nil)
		for _, id := range p.candidates {
			s := q.servers[id]
			if s == nil {
				continue
			}
			w.Slots += s.slots
			if !now.Before(s.until) {
				open = true
			} else if soonest == nil || s.until.Before(soonest.until) {
				soonest = s
			}
		}
		switch {
		case w.Slots == 0:
			w.Why = "No server that has the model can be reached."
			if p.homeless.IsZero() {
				p.homeless = now
			} else if now.Sub(p.homeless) >= homelessMost {
				q.refuse(p, fault.New(fault.Unavailable, "No server that has the model can be reached.").
					Cure("Try again later, or choose another model.").Code(CodeUnreachable).RetryAfter(30))
				continue
			}
		case !open && soonest != nil:
			w.Why = soonest.why
		}
		if w.Slots > 0 {
			p.homeless = time.Time{}
		}
		if p.heard && (w == p.told || w.Why == p.told.Why && place > nearFront && place%nearFront != 0) {
			continue
		}
		p.told, p.heard = w, true
		list = append(list, placeNews{p, w})
	}
	return list
}

// wakeAt sets the alarm for the next pause that ends, or for the next ticket that
// has waited for a server long enough.
func (q *Queue) wakeAt(now time.Time) {
	if len(q.ring) == 0 || q.closed {
		return
	}
	next := time.Time{}
	sooner := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, s := range q.servers {
		sooner(s.until)
	}
	for _, places := range q.people {
		for _, p := range places {
			if len(p.candidates) == 0 {
				since := p.homeless
				if since.IsZero() {
					since = now
				}
				sooner(since.Add(homelessMost))
			}
		}
	}
	if q.alarm != nil {
		q.alarm.Stop()
	}
	if !next.IsZero() {
		q.alarm = time.AfterFunc(next.Sub(now)+time.Millisecond, func() { q.changed(func() {}) })
	}
}
