package model

import (
	"fmt"
	"time"
)

const (
	sickMost   = 3                // failures in a row until a server is left alone
	pauseFirst = 10 * time.Second // then, doubled with each further failure
	pauseMost  = 2 * time.Minute
)

// breaker is what is known of a server that fails. Models.mu guards it.
type breaker struct {
	failures int // in a row
	open     bool
}

// sick notes a failure that is the server's own. After a few in a row it is left
// alone for a while, so that people do not wait for what fails anyway.
func (m *Models) sick(server string) {
	m.mu.Lock()
	l := m.links[server]
	if l == nil {
		m.mu.Unlock()
		return
	}
	l.breaker.failures++
	n := l.breaker.failures
	l.breaker.open = n >= sickMost
	name := l.server.Name
	m.mu.Unlock()
	if n >= sickMost {
		pause := min(pauseFirst<<min(n-sickMost, 10), pauseMost)
		m.queue.Pause(server, m.now().Add(pause), fmt.Sprintf("The server %s failed %d times in a row and is tried again in %d seconds.", name, n, int(pause.Seconds())))
		m.log.Warn("a model server is left alone for a while", "server", server, "name", name, "failures", n, "pause", pause)
	}
	m.nudge(server)
}

// healthy ends what failures began: the server answered.
func (m *Models) healthy(server string) {
	m.mu.Lock()
	l := m.links[server]
	open := false
	if l != nil {
		open = l.breaker.open
		l.breaker = breaker{}
	}
	m.mu.Unlock()
	if open {
		m.queue.Pause(server, time.Time{}, "")
	}
}
