package sqlite

import (
	"errors"
	"os"
	"syscall"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"chatets/appliance/fault"
)

// The failures of the machine that a person can mend.
var (
	damaged = fault.New(fault.Internal, "The database file is damaged.").Code("database-damaged").
		Cure("Stop ChatETS, keep the data directory as it is, and restore the last backup.")
	full = fault.New(fault.Full, "The disk of the data directory is full; nothing was saved.").
		Cure("Free space on it; reading goes on meanwhile.")
	unwritable = fault.New(fault.Unavailable, "The data directory cannot be written.").Code("data-unwritable").
			Cure("Check that it exists, that the service's user owns it, and that its file system is not mounted read-only.")
	unfit = fault.New(fault.Unavailable, "The file system of the data directory cannot hold the database.").Code("data-unfit").
		Cure("Put the data directory on a local disk (ext4, XFS, btrfs or ZFS), not on a network share.")
	held = fault.New(fault.Unavailable, "Another program holds the database.").Code("database-held").
		Cure("Close whatever else has the database file open, then try again.")
	failing = fault.New(fault.Unavailable, "The disk of the data directory reports errors.").Code("disk-failing").
		Cure("Look at the system's log (journalctl -k), and make a backup before anything else.")
)

// little is what a disk may still show as free when SQLite can no longer write.
const little = 256 << 10

// classify gives an error of the machine its sentence; dir is the data
// directory, whose free space tells a full disk from a broken one.
func classify(dir string, err error) error {
	var e *driver.Error
	switch {
	case err == nil:
		return nil
	case isNamed(err):
		return err
	case isFull(err):
		return full.Because(err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission), errors.Is(err, os.ErrNotExist) && !exists(dir):
		return unwritable.Because(err)
	case !errors.As(err, &e):
		return err
	}
	switch e.Code() & 0xff {
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return damaged.Because(err)
	case codes.SQLITE_BUSY:
		return held.Because(err)
	case codes.SQLITE_READONLY, codes.SQLITE_PERM:
		return unwritable.Because(err)
	case codes.SQLITE_CANTOPEN:
		// Making the files beside the database fails this way on a full disk too.
		if space(dir) < little {
			return full.Because(err)
		}
		return unwritable.Because(err)
	case codes.SQLITE_IOERR:
		if space(dir) < little {
			return full.Because(err)
		}
		return failing.Because(err)
	}
	return err
}

// isFull reports whether the disk had no room for it.
func isFull(err error) bool {
	var e *driver.Error
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.As(err, &e) && e.Code()&0xff == codes.SQLITE_FULL
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
