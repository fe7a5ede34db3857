package model

import (
	"fmt"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

const (
	sickMost   = 3                // failures in a row until a server is left alone
	pauseFirst = 10 * time.Second // then, doubled with each further failure
	pauseMost  = 2 * time.Minute
)

// breaker is what is known of a server that fails or has too much to do.
// Models.mu guards it.
type breaker struct {
	failures int           // in a row
	pause    time.Duration // the last one
	open     time.Time     // left alone until then, because it fails
	answers  bool          // it fails, but is there: a probe says nothing about that
	busy     time.Time     // left alone until then, because it asked for it
}

// sick notes a failure that is the server's own. After a few in a row it is left
// alone for a while, so that people do not wait for what fails anyway. When the
// while is over one failure is enough for a longer one.
func (m *Models) sick(server string, why error) {
	m.nudge(server)
	now := m.now()
	m.mu.Lock()
	l := m.links[server]
	if l == nil {
		m.mu.Unlock()
		return
	}
	b := &l.breaker
	b.failures++
	b.answers = fault.Of(why).Code != inference.CodeUnreachable && fault.Of(why).Code != inference.CodeCertificate
	opens := b.failures >= sickMost && !now.Before(b.open) // what was under way when it opened says nothing new
	if opens {
		b.pause = min(max(2*b.pause, pauseFirst), pauseMost)
		b.open = now.Add(b.pause)
	}
	name, told := l.server.Name, *b
	m.mu.Unlock()
	if opens {
		m.leaveAlone(server, name, told)
		m.log.Warn("a model server is left alone for a while", "server", server, "name", name, "failures", told.failures, "pause", told.pause, "error", why)
	}
}

// busy leaves a server alone for as long as it asked for.
func (m *Models) busy(server string, wait time.Duration) {
	until := m.now().Add(wait)
	m.mu.Lock()
	l := m.links[server]
	if l == nil {
		m.mu.Unlock()
		return
	}
	l.breaker.busy = until
	name, told := l.server.Name, l.breaker
	m.mu.Unlock()
	m.leaveAlone(server, name, told)
}

// healthy is called after each good probe. It ends a pause of a server that could
// not be reached; one that is there and fails to answer has to answer first.
func (m *Models) healthy(server string) { m.mended(server, false) }

// well is called after each good answer. It ends what failures began.
func (m *Models) well(server string) { m.mended(server, true) }

func (m *Models) mended(server string, answered bool) {
	now := m.now()
	m.mu.Lock()
	l := m.links[server]
	if l == nil || l.breaker.failures == 0 || !answered && l.breaker.answers {
		m.mu.Unlock()
		return
	}
	opened := now.Before(l.breaker.open)
	l.breaker = breaker{busy: l.breaker.busy}
	name, told := l.server.Name, l.breaker
	m.mu.Unlock()
	if opened {
		m.leaveAlone(server, name, told)
	}
}

// leaveAlone lets the queue know until when a server gets nothing.
func (m *Models) leaveAlone(server, name string, b breaker) {
	if b.busy.After(b.open) {
		m.queue.Pause(server, b.busy, fmt.Sprintf("The server %s is busy and asked to wait.", name))
		return
	}
	m.queue.Pause(server, b.open, fmt.Sprintf("The server %s failed %d times in a row and is tried again in a while.", name, b.failures))
}
