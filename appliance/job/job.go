// Package job is the durable queue: work that is enqueued inside the caller's
// transaction runs after its commit, is retried with growing pauses, tells its
// progress, can be cancelled, and survives a kill.
//
// What a newcomer gets wrong: a job runs at least once. A process that dies in
// the middle runs it again at the next start, so a handler ends in one store
// call that is harmless to repeat.
package job

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// The priorities: a person waits for the one, nobody for the other.
const (
	Waited     = 0
	Background = 10
)

// New is a job to be enqueued.
type New struct {
	Kind      string    // names the handler, "library.ingest"
	Workspace string    // of the rows it works on
	Owner     string    // id of the person it works for
	Key       string    // at most one job of a kind and key waits or runs; "" = any number
	Payload   any       // encoded as JSON; ids, never content
	Priority  int       // Waited or Background
	At        time.Time // not before; zero = now
}

// State is where a job stands.
type State string

// The states; the last three are ends.
const (
	Waiting   State = "waiting"
	InWork    State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Job is a job as lists show it.
type Job struct {
	ID, Kind, Workspace, Owner string
	State                      State
	Priority                   int
	Attempt, Attempts          int
	Done, Total                int64  // progress; Total 0 = unknown
	Note                       string // what it is doing
	Error                      string // public sentence of the last failure
	RunAt, Created, Ended      time.Time
}

// Options are the rules of a kind.
type Options struct {
	Attempts int           // 0 = 5
	Timeout  time.Duration // of one attempt; 0 = one hour
}

// Handler does the work of one attempt. An error is retried unless it is
// Permanent or attempts are used up; ctx ends when the job is cancelled, its
// time is over or the service stops.
type Handler func(ctx context.Context, j *Running) error

// Ended is told to OnEnd when a job is given up or cancelled.
type Ended struct {
	ID, Kind, Workspace, Owner string
	Payload                    json.RawMessage
	State                      State // Failed or Cancelled
	Err                        error // nil where a person cancelled it
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error that another attempt cannot mend.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// Queue is the queue of the installation; fill the fields, register handlers,
// then Run.
type Queue struct {
	DB      *sqlite.DB
	Log     *slog.Logger
	Now     func() time.Time // nil = time.Now
	Workers int              // 0 = 2

	mu       sync.Mutex
	handlers map[string]handler
	ends     map[string][]func(context.Context, Ended)
	running  map[string]context.CancelCauseFunc
	early    map[string]bool // cancelled between being taken and being started
	changed  chan struct{}   // closed and replaced whenever a job ends
	wake     chan struct{}
}

type handler struct {
	options Options
	do      Handler
}

var errCancelled = errors.New("the job was cancelled")

func (q *Queue) now() time.Time {
	if q.Now != nil {
		return q.Now()
	}
	return time.Now()
}

// Handle registers the handler of a kind; before Run.
func (q *Queue) Handle(kind string, o Options, do func(ctx context.Context, j *Running) error) {
	if o.Attempts == 0 {
		o.Attempts = 5
	}
	if o.Timeout == 0 {
		o.Timeout = time.Hour
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.handlers == nil {
		q.handlers = map[string]handler{}
	}
	q.handlers[kind] = handler{options: o, do: do}
}

// OnEnd registers who is told when a job of the kind is given up or cancelled;
// before Run.
func (q *Queue) OnEnd(kind string, f func(context.Context, Ended)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ends == nil {
		q.ends = map[string][]func(context.Context, Ended){}
	}
	q.ends[kind] = append(q.ends[kind], f)
}

// pause is the wait before attempt n+1.
func pause(n int) time.Duration {
	steps := []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	return steps[min(max(n, 1), len(steps))-1]
}
