package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// busy reports whether anything runs or is due.
func (q *Queue) busy(ctx context.Context) (busy bool, err error) {
	err = q.DB.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM job WHERE state = 'running')
		OR EXISTS (SELECT 1 FROM job WHERE state = 'waiting' AND run_at <= ?)`,
		q.now().UnixMilli()).Scan(&busy)
	return busy, err
}

// untold lists the ends nobody was told of; of one job where id is given.
func (q *Queue) untold(ctx context.Context, id string) ([]Ended, error) {
	rows, err := q.DB.Read().QueryContext(ctx, `SELECT id, kind, workspace, owner, payload, state, error, cure FROM job
		WHERE told = 0 AND (?1 = '' OR id = ?1) ORDER BY id`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ends []Ended
	for rows.Next() {
		var e Ended
		var payload, state, sentence, cure string
		if err := rows.Scan(&e.ID, &e.Kind, &e.Workspace, &e.Owner, &payload, &state, &sentence, &cure); err != nil {
			return nil, err
		}
		e.Payload, e.State = json.RawMessage(payload), State(state)
		if e.State == Failed {
			e.Err = fault.New(fault.Internal, "%s", sentence).Cure("%s", cure)
		}
		ends = append(ends, e)
	}
	return ends, rows.Err()
}

// heard notes that an end was told.
func (q *Queue) heard(ctx context.Context, id string) error {
	return q.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE job SET told = 1 WHERE id = ?`, id)
		return err
	})
}

// Filter narrows a list of jobs; zero fields do not.
type Filter struct {
	Workspace string
	State     State
	Kind      string
	Before    string // id; the list goes on behind it
	Limit     int    // 0 = 50
}

const columns = `id, kind, workspace, owner, state, cancel, priority, attempt, attempts, done, total, note, error, cure, run_at, created, coalesce(lease, 0), coalesce(ended, 0)`

// List returns jobs, the newest first.
func (q *Queue) List(ctx context.Context, f Filter) ([]Job, error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, err := q.DB.Read().QueryContext(ctx, `SELECT `+columns+` FROM job
		WHERE (?1 = '' OR state = ?1) AND (?2 = '' OR kind = ?2) AND (?3 = '' OR id < ?3) AND (?4 = '' OR workspace = ?4) ORDER BY id DESC LIMIT ?5`,
		string(f.State), f.Kind, f.Before, f.Workspace, f.Limit)
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
	var at, created, lease, ended int64
	err := row.Scan(&j.ID, &j.Kind, &j.Workspace, &j.Owner, &state, &j.Stopping, &j.Priority, &j.Attempt, &j.Attempts, &j.Done, &j.Total, &j.Note,
		&j.Error, &j.Cure, &at, &created, &lease, &ended)
	j.State, j.RunAt, j.Created = State(state), moment(at), moment(created)
	j.Lease, j.Ended = moment(lease), moment(ended)
	return j, err
}

// moment reads a time; zero where there is none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// ids reads a list of ids; it takes what a query returned as it stands.
func ids(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rows.Err()
}
