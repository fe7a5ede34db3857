package sqlite_test

import (
	"context"
	"fmt"
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
