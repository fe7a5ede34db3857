package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

const (
	// maxLost is how often the process may die with a job before the job is
	// given up: it may be what kills it.
	maxLost = 10
	// Ended jobs are forgotten after a time; dead letters stay longer.
	keepDone = 7 * 24 * time.Hour
	keepDead = 90 * 24 * time.Hour
)

// Enqueue adds a job inside the caller's transaction and wakes a worker after
// its commit. With a Key that already waits or runs it returns that job's id; a
// waiting one is then due at the earlier of both times.
func (q *Queue) Enqueue(ctx context.Context, tx *sqlite.Tx, n New) (string, error) {
	h, known := q.handler(n.Kind)
	if !known {
		return "", fmt.Errorf("job: nothing handles jobs of kind %s", n.Kind)
	}
	payload, err := json.Marshal(n.Payload)
	if err != nil {
		return "", fmt.Errorf("job: payload of %s: %w", n.Kind, err)
	}
	who := actor.From(ctx)
	if n.Workspace == "" {
		n.Workspace = who.Workspace
	}
	if n.Owner == "" {
		n.Owner = who.ID
	}
	if n.At.IsZero() {
		n.At = q.now()
	}
	tx.AfterCommit(q.nudge)
	if n.Key != "" {
		var id string
		err := tx.QueryRow(ctx, `SELECT id FROM job WHERE kind = ? AND key = ? AND key <> '' AND cancel = 0 AND state IN ('waiting', 'running')`, n.Kind, n.Key).Scan(&id)
		if err == nil {
			_, err = tx.Exec(ctx, `UPDATE job SET run_at = min(run_at, ?), priority = min(priority, ?) WHERE id = ? AND state = 'waiting'`, n.At.UnixMilli(), n.Priority, id)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return id, err
		}
	}
	id := uuid.Must(uuid.NewV7()).String()
	if _, err := tx.Exec(ctx, `INSERT INTO job (id, workspace, owner, kind, key, payload, state, priority, attempt, attempts, lost, cancel, run_at, done, total, note, error, cure, told, created)
		VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, 0, ?, 0, 0, ?, 0, 0, '', '', '', 1, ?)`,
		id, n.Workspace, n.Owner, n.Kind, n.Key, string(payload), n.Priority, h.options.Attempts, n.At.UnixMilli(), tx.Now.UnixMilli()); err != nil {
		return "", fmt.Errorf("job: enqueue %s: %w", n.Kind, err)
	}
	return id, nil
}

// Hasten makes all waiting jobs of a kind due: what they were postponed for is
// there again.
func (q *Queue) Hasten(ctx context.Context, kind string) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		now := q.now().UnixMilli()
		tx.AfterCommit(q.nudge)
		_, err := tx.Exec(ctx, `UPDATE job SET run_at = ? WHERE kind = ? AND state = 'waiting' AND run_at > ?`, now, kind, now)
		return err
	})
}

// take claims the next due job; nil when there is none, with the time the next
// one is due (zero = none waits).
func (q *Queue) take(ctx context.Context) (j *Running, next time.Time, err error) {
	now := q.now()
	// Looking is cheaper than writing, and most wake-ups find nothing.
	if next, err = nextDue(q.DB.Read().QueryRowContext(ctx, `SELECT min(run_at) FROM job WHERE state = 'waiting'`)); err != nil || next.IsZero() || next.After(now) {
		return nil, next, err
	}
	work, end := context.WithCancelCause(ctx)
	err = q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		j = &Running{queue: q, work: work, end: end}
		var payload string
		// A job whose key still runs, cancelled, waits until that has stopped.
		err := tx.QueryRow(ctx, `UPDATE job SET state = 'running', attempt = attempt + 1, done = 0, total = 0, note = ''
			WHERE id = (SELECT w.id FROM job AS w WHERE w.state = 'waiting' AND w.run_at <= ?
				AND NOT EXISTS (SELECT 1 FROM job AS r WHERE r.state = 'running' AND r.kind = w.kind AND r.key = w.key AND w.key <> '')
				ORDER BY w.priority, w.run_at, w.id LIMIT 1)
			RETURNING id, kind, workspace, owner, payload, attempt, attempts`, now.UnixMilli()).
			Scan(&j.ID, &j.Kind, &j.Workspace, &j.Owner, &payload, &j.Attempt, &j.Attempts)
		if errors.Is(err, sql.ErrNoRows) {
			j = nil
			next, err = nextDue(tx.QueryRow(ctx, `SELECT min(run_at) FROM job WHERE state = 'waiting' AND run_at > ?`, now.UnixMilli()))
			return err
		}
		if err != nil {
			return err
		}
		j.Payload = json.RawMessage(payload)
		h, _ := q.handler(j.Kind)
		id := j.ID
		tx.AfterCommit(func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.running[id] = end
		})
		_, err = tx.Exec(ctx, `UPDATE job SET lease = ? WHERE id = ?`, now.Add(h.options.Timeout+q.grace()).UnixMilli(), id)
		return err
	})
	if err != nil || j == nil {
		end(errEnded)
		return nil, next, err
	}
	return j, time.Time{}, nil
}

// nextDue reads a time that may be absent.
func nextDue(row *sql.Row) (time.Time, error) {
	var at sql.NullInt64
	if err := row.Scan(&at); err != nil || !at.Valid {
		return time.Time{}, err
	}
	return time.UnixMilli(at.Int64), nil
}

// release takes back what a dead process was running.
func (q *Queue) release(ctx context.Context) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		dead, err := ids(tx.Query(ctx, `SELECT id FROM job WHERE state = 'running'`))
		if err != nil {
			return err
		}
		for _, id := range dead {
			var lost, cancel int
			if err := tx.QueryRow(ctx, `UPDATE job SET lost = lost + 1, attempt = max(attempt - 1, 0), lease = NULL WHERE id = ? RETURNING lost, cancel`, id).Scan(&lost, &cancel); err != nil {
				return err
			}
			switch {
			case cancel == 1:
				err = q.close(ctx, tx, id, Cancelled, fault.Report{})
			case lost >= maxLost:
				err = q.close(ctx, tx, id, Failed, fault.Report{Sentence: fmt.Sprintf("ChatETS was stopped %d times while it worked on this.", lost),
					Cure: "Look into the log for what stopped it before you try again."})
			default:
				// At once, but not for ever: the service must get to its feet.
				at := q.now()
				if lost > 3 {
					at = at.Add(pause(lost - 3))
				}
				_, err = tx.Exec(ctx, `UPDATE job SET state = 'waiting', run_at = ? WHERE id = ?`, at.UnixMilli(), id)
			}
			if err != nil {
				return err
			}
		}
		return forget(ctx, tx)
	})
}

// end writes the end of an attempt: done, to be tried again, given up, or
// cancelled by a person.
func (q *Queue) end(ctx context.Context, stopping bool, j *Running, failure error) error {
	var later postponed
	waits := errors.As(failure, &later)
	final := errors.As(failure, &permanent{}) || j.Last() && !waits
	if failure != nil && !waits && !stopping && !errors.Is(failure, errCancelled) {
		q.log().Warn("a job failed", "job", j.ID, "kind", j.Kind, "attempt", j.Attempt, "final", final, "error", failure)
	}
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var cancel int
		err := tx.QueryRow(ctx, `SELECT cancel FROM job WHERE id = ? AND state = 'running'`, j.ID).Scan(&cancel)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		case failure == nil:
			err = q.close(ctx, tx, j.ID, Done, fault.Report{})
		case cancel == 1:
			err = q.close(ctx, tx, j.ID, Cancelled, fault.Report{})
		case stopping:
			// The service stopped under it; this attempt does not count.
			err = reopen(ctx, tx, j.ID, j.Attempt-1, q.now(), fault.Report{})
		case final:
			err = q.close(ctx, tx, j.ID, Failed, fault.Of(failure))
		case waits:
			err = reopen(ctx, tx, j.ID, j.Attempt-1, q.now().Add(later.pause), fault.Of(failure))
		default:
			err = reopen(ctx, tx, j.ID, j.Attempt, q.now().Add(pause(j.Attempt)), fault.Of(failure))
		}
		if err != nil {
			return err
		}
		return forget(ctx, tx)
	})
}

// close ends a job. Where somebody listens they are told afterwards, and the
// row remembers that they have not been yet.
func (q *Queue) close(ctx context.Context, tx *sqlite.Tx, id string, state State, r fault.Report) error {
	var kind string
	if err := tx.QueryRow(ctx, `UPDATE job SET state = ?, error = ?, cure = ?, ended = ?, lease = NULL, cancel = 0 WHERE id = ? RETURNING kind`,
		string(state), r.Sentence, r.Cure, tx.Now.UnixMilli(), id).Scan(&kind); err != nil {
		return err
	}
	if state == Done || len(q.listeners(kind)) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE job SET told = 0 WHERE id = ?`, id)
	return err
}

// reopen gives a job back to the queue.
func reopen(ctx context.Context, tx *sqlite.Tx, id string, attempt int, at time.Time, r fault.Report) error {
	_, err := tx.Exec(ctx, `UPDATE job SET state = 'waiting', attempt = ?, run_at = ?, error = ?, cure = ?, lease = NULL WHERE id = ?`,
		max(attempt, 0), at.UnixMilli(), r.Sentence, r.Cure, id)
	return err
}

// forget removes what ended long ago.
func forget(ctx context.Context, tx *sqlite.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM job WHERE state = 'done' AND ended < ?`, tx.Now.Add(-keepDone).UnixMilli())
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM job WHERE state IN ('failed', 'cancelled') AND ended < ? AND told = 1`, tx.Now.Add(-keepDead).UnixMilli())
	}
	return err
}

func (q *Queue) progress(ctx context.Context, j *Running, done, total int64, note string) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		// An attempt that was left behind tells nothing any more.
		_, err := tx.Exec(ctx, `UPDATE job SET done = ?, total = ?, note = ? WHERE id = ? AND state = 'running' AND attempt = ?`, done, total, note, j.ID, j.Attempt)
		return err
	})
}

// Cancel ends a job: a waiting one at once, a running one as soon as its
// handler notices. An ended job is fault.Conflict.
func (q *Queue) Cancel(ctx context.Context, id string) error {
	err := q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var state string
		err := tx.QueryRow(ctx, `SELECT state FROM job WHERE id = ?`, id).Scan(&state)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return unknown
		case err != nil:
			return err
		case State(state) == Waiting:
			return q.close(ctx, tx, id, Cancelled, fault.Report{})
		case State(state) != InWork:
			return fault.New(fault.Conflict, "The job has already ended.").Cure("Look at the list again.")
		}
		tx.AfterCommit(func() { q.interrupt(id) })
		_, err = tx.Exec(ctx, `UPDATE job SET cancel = 1 WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return err
	}
	err = q.tell(context.WithoutCancel(ctx), id, nil)
	q.moved()
	return err
}

// interrupt ends the context of a running attempt. Claims and cancels are
// written one after the other, and each calls this side in the same order.
func (q *Queue) interrupt(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if end := q.running[id]; end != nil {
		end(errCancelled)
	}
}

var unknown = fault.New(fault.NotFound, "There is no such job.").Cure("Look at the list again.")

// Retry puts a failed or cancelled job back into the queue with fresh attempts.
func (q *Queue) Retry(ctx context.Context, id string) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var kind, key, state string
		err := tx.QueryRow(ctx, `SELECT kind, key, state FROM job WHERE id = ?`, id).Scan(&kind, &key, &state)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return unknown
		case err != nil:
			return err
		case State(state) != Failed && State(state) != Cancelled:
			return fault.New(fault.Conflict, "Only a failed or cancelled job can be tried again.").Cure("Look at the list again.")
		}
		var other bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM job WHERE kind = ? AND key = ? AND key <> '' AND cancel = 0 AND state IN ('waiting', 'running'))`, kind, key).Scan(&other); err != nil {
			return err
		}
		if other {
			return fault.New(fault.Conflict, "Another job does the same work already.").Cure("Wait for it, or cancel it first.")
		}
		tx.AfterCommit(q.nudge)
		_, err = tx.Exec(ctx, `UPDATE job SET state = 'waiting', attempt = 0, lost = 0, cancel = 0, run_at = ?, ended = NULL, error = '', cure = '', done = 0, total = 0, note = '', told = 1 WHERE id = ?`, q.now().UnixMilli(), id)
		return err
	})
}
