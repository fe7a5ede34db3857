package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

const (
	// unfinishedMark lies in a directory that is being restored; whoever finds it
	// may throw the directory away.
	unfinishedMark = "unfinished"
	lockName       = "lock"
	newSuffix      = ".new"
	asideSuffix    = ".before-"
)

// Staging is a data directory that grows beside the one whose place it takes. Make
// it with Stage, fill New, then Switch; Drop gives it up. A process that is killed
// at any moment leaves in the place a whole directory: the old one or the new one.
type Staging struct {
	Dir string // whose place is taken
	New string // beside it; whatever is restored is written here
	// Told is called before each step that a stop may come between; nil = nobody.
	Told func(step string)

	there bool         // something is in the place
	made  bool         // the lock file in the place is ours
	lock  *sqlite.Lock // of the place; nil where the caller has it
	own   *sqlite.Lock // of New
}

// Stage begins a directory beside dir. With held the caller has the claim on dir
// itself: a service that goes on while it restores.
//
//  1. What a stop between the renames of an earlier switch left is ended.
//  2. The place must not be in use, and must be one that a rename can replace.
//  3. What an earlier restore left half done is removed; anything else that is
//     found under the name is put aside, never deleted.
func Stage(dir string, held bool, now time.Time) (*Staging, error) {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if err := Settle(dir); err != nil {
		return nil, err
	}
	s := &Staging{Dir: dir, New: dir + newSuffix}
	if err := s.claim(held); err != nil {
		return nil, errors.Join(err, s.release())
	}
	if err := s.begin(now); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// claim claims the place, where there is something.
func (s *Staging) claim(held bool) error {
	up := filepath.Dir(s.Dir)
	if err := os.MkdirAll(up, 0o755); err != nil {
		return unmade(up, err)
	}
	info, err := os.Stat(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unmade(s.Dir, err)
	}
	if !info.IsDir() {
		return fault.New(fault.Conflict, "%s is not a directory.", s.Dir).Cure("Name the directory to restore to with --to.")
	}
	s.there = true
	if above, err := os.Stat(up); err != nil {
		return unmade(up, err)
	} else if device(above) != device(info) {
		return fault.New(fault.Conflict, "The directory %s is a file system of its own, and nothing can take its place.", s.Dir).Code("restore-mount").
			Cure("Keep the data in a directory below it: name %s with --to, and from then on as the data directory.", filepath.Join(s.Dir, "data"))
	}
	if held {
		return nil
	}
	_, err = os.Lstat(filepath.Join(s.Dir, lockName))
	s.made = errors.Is(err, fs.ErrNotExist)
	s.lock, err = sqlite.Claim(s.Dir)
	return err
}

// begin makes New.
func (s *Staging) begin(now time.Time) error {
	switch _, err := os.Lstat(s.New); {
	case err == nil:
		if err := s.clearWay(now); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return unmade(s.New, err)
	}
	if err := os.Mkdir(s.New, 0o700); err != nil {
		return unmade(s.New, err)
	}
	err := s.mark()
	if err == nil {
		s.own, err = sqlite.Claim(s.New)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(s.New))
	}
	return nil
}

// mark says that New is unfinished.
func (s *Staging) mark() error {
	err := os.WriteFile(filepath.Join(s.New, unfinishedMark), []byte("A restore that has not ended; this directory may be deleted.\n"), 0o600)
	if err != nil {
		return unmade(s.New, err)
	}
	return syncPath(s.New)
}

// clearWay takes away what lies under the name of New.
func (s *Staging) clearWay(now time.Time) error {
	if _, err := os.Lstat(filepath.Join(s.New, unfinishedMark)); errors.Is(err, fs.ErrNotExist) {
		return putAside(s.New, asideName(s.Dir, now))
	}
	lock, err := sqlite.Claim(s.New)
	if err != nil {
		if fault.Of(err).Code == "in-use" {
			return fault.New(fault.Conflict, "Another restore to %s is under way.", s.Dir).Code("in-use").Cure("Wait for its end.").Because(err)
		}
		return err
	}
	return errors.Join(lock.Close(), os.RemoveAll(s.New))
}

// Switch puts New in the place. aside is where the old directory lies now, ""
// where there was none; nothing of it is changed.
//
//  1. What was written reaches the disk and belongs to who owned the place.
//  2. The mark goes: from here on New is a data directory.
//  3. The two change their names at once; where the file system cannot do that, in
//     two steps, between which Settle knows what to do.
//  4. The old one gets the name it keeps.
func (s *Staging) Switch(now time.Time) (aside string, err error) {
	told := s.Told
	if told == nil {
		told = func(string) {}
	}
	told(StepSwitch)
	if err := s.settleFiles(); err != nil {
		return "", err
	}
	if err := errors.Join(os.Remove(filepath.Join(s.New, unfinishedMark)), syncPath(s.New)); err != nil {
		return "", unmade(s.New, err)
	}
	told("marked")
	up := filepath.Dir(s.Dir)
	if !s.there {
		if err := errors.Join(os.Rename(s.New, s.Dir), syncPath(up)); err != nil {
			return "", errors.Join(unmade(s.Dir, err), s.mark())
		}
		return "", s.release()
	}
	aside = asideName(s.Dir, now)
	err = exchange(s.New, s.Dir)
	switch {
	case err == nil:
		told("exchanged")
		if err = syncPath(up); err != nil {
			err = errors.Join(err, exchange(s.New, s.Dir))
			break
		}
		// From here on the new one is in the place, and nothing takes it back.
		if os.Rename(s.New, aside) != nil {
			aside = s.New
		}
		_ = syncPath(up)
	case notExchanged(err):
		if err = os.Rename(s.Dir, aside); err == nil {
			told("moved")
			if err = os.Rename(s.New, s.Dir); err != nil {
				err = errors.Join(err, os.Rename(aside, s.Dir))
			}
			err = errors.Join(err, syncPath(up))
		}
	}
	if err != nil {
		// It is whole and not in the place: whoever gives up may throw it away.
		return "", errors.Join(unmade(s.Dir, err), s.mark())
	}
	if s.made {
		s.made = false
		err = os.Remove(filepath.Join(aside, lockName))
	}
	return aside, errors.Join(err, s.release())
}

// exchange lets two directories change their names at once.
func exchange(one, other string) error {
	return unix.Renameat2(unix.AT_FDCWD, one, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE)
}

// notExchanged says that the file system cannot do that.
func notExchanged(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP)
}

// Drop gives the restore up: nothing is left of it, and the place is as it was.
func (s *Staging) Drop() error {
	if _, err := os.Lstat(filepath.Join(s.New, unfinishedMark)); err != nil {
		return s.release() // it is in the place, or something else lies under its name
	}
	return errors.Join(os.RemoveAll(s.New), s.release())
}

func (s *Staging) release() error {
	var errs []error
	if s.own != nil {
		errs = append(errs, s.own.Close())
	}
	if s.lock != nil {
		if s.made {
			// Made by root it would keep the service out.
			errs = append(errs, os.Remove(filepath.Join(s.Dir, lockName)))
		}
		errs = append(errs, s.lock.Close())
	}
	s.own, s.lock = nil, nil
	return errors.Join(errs...)
}

// settleFiles gives what root wrote to who owned the place, and sees that all of
// it is on the disk.
func (s *Staging) settleFiles() error {
	if info, err := os.Stat(s.Dir); err == nil && os.Geteuid() == 0 {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
			err := filepath.WalkDir(s.New, func(path string, _ fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				return os.Lchown(path, int(owner.Uid), int(owner.Gid))
			})
			if err != nil {
				return fmt.Errorf("give the restored directory to its owner: %w", err)
			}
		}
	}
	dir, err := os.Open(s.New)
	if err != nil {
		return unmade(s.New, err)
	}
	if err := errors.Join(unix.Syncfs(int(dir.Fd())), dir.Close()); err != nil {
		return unmade(s.New, err)
	}
	return nil
}

// Undo takes back a switch: what was put aside is in the place again, and what was
// restored is gone.
func Undo(dir, aside string) error {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	mark := filepath.Join(dir, unfinishedMark)
	if err := os.WriteFile(mark, []byte("A restore that was taken back; this directory may be deleted.\n"), 0o600); err != nil {
		return unmade(dir, err)
	}
	gone := aside
	err := exchange(aside, dir)
	if notExchanged(err) {
		gone = dir + newSuffix
		err = errors.Join(os.Rename(dir, gone), os.Rename(aside, dir))
	}
	if err := errors.Join(err, syncPath(filepath.Dir(dir))); err != nil {
		return unmade(dir, err)
	}
	return os.RemoveAll(gone)
}

// Settle ends a switch that was stopped between two renames: the place is empty
// and a whole restored directory lies beside it.
func Settle(dir string) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	next := dir + newSuffix
	if _, err := os.Lstat(filepath.Join(next, restoredMark)); err != nil {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(next, unfinishedMark)); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := errors.Join(os.Rename(next, dir), syncPath(filepath.Dir(dir))); err != nil {
		return unmade(dir, err)
	}
	return nil
}

// asideName is a free name for what is replaced.
func asideName(dir string, now time.Time) string {
	base := dir + asideSuffix + now.UTC().Format("20060102-150405")
	for n, name := 2, base; ; n++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
		name = base + "-" + strconv.Itoa(n)
	}
}

func putAside(dir, name string) error {
	if err := errors.Join(os.Rename(dir, name), syncPath(filepath.Dir(dir))); err != nil {
		return unmade(dir, err)
	}
	return nil
}

func device(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Dev
	}
	return 0
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// unmade is a directory that cannot be made or renamed.
func unmade(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.New(fault.Full, "The disk of %s is full; nothing was changed.", path).Cure("Free space on it, or restore to another disk with --to.").Because(err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EBUSY):
		return fault.New(fault.Forbidden, "A directory cannot be put in the place of %s.", path).Code("restore-place").
			Cure("Whoever restores needs the right to write the folder around the data directory: run chatets restore as root, with the service stopped.").Because(err)
	}
	return fmt.Errorf("make the directory to restore to: %w", err)
}
