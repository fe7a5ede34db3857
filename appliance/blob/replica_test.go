package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/target"
)

type copied struct {
	dir, place string
	keys       *secret.Keyring
	store      *blob.Store
	copies     *blob.Copies
	target     target.Target
	ahead      atomic.Int64
}

func (c *copied) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func newCopied(t *testing.T, wait bool) *copied {
	t.Helper()
	keys, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	c := &copied{dir: t.TempDir(), place: filepath.Join(t.TempDir(), "target"), keys: keys}
	if c.target, err = target.Open(target.Config{URL: "file://" + c.place, Tries: 1}); err != nil {
		t.Fatal(err)
	}
	if err := c.target.(target.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.store, err = blob.Open(filepath.Join(c.dir, "blobs"), keys); err != nil {
		t.Fatal(err)
	}
	c.copies = c.store.Replicate(blob.CopyConfig{DB: sqlitetest.Open(t, blob.Migrations), Skip: func(w string) bool { return w == "derived" }, Now: c.now})
	c.copies.Attach("one", c.target, wait)
	t.Cleanup(c.copies.Close)
	return c
}

func (c *copied) put(t *testing.T, workspace, text string) blob.Ref {
	t.Helper()
	ref, err := c.store.Put(t.Context(), workspace, strings.NewReader(text), 1<<20)
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	return ref
}

func (c *copied) held(t *testing.T, at time.Time) map[string]bool {
	t.Helper()
	list, err := blob.Held(t.Context(), c.target, at)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, l := range list {
		all[l.Name] = true
	}
	return all
}

func (c *copied) status(t *testing.T) blob.CopyStatus {
	t.Helper()
	all, err := c.copies.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all["one"]
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestCopyBeforeAnswer has a file in the target when Put returns, and what can be
// made anew never.
func TestCopyBeforeAnswer(t *testing.T) {
	t.Parallel()
	c := newCopied(t, true)
	var refs sync.Map
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			ref := c.put(t, "ws", fmt.Sprint("marmalade ", i))
			refs.Store(ref.Name, true)
			if !c.held(t, time.Time{})[ref.Name] {
				t.Errorf("file %d is acknowledged and not in the target", i)
			}
		})
	}
	all.Wait()
	derived := c.put(t, "derived", "marmalade made anew")
	if c.held(t, time.Time{})[derived.Name] {
		t.Error("what can be made anew was copied")
	}
	if s := c.status(t); s.There != 16 || s.Waiting != 0 || s.Bytes == 0 || s.Err != nil || s.Late != 0 {
		t.Errorf("status %+v", s)
	}
	err := filepath.WalkDir(c.place, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("marmalade")) {
			t.Errorf("%s can be read", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCopyTargetAway waits for a target that must have a file, but not for ever,
// and brings it up to date by itself.
func TestCopyTargetAway(t *testing.T) {
	t.Parallel()
	c := newCopied(t, true)
	c.put(t, "ws", "first")
	if err := os.Rename(c.place, c.place+"-away"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan blob.Ref, 1)
	go func() { answered <- c.put(t, "ws", "second") }()
	until(t, "the failure", func() bool { return c.status(t).Err != nil })
	select {
	case <-answered:
		t.Error("it was acknowledged at once")
	default:
	}
	c.ahead.Store(int64(31 * time.Second))
	second := <-answered
	third := c.put(t, "ws", "third") // now at once
	if s := c.status(t); s.Late != 2 || s.Waiting != 2 || fault.Of(s.Err).Code != "target-away" {
		t.Errorf("status %+v", s)
	}
	if err := os.Rename(c.place+"-away", c.place); err != nil {
		t.Fatal(err)
	}
	until(t, "the copy", func() bool { s := c.status(t); return s.Waiting == 0 && s.Err == nil })
	if held := c.held(t, time.Time{}); !held[second.Name] || !held[third.Name] {
		t.Errorf("the target holds %v", held)
	}
	// And the waiting begins anew.
	fourth := c.put(t, "ws", "fourth")
	if !c.held(t, time.Time{})[fourth.Name] {
		t.Error("after it came back a file is acknowledged and not in the target")
	}
}

// TestCopyLater copies what was there before the target, marks what went, and
// deletes a copy when no point needs it.
func TestCopyLater(t *testing.T) {
	t.Parallel()
	c := newCopied(t, false)
	a, b := c.put(t, "ws", "a"), c.put(t, "ws", "b")
	until(t, "the copies", func() bool { return c.status(t).There == 2 })
	other, err := target.Open(target.Config{URL: "file://" + c.place + "-2", Tries: 1})
	if err == nil {
		err = other.(target.Preparer).Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	c.copies.Attach("two", other, false)
	until(t, "the copies of a later target", func() bool {
		all, err := c.copies.Status(t.Context())
		return err == nil && all["two"].There == 2
	})
	if err := c.copies.Detach(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	time.Sleep(2 * time.Millisecond)
	if err := c.store.Remove(t.Context(), "ws", a.Name); err != nil {
		t.Fatal(err)
	}
	again := func() { c.copies.Attach("one", c.target, false) } // looks at all files
	again()
	until(t, "the mark", func() bool { return !c.held(t, time.Time{})[a.Name] })
	if held := c.held(t, before); !held[a.Name] || !held[b.Name] {
		t.Errorf("before the removal the target holds %v", held)
	}
	if back := c.put(t, "ws", "a"); back.Name != a.Name {
		t.Fatal("another name")
	}
	until(t, "the file that came back", func() bool { return c.held(t, time.Time{})[a.Name] })
	if err := c.store.Remove(t.Context(), "ws", a.Name); err != nil {
		t.Fatal(err)
	}
	again()
	until(t, "the second mark", func() bool { return !c.held(t, time.Time{})[a.Name] })
	c.ahead.Store(int64(32 * 24 * time.Hour))
	again()
	until(t, "the end of the copy", func() bool { return !c.held(t, before)[a.Name] })
	if !c.held(t, time.Time{})[b.Name] {
		t.Error("a file that is there lost its copy")
	}
}

// TestCopyRestore fetches everything, checks each file on arrival and names the
// damaged one.
func TestCopyRestore(t *testing.T) {
	t.Parallel()
	c := newCopied(t, true)
	refs := map[string]string{}
	for i := range 12 {
		text := strings.Repeat(fmt.Sprint("content ", i, "\n"), 2000)
		refs[c.put(t, "ws", text).Name] = text
	}
	list, err := blob.Held(t.Context(), c.target, time.Time{})
	if err != nil || len(list) != 12 {
		t.Fatalf("%d files, %v", len(list), err)
	}
	bad := list[5]
	err = filepath.WalkDir(c.place, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), bad.Name) {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text[len(text)/2] ^= 1
			return os.WriteFile(path, text, 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "blobs")
	var last int64
	damaged, err := blob.RestoreAll(t.Context(), c.target, c.keys, list, dir, func(done, total int64) { last = total - done })
	if err != nil || last != 0 {
		t.Fatalf("%v, %d bytes to go", err, last)
	}
	if len(damaged) != 1 || damaged[0].Name != bad.Name || !strings.Contains(fault.Of(damaged[0].Err).Sentence, bad.Name) {
		t.Errorf("damaged: %v", damaged)
	}
	s, err := blob.Open(dir, c.keys)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range refs {
		r, err := s.Open(context.WithoutCancel(t.Context()), "ws", name)
		if name == bad.Name {
			if fault.Of(err).Kind != fault.NotFound {
				t.Errorf("the damaged file was kept: %v", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}
