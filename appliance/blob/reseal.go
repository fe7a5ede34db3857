package blob

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"chatets/appliance/secret"
)

// Workspaces names the workspaces that have blobs.
func (s *Store) Workspaces() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, classify(fmt.Errorf("list the blobs: %w", err))
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != temporary && workspaceForm.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Old counts the blobs of a workspace that are sealed with another key than its
// current one, and all.
func (s *Store) Old(ctx context.Context, workspace string) (old, all int, err error) {
	names, err := s.List(ctx, workspace)
	if err != nil {
		return 0, 0, err
	}
	for _, name := range names {
		is, err := s.isOld(workspace, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		if all++; is {
			old++
		}
	}
	return old, all, ctx.Err()
}

func (s *Store) isOld(workspace, name string) (bool, error) {
	file, err := os.Open(s.path(workspace, name))
	if err != nil {
		return false, err
	}
	defer file.Close()
	head := make([]byte, secret.HeadSize)
	if _, err := io.ReadFull(file, head); err != nil {
		return true, nil // damaged: whoever reads it says so
	}
	return secret.ScopedNumberOf(head) != s.keys.CurrentFor(workspace), nil
}

// Reseal seals a workspace's blobs with its current key that are sealed with
// another. It may be stopped and begun again at any time; readers go on. told is
// called with how many of all are done. A damaged blob is left and counted.
func (s *Store) Reseal(ctx context.Context, workspace string, told func(done, all int)) (damagedOnes int, err error) {
	names, err := s.List(ctx, workspace)
	if err != nil {
		return 0, err
	}
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return damagedOnes, err
		}
		err := s.resealOne(ctx, workspace, name)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, missing):
		case errors.Is(err, secret.ErrSealed):
			damagedOnes++
		case err != nil:
			return damagedOnes, err
		}
		told(i+1, len(names))
	}
	return damagedOnes, nil
}

// resealOne reads a blob to its end, holding the content against its name, into a
// new file that then takes its place.
func (s *Store) resealOne(ctx context.Context, workspace, name string) error {
	old, err := s.isOld(workspace, name)
	if err != nil || !old {
		return err
	}
	if err := s.room(); err != nil {
		return err
	}
	plain, err := s.Open(ctx, workspace, name)
	if err != nil {
		return err
	}
	defer plain.Close()
	part, err := os.CreateTemp(filepath.Join(s.dir, temporary), "seal-*")
	if err != nil {
		return classify(fmt.Errorf("seal a blob anew: %w", err))
	}
	defer func() { _ = errors.Join(part.Close(), os.Remove(part.Name())) }() // gone where it took its place
	sum := hmac.New(sha256.New, s.keys.Sub("blob-name/"+workspace))
	_, release, err := s.write(ctx, part, workspace, plain, sum, math.MaxInt64-1)
	defer release()
	if err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != name {
		return damaged.Because(secret.ErrSealed)
	}
	if err := s.replace(part.Name(), workspace, name); err != nil {
		return err
	}
	if c := s.copies.Load(); c != nil {
		return c.resealed(ctx, workspace, name)
	}
	return nil
}

func (s *Store) replace(part, workspace, name string) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	if _, err := os.Stat(s.path(workspace, name)); err != nil {
		return err // removed meanwhile: it stays so
	}
	if err := os.Rename(part, s.path(workspace, name)); err != nil {
		return classify(fmt.Errorf("seal a blob anew: %w", err))
	}
	return syncDir(filepath.Dir(s.path(workspace, name)))
}
