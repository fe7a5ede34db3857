package backup

import (
	"context"
	"errors"
	"os"
	"time"

	"chatets/appliance/secret"
)

// FromArchive restores from a portable archive on a disk, in one file or in parts.
type FromArchive struct {
	Path string
	Now  func() time.Time
}

// Fill implements Source: the archive is read and verified to its end.
func (f FromArchive) Fill(ctx context.Context, dir string, unlock Unlock, told Told) (r Restored, keys *secret.Keyring, err error) {
	file, err := OpenArchiveFile(f.Path)
	if err != nil {
		return r, nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return ExtractArchive(ctx, ArchiveOrder{From: file, Dir: dir, Unlock: unlock, Now: f.Now, Told: func(step string, done int64) { told(step, done, file.Size) }})
}

// Erased implements Source. An archive cannot know what was erased after it.
func (f FromArchive) Erased(context.Context, *secret.Keyring, time.Time) ([]Erasure, error) {
	return nil, nil
}

// ArchiveThere reports whether there is a file of that name, or the first part of
// one.
func ArchiveThere(path string) bool {
	for _, name := range []string{path, partName(path, 1)} {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}
