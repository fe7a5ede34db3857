package vector

import (
	"errors"
	"maps"
	"slices"
	"sort"
	"sync"
)

// The states of a segment. While it is being loaded, changes wait in pending.
const (
	unloaded = iota
	busy
	loaded
)

// added is one row as memory takes it.
type added struct {
	seq, chunk int64
	document   string
	vector     []float32
}

// change is what a commit did to a segment.
type change struct {
	created bool // the segment is new: there are no rows but these
	dropped bool // nothing is left
	add     []added
	remove  []int64 // sequences
}

// segment is the vectors of one knowledge base in one space.
type segment struct {
	store   *Store
	key     key
	reading sync.Mutex // one load at a time; taken before mu

	mu        sync.RWMutex
	state     int
	pending   []change
	few       *few     // nil: blocks are used
	blocks    []*block // in order of their sequences; the slice is replaced, not changed
	documents []string
	numbers   map[string]uint32
	reseal    bool // what is sealed does not fit the rows
}

// apply follows a commit. It runs one after the other, in the order of commits.
func (g *segment) apply(c change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.state == busy:
		g.pending = append(g.pending, c)
		return
	case g.state == unloaded && !c.created:
		return // it will be read from the rows
	case g.state == unloaded:
		g.clear()
		g.state = loaded
	}
	if err := g.follow(c); err != nil {
		g.store.log.Error("the vectors in memory could not follow a change; they will be read again", "base", g.key.base, "error", err)
		g.clear()
		g.state = unloaded
		g.store.ready.Store(false)
		g.store.nudge()
	}
}

var errOrder = errors.New("rows came out of order")

func (g *segment) follow(c change) error {
	if c.dropped {
		g.clear()
	}
	if len(c.remove) > 0 {
		if g.few != nil {
			if err := g.few.remove(c.remove); err != nil {
				return err
			}
		} else {
			for _, seq := range c.remove {
				g.bury(seq)
			}
		}
	}
	if len(c.add) == 0 {
		return nil
	}
	if g.few == nil && len(g.blocks) == 0 {
		f, err := newFew()
		if err != nil {
			return err
		}
		g.few = f
	}
	if g.few == nil {
		return g.grow(c.add)
	}
	if len(g.few.rows)+len(c.add) < g.store.small {
		return g.few.add(c.add)
	}
	all := maps.Clone(g.few.rows)
	for _, a := range c.add {
		all[a.seq] = a
	}
	g.few = nil
	rows := slices.SortedFunc(maps.Values(all), func(a, b added) int { return int(a.seq - b.seq) })
	return g.grow(rows)
}

// grow writes rows into the last block. Sequences grow, so that a row is found
// again by bisection.
func (g *segment) grow(rows []added) error {
	for _, r := range rows {
		var tail *block
		if n := len(g.blocks); n > 0 {
			tail = g.blocks[n-1]
			if r.seq <= tail.hi {
				return errOrder
			}
		}
		if tail == nil || tail.n == tail.size {
			b, err := newBlock(g.store.block, g.key.space.Dimension)
			if err != nil {
				return err
			}
			g.blocks = append(slices.Clone(g.blocks), b)
			tail = b
			if len(g.blocks) > 1 {
				g.store.nudge()
			}
		}
		tail.put(r.seq, r.chunk, g.number(r.document), r.vector)
	}
	return nil
}

// number is the document's place in the list.
func (g *segment) number(document string) uint32 {
	n, known := g.numbers[document]
	if !known {
		n = uint32(len(g.documents))
		g.documents = append(g.documents, document)
		if g.numbers == nil {
			g.numbers = map[string]uint32{}
		}
		g.numbers[document] = n
	}
	return n
}

// bury marks a removed row; one that is not there is no error.
func (g *segment) bury(seq int64) {
	i := sort.Search(len(g.blocks), func(i int) bool { return g.blocks[i].hi >= seq })
	if i == len(g.blocks) {
		return
	}
	b := g.blocks[i]
	if at, found := slices.BinarySearch(b.seq[:b.n], seq); found && b.remove(at) && b.dead*2 == b.n {
		g.store.nudge()
	}
}

// clear forgets everything; scans that are running keep what they hold.
func (g *segment) clear() {
	for _, b := range g.blocks {
		b.release()
	}
	g.few, g.blocks, g.documents, g.numbers = nil, nil, nil, nil
}

// count is how many rows can be found.
func (g *segment) count() int {
	if g.few != nil {
		return len(g.few.rows)
	}
	n := 0
	for _, b := range g.blocks {
		n += b.n - b.dead
	}
	return n
}

// view is what a scan reads: blocks that it holds, and how far each is written.
type view struct {
	blocks []*block
	rows   []int
	filter *filter
}

// look takes a view; few segments answer at once under the lock instead.
func (g *segment) look(q *Query) *view {
	v := &view{blocks: g.blocks, rows: make([]int, len(g.blocks)), filter: g.filter(q)}
	for i, b := range v.blocks {
		b.hold()
		v.rows[i] = b.n
	}
	return v
}

func (v *view) close() {
	for _, b := range v.blocks {
		b.release()
	}
}

// filter says which rows may be seen.
type filter struct {
	denied  map[uint32]bool
	only    map[uint32]bool // nil: all
	without map[int64]bool
}

func (f *filter) lets(doc uint32, chunk int64) bool {
	return !f.denied[doc] && (f.only == nil || f.only[doc]) && !f.without[chunk]
}

func (g *segment) filter(q *Query) *filter {
	f := &filter{without: set(q.Without)}
	pick := func(documents []string) map[uint32]bool {
		picked := map[uint32]bool{}
		for _, d := range documents {
			if n, known := g.numbers[d]; known {
				picked[n] = true
			}
		}
		return picked
	}
	f.denied = pick(q.Denied)
	if q.Documents != nil {
		f.only = pick(q.Documents)
	}
	return f
}

func set[T comparable](list []T) map[T]bool {
	m := make(map[T]bool, len(list))
	for _, x := range list {
		m[x] = true
	}
	return m
}
