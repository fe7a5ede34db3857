package target_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"chatets/appliance/target"
)

// TestConformance holds every kind of target against the same promises.
func TestConformance(t *testing.T) {
	t.Parallel()
	for kind, open := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			at := open(t)
			put := func(name, text string) {
				t.Helper()
				if err := at.Put(t.Context(), name, strings.NewReader(text), int64(len(text))); err != nil {
					t.Fatalf("put %s: %v", name, err)
				}
			}
			if got := names(t, at, "", ""); len(got) != 0 {
				t.Errorf("a new target holds %v", got)
			}
			if _, err := at.Get(t.Context(), "db/none", 0, -1); !errors.Is(err, target.ErrNotFound) {
				t.Errorf("a name that is not there: %v", err)
			}
			all := []string{"blobs/w-1/ab/cd", "blobs/w/ab/cd", "blobs/w/ac/ce", "db/0/01-02", "db/0/03-03", "db/0-x", "db/1/01-03", "manifest.json"}
			for _, name := range all {
				put(name, "text of "+name)
			}
			slices.Sort(all)
			for _, tt := range []struct {
				name, prefix, after string
				want                []string
			}{
				{"everything", "", "", all},
				{"a folder", "db/0/", "", []string{"db/0/01-02", "db/0/03-03"}},
				{"the beginning of a name", "db/0", "", []string{"db/0-x", "db/0/01-02", "db/0/03-03"}},
				{"behind a name", "db/", "db/0/01-02", []string{"db/0/03-03", "db/1/01-03"}},
				{"behind a name that is not there", "blobs/", "blobs/w/ab/d", []string{"blobs/w/ac/ce"}},
				{"behind the last", "", "manifest.json", []string{}},
				{"nothing", "none/", "", []string{}},
			} {
				if got := names(t, at, tt.prefix, tt.after); !slices.Equal(got, tt.want) {
					t.Errorf("list of %s: got %v, want %v", tt.name, got, tt.want)
				}
			}
			for _, tt := range []struct {
				offset, length int64
				want           string
			}{{0, -1, "text of manifest.json"}, {8, -1, "manifest.json"}, {8, 8, "manifest"}, {8, 500, "manifest.json"}, {0, 0, ""}, {21, -1, ""}} {
				if got := read(t, at, "manifest.json", tt.offset, tt.length); got != tt.want {
					t.Errorf("bytes %d+%d: got %q, want %q", tt.offset, tt.length, got, tt.want)
				}
			}
			put("manifest.json", "another")
			if got := read(t, at, "manifest.json", 0, -1); got != "another" {
				t.Errorf("put again: %q", got)
			}

			large := make([]byte, 20<<20) // more than one request of an S3 upload
			if _, err := rand.Read(large); err != nil {
				t.Fatal(err)
			}
			if err := at.Put(t.Context(), "large", bytes.NewReader(large), int64(len(large))); err != nil && kind != "s3" { // our own S3 server has no uploads in parts
				t.Fatalf("put a large file: %v", err)
			} else if err == nil && read(t, at, "large", 0, -1) != string(large) {
				t.Error("a large file came back changed")
			}

			if err := at.Put(t.Context(), "short", strings.NewReader("half"), 8); err == nil {
				t.Error("a source shorter than its length was kept")
			}
			if _, err := at.Get(t.Context(), "short", 0, -1); !errors.Is(err, target.ErrNotFound) {
				t.Errorf("a failed put left something: %v", err)
			}
			for _, bad := range []string{"", "/x", "x/", "../x", "a/../b", ".hidden", "a//b", "a b", "a\nb", "ä"} {
				if err := at.Put(t.Context(), bad, strings.NewReader("x"), 1); err == nil {
					t.Errorf("put took the name %q", bad)
				}
				if _, err := at.Get(t.Context(), bad, 0, -1); err == nil {
					t.Errorf("get took the name %q", bad)
				}
			}

			for range 2 { // the second time it is not there
				if err := at.Delete(t.Context(), "db/0-x"); err != nil {
					t.Errorf("delete: %v", err)
				}
			}
			if got := names(t, at, "db/0", ""); !slices.Equal(got, []string{"db/0/01-02", "db/0/03-03"}) {
				t.Errorf("after the deletion: %v", got)
			}
			race(t, at)
		})
	}
}

// race lets eight try one name.
func race(t *testing.T, at target.Target) {
	t.Helper()
	var won atomic.Int32
	var winner atomic.Pointer[string]
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			text := strings.Repeat(string(rune('a'+i)), 100)
			switch err := at.PutIfAbsent(t.Context(), "generation/00000001", []byte(text)); {
			case err == nil:
				won.Add(1)
				winner.Store(&text)
			case !errors.Is(err, target.ErrExists):
				t.Errorf("a loser got %v", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d of 8 got the name", won.Load())
	}
	if got := read(t, at, "generation/00000001", 0, -1); got != *winner.Load() {
		t.Error("the name holds what a loser wrote")
	}
	r, err := at.Get(t.Context(), "generation/00000001", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, r, 10); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close before the end: %v", err)
	}
	if left := names(t, at, "generation/", ""); len(left) != 1 {
		t.Errorf("losers left %v", left)
	}
}
