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
	paceTokens    = 8   // fewer say nothing about speed
	usualAnswer   = 250 // tokens of an answer where nobody has measured
	warmFor       = time.Minute
)

// A pace is how fast a model is on a server. Models.mu guards it.
type pace struct {
	tokensPerSecond float64
	answerTokens    float64 // of a turn, with everything it took; 0 unknown
	firstToken      time.Duration
	answers         int       // measured
	last            time.Time // it answered: it is in memory
	saved           time.Time
}

type paceKey struct{ server, model string }

// recall reads what was measured before the start, once.
func (m *Models) recall() {
	m.mu.Lock()
	done := m.paces != nil
	m.mu.Unlock()
	if done {
		return
	}
	kept, err := m.store.paces(context.Background())
	if err != nil {
		m.log.Warn("the pace of models is not known", "error", err)
		kept = map[paceKey]*pace{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paces == nil {
		m.paces = kept
	}
}

// warm reports whether a model is in memory, as far as is known; m.mu is held.
func (m *Models) warm(p place) bool {
	if p.loaded {
		return true
	}
	known := m.paces[paceKey{p.server, p.name}]
	return known != nil && !known.last.IsZero() && m.now().Sub(known.last) < warmFor
}

// known is the pace of a model in a place, a new one where there is none; m.mu is
// held.
func (m *Models) known(p place) *pace {
	key := paceKey{p.server, p.name}
	if m.paces[key] == nil {
		m.paces[key] = &pace{}
	}
	return m.paces[key]
}

func mix(old, now float64, first bool) float64 {
	if first {
		return now
	}
	return old + paceWeight*(now-old)
}

// answered takes in how fast an answer was.
func (m *Models) answered(ctx context.Context, p place, r inference.Result) {
	now := m.now()
	m.mu.Lock()
	known := m.known(p)
	known.last = now
	seconds := r.Writing.Seconds()
	if r.OutputTokens < paceTokens || seconds <= 0 {
		m.mu.Unlock()
		return
	}
	first := known.answers == 0
	known.tokensPerSecond = mix(known.tokensPerSecond, float64(r.OutputTokens)/seconds, first)
	known.firstToken = time.Duration(mix(float64(known.firstToken), float64(r.FirstToken), first))
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

// ended takes in how much a turn wrote.
func (m *Models) ended(p place, tokens int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.known(p)
	known.answerTokens = mix(known.answerTokens, float64(tokens), known.answerTokens == 0)
}

// estimate is how many seconds a place in the queue means: the end of a pause, or
// as many answers as are in front for each slot. 0 where nobody knows.
func (m *Models) estimate(c Choice, w inference.Waiting) int {
	if !w.Until.IsZero() {
		return max(1, seconds(w.Until.Sub(m.now())))
	}
	if w.Place <= 0 || w.Slots <= 0 {
		return 0
	}
	one := m.answerTime(c)
	if one <= 0 {
		return 0
	}
	return int(math.Ceil(one * float64(w.Place) / float64(w.Slots)))
}

// answerTime is how many seconds an answer takes; 0 where nobody knows.
func (m *Models) answerTime(c Choice) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range c.places {
		known := m.paces[paceKey{p.server, p.name}]
		if known == nil || known.answers == 0 {
			continue
		}
		length := known.answerTokens
		if length == 0 {
			length = usualAnswer
		}
		return known.firstToken.Seconds() + length/known.tokensPerSecond
	}
	return 0
}
