package extract

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The limits of a child.
const (
	maxSpace  = 1536 << 20 // bytes of address space: the reader of PDF reserves much and uses little
	warmSpace = 4 << 30    // of the child that compiles: it reads no document and needs more than 1.5 GiB
	tidy      = 50         // per cent of what is in use that Go may leave lying about
	softHeap  = 420 << 20  // from here Go's collector works hard, well below where the parent kills
	maxFiles  = 64
	maxCPU    = 3600 // seconds, for a child whose parent is gone
	childNice = 10
)

// lock raises the fence around this process. It returns what this kernel does
// not have; an error means that the child must not go on.
func lock(w wall, cache, ocr string) (missing []string, err error) {
	debug.SetMemoryLimit(softHeap)
	debug.SetGCPercent(tidy)
	debug.SetTraceback("all")
	runtime.GOMAXPROCS(min(runtime.NumCPU(), 2))
	if err := closeInherited(); err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("hide memory: %w", err)
	}
	if err := unix.Setpriority(unix.PRIO_PGRP, 0, childNice); err != nil {
		missing = append(missing, "low priority")
	}
	space := uint64(maxSpace)
	if w.write {
		space = warmSpace
	}
	limits := []struct {
		what  int
		value uint64
	}{{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, maxFiles}, {unix.RLIMIT_CPU, maxCPU}}
	if !w.write {
		limits = append(limits, struct {
			what  int
			value uint64
		}{unix.RLIMIT_FSIZE, 0})
	}
	if limitSpace {
		limits = append(limits, struct {
			what  int
			value uint64
		}{unix.RLIMIT_AS, space})
	} else {
		missing = append(missing, "limit of address space")
	}
	for _, l := range limits {
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.value, Max: l.value}); err != nil {
			return nil, fmt.Errorf("set limit %d: %w", l.what, err)
		}
	}
	switch err := landlock(w, cache, ocr); {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		missing = append(missing, "landlock")
	case err != nil:
		return nil, fmt.Errorf("close the file system: %w", err)
	}
	return missing, w.raise()
}

// closeInherited closes every descriptor but the two pipes and standard error,
// and what Go's own runtime has opened by now.
func closeInherited() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list open files: %w", err)
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || strings.HasPrefix(target, "anon_inode:[event") || strings.HasPrefix(target, "/sys/fs/cgroup/") {
			continue // the one that listed them is closed by now
		}
		if err := unix.Close(fd); err != nil {
			return fmt.Errorf("close an open file: %w", err)
		}
	}
	return nil
}

// landlock takes the whole file system away, but for reading the compiled code
// and what tesseract consists of. Unlike the filter it knows paths. ENOSYS and
// EOPNOTSUPP say that this kernel has none.
func landlock(w wall, cache, ocr string) error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno == unix.EPERM {
		return unix.EOPNOTSUPP // a filter around us, as of a container, lets nobody use it
	}
	if errno != 0 {
		return errno
	}
	const read = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	all := uint64(1<<13 - 1) // what version 1 knows
	if version >= 2 {
		all |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		all |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: all}
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), 8, 0)
	if errno != 0 {
		return errno
	}
	defer unix.Close(int(set))
	type opening struct {
		path   string
		access uint64
	}
	var openings []opening
	if cache != "" {
		access := uint64(read)
		if w.write {
			access = all &^ (unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK)
		}
		openings = append(openings, opening{cache, access})
	}
	if w.exec {
		for _, dir := range []string{"/usr", "/lib", "/lib64", "/etc/ld.so.cache", filepath.Dir(ocr)} {
			access := uint64(read | unix.LANDLOCK_ACCESS_FS_EXECUTE)
			if info, err := os.Stat(dir); err == nil && !info.IsDir() {
				access &^= unix.LANDLOCK_ACCESS_FS_READ_DIR // it is no right of a file
			}
			openings = append(openings, opening{dir, access})
		}
	}
	for _, o := range openings {
		fd, err := unix.Open(o.path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return err
		}
		rule := unix.LandlockPathBeneathAttr{Allowed_access: o.access, Parent_fd: int32(fd)}
		_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, set, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
		_ = unix.Close(fd) // only named
		if errno != 0 {
			return errno
		}
	}
	// Both are of one thread; this runs them on all. A binary with cgo, as under
	// the race detector, cannot: it answers ENOTSUP.
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
