package model

import (
	"context"
	"math"
	"time"

	"chatets/appliance/inference"
)

const (
	paceWeight    = 0.2 // of the last answer in the figures
	paceSaveEvery = 30 * time.Second
	paceTokens    = 8 // fewer say nothing about speed
	answerTokens  = 250
)

// A pace is how fast a model is on a server. Models.mu guards it.
type pace struct {
	tokensPerSecond float64
	answerTokens    float64
	firstToken      time.Duration
	answers         int
	last            time.Time // it answered: it is in memory
	saved           time.Time
}

type paceKey struct{ server, model string }

// warm reports whether a model is in memory, as far as is known.
func (m *Models) warm(p place) bool {
	if p.loaded {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.paces[paceKey{p.server, p.name}]
	return known != nil && m.now().Sub(known.last) < warmFor
}

// answered takes in how fast an answer was.
func (m *Models) answered(ctx context.Context, p place, r inference.Result) {
	now := m.now()
	m.mu.Lock()
	key := paceKey{p.server, p.name}
	known := m.paces[key]
	if known == nil {
		known = &pace{}
		m.paces[key] = known
	}
	known.last = now
	seconds := r.Writing.Seconds()
	if r.OutputTokens < paceTokens || seconds <= 0 {
		m.mu.Unlock()
		return
	}
	weight := paceWeight
	if known.answers == 0 {
		weight = 1
	}
	mix := func(old, now float64) float64 { return old + weight*(now-old) }
	known.tokensPerSecond = mix(known.tokensPerSecond, float64(r.OutputTokens)/seconds)
	known.answerTokens = mix(known.answerTokens, float64(r.OutputTokens))
	known.firstToken = time.Duration(mix(float64(known.firstToken), float64(r.FirstToken)))
	known.answers++
	save := now.Sub(known.saved) >= paceSaveEvery
	if save {
		known.saved = now
	}
	figures := *known
	m.mu.Unlock()
	if !save {
		return
	}
	if err := m.store.savePace(context.WithoutCancel(ctx), p.server, p.name, figures); err != nil {
		m.log.Warn("the pace of a model is not kept", "server", p.server, "error", err)
	}
}

// estimate is how many seconds a place in the queue means; 0 where nobody knows.
func (m *Models) estimate(c Choice, w inference.Waiting) int {
	if c.Name == "" || w.Place <= 0 || w.Slots <= 0 {
		return 0
	}
	speed, length, first := c.TokensPerSecond, float64(answerTokens), time.Duration(0)
	m.mu.Lock()
	for _, p := range c.places {
		if known := m.paces[paceKey{p.server, p.name}]; known != nil && known.answers > 0 {
			speed, length, first = known.tokensPerSecond, known.answerTokens, known.firstToken
			break
		}
	}
	m.mu.Unlock()
	if speed <= 0 {
		return 0
	}
	one := first.Seconds() + length/speed
	return max(1, int(math.Round(one*float64(w.Place)/float64(w.Slots))))
}
