package model

import (
	"context"
	"errors"
	"sync"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// How long a look may take. A server that is slow to answer is busy, not gone,
// so it gets a second look before it is called down.
const (
	probeTimeout    = 10 * time.Second
	discoverTimeout = 60 * time.Second
	secondLook      = time.Second
)

func (p pacing) full() pacing {
	if p.probe <= 0 {
		p.probe = 15 * time.Second
	}
	if p.down <= 0 {
		p.down = 5 * time.Second
	}
	if p.discover <= 0 {
		p.discover = 5 * time.Minute
	}
	return p
}

// Run looks at the servers until ctx ends. Each is looked at by itself: one that
// does not answer holds up no other.
func (m *Models) Run(ctx context.Context) error {
	var looks sync.WaitGroup
	defer looks.Wait()
	for {
		due, next := m.due()
		for _, id := range due {
			looks.Go(func() {
				m.look(ctx, id)
				m.nudge("")
			})
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-m.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// due are the servers to be looked at now, marked so, and how long it is until
// the next one is.
func (m *Models) due() (due []string, next time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next = time.Minute
	now := m.now()
	for id, l := range m.links {
		if l.looking || l.client == nil {
			continue
		}
		if wait := l.probeAt.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		l.looking, l.probeAt = true, now.Add(time.Hour) // whoever wants another look meanwhile sets it to zero
		due = append(due, id)
	}
	return due, next
}

// look probes a server and, when it is time, lists its models.
func (m *Models) look(ctx context.Context, id string) {
	l, client := m.linked(id)
	if client == nil {
		return
	}
	m.probe(ctx, l, client)
	m.mu.Lock()
	list := l.health.State == stateOK && !m.now().Before(l.discoverAt)
	m.mu.Unlock()
	if list {
		if err := m.discover(ctx, l, client); err != nil && ctx.Err() == nil {
			m.log.Warn("the models of a server cannot be listed", "server", id, "error", err)
		}
	} else if m.state(id) == stateOK {
		m.watchMemory(ctx, l, client)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l.looking = false
	if !l.probeAt.IsZero() {
		l.probeAt = m.now().Add(m.pause(l))
	}
}

// pause is how long it is until the next look; m.mu is held.
func (m *Models) pause(l *link) time.Duration {
	switch {
	case l.failed == 1 && l.health.State != stateDown:
		return min(secondLook, m.pace.down)
	case l.health.State == stateOK:
		return m.pace.probe
	}
	return m.pace.down
}

// linked is the link to a server in use with its client; nil where there is none.
func (m *Models) linked(id string) (*link, inference.Client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.links[id]; l != nil {
		return l, l.client
	}
	return nil, nil
}

// probe asks a server how it is.
func (m *Models) probe(ctx context.Context, l *link, client inference.Client) {
	asking, stop := context.WithTimeout(ctx, probeTimeout)
	defer stop()
	h, err := client.Probe(asking)
	if ctx.Err() != nil {
		return
	}
	m.judge(ctx, l, h, err)
}

// judge writes down how a server is, after a probe that gave h and err.
func (m *Models) judge(ctx context.Context, l *link, h inference.Health, err error) {
	next := Health{State: stateOK, Latency: h.Latency, Since: m.now().UTC().Truncate(time.Millisecond)}
	switch {
	case err != nil && fault.Of(err).Code == inference.CodeBusy:
		next.State, next.Problem = stateBusy, problemOf(err)
	case err != nil:
		next.State, next.Problem = stateDown, problemOf(err)
	case h.Busy:
		next.State, next.Problem = stateBusy, Problem{Why: "It is loading a model.", Cure: "Wait a moment; ChatETS looks again every few seconds."}
	}
	m.mu.Lock()
	if m.links[l.id] != l { // removed or changed while it was asked
		m.mu.Unlock()
		return
	}
	before := l.health
	l.failed++
	if next.State != stateDown {
		l.failed = 0
	} else if l.failed == 1 && before.State == stateOK {
		if !l.looking {
			l.probeAt = m.now().Add(m.pause(l))
		}
		m.mu.Unlock()
		m.nudge("")
		return // once is not enough
	}
	says := err == nil && (l.server.Flavour != h.Flavour || l.server.Version != h.Version)
	if says {
		l.server.Flavour, l.server.Version = h.Flavour, h.Version
	}
	m.mu.Unlock()
	if says {
		if err := m.store.said(ctx, l.id, h.Flavour, h.Version); err != nil {
			m.log.Error("what a server says of itself cannot be kept", "server", l.id, "error", err)
		}
	}
	same := before.State == next.State && before.Problem == next.Problem
	if same {
		next.Since = before.Since
	} else if since, err := m.store.turned(ctx, l.id, next); err != nil {
		m.log.Error("the health of a server cannot be kept", "server", l.id, "error", err)
	} else if !since.IsZero() {
		next.Since = since // from before the start, or under another reason
	}
	m.mu.Lock()
	l.health = next
	if before.State == stateDown && next.State == stateOK {
		l.discoverAt = time.Time{} // what it has may have changed
	}
	slots := l.slots
	m.mu.Unlock()
	if next.State == stateOK {
		m.healthy(l.id)
	}
	switch {
	case before.State != next.State:
		m.log.Info("a model server has another state", "server", l.id, "name", m.name(l.id), "state", next.State, "was", before.State, "why", next.Why)
		if slots > 0 {
			m.queue.Serve(l.id, slots) // whoever waits asks again where to go
		}
		m.tell("servers", "models")
	case !same:
		m.tell("servers")
	}
}

// problemOf is a failure for people.
func problemOf(err error) Problem {
	if errors.Is(err, context.DeadlineExceeded) && fault.KindOf(err) == fault.Internal {
		return Problem{Why: "It does not answer in time.", Cure: "Check that it runs and is not overloaded."}
	}
	r := fault.Of(err)
	return Problem{Why: r.Sentence, Cure: r.Cure}
}

// watchMemory notes which models are in the memory of a server.
func (m *Models) watchMemory(ctx context.Context, l *link, client inference.Client) {
	asking, stop := context.WithTimeout(ctx, probeTimeout)
	defer stop()
	loaded, known, err := client.Loaded(asking)
	if err != nil || !known {
		return // the next probe says what is wrong
	}
	changed, err := m.store.inMemory(ctx, l.id, loaded)
	switch {
	case err != nil && ctx.Err() == nil:
		m.log.Error("what a server has in memory cannot be kept", "server", l.id, "error", err)
	case changed:
		m.tell("servers", "models")
	}
}
