package blob_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
)

// TestWhatIsHeldStaysReadable removes blobs while they are held, and one workspace
// as a whole, which nobody holds back.
func TestWhatIsHeldStaysReadable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, dir := store(t)
	a, b, gone := put(t, s, "one", "first"), put(t, s, "two", "second"), put(t, s, "three", "third")
	first, second := s.Hold(), s.Hold()
	for _, r := range []struct{ workspace, name string }{{"one", a.Name}, {"two", b.Name}, {"three", gone.Name}} {
		if err := s.Remove(ctx, r.workspace, r.name); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RemoveAll("three"); err != nil {
		t.Fatal(err)
	}
	if _, err := get(s, "one", a.Name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed blob is still there for others: %v", err)
	}
	put(t, s, "two", "second") // it came back, and goes again
	if err := s.Remove(ctx, "two", b.Name); err != nil {
		t.Fatal(err)
	}
	first()
	first() // a second time does nothing
	held := func() (text string, names, workspaces []string) {
		r, err := s.OpenHeld(ctx, "one", a.Name)
		if err != nil {
			return err.Error(), nil, nil
		}
		all, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		names, err = s.ListHeld(ctx, "two")
		if err != nil {
			t.Fatal(err)
		}
		if workspaces, err = s.HeldWorkspaces(); err != nil {
			t.Fatal(err)
		}
		return string(all), names, workspaces
	}
	text, names, workspaces := held()
	if text != "first" || !slices.Equal(names, []string{b.Name}) || slices.Contains(workspaces, "three") {
		t.Errorf("held: %q, %v, %v", text, names, workspaces)
	}
	second()
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left after the release: %v", left)
	}
}
