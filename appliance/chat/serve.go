package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// retryMost is the longest between two tries to store the end of a run.
const retryMost = 30 * time.Second

// registry knows the runs that live.
type registry struct {
	mu     sync.Mutex
	runs   map[string]*run
	dirty  chan struct{} // one token: events wait to be saved
	urgent chan struct{} // one token: among them one that a person waits for
	steps  steps
}

func newRegistry() *registry {
	return &registry{runs: map[string]*run{}, dirty: make(chan struct{}, 1), urgent: make(chan struct{}, 1)}
}

func (g *registry) put(r *run) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runs[r.id] = r
}

func (g *registry) remove(r *run) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.runs, r.id)
}

// find returns a living run of the actor; the permission is part of the look-up.
func (g *registry) find(id string, a actor.Actor) *run {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r := g.runs[id]; r != nil && a.Converses() && r.stored() && r.who.ID == a.ID && r.who.Workspace == a.Workspace {
		return r
	}
	return nil
}

func (g *registry) all() []*run {
	g.mu.Lock()
	defer g.mu.Unlock()
	runs := make([]*run, 0, len(g.runs))
	for _, r := range g.runs {
		runs = append(runs, r)
	}
	return runs
}

// open makes what the zero value lacks.
func (c *Chat) open() {
	c.once.Do(func() {
		slots := c.Runs
		if slots <= 0 {
			slots = 4
		}
		c.local = inference.NewQueue(c.now)
		c.local.Serve(inference.Local, slots)
		c.crew = &crew{wake: make(chan struct{}, 1)}
		c.titles = make(chan *run, titlesWaiting)
		c.sessions = make(chan string, 1000)
		c.live = newRegistry()
		c.journal = &journal{first: map[*run]int64{}}
	})
}

func (c *Chat) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c *Chat) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

func (c *Chat) writer() Writer {
	if c.Writer == nil {
		return Extractive{}
	}
	return c.Writer
}

func (c *Chat) measure(phase, outcome string, took time.Duration) {
	if c.Measure != nil {
		c.Measure(phase, outcome, took)
	}
}

func (c *Chat) notify(a actor.Actor, conversation string) {
	if c.Notify != nil && conversation != "" {
		c.Notify(a.Workspace, a.ID, "conversation", conversation)
	}
}

// Run answers questions until ctx ends. Then every run that did not finish ends
// as interrupted, with the text that was shown.
func (c *Chat) Run(ctx context.Context) error {
	c.open()
	var works sync.WaitGroup
	works.Go(func() { c.saveEvents(ctx) })
	works.Go(func() { c.makeTitles(ctx) })
	works.Go(func() { c.indexOld(ctx) })
	works.Go(func() { c.endTemporary(ctx) })
	for ctx.Err() == nil {
		select {
		case <-c.crew.wake:
		case <-ctx.Done():
		}
		for _, r := range c.crew.take(false) {
			works.Go(func() { c.work(ctx, r) })
		}
	}
	c.local.Close()
	for _, r := range c.crew.take(true) {
		works.Go(func() { c.finish(ctx, r, errInterrupted) })
	}
	works.Wait()
	return nil
}

// finish ends a run: first on disk, then for its readers, so that nobody is
// told of an end that a crash could undo.
func (c *Chat) finish(ctx context.Context, r *run, why error) {
	r.save.Lock()
	defer r.save.Unlock()
	store := context.WithoutCancel(actor.With(ctx, r.who))
	e := c.ending(r, why)
	err := c.storeEnd(store, r, e)
	if err != nil {
		c.log().Error("store the end of a run", "run", r.id, "error", err)
		why = err
		e = c.ending(r, why)
	}
	r.answer = e.answer
	r.log.end(e.last)
	close(r.done)
	r.turn.Leave()
	if e.answer.State == StateDone && r.choice.Name != "" && len(r.history) == 0 && r.prefix == "" {
		c.wantTitle(r)
	}
	// The readers know of the failure; the row is tried again until the server
	// stops, and Recover does the rest.
	for wait := time.Second; err != nil && ctx.Err() == nil; wait = min(2*wait, retryMost) {
		select {
		case <-time.After(wait):
			err = c.storeEnd(store, r, e)
		case <-ctx.Done():
		}
	}
	if err == nil {
		r.owed.Store(nil)
		r.log.markEnded() // a saver that still knows the run must not store its events again
		c.journal.forget(r)
	}
	c.live.remove(r)
	c.notify(r.who, r.conversation)
	c.measure("run", e.answer.State, e.took)
	if e.answer.State == StateFailed {
		c.log().Error("run", "run", r.id, "actor", r.who.ID, "request", r.who.Request, "error", why)
	}
}

func (c *Chat) storeEnd(ctx context.Context, r *run, e ending) error {
	if !r.stored() {
		entry := answered(e)
		entry.ObjectKind, entry.Object = "run", r.id
		return c.Store.record(ctx, entry)
	}
	return c.Store.end(ctx, e, c.journal.needed(r))
}

// ending is a run as it is stored at its end: the answer and the events of its
// whole life, the last of which the readers are still to get.
type ending struct {
	run     string
	answer  Message
	events  []Event // those that do not stand in the run's own rows yet
	last    []Event
	took    time.Duration
	receipt *Receipt // nil for an answer without a model
}

func (c *Chat) ending(r *run, why error) ending {
	a := c.ended(r, why)
	last := c.lastEvents(r, a)
	return ending{run: r.id, answer: a, events: append(slices.Clone(r.log.unkept()), last...), last: last, took: c.now().Sub(r.began), receipt: r.draft.receipt}
}

// ended is the answer as the run leaves it.
func (c *Chat) ended(r *run, why error) Message {
	a, d := r.answer, &r.draft
	a.Content = d.text.String()
	a.Kind, a.State, a.Problem = d.kind, StateDone, nil
	if a.Kind == "" {
		a.Kind = KindExtractive
	}
	switch {
	case why == nil:
	case errors.Is(why, errStopped):
		a.State = StateStopped
	case errors.Is(why, errInterrupted):
		a.State = StateInterrupted
	default:
		a.State = StateFailed
		if broken(why) && a.Content != "" {
			a.State = StateInterrupted // what came is kept and can be gone on with
		}
		a.Problem = failure(why, r.id)
	}
	a.Citations = named(d.citations, a.Content)
	if a.Kind == KindGenerated {
		a.Model = r.choice.Name
		a.Thinking, a.ThinkingMs = d.thinking.String(), d.thought.Milliseconds()
		a.Query, a.Usage, a.Context, a.Truncated = d.query, d.usage, d.context, d.truncated
		a.Unsupported = a.State == StateDone && d.unsupported
	}
	return a
}

// broken reports whether the model's server broke off in mid-answer.
func broken(err error) bool {
	switch fault.Of(err).Code {
	case inference.CodeCut, inference.CodeStalled, inference.CodeBroken, inference.CodeUnreachable, inference.CodeBusy:
		return true
	}
	return false
}

// named leaves the citations that the text names: a text that was cut names
// only some of them.
func named(all []Citation, text string) []Citation {
	citations := []Citation{}
	for _, c := range all {
		if strings.Contains(text, marker(c.Number)) {
			citations = append(citations, c)
		}
	}
	return citations
}

// lastEvents are the events that close a run: its last phase, then the answer,
// or the problem where there is none.
func (c *Chat) lastEvents(r *run, a Message) []Event {
	end := Event{Name: EventDone, Data: encode(a)}
	if a.State == StateFailed {
		end = Event{Name: EventError, Data: encode(a.Problem)}
	}
	return r.log.closing(Event{Name: EventPhase, Data: phaseData(phase{Phase: a.State})}, end)
}

// Recover ends what a crash left unfinished: the runs become interrupted, with
// the text that was on disk. Call it before Run, once.
func (c *Chat) Recover(ctx context.Context) error {
	c.open()
	n, err := c.Store.recover(actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID}))
	if fault.Unwritten(err) {
		// Reading goes on on a full disk; the next start tries again.
		c.log().Error("the disk is full: interrupted runs stay open", "error", err)
		last, err := c.Store.journalEnd(ctx)
		c.journal.begin(last)
		return err
	}
	if err != nil {
		return fmt.Errorf("recover runs: %w", err)
	}
	if n > 0 {
		c.log().Info("runs were interrupted by the last stop", "runs", n)
	}
	return nil
}
