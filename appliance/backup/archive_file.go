package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"chatets/appliance/fault"
)

// partName is the name of a part of an archive that was split.
func partName(path string, n int) string { return fmt.Sprintf("%s.%03d", path, n) }

// unfinished is appended to the names of an archive that is being written.
const unfinished = ".part"

// ArchiveFile is an archive on a disk, in one file or in parts.
type ArchiveFile struct {
	io.Reader
	Size  int64
	Parts int // 0 = it is one file
	files []*os.File
}

// OpenArchiveFile opens an archive and sees by its last bytes that it is all there.
func OpenArchiveFile(path string) (a *ArchiveFile, err error) {
	a = &ArchiveFile{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	names := []string{path}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		names = nil
		for n := 1; ; n++ {
			if _, err := os.Stat(partName(path, n)); err != nil {
				break
			}
			names = append(names, partName(path, n))
		}
		if a.Parts = len(names); a.Parts == 0 {
			return a, fault.New(fault.NotFound, "There is no archive %s, and none in parts that begins with %s.", path, partName(path, 1)).
				Cure("Check the name; of an archive in parts give the name without .001.")
		}
	}
	var readers []io.Reader
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			return a, fault.New(fault.Forbidden, "The archive %s cannot be opened.", name).Cure("Give your user the right to read it.").Because(err)
		}
		a.files = append(a.files, file)
		info, err := file.Stat()
		if err != nil {
			return a, err
		}
		if !info.Mode().IsRegular() {
			return a, noArchive.Because(fmt.Errorf("%s is no file", name))
		}
		a.Size += info.Size()
		readers = append(readers, file)
	}
	// What is no archive at all is told before what has no end.
	var magic [len(archiveMagic)]byte
	if n, err := a.files[0].ReadAt(magic[:], 0); !errors.Is(err, io.EOF) && err != nil {
		return a, unreadableArchive(err)
	} else if string(magic[:n]) != archiveMagic {
		return a, noArchive
	}
	if err := ArchiveFoot(a, a.Size); err != nil {
		return a, err
	}
	a.Reader = io.MultiReader(readers...)
	return a, nil
}

// ReadAt reads over the borders of the parts.
func (a *ArchiveFile) ReadAt(p []byte, off int64) (n int, err error) {
	for _, file := range a.files {
		info, err := file.Stat()
		if err != nil {
			return n, err
		}
		if off >= info.Size() {
			off -= info.Size()
			continue
		}
		got, err := file.ReadAt(p[n:], off)
		n += got
		if n == len(p) || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		off = 0
	}
	return n, io.EOF
}

// Close closes the files.
func (a *ArchiveFile) Close() error {
	var errs []error
	for _, f := range a.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// WriteArchiveFile writes an archive as it comes into a file, or into parts of at
// most split bytes. It has other names until it is whole, and nothing is left of
// one that fails. told is called with its head and how many bytes are written.
func WriteArchiveFile(ctx context.Context, path string, split int64, from io.Reader, told func(h ArchiveHead, done int64)) (h ArchiveHead, size int64, err error) {
	for _, name := range []string{path, partName(path, 1)} {
		if _, err := os.Lstat(name); err == nil {
			return h, 0, fault.New(fault.Conflict, "There is a file %s already.", name).Code("archive-exists").Cure("Choose another name, or move it away.")
		}
	}
	w := &partsWriter{ctx: ctx, path: path, split: split}
	h, size, err = CopyArchive(w, from, told)
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		err = errors.Join(writeFailed(path, err), w.drop())
	}
	return h, size, err
}

// CopyArchive copies an archive and sees that all of it came.
func CopyArchive(to io.Writer, from io.Reader, told func(h ArchiveHead, done int64)) (h ArchiveHead, size int64, err error) {
	var start bytes.Buffer
	counted := &counting{from: from}
	copied := io.TeeReader(counted, to)
	if h, _, err = ReadArchiveHead(io.TeeReader(copied, &start)); err != nil {
		return h, 0, err
	}
	counted.told = func() { told(h, counted.n) }
	f := newFooted(copied, start.Bytes())
	err = f.verdict()
	return h, counted.n, err
}

// counting tells how many bytes were read.
type counting struct {
	from io.Reader
	n    int64
	told func()
}

// Read counts.
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	if c.told != nil {
		c.told()
	}
	return n, err
}

func writeFailed(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fault.New(fault.Full, "The disk of %s is full; nothing was left there.", path).Code("archive-disk-full").
			Cure("Choose a larger disk, or split the archive over several: --split 4G").Because(err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Forbidden, "The archive %s cannot be written.", path).Code("archive-unwritable").
			Cure("See that the folder is there, that your user may write to it, and that it is not mounted read-only.").Because(err)
	}
	return err
}

// partsWriter writes one file, or parts of it.
type partsWriter struct {
	ctx   context.Context
	path  string
	split int64 // 0 = one file
	file  *os.File
	room  int64 // in the file
	names []string
}

// Write begins another part where one is full.
func (w *partsWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if err := w.ctx.Err(); err != nil {
			return n, err
		}
		if w.file == nil || w.split > 0 && w.room == 0 {
			if err := w.next(); err != nil {
				return n, err
			}
		}
		now := p
		if w.split > 0 {
			now = p[:min(int64(len(p)), w.room)]
		}
		got, err := w.file.Write(now)
		n, w.room, p = n+got, w.room-int64(got), p[got:]
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (w *partsWriter) next() (err error) {
	if err := w.close(); err != nil {
		return err
	}
	name := w.path
	if w.split > 0 {
		name = partName(w.path, len(w.names)+1)
	}
	// One that a kill left is written over.
	if w.file, err = os.OpenFile(name+unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	w.names, w.room = append(w.names, name), w.split
	return nil
}

func (w *partsWriter) close() error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.file.Sync(), w.file.Close())
	w.file = nil
	return err
}

// finish gives the parts their names, the first last: without it there is no
// archive.
func (w *partsWriter) finish() error {
	if err := w.close(); err != nil {
		return err
	}
	for i := len(w.names) - 1; i >= 0; i-- {
		if err := os.Rename(w.names[i]+unfinished, w.names[i]); err != nil {
			return err
		}
	}
	return syncFolder(filepath.Dir(w.path))
}

// drop takes away what was written.
func (w *partsWriter) drop() error {
	if w.file != nil {
		_ = w.file.Close()
	}
	var errs []error
	for _, name := range w.names {
		for _, n := range []string{name, name + unfinished} {
			if err := os.Remove(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // a file system that cannot, such as those of removable disks
	}
	return errors.Join(err, d.Close())
}
