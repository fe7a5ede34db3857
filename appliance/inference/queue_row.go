package inference

import (
	"slices"
)

// roundMost is how many turns a round has. Without an end to it, newcomers could
// keep the second question of somebody else from being served for ever.
const roundMost = 100

// A row is the tickets of one class that wait. It is served in rounds: in each a
// person has one turn, in the order in which they came. Who comes new takes part
// in the round that is being served, and so comes before everybody's next turn.
type row struct {
	front  []*Place // had a slot already; before all others
	turns  []turn   // by round; in a round as they came
	people map[string]*person
	round  int // that is being served
	served int // turns of it
}

// A turn is a person's chance in a round. Whichever of the person's tickets can
// be served uses it, the oldest first.
type turn struct {
	round  int
	person *person
}

// A person is somebody with a ticket that waits or has a slot.
type person struct {
	tickets []*Place // that wait, oldest first; one for each turn
	last    int      // round of the last turn
	slots   int      // tickets that have a slot, or are in front
}

func newRow() row { return row{people: map[string]*person{}} }

func (r *row) waiting() int { return len(r.front) + len(r.turns) }

// own is how many tickets of a person wait.
func (r *row) own(name string) int {
	if who := r.people[name]; who != nil {
		return len(who.tickets)
	}
	return 0
}

func (r *row) add(p *Place) {
	who := r.people[p.ticket.Person]
	if who == nil {
		who = &person{last: r.round - 1}
		r.people[p.ticket.Person] = who
	}
	who.last = max(r.round, who.last+1)
	who.tickets = append(who.tickets, p)
	after, _ := slices.BinarySearchFunc(r.turns, who.last+1, func(t turn, round int) int { return t.round - round })
	r.turns = slices.Insert(r.turns, after, turn{who.last, who})
}

// addFront puts a ticket that had a slot before all others.
func (r *row) addFront(p *Place) { r.front = append(r.front, p) }

// use takes out a ticket that gets a slot on the turn at i.
func (r *row) use(i int, p *Place) {
	t := r.turns[i]
	if t.round > r.round {
		r.round, r.served = t.round, 0
	}
	if r.served++; r.served >= roundMost {
		r.round, r.served = r.round+1, 0
	}
	r.turns = slices.Delete(r.turns, i, i+1)
	t.person.tickets = without(t.person.tickets, p)
	t.person.slots++
}

// drop takes out a ticket that waits and gets no slot; its person has a turn less.
func (r *row) drop(p *Place) {
	if p.front {
		r.front = without(r.front, p)
		r.leave(p)
		return
	}
	who := r.people[p.ticket.Person]
	who.tickets = without(who.tickets, p)
	who.last--
	for i := len(r.turns) - 1; i >= 0; i-- {
		if r.turns[i].person == who {
			r.turns = slices.Delete(r.turns, i, i+1)
			break
		}
	}
	r.forget(p.ticket.Person)
}

// leave takes out a ticket that had a slot.
func (r *row) leave(p *Place) {
	r.people[p.ticket.Person].slots--
	r.forget(p.ticket.Person)
}

func (r *row) forget(name string) {
	if who := r.people[name]; who.slots == 0 && len(who.tickets) == 0 {
		delete(r.people, name)
	}
}

// all lists the tickets that wait as they would be served one by one.
func (r *row) all() []*Place {
	list := append(make([]*Place, 0, r.waiting()), r.front...)
	next := make(map[*person]int, len(r.people))
	for _, t := range r.turns {
		list = append(list, t.person.tickets[next[t.person]])
		next[t.person]++
	}
	return list
}

func without(list []*Place, p *Place) []*Place {
	if i := slices.Index(list, p); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}
