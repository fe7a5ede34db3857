package main

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"chatets/appliance/fault"
)

// becomeOwner drops root for the owner of the data directory, for the rest of
// the process, so that a command run as root leaves no file behind that the
// service cannot open. It comes before any file of the data is touched.
func becomeOwner(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // whoever makes it owns it
	}
	if err != nil {
		return fault.New(fault.Forbidden, "The data directory %s cannot be looked at.", dir).Cure("Check the folders above it.").Because(err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	for _, step := range []func() error{
		func() error { return syscall.Setgroups(groups(owner)) },
		func() error { return syscall.Setgid(int(owner.Gid)) },
		func() error { return syscall.Setuid(int(owner.Uid)) },
	} {
		if err := step(); err != nil {
			return fault.New(fault.Forbidden, "The command cannot work as the owner of the data directory.").
				Cure("Run it as user %d.", owner.Uid).Because(err)
		}
	}
	return nil
}

// groups are the groups of the directory's owner, which may be what lets the
// service read its key.
func groups(owner *syscall.Stat_t) []int {
	all := []int{int(owner.Gid)}
	u, err := user.LookupId(strconv.FormatUint(uint64(owner.Uid), 10))
	if err != nil {
		return all // a user without a name has no other groups
	}
	ids, err := u.GroupIds()
	if err != nil {
		return all
	}
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil && n != int(owner.Gid) {
			all = append(all, n)
		}
	}
	return all
}
