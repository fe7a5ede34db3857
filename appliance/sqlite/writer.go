package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"chatets/appliance/fault"
)

// maxBatch bounds how many members share a COMMIT, so that the first of them
// does not wait for a crowd.
const maxBatch = 256

// Tx is one member's part of a grouped transaction. It is valid until its
// function returns.
type Tx struct {
	// Now is the time of this member, the same for all it writes.
	Now   time.Time
	conn  *sql.Conn
	hooks []func()
}

// Exec runs a statement. Cancelling ctx does not stop it: with this driver a
// cancelled statement rolls back the whole transaction, other callers' rows and all.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return tx.conn.ExecContext(context.WithoutCancel(ctx), query, args...)
}

// Query runs a query; the caller closes the rows before the next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return tx.conn.QueryContext(context.WithoutCancel(ctx), query, args...)
}

// QueryRow runs a query for one row.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.conn.QueryRowContext(context.WithoutCancel(ctx), query, args...)
}

// AfterCommit runs f once the rows are safe and before Update returns; never
// after a rollback. What is cached is set here.
func (tx *Tx) AfterCommit(f func()) { tx.hooks = append(tx.hooks, f) }

// The states of a member: it may leave only while it waits.
const (
	waiting int32 = iota
	taken
	left
)

type member struct {
	ctx   context.Context
	fn    func(context.Context, *Tx) error
	state atomic.Int32
	done  chan struct{}
	hooks []func()
	err   error
	panic any
}

// writer is the one goroutine that writes.
type writer struct {
	conn *sql.Conn
	now  func() time.Time

	mu     sync.Mutex
	queue  []*member
	closed bool

	wake    chan struct{}
	stopped chan struct{}
	commits atomic.Int64
	members atomic.Int64
	largest atomic.Int64
}

func newWriter(conn *sql.Conn, now func() time.Time) *writer {
	w := &writer{conn: conn, now: now, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	go w.run()
	return w
}

// update queues fn and waits for its commit.
func (w *writer) update(ctx context.Context, fn func(context.Context, *Tx) error) error {
	m := &member{ctx: context.WithoutCancel(ctx), fn: fn, done: make(chan struct{})}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return fault.New(fault.Unavailable, "ChatETS is stopping.").Cure("Try again in a moment.")
	}
	w.queue = append(w.queue, m)
	w.mu.Unlock()
	w.nudge()
	select {
	case <-m.done:
	case <-ctx.Done():
		if m.state.CompareAndSwap(waiting, left) {
			return ctx.Err()
		}
		<-m.done
	}
	if m.panic != nil {
		panic(m.panic)
	}
	return m.err
}

func (w *writer) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// next takes the first member that has not left; nil when nobody waits.
func (w *writer) next() *member {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) > 0 {
		m := w.queue[0]
		w.queue[0] = nil
		w.queue = w.queue[1:]
		if m.state.CompareAndSwap(waiting, taken) {
			return m
		}
	}
	return nil
}

func (w *writer) run() {
	defer close(w.stopped)
	for {
		if m := w.next(); m != nil {
			w.batch(m)
			continue
		}
		w.mu.Lock()
		over := w.closed && len(w.queue) == 0
		w.mu.Unlock()
		if over {
			return
		}
		<-w.wake
	}
}

// close lets the waiting members finish and ends the goroutine.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.nudge()
	<-w.stopped
}

// batch runs first and whoever waits by then in one transaction. When the
// transaction itself is lost, its members run again one by one, so that only
// the one at fault fails.
func (w *writer) batch(first *member) {
	members, err := w.together(first)
	if err != nil && len(members) > 1 {
		for _, m := range members {
			m.err, m.panic = nil, nil
			if err := w.alone(m); err != nil {
				m.err = err
			}
		}
	} else if err != nil {
		members[0].err = err
	}
	for _, m := range members {
		if m.err == nil && m.panic == nil {
			for _, hook := range m.hooks {
				hook()
			}
		}
		close(m.done)
	}
	w.members.Add(int64(len(members)))
	if n := int64(len(members)); n > w.largest.Load() {
		w.largest.Store(n)
	}
}

// together returns the members it took and an error when none of them is safe.
func (w *writer) together(first *member) ([]*member, error) {
	members := []*member{first}
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return members, err
	}
	for m := first; m != nil; {
		if lost := w.member(m); lost != nil {
			w.rollback()
			return members, lost
		}
		if len(members) == maxBatch {
			break
		}
		if m = w.next(); m != nil {
			members = append(members, m)
		}
	}
	return members, w.commit()
}

// alone runs one member in a transaction of its own.
func (w *writer) alone(m *member) error {
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if lost := w.member(m); lost != nil {
		w.rollback()
		if m.err != nil || m.panic != nil {
			return m.err
		}
		return lost
	}
	return w.commit()
}

// member runs one function under its savepoint. It returns an error only when
// the transaction around it is gone.
func (w *writer) member(m *member) error {
	if err := w.exec("SAVEPOINT member"); err != nil {
		return err
	}
	tx := &Tx{Now: w.now(), conn: w.conn}
	func() {
		defer func() { m.panic = recover() }()
		m.err = m.fn(m.ctx, tx)
	}()
	m.hooks = tx.hooks
	if m.err != nil {
		m.err = classify(m.err)
	}
	if m.err != nil || m.panic != nil {
		// Fails exactly when an error inside took the whole transaction with it.
		if err := w.exec("ROLLBACK TO member"); err != nil {
			return err
		}
	}
	return w.exec("RELEASE member")
}

func (w *writer) commit() error {
	if err := w.exec("COMMIT"); err != nil {
		w.rollback()
		return err
	}
	w.commits.Add(1)
	return nil
}

// rollback ends whatever transaction is left; there may be none.
func (w *writer) rollback() { _ = w.exec("ROLLBACK") }

func (w *writer) exec(statement string) error {
	if _, err := w.conn.ExecContext(context.Background(), statement); err != nil {
		return classify(fmt.Errorf("%s: %w", statement, err))
	}
	return nil
}
