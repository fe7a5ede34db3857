package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"chatets/appliance/job"
)

// TestPostpone wants what is postponed to wait without losing an attempt, until
// it is due or hastened.
func TestPostpone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ran := make(chan int, 100)
	away := true
	r.Handle("work", job.Options{Attempts: 2}, func(_ context.Context, j *job.Running) error {
		ran <- j.Attempt
		if away {
			return job.Postpone(errors.New("the scanner is away"), time.Hour)
		}
		return nil
	})
	id := r.add(t, job.New{})
	r.run(t)
	for range 5 {
		if n := <-ran; n != 1 {
			t.Fatalf("attempt %d", n)
		}
		got := r.wants(t, id, job.Waiting)
		if d := got.RunAt.Sub(r.clock.now()); d < 59*time.Minute || d > time.Hour {
			t.Fatalf("due in %s", d)
		}
		if err := r.Hasten(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		if err := r.Idle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(ran) != 0 {
			t.Fatal("it ran before it was due")
		}
		if err := r.Hasten(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
	}
	<-ran
	r.wants(t, id, job.Waiting)
	if err := r.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	away = false
	r.clock.add(2 * time.Hour)
	if err := r.Hasten(t.Context(), "work"); err != nil { // the clock moved, which the queue sees when it wakes
		t.Fatal(err)
	}
	r.wants(t, id, job.Done)
}
