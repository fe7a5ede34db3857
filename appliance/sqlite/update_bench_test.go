package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"chatets/appliance/sqlite/sqlitetest"
)

func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			db := sqlitetest.Open(b, schema)
			work := make(chan int)
			var all sync.WaitGroup
			for range writers {
				all.Go(func() {
					for n := range work {
						if err := db.Update(context.Background(), insert(fmt.Sprint(n))); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ResetTimer()
			for n := range b.N {
				work <- n
			}
			close(work)
			all.Wait()
			s := db.Stats()
			b.ReportMetric(float64(s.Members)/float64(max(s.Commits, 1)), "updates/commit")
		})
	}
}

// BenchmarkPlain is what Update is held against at one writer: a transaction of
// database/sql alone, on a database with the same pragmas.
func BenchmarkPlain(b *testing.B) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "plain.db")+
		"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(b.Context(), `CREATE TABLE entry (name TEXT NOT NULL UNIQUE, big TEXT) STRICT`); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for n := range b.N {
		tx, err := db.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tx.ExecContext(b.Context(), `INSERT INTO entry (name) VALUES (?)`, fmt.Sprint(n)); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}
