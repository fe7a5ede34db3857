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
	"math"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/klauspost/compress/zstd"

	"chatets/appliance/fault"
)

const (
	// spare is what uploads leave on the disk for the database: without space
	// nobody could sign in, ask, or delete to make room.
	spare = 48 << 20
	// stride is how many bytes are written between two looks at the disk.
	stride = 8 << 20
)

// Put keeps what r gives, at most limit plain bytes, and returns once it is on
// the disk. More than limit is fault.TooLarge, a disk without room fault.Full;
// nothing is left behind by a failure, and an error of r is returned as it is.
func (s *Store) Put(ctx context.Context, workspace string, r io.Reader, limit int64) (Ref, error) {
	if !workspaceForm.MatchString(workspace) {
		return Ref{}, fmt.Errorf("blob: %q is no workspace id", workspace)
	}
	if err := s.room(); err != nil {
		return Ref{}, err
	}
	part, err := os.CreateTemp(filepath.Join(s.dir, temporary), "put-*") // makes it with mode 0600
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
	size, release, err := s.write(ctx, part, workspace, r, sum, limit)
	defer release()
	if err != nil {
		return Ref{}, err
	}
	ref := Ref{Name: hex.EncodeToString(sum.Sum(nil)), Size: size}
	if f := s.refill.Load(); f != nil {
		f.remember(workspace, ref.Name)
	}
	if err := s.keep(part, s.path(workspace, ref.Name)); err != nil {
		return Ref{}, classify(fmt.Errorf("put a blob: %w", err))
	}
	kept = true
	if c := s.copies.Load(); c != nil {
		if err := c.kept(ctx, workspace, ref.Name); err != nil {
			return Ref{}, err
		}
	}
	return ref, nil
}

// write compresses, seals and syncs the content, and sums its plain bytes. Until
// release is called its key is not destroyed.
func (s *Store) write(ctx context.Context, part *os.File, workspace string, r io.Reader, sum hash.Hash, limit int64) (size int64, release func(), err error) {
	sealed, release, err := s.keys.SealFor(workspace, part, []byte(workspace))
	if err != nil {
		return 0, func() {}, classify(fmt.Errorf("put a blob: %w", err))
	}
	size, err = s.pack(ctx, part, sealed, r, sum, limit)
	return size, release, err
}

func (s *Store) pack(ctx context.Context, part *os.File, sealed io.WriteCloser, r io.Reader, sum hash.Hash, limit int64) (int64, error) {
	packed, err := s.packer(sealed)
	if err != nil {
		return 0, fmt.Errorf("put a blob: %w", err)
	}
	defer s.packers.Put(packed)
	body := &source{ctx: ctx, r: io.LimitReader(r, min(limit, math.MaxInt64-1)+1), room: s.room}
	size, err := io.Copy(io.MultiWriter(packed, sum), body)
	switch {
	case body.err != nil:
		return 0, body.err
	case err != nil:
		return 0, classify(fmt.Errorf("put a blob: %w", err))
	case size > limit:
		return 0, fault.New(fault.TooLarge, "The file is larger than %s.", bytesOf(limit)).
			Cure("Split it, or ask an administrator to raise the limit.")
	}
	if err := errors.Join(packed.Close(), sealed.Close(), part.Sync()); err != nil {
		return 0, classify(fmt.Errorf("put a blob: %w", err))
	}
	return size, nil
}

// packer is a compressor for w. Its window is smaller than usual: sixty-four
// uploads at once must not take half a gigabyte.
func (s *Store) packer(w io.Writer) (*zstd.Encoder, error) {
	if e, ok := s.packers.Get().(*zstd.Encoder); ok {
		e.Reset(w)
		return e, nil
	}
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
}

// source ends the copy when the caller has left, r fails or the disk has no
// room, and remembers that it was not the writing that failed.
type source struct {
	ctx  context.Context
	r    io.Reader
	room func() error
	read int64 // since the last look at the disk
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err = s.ctx.Err(); s.err != nil {
		return 0, s.err
	}
	if s.read >= stride {
		s.read = 0
		if s.err = s.room(); s.err != nil {
			return 0, s.err
		}
	}
	n, err := s.r.Read(p)
	s.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// room refuses files before the database has no space left.
func (s *Store) room() error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &disk); err != nil {
		return fmt.Errorf("look at the disk: %w", err)
	}
	if free := int64(disk.Bavail) * int64(disk.Bsize); free < spare {
		return full.Because(fmt.Errorf("%d bytes are free, and %d are kept for the database", free, spare))
	}
	return nil
}

// keep gives the finished file its name and makes both survive a power cut. A
// file of that name has the same content; replacing it heals one that was damaged.
func (s *Store) keep(part *os.File, name string) error {
	dir := filepath.Dir(name)
	for _, folder := range []string{filepath.Dir(dir), dir} {
		if err := s.folder(folder); err != nil {
			return err
		}
	}
	if err := os.Rename(part.Name(), name); err != nil {
		return err
	}
	return syncDir(dir)
}

// folder makes a folder that survives a power cut.
func (s *Store) folder(dir string) error {
	if _, done := s.durable.Load(dir); done {
		return nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	s.durable.Store(dir, true)
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func purpose(workspace string) string { return "blob/" + workspace }

// bytesOf writes a limit as people say it.
func bytesOf(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "KB"}} {
		if n >= unit.size {
			return strconv.FormatFloat(math.Round(float64(n)/float64(unit.size)*10)/10, 'f', -1, 64) + " " + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
