// Package blob keeps files: content-addressed, compressed with zstd and sealed.
// A file is named by an HMAC of its content under a key of its workspace, so
// equal content is kept once inside a workspace, and nobody who knows a file
// can find out whether another workspace has it.
//
// What a newcomer gets wrong: a blob belongs to whoever refers to it in the
// database. Put before the row is written, Remove after its deletion is
// committed and nobody else refers to the name.
package blob

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"github.com/klauspost/compress/zstd"

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
	dir  string
	keys *secret.Keyring
}

const temporary = "tmp"

var (
	nameForm      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	workspaceForm = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
)

// Open makes the folder where needed and removes what a killed process left
// half written.
func Open(dir string, keys *secret.Keyring) (*Store, error) {
	if err := os.RemoveAll(filepath.Join(dir, temporary)); err != nil {
		return nil, classify(fmt.Errorf("open the blob store: %w", err))
	}
	if err := os.MkdirAll(filepath.Join(dir, temporary), 0o700); err != nil {
		return nil, classify(fmt.Errorf("open the blob store: %w", err))
	}
	return &Store{dir: dir, keys: keys}, nil
}

// Put keeps what r gives, at most limit plain bytes, and returns once it is on
// the disk. More than limit is fault.TooLarge, a full disk fault.Full; nothing
// is left behind by a failure, and an error of r is returned as it is.
func (s *Store) Put(ctx context.Context, workspace string, r io.Reader, limit int64) (Ref, error) {
	if !workspaceForm.MatchString(workspace) {
		return Ref{}, fmt.Errorf("blob: %q is no workspace id", workspace)
	}
	part, err := os.CreateTemp(filepath.Join(s.dir, temporary), "put-*")
	if err != nil {
		return Ref{}, classify(fmt.Errorf("put a blob: %w", err))
	}
	kept := false
	defer func() {
		_ = part.Close()
		if !kept {
			_ = os.Remove(part.Name())
		}
	}()
	sum := hmac.New(sha256.New, s.keys.Sub("blob-name/"+workspace))
	size, err := s.write(ctx, part, workspace, r, sum, limit)
	if err != nil {
		return Ref{}, classify(err)
	}
	ref := Ref{Name: hex.EncodeToString(sum.Sum(nil)), Size: size}
	if err := s.keep(part, s.path(workspace, ref.Name)); err != nil {
		return Ref{}, classify(fmt.Errorf("put a blob: %w", err))
	}
	kept = true
	return ref, nil
}

// write compresses, seals and syncs the content, and sums its plain bytes.
func (s *Store) write(ctx context.Context, part *os.File, workspace string, r io.Reader, sum hash.Hash, limit int64) (int64, error) {
	sealed, err := s.keys.SealStream("blob/"+workspace, part, []byte(workspace))
	if err != nil {
		return 0, err
	}
	packed, err := zstd.NewWriter(sealed, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return 0, fmt.Errorf("put a blob: %w", err)
	}
	defer packed.Close()
	size, err := io.Copy(io.MultiWriter(packed, sum), &source{ctx: ctx, r: io.LimitReader(r, limit+1)})
	if err != nil {
		return 0, err
	}
	if size > limit {
		return 0, fault.New(fault.TooLarge, "The file is larger than %d MB.", limit/1_000_000).
			Cure("Split it, or ask an administrator to raise the limit.")
	}
	if err := errors.Join(packed.Close(), sealed.Close(), part.Sync()); err != nil {
		return 0, fmt.Errorf("put a blob: %w", err)
	}
	return size, nil
}

// source ends the copy when the caller has left.
type source struct {
	ctx context.Context
	r   io.Reader
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// keep renames the finished file to its name and makes both survive a power cut.
func (s *Store) keep(part *os.File, name string) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), name); err != nil {
		return err
	}
	for _, folder := range []string{dir, filepath.Dir(dir), s.dir} {
		if err := syncDir(folder); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open returns the plain content of a blob. A missing one is fault.NotFound; a
// changed or cut one ends in an error instead of wrong bytes.
func (s *Store) Open(ctx context.Context, workspace, name string) (io.ReadCloser, error) {
	if !nameForm.MatchString(name) || !workspaceForm.MatchString(workspace) {
		return nil, missing
	}
	f, err := os.Open(s.path(workspace, name))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, missing.Because(err)
		}
		return nil, fmt.Errorf("open a blob: %w", err)
	}
	opened, err := s.keys.OpenStream("blob/"+workspace, f, []byte(workspace))
	if err == nil {
		var unpacked *zstd.Decoder
		unpacked, err = zstd.NewReader(opened, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err == nil {
			sum := hmac.New(sha256.New, s.keys.Sub("blob-name/"+workspace))
			return &reader{ctx: ctx, file: f, zstd: unpacked, sum: sum, name: name}, nil
		}
	}
	_ = f.Close()
	return nil, damaged.Because(err)
}

var (
	missing = fault.New(fault.NotFound, "The stored file is missing.").Cure("Restore it from a backup, or add the document again.")
	damaged = fault.New(fault.Internal, "The stored file is damaged.").Code("file-damaged").Cure("Restore it from a backup, or add the document again.")
)

// reader gives plain bytes and, at the end, holds the content against its name:
// a sealed file put in another's place is noticed.
type reader struct {
	ctx  context.Context
	file *os.File
	zstd *zstd.Decoder
	sum  hash.Hash
	name string
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.zstd.Read(p)
	r.sum.Write(p[:n])
	switch {
	case errors.Is(err, io.EOF):
		if hex.EncodeToString(r.sum.Sum(nil)) != r.name {
			return n, damaged.Because(errors.New("the content does not belong to the name"))
		}
	case err != nil:
		return n, damaged.Because(err)
	}
	return n, err
}

func (r *reader) Close() error {
	r.zstd.Close()
	return r.file.Close()
}

// Remove deletes a blob; one that is not there is no error.
func (s *Store) Remove(_ context.Context, workspace, name string) error {
	if !nameForm.MatchString(name) || !workspaceForm.MatchString(workspace) {
		return missing
	}
	if err := os.Remove(s.path(workspace, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return classify(fmt.Errorf("remove a blob: %w", err))
	}
	return nil
}

// List names the blobs of a workspace, in order.
func (s *Store) List(ctx context.Context, workspace string) ([]string, error) {
	if !workspaceForm.MatchString(workspace) {
		return nil, missing
	}
	var names []string
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

func classify(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fault.New(fault.Full, "The disk of the data directory is full; nothing was saved.").
			Cure("Free space on it; reading goes on meanwhile.").Because(err)
	}
	return err
}
