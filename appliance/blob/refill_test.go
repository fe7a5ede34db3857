package blob_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
)

// swept waits for a whole look at the files: one that lies there unnoted is copied
// only after it.
func (c *copied) swept(t *testing.T, from blob.Ref, workspace string, hours int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "blobs", "ws", from.Name[:2], from.Name))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(c.dir, "blobs", workspace, from.Name[:2])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, from.Name), text, 0o600); err != nil {
		t.Fatal(err)
	}
	c.ahead.Store(int64(time.Duration(hours) * time.Hour))
	c.put(t, "ws", "a nudge for "+workspace)
	until(t, "the look", func() bool {
		found, err := filepath.Glob(filepath.Join(c.place, "blobs", workspace, "*", "*"))
		return err == nil && len(found) == 1
	})
}

// TestRefill uses a store whose files are still being fetched: what is asked for
// comes at once, what is missing is not taken for deleted, and what is deleted does
// not come back.
func TestRefill(t *testing.T) {
	t.Parallel()
	c := newCopied(t, true)
	one, two, three := c.put(t, "ws", "marmalade one"), c.put(t, "ws", "marmalade two"), c.put(t, "ws", "marmalade three")
	here := c.put(t, "ws", "what stays")
	for _, ref := range []blob.Ref{one, two, three} { // a directory that was restored without them
		if err := os.Remove(filepath.Join(c.dir, "blobs", "ws", ref.Name[:2], ref.Name)); err != nil {
			t.Fatal(err)
		}
	}
	refill := c.store.Refill(c.target, time.Time{})
	c.swept(t, here, "ws2", 2)
	if held := c.held(t, time.Time{}); !held[one.Name] || !held[two.Name] || !held[three.Name] {
		t.Error("a file on its way was taken for deleted")
	}
	r, err := c.store.Open(t.Context(), "ws", one.Name)
	if err != nil {
		t.Fatalf("a file that is asked for: %v", err)
	}
	text, err := io.ReadAll(r)
	if err != nil || string(text) != "marmalade one" || r.Close() != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := c.store.Open(t.Context(), "ws", strings.Repeat("0", 64)); !fault.Is(err, fault.NotFound) {
		t.Errorf("a file that is nowhere: %v", err)
	}
	if err := c.store.Remove(t.Context(), "ws", three.Name); err != nil {
		t.Fatal(err)
	}
	if err := refill.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if s := refill.Status(); s.Done != s.Total || s.Total == 0 || len(s.Damaged) > 0 {
		t.Errorf("got %+v", s)
	}
	refill.End()
	for ref, want := range map[blob.Ref]bool{one: true, two: true, three: false} {
		if has, err := c.store.Has("ws", ref.Name); has != want || err != nil {
			t.Errorf("%s is there: %v, %v; want %v", ref.Name[:8], has, err, want)
		}
	}
	c.swept(t, here, "ws3", 4)
	if held := c.held(t, time.Time{}); !held[one.Name] || !held[two.Name] || held[three.Name] {
		t.Errorf("afterwards the target holds one %v, two %v, three %v", held[one.Name], held[two.Name], held[three.Name])
	}
}
