// Package monitor tells whether the appliance works: health, readiness, metrics,
// the list of jobs and the form of the log.
//
// What a newcomer gets wrong: /health says that the process answers, nothing
// else, so that a supervisor does not restart a server that waits for a disk.
// Whether requests can be served is /ready. A missing model server is neither:
// it is the state "generation": "none".
package monitor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/job"
)

// Reporter knows whether one part of the appliance is ready to serve. It answers
// soon; detail says why not, in a sentence without secrets, for an operator.
type Reporter interface {
	Report(ctx context.Context) (name string, ok bool, detail string)
}

// Report is a Reporter made of a name and a check.
type Report struct {
	Name  string
	Check func(ctx context.Context) error
}

// Report implements Reporter.
func (r Report) Report(ctx context.Context) (name string, ok bool, detail string) {
	if err := r.Check(ctx); err != nil {
		return r.Name, false, sentence(err)
	}
	return r.Name, true, ""
}

// Jobs is what monitor asks of the queue.
type Jobs interface {
	List(ctx context.Context, f job.Filter) ([]job.Job, error)
	Get(ctx context.Context, id string) (job.Job, error)
	Cancel(ctx context.Context, id string) error
	Retry(ctx context.Context, id string) error
	Counts(ctx context.Context) (map[job.State]int64, error)
}

// Monitor watches the appliance. Fill the fields before Routes.
type Monitor struct {
	Version   string
	Jobs      Jobs
	Audit     *audit.Log
	Log       *slog.Logger
	Now       func() time.Time
	Reporters []Reporter
	// Generation names the kind of language model that answers; nil is "none".
	Generation func() string
	// Gauges are read at each scrape of /metrics.
	Gauges []Gauge

	// Alarms are asked every few seconds for what somebody should do something about.
	Alarms []Alarm

	alarming sync.Mutex
	raised   map[string]raised
	before   map[int][]Alert // what each alarm said last

	once    sync.Once
	metrics *metrics
}

// Gauge is a number, or one number per value of a label, that is read when it is
// asked for.
type Gauge struct {
	Name  string // without the prefix chatets_
	Help  string
	Label string // "" for a single number under the key ""
	Read  func(ctx context.Context) (map[string]float64, error)
}

// One makes a Gauge of a single number.
func One(name, help string, read func(ctx context.Context) (float64, error)) Gauge {
	return Gauge{Name: name, Help: help, Read: func(ctx context.Context) (map[string]float64, error) {
		n, err := read(ctx)
		return map[string]float64{"": n}, err
	}}
}

func (m *Monitor) open() { m.once.Do(func() { m.metrics = newMetrics(m) }) }

func (m *Monitor) log() *slog.Logger {
	if m.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return m.Log
}

// Observe counts an answered request; it is the Observer of the web server.
func (m *Monitor) Observe(route, method string, status int, took time.Duration) {
	m.open()
	m.metrics.observe(route, method, status, took)
}

// Measure counts a phase of a run, or with the phase "run" a whole one with its
// outcome; it is the Measure of chat.
func (m *Monitor) Measure(phase, outcome string, took time.Duration) {
	m.open()
	m.metrics.measure(phase, outcome, took)
}
