package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
		by := holder(file)
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Conflict, "The data directory is in use by another ChatETS%s.", by).Code("in-use").
				Cure("Stop the service first (systemctl stop chatets), or let the command reach it through its socket.").Because(err)
		}
		return nil, classify(dir, fmt.Errorf("lock the data directory: %w", err))
	}
	// The number is only for whoever finds the directory in use: on a full disk
	// ChatETS must start without it.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &Lock{file: file}, nil
}

// holder names the process that has the lock; "" where it cannot be known.
func holder(file *os.File) string {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// Close gives the directory up. Unlocking comes first: a process that is just
// being started holds a copy of the descriptor for a moment, and closing ours
// alone would leave the lock to it.
func (l *Lock) Close() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}
