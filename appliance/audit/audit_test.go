package audit_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

func keyring(t *testing.T, filling byte) *secret.Keyring {
	t.Helper()
	keys, err := secret.New([]byte(strings.Repeat(string(filling), secret.Size)))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// open is a record in a database of its own.
func open(t *testing.T) (*audit.Log, *sqlite.DB) {
	t.Helper()
	db := sqlitetest.Open(t, audit.Migrations)
	return reopen(t, db, 'k'), db
}

// reopen is what a restart does.
func reopen(t *testing.T, db *sqlite.DB, key byte) *audit.Log {
	t.Helper()
	log, err := audit.New(db, keyring(t, key), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func record(t *testing.T, log *audit.Log, db *sqlite.DB, entries ...audit.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error { return log.Record(ctx, tx, e) }); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t *testing.T, log *audit.Log) audit.Report {
	t.Helper()
	report, err := log.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func exec(t *testing.T, db *sqlite.DB, statements ...string) {
	t.Helper()
	err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ten() []audit.Entry {
	var entries []audit.Entry
	for i := range 10 {
		entries = append(entries, audit.Entry{Act: "document.add", ObjectKind: "document", Object: fmt.Sprint("d", i), Workspace: "w", Detail: map[string]any{"size": i}})
	}
	return entries
}

// TestTampering changes the record behind ChatETS's back, and wants the first
// row that is not as it was written. Each change is tried on a running process,
// which remembers the end of the chain, and on one started afterwards.
func TestTampering(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  []string
		row     int64
		why     string
		running bool // only a running process can notice
	}{
		{name: "a changed text", change: []string{`UPDATE audit SET actor = 'somebody' WHERE row = 4`}, row: 4, why: "not as it was written"},
		{name: "a changed number", change: []string{`UPDATE audit SET time = time + 1 WHERE row = 1`}, row: 1, why: "not as it was written"},
		{name: "a changed detail", change: []string{`UPDATE audit SET detail = '{"size":9}' WHERE row = 3`}, row: 3, why: "not as it was written"},
		{name: "letters moved to the next column", change: []string{`UPDATE audit SET object_kind = 'documentd', object = '1' WHERE row = 2`}, row: 2, why: "not as it was written"},
		{name: "a changed hash", change: []string{`UPDATE audit SET hash = zeroblob(32) WHERE row = 5`}, row: 5, why: "not as it was written"},
		{name: "a deleted row", change: []string{`DELETE FROM audit WHERE row = 6`}, row: 6, why: "Row 6 is missing."},
		{name: "deleted rows", change: []string{`DELETE FROM audit WHERE row BETWEEN 3 AND 5`}, row: 3, why: "Rows 3 to 5 are missing."},
		{name: "the first row deleted", change: []string{`DELETE FROM audit WHERE row = 1`}, row: 1, why: "Row 1 is missing."},
		{name: "a deleted row with the others moved up", change: []string{`DELETE FROM audit WHERE row = 6`, `UPDATE audit SET row = row - 1 WHERE row > 6`}, row: 6, why: "not as it was written"},
		{name: "swapped rows", change: []string{`UPDATE audit SET row = 100 WHERE row = 3`, `UPDATE audit SET row = 3 WHERE row = 7`, `UPDATE audit SET row = 7 WHERE row = 100`}, row: 3, why: "not as it was written"},
		{name: "a row copied", change: []string{`INSERT INTO audit SELECT 11, time, act, object_kind, object, outcome, actor, actor_kind, uid, address, workspace, request, detail, hash FROM audit WHERE row = 10`}, row: 11, why: "not as it was written"},
		{name: "a row planted at the last number", change: []string{`INSERT INTO audit SELECT 9223372036854775807, time, act, object_kind, object, outcome, actor, actor_kind, uid, address, workspace, request, detail, hash FROM audit WHERE row = 10`}, row: 11, why: "are missing"},
		{name: "a head set to the last number", change: []string{`UPDATE audit_head SET row = 9223372036854775807`}, row: 9223372036854775807, why: "not genuine"},
		{name: "a cut tail", change: []string{`DELETE FROM audit WHERE row > 7`}, row: 8, why: "Rows 8 to 10 are missing at the end."},
		{name: "everything deleted", change: []string{`DELETE FROM audit`}, row: 1, why: "Rows 1 to 10 are missing at the end."},
		{name: "a cut tail with the head set back", change: []string{`DELETE FROM audit WHERE row > 7`, `UPDATE audit_head SET row = 7, hash = (SELECT hash FROM audit WHERE row = 7)`}, row: 7, why: "not genuine"},
		{name: "a forged head", change: []string{`UPDATE audit_head SET seal = zeroblob(32)`}, row: 10, why: "not genuine"},
		{name: "a hash in place of the seal", change: []string{`UPDATE audit_head SET seal = hash`}, row: 10, why: "not genuine"},
		{name: "the head deleted", change: []string{`DELETE FROM audit_head`}, row: 10, why: "is missing"},
		{name: "rows and head deleted", change: []string{`DELETE FROM audit`, `DELETE FROM audit_head`}, row: 1, why: "is missing", running: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log, db := open(t)
			record(t, log, db, ten()...)
			if got := verify(t, log); !got.OK || got.Rows != 10 || got.Broken != nil || len(got.Head) != 64 {
				t.Fatalf("an untouched record: %+v", got)
			}
			exec(t, db, tt.change...)
			processes := map[string]*audit.Log{"running": log}
			if !tt.running {
				processes["started afterwards"] = reopen(t, db, 'k')
			}
			for name, l := range processes {
				got := verify(t, l)
				if got.OK || got.Broken == nil {
					t.Fatalf("%s: nothing was noticed: %+v", name, got)
				}
				if got.Broken.Row != tt.row || !strings.Contains(got.Broken.Why, tt.why) {
					t.Errorf("%s: got row %d %q, want row %d with %q", name, got.Broken.Row, got.Broken.Why, tt.row, tt.why)
				}
			}
			// What happens afterwards is recorded and must not cover it up.
			record(t, log, db, ten()...)
			for name, l := range map[string]*audit.Log{"running": log, "started afterwards": reopen(t, db, 'k')} {
				if got := verify(t, l); got.OK {
					t.Errorf("%s: ten acts later nothing is noticed any more", name)
				}
			}
		})
	}
}

// TestOlderHead puts back rows and head as they were a while ago, genuine seal
// and all: a running process remembers that there was more.
func TestOlderHead(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	record(t, log, db, ten()...)
	exec(t, db, `CREATE TABLE kept AS SELECT row, hash, seal FROM audit_head`)
	record(t, log, db, ten()...)
	exec(t, db, `DELETE FROM audit WHERE row > 10`, `DELETE FROM audit_head`, `INSERT INTO audit_head (id, row, hash, seal) SELECT 1, row, hash, seal FROM kept`)
	if got := verify(t, log); got.OK || got.Broken.Row != 11 || !strings.Contains(got.Broken.Why, "Rows 11 to 20 are missing") {
		t.Errorf("before the next act: %+v", got.Broken)
	}
	record(t, log, db, audit.Entry{Act: "person.add"})
	for name, l := range map[string]*audit.Log{"running": log, "started afterwards": reopen(t, db, 'k')} {
		if got := verify(t, l); got.OK || got.Broken.Row != 11 || !strings.Contains(got.Broken.Why, "Rows 11 to 20 are missing") {
			t.Errorf("%s, after the next act: %+v", name, got.Broken)
		}
	}
}

// TestBreakStays wants a mended head to leave its mark: whoever forges the head
// cannot have the next act sign it.
func TestBreakStays(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	record(t, log, db, ten()...)
	exec(t, db, `UPDATE audit_head SET seal = zeroblob(32)`)
	record(t, log, db, ten()...)
	got := verify(t, reopen(t, db, 'k'))
	if got.OK || got.Broken.Row != 11 || !strings.Contains(got.Broken.Why, "outside ChatETS") {
		t.Errorf("got %+v, want the mark of the break in row 11", got.Broken)
	}
	var rows, marks int
	if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*), sum(act = 'audit.break') FROM audit`).Scan(&rows, &marks); err != nil {
		t.Fatal(err)
	}
	if rows != 21 || marks != 1 {
		t.Errorf("got %d rows with %d marks, want all 20 acts and one mark", rows, marks)
	}
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	record(t, log, db, ten()...)
	if got := verify(t, reopen(t, db, 'x')); got.OK || got.Broken.Row != 1 {
		t.Errorf("with another key: got %+v, want row 1 broken", got)
	}
	if got := verify(t, reopen(t, db, 'k')); !got.OK {
		t.Errorf("with the right key: got %+v", got.Broken)
	}
}

// TestVerifyPages breaks a record that is longer than what Verify reads at once.
func TestVerifyPages(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	const rows = 5000
	err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		for range rows {
			if err := log.Record(ctx, tx, audit.Entry{Act: "document.add"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := verify(t, log); !got.OK || got.Rows != rows {
		t.Errorf("got %+v", got)
	}
	exec(t, db, `UPDATE audit SET outcome = 'failed' WHERE row = 4001`)
	if got := verify(t, log); got.OK || got.Broken.Row != 4001 || got.Rows != 4000 {
		t.Errorf("got %+v, want row 4001 broken", got)
	}
}

// TestManyWriters lets 64 people act at once, every third of them failing or
// panicking after its entry was written and every fifth leaving early, and wants
// exactly the acts that were done, in one unbroken chain.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	const writers, each = 64, 20
	fail := errors.New("the act failed")
	var done [writers]int
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				ctx, leave := context.WithCancel(actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: fmt.Sprint("p", w), Workspace: "w"}))
				if w%5 == 0 {
					go leave()
				}
				err := func() (err error) {
					defer func() {
						if r := recover(); r != nil {
							err = fail
						}
					}()
					return db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
						for range 1 + i%3 {
							if err := log.Record(ctx, tx, audit.Entry{Act: "document.add", ObjectKind: "document", Object: fmt.Sprint(i)}); err != nil {
								return err
							}
						}
						switch {
						case w%3 == 0 && i%2 == 0:
							return fail
						case w%3 == 1 && i%4 == 0:
							panic("the act panicked")
						case w%3 == 2 && i%7 == 0:
							_, err := tx.Exec(ctx, `INSERT INTO audit_head (id, row, hash, seal) VALUES (2, 0, x'', x'')`) // breaks a check
							return err
						}
						return nil
					})
				}()
				leave()
				if err == nil {
					done[w] += 1 + i%3
				}
			}
		})
	}
	wait.Wait()
	for name, l := range map[string]*audit.Log{"running": log, "started afterwards": reopen(t, db, 'k')} {
		got := verify(t, l)
		if !got.OK {
			t.Errorf("%s: %+v", name, got.Broken)
		}
	}
	total := 0
	for w := range writers {
		var rows int
		if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM audit WHERE actor = ?`, fmt.Sprint("p", w)).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows != done[w] {
			t.Errorf("writer %d was told of %d rows, the record holds %d", w, done[w], rows)
		}
		total += rows
	}
	if total == 0 {
		t.Error("nobody succeeded")
	}
}

// TestVerifyWhileWriting wants rows that are written meanwhile not to look like
// tampering.
func TestVerifyWhileWriting(t *testing.T) {
	t.Parallel()
	log, _ := open(t)
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for ctx.Err() == nil {
				if err := log.Refused(context.WithoutCancel(ctx), audit.Entry{Act: "login.signin"}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 40 {
		if got := verify(t, log); !got.OK {
			t.Errorf("got %+v", got.Broken)
			break
		}
	}
	stop()
	wait.Wait()
}

// TestEntry wants who, where and when from the context, and no content.
func TestEntry(t *testing.T) {
	t.Parallel()
	log, db := open(t)
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Operator, ID: "owner", Workspace: "w1", UID: 1000, Address: "192.0.2.7", Request: "r1"})
	err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		return log.Record(ctx, tx, audit.Entry{Act: "document.add", ObjectKind: "document", Object: "d1", Detail: map[string]any{
			"size": 12, "share": 0.5, "done": true, "kind": "text/markdown", "parts": []string{"p1", "Mrs Miller's findings"},
			"title": "Findings of Mrs Miller", "email": "miller@example.org", "long": strings.Repeat("x", 97), "whole": map[string]any{"name": "Miller"}, "took": 3 * time.Second,
			"role": actor.Admin, "bytes": []byte("Miller"), "nothing": nil, "infinite": math.Inf(1), "at": time.UnixMilli(7), "counts": []int{1, 2},
		}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Refused(ctx, audit.Entry{Act: "document.read", Object: "Mrs Miller", Workspace: "w2"}); err != nil {
		t.Fatal(err)
	}
	var who, kind, where, workspace, request, outcome, detail string
	var uid int
	const read = `SELECT actor, actor_kind, uid, address, workspace, request, outcome, detail FROM audit WHERE row = ?`
	if err := db.Read().QueryRowContext(ctx, read, 1).Scan(&who, &kind, &uid, &where, &workspace, &request, &outcome, &detail); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(who, kind, uid, where, workspace, request, outcome), "owneroperator1000192.0.2.7w1r1ok"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const want = `{"at":7,"bytes":"withheld","counts":[1,2],"done":true,"email":"withheld","infinite":"withheld","kind":"text/markdown","long":"withheld","nothing":null,"parts":["p1","withheld"],"role":"admin","share":0.5,"size":12,"title":"withheld","took":3000,"whole":"withheld"}`
	if detail != want {
		t.Errorf("detail\n got %s\nwant %s", detail, want)
	}
	if err := db.Read().QueryRowContext(ctx, `SELECT outcome, workspace, object FROM audit WHERE row = 2`).Scan(&outcome, &workspace, &where); err != nil {
		t.Fatal(err)
	}
	if outcome != audit.Refused || workspace != "w2" || where != "withheld" {
		t.Errorf("got %s in %s of %s, want a refusal in w2 of what is withheld", outcome, workspace, where)
	}
	for name, e := range map[string]audit.Entry{"no act": {Object: "d"}, "an unknown outcome": {Act: "a.b", Outcome: "maybe"}} {
		if err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return log.Record(ctx, tx, e) }); err == nil {
			t.Errorf("%s: the entry was taken", name)
		}
	}
	if got := verify(t, log); !got.OK || got.Rows != 2 {
		t.Errorf("after refused entries: %+v", got)
	}
}

// TestUpDownUp wants the same schema after going back and forth.
func TestUpDownUp(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, audit.Migrations)
	before := schema(t, db)
	if err := db.Down(t.Context(), 0, audit.Migrations); err != nil {
		t.Fatal(err)
	}
	if got := schema(t, db); got != "" {
		t.Errorf("down leaves %s", got)
	}
	if err := db.Migrate(t.Context(), audit.Migrations); err != nil {
		t.Fatal(err)
	}
	if after := schema(t, db); before != after || before == "" {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

func schema(t *testing.T, db *sqlite.DB) string {
	t.Helper()
	var text string
	const read = `SELECT coalesce(group_concat(sql, char(10)), '') FROM (SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%' ORDER BY name)`
	if err := db.Read().QueryRowContext(t.Context(), read).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSurvivesRestart wants one chain over two processes on one data directory.
func TestSurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 3 {
		db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), audit.Migrations); err != nil {
			t.Fatal(err)
		}
		log := reopen(t, db, 'k')
		record(t, log, db, ten()...)
		if got := verify(t, log); !got.OK {
			t.Errorf("got %+v", got.Broken)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
