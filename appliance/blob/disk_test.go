package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// mounted makes a store on a file system of its own, which only root can.
func mounted(t *testing.T, options string) (s *blob.Store, dir string, ok bool) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Logf("no file system can be mounted here: %v", err)
		return nil, "", false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	s, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir, true
}

func open(dir string) (*blob.Store, error) {
	keys, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	if err != nil {
		return nil, err
	}
	return blob.Open(dir, keys)
}

// TestDiskWithoutRoom has the disk run out in each way it can.
func TestDiskWithoutRoom(t *testing.T) {
	t.Parallel()
	wantFull := func(t *testing.T, err error) {
		t.Helper()
		if r := fault.Of(err); r.Kind != fault.Full || r.Cure == "" {
			t.Errorf("got %v", err)
		}
	}
	t.Run("what the database needs is left to it", func(t *testing.T) {
		t.Parallel()
		s, dir, ok := mounted(t, "size=47m")
		if !ok {
			return
		}
		_, err := s.Put(t.Context(), "one", strings.NewReader("x"), limit)
		wantFull(t, err)
		if left := files(t, dir); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("a file too large for what is left", func(t *testing.T) {
		t.Parallel()
		s, dir, ok := mounted(t, "size=64m")
		if !ok {
			return
		}
		_, err := s.Put(t.Context(), "one", io.LimitReader(noise{}, 60<<20), 100<<20)
		wantFull(t, err)
		if left := files(t, dir); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		put(t, s, "one", "a small one")
	})
	t.Run("no further files on the file system", func(t *testing.T) {
		t.Parallel()
		s, dir, ok := mounted(t, "size=64m,nr_inodes=6")
		if !ok {
			return
		}
		var failed error
		kept := map[string]string{}
		for i := 0; failed == nil && i < 10; i++ {
			text := fmt.Sprint("document ", i)
			var ref blob.Ref
			if ref, failed = s.Put(t.Context(), "one", strings.NewReader(text), limit); failed == nil {
				kept[ref.Name] = text
			}
		}
		wantFull(t, failed)
		for name, text := range kept {
			if got, err := get(s, "one", name); err != nil || got != text {
				t.Errorf("got %q, %v", got, err)
			}
		}
		if left := files(t, dir); len(left) != len(kept) || len(kept) == 0 {
			t.Errorf("kept %d, lying there: %v", len(kept), left)
		}
	})
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		s, dir, ok := mounted(t, "size=64m")
		if !ok {
			return
		}
		ref := put(t, s, "one", "kept")
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		_, err := s.Put(t.Context(), "one", strings.NewReader("x"), limit)
		if r := fault.Of(err); r.Kind != fault.Unavailable || r.Cure == "" {
			t.Errorf("got %v", err)
		}
		if _, err := open(dir); !fault.Is(err, fault.Unavailable) {
			t.Errorf("opened: %v", err)
		}
		if got, err := get(s, "one", ref.Name); err != nil || got != "kept" {
			t.Errorf("reading: %q, %v", got, err)
		}
	})
}

// noise is content that does not get smaller.
type noise struct{}

func (noise) Read(p []byte) (int, error) {
	random, err := os.Open("/dev/urandom")
	if err != nil {
		return 0, err
	}
	defer random.Close()
	return random.Read(p)
}

// TestLimitIsExact takes a file of the limit and refuses one byte more, saying
// the limit as people do.
func TestLimitIsExact(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	for _, tt := range []struct {
		limit int64
		said  string
	}{{0, "0 bytes"}, {700, "700 bytes"}, {1_000_000, "1 MB"}, {1_500_000, "1.5 MB"}} {
		if _, err := s.Put(t.Context(), "one", strings.NewReader(strings.Repeat("x", int(tt.limit))), tt.limit); err != nil {
			t.Errorf("%s: %v", tt.said, err)
		}
		before := len(files(t, dir))
		_, err := s.Put(t.Context(), "one", strings.NewReader(strings.Repeat("x", int(tt.limit)+1)), tt.limit)
		if r := fault.Of(err); r.Kind != fault.TooLarge || !strings.Contains(r.Sentence, "larger than "+tt.said+".") || r.Cure == "" {
			t.Errorf("got %v, want a limit of %s", err, tt.said)
		}
		if after := len(files(t, dir)); after != before {
			t.Errorf("%s: left %d files", tt.said, after-before)
		}
	}
}

// TestSharedContentIsNotLost adds and removes documents of equal content at
// once, by the rule of the package: a row never refers to a blob that is gone.
func TestSharedContentIsNotLost(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	db := sqlitetest.Open(t, fstest.MapFS{"migrations/00001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE document (id INTEGER PRIMARY KEY, blob TEXT NOT NULL) STRICT;\n-- +goose Down\nDROP TABLE document;\n")}})
	again := errors.New("again")
	add := func() (int64, error) {
		for {
			ref, err := s.Put(t.Context(), "one", strings.NewReader("the same leaflet"), limit)
			if err != nil {
				return 0, err
			}
			var id int64
			err = db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
				if has, err := s.Has("one", ref.Name); !has || err != nil {
					return errors.Join(again, err)
				}
				return tx.QueryRow(ctx, `INSERT INTO document (blob) VALUES (?) RETURNING id`, ref.Name).Scan(&id)
			})
			if !errors.Is(err, again) {
				return id, err
			}
		}
	}
	const refers = `SELECT count(*) FROM document WHERE blob = ?`
	remove := func(id int64) error {
		var name string
		if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			return tx.QueryRow(ctx, `DELETE FROM document WHERE id = ? RETURNING blob`, id).Scan(&name)
		}); err != nil {
			return err
		}
		return db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			var committed, written int
			if err := errors.Join(db.Read().QueryRowContext(ctx, refers, name).Scan(&committed), tx.QueryRow(ctx, refers, name).Scan(&written)); err != nil || committed+written > 0 {
				return err
			}
			return s.Remove(ctx, "one", name)
		})
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 15 {
				id, err := add()
				if err != nil {
					t.Error(err)
					return
				}
				var name string
				if err := db.Read().QueryRowContext(t.Context(), `SELECT blob FROM document WHERE id = ?`, id).Scan(&name); err != nil {
					t.Error(err)
				}
				if _, err := get(s, "one", name); err != nil {
					t.Errorf("a document lost its file: %v", err)
				}
				if err := remove(id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if left, err := s.List(t.Context(), "one"); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
