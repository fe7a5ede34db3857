package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"chatets/appliance/fault"
)

// Lock is the claim of one process on a data directory.
type Lock struct{ file *os.File }

// Claim claims dir for this process until Close; the kernel gives it up when the
// process dies. A directory in use is fault.Conflict.
func Claim(dir string) (*Lock, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, classify(dir, fmt.Errorf("lock the data directory: %w", err))
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Conflict, "The data directory is in use by another ChatETS.").Code("in-use").
				Cure("Stop the service first (systemctl stop chatets), or let the command reach it through its socket.").Because(err)
		}
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	return &Lock{file: file}, nil
}

// Close gives the directory up.
func (l *Lock) Close() error { return l.file.Close() }
