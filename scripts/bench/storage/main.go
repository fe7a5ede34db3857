// Command storage measures what encryption costs the database, side by side with a
// plain one and in turns, so that a busy machine hurts both alike; and what sharing
// a commit gains.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/vfs"
)

func main() {
	rows := flag.Int("rows", 20_000, "rows of the database that is read")
	rounds := flag.Int("rounds", 10, "turns of each side, in each of four passes")
	flag.Parse()
	if err := run(context.Background(), *rows, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "storage:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rows, rounds int) error {
	dir, err := os.MkdirTemp("", "storage")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ring, err := secret.New(make([]byte, secret.Size)) // of databases that are removed at the end
	if err != nil {
		return err
	}
	space, err := vfs.Enter(dir, ring.Pages())
	if err != nil {
		return err
	}
	defer space.Close()
	if err := compare(ctx, dir, rows, rounds); err != nil {
		return err
	}
	if err := group(ctx, dir, ring); err != nil {
		return err
	}
	return starts(ctx, dir, ring)
}

// side is one of the two databases.
type side struct {
	name string
	db   *sql.DB
	cold *sql.DB // with hardly any memory: every page comes from the file
	uri  string
	next int
}

func (s *side) close() error { return errors.Join(s.db.Close(), s.cold.Close()) }

const pragmas = "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=temp_store(MEMORY)"

func newSide(ctx context.Context, name, uri string, rows int) (*side, error) {
	s := &side{name: name, uri: uri}
	var err error
	if s.db, err = sql.Open("sqlite", uri+pragmas+"&_pragma=cache_size(-16384)"); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	if s.cold, err = sql.Open("sqlite", uri+pragmas+"&_pragma=cache_size(-40)"); err != nil {
		return nil, err
	}
	s.cold.SetMaxOpenConns(1)
	for _, statement := range []string{
		`CREATE TABLE note (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL)`,
		`CREATE INDEX note_owner ON note (owner, title)`,
		`CREATE VIRTUAL TABLE word USING fts5(text)`,
	} {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	return s, s.insert(ctx, rows)
}

func text(n int) string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "word%d ", (n*31+i*i*17)%5000)
	}
	return b.String()
}

func (s *side) insert(ctx context.Context, rows int) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for range rows {
		s.next++
		if _, err := tx.ExecContext(ctx, `INSERT INTO note (id, owner, title, text) VALUES (?, ?, ?, ?)`, s.next, s.next%97, fmt.Sprint("title ", s.next), text(s.next)); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO word (rowid, text) VALUES (?, ?)`, s.next, text(s.next)); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// operation is something a database does n times in a turn.
type operation struct {
	name string
	n    int
	do   func(ctx context.Context, s *side, turn, i int) error
}

func operations(rows int) []operation {
	on := func(pool func(*side) *sql.DB, query string, args func(turn, i int) []any) func(context.Context, *side, int, int) error {
		return func(ctx context.Context, s *side, turn, i int) error {
			var n sql.NullString
			return pool(s).QueryRowContext(ctx, query, args(turn, i)...).Scan(&n)
		}
	}
	warm, cold := func(s *side) *sql.DB { return s.db }, func(s *side) *sql.DB { return s.cold }
	spread := func(turn, i int) int { return 1 + (turn*7919+i*104729)%rows }
	return []operation{
		{"write a row, commit", 20, func(ctx context.Context, s *side, _, _ int) error { return s.insert(ctx, 1) }},
		{"write 100 rows, commit", 3, func(ctx context.Context, s *side, _, _ int) error { return s.insert(ctx, 100) }},
		{"change a row, commit", 20, func(ctx context.Context, s *side, turn, i int) error {
			_, err := s.db.ExecContext(ctx, `UPDATE note SET title = ? WHERE id = ?`, fmt.Sprint("title ", turn, i), spread(turn, i))
			return err
		}},
		{"delete a row, commit", 10, func(ctx context.Context, s *side, turn, i int) error {
			_, err := s.db.ExecContext(ctx, `DELETE FROM note WHERE id = ?`, spread(turn, i))
			return err
		}},
		{"read a row", 200, on(warm, `SELECT max(text) FROM note WHERE id = ?`, func(turn, i int) []any { return []any{spread(turn, i)} })},
		{"read a row, from the file", 100, on(cold, `SELECT max(text) FROM note WHERE id = ?`, func(turn, i int) []any { return []any{spread(turn, i)} })},
		{"read 200 rows by an index", 5, on(warm, `SELECT sum(length(text)) FROM note WHERE owner = ?`, func(turn, i int) []any { return []any{(turn + i) % 97} })},
		{"read 200 rows by an index, from the file", 5, on(cold, `SELECT sum(length(text)) FROM note WHERE owner = ?`, func(turn, i int) []any { return []any{(turn + i) % 97} })},
		{"read the whole table, from the file", 1, on(cold, `SELECT sum(length(text)) FROM note`, func(int, int) []any { return nil })},
		{"search by a word", 20, on(warm, `SELECT count(*) FROM word WHERE word MATCH ?`, func(turn, i int) []any { return []any{fmt.Sprint("word", (turn*20+i)%5000)} })},
		{"search by a word, from the file", 20, on(cold, `SELECT count(*) FROM word WHERE word MATCH ?`, func(turn, i int) []any { return []any{fmt.Sprint("word", (turn*20+i)%5000)} })},
		{"open, read a row, close", 5, func(ctx context.Context, s *side, turn, i int) error {
			db, err := sql.Open("sqlite", s.uri+pragmas)
			if err != nil {
				return err
			}
			var t sql.NullString
			err = db.QueryRowContext(ctx, `SELECT max(text) FROM note WHERE id = ?`, spread(turn, i)).Scan(&t)
			return errors.Join(err, db.Close())
		}},
		{"move the log into the database", 1, func(ctx context.Context, s *side, _, _ int) error {
			if err := s.insert(ctx, 50); err != nil {
				return err
			}
			var a, b, c int
			return s.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&a, &b, &c)
		}},
	}
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// passes is how often both databases are made anew, the other one first each time:
// the one that was made first has the worse memory.
const passes = 4

func compare(ctx context.Context, dir string, rows, rounds int) error {
	all := operations(rows)
	took := map[string][]time.Duration{}
	for pass := range passes {
		plain := func() (*side, error) {
			return newSide(ctx, "plain", "file:"+filepath.Join(dir, fmt.Sprint("plain", pass))+"?vfs=unix&", rows)
		}
		sealed := func() (*side, error) {
			return newSide(ctx, "sealed", "file:"+filepath.Join(dir, fmt.Sprint("sealed", pass))+"?", rows)
		}
		makers := []func() (*side, error){plain, sealed}
		if pass%2 == 1 {
			slices.Reverse(makers)
		}
		var sides []*side
		for _, make := range makers {
			s, err := make()
			if err != nil {
				return err
			}
			defer s.close()
			sides = append(sides, s)
		}
		for _, o := range all {
			for turn := range rounds {
				for _, s := range sides {
					before := cpu()
					for i := range o.n {
						if err := o.do(ctx, s, turn, i); err != nil {
							return fmt.Errorf("%s, %s: %w", o.name, s.name, err)
						}
					}
					took[s.name+o.name] = append(took[s.name+o.name], (cpu()-before)/time.Duration(o.n))
				}
				slices.Reverse(sides)
			}
		}
	}
	fmt.Printf("%d rows, %d turns; CPU of one operation, median of the turns\n\n| operation | plain | encrypted | ratio |\n|---|---|---|---|\n", rows, passes*rounds)
	for _, o := range all {
		p, e := median(took["plain"+o.name]), median(took["sealed"+o.name])
		fmt.Printf("| %s | %s | %s | %.2f |\n", o.name, p.Round(100*time.Nanosecond), e.Round(100*time.Nanosecond), float64(e)/float64(p))
	}
	return nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// group compares shared commits with a transaction for each write, both encrypted
// and in turns.
func group(ctx context.Context, dir string, ring *secret.Keyring) error {
	shared := filepath.Join(dir, "shared")
	if err := os.Mkdir(shared, 0o700); err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: shared, Keys: ring.Pages(), Reserve: -1})
	if err != nil {
		return err
	}
	defer db.Close()
	const table = `CREATE TABLE entry (name TEXT NOT NULL UNIQUE)`
	if err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, table)
		return err
	}); err != nil {
		return err
	}
	alone, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "alone.db")+"?"+pragmas)
	if err != nil {
		return err
	}
	defer alone.Close()
	alone.SetMaxOpenConns(1)
	if _, err := alone.ExecContext(ctx, table); err != nil {
		return err
	}
	var n atomic.Int64
	const insert = `INSERT INTO entry (name) VALUES (?)`
	together := func() error {
		name := fmt.Sprint(n.Add(1))
		return db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := tx.Exec(ctx, insert, name)
			return err
		})
	}
	each := func() error {
		tx, err := alone.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insert, fmt.Sprint(n.Add(1))); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}
	fmt.Printf("\n| writers | a transaction each, writes/s | shared commits, writes/s | ratio |\n|---|---|---|---|\n")
	for _, writers := range []int{1, 8, 50} {
		var a, b []float64
		for range 7 {
			for _, side := range []struct {
				f    func() error
				into *[]float64
			}{{each, &a}, {together, &b}} {
				rate, err := rateOf(writers, side.f)
				if err != nil {
					return err
				}
				*side.into = append(*side.into, rate)
			}
		}
		slices.Sort(a)
		slices.Sort(b)
		fmt.Printf("| %d | %.0f | %.0f | %.2f |\n", writers, a[3], b[3], b[3]/a[3])
	}
	return nil
}

// rateOf is how often a second f ends while several call it.
func rateOf(writers int, f func() error) (float64, error) {
	const long = 400 * time.Millisecond
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	begun := time.Now()
	for range writers {
		all.Go(func() {
			for time.Since(begun) < long {
				if err := f(); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(begun).Seconds(), nil
}

// starts measures what happens around a start: sealing the plain database of an
// earlier build, opening, reading every page, changing the key.
func starts(ctx context.Context, dir string, ring *secret.Keyring) error {
	old := filepath.Join(dir, "old")
	if err := os.Mkdir(old, 0o700); err != nil {
		return err
	}
	name := filepath.Join(old, "chatets.db")
	plain, err := newSide(ctx, "old", "file:"+name+"?vfs=unix&", 60_000)
	if err != nil {
		return err
	}
	if err := plain.close(); err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	size := float64(info.Size()) / (1 << 20)
	fmt.Printf("\na database of %.0f MB\n\n", size)
	row := func(what string, begun time.Time) {
		took := time.Since(begun)
		fmt.Printf("%-34s %6.0f ms  %5.0f MB/s\n", what, took.Seconds()*1000, size/took.Seconds())
	}
	open := func() (*sqlite.DB, error) {
		return sqlite.Open(ctx, sqlite.Config{Dir: old, Keys: ring.Pages(), Reserve: -1})
	}
	begun := time.Now()
	db, err := open()
	if err != nil {
		return err
	}
	row("encrypt the plain one, once", begun)
	if err := db.Close(); err != nil {
		return err
	}
	begun = time.Now()
	if db, err = open(); err != nil {
		return err
	}
	defer db.Close()
	row("open it", begun)
	begun = time.Now()
	if _, err := spaceOf(old, ring, func(s *vfs.Space) ([]vfs.Damage, error) { return s.Verify(ctx, name) }); err != nil {
		return err
	}
	row("open every page", begun)
	begun = time.Now()
	if err := db.Check(ctx); err != nil {
		return err
	}
	row("check the whole database", begun)
	return nil
}

func spaceOf[T any](dir string, ring *secret.Keyring, f func(*vfs.Space) (T, error)) (v T, err error) {
	s, err := vfs.Enter(dir, ring.Pages())
	if err != nil {
		return v, err
	}
	v, err = f(s)
	return v, errors.Join(err, s.Close())
}
