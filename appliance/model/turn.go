package model

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

const (
	retryDefault = 5 * time.Second   // of a busy server that does not say when to come back
	retryMost    = 120 * time.Second // longer is not waited for
	retries      = 5                 // of a busy server in one answer
	warmFor      = time.Minute       // a model that has just answered is in memory
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
	place  *inference.Place
	server string // whose slot it has
}

// Enter takes a place in the queue. Wait and Leave must follow.
func (m *Models) Enter(t Ticket) (*Turn, error) {
	tell := t.Tell
	if tell == nil {
		tell = func(Waiting) {}
	}
	place, err := m.queue.Enter(inference.Ticket{Person: t.Person, Lane: t.Lane, Class: t.Class,
		Servers: func() []string { return m.serversFor(t.Choice) },
		Tell:    func(w inference.Waiting) { tell(Waiting{Place: w.Place, Seconds: m.estimate(t.Choice, w), Why: w.Why}) }})
	if err != nil {
		return nil, err
	}
	return &Turn{models: m, choice: t.Choice, place: place}, nil
}

// Idle reports whether no person waits for an answer or gets one.
func (m *Models) Idle() bool { return m.queue.Idle() }

// serversFor are the servers that may answer now: those with the model in memory
// first, then those with the least to do.
func (m *Models) serversFor(c Choice) []string {
	if c.Name == "" {
		return []string{inference.Local}
	}
	type option struct {
		server string
		cold   bool
		busy   int
	}
	var list []option
	for _, p := range c.places {
		if m.client(p.server) != nil && m.state(p.server) != stateDown {
			list = append(list, option{p.server, !m.warm(p), m.queue.Busy(p.server)})
		}
	}
	slices.SortStableFunc(list, func(a, b option) int {
		if a.cold != b.cold {
			return yesFirst(!a.cold, !b.cold)
		}
		return a.busy - b.busy
	})
	servers := make([]string, len(list))
	for i, c := range list {
		servers[i] = c.server
	}
	return servers
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
func (t *Turn) Leave() { t.place.Leave() }

// Generate lets the model answer a request. It fills in the model's name and
// context as the server wants them. While nothing was said, a failure of the
// server leads to another one that has the model, and a busy one is waited for.
func (t *Turn) Generate(ctx context.Context, r inference.Request, out inference.Sink) (inference.Result, error) {
	var failed []string
	var first error
	for try := 0; ; try++ {
		said := false
		result, err := t.once(ctx, r, out, &said)
		if err == nil || said || ctx.Err() != nil || !inference.Elsewhere(err) {
			return result, err
		}
		if first == nil {
			first = err
		}
		wait, busy := retryAfter(err)
		if !busy {
			failed = append(failed, t.server)
		}
		others := slices.ContainsFunc(t.models.serversFor(t.choice), func(s string) bool { return s != t.server && !slices.Contains(failed, s) })
		switch {
		case others && busy:
			t.server, err = t.place.Again(ctx, append(slices.Clone(failed), t.server))
		case others:
			t.server, err = t.place.Again(ctx, failed)
		case busy && wait <= retryMost && try < retries:
			t.server, err = t.place.Again(ctx, failed)
		default:
			return result, first
		}
		if err != nil {
			if ctx.Err() != nil {
				return result, ctx.Err()
			}
			return result, first
		}
	}
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
	return result, err
}

// load brings a model that is not in memory there, and says so.
func (t *Turn) load(ctx context.Context, client inference.Client, p place, out inference.Sink) error {
	if t.models.warm(p) || !t.models.loads(p.server) {
		return nil
	}
	if out.Loading != nil {
		out.Loading(t.models.name(p.server))
	}
	return client.Load(ctx, p.name, p.context)
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
	noted := out
	noted.Text, noted.Thinking = note(out.Text), note(out.Thinking)
	return noted
}

// loads reports whether a server brings models into memory as it is told.
func (m *Models) loads(server string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.links[server]
	return l != nil && (l.server.Kind == inference.Ollama || l.server.Flavour == "lmstudio")
}

// retryAfter is how long a busy server wants to be left alone.
func retryAfter(err error) (time.Duration, bool) {
	r := fault.Of(err)
	if r.Code != inference.CodeBusy {
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
		m.healthy(p.server)
		m.answered(ctx, p, result)
	case busy:
		m.queue.Pause(p.server, m.now().Add(wait), fmt.Sprintf("The server %s is busy and asks to wait %d seconds.", m.name(p.server), int(math.Ceil(wait.Seconds()))))
	case inference.Sick(err):
		m.sick(p.server)
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
