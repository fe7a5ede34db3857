package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

var schema = fstest.MapFS{"migrations/00001_row.sql": {Data: []byte(`-- +goose Up
CREATE TABLE entry (name TEXT NOT NULL UNIQUE ON CONFLICT ABORT, big TEXT) STRICT;
-- +goose Down
DROP TABLE entry;
`)}}

func insert(name string) func(context.Context, *sqlite.Tx) error {
	return func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO entry (name) VALUES (?)`, name)
		return err
	}
}

func names(t *testing.T, db *sqlite.DB) map[string]bool {
	t.Helper()
	rows, err := db.Read().QueryContext(t.Context(), `SELECT name FROM entry`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		found[name] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// batch holds the writer inside a first member until all others are queued, so
// that they share its commit, and returns what each Update returned.
func batch(t *testing.T, db *sqlite.DB, members ...func(context.Context, *sqlite.Tx) error) []error {
	t.Helper()
	before := db.Stats()
	inside, open := make(chan struct{}), make(chan struct{})
	var once sync.Once // a member may run a second time
	errs := make([]error, len(members))
	var all sync.WaitGroup
	first := make(chan error, 1)
	go func() {
		first <- db.Update(context.Background(), func(context.Context, *sqlite.Tx) error {
			once.Do(func() { close(inside) })
			<-open
			return nil
		})
	}()
	<-inside
	for i, m := range members {
		queued := db.Stats().Waiting
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			errs[i] = db.Update(context.Background(), m)
		})
		until(t, func() bool { return db.Stats().Waiting > queued })
	}
	close(open)
	all.Wait()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if after := db.Stats(); after.Members-before.Members != int64(len(members)+1) {
		t.Fatalf("got %d members, want %d", after.Members-before.Members, len(members)+1)
	}
	return errs
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}

// dbKey hands a member the database it runs in.
type dbKey struct{}

func dbOf(ctx context.Context) *sqlite.DB { return ctx.Value(dbKey{}).(*sqlite.DB) }

// TestUpdateFailsAlone puts one bad member between two good ones in every way a
// member can be bad, and wants the good ones acknowledged and on the disk.
func TestUpdateFailsAlone(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong")
	for _, tt := range []struct {
		name string
		bad  func(ctx context.Context, tx *sqlite.Tx) error
		want string
	}{
		{"an error", func(ctx context.Context, tx *sqlite.Tx) error { return errors.Join(insert("bad")(ctx, tx), wrong) }, "wrong"},
		{"a panic", func(ctx context.Context, tx *sqlite.Tx) error { _ = insert("bad")(ctx, tx); panic("boom") }, "panic: boom"},
		{"a broken constraint", func(ctx context.Context, tx *sqlite.Tx) error {
			return errors.Join(insert("bad")(ctx, tx), insert("bad")(ctx, tx))
		}, "UNIQUE"},
		{"an error that takes the whole transaction with it", func(ctx context.Context, tx *sqlite.Tx) error {
			_ = insert("bad")(ctx, tx)
			_, err := tx.Exec(ctx, `INSERT OR ROLLBACK INTO entry (name) VALUES ('bad')`)
			return err
		}, "UNIQUE"},
		{"an error that takes the whole transaction with it, and is ignored", func(ctx context.Context, tx *sqlite.Tx) error {
			_ = insert("bad")(ctx, tx)
			_, _ = tx.Exec(ctx, `INSERT OR ROLLBACK INTO entry (name) VALUES ('bad')`)
			_ = insert("worse")(ctx, tx) // would be outside of any transaction
			_ = tx.QueryRow(ctx, `INSERT INTO entry (name) VALUES ('worst') RETURNING name`).Scan(new(string))
			return nil
		}, "UNIQUE"},
		{"a row query that takes the whole transaction with it, and is ignored", func(ctx context.Context, tx *sqlite.Tx) error {
			_ = insert("bad")(ctx, tx)
			_ = tx.QueryRow(ctx, `INSERT OR ROLLBACK INTO entry (name) VALUES ('bad') RETURNING name`).Scan(new(string))
			return insert("worse")(ctx, tx)
		}, "UNIQUE"},
		{"a function that ends its goroutine", func(ctx context.Context, tx *sqlite.Tx) error {
			_ = insert("bad")(ctx, tx)
			runtime.Goexit()
			return nil
		}, "ended its goroutine"},
		{"an update inside an update", func(ctx context.Context, tx *sqlite.Tx) error {
			_ = insert("bad")(ctx, tx)
			return dbOf(ctx).Update(ctx, insert("worse"))
		}, "inside an update"},
		{"results that are not closed", func(ctx context.Context, tx *sqlite.Tx) error {
			_ = insert("bad")(ctx, tx)
			rows, err := tx.Query(ctx, `SELECT name FROM entry UNION ALL SELECT 'x' UNION ALL SELECT 'y'`)
			if err != nil || !rows.Next() {
				return errors.Join(err, errors.New("no rows"))
			}
			return wrong
		}, "wrong"},
		{"a member that ends the transaction itself", func(ctx context.Context, tx *sqlite.Tx) error {
			_ = insert("bad")(ctx, tx)
			_, err := tx.Exec(ctx, `ROLLBACK`)
			return err
		}, "begins and ends none"},
		{"a cancelled context in the middle", func(ctx context.Context, tx *sqlite.Tx) error {
			gone, cancel := context.WithCancel(ctx)
			cancel()
			_ = insert("bad")(gone, tx)
			return gone.Err()
		}, "context canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := sqlitetest.Open(t, schema)
			hooks := make(chan string, 8)
			told := func(name string, fn func(context.Context, *sqlite.Tx) error) func(context.Context, *sqlite.Tx) error {
				return func(ctx context.Context, tx *sqlite.Tx) error {
					tx.AfterCommit(func() { hooks <- name })
					return fn(ctx, tx)
				}
			}
			bad := func(ctx context.Context, tx *sqlite.Tx) error {
				return tt.bad(context.WithValue(ctx, dbKey{}, db), tx)
			}
			errs := batch(t, db, told("left", insert("left")), told("bad", bad), told("right", insert("right")))
			if errs[0] != nil || errs[2] != nil {
				t.Errorf("the neighbours got %v and %v", errs[0], errs[2])
			}
			if errs[1] == nil || !contains(errs[1].Error(), tt.want) {
				t.Errorf("the bad one got %v, want %q", errs[1], tt.want)
			}
			if got := names(t, db); len(got) != 2 || !got["left"] || !got["right"] {
				t.Errorf("got rows %v, want left and right", got)
			}
			close(hooks)
			var ran []string
			for name := range hooks {
				ran = append(ran, name)
			}
			if fmt.Sprint(ran) != "[left right]" {
				t.Errorf("hooks ran for %v", ran)
			}
			for _, alone := range batch(t, db, bad) {
				if alone == nil || !contains(alone.Error(), tt.want) {
					t.Errorf("behind an empty one it got %v, want %q", alone, tt.want)
				}
			}
			if err := updateAlone(db, bad); err == nil || !contains(err.Error(), tt.want) {
				t.Errorf("alone it got %v, want %q", err, tt.want)
			}
			if err := db.Update(t.Context(), insert("after")); err != nil {
				t.Errorf("the writer is broken afterwards: %v", err)
			}
			if got := names(t, db); len(got) != 3 {
				t.Errorf("got rows %v, want left, right and after", got)
			}
		})
	}
}

// updateAlone runs one member that nobody joins.
func updateAlone(db *sqlite.DB, fn func(context.Context, *sqlite.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return db.Update(context.Background(), fn)
}

// TestUpdateCallerLeaves cancels callers at each moment of a grouped commit.
func TestUpdateCallerLeaves(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, schema)
	inside, open := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	during := make(chan error, 1)
	go func() {
		during <- db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			close(inside)
			<-open
			// The caller has gone by now; its statements still run to the end.
			return insert("during")(ctx, tx)
		})
	}()
	<-inside
	before, neighbour := make(chan error, 1), make(chan error, 1)
	go func() { before <- db.Update(ctx, insert("before its turn")) }()
	go func() { neighbour <- db.Update(context.Background(), insert("neighbour")) }()
	until(t, func() bool { return db.Stats().Waiting == 2 })
	cancel()
	if err := <-before; !errors.Is(err, context.Canceled) {
		t.Errorf("who left before its turn got %v", err)
	}
	close(open)
	if err := <-during; err != nil {
		t.Errorf("who left during its turn got %v; its rows are on the disk", err)
	}
	if err := <-neighbour; err != nil {
		t.Errorf("the neighbour got %v", err)
	}
	if got := names(t, db); !got["during"] || !got["neighbour"] || got["before its turn"] {
		t.Errorf("got rows %v", got)
	}
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Update(dead, insert("never")); err == nil && !names(t, db)["never"] {
		t.Error("told OK for what was not written")
	}
}

// TestUpdateMany has 64 writers at once; every acknowledged row is there and
// commits are shared.
func TestUpdateMany(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, schema)
	var all sync.WaitGroup
	for w := range 64 {
		all.Go(func() {
			for i := range 20 {
				name := fmt.Sprintf("%d/%d", w, i)
				err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
					if err := insert(name)(ctx, tx); err != nil || i%5 != 4 {
						return err
					}
					return errors.New("every fifth fails")
				})
				if (err != nil) != (i%5 == 4) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	all.Wait()
	if got := len(names(t, db)); got != 64*16 {
		t.Errorf("got %d rows, want %d", got, 64*16)
	}
	if s := db.Stats(); s.Largest < 2 || s.Commits >= s.Members {
		t.Errorf("no commit was shared: %+v", s)
	}
	if _, err := db.Read().ExecContext(t.Context(), `DELETE FROM entry`); err == nil {
		t.Error("a reader can write")
	}
}

// TestUpdateLimits are the promises to one member alone.
func TestUpdateLimits(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, schema)
	t.Run("a panic reaches the caller with its place", func(t *testing.T) {
		defer func() {
			p, ok := recover().(*sqlite.Panic)
			if !ok || p.Value != "boom" || !contains(string(p.Stack), "update_test.go") {
				t.Errorf("got %v", p)
			}
		}()
		_ = db.Update(t.Context(), func(context.Context, *sqlite.Tx) error { panic("boom") })
		t.Error("no panic")
	})
	t.Run("a panic after the commit keeps the rows", func(t *testing.T) {
		defer func() {
			if p, ok := recover().(*sqlite.Panic); !ok || p.Value != "late" {
				t.Errorf("got %v", p)
			}
			if !names(t, db)["committed"] {
				t.Error("the row is gone")
			}
		}()
		_ = db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			tx.AfterCommit(func() { panic("late") })
			return insert("committed")(ctx, tx)
		})
	})
	t.Run("after its function a transaction is over", func(t *testing.T) {
		var kept *sqlite.Tx
		if err := db.Update(t.Context(), func(_ context.Context, tx *sqlite.Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Exec(t.Context(), `DELETE FROM entry`); err == nil {
			t.Error("it still writes")
		}
		if err := kept.QueryRow(t.Context(), `SELECT 1`).Scan(new(int)); err == nil {
			t.Error("it still reads")
		}
	})
	t.Run("hooks see the rows and keep their order", func(t *testing.T) {
		var order []string
		var seen bool
		if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			tx.AfterCommit(func() { order = append(order, "first"); seen = names(t, db)["seen"] })
			tx.AfterCommit(func() { order = append(order, "second") })
			return insert("seen")(ctx, tx)
		}); err != nil {
			t.Fatal(err)
		}
		if !seen || fmt.Sprint(order) != "[first second]" {
			t.Errorf("seen %v, order %v", seen, order)
		}
	})
	t.Run("one time for one member", func(t *testing.T) {
		if err := db.Update(t.Context(), func(_ context.Context, tx *sqlite.Tx) error {
			if tx.Now.IsZero() {
				return errors.New("no time")
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		other := sqlitetest.Open(t, schema)
		if err := errors.Join(other.Close(), other.Close()); err != nil {
			t.Fatal(err)
		}
		wantFault(t, other.Update(t.Context(), insert("late")), fault.Unavailable, "stopping")
	})
}
