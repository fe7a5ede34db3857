package model

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

const (
	retryDefault = 5 * time.Second   // of a busy server that does not say when to come back
	retryMost    = 120 * time.Second // is waited for busy servers in one answer
)

// Ticket is a wish for a turn.
type Ticket struct {
	Person string // who it is for: the queue is fair over people
	Lane   string // turns of one lane, such as a conversation, follow each other; "" = none
	Class  inference.Class
	Choice Choice
	Tell   func(Waiting) // hears of the place while it waits; it must not call Models
}

// Waiting is what a turn that waits is told.
type Waiting struct {
	Place   int    // in the queue; 1 = next
	Seconds int    // until its turn, by what answers took so far; 0 unknown
	Why     string // it waits for more than its turn
}

// Turn is a place in the queue, then a slot of a server, for as many requests as
// belong together. Only one goroutine may use it at a time, Leave aside.
type Turn struct {
	models *Models
	choice Choice
	class  inference.Class
	place  *inference.Place
	server string // whose slot it has
	tokens atomic.Int64
	wrote  atomic.Pointer[place] // where the last answer came from
}

// Enter takes a place in the queue. Wait and Leave must follow.
func (m *Models) Enter(t Ticket) (*Turn, error) {
	m.recall()
	tell := t.Tell
	if tell == nil {
		tell = func(Waiting) {}
	}
	place, err := m.queue.Enter(inference.Ticket{Person: t.Person, Lane: t.Lane, Class: t.Class,
		Servers: func() []string { return m.serversFor(t.Choice) },
		Tell: func(w inference.Waiting) {
			told := Waiting{Place: w.Place, Seconds: m.estimate(t.Choice, w), Why: w.Why}
			if why := m.silent(t.Choice); why != "" && w.Slots == 0 && w.Until.IsZero() {
				told.Why = why
			}
			tell(told)
		}})
	if err != nil {
		return nil, err
	}
	return &Turn{models: m, choice: t.Choice, class: t.Class, place: place}, nil
}

// Idle reports whether no person waits for an answer or gets one.
func (m *Models) Idle() bool { return m.queue.Idle() }

// serversFor are the servers that may answer now: those that are ready before
// those that load something, with the model in memory before those without, then
// the one with the least to do.
func (m *Models) serversFor(c Choice) []string {
	if c.Name == "" {
		return []string{inference.Local}
	}
	type option struct {
		server     string
		busy, cold bool
		load       float64 // part of the slots that is used
	}
	list := make([]option, 0, len(c.places))
	m.mu.Lock()
	for _, p := range c.places {
		if l := m.links[p.server]; l != nil && l.client != nil && l.health.State != stateDown {
			list = append(list, option{server: p.server, busy: l.health.State == stateBusy, cold: !m.warm(p), load: 1 / float64(max(l.slots, 1))})
		}
	}
	m.mu.Unlock()
	if len(list) > 1 {
		for i := range list {
			list[i].load *= float64(m.queue.Busy(list[i].server))
		}
		slices.SortStableFunc(list, func(a, b option) int {
			return cmp.Or(yesFirst(!a.busy, !b.busy), yesFirst(!a.cold, !b.cold), cmp.Compare(a.load, b.load))
		})
	}
	servers := make([]string, len(list))
	for i, o := range list {
		servers[i] = o.server
	}
	return servers
}

// silent names the servers of a choice when none of them answers.
func (m *Models) silent(c Choice) string {
	var names []string
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range c.places {
		l := m.links[p.server]
		switch {
		case l == nil:
		case l.client != nil && l.health.State != stateDown:
			return ""
		default:
			names = append(names, l.server.Name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "The server " + names[0] + " does not answer."
	}
	return "The servers " + strings.Join(names, ", ") + " do not answer."
}

// Wait waits until it is this turn's turn. It ends at once with ctx.
func (t *Turn) Wait(ctx context.Context) error {
	server, err := t.place.Wait(ctx)
	t.server = server
	return err
}

// Server is the id of the server whose slot the turn has.
func (t *Turn) Server() string { return t.server }

// Leave gives back the slot or the place; called again it does nothing.
func (t *Turn) Leave() {
	t.place.Leave()
	if p, tokens := t.wrote.Load(), t.tokens.Swap(0); p != nil && tokens > 0 && t.class == inference.Person {
		t.models.ended(*p, tokens)
	}
}

// Generate lets the model answer a request. It fills in the model's name and
// context as the server wants them. While nothing was said, a failure of the
// server leads to another one that has the model, and a busy one is waited for.
func (t *Turn) Generate(ctx context.Context, r inference.Request, out inference.Sink) (inference.Result, error) {
	if t.choice.Name == "" {
		return inference.Result{}, fault.New(fault.Unavailable, "No language model is connected.").
			Cure("Ask an administrator to connect one on the page Models.").Code("no-model")
	}
	var (
		failed = t.unable(r) // not asked again
		first  error
		waited time.Duration // for busy servers
		err    error
	)
	if slices.Contains(failed, t.server) {
		if t.server, err = t.place.Again(ctx, failed); err != nil {
			return inference.Result{}, err
		}
	}
	for {
		said := false
		result, err := t.once(ctx, r, out, &said)
		if err == nil || said || ctx.Err() != nil || !inference.Elsewhere(err) {
			return result, err
		}
		if first == nil {
			first = err
		}
		not := append(slices.Clone(failed), t.server)
		others := slices.ContainsFunc(t.models.serversFor(t.choice), func(s string) bool { return !slices.Contains(not, s) })
		wait, busy := retryAfter(err)
		switch {
		case !busy:
			failed = not
			if !others {
				return result, cured(first)
			}
		case others:
		case waited+wait > retryMost:
			return result, cured(err)
		default:
			waited += wait
			not = failed
		}
		if t.server, err = t.place.Again(ctx, not); err != nil {
			if ctx.Err() == nil {
				err = cured(first)
			}
			return result, err
		}
	}
}

// unable are the servers whose model cannot do what is asked, where another's can.
func (t *Turn) unable(r inference.Request) []string {
	sees := slices.ContainsFunc(r.Messages, func(m inference.Message) bool { return len(m.Images) > 0 })
	if !sees || !t.choice.Vision {
		return nil
	}
	var list []string
	for _, p := range t.choice.places {
		if !p.vision {
			list = append(list, p.server)
		}
	}
	return list
}

// cured is a failure that says what to do about it.
func cured(err error) error {
	r := fault.Of(err)
	if r.Cure != "" {
		return err
	}
	return fault.New(r.Kind, "%s", r.Sentence).Code(r.Code).RetryAfter(r.RetryAfter).Because(err).Cure("Ask again, or choose another model.")
}

// once asks the server whose slot the turn has.
func (t *Turn) once(ctx context.Context, r inference.Request, out inference.Sink, said *bool) (inference.Result, error) {
	m := t.models
	i := slices.IndexFunc(t.choice.places, func(p place) bool { return p.server == t.server })
	client := m.client(t.server)
	if i < 0 || client == nil {
		return inference.Result{Server: t.server}, fault.New(fault.Unavailable, "The model server was taken away.").
			Cure("Ask again, or choose another model.").Code(inference.CodeUnreachable)
	}
	p := t.choice.places[i]
	r.Model, r.Context, r.Thinks, r.Sees = p.name, p.context, p.thinking, p.vision
	if r.Temperature == nil {
		r.Temperature = t.choice.Temperature
	}
	var result inference.Result
	err := t.load(ctx, client, p, out)
	if err == nil {
		result, err = client.Chat(ctx, r, noting(out, said))
	}
	result.Server = t.server
	if ctx.Err() == nil {
		m.learn(ctx, p, result, err)
	}
	if result.OutputTokens > 0 {
		t.tokens.Add(int64(result.OutputTokens))
		t.wrote.Store(&p)
	}
	return result, err
}

// load brings a model that is not in memory there, and says so. Told in so many
// words, LM Studio keeps it beside the models it has; on demand it would put
// them out.
func (t *Turn) load(ctx context.Context, client inference.Client, p place, out inference.Sink) error {
	name, cold := t.models.cold(p)
	if !cold {
		return nil
	}
	if out.Loading != nil {
		out.Loading(name)
	}
	return client.Load(ctx, p.name, p.context)
}

// cold reports whether a model is to be brought into memory first, and what its
// server is called.
func (m *Models) cold(p place) (name string, cold bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.links[p.server]
	if l == nil || l.server.Kind != inference.Ollama && l.server.Flavour != "lmstudio" {
		return "", false // it cannot be told
	}
	return l.server.Name, !m.warm(p)
}

// noting is a sink that notes whether anything was said.
func noting(out inference.Sink, said *bool) inference.Sink {
	note := func(to func(string) error) func(string) error {
		return func(text string) error {
			*said = *said || text != ""
			if to == nil {
				return nil
			}
			return to(text)
		}
	}
	noted := inference.Sink{Loading: out.Loading, Text: note(out.Text), Thinking: note(out.Thinking), Pace: out.Pace}
	if out.Call != nil {
		noted.Call = func(c inference.Call) error {
			*said = true
			return out.Call(c)
		}
	}
	return noted
}

// retryAfter is how long a busy server wants to be left alone.
func retryAfter(err error) (time.Duration, bool) {
	r := fault.Of(err)
	if err == nil || r.Code != inference.CodeBusy {
		return 0, false
	}
	if r.RetryAfter <= 0 {
		return retryDefault, true
	}
	return time.Duration(r.RetryAfter) * time.Second, true
}

// learn takes in how a request went: for the queue, the breaker and the pace.
func (m *Models) learn(ctx context.Context, p place, result inference.Result, err error) {
	wait, busy := retryAfter(err)
	switch {
	case err == nil:
		m.well(p.server)
		m.answered(ctx, p, result)
	case busy:
		m.busy(p.server, wait)
	case inference.Sick(err):
		m.sick(p.server, err)
	case fault.Of(err).Code == inference.CodeModel:
		m.rediscover(p.server)
	}
}

// rediscover has the models of a server listed anew.
func (m *Models) rediscover(server string) {
	m.mu.Lock()
	if l := m.links[server]; l != nil {
		l.discoverAt = time.Time{}
	}
	m.mu.Unlock()
	m.nudge(server)
}

// seconds rounds up, so that nobody is told of a turn that is not there yet.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
