package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"chatets/appliance/fault"
)

// Running is one attempt as its handler sees it.
type Running struct {
	ID, Kind, Workspace, Owner string
	Payload                    json.RawMessage
	Attempt, Attempts          int // this attempt, counted from 1, of so many

	queue *Queue
	told  time.Time
}

// Last reports whether no attempt follows this one.
func (j *Running) Last() bool { return j.Attempt >= j.Attempts }

// Progress tells how far the work is: done of total units (total 0 = unknown)
// and a short note. It writes at most four times a second.
func (j *Running) Progress(ctx context.Context, done, total int64, note string) error {
	if now := j.queue.now(); now.Sub(j.told) >= 250*time.Millisecond || done == total {
		j.told = now
		return j.queue.progress(ctx, j.ID, done, total, note)
	}
	return ctx.Err()
}

// Run works until ctx ends, then gives running jobs back to the queue.
func (q *Queue) Run(ctx context.Context) error {
	q.prepare()
	// Only one process has the data directory, so whatever still says running
	// belongs to a process that died.
	if err := q.release(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("job: take back the jobs of the last run: %w", err)
	}
	workers := q.Workers
	if workers == 0 {
		workers = 2
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { q.work(ctx) })
	}
	all.Wait()
	return context.Cause(ctx)
}

func (q *Queue) prepare() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.wake == nil {
		q.wake = make(chan struct{}, 1)
		q.changed = make(chan struct{})
		q.running = map[string]context.CancelCauseFunc{}
		q.early = map[string]bool{}
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

// tell wakes those who wait for the queue to be idle.
func (q *Queue) tell() {
	q.prepare()
	q.mu.Lock()
	close(q.changed)
	q.changed = make(chan struct{})
	q.mu.Unlock()
}

func (q *Queue) work(ctx context.Context) {
	for ctx.Err() == nil {
		j, next, err := q.take(ctx)
		if err != nil && ctx.Err() == nil {
			q.Log.Error("the job queue cannot take a job", "error", err)
			next = q.now().Add(time.Second)
		}
		if j != nil {
			q.nudge()
			q.attempt(ctx, j)
			continue
		}
		q.wait(ctx, next)
	}
}

// wait sleeps until somebody enqueues or the next job is due; a zero next waits
// for the former alone.
func (q *Queue) wait(ctx context.Context, next time.Time) {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(max(next.Sub(q.now()), time.Millisecond))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-q.wake:
	case <-due:
	}
}

// attempt runs the handler once and writes down how it ended.
func (q *Queue) attempt(ctx context.Context, j *Running) {
	q.mu.Lock()
	h, known := q.handlers[j.Kind]
	q.mu.Unlock()
	j.queue = q
	err := Permanent(fmt.Errorf("no handler for jobs of kind %s", j.Kind))
	var cause error
	if known {
		work, cancel := context.WithCancelCause(ctx)
		timed, stop := context.WithTimeoutCause(work, h.options.Timeout, fault.New(fault.Unavailable, "The work took longer than %s.", h.options.Timeout))
		q.mu.Lock()
		q.running[j.ID] = cancel
		if q.early[j.ID] {
			delete(q.early, j.ID)
			cancel(errCancelled)
		}
		q.mu.Unlock()
		err = call(timed, h.do, j)
		if err != nil {
			cause = context.Cause(timed)
		}
		q.mu.Lock()
		delete(q.running, j.ID)
		q.mu.Unlock()
		stop()
		cancel(nil)
	}
	// What ends must be written even while the service stops.
	end := context.WithoutCancel(ctx)
	if e := q.end(end, ctx.Err() != nil, j, err, cause); e != nil {
		q.Log.Error("the end of a job cannot be written", "job", j.ID, "kind", j.Kind, "error", e)
	}
	q.tell()
}

// call turns a panic of a handler into an error, so that one document cannot
// take the service down.
func call(ctx context.Context, do Handler, j *Running) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in job %s: %v\n%s", j.Kind, p, debug.Stack())
		}
	}()
	return do(ctx, j)
}

// end writes the end of an attempt: done, to be tried again, given up, or
// cancelled by a person.
func (q *Queue) end(ctx context.Context, stopping bool, j *Running, err, cause error) error {
	switch {
	case err == nil:
		return q.finish(ctx, j.ID, Done, "")
	case errors.Is(cause, errCancelled):
		if err := q.finish(ctx, j.ID, Cancelled, ""); err != nil {
			return err
		}
		q.told(ctx, Ended{ID: j.ID, Kind: j.Kind, Workspace: j.Workspace, Owner: j.Owner, Payload: j.Payload, State: Cancelled})
		return nil
	case stopping:
		// The service stopped under it; this attempt does not count.
		return q.again(ctx, j.ID, j.Attempt-1, q.now(), "")
	}
	if cause != nil {
		err = errors.Join(cause, err)
	}
	q.Log.Warn("a job failed", "job", j.ID, "kind", j.Kind, "attempt", j.Attempt, "error", err)
	sentence := fault.Of(err).Sentence
	if !errors.As(err, &permanent{}) && !j.Last() {
		return q.again(ctx, j.ID, j.Attempt, q.now().Add(pause(j.Attempt)), sentence)
	}
	if err := q.finish(ctx, j.ID, Failed, sentence); err != nil {
		return err
	}
	q.told(ctx, Ended{ID: j.ID, Kind: j.Kind, Workspace: j.Workspace, Owner: j.Owner, Payload: j.Payload, State: Failed, Err: err})
	return nil
}

func (q *Queue) told(ctx context.Context, e Ended) {
	q.mu.Lock()
	ends := q.ends[e.Kind]
	q.mu.Unlock()
	for _, f := range ends {
		f(ctx, e)
	}
}

// Idle waits until nothing runs and nothing is due.
func (q *Queue) Idle(ctx context.Context) error {
	q.prepare()
	for {
		q.mu.Lock()
		changed := q.changed
		q.mu.Unlock()
		busy, err := q.busy(ctx)
		if err != nil || !busy {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
