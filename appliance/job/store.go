package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// keepEnded is how long ended jobs stay in the list.
const keepEnded = 30 * 24 * time.Hour

// Enqueue adds a job inside the caller's transaction and wakes a worker after
// its commit. With a Key that already waits or runs it returns that job's id.
func (q *Queue) Enqueue(ctx context.Context, tx *sqlite.Tx, n New) (string, error) {
	q.mu.Lock()
	h, known := q.handlers[n.Kind]
	q.mu.Unlock()
	if !known {
		return "", fmt.Errorf("job: no handler for kind %s", n.Kind)
	}
	payload, err := json.Marshal(n.Payload)
	if err != nil {
		return "", fmt.Errorf("job: payload of %s: %w", n.Kind, err)
	}
	if n.Key != "" {
		var id string
		err := tx.QueryRow(ctx, `SELECT id FROM job WHERE kind = ? AND key = ? AND key <> '' AND state IN ('waiting', 'running')`, n.Kind, n.Key).Scan(&id)
		if !errors.Is(err, sql.ErrNoRows) {
			return id, err
		}
	}
	at := n.At
	if at.IsZero() {
		at = tx.Now
	}
	id := uuid.Must(uuid.NewV7()).String()
	if _, err := tx.Exec(ctx, `INSERT INTO job (id, workspace, owner, kind, key, payload, state, priority, attempt, attempts, run_at, done, total, note, error, created)
		VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, 0, ?, ?, 0, 0, '', '', ?)`,
		id, n.Workspace, n.Owner, n.Kind, n.Key, string(payload), n.Priority, h.options.Attempts, at.UnixMilli(), tx.Now.UnixMilli()); err != nil {
		return "", fmt.Errorf("job: enqueue %s: %w", n.Kind, err)
	}
	tx.AfterCommit(q.nudge)
	return id, nil
}

// take claims the next due job; nil when there is none, with the time the next
// one is due (zero = none waits).
func (q *Queue) take(ctx context.Context) (*Running, time.Time, error) {
	now := q.now().UnixMilli()
	var next sql.NullInt64
	if err := q.DB.Read().QueryRowContext(ctx, `SELECT min(run_at) FROM job WHERE state = 'waiting'`).Scan(&next); err != nil {
		return nil, time.Time{}, err
	}
	if !next.Valid {
		return nil, time.Time{}, nil
	}
	if next.Int64 > now {
		return nil, time.UnixMilli(next.Int64), nil
	}
	var j *Running
	err := q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		j = &Running{}
		var payload string
		err := tx.QueryRow(ctx, `UPDATE job SET state = 'running', attempt = attempt + 1
			WHERE id = (SELECT id FROM job WHERE state = 'waiting' AND run_at <= ? ORDER BY priority, run_at, id LIMIT 1)
			RETURNING id, kind, workspace, owner, payload, attempt, attempts`, now).
			Scan(&j.ID, &j.Kind, &j.Workspace, &j.Owner, &payload, &j.Attempt, &j.Attempts)
		if errors.Is(err, sql.ErrNoRows) {
			j = nil
			return nil
		}
		if err == nil {
			j.Payload = json.RawMessage(payload)
		}
		return err
	})
	return j, time.Time{}, err
}

// release gives back what a dead process was running and forgets old ends.
func (q *Queue) release(ctx context.Context) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE job SET state = 'waiting', attempt = max(attempt - 1, 0) WHERE state = 'running'`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM job WHERE ended < ?`, tx.Now.Add(-keepEnded).UnixMilli())
		return err
	})
}

func (q *Queue) progress(ctx context.Context, id string, done, total int64, note string) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE job SET done = ?, total = ?, note = ? WHERE id = ?`, done, total, note, id)
		return err
	})
}

func (q *Queue) finish(ctx context.Context, id string, state State, sentence string) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE job SET state = ?, error = ?, ended = ? WHERE id = ?`, string(state), sentence, tx.Now.UnixMilli(), id)
		return err
	})
}

func (q *Queue) again(ctx context.Context, id string, attempt int, at time.Time, sentence string) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE job SET state = 'waiting', attempt = ?, run_at = ?, error = ? WHERE id = ?`, max(attempt, 0), at.UnixMilli(), sentence, id)
		tx.AfterCommit(q.nudge)
		return err
	})
}

func (q *Queue) busy(ctx context.Context) (bool, error) {
	var n int
	err := q.DB.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM job WHERE state = 'running' OR state = 'waiting' AND run_at <= ?)`, q.now().UnixMilli()).Scan(&n)
	return n == 1, err
}

// Cancel ends a job: a waiting one at once, a running one as soon as its
// handler notices. An ended job is fault.Conflict.
func (q *Queue) Cancel(ctx context.Context, id string) error {
	var waited bool
	var e Ended
	err := q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		waited = false
		var state, payload string
		err := tx.QueryRow(ctx, `SELECT id, kind, workspace, owner, payload, state FROM job WHERE id = ?`, id).
			Scan(&e.ID, &e.Kind, &e.Workspace, &e.Owner, &payload, &state)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return unknown
		case err != nil:
			return err
		case State(state) != Waiting && State(state) != InWork:
			return fault.New(fault.Conflict, "The job has already ended.")
		}
		if waited = State(state) == Waiting; !waited {
			return nil
		}
		e.Payload, e.State = json.RawMessage(payload), Cancelled
		_, err = tx.Exec(ctx, `UPDATE job SET state = 'cancelled', ended = ? WHERE id = ?`, tx.Now.UnixMilli(), id)
		return err
	})
	switch {
	case err != nil:
		return err
	case waited:
		q.told(context.WithoutCancel(ctx), e)
		q.tell()
		return nil
	}
	q.prepare()
	q.mu.Lock()
	defer q.mu.Unlock()
	if cancel := q.running[id]; cancel != nil {
		cancel(errCancelled)
	} else {
		q.early[id] = true
	}
	return nil
}

var unknown = fault.New(fault.NotFound, "There is no such job.")

// Retry puts a failed or cancelled job back into the queue with fresh attempts.
func (q *Queue) Retry(ctx context.Context, id string) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		result, err := tx.Exec(ctx, `UPDATE job SET state = 'waiting', attempt = 0, run_at = ?, ended = NULL, error = '' WHERE id = ? AND state IN ('failed', 'cancelled')`, tx.Now.UnixMilli(), id)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "Only a failed or cancelled job can be tried again.")
		}
		tx.AfterCommit(q.nudge)
		return nil
	})
}

// Filter narrows a list of jobs; zero fields do not.
type Filter struct {
	State  State
	Kind   string
	Before string // id; the list goes on behind it
	Limit  int    // 0 = 50
}

const columns = `id, kind, workspace, owner, state, priority, attempt, attempts, done, total, note, error, run_at, created, coalesce(ended, 0)`

// List returns jobs, the newest first.
func (q *Queue) List(ctx context.Context, f Filter) ([]Job, error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, err := q.DB.Read().QueryContext(ctx, `SELECT `+columns+` FROM job
		WHERE (?1 = '' OR state = ?1) AND (?2 = '' OR kind = ?2) AND (?3 = '' OR id < ?3) ORDER BY id DESC LIMIT ?4`,
		string(f.State), f.Kind, f.Before, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	defer rows.Close()
	jobs := []Job{}
	for rows.Next() {
		j, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list jobs: %w", err)
		}
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

// Get returns one job; fault.NotFound where there is none.
func (q *Queue) Get(ctx context.Context, id string) (Job, error) {
	j, err := scan(q.DB.Read().QueryRowContext(ctx, `SELECT `+columns+` FROM job WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, unknown
	}
	return j, err
}

// Counts returns how many jobs are in each state.
func (q *Queue) Counts(ctx context.Context) (map[State]int64, error) {
	rows, err := q.DB.Read().QueryContext(ctx, `SELECT state, count(*) FROM job GROUP BY state`)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	defer rows.Close()
	counts := map[State]int64{}
	for rows.Next() {
		var state string
		var n int64
		if err := rows.Scan(&state, &n); err != nil {
			return nil, fmt.Errorf("count jobs: %w", err)
		}
		counts[State(state)] = n
	}
	return counts, rows.Err()
}

func scan(row interface{ Scan(...any) error }) (Job, error) {
	var j Job
	var state string
	var at, created, ended int64
	err := row.Scan(&j.ID, &j.Kind, &j.Workspace, &j.Owner, &state, &j.Priority, &j.Attempt, &j.Attempts, &j.Done, &j.Total, &j.Note, &j.Error, &at, &created, &ended)
	j.State, j.RunAt, j.Created = State(state), time.UnixMilli(at).UTC(), time.UnixMilli(created).UTC()
	if ended != 0 {
		j.Ended = time.UnixMilli(ended).UTC()
	}
	return j, err
}
