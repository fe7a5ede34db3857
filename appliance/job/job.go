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
	Workspace string    // of the rows it works on; "" = the actor's
	Owner     string    // id of the person it works for; "" = the actor's
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
	Stopping                   bool // it was cancelled, and the running attempt has not noticed yet
	Priority                   int
	Attempt, Attempts          int
	Done, Total                int64     // progress; Total 0 = unknown
	Note                       string    // what it is doing
	Error, Cure                string    // public sentences of the last failure
	RunAt, Created             time.Time // RunAt is when a waiting job is due
	Lease, Ended               time.Time // zero while not running, not ended
}

// Options are the rules of a kind.
type Options struct {
	Attempts int           // 0 = 5
	Timeout  time.Duration // of one attempt; 0 = one hour
}

// Handler does the work of one attempt. An error is retried unless it is
// Permanent or attempts are used up; ctx ends when the job is cancelled, its
// time is over or the service stops, and carries the system as actor, in the
// job's workspace and for its owner.
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

type postponed struct {
	error
	pause time.Duration
}

func (p postponed) Unwrap() error { return p.error }

// Postpone marks an error of something the work needs and that is not there
// now, such as a service that does not answer: the job runs again after the
// pause, and the attempt does not count.
func Postpone(err error, pause time.Duration) error {
	if err == nil {
		return nil
	}
	return postponed{error: err, pause: pause}
}

// Queue is the queue of the installation; fill the fields, register handlers,
// then Run.
type Queue struct {
	DB      *sqlite.DB
	Log     *slog.Logger     // nil discards
	Now     func() time.Time // nil = time.Now
	Workers int              // 0 = 2
	Grace   time.Duration    // how long a handler may take to notice that its ctx ended; 0 = 30 s

	mu       sync.Mutex // never held while the database is asked
	handlers map[string]handler
	ends     map[string][]func(context.Context, Ended)
	running  map[string]context.CancelCauseFunc // until their end is written and told
	changed  chan struct{}                      // closed and replaced whenever a job ends
	wake     chan struct{}
}

type handler struct {
	options Options
	do      Handler
}

func (q *Queue) now() time.Time {
	if q.Now != nil {
		return q.Now()
	}
	return time.Now()
}

func (q *Queue) log() *slog.Logger {
	if q.Log != nil {
		return q.Log
	}
	return slog.New(slog.DiscardHandler)
}

func (q *Queue) grace() time.Duration {
	if q.Grace > 0 {
		return q.Grace
	}
	return 30 * time.Second
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

// handler is the handler of a kind; one that refuses where there is none.
func (q *Queue) handler(kind string) (handler, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	h, known := q.handlers[kind]
	if !known {
		h = handler{options: Options{Attempts: 1, Timeout: time.Minute}, do: func(context.Context, *Running) error {
			return Permanent(errors.New("nothing handles jobs of kind " + kind))
		}}
	}
	return h, known
}

// OnEnd registers who is told when a job of the kind is given up or cancelled;
// before Run. It is told at least once, where need be at the next start.
func (q *Queue) OnEnd(kind string, f func(context.Context, Ended)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ends == nil {
		q.ends = map[string][]func(context.Context, Ended){}
	}
	q.ends[kind] = append(q.ends[kind], f)
}

func (q *Queue) listeners(kind string) []func(context.Context, Ended) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ends[kind]
}

// prepare makes what a zero Queue lacks.
func (q *Queue) prepare() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.wake == nil {
		q.wake = make(chan struct{}, 1)
		q.changed = make(chan struct{})
		q.running = map[string]context.CancelCauseFunc{}
	}
}

// nudge wakes one worker; a worker that took a job wakes the next.
func (q *Queue) nudge() {
	q.prepare()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// moved wakes those who wait for the queue to be idle.
func (q *Queue) moved() {
	q.prepare()
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.changed)
	q.changed = make(chan struct{})
}

// Idle waits until nothing runs and nothing is due.
func (q *Queue) Idle(ctx context.Context) error {
	q.prepare()
	for {
		q.mu.Lock()
		changed, busy := q.changed, len(q.running) > 0
		q.mu.Unlock()
		if !busy {
			var err error
			if busy, err = q.busy(ctx); err != nil || !busy {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// pause is the wait before attempt n+1.
func pause(n int) time.Duration {
	steps := []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	return steps[min(max(n, 1), len(steps))-1]
}
