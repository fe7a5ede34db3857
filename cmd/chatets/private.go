package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// keepPrivate keeps the keys in memory out of core files, and other processes of
// the same user from looking into this one. Programs that it starts inherit the
// first and not the second.
func keepPrivate() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core files: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid other processes to look in: %w", err)
	}
	return nil
}
