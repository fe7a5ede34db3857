package sqlite

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// reserveSize is small against any disk and enough for the deletions with which
// an administrator makes room.
const reserveSize = 16 << 20

// reserve is a file that only takes space. SQLite needs space even to delete,
// so a full disk could not be mended without something to give up.
type reserve struct {
	file  string
	size  int64 // 0 = no reserve is kept
	log   *slog.Logger
	held  atomic.Bool
	tried time.Time // when it was last given up or taken; the writer's alone
}

// hold takes the space if the disk has plenty. Having no reserve is no failure.
func (r *reserve) hold() {
	if r.size <= 0 || r.held.Load() || space(filepath.Dir(r.file)) < 4*r.size {
		return
	}
	if err := fill(r.file, r.size); err != nil {
		r.log.Warn("no reserve for a full disk can be kept", "error", err)
		_ = os.Remove(r.file)
		return
	}
	r.held.Store(true)
}

// find notices the reserve of an earlier run.
func (r *reserve) find() {
	info, err := os.Stat(r.file)
	r.held.Store(err == nil && info.Size() > 0)
}

// free gives the space up, once, and says so; false when there is none.
func (r *reserve) free(now time.Time) bool {
	r.tried = now
	if !r.held.CompareAndSwap(true, false) {
		return false
	}
	if err := os.Remove(r.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.log.Error("the disk is full and the reserve cannot be freed", "error", err)
		return false
	}
	r.log.Error("the disk is full; the reserve was freed, so a little can still be written: free space now", "freed", r.size)
	return true
}

// restore takes the space again once the disk has room; it looks once a minute.
func (r *reserve) restore(now time.Time) {
	if r.held.Load() || r.size <= 0 || now.Sub(r.tried) < time.Minute {
		return
	}
	r.tried = now
	if r.hold(); r.held.Load() {
		r.log.Info("the disk has room again; the reserve is back", "bytes", r.size)
	}
}

// fill makes a file that really has its blocks.
func fill(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		// Zeros would take no space where the file system compresses.
		_, err = io.CopyN(f, rand.Reader, size)
	}
	return errors.Join(err, f.Close())
}

// space is what the disk of a directory has left, in bytes.
func space(dir string) int64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
