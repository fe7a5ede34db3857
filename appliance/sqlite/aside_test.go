package sqlite_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// TestWorkThatNobodyWaitsForGoesLast holds that who waits goes before it, though it
// came first, and that it is not passed over for ever.
func TestWorkThatNobodyWaitsForGoesLast(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t)
	var mu sync.Mutex
	var order []string
	note := func(who string) func(context.Context, *sqlite.Tx) error {
		return func(context.Context, *sqlite.Tx) error {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, who)
			return nil
		}
	}
	begun, end := make(chan struct{}), make(chan struct{})
	var works sync.WaitGroup
	do := func(ctx context.Context, fn func(context.Context, *sqlite.Tx) error) {
		works.Go(func() {
			if err := db.Update(ctx, fn); err != nil {
				t.Error(err)
			}
		})
	}
	do(t.Context(), func(context.Context, *sqlite.Tx) error {
		close(begun)
		<-end
		return nil
	})
	<-begun
	do(sqlite.Aside(t.Context()), note("aside"))
	until(t, func() bool { return db.Stats().Waiting == 1 })
	do(t.Context(), note("person"))
	until(t, func() bool { return db.Stats().Waiting == 2 })
	close(end)
	works.Wait()
	if !slices.Equal(order, []string{"person", "aside"}) {
		t.Errorf("the order is %v", order)
	}

	stop := make(chan struct{})
	for range 4 { // there is always somebody who waits
		works.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := db.Update(t.Context(), note("person")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := db.Update(sqlite.Aside(ctx), note("aside")); err != nil {
		t.Errorf("it never got its turn: %v", err)
	}
	close(stop)
	works.Wait()
}
