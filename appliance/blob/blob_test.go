package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

const limit = 10 << 20

func store(t testing.TB) (*blob.Store, string) {
	t.Helper()
	keys, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := blob.Open(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func put(t testing.TB, s *blob.Store, workspace, text string) blob.Ref {
	t.Helper()
	ref, err := s.Put(context.Background(), workspace, strings.NewReader(text), limit)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func get(s *blob.Store, workspace, name string) (string, error) {
	r, err := s.Open(context.Background(), workspace, name)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), errors.Join(err, r.Close())
}

// files lists what lies in the folder, to see what a failure leaves behind.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPutAndOpen(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	noise := make([]byte, 3<<20)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for name, text := range map[string]string{
		"empty": "", "short": "a patient's words", "long and alike": strings.Repeat("line\n", 400_000), "long and random": string(noise),
	} {
		ref := put(t, s, "one", text)
		got, err := get(s, "one", ref.Name)
		if err != nil || got != text || ref.Size != int64(len(text)) {
			t.Errorf("%s: got %d bytes of %d, %v", name, len(got), ref.Size, err)
		}
	}
	for _, file := range files(t, dir) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("patient")) {
			t.Errorf("%s shows its content", file)
		}
	}
	same, again, other := put(t, s, "one", "same"), put(t, s, "one", "same"), put(t, s, "two", "same")
	if same != again || same.Name == other.Name {
		t.Errorf("names: %s and %s inside a workspace, %s in another", same.Name, again.Name, other.Name)
	}
	if _, err := get(s, "two", same.Name); !fault.Is(err, fault.NotFound) {
		t.Errorf("another workspace opens it: %v", err)
	}
	if names, err := s.List(t.Context(), "one"); err != nil || len(names) != 5 {
		t.Errorf("got %v, %v", names, err)
	}
	if has, err := s.Has("one", same.Name); !has || err != nil {
		t.Errorf("has %v, %v", has, err)
	}
	for range 2 {
		if err := s.Remove(t.Context(), "one", same.Name); err != nil {
			t.Fatal(err)
		}
	}
	if has, err := s.Has("one", same.Name); has || err != nil {
		t.Errorf("removed: has %v, %v", has, err)
	}
	if _, err := get(s, "one", same.Name); !fault.Is(err, fault.NotFound) {
		t.Errorf("a removed blob opens: %v", err)
	}
	if _, err := get(s, "two", other.Name); err != nil {
		t.Errorf("removing took another workspace's file: %v", err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		body func(cancel func()) io.Reader
		kind fault.Kind
	}{
		{"larger than the limit", func(func()) io.Reader { return strings.NewReader(strings.Repeat("x", limit+1)) }, fault.TooLarge},
		{"a broken connection", func(func()) io.Reader {
			return io.MultiReader(strings.NewReader("begin"), iotest.ErrReader(fault.New(fault.Malformed, "cut")))
		}, fault.Malformed},
		{"a person who stops it", func(cancel func()) io.Reader {
			return io.MultiReader(strings.NewReader("begin"), readerFunc(func([]byte) (int, error) { cancel(); return 0, nil }))
		}, fault.Cancelled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, dir := store(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if ref, err := s.Put(ctx, "one", tt.body(cancel), limit); !fault.Is(err, tt.kind) {
				t.Errorf("got %v, %v, want %s", ref, err, tt.kind)
			}
			if left := files(t, dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			if ref, err := s.Put(t.Context(), "one", strings.NewReader("next"), limit); err != nil || ref.Size != 4 {
				t.Errorf("the next one: %v, %v", ref, err)
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestHalfWrittenFilesOfADeadProcess(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	kept := put(t, s, "one", "kept")
	if err := os.WriteFile(filepath.Join(dir, ".tmp", "put-123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	if s, err = blob.Open(dir, keys); err != nil {
		t.Fatal(err)
	}
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	if text, err := get(s, "one", kept.Name); err != nil || text != "kept" {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestDamageIsNoticed changes files on the disk: wrong bytes are never given
// out as a whole file.
func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	text := strings.Repeat("Give 5 mg, never 50 mg. ", 5000)
	ref, other := put(t, s, "one", text), put(t, s, "one", "another document")
	path := func(name string) string { return filepath.Join(dir, "one", name[:2], name) }
	whole, err := os.ReadFile(path(ref.Name))
	if err != nil {
		t.Fatal(err)
	}
	swapped, err := os.ReadFile(path(other.Name))
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string][]byte{"cut": whole[:len(whole)-1], "emptied": {}, "swapped": swapped, "added to": append(bytes.Clone(whole), 1)}
	for range 40 {
		at := rand.IntN(len(whole))
		b := bytes.Clone(whole)
		b[at] ^= 1 << rand.IntN(8)
		damages[fmt.Sprintf("a bit at %d", at)] = b
	}
	for name, b := range damages {
		if err := os.WriteFile(path(ref.Name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := get(s, "one", ref.Name); err == nil {
			t.Errorf("%s: opens, %d bytes", name, len(got))
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			text := fmt.Sprintf("document %d", i%10)
			ref, err := s.Put(t.Context(), "one", strings.NewReader(text), limit)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := get(s, "one", ref.Name); err != nil || got != text {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	all.Wait()
	if left := files(t, dir); len(left) != 10 {
		t.Errorf("got %d files of 10 contents", len(left))
	}
}

// TestNames refuses what could leave the folder.
func TestNames(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	for _, name := range []string{"", "../../etc/passwd", strings.Repeat("g", 64), strings.Repeat("0", 63) + "/"} {
		if _, err := s.Open(t.Context(), "one", name); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, workspace := range []string{"", "..", "a/b", ".tmp", strings.Repeat("w", 65)} {
		if _, err := s.Put(t.Context(), workspace, strings.NewReader("x"), limit); err == nil {
			t.Errorf("workspace %q is taken", workspace)
		}
	}
}
