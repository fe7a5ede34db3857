package job_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// clock is a time that moves when a test says so.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

type rig struct {
	*job.Queue
	db    *sqlite.DB
	clock *clock
}

func newRig(t *testing.T) *rig {
	t.Helper()
	c := &clock{at: time.Now()}
	db := sqlitetest.Open(t, job.Migrations)
	return &rig{Queue: &job.Queue{DB: db, Log: slog.New(slog.DiscardHandler), Now: c.now}, db: db, clock: c}
}

// run works the queue until the test or the returned function ends it.
func (r *rig) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func (r *rig) add(t *testing.T, n job.New) string {
	t.Helper()
	if n.Kind == "" {
		n.Kind = "work"
	}
	n.Workspace, n.Owner = "workspace", "owner"
	if n.At.IsZero() {
		n.At = r.clock.now() // the database has a clock of its own
	}
	var id string
	if err := r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) (err error) {
		id, err = r.Enqueue(ctx, tx, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

// wants waits until the job is in the state.
func (r *rig) wants(t *testing.T, id string, state job.State) job.Job {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		j, err := r.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if j.State == state {
			return j
		}
		if time.Now().After(deadline) {
			t.Fatalf("the job is %s (%s), want %s", j.State, j.Error, state)
		}
	}
}

func TestRetriesWithGrowingPauses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tried := make(chan int, 10)
	r.Handle("work", job.Options{Attempts: 3}, func(_ context.Context, j *job.Running) error {
		tried <- j.Attempt
		if j.Last() != (j.Attempt == 3) {
			t.Errorf("attempt %d says last: %v", j.Attempt, j.Last())
		}
		return fault.New(fault.Unavailable, "The disk is away.")
	})
	ended := make(chan job.Ended, 1)
	r.OnEnd("work", func(_ context.Context, e job.Ended) { ended <- e })
	id := r.add(t, job.New{Payload: map[string]string{"document": "d1"}})
	stop := r.run(t)
	for attempt, pause := range []time.Duration{time.Second, 5 * time.Second} {
		if got := <-tried; got != attempt+1 {
			t.Fatalf("got attempt %d, want %d", got, attempt+1)
		}
		j := r.wants(t, id, job.Waiting)
		if want := r.clock.now().Add(pause).UnixMilli(); j.RunAt.UnixMilli() != want || j.Error != "The disk is away." {
			t.Errorf("got %v (%s), want %d", j.RunAt.UnixMilli(), j.Error, want)
		}
		stop()
		r.clock.add(pause)
		stop = r.run(t)
	}
	<-tried
	e := <-ended
	if e.ID != id || e.State != job.Failed || string(e.Payload) != `{"document":"d1"}` || e.Err == nil {
		t.Errorf("got %+v", e)
	}
	if j := r.wants(t, id, job.Failed); j.Attempt != 3 || j.Ended.IsZero() {
		t.Errorf("got %+v", j)
	}
	if err := r.Retry(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := <-tried; got != 1 {
		t.Errorf("a job tried again begins with attempt %d", got)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(ctx context.Context, j *job.Running) error
		want job.State
		text string
	}{
		{"done", func(context.Context, *job.Running) error { return nil }, job.Done, ""},
		{"permanent", func(context.Context, *job.Running) error {
			return job.Permanent(fault.New(fault.Unsupported, "This type is not read."))
		}, job.Failed, "This type is not read."},
		{"a permanent error further down", func(context.Context, *job.Running) error {
			return fmt.Errorf("read: %w", job.Permanent(fault.New(fault.Unsupported, "This type is not read.")))
		}, job.Failed, "This type is not read."},
		{"a panic is tried again", func(_ context.Context, j *job.Running) error {
			if j.Attempt == 1 {
				panic("boom")
			}
			return nil
		}, job.Waiting, "Something in ChatETS failed."},
		{"a handler that ends its goroutine", func(context.Context, *job.Running) error { runtime.Goexit(); return nil }, job.Waiting, "Something in ChatETS failed."},
		{"out of time", func(ctx context.Context, _ *job.Running) error { <-ctx.Done(); return ctx.Err() }, job.Waiting, "The work took longer than 20ms."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			timeout := time.Minute
			if tt.name == "out of time" {
				timeout = 20 * time.Millisecond
			}
			r.Handle("work", job.Options{Timeout: timeout}, tt.do)
			id := r.add(t, job.New{})
			r.run(t)
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
				j := r.wants(t, id, tt.want)
				if j.Error == tt.text {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("got %q, want %q", j.Error, tt.text)
				}
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began := make(chan struct{}, 1)
	r.Handle("work", job.Options{}, func(ctx context.Context, _ *job.Running) error {
		began <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	ended := make(chan job.Ended, 2)
	r.OnEnd("work", func(_ context.Context, e job.Ended) { ended <- e })
	running, later := r.add(t, job.New{}), r.add(t, job.New{At: r.clock.now().Add(time.Hour)})
	r.run(t)
	<-began
	for _, id := range []string{later, running} {
		if err := r.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		r.wants(t, id, job.Cancelled)
		if e := <-ended; e.ID != id || e.State != job.Cancelled || e.Err != nil {
			t.Errorf("got %+v", e)
		}
		if err := r.Cancel(t.Context(), id); !fault.Is(err, fault.Conflict) {
			t.Errorf("cancelled twice: %v", err)
		}
	}
	if err := r.Cancel(t.Context(), "none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
	if err := r.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestStopGivesTheJobBack stops the queue under a running job, as a restart
// does: the attempt does not count, and the job runs again.
func TestStopGivesTheJobBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	attempts := make(chan int, 4)
	r.Handle("work", job.Options{}, func(ctx context.Context, j *job.Running) error {
		attempts <- j.Attempt
		if len(attempts) > 1 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	})
	id := r.add(t, job.New{})
	stop := r.run(t)
	for len(attempts) == 0 {
		time.Sleep(time.Millisecond)
	}
	stop()
	r.wants(t, id, job.Waiting)
	r.clock.add(time.Minute)
	r.run(t)
	r.wants(t, id, job.Done)
	if a, b := <-attempts, <-attempts; a != 1 || b != 1 {
		t.Errorf("got attempts %d and %d", a, b)
	}
}

// TestKilledProcess finds rows that say running when it starts: nobody runs them.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Handle("work", job.Options{}, func(context.Context, *job.Running) error { return nil })
	id := r.add(t, job.New{})
	if err := r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE job SET state = 'running', attempt = 1 WHERE id = ?`, id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r.clock.add(time.Minute)
	r.run(t)
	if j := r.wants(t, id, job.Done); j.Attempt != 1 {
		t.Errorf("got attempt %d", j.Attempt)
	}
}

func TestKeyIsUnique(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Handle("work", job.Options{}, func(context.Context, *job.Running) error { return nil })
	first, again, other := r.add(t, job.New{Key: "a"}), r.add(t, job.New{Key: "a"}), r.add(t, job.New{Key: "b"})
	if first != again || first == other {
		t.Errorf("got %s, %s and %s", first, again, other)
	}
	r.run(t)
	r.wants(t, first, job.Done)
	if later := r.add(t, job.New{Key: "a"}); later == first {
		t.Error("an ended job keeps its key")
	}
	err := r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := r.Enqueue(ctx, tx, job.New{Kind: "nobody handles this", Workspace: "w", Owner: "o"})
		return err
	})
	if err == nil {
		t.Error("a job without a handler was taken")
	}
}

func TestWhatAPersonWaitsForGoesFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Workers = 1
	order := make(chan string, 3)
	r.Handle("work", job.Options{}, func(_ context.Context, j *job.Running) error { order <- j.ID; return nil })
	background, first, second := r.add(t, job.New{Priority: job.Background}), r.add(t, job.New{}), r.add(t, job.New{})
	r.run(t)
	if err := r.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := []string{<-order, <-order, <-order}; !slices.Equal(got, []string{first, second, background}) {
		t.Errorf("got %v", got)
	}
	counts, err := r.Counts(t.Context())
	if err != nil || counts[job.Done] != 3 {
		t.Errorf("got %v, %v", counts, err)
	}
	if list, err := r.List(t.Context(), job.Filter{Limit: 2}); err != nil || len(list) != 2 || list[0].ID != second {
		t.Errorf("got %v, %v", list, err)
	}
}

func TestProgressIsThrottled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Workers = 1 // the writes are counted
	r.Handle("work", job.Options{}, func(ctx context.Context, j *job.Running) error {
		before := r.db.Stats().Members
		for i := range 100 {
			if err := j.Progress(ctx, int64(i), 100, "reading"); err != nil {
				return err
			}
		}
		if n := r.db.Stats().Members - before; n != 1 {
			t.Errorf("%d writes for 100 steps in no time", n)
		}
		return j.Progress(ctx, 100, 100, "read")
	})
	id := r.add(t, job.New{})
	r.run(t)
	if j := r.wants(t, id, job.Done); j.Done != 100 || j.Total != 100 || j.Note != "read" {
		t.Errorf("got %+v", j)
	}
}
