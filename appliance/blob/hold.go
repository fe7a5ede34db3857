package blob

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"chatets/appliance/secret"
)

// heldPrefix begins the names of blobs that were removed while somebody held
// what was there; they lie among the temporary files.
const heldPrefix = "held-"

// Hold keeps every blob readable for OpenHeld that is there now or comes later,
// even if it is removed, until release is called. A workspace that is shredded
// is not held back.
func (s *Store) Hold() (release func()) {
	s.moving.Lock()
	defer s.moving.Unlock()
	s.holders++
	return sync.OnceFunc(func() {
		s.moving.Lock()
		defer s.moving.Unlock()
		if s.holders--; s.holders == 0 {
			_ = s.dropHeld(heldPrefix) // the next start removes what stays
		}
	})
}

func (s *Store) heldPath(workspace, name string) string {
	return filepath.Join(s.dir, temporary, heldPrefix+workspace+"-"+name)
}

// takeAway removes a blob, or puts it aside while it is held.
func (s *Store) takeAway(workspace, name string) error {
	if s.holders > 0 {
		return os.Rename(s.path(workspace, name), s.heldPath(workspace, name))
	}
	return os.Remove(s.path(workspace, name))
}

func (s *Store) dropHeld(prefix string) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, temporary))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, temporary, e.Name())))
		}
	}
	return err
}

// ListHeld names the blobs of a workspace, in order, with those that were removed
// since it is held.
func (s *Store) ListHeld(ctx context.Context, workspace string) ([]string, error) {
	names, err := s.List(ctx, workspace)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, temporary))
	if err != nil {
		return nil, classify(fmt.Errorf("list the blobs: %w", err))
	}
	for _, e := range entries {
		if name, found := strings.CutPrefix(e.Name(), heldPrefix+workspace+"-"); found && nameForm.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// HeldWorkspaces is Workspaces with those whose last blob was removed since it is
// held, in order.
func (s *Store) HeldWorkspaces() ([]string, error) {
	names, err := s.Workspaces()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, temporary))
	if err != nil {
		return nil, classify(fmt.Errorf("list the blobs: %w", err))
	}
	for _, e := range entries {
		rest, found := strings.CutPrefix(e.Name(), heldPrefix)
		if workspace, name, ok := cutLast(rest, "-"); found && ok && valid(workspace, name) {
			names = append(names, workspace)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// OpenHeld is Open for a blob that may have been removed since it is held.
func (s *Store) OpenHeld(ctx context.Context, workspace, name string) (io.ReadCloser, error) {
	plain, err := s.Open(ctx, workspace, name)
	if errors.Is(err, fs.ErrNotExist) {
		return s.openFile(ctx, s.heldPath(workspace, name), workspace, name)
	}
	return plain, err
}

// SizeHeld is how many bytes a blob has on the disk, 0 where it is not there.
func (s *Store) SizeHeld(workspace, name string) int64 {
	for _, path := range []string{s.path(workspace, name), s.heldPath(workspace, name)} {
		if info, err := os.Stat(path); err == nil {
			return info.Size()
		}
	}
	return 0
}

// Valid reports whether a workspace and a name can be those of a blob.
func Valid(workspace, name string) bool { return valid(workspace, name) }

// Naming is what a blob of a workspace is named by: its sum over the content, in
// hexadecimal digits, is the name.
func Naming(keys *secret.Keyring, workspace string) hash.Hash {
	return hmac.New(sha256.New, keys.Sub("blob-name/"+workspace))
}
