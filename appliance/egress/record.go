package egress

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

const (
	recentMax = 200   // attempts that are kept one by one
	countsMax = 1_000 // destinations that are counted apart
)

// Outcome is what became of an attempt to connect.
type Outcome string

// The outcomes.
const (
	Dialled Outcome = "dialled" // connected
	Refused Outcome = "refused" // by the rules; nothing left the machine
	Failed  Outcome = "failed"  // allowed, but not reached
)

// Attempt is one attempt to connect.
type Attempt struct {
	Time          time.Time
	Purpose, Host string
	Port          int
	Address       string // the address dialled or judged last, "" before one was known
	Outcome       Outcome
	Why           string // of a refusal or failure; for operators
}

// Count is how often a destination was tried, since the start.
type Count struct {
	Purpose, Host            string // Host "others" collects what came after the first thousand
	Port                     int
	Dialled, Refused, Failed int64
	Last                     time.Time
}

type destination struct {
	purpose, host string
	port          int
}

// record remembers within bounds: names come from people and may be many.
type record struct {
	mu     sync.Mutex
	recent []Attempt // a ring once it is full
	next   int
	counts map[destination]*Count
}

func newRecord() *record { return &record{counts: map[destination]*Count{}} }

func (r *record) add(a Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.recent) < recentMax {
		r.recent = append(r.recent, a)
	} else {
		r.recent[r.next] = a
	}
	r.next = (r.next + 1) % recentMax

	key := destination{a.Purpose, a.Host, a.Port}
	c := r.counts[key]
	if c == nil {
		if len(r.counts) >= countsMax {
			key = destination{purpose: a.Purpose, host: "others"}
			c = r.counts[key]
		}
		if c == nil {
			c = &Count{Purpose: key.purpose, Host: key.host, Port: key.port}
			r.counts[key] = c
		}
	}
	c.Last = a.Time
	switch a.Outcome {
	case Dialled:
		c.Dialled++
	case Refused:
		c.Refused++
	case Failed:
		c.Failed++
	}
}

// Recent is the last attempts, the newest first.
func (g *Gate) Recent() []Attempt {
	r := g.record
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Attempt
	if len(r.recent) == recentMax {
		list = append(list, r.recent[r.next:]...)
		list = append(list, r.recent[:r.next]...)
	} else {
		list = append(list, r.recent...)
	}
	slices.Reverse(list)
	return list
}

// Counts is every destination that was tried, sorted by purpose, host and port.
func (g *Gate) Counts() []Count {
	r := g.record
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Count, 0, len(r.counts))
	for _, c := range r.counts {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	return list
}
