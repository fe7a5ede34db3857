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
	"sync"

	"github.com/klauspost/compress/zstd"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// Open returns the plain content of a blob. A missing one is fault.NotFound. A
// changed or cut one ends in an error before a wrong byte is given; another
// blob in its place ends in an error instead of io.EOF.
func (s *Store) Open(ctx context.Context, workspace, name string) (io.ReadCloser, error) {
	if !valid(workspace, name) {
		return nil, missing
	}
	r, err := s.openFile(ctx, s.path(workspace, name), workspace, name)
	if f := s.refill.Load(); f != nil && err != nil && fault.Of(err).Code == fault.Of(missing).Code {
		if err := f.one(ctx, workspace, name); err != nil {
			return nil, err
		}
		return s.openFile(ctx, s.path(workspace, name), workspace, name)
	}
	return r, err
}

// openFile is Open for a file that has not its place yet.
func (s *Store) openFile(ctx context.Context, path, workspace, name string) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, missing.Because(err)
		}
		return nil, classify(fmt.Errorf("open a blob: %w", err))
	}
	plain, err := s.keys.OpenFor(workspace, purpose(workspace), file, []byte(workspace))
	if err != nil {
		_ = file.Close()
		return nil, broken(err)
	}
	unpacked, err := s.unpack(plain)
	if err != nil {
		_ = file.Close()
		return nil, broken(err)
	}
	sum := hmac.New(sha256.New, s.keys.Sub("blob-name/"+workspace))
	return &reader{ctx: ctx, file: file, zstd: unpacked, pool: &s.unpacker, sum: sum, name: name}, nil
}

// unpack is a decompressor of r.
func (s *Store) unpack(r io.Reader) (*zstd.Decoder, error) {
	if d, ok := s.unpacker.Get().(*zstd.Decoder); ok {
		if err := d.Reset(r); err != nil {
			d.Close()
			return nil, err
		}
		return d, nil
	}
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
}

// broken tells a damaged file from a disk that does not give it.
func broken(err error) error {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return fmt.Errorf("read a blob: %w", err)
	}
	return damaged.Because(err)
}

// reader gives plain bytes and, at the end, holds the content against its name:
// a sealed file put in another's place is noticed.
type reader struct {
	ctx  context.Context
	file *os.File
	zstd *zstd.Decoder
	pool *sync.Pool
	sum  hash.Hash
	name string
	end  error // given again once it was given
}

func (r *reader) Read(p []byte) (int, error) {
	if r.end != nil {
		return 0, r.end
	}
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.zstd.Read(p)
	r.sum.Write(p[:n])
	switch {
	case err == nil:
	case !errors.Is(err, io.EOF):
		r.end = broken(err)
	case hex.EncodeToString(r.sum.Sum(nil)) != r.name:
		r.end = damaged.Because(fmt.Errorf("the content does not belong to the name: %w", secret.ErrSealed))
	default:
		r.end = io.EOF
	}
	return n, r.end
}

// Close gives the file back. It may be closed twice.
func (r *reader) Close() error {
	if r.zstd != nil {
		// Nothing of the content stays in the pool.
		if err := r.zstd.Reset(nil); err == nil {
			r.pool.Put(r.zstd)
		} else {
			r.zstd.Close()
		}
		r.zstd, r.end = nil, fs.ErrClosed
		return r.file.Close()
	}
	return nil
}
