package chat

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// Between two savings of text: a picture at a time, as a film has it, and
	// fewer pictures where many answers are written at once.
	saveEvery = 40 * time.Millisecond
	saveMost  = 100 * time.Millisecond
	// takeMost is how long a saving waits for what the models have written by then.
	takeMost = 5 * time.Millisecond
	// journalMost is how many rows of the journal a run may go on without getting
	// rows of its own: about a minute of them.
	journalMost = 1500
)

// A journal knows which rows of the journal on disk are still needed. One
// goroutine saves; every run that ends asks.
type journal struct {
	mu    sync.Mutex
	last  int64          // highest number on disk
	first map[*run]int64 // lowest number that holds events of a living run
	hold  bool           // rows of an earlier life are still needed
}

// begin goes on behind what an earlier life left, which the next start needs.
func (j *journal) begin(last int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last, j.hold = last, last > 0
}

// wrote notes rows up to a number that hold events of some runs.
func (j *journal) wrote(from, to int64, runs []*run) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = to
	for _, r := range runs {
		if _, known := j.first[r]; !known {
			j.first[r] = from
		}
	}
}

// needed is the lowest number that other runs than these need.
func (j *journal) needed(without ...*run) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.hold {
		return 0
	}
	lowest := j.last + 1
	for r, n := range j.first {
		if !slices.Contains(without, r) {
			lowest = min(lowest, n)
		}
	}
	return lowest
}

// forget notes that runs have rows of their own now.
func (j *journal) forget(runs ...*run) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range runs {
		delete(j.first, r)
	}
}

// old lists the runs whose first row is far behind the last.
func (j *journal) old() []*run {
	j.mu.Lock()
	defer j.mu.Unlock()
	var runs []*run
	for r, n := range j.first {
		if j.last-n > journalMost {
			runs = append(runs, r)
		}
	}
	return runs
}

// changed says that a run has events to save: soon, so that many pieces share a
// transaction, or at once where a person waits for just this one.
func (c *Chat) changed(r *run, urgent bool) {
	token := c.live.dirty
	if urgent {
		r.hurry.Store(true)
		token = c.live.urgent
	}
	select {
	case token <- struct{}{}:
	default:
	}
}

// pace holds an answer back between two savings.
func (c *Chat) pace() *pacer {
	return &pacer{all: &c.live.steps, poke: func() {
		select {
		case c.live.dirty <- struct{}{}:
		default:
		}
	}}
}

// pause is the time between two savings.
func (g *registry) pause() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return min(max(saveEvery, time.Duration(len(g.runs))*time.Millisecond), saveMost)
}

// saveEvents brings the events of living runs to disk, those of many runs in
// one row of the journal, and so to their readers.
func (c *Chat) saveEvents(ctx context.Context) {
	save := func(urgent bool) {
		if err := c.saveNow(ctx, urgent); err != nil && ctx.Err() == nil {
			// The events are still in memory and are tried again with the next ones
			// and with the end of their run.
			c.log().Warn("save events of runs", "error", err)
		}
	}
	wait := time.NewTimer(0)
	defer wait.Stop()
	<-wait.C
	// Only the runs that somebody waits for are saved at once; the others share
	// the next row. Before it what their models wrote meanwhile is taken.
	var last time.Time
	var due, late <-chan time.Time
	var taken <-chan struct{}
	store := func() {
		late, taken = nil, nil
		save(false)
	}
	for {
		dirty := c.live.dirty
		if taken != nil {
			dirty = nil // whoever asks for a step now asks for the next one
		}
		select {
		case <-c.live.urgent:
			save(true)
		case <-dirty:
			if due == nil {
				wait.Reset(c.live.pause() - time.Since(last))
				due = wait.C
			}
		case <-due:
			last = time.Now()
			taken = c.live.steps.step()
			wait.Reset(takeMost)
			due, late = nil, wait.C
		case <-taken:
			store()
		case <-late:
			store()
		case <-ctx.Done():
			return // finish saves the rest
		}
	}
}

func (c *Chat) saveNow(ctx context.Context, urgent bool) error {
	var batch []events
	var runs []*run
	for _, r := range c.live.all() {
		// A run whose end is being stored saves its own events.
		if !r.stored() || urgent && !r.hurry.Load() || !r.save.TryLock() {
			continue
		}
		r.hurry.Store(false)
		if list, owed := r.log.unsaved(), r.owed.Load(); len(list) > 0 || owed != nil {
			batch, runs = append(batch, events{run: r.id, who: r.who, list: list, receipt: owed}), append(runs, r)
			continue
		}
		r.save.Unlock()
	}
	if len(batch) == 0 {
		return nil
	}
	from := c.journal.next()
	last, err := c.Store.save(ctx, from, batch)
	if err == nil {
		c.journal.wrote(from, last, runs)
	}
	for i, r := range runs {
		switch {
		case err == nil:
			r.owed.CompareAndSwap(batch[i].receipt, nil)
			r.log.markSaved(len(batch[i].list))
		case batch[i].receipt != nil:
			// Nothing is said without a receipt.
			r.halt(fmt.Errorf("store the receipt: %w", err))
		default:
			r.log.markLost(len(batch[i].list))
		}
		r.save.Unlock()
	}
	if err != nil || urgent {
		return err
	}
	return c.settle(ctx)
}

// next is the number of the next row.
func (j *journal) next() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last + 1
}

// settle gives runs that go on for long rows of their own, so that the journal
// stays small.
func (c *Chat) settle(ctx context.Context) error {
	var batch []events
	var runs []*run
	for _, r := range c.journal.old() {
		if r.save.TryLock() {
			batch, runs = append(batch, events{run: r.id, who: r.who, list: r.log.journalled()}), append(runs, r)
		}
	}
	if len(runs) == 0 {
		return nil
	}
	err := c.Store.keep(ctx, batch, c.journal.needed(runs...))
	if err == nil {
		c.journal.forget(runs...)
	}
	for i, r := range runs {
		if err == nil {
			r.log.markKept(len(batch[i].list))
		}
		r.save.Unlock()
	}
	return err
}
