package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// Running is one attempt as its handler sees it.
type Running struct {
	ID, Kind, Workspace, Owner string
	Payload                    json.RawMessage
	Attempt, Attempts          int // this attempt, counted from 1, of so many

	queue *Queue
	work  context.Context // ends when the attempt must stop
	end   context.CancelCauseFunc

	mu   sync.Mutex
	told time.Time
	note string
}

// Why an attempt's context ends, apart from the end of the service.
var (
	errCancelled = errors.New("the job was cancelled")
	errEnded     = errors.New("the attempt has ended")
	errDeaf      = errors.New("the work did not stop when it was told to")
)

// Last reports whether no attempt follows this one.
func (j *Running) Last() bool { return j.Attempt >= j.Attempts }

// Progress tells how far the work is: done of total units (total 0 = unknown)
// and a short note. It writes a new note and the end at once, and otherwise at
// most four times a second, so it may be called for each page.
func (j *Running) Progress(ctx context.Context, done, total int64, note string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	now := j.queue.now()
	due := note != j.note || total > 0 && done >= total || now.Sub(j.told) >= 250*time.Millisecond
	if due {
		j.told, j.note = now, note
	}
	j.mu.Unlock()
	if !due {
		return nil
	}
	return j.queue.progress(ctx, j, done, total, note)
}

// Run works until ctx ends, then gives running jobs back to the queue. It
// returns nil once all handlers have returned or their grace is over.
func (q *Queue) Run(ctx context.Context) error {
	q.prepare()
	end := context.WithoutCancel(ctx)
	// Only one process has the data directory, so whatever still says running
	// belongs to a process that died: every lease is void.
	for {
		err := q.release(end)
		if err == nil {
			break
		}
		if !fault.Unwritten(err) {
			return fmt.Errorf("job: take back the jobs of the last run: %w", err)
		}
		// Reading goes on while the disk is full; jobs wait until there is room.
		q.log().Error("nothing can be written: jobs wait", "error", err)
		if !q.pause(ctx, fullPause) {
			return nil
		}
	}
	if err := q.tell(end, "", nil); err != nil {
		return fmt.Errorf("job: tell the ends of the last run: %w", err)
	}
	q.moved()
	workers := q.Workers
	if workers == 0 {
		workers = 2
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { q.serve(ctx) })
	}
	all.Wait()
	return nil
}

// fullPause is how long jobs wait before the disk is tried again.
const fullPause = 5 * time.Second

// pause waits; it reports false when ctx ended first.
func (q *Queue) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// serve is one worker.
func (q *Queue) serve(ctx context.Context) {
	for ctx.Err() == nil {
		j, next, err := q.take(ctx)
		if err != nil && ctx.Err() == nil {
			q.log().Error("the job queue cannot take a job", "error", err)
			next = q.now().Add(10 * time.Second)
			if fault.Unwritten(err) {
				next = q.now().Add(time.Minute)
			}
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
// for the former alone. It looks at the clock once a minute, since that may be
// set while it sleeps.
func (q *Queue) wait(ctx context.Context, next time.Time) {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(min(max(next.Sub(q.now()), time.Millisecond), time.Minute))
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
	h, _ := q.handler(j.Kind)
	timed, stop := context.WithTimeoutCause(j.work, h.options.Timeout,
		fault.New(fault.Unavailable, "The work took longer than %s.", h.options.Timeout))
	err := q.call(actor.With(timed, actor.Actor{Kind: actor.System, ID: j.Owner, Workspace: j.Workspace, Request: j.ID}), h.do, j)
	if cause := context.Cause(timed); err != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w (%w)", cause, err)
	}
	stop()
	// What ends must be written even while the service stops, and again and
	// again where the disk is full: a row that says running is nobody's.
	end := context.WithoutCancel(ctx)
	for {
		e := q.end(end, ctx.Err() != nil, j, err)
		if e == nil {
			break
		}
		q.log().Error("the end of a job cannot be written", "job", j.ID, "kind", j.Kind, "error", e)
		if ctx.Err() != nil {
			break // the next start takes it back
		}
		q.wait(ctx, q.now().Add(10*time.Second))
	}
	j.end(errEnded)
	if e := q.tell(end, j.ID, err); e != nil {
		q.log().Error("the end of a job cannot be told", "job", j.ID, "kind", j.Kind, "error", e)
	}
	q.mu.Lock()
	delete(q.running, j.ID)
	q.mu.Unlock()
	q.nudge()
	q.moved()
}

// call runs a handler. A panic is an error, so that one document cannot take
// the service down, and one that does not notice the end of its context is left
// behind, so that it cannot take a worker away for ever.
func (q *Queue) call(ctx context.Context, do Handler, j *Running) error {
	ended := make(chan error, 1)
	go func() {
		err := errors.New("the handler ended its goroutine")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic in job %s: %v\n%s", j.Kind, p, debug.Stack())
			}
			ended <- err
		}()
		err = do(ctx, j)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace := time.NewTimer(q.grace())
	defer grace.Stop()
	select {
	case err := <-ended:
		return err
	case <-grace.C:
		q.log().Error("a job does not stop and is left behind", "job", j.ID, "kind", j.Kind, "grace", q.grace())
		return Permanent(errDeaf)
	}
}

// tell tells the listeners the ends they do not know yet, of one job or, with
// an empty id, of all. The failure is known where the job has just failed;
// after a restart its sentences are left.
func (q *Queue) tell(ctx context.Context, id string, failure error) error {
	ends, err := q.untold(ctx, id)
	if err != nil {
		return err
	}
	for _, e := range ends {
		who := actor.With(ctx, actor.Actor{Kind: actor.System, ID: e.Owner, Workspace: e.Workspace, Request: e.ID})
		if e.State == Failed && failure != nil {
			e.Err = failure
		}
		heard := true
		for _, f := range q.listeners(e.Kind) {
			if err := listen(who, f, e); err != nil {
				heard = false
				q.log().Error("the end of a job was not heard", "job", e.ID, "kind", e.Kind, "error", err)
			}
		}
		if heard {
			if err := q.heard(ctx, e.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// listen turns a panic of a listener into an error.
func listen(ctx context.Context, f func(context.Context, Ended), e Ended) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	f(ctx, e)
	return nil
}
