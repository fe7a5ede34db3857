package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
	"chatets/appliance/model"
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

	log   runLog
	done  chan struct{}          // closed when the run ended
	save  sync.Mutex             // one writer of the log to the disk at a time
	hurry atomic.Bool            // a person waits for an event that is to be saved
	owed  atomic.Pointer[string] // the receipt, until it is on disk

	turn turn // its place in the fair queue

	// What a model answers with; the zero values for an extractive answer.
	choice  model.Choice // Name "" = no model
	prefix  string       // of an answer that is gone on with: the text it has already
	history []Message    // the path before the question, oldest first
	base    *Receipt     // of the run that is gone on with

	mu     sync.Mutex
	cancel context.CancelCauseFunc
	halted error

	draft draft // belongs to the goroutine that works on the run
}

// A draft is the answer as far as it is written.
type draft struct {
	text      strings.Builder
	thinking  strings.Builder
	thought   time.Duration // spent on thinking
	queued    time.Duration // waited for its turn
	loading   time.Duration // waited for the model to be in memory
	citations []Citation
	kind      string
	query     string // what was searched for, where it is not the question
	usage     *Usage
	context   *Context
	truncated bool
	// No source supports it, as the citer found.
	unsupported bool
	receipt     *Receipt
	wordsOnly   []WordsOnly // where the search did not compare meaning
	phase       string      // the last one that was told
}

func (r *run) stored() bool { return r.conversation != "" }

// owe leaves a receipt to the next saving.
func (r *run) owe(rc *Receipt) {
	if rc != nil && r.stored() {
		data := string(encode(rc))
		r.owed.Store(&data)
	}
}

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

// open writes the first event, which names everything, and of an answer that is
// gone on with the text it has.
func (r *run) open() {
	r.log.add(EventPhase, phaseData(phase{Phase: "queued", Run: r.id, Conversation: r.conversation, Question: r.question.ID, Answer: r.answerID}))
	if r.prefix != "" {
		r.draft.text.WriteString(r.prefix)
		r.log.say(EventDelta, r.prefix)
	}
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
	Place        int    `json:"place,omitempty"`   // in the queue
	Seconds      int    `json:"seconds,omitempty"` // until its turn, as far as it can be known
	Why          string `json:"why,omitempty"`     // it waits for more than its turn
	Server       string `json:"server,omitempty"`  // that loads the model
	Query        string `json:"query,omitempty"`   // what is searched for, where it is not the question
	Run          string `json:"run,omitempty"`
	Conversation string `json:"conversation,omitempty"`
	Question     string `json:"question,omitempty"`
	Answer       string `json:"answer,omitempty"`

	WordsOnly []WordsOnly `json:"wordsOnly,omitempty"` // where meaning was not compared
}

func phaseData(p phase) []byte { return encode(p) }

// textData is the data of a piece of text.
func textData(text []byte) []byte {
	return encode(struct {
		Text string `json:"text"`
	}{string(text)})
}

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

// work takes a run from its place in the queue to its end.
func (c *Chat) work(ctx context.Context, r *run) {
	life, cancel := r.begin(ctx)
	defer cancel(nil)
	err := r.turn.Wait(life)
	if err == nil {
		r.draft.queued = c.now().Sub(r.began)
		c.measure("queued", "", r.draft.queued)
		err = c.answer(life, r)
	}
	if err != nil && (life.Err() != nil || ctx.Err() != nil) { // ctx ends a moment before life does
		err = context.Cause(life)
		if ctx.Err() != nil && !errors.Is(err, errStopped) {
			err = errInterrupted
		}
	}
	c.finish(ctx, r, err)
}

// answer searches and writes, with a model or without one. A panic in either is
// the failure of this run alone.
func (c *Chat) answer(ctx context.Context, r *run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// A run may have waited for minutes: it answers with the rights of now.
	who := r.who
	if c.Fresh != nil {
		if who, err = c.Fresh(ctx, r.who); err != nil {
			return err
		}
		ctx = actor.With(ctx, who)
	}
	if err := c.recall(ctx, r); err != nil {
		return err
	}
	d := &desk{run: r, changed: func(urgent bool) { c.changed(r, urgent) }, over: func() error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}}
	if r.choice.Name != "" {
		return c.generate(ctx, r, library.ReachOf(who), d)
	}
	began := c.now()
	d.phase(phase{Phase: "searching"})
	brief, err := c.find(ctx, r, library.ReachOf(who), d)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	found := c.now()
	c.measure("searching", "", found.Sub(began))
	r.draft.kind, err = c.writer().Write(ctx, brief, d)
	c.measure("writing", "", c.now().Sub(found))
	return err
}

// find looks for the passages that are good enough to answer from.
func (c *Chat) find(ctx context.Context, r *run, who library.Reach, d *desk) (Brief, error) {
	b := Brief{Question: r.question.Content}
	if leans(b.Question) && r.before != "" {
		found, err := c.search(ctx, who, b.Question+"\n"+r.before, d)
		if err != nil || len(found) > 0 {
			b.Before, b.Passages = r.before, found
			return b, err
		}
	}
	found, err := c.search(ctx, who, b.Question, d)
	b.Passages = found
	return b, err
}

// search finds the passages that are good enough, and tells the readers where
// meaning was not compared.
func (c *Chat) search(ctx context.Context, who library.Reach, text string, d *desk) ([]library.Passage, error) {
	found, err := c.searchIn(ctx, who, text, d.run.context.scope())
	if err != nil {
		return nil, err
	}
	if d.run.draft.wordsOnly = wordsOnly(found.Notes); len(found.Notes) > 0 {
		d.phase(phase{Phase: "searching", Query: d.run.draft.query, WordsOnly: d.run.draft.wordsOnly})
	}
	var good []library.Passage
	for _, p := range found.Passages {
		if p.Coverage >= lexical.Floor {
			good = append(good, p)
		}
	}
	return good, nil
}

func wordsOnly(notes []library.Note) []WordsOnly {
	var list []WordsOnly
	for _, n := range notes {
		list = append(list, WordsOnly(n))
	}
	return list
}

// desk is where the answer of a run is written: each piece goes into the draft
// and, as an event, to the readers.
type desk struct {
	run     *run
	over    func() error      // why nothing more may be said; nil while it may
	changed func(urgent bool) // there is something to save
	first   bool              // the next piece is the first after a phase
	from    time.Time         // the model is loaded since then; zero while it is not
}

// Say implements Out.
func (d *desk) Say(text string) error {
	if err := d.room(text, &d.run.draft.text); err != nil || text == "" {
		return err
	}
	d.phase(phase{Phase: "writing"})
	d.run.draft.text.WriteString(text)
	d.run.log.say(EventDelta, text)
	d.piece()
	return nil
}

// think adds to what the model says to itself.
func (d *desk) think(text string) error {
	if err := d.room(text, &d.run.draft.thinking); err != nil || text == "" {
		return err
	}
	d.phase(phase{Phase: "thinking"})
	d.run.draft.thinking.WriteString(text)
	d.run.log.say(EventThinking, text)
	d.piece()
	return nil
}

// piece says that a piece of text was added.
func (d *desk) piece() {
	d.changed(d.first)
	d.first = false
}

func (d *desk) room(text string, in *strings.Builder) error {
	if err := d.over(); err != nil {
		return err
	}
	if in.Len()+len(text) > maxAnswer {
		return fault.New(fault.TooLarge, "The answer grew too long and was cut.")
	}
	return nil
}

// Cite implements Out.
func (d *desk) Cite(c []Citation) error {
	if err := d.over(); err != nil {
		return err
	}
	d.phase(phase{Phase: "writing"})
	return d.cite(c)
}

// cite gives the readers the sources before there is a text that names them.
func (d *desk) cite(c []Citation) error {
	d.run.draft.citations = c
	d.run.log.add(EventCitations, encode(c))
	d.changed(false)
	return nil
}

// loading tells that a server brings the model into memory.
func (d *desk) loading(now func() time.Time) func(server string) {
	return func(server string) {
		d.from = now()
		d.phase(phase{Phase: "loading", Server: server})
	}
}

// loaded ends the loading, if there was any: the model has said something.
func (d *desk) loaded(now time.Time) {
	if !d.from.IsZero() {
		d.run.draft.loading += now.Sub(d.from)
		d.from = time.Time{}
	}
}

// phase tells what the run does now; said again, it is not told again unless it
// has something new.
func (d *desk) phase(p phase) {
	if d.run.draft.phase == p.Phase && p.Query == "" && p.Server == "" && len(p.WordsOnly) == 0 {
		return
	}
	d.run.draft.phase = p.Phase
	d.run.log.add(EventPhase, phaseData(p))
	// The words that come with writing and thinking bring them along.
	d.first = p.Phase == "writing" || p.Phase == "thinking"
	if !d.first {
		d.changed(false)
	}
}
