package extract

import "golang.org/x/sys/unix"

const auditMachine = unix.AUDIT_ARCH_AARCH64

// oldOpening are the ways to open files that this machine has beside openat.
func oldOpening() []uint32 { return nil }

// oldForking are the ways to make processes that this machine has beside clone.
func oldForking() []uint32 { return nil }

// oldChanging are the ways to change files that newer machines no longer have.
func oldChanging() []uint32 { return []uint32{unix.SYS_RENAMEAT} }
