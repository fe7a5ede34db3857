package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"chatets/appliance/fault"
)

// A batch takes no further member beyond these bounds, so that its first one
// does not wait for a crowd.
const (
	maxBatch = 256
	maxTaken = 10 * time.Millisecond
	// longAside is how long work that nobody waits for may be passed over.
	longAside = time.Second
)

// Panic is what Update panics with when its function did: the value, and the
// stack of the place it came from.
type Panic struct {
	Value any
	Stack []byte
}

// Error is the value and the stack.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n\n%s", p.Value, p.Stack) }

// The states of a member: it may leave only while it waits.
const (
	waiting int32 = iota
	taken
	left
)

// member is one call of Update.
type member struct {
	ctx   context.Context
	fn    func(context.Context, *Tx) error
	bare  func() // in place of fn: runs alone and outside of a transaction
	state atomic.Int32
	done  chan struct{}
	late  bool      // nobody waits for it
	came  time.Time // of such a one
	hooks []func()
	err   error
	panic *Panic
}

func (m *member) failed() bool { return m.err != nil || m.panic != nil }

// inside marks the context of a member's function.
type inside struct{}

// aside marks the context of work that nobody waits for.
type aside struct{}

// Aside returns a context whose updates give way to all others: those that wait
// go first, and are not made to share a transaction with them. They are passed
// over for a second at most.
func Aside(ctx context.Context) context.Context { return context.WithValue(ctx, aside{}, true) }

// writer is the one goroutine that writes.
type writer struct {
	conn     *sql.Conn
	now      func() time.Time
	classify func(error) error
	reserve  *reserve
	halted   atomic.Pointer[halt]

	mu     sync.Mutex
	queue  []*member
	aside  []*member // of work that nobody waits for
	closed bool

	wake    chan struct{}
	stopped chan struct{}
	commits atomic.Int64
	members atomic.Int64
	largest atomic.Int64
}

// update queues fn and waits for its commit.
func (w *writer) update(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Value(inside{}) == w {
		return errors.New("an update is called inside an update; it would wait for itself")
	}
	if h := w.halted.Load(); h != nil && ctx.Value(despite{}) == nil {
		return h.err
	}
	m := &member{ctx: context.WithValue(context.WithoutCancel(ctx), inside{}, w), fn: fn, done: make(chan struct{})}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return fault.New(fault.Unavailable, "ChatETS is stopping.").Cure("Try again in a moment.")
	}
	if m.late = ctx.Value(aside{}) != nil; m.late {
		m.came = time.Now()
		w.aside = append(w.aside, m)
	} else {
		w.queue = append(w.queue, m)
	}
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
	return len(w.queue) + len(w.aside)
}

// next takes the first member that has not left; nil when nobody waits. Inside of
// a transaction it takes none that must stand outside, nor work that nobody waits
// for, which would hold up those whose transaction it joined.
func (w *writer) next(inside bool) *member {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !inside && len(w.aside) > 0 && (len(w.queue) == 0 || time.Since(w.aside[0].came) > longAside) {
		if m := take(&w.aside, false); m != nil {
			return m
		}
	}
	return take(&w.queue, inside)
}

func take(queue *[]*member, inside bool) *member {
	for len(*queue) > 0 {
		m := (*queue)[0]
		if inside && m.bare != nil {
			return nil
		}
		(*queue)[0] = nil
		*queue = (*queue)[1:]
		if m.state.CompareAndSwap(waiting, taken) {
			return m
		}
	}
	return nil
}

func (w *writer) serve() {
	defer close(w.stopped)
	for {
		if m := w.next(false); m != nil {
			if m.bare != nil {
				m.bare()
				close(m.done)
			} else {
				w.batch(m)
			}
			continue
		}
		w.mu.Lock()
		over := w.closed && len(w.queue)+len(w.aside) == 0
		w.mu.Unlock()
		if over {
			return
		}
		<-w.wake
	}
}

// between runs a statement on the writer's connection outside of transactions.
func (w *writer) between(ctx context.Context, statement string) error {
	var err error
	m := &member{ctx: context.WithoutCancel(ctx), bare: func() { err = w.exec(statement) }, done: make(chan struct{})}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.queue = append(w.queue, m)
	w.mu.Unlock()
	w.nudge()
	<-m.done
	return err
}

// close lets the waiting members finish and ends the goroutine.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.nudge()
	<-w.stopped
}

// batch runs first and whoever waits by then in one transaction, and tells each
// how it went. Its order is the promise of this package:
//
//  1. All members run, each under a savepoint, then COMMIT.
//  2. If the transaction itself was lost, its members run again one by one, so
//     that only the one at fault fails. If the disk was full and there was a
//     reserve to free, those that failed by it run again too.
//  3. The hooks of the members whose rows are safe run, in order.
//  4. The callers are told.
func (w *writer) batch(first *member) {
	members, lost := w.together(first)
	full := isFull(lost)
	for _, m := range members {
		full = full || isFull(m.err)
	}
	relieved := full && w.reserve.free(w.now())
	if relieved {
		w.shrink()
	}
	for _, m := range members {
		switch {
		case lost != nil && (len(members) > 1 || relieved), relieved && isFull(m.err):
			w.alone(m)
		case lost != nil && !m.failed():
			m.err = lost
		}
	}
	for _, m := range members {
		if !m.failed() && len(m.hooks) > 0 {
			m.panic, m.err = guard(func() error {
				for _, hook := range m.hooks {
					hook()
				}
				return nil
			})
		}
	}
	w.members.Add(int64(len(members)))
	w.largest.Store(max(w.largest.Load(), int64(len(members))))
	for _, m := range members {
		m.err = w.classify(m.err)
		close(m.done)
	}
	w.reserve.restore(w.now())
}

// together returns the members it took, and an error when the rows of none of
// them are safe. The first one needs no savepoint: when it fails nobody else has
// joined yet, and a caller alone pays for no more than a plain transaction.
func (w *writer) together(first *member) ([]*member, error) {
	members := []*member{first}
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return members, err
	}
	begun := time.Now()
	if lost := w.run(first); lost != nil || first.failed() {
		w.rollback()
		return members, lost
	}
	for len(members) < maxBatch && time.Since(begun) < maxTaken {
		m := w.next(true)
		if m == nil {
			break
		}
		members = append(members, m)
		if lost := w.nested(m); lost != nil {
			w.rollback()
			return members, lost
		}
	}
	return members, w.commit()
}

// alone runs one member in a transaction of its own.
func (w *writer) alone(m *member) {
	m.err, m.panic = nil, nil
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		m.err = err
		return
	}
	lost := w.run(m)
	if lost != nil || m.failed() {
		w.rollback()
	} else {
		lost = w.commit()
	}
	if lost != nil && !m.failed() {
		m.err = lost
	}
}

// nested runs one member under a savepoint. It returns an error only when the
// transaction around it is gone.
func (w *writer) nested(m *member) error {
	if err := w.exec("SAVEPOINT member"); err != nil {
		return err
	}
	if lost := w.run(m); lost != nil {
		return lost
	}
	if m.failed() {
		if err := w.exec("ROLLBACK TO member"); err != nil {
			return err
		}
	}
	return w.exec("RELEASE member")
}

// run runs the function of a member. It returns an error only when that has
// taken the whole transaction with it.
func (w *writer) run(m *member) error {
	tx := &Tx{Now: w.now(), conn: w.conn}
	m.panic, m.err = guard(func() error { return m.fn(m.ctx, tx) })
	tx.end()
	m.hooks = tx.hooks
	return tx.lost
}

// shrink moves the write-ahead log into the database, which gives its space
// back. Readers may hinder it; then there is only the reserve's space.
func (w *writer) shrink() {
	for _, statement := range []string{"PRAGMA busy_timeout = 1000", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA busy_timeout = 10000"} {
		_ = w.exec(statement)
	}
}

// guard runs f in a goroutine of its own: neither a panic nor runtime.Goexit in
// it may end the writer.
func guard(f func() error) (p *Panic, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if v := recover(); v != nil {
				p = &Panic{Value: v, Stack: debug.Stack()}
			}
		}()
		err = errExited
		err = f()
	}()
	<-ended
	return p, err
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
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
