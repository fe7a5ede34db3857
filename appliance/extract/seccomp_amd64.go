package extract

import "golang.org/x/sys/unix"

const auditMachine = unix.AUDIT_ARCH_X86_64

// oldOpening are the ways to open files that this machine has beside openat.
func oldOpening() []uint32 { return []uint32{unix.SYS_OPEN, unix.SYS_CREAT} }

// oldForking are the ways to make processes that this machine has beside clone.
func oldForking() []uint32 { return []uint32{unix.SYS_FORK, unix.SYS_VFORK} }

// oldChanging are the ways to change files that newer machines no longer have.
func oldChanging() []uint32 {
	return []uint32{unix.SYS_UNLINK, unix.SYS_RENAME, unix.SYS_RENAMEAT, unix.SYS_MKDIR, unix.SYS_RMDIR, unix.SYS_LINK, unix.SYS_SYMLINK, unix.SYS_MKNOD,
		unix.SYS_CHMOD, unix.SYS_CHOWN, unix.SYS_LCHOWN, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT}
}
