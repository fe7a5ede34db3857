package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// TestSnapshotIsOneMoment copies a database while it is written: what is installed
// from the copy is whole, and shows one committed state.
func TestSnapshotIsOneMoment(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	ring, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	open := func(dir string) *sqlite.DB {
		db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: ring.Pages(), Reserve: -1})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open(t.TempDir())
	t.Cleanup(func() { _ = db.Close() })
	exec := func(statement string, args ...any) error {
		return db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := tx.Exec(ctx, statement, args...)
			return err
		})
	}
	for _, s := range []string{`CREATE TABLE pair (a INTEGER, b INTEGER, pad BLOB)`, `INSERT INTO pair VALUES (0, 0, zeroblob(300000))`} {
		if err := exec(s); err != nil {
			t.Fatal(err)
		}
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := exec(fmt.Sprintf(`UPDATE pair SET a = %d, pad = randomblob(300000), b = %d`, i, i)); err != nil {
				t.Errorf("update: %v", err)
				return
			}
		}
	}()
	for range 5 {
		var image bytes.Buffer
		var size int64
		if err := db.Snapshot(ctx, &image, func(n int64) error { size = n; return nil }); err != nil {
			t.Fatal(err)
		}
		if int64(image.Len()) != size {
			t.Fatalf("%d bytes came, %d were announced", image.Len(), size)
		}
		dir := t.TempDir()
		if err := sqlite.Install(ctx, &image, size, ring.Pages(), dir); err != nil {
			t.Fatal(err)
		}
		copied := open(dir)
		if err := copied.Check(ctx); err != nil {
			t.Errorf("the copy: %v", err)
		}
		var a, b int
		if err := copied.Read().QueryRowContext(ctx, `SELECT a, b FROM pair`).Scan(&a, &b); err != nil || a != b {
			t.Errorf("the copy shows %d and %d: %v", a, b, err)
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-done
}
