package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
)

const (
	maxAnswer   = 1 << 20 // bytes of an answer
	passageWish = 12      // passages a run asks for
)

// Why a run ended before its answer did.
var (
	errStopped     = errors.New("stopped by the person")
	errInterrupted = errors.New("the server stops")
)

// A run answers one question.
type run struct {
	who          actor.Actor
	id           string
	conversation string // "" for a question of the operator, which is not stored
	question     Message
	answer       Message // as it began; changed by the run's end, to be read once done is closed
	answerID     string  // the answer's, for those who do not wait for the end
	context      Conversation
	before       string // the question before this one, "" for the first
	began        time.Time

	log  runLog
	done chan struct{} // closed when the run ended
	save sync.Mutex    // one writer of the log to the disk at a time

	place int  // in the queue; guarded by it
	slot  bool // holds a slot of the queue; guarded by it

	mu     sync.Mutex
	cancel context.CancelCauseFunc
	halted error

	// The draft belongs to the goroutine that works on the run.
	text      strings.Builder
	citations []Citation
	kind      string
	wrote     bool
}

func (r *run) stored() bool { return r.conversation != "" }

func newRun(who actor.Actor, question string, now time.Time) *run {
	now = now.UTC().Truncate(time.Millisecond) // as it comes back from the tables
	r := &run{who: who, id: newID(), began: now, done: make(chan struct{})}
	r.question = Message{ID: newID(), Role: RoleUser, Content: question, Kind: KindQuestion, State: StateDone,
		Citations: []Citation{}, CreatedAt: now}
	r.answer = Message{ID: newID(), Parent: r.question.ID, Role: RoleAssistant, Kind: KindExtractive, State: StateWriting,
		Citations: []Citation{}, Run: r.id, CreatedAt: now}
	r.answerID = r.answer.ID
	return r
}

// open writes the first event, which names everything.
func (r *run) open() {
	r.log.add(EventPhase, phaseData(phase{Phase: "queued", Run: r.id, Conversation: r.conversation, Question: r.question.ID, Answer: r.answer.ID}))
}

// left is the conversation as the run left it.
func (r *run) left() Conversation {
	c := r.context
	c.Running = false
	return c
}

// phase is the data of a phase event. The ids come with the first one.
type phase struct {
	Phase        string `json:"phase"`
	Place        int    `json:"place,omitempty"` // in the queue
	Run          string `json:"run,omitempty"`
	Conversation string `json:"conversation,omitempty"`
	Question     string `json:"question,omitempty"`
	Answer       string `json:"answer,omitempty"`
}

func phaseData(p phase) []byte { return encode(p) }

// encode is for our own types, which always have a JSON form.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return data
}

// halt ends the run for the reason, at once or when it begins.
func (r *run) halt(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.halted == nil {
		r.halted = why
	}
	if r.cancel != nil {
		r.cancel(why)
	}
}

// begin gives the run a context that halt ends.
func (r *run) begin(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(actor.With(ctx, r.who))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancel = cancel
	if r.halted != nil {
		cancel(r.halted)
	}
	return ctx, cancel
}

// work takes a run from its slot in the queue to its end.
func (c *Chat) work(ctx context.Context, r *run) {
	life, cancel := r.begin(ctx)
	defer cancel(nil)
	began := c.now()
	c.measure("queued", "", began.Sub(r.began))
	err := c.answer(life, r)
	if err != nil && life.Err() != nil {
		err = context.Cause(life)
		if ctx.Err() != nil && !errors.Is(err, errStopped) {
			err = errInterrupted
		}
	}
	c.finish(ctx, r, err)
}

// answer searches and lets the writer write. A panic in either is the failure
// of this run alone.
func (c *Chat) answer(ctx context.Context, r *run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	began := c.now()
	r.log.add(EventPhase, phaseData(phase{Phase: "searching"}))
	brief, err := c.find(ctx, r)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	found := c.now()
	c.measure("searching", "", found.Sub(began))
	r.kind, err = c.writer().Write(ctx, brief, &desk{run: r, changed: c.changed, over: func() error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}})
	c.measure("writing", "", c.now().Sub(found))
	return err
}

// find looks for the passages that are good enough to answer from.
func (c *Chat) find(ctx context.Context, r *run) (Brief, error) {
	b := Brief{Question: r.question.Content}
	who := library.ReachOf(r.who)
	if leans(b.Question) && r.before != "" {
		found, err := c.search(ctx, who, b.Question+"\n"+r.before, r.context.Knowledge)
		if err != nil || len(found) > 0 {
			b.Before, b.Passages = r.before, found
			return b, err
		}
	}
	found, err := c.search(ctx, who, b.Question, r.context.Knowledge)
	b.Passages = found
	return b, err
}

func (c *Chat) search(ctx context.Context, who library.Reach, text string, knowledge []string) ([]library.Passage, error) {
	ask := func() ([]library.Passage, error) {
		return c.Library.Search(ctx, who, library.Question{Text: text, Knowledge: knowledge, K: passageWish})
	}
	found, err := ask()
	if fault.Is(err, fault.NotFound) {
		// The conversation names a knowledge base that the person lost since: nothing
		// is found there, and the others are searched as before.
		knowledge = slices.Clone(knowledge)
		knowledge = slices.DeleteFunc(knowledge, func(id string) bool {
			return fault.Is(c.Library.Readable(ctx, who, []string{id}), fault.NotFound)
		})
		if len(knowledge) == 0 { // an empty list would search all
			return nil, nil
		}
		found, err = ask()
	}
	if err != nil {
		return nil, err
	}
	var good []library.Passage
	for _, p := range found {
		if p.Coverage >= lexical.Floor {
			good = append(good, p)
		}
	}
	return good, nil
}

// desk is the Out of a run.
type desk struct {
	run     *run
	over    func() error // why nothing more may be said; nil while it may
	changed func()       // there is something to save
}

func (d *desk) Say(text string) error {
	r := d.run
	if err := d.over(); err != nil || text == "" {
		return err
	}
	if r.text.Len()+len(text) > maxAnswer {
		return fault.New(fault.TooLarge, "The answer grew too long and was cut.")
	}
	d.write()
	r.text.WriteString(text)
	r.log.add(EventDelta, encode(struct {
		Text string `json:"text"`
	}{text}))
	d.changed()
	return nil
}

func (d *desk) Cite(c []Citation) error {
	if err := d.over(); err != nil {
		return err
	}
	d.write()
	d.run.citations = c
	d.run.log.add(EventCitations, encode(c))
	d.changed()
	return nil
}

func (d *desk) write() {
	if !d.run.wrote {
		d.run.wrote = true
		d.run.log.add(EventPhase, phaseData(phase{Phase: "writing"}))
	}
}
