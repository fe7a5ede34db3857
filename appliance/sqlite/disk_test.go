package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

func big(name string) func(context.Context, *sqlite.Tx) error {
	return func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO entry (name, big) VALUES (?, ?)`, name, strings.Repeat("x", 100_000))
		return err
	}
}

func limitPages(t *testing.T, db *sqlite.DB, pages int) {
	t.Helper()
	if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		var got int
		return tx.QueryRow(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&got)
	}); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFull fills a database up to a page limit, which SQLite reports as it
// reports a full disk: nothing half written, reading goes on, and writing goes
// on once there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, schema)
	limitPages(t, db, 40)
	errs := batch(t, db, insert("small"), big("one"), big("two"), insert("last"))
	if errs[0] != nil || errs[1] != nil {
		t.Fatalf("there was room for the first ones: %v", errs)
	}
	wantFault(t, errs[2], fault.Full, "full", "Free space")
	if got := names(t, db); got["two"] || !got["small"] || !got["one"] || got["last"] != (errs[3] == nil) {
		t.Errorf("got rows %v, answers %v", got, errs)
	}
	limitPages(t, db, 100_000)
	if err := db.Update(t.Context(), big("two")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestReserve fills the database with a reserve to give up: it is given up
// once, and that is said in the log.
func TestReserve(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: 1 << 20, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "reserve")); err != nil || info.Size() != 1<<20 || !db.Stats().Reserve {
		t.Fatalf("no reserve is kept: %v", err)
	}
	limitPages(t, db, 10)
	wantFault(t, db.Update(t.Context(), big("one")), fault.Full, "full")
	if db.Stats().Reserve || !strings.Contains(log.String(), "the reserve was freed") {
		t.Errorf("the reserve is still kept; the log says %q", log.String())
	}
	limitPages(t, db, 1000)
	if err := db.Update(t.Context(), big("one")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if !db.Stats().Reserve {
		t.Error("the next start does not take the space again")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// mount makes a file system of its own for a test, which only root can; ok
// tells whether it is there.
func mount(t *testing.T, options string) (dir string, ok bool) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Logf("no file system can be mounted here (%v); the page limit stands in for a full disk", err)
		return dir, false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir, true
}

// TestFullFileSystem fills a real, tiny file system to its last byte: the
// acknowledged stays, the reserve lets the administrator delete, and ChatETS
// starts on the full disk.
func TestFullFileSystem(t *testing.T) {
	t.Parallel()
	dir, ok := mount(t, "size=16m")
	if !ok {
		return
	}
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	var last error
	for i := 0; last == nil && i < 1000; i++ {
		name := fmt.Sprint(i)
		if last = db.Update(t.Context(), big(name)); last == nil {
			told[name] = true
		}
	}
	wantFault(t, last, fault.Full, "full", "Free space")
	if db.Stats().Reserve {
		t.Error("the reserve was not given up")
	}
	check := func() {
		t.Helper()
		got := names(t, db)
		if len(got) != len(told) || len(told) < 10 {
			t.Errorf("got %d rows, told %d are safe", len(got), len(told))
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	check()
	if err := db.Close(); err != nil {
		t.Logf("closing on a full disk: %v", err)
	}
	// Whatever closing gave back is taken by somebody else.
	hog, err := os.Create(filepath.Join(dir, "hog"))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1 << 16, 1} {
		for chunk := make([]byte, size); err == nil; {
			_, err = hog.Write(chunk)
		}
		err = nil
	}
	if err := hog.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: 2 << 20}); err != nil {
		t.Fatalf("ChatETS does not start on a full disk: %v", err)
	}
	check()
	wantFault(t, db.Update(t.Context(), big("more")), fault.Full, "full")
	if err := db.Close(); err != nil {
		t.Logf("closing on a full disk: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=48m"); err != nil {
		t.Fatal(err)
	}
	if db, err = sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: 2 << 20}); err != nil {
		t.Fatal(err)
	}
	check()
	if !db.Stats().Reserve {
		t.Error("with room again there is no reserve")
	}
	if err := db.Update(t.Context(), big("more")); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestDeleteOnAFullDisk wants the reserve to be enough for what makes room.
func TestDeleteOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir, ok := mount(t, "size=8m")
	if !ok {
		return
	}
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := db.Update(t.Context(), big(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	hog, err := os.Create(filepath.Join(dir, "hog"))
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 4096); err == nil; {
		_, err = hog.Write(chunk)
	}
	if err := hog.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM entry WHERE name = '0'`)
		return err
	}); err != nil {
		t.Errorf("deleting on the full disk: %v", err)
	}
	if db.Stats().Reserve || names(t, db)["0"] {
		t.Errorf("reserve still kept: %v, rows %v", db.Stats().Reserve, names(t, db))
	}
}

// TestPlaceThatCannotBeWritten has a directory that belongs to somebody else, a
// file system that is read-only and a directory that is not there.
func TestPlaceThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	t.Run("somebody else's", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o555)); err != nil {
			t.Fatal(err)
		}
		var opened, claimed error
		asNobody(t, func() {
			_, opened = open(t, dir)
			_, claimed = sqlite.Claim(dir)
		})
		wantFault(t, opened, fault.Unavailable, "cannot be written", "owns it")
		wantFault(t, claimed, fault.Unavailable, "cannot be written", "owns it")
	})
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		dir, ok := mount(t, "size=8m")
		if !ok {
			return
		}
		db, err := open(t, dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		_, err = open(t, dir)
		wantFault(t, err, fault.Unavailable, "cannot be written", "read-only")
		_, err = sqlite.Claim(dir)
		wantFault(t, err, fault.Unavailable, "cannot be written", "read-only")
	})
	t.Run("not there", func(t *testing.T) {
		t.Parallel()
		_, err := open(t, filepath.Join(t.TempDir(), "nowhere"))
		wantFault(t, err, fault.Unavailable, "cannot be written", "exists")
	})
}

// asNobody runs f as a user who owns nothing, because root may write everywhere.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		// The thread is locked and never given back, so it ends with this goroutine.
		runtime.LockOSThread()
		var err error
		if os.Getuid() == 0 {
			if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0); errno != 0 {
				err = errno
			}
		}
		f()
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
