package job_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// childDir names the data directory to a copy of this test binary that is to
// work its queue until it is killed.
const childDir = "CHATETS_TEST_WORK_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, "the working child ended:", workForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// workForEver enqueues a job after the other, prints the id of each that is
// acknowledged, and leaves a file for each that has run.
func workForEver(dir string) error {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: -1})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, job.Migrations); err != nil {
		return err
	}
	q := &job.Queue{DB: db}
	q.Handle("work", job.Options{}, func(_ context.Context, j *job.Running) error {
		return os.WriteFile(filepath.Join(dir, j.ID+".ran"), nil, 0o600)
	})
	go func() {
		for {
			var id string
			if err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) (err error) {
				id, err = q.Enqueue(ctx, tx, job.New{Kind: "work", Workspace: "w", Owner: "o"})
				return err
			}); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			fmt.Println(id)
		}
	}()
	return q.Run(ctx)
}

// TestKilledQueueLosesNoJob kills a working process with SIGKILL again and
// again. Every job that was acknowledged runs in the end, at the next start at
// once.
func TestKilledQueueLosesNoJob(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var told []string
	for round := range 4 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		before := len(told)
		for lines := bufio.NewReader(out); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				break // the child is dead; a line that is cut was not told
			}
			if told = append(told, strings.TrimSpace(line)); len(told)-before == 15+10*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // it was killed
		if len(told)-before < 15 {
			t.Fatalf("round %d: only %d jobs", round, len(told)-before)
		}
	}
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	r := &rig{Queue: &job.Queue{DB: db}, db: db}
	r.Handle("work", job.Options{}, func(_ context.Context, j *job.Running) error {
		return os.WriteFile(filepath.Join(dir, j.ID+".ran"), nil, 0o600)
	})
	r.run(t)
	if err := r.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range told {
		if j, err := r.Get(t.Context(), id); err != nil || j.State != job.Done {
			t.Errorf("job %s is %s, %v", id, j.State, err)
		}
		if _, err := os.Stat(filepath.Join(dir, id+".ran")); err != nil {
			t.Errorf("job %s is done and never ran", id)
		}
	}
}

// died leaves a job as a killed process does: it says running, and that often.
func (r *rig) died(t *testing.T, id, also string) {
	t.Helper()
	if err := r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE job SET state = 'running', attempt = 1, lease = 1`+also+` WHERE id = ?`, id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestStartAfterAKill(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, also string
		want       job.State
		told       bool
		sentence   string
	}{
		{"runs again", "", job.Done, false, ""},
		{"a job that was being cancelled is cancelled", ", cancel = 1", job.Cancelled, true, ""},
		{"a job that kills the service is given up", ", lost = 9", job.Failed, true, "ChatETS was stopped 10 times while it worked on this."},
		{"an end that nobody was told of is told", ", state = 'failed', told = 0, error = 'The file is broken.', cure = 'Mend it.'", job.Failed, true, "The file is broken."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.Handle("work", job.Options{}, func(context.Context, *job.Running) error { return nil })
			ends := make(chan job.Ended, 3)
			r.OnEnd("work", func(_ context.Context, e job.Ended) { ends <- e })
			id := r.add(t, job.New{Payload: "p"})
			r.died(t, id, tt.also)
			stop := r.run(t)
			j := r.wants(t, id, tt.want)
			if err := r.Idle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if j.Error != tt.sentence || !j.Lease.IsZero() && tt.want != job.Failed {
				t.Errorf("got %+v", j)
			}
			stop()
			r.run(t)
			if err := r.Idle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !tt.told {
				if len(ends) != 0 {
					t.Errorf("told %+v", <-ends)
				}
				return
			}
			if len(ends) != 1 {
				t.Fatalf("told %d times", len(ends))
			}
			e := <-ends
			if e.ID != id || e.State != tt.want || string(e.Payload) != `"p"` || (e.Err == nil) != (tt.want == job.Cancelled) {
				t.Errorf("got %+v", e)
			}
			if e.Err != nil && (fault.Of(e.Err).Sentence != tt.sentence || fault.Of(e.Err).Cure == "") {
				t.Errorf("got %v", e.Err)
			}
		})
	}
}

// TestJobThatKillsLets the service get to its feet before it is tried again.
func TestJobThatKillsWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Handle("work", job.Options{}, func(context.Context, *job.Running) error { return nil })
	id := r.add(t, job.New{})
	r.died(t, id, ", lost = 5")
	r.run(t)
	j := r.wants(t, id, job.Waiting)
	if pause := j.RunAt.Sub(r.clock.now()); pause < 10*time.Second || pause > time.Minute {
		t.Errorf("it runs again in %v", pause)
	}
}

// TestListenerThatPanics hears the end again at the next start.
func TestListenerThatPanics(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	wrong := errors.New("wrong")
	r.Handle("work", job.Options{}, func(context.Context, *job.Running) error { return job.Permanent(wrong) })
	heard := make(chan job.Ended, 3)
	r.OnEnd("work", func(_ context.Context, e job.Ended) {
		heard <- e
		if len(heard) == 1 {
			panic("the listener breaks")
		}
	})
	id := r.add(t, job.New{})
	stop := r.run(t)
	for deadline := time.Now().Add(10 * time.Second); len(heard) == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	stop()
	r.run(t)
	if err := r.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, second := <-heard, <-heard
	if first.ID != id || second.ID != id || !errors.Is(first.Err, wrong) || second.Err == nil || len(heard) != 0 {
		t.Errorf("got %+v and %+v", first, second)
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	sqlitetest.UpDownUp(t, job.Migrations)
}
