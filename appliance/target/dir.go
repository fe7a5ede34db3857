package target

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"syscall"

	"chatets/appliance/fault"
)

// mark is the file by which a directory is known to be the target, and not the
// empty place where its disk would be mounted.
const mark = ".chatets-target"

// directory is a target on this machine: another disk, a removable one, or a
// mounted share.
type directory struct {
	root  string
	fresh bool
}

// String is the directory's URL.
func (d *directory) String() string { return "file://" + d.root }

// Close has nothing to give back.
func (d *directory) Close() error { return nil }

// Prepare makes the directory and marks it; only a target that is being added is
// prepared.
func (d *directory) Prepare(ctx context.Context) error {
	if err := os.MkdirAll(d.root, 0o700); err != nil {
		return d.classify(err)
	}
	file, err := os.OpenFile(filepath.Join(d.root, mark), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return d.classify(err)
	}
	if err := errors.Join(file.Sync(), file.Close(), syncFolder(d.root)); err != nil {
		return d.classify(err)
	}
	return ctx.Err()
}

// there refuses to write where the disk is not: files would fill the wrong one
// and be hidden when it comes back.
func (d *directory) there() error {
	if d.fresh {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(d.root, mark)); err != nil {
		return fault.New(fault.Unavailable, "The backup target %s cannot be reached: the mark of a backup target (%s) is not there.", d, mark).Code("target-away").
			Cure("Check that its disk is mounted, and that this is the folder backups are written to; what waits is sent as soon as it is back.").Because(err)
	}
	return nil
}

// Put writes into a file beside the name, reads it back by its checksum, and
// gives it the name when it is on the disk.
func (d *directory) Put(ctx context.Context, name string, r io.Reader, size int64) error {
	temporary, err := d.write(ctx, name, r, size)
	if err != nil {
		return err
	}
	final := d.path(name)
	err = os.Rename(temporary, final)
	if err != nil {
		return d.classify(errors.Join(err, os.Remove(temporary)))
	}
	return d.classify(syncFolder(filepath.Dir(final)))
}

// PutIfAbsent gives the finished file its name by a link, which fails where the
// name is taken; file systems without links get it by exclusive creation.
func (d *directory) PutIfAbsent(ctx context.Context, name string, data []byte) error {
	temporary, err := d.write(ctx, name, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	final := d.path(name)
	err = os.Link(temporary, final)
	switch {
	case err == nil, errors.Is(err, fs.ErrExist):
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS):
		err = exclusive(final, data)
	}
	_ = os.Remove(temporary)
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	if err == nil {
		err = syncFolder(filepath.Dir(final))
	}
	return d.classify(err)
}

func exclusive(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// write makes the temporary file of a name.
func (d *directory) write(ctx context.Context, name string, r io.Reader, size int64) (string, error) {
	if !validName(name) {
		return "", badName(name)
	}
	if err := d.there(); err != nil {
		return "", err
	}
	final := d.path(name)
	if err := d.folder(filepath.Dir(final)); err != nil {
		return "", d.classify(err)
	}
	temporary := filepath.Join(filepath.Dir(final), part+random())
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return "", d.classify(err)
	}
	sum := crc32.New(castagnoli())
	n, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(&live{ctx: ctx, r: r}, size+1))
	if err == nil && n != size {
		err = fmt.Errorf("%s: %d bytes came instead of %d: %w", name, n, size, io.ErrUnexpectedEOF)
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = same(file, size, sum.Sum32())
	}
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(temporary)
		return "", d.classify(err)
	}
	return temporary, nil
}

// same reads a written file once more.
func same(file io.ReadSeeker, size int64, want uint32) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := crc32.New(castagnoli())
	n, err := io.Copy(sum, file)
	if err != nil {
		return err
	}
	if n != size || sum.Sum32() != want {
		return fmt.Errorf("what was written reads differently: %w", io.ErrUnexpectedEOF)
	}
	return nil
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// folder makes the folders of a name so that they survive a power cut.
func (d *directory) folder(dir string) error {
	if _, err := os.Stat(dir); err == nil || dir == d.root {
		return err
	}
	parent := filepath.Dir(dir)
	if err := d.folder(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(parent)
}

// Get opens a part of a file.
func (d *directory) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if !validName(name) {
		return nil, ErrNotFound
	}
	file, err := os.Open(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		if gone := d.there(); gone != nil {
			return nil, gone
		}
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, d.classify(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err == nil {
		_, err = file.Seek(offset, io.SeekStart)
	}
	if err != nil {
		_ = file.Close()
		return nil, d.classify(err)
	}
	return &body{r: file, left: span(info.Size(), offset, length), ctx: ctx, where: d.String()}, nil
}

// List reads the folders below the prefix.
func (d *directory) List(ctx context.Context, prefix, after string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := d.there(); err != nil {
			yield(Object{}, err)
			return
		}
		tree{prefix: prefix, after: after, read: func(_ context.Context, folder string) ([]entry, error) {
			found, err := os.ReadDir(d.path(folder))
			if err != nil {
				return nil, d.classify(err)
			}
			entries := make([]entry, 0, len(found))
			for _, f := range found {
				e := entry{name: f.Name(), folder: f.IsDir()}
				if !e.folder {
					info, err := f.Info()
					if errors.Is(err, fs.ErrNotExist) {
						continue // deleted meanwhile
					}
					if err != nil {
						return nil, d.classify(err)
					}
					e.size = info.Size()
				}
				entries = append(entries, e)
			}
			return entries, nil
		}}.walk(ctx, folderOf(prefix), yield)
	}
}

// Delete unlinks a file.
func (d *directory) Delete(_ context.Context, name string) error {
	if !validName(name) {
		return badName(name)
	}
	if err := d.there(); err != nil {
		return err
	}
	err := os.Remove(d.path(name))
	switch {
	case err == nil:
		return d.classify(syncFolder(filepath.Dir(d.path(name))))
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EPERM):
		return errors.Join(ErrNoDelete, err)
	}
	return d.classify(err)
}

func (d *directory) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d *directory) classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return full(d.String(), err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return cut(d.String(), err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return refused(d.String(), err)
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.ESTALE), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENOTCONN):
		return away(d.String(), err)
	}
	return err
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // a file system that cannot, such as some shares
	}
	return errors.Join(err, d.Close())
}

func random() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return hex.EncodeToString(b)
}
