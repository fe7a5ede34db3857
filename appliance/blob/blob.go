// Package blob keeps files: content-addressed, compressed with zstd and sealed.
// A file is named by an HMAC of its content under a key of its workspace, so
// equal content is kept once inside a workspace, and nobody who knows a file
// can find out whether another workspace has it.
//
// What a newcomer gets wrong: a blob belongs to whoever refers to it in the
// database, and equal content is one blob. Who has no lock around both steps of
// each side needs two rules, so that no row refers to a blob that another caller
// removes at that moment; they hold because updates of the database run one
// after the other:
//
//  1. Put comes before the row, and the update that writes the row asks Has.
//  2. The row is deleted first, in an update of its own. Then Remove is called
//     inside another update, once neither its transaction nor the committed
//     state (DB.Read) shows a row that refers to the name.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// Ref names a kept file.
type Ref struct {
	Name string // 64 hexadecimal digits
	Size int64  // bytes of the plain content
}

// Store is a folder of blobs. It is safe for concurrent use.
type Store struct {
	dir      string
	keys     *secret.Keyring
	packers  sync.Pool // *zstd.Encoder; each takes megabytes
	unpacker sync.Pool // *zstd.Decoder
	durable  sync.Map  // folders that this process has synced into their parent
	copies   atomic.Pointer[Copies]
	refill   atomic.Pointer[Refill]
	moving   sync.Mutex // a blob that is being sealed anew is not put back after it was removed
	holders  int        // under moving: who needs what is removed meanwhile
}

// temporary is no workspace id, so that the folder has no second meaning.
const temporary = ".tmp"

var (
	nameForm      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	workspaceForm = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
)

// The failures a person can do something about.
var (
	missing = fault.New(fault.NotFound, "The stored file is missing.").Code("file-missing").
		Cure("Restore it from a backup, or add the document again.")
	damaged = fault.New(fault.Internal, "The stored file is damaged.").Code("file-damaged").
		Cure("Restore it from a backup, or add the document again.")
	full = fault.New(fault.Full, "The disk of the data directory is full; the file was not kept.").
		Cure("Free space on it; reading goes on meanwhile.")
	unwritable = fault.New(fault.Unavailable, "The data directory cannot be written.").Code("data-unwritable").
			Cure("Check that the service's user owns it and that its file system is not mounted read-only.")
)

// Open makes the folder where needed and removes what a killed process left
// half written.
func Open(dir string, keys *secret.Keyring) (*Store, error) {
	s := &Store{dir: dir, keys: keys}
	if err := s.CleanTemp(); err != nil {
		return nil, err
	}
	return s, nil
}

// CleanTemp removes half-written files. It is called by Open; nothing may be
// put meanwhile.
func (s *Store) CleanTemp() error {
	tmp := filepath.Join(s.dir, temporary)
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o700)); err != nil {
		return classify(fmt.Errorf("open the blob store: %w", err))
	}
	return nil
}

// Has reports whether a blob is there. The transaction that refers to a blob
// asks this, because the last other reference to the same content may have
// gone since Put, and the blob with it.
func (s *Store) Has(workspace, name string) (bool, error) {
	if !valid(workspace, name) {
		return false, nil
	}
	_, err := os.Stat(s.path(workspace, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, classify(err)
}

// Remove deletes a blob; one that is not there is no error. It only unlinks a
// file, so it may be called inside an update, and must be: see the package.
func (s *Store) Remove(_ context.Context, workspace, name string) error {
	if !valid(workspace, name) {
		return missing
	}
	s.moving.Lock()
	defer s.moving.Unlock()
	if f := s.refill.Load(); f != nil {
		f.forget(workspace, name)
	}
	if err := s.takeAway(workspace, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return classify(fmt.Errorf("remove a blob: %w", err))
	}
	return nil
}

// RemoveAll deletes all blobs of a workspace that is gone.
func (s *Store) RemoveAll(workspace string) error {
	if !workspaceForm.MatchString(workspace) {
		return missing
	}
	s.moving.Lock()
	defer s.moving.Unlock()
	s.durable.Range(func(dir, _ any) bool {
		s.durable.Delete(dir) // the folder is made anew where the name comes back
		return true
	})
	return classify(errors.Join(os.RemoveAll(filepath.Join(s.dir, workspace)), s.dropHeld(heldPrefix+workspace+"-")))
}

// List names the blobs of a workspace, in order.
func (s *Store) List(ctx context.Context, workspace string) ([]string, error) {
	if !workspaceForm.MatchString(workspace) {
		return nil, missing
	}
	names := []string{}
	err := filepath.WalkDir(filepath.Join(s.dir, workspace), func(_ string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !d.IsDir() && nameForm.MatchString(d.Name()):
			names = append(names, d.Name())
		}
		return ctx.Err()
	})
	slices.Sort(names)
	return names, err
}

// path spreads the blobs of a workspace over 256 folders.
func (s *Store) path(workspace, name string) string {
	return filepath.Join(s.dir, workspace, name[:2], name)
}

// valid keeps names from leaving the folder.
func valid(workspace, name string) bool {
	return workspaceForm.MatchString(workspace) && nameForm.MatchString(name)
}

func classify(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return full.Because(err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return unwritable.Because(err)
	}
	return err
}
