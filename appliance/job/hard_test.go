package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/sqlite"
)

func recv[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing comes")
	}
	return v
}

// TestCancelledKeyIsFree cancels a running job and asks for the same work again
// before it has stopped: the new one is another job, and waits for the old one.
func TestCancelledKeyIsFree(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began, open := make(chan string, 3), make(chan struct{})
	r.Handle("work", job.Options{}, func(ctx context.Context, j *job.Running) error {
		began <- j.ID
		<-open
		return ctx.Err()
	})
	first := r.add(t, job.New{Key: "document"})
	r.run(t)
	recv(t, began)
	if err := r.Cancel(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if j, err := r.Get(t.Context(), first); err != nil || j.State != job.InWork || !j.Stopping || j.Lease.IsZero() {
		t.Errorf("got %+v, %v", j, err)
	}
	if err := r.Cancel(t.Context(), first); err != nil {
		t.Errorf("cancelled while it stops: %v", err)
	}
	second, third := r.add(t, job.New{Key: "document"}), r.add(t, job.New{Key: "another"})
	if second == first {
		t.Fatal("the new work was joined with the cancelled one")
	}
	if got := recv(t, began); got != third {
		t.Errorf("%s runs beside %s", got, first)
	}
	close(open)
	r.wants(t, first, job.Cancelled)
	r.wants(t, second, job.Done)
	if got := recv(t, began); got != second {
		t.Errorf("got %s", got)
	}
	if err := r.Retry(t.Context(), first); err != nil {
		t.Errorf("retry: %v", err)
	}
	r.wants(t, first, job.Done)
	if err := r.Retry(t.Context(), first); !fault.Is(err, fault.Conflict) {
		t.Errorf("a done job tried again: %v", err)
	}
	if err := r.Retry(t.Context(), "none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
}

// TestRetryBesideTheSameWork refuses a second job of one key.
func TestRetryBesideTheSameWork(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Handle("work", job.Options{}, func(context.Context, *job.Running) error { return nil })
	later := r.clock.now().Add(time.Hour)
	first := r.add(t, job.New{Key: "document", At: later})
	if err := r.Cancel(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	second := r.add(t, job.New{Key: "document", At: later, Priority: job.Background})
	if err := r.Retry(t.Context(), first); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
	// Asking again, sooner and by a person, brings the waiting one forward.
	if again := r.add(t, job.New{Key: "document"}); again != second {
		t.Errorf("got %s, want %s", again, second)
	}
	if j, err := r.Get(t.Context(), second); err != nil || !j.RunAt.Before(later) || j.Priority != job.Waited {
		t.Errorf("got %+v, %v", j, err)
	}
}

// TestDeafHandler does not notice that its time is over: the worker goes on
// without it, and what it still tells is not believed.
func TestDeafHandler(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Workers, r.Grace = 1, 20*time.Millisecond
	open, told := make(chan struct{}), make(chan error, 1)
	r.Handle("deaf", job.Options{Timeout: 20 * time.Millisecond}, func(_ context.Context, j *job.Running) error {
		<-open
		told <- j.Progress(context.Background(), 1, 2, "late")
		return nil
	})
	r.Handle("work", job.Options{}, func(context.Context, *job.Running) error { return nil })
	deaf, next := r.add(t, job.New{Kind: "deaf"}), r.add(t, job.New{})
	r.run(t)
	if j := r.wants(t, deaf, job.Failed); j.Error != "The work took longer than 20ms." || j.Attempt != 1 {
		t.Errorf("got %+v", j)
	}
	r.wants(t, next, job.Done)
	close(open)
	if err := recv(t, told); err != nil {
		t.Error(err)
	}
	if j := r.wants(t, deaf, job.Failed); j.Note != "" {
		t.Errorf("the job left behind still tells %q", j.Note)
	}
}

// TestStopDoesNotWaitForEver ends Run beside a handler that does not notice.
func TestStopDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Grace = 20 * time.Millisecond
	began, open := make(chan string, 1), make(chan struct{})
	t.Cleanup(func() { close(open) })
	r.Handle("work", job.Options{}, func(_ context.Context, j *job.Running) error {
		began <- j.ID
		<-open
		return nil
	})
	id := r.add(t, job.New{})
	stop := r.run(t)
	recv(t, began)
	stop()
	if j := r.wants(t, id, job.Waiting); j.Attempt != 0 {
		t.Errorf("got %+v", j)
	}
}

// TestDueJobBesideAnotherWorker has two workers wake for one due job; the one
// that finds nothing still wakes for what is due later.
func TestDueJobBesideAnotherWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Queue.Now = nil
	began, open := make(chan string, 2), make(chan struct{})
	t.Cleanup(func() { close(open) })
	r.Grace = time.Millisecond
	r.Handle("work", job.Options{}, func(context.Context, *job.Running) error { <-open; return nil })
	r.Handle("later", job.Options{}, func(_ context.Context, j *job.Running) error { began <- j.ID; return nil })
	r.add(t, job.New{})
	later := r.add(t, job.New{Kind: "later", At: time.Now().Add(50 * time.Millisecond)})
	r.run(t)
	if got := recv(t, began); got != later {
		t.Errorf("got %s", got)
	}
}

// TestActorOfAJob gives handlers and listeners the system, in the place and for
// the person the job was enqueued for.
func TestActorOfAJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	who := make(chan actor.Actor, 2)
	r.Handle("work", job.Options{}, func(ctx context.Context, _ *job.Running) error {
		who <- actor.From(ctx)
		return job.Permanent(errors.New("no"))
	})
	r.OnEnd("work", func(ctx context.Context, _ job.Ended) { who <- actor.From(ctx) })
	person := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "ada", Workspace: "clinic", Role: actor.Owner})
	if err := r.db.Update(person, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := r.Enqueue(ctx, tx, job.New{Kind: "work"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r.run(t)
	for range 2 {
		if got := recv(t, who); got.Kind != actor.System || got.ID != "ada" || got.Workspace != "clinic" || got.Role != actor.None {
			t.Errorf("got %+v", got)
		}
	}
}

// TestOldEndsAreForgotten keeps dead letters longer than what went well.
func TestOldEndsAreForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Handle("work", job.Options{}, func(context.Context, *job.Running) error { return nil })
	r.Handle("fails", job.Options{}, func(context.Context, *job.Running) error { return job.Permanent(errors.New("no")) })
	done, failed := r.add(t, job.New{}), r.add(t, job.New{Kind: "fails"})
	stop := r.run(t)
	r.wants(t, done, job.Done)
	r.wants(t, failed, job.Failed)
	stop()
	age := func(days int) {
		t.Helper()
		if err := r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE job SET ended = ended - ?`, int64(days)*24*3600*1000)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		r.run(t)()
	}
	age(8)
	if _, err := r.Get(t.Context(), done); !fault.Is(err, fault.NotFound) {
		t.Errorf("a done job is kept: %v", err)
	}
	if list, err := r.List(t.Context(), job.Filter{Workspace: "workspace", State: job.Failed}); err != nil || len(list) != 1 || list[0].ID != failed {
		t.Errorf("got %v, %v", list, err)
	}
	if list, err := r.List(t.Context(), job.Filter{Workspace: "another"}); err != nil || len(list) != 0 {
		t.Errorf("another workspace: got %v, %v", list, err)
	}
	age(90)
	if _, err := r.Get(t.Context(), failed); !fault.Is(err, fault.NotFound) {
		t.Errorf("a dead letter is kept for ever: %v", err)
	}
}
