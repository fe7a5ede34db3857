package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
)

// maxPrepared bounds the statements a connection keeps. Ours are constants, but
// for lists of question marks.
const maxPrepared = 200

// open opens a pool whose connections keep their statements: SQLite takes as long
// to parse most of ours as to run them.
// What a statement fails with goes through failed.
func open(dsn string, failed func(error) error) (*sql.DB, error) {
	plain, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	defer plain.Close() // it has no connection yet; only its driver is wanted
	return sql.OpenDB(connector{plain.Driver(), dsn, failed}), nil
}

type connector struct {
	driver driver.Driver
	dsn    string
	failed func(error) error
}

func (c connector) Driver() driver.Driver { return c.driver }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, c.failed(err)
	}
	full, is := conn.(fullConn)
	if !is {
		return conn, nil
	}
	return &keeper{fullConn: full, kept: map[string]*kept{}, failed: c.failed}, nil
}

// fullConn is what the driver's connection can do.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A keeper is a connection that keeps its statements by their text. database/sql
// uses a connection from one goroutine at a time.
type keeper struct {
	fullConn
	kept   map[string]*kept
	failed func(error) error
}

// A kept statement is lent to one result at a time; who asks the same meanwhile
// gets one of their own.
type kept struct {
	stmt fullStmt
	lent bool
}

type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// lend returns the statement of a text, or nil where it is better run as it stands.
func (k *keeper) lend(ctx context.Context, query string) *kept {
	if s := k.kept[query]; s != nil {
		if s.lent {
			return nil
		}
		return s
	}
	if len(k.kept) >= maxPrepared || strings.Contains(query, ";") || strings.HasPrefix(query, "PRAGMA") {
		return nil
	}
	stmt, err := k.PrepareContext(ctx, query)
	if err != nil {
		return nil // running it says why
	}
	full, is := stmt.(fullStmt)
	if !is {
		_ = stmt.Close()
		return nil
	}
	s := &kept{stmt: full}
	k.kept[query] = s
	return s
}

// drop forgets a statement that failed.
func (k *keeper) drop(query string, s *kept) {
	if k.kept[query] == s {
		delete(k.kept, query)
	}
	_ = s.stmt.Close()
}

func (k *keeper) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s := k.lend(ctx, query)
	if s == nil {
		result, err := k.fullConn.ExecContext(ctx, query, args)
		return result, k.failed(err)
	}
	result, err := s.stmt.ExecContext(ctx, args)
	if err != nil {
		k.drop(query, s)
	}
	return result, k.failed(err)
}

func (k *keeper) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s := k.lend(ctx, query)
	if s == nil {
		rows, err := k.fullConn.QueryContext(ctx, query, args)
		if err != nil {
			return nil, k.failed(err)
		}
		return &lentRows{rows, nil, k.failed}, nil
	}
	rows, err := s.stmt.QueryContext(ctx, args)
	if err != nil {
		k.drop(query, s)
		return nil, k.failed(err)
	}
	s.lent = true
	return &lentRows{rows, s, k.failed}, nil
}

// Close ends the statements before the connection.
func (k *keeper) Close() error {
	for _, s := range k.kept {
		_ = s.stmt.Close()
	}
	clear(k.kept)
	return k.fullConn.Close()
}

// lentRows give their statement back.
type lentRows struct {
	driver.Rows
	from   *kept // nil where there is none
	failed func(error) error
}

func (r *lentRows) Next(row []driver.Value) error {
	err := r.Rows.Next(row)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return r.failed(err)
}

func (r *lentRows) Close() error {
	err := r.Rows.Close()
	if r.from != nil {
		r.from.lent = err != nil // one that does not end is not lent again
	}
	return err
}
