package vfs

import (
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// The methods of an open file. What is sealed differs by the kind of the file;
// locks and shared memory are those of the file system below.

func xRead(t *libc.TLS, p, buf uintptr, n int32, off int64) int32 {
	f, b := fileOf(p), region(buf, int(n))
	switch f.kind {
	case main:
		return f.readMain(t, b, off)
	case log:
		return f.readLog(t, b, off)
	}
	return f.memory.read(b, off)
}

func xWrite(t *libc.TLS, p, buf uintptr, n int32, off int64) int32 {
	f, b := fileOf(p), region(buf, int(n))
	switch f.kind {
	case main:
		return f.writeMain(t, b, off)
	case log:
		return f.writeLog(t, b, off)
	case journal:
		if rc := f.append(t, entryWrite, off, b); rc != lib.SQLITE_OK {
			return rc
		}
	}
	return f.memory.write(b, off)
}

func xTruncate(t *libc.TLS, p uintptr, size int64) int32 {
	f := fileOf(p)
	switch f.kind {
	case log:
		if rc := f.settle(t); rc != lib.SQLITE_OK {
			return rc
		}
	case journal:
		return f.cut(t, size)
	case temp:
		return f.memory.cut(size)
	}
	return f.truncateBelow(t, size)
}

func xSync(t *libc.TLS, p uintptr, flags int32) int32 {
	f := fileOf(p)
	if f.kind == temp {
		return lib.SQLITE_OK
	}
	if f.kind == log {
		if rc := f.settle(t); rc != lib.SQLITE_OK {
			return rc
		}
	}
	rc := call[fnInt](f.does.FxSync)(t, f.below, flags)
	if rc == lib.SQLITE_OK {
		f.space.recorded(op{what: opSync, name: f.name})
	}
	return rc
}

func xFileSize(t *libc.TLS, p, out uintptr) int32 {
	f := fileOf(p)
	switch f.kind {
	case log:
		if rc := f.settle(t); rc != lib.SQLITE_OK {
			return rc
		}
	case journal, temp:
		*at[int64](out) = int64(len(f.memory))
		return lib.SQLITE_OK
	}
	return call[fnOut](f.does.FxFileSize)(t, f.below, out)
}

func xLock(t *libc.TLS, p uintptr, level int32) int32 {
	f := fileOf(p)
	if f.kind == temp {
		return lib.SQLITE_OK
	}
	return call[fnInt](f.does.FxLock)(t, f.below, level)
}

func xUnlock(t *libc.TLS, p uintptr, level int32) int32 {
	f := fileOf(p)
	if f.kind == temp {
		return lib.SQLITE_OK
	}
	return call[fnInt](f.does.FxUnlock)(t, f.below, level)
}

func xCheckReservedLock(t *libc.TLS, p, out uintptr) int32 {
	f := fileOf(p)
	if f.kind == temp {
		*at[int32](out) = 0
		return lib.SQLITE_OK
	}
	return call[fnOut](f.does.FxCheckReservedLock)(t, f.below, out)
}

func xFileControl(t *libc.TLS, p uintptr, what int32, arg uintptr) int32 {
	f := fileOf(p)
	if f.kind == temp || what == lib.SQLITE_FCNTL_MMAP_SIZE {
		return lib.SQLITE_NOTFOUND
	}
	return call[fnOp](f.does.FxFileControl)(t, f.below, what, arg)
}

func xSectorSize(t *libc.TLS, p uintptr) int32 {
	f := fileOf(p)
	if f.kind == temp {
		return PageSize
	}
	return call[fnFile](f.does.FxSectorSize)(t, f.below)
}

// xDeviceCharacteristics leaves out what does not hold for whole sealed pages:
// reading parts of one past SQLite's cache, and the file system's own atomic
// writes. That a write hurts no neighbour must stay: without it SQLite cuts the
// frames of the log in two.
func xDeviceCharacteristics(t *libc.TLS, p uintptr) int32 {
	f := fileOf(p)
	if f.kind == temp {
		return 0
	}
	return call[fnFile](f.does.FxDeviceCharacteristics)(t, f.below) &^ (lib.SQLITE_IOCAP_SUBPAGE_READ | lib.SQLITE_IOCAP_BATCH_ATOMIC)
}

func xShmMap(t *libc.TLS, p uintptr, region, size, extend int32, out uintptr) int32 {
	f := fileOf(p)
	return call[fnMap](f.does.FxShmMap)(t, f.below, region, size, extend, out)
}

// writeLock is the lock of the shared memory that a writer holds.
const writeLock = 0

func xShmLock(t *libc.TLS, p uintptr, from, n, flags int32) int32 {
	f := fileOf(p)
	rc := call[fnLock](f.does.FxShmLock)(t, f.below, from, n, flags)
	if rc == lib.SQLITE_OK && from == writeLock && flags&lib.SQLITE_SHM_LOCK != 0 {
		f.space.holds.Add(1)
	}
	return rc
}

func xShmBarrier(t *libc.TLS, p uintptr) {
	f := fileOf(p)
	call[fnVoid](f.does.FxShmBarrier)(t, f.below)
}

func xShmUnmap(t *libc.TLS, p uintptr, remove int32) int32 {
	f := fileOf(p)
	return call[fnInt](f.does.FxShmUnmap)(t, f.below, remove)
}

// readBelow fills b, which is C memory, from the file itself.
func (f *file) readBelow(t *libc.TLS, b []byte, off int64) int32 {
	return call[fnData](f.does.FxRead)(t, f.below, address(b), int32(len(b)), off)
}

// writeBelow writes b, which is C memory, to the file itself.
func (f *file) writeBelow(t *libc.TLS, b []byte, off int64) int32 {
	rc := call[fnData](f.does.FxWrite)(t, f.below, address(b), int32(len(b)), off)
	if rc == lib.SQLITE_OK {
		f.space.recorded(op{what: opWrite, name: f.name, off: off, data: b})
	}
	return rc
}

func (f *file) truncateBelow(t *libc.TLS, size int64) int32 {
	rc := call[fnSize](f.does.FxTruncate)(t, f.below, size)
	if rc == lib.SQLITE_OK {
		f.space.recorded(op{what: opTruncate, name: f.name, off: size})
	}
	return rc
}

func (f *file) sizeBelow(t *libc.TLS) (int64, int32) {
	rc := call[fnOut](f.does.FxFileSize)(t, f.below, f.cell)
	return *at[int64](f.cell), rc
}

// op is something that was done to a file.
type op struct {
	what opKind
	name string
	off  int64 // of a write, or the size a truncation left
	data []byte
}

type opKind int

const (
	opWrite opKind = iota
	opTruncate
	opSync
	opDelete
)

// recorded tells whoever watches a space; data is only lent.
func (s *Space) recorded(o op) {
	if s.record != nil {
		s.record(o)
	}
}
