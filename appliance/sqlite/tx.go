package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// Tx is one member's part of a grouped transaction. It belongs to the goroutine
// of its function and is over when that returns.
type Tx struct {
	// Now is the time of this member, the same for all it writes.
	Now time.Time

	conn  *sql.Conn
	hooks []func()
	rows  []*sql.Rows // closed behind a function that forgot to
	lost  error       // what rolled the whole transaction back
	over  atomic.Bool
}

var (
	errOver   = errors.New("a transaction is used after its function returned")
	errOwn    = errors.New("a member of a grouped transaction begins and ends none itself")
	errExited = errors.New("the function of an update ended its goroutine")
)

// Exec runs a statement. Cancelling ctx does not stop it: with this driver a
// cancelled statement rolls back the whole transaction, other callers' rows and all.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := tx.usable(query); err != nil {
		return nil, err
	}
	result, err := tx.conn.ExecContext(context.WithoutCancel(ctx), query, args...)
	return result, tx.check(err)
}

// Query runs a query, under the same rule as Exec.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := tx.usable(query); err != nil {
		return nil, err
	}
	rows, err := tx.conn.QueryContext(context.WithoutCancel(ctx), query, args...)
	if err == nil {
		tx.rows = append(tx.rows, rows)
	}
	return rows, tx.check(err)
}

// QueryRow runs a query for one row, under the same rule as Exec.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if err := tx.usable(query); err != nil {
		// Only a query can make a sql.Row; one that never starts carries the reason.
		dead, cancel := context.WithCancelCause(context.Background())
		cancel(err)
		return tx.conn.QueryRowContext(dead, query, args...)
	}
	row := tx.conn.QueryRowContext(context.WithoutCancel(ctx), query, args...)
	_ = tx.check(row.Err()) // Scan tells the caller
	return row
}

// AfterCommit runs f once the rows are safe and before Update returns, in the
// order of the commits; never after a rollback. What is cached is set here. f
// is quick and does not call Update: all writing waits for it.
func (tx *Tx) AfterCommit(f func()) { tx.hooks = append(tx.hooks, f) }

func (tx *Tx) usable(query string) error {
	switch {
	case tx.over.Load():
		return errOver
	case tx.lost != nil:
		return tx.lost
	}
	word := strings.TrimSpace(query)
	if end := strings.IndexAny(word, " \t\r\n;"); end >= 0 {
		word = word[:end]
	}
	switch strings.ToUpper(word) {
	case "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE":
		return errOwn
	}
	return nil
}

// check notices after an error that SQLite has rolled back everything. What the
// function would write from then on would be outside of any transaction.
func (tx *Tx) check(err error) error {
	if err == nil || tx.lost != nil {
		return err
	}
	// Inside a transaction a BEGIN is refused and changes nothing.
	if _, e := tx.conn.ExecContext(context.Background(), "BEGIN"); e == nil {
		tx.lost = fmt.Errorf("the transaction was rolled back: %w", err)
		_, _ = tx.conn.ExecContext(context.Background(), "ROLLBACK")
	}
	return err
}

// end closes what the function left open: an unread result would keep the
// write-ahead log from shrinking.
func (tx *Tx) end() {
	tx.over.Store(true)
	for _, rows := range tx.rows {
		_ = rows.Close()
	}
}
