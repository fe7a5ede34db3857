package vfs

import (
	"errors"
	"strings"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// handle is what SQLite holds of an open file, in its memory; the handle of the
// file system below follows it. Go does not see the address of the file there:
// the shim's map keeps it alive.
type handle struct{ methods, file uintptr }

const handleSize = unsafe.Sizeof(handle{})

// kind is what a file holds.
type kind int

const (
	main    kind = iota // pages
	log                 // a write-ahead log: frames of pages
	journal             // what a rollback needs; kept in memory, sealed records on the disk
	temp                // in memory only
)

// file is an open file.
type file struct {
	of    *shim
	kind  kind
	space *Space
	name  string
	below uintptr // handle of the file system below; 0 = there is none
	does  *lib.Tsqlite3_io_methods

	// C memory: the file system below is handed it.
	buf     []byte // a frame; its page begins at frameHead
	scratch []byte // a page
	cell    uintptr

	frames frames
	memory memory
}

// frames is what a write-ahead log remembers between two calls.
type frames struct {
	head    [frameHead]byte // the header SQLite wrote last
	headAt  int64           // where; -1 = no header waits for its page
	sealed  bool            // that header is on the disk already, with the page it had
	whole   int64           // scratch holds the page of the frame read here last; -1 = it does not
	wholeIn uint64          // the hold of the write lock in which it was read
	next    int64           // where the frame after the last written one begins
	chain   [2]uint32       // the checksum it goes on from
	chained uint64          // the hold of the write lock in which next and chain are true
}

type (
	fnOpen   = func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32
	fnDelete = func(*libc.TLS, uintptr, uintptr, int32) int32
	fnAccess = func(*libc.TLS, uintptr, uintptr, int32, uintptr) int32
	fnData   = func(*libc.TLS, uintptr, uintptr, int32, int64) int32
	fnSize   = func(*libc.TLS, uintptr, int64) int32
	fnFile   = func(*libc.TLS, uintptr) int32
	fnInt    = func(*libc.TLS, uintptr, int32) int32
	fnOut    = func(*libc.TLS, uintptr, uintptr) int32
	fnOp     = func(*libc.TLS, uintptr, int32, uintptr) int32
	fnMap    = func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32
	fnLock   = func(*libc.TLS, uintptr, int32, int32, int32) int32
	fnVoid   = func(*libc.TLS, uintptr)
)

// ioMethods is the table of what can be done with an open file. Version 2 has no
// xFetch, so that no page is read past us through a memory map.
func ioMethods(t *libc.TLS) (uintptr, error) {
	p := libc.Xcalloc(t, 1, libc.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_io_methods{})))
	if p == 0 {
		return 0, errors.New("no memory")
	}
	*at[lib.Tsqlite3_io_methods](p) = lib.Tsqlite3_io_methods{
		FiVersion: 2, FxClose: pointer(xClose), FxRead: pointer(xRead), FxWrite: pointer(xWrite), FxTruncate: pointer(xTruncate),
		FxSync: pointer(xSync), FxFileSize: pointer(xFileSize), FxLock: pointer(xLock), FxUnlock: pointer(xUnlock),
		FxCheckReservedLock: pointer(xCheckReservedLock), FxFileControl: pointer(xFileControl), FxSectorSize: pointer(xSectorSize),
		FxDeviceCharacteristics: pointer(xDeviceCharacteristics), FxShmMap: pointer(xShmMap), FxShmLock: pointer(xShmLock),
		FxShmBarrier: pointer(xShmBarrier), FxShmUnmap: pointer(xShmUnmap),
	}
	return p, nil
}

// fileSystem is base with our name and our way to open; what works on paths goes
// straight to base.
func (h *shim) fileSystem(t *libc.TLS) (uintptr, error) {
	p := libc.Xcalloc(t, 1, libc.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_vfs{})))
	name, err := libc.CString(Name)
	if err != nil || p == 0 {
		return 0, errors.Join(errors.New("no memory"), err)
	}
	v := at[lib.Tsqlite3_vfs](p)
	*v = *at[lib.Tsqlite3_vfs](h.base)
	v.FpNext, v.FzName, v.FpAppData = 0, name, uintptr(unsafe.Pointer(h)) // which lives as long as the process
	v.FszOsFile += int32(handleSize)
	v.FxOpen, v.FxDelete, v.FxAccess, v.FxFullPathname = pointer(xOpen), pointer(xDelete), pointer(xAccess), pointer(xFullPathname)
	return p, nil
}

// onConnection runs for each new connection: a database made by it, or by VACUUM,
// leaves the last bytes of each page to us.
func onConnection(t *libc.TLS, db, _, _ uintptr) int32 {
	p := t.Alloc(16)
	defer t.Free(16)
	copy(region(p, 5), "main\x00")
	*at[int32](p + 8) = reserved
	return lib.Xsqlite3_file_control(t, db, p, lib.SQLITE_FCNTL_RESERVE_BYTES, p+8)
}

// shimOf is the shim behind the file system SQLite calls.
func shimOf(vfs uintptr) *shim { return at[shim](at[lib.Tsqlite3_vfs](vfs).FpAppData) }

func (h *shim) below() *lib.Tsqlite3_vfs { return at[lib.Tsqlite3_vfs](h.base) }

// fileOf is the file behind a handle.
func fileOf(p uintptr) *file { return at[file](at[handle](p).file) }

func xDelete(t *libc.TLS, vfs, name uintptr, sync int32) int32 {
	h := shimOf(vfs)
	rc := call[fnDelete](h.below().FxDelete)(t, h.base, name, sync)
	if path := libc.GoString(name); rc == lib.SQLITE_OK {
		if s := h.spaceOf(path); s != nil {
			s.recorded(op{what: opDelete, name: path})
		}
	}
	return rc
}

func xAccess(t *libc.TLS, vfs, name uintptr, flags int32, out uintptr) int32 {
	h := shimOf(vfs)
	return call[fnAccess](h.below().FxAccess)(t, h.base, name, flags, out)
}

func xFullPathname(t *libc.TLS, vfs, name uintptr, n int32, out uintptr) int32 {
	h := shimOf(vfs)
	return call[fnAccess](h.below().FxFullPathname)(t, h.base, name, n, out)
}

func kindOf(name uintptr, flags int32) kind {
	switch {
	case name == 0, flags&(lib.SQLITE_OPEN_TEMP_DB|lib.SQLITE_OPEN_TRANSIENT_DB|lib.SQLITE_OPEN_TEMP_JOURNAL|lib.SQLITE_OPEN_SUBJOURNAL) != 0:
		return temp
	case flags&lib.SQLITE_OPEN_MAIN_DB != 0:
		return main
	case flags&lib.SQLITE_OPEN_WAL != 0:
		return log
	}
	return journal
}

func xOpen(t *libc.TLS, vfs, name, p uintptr, flags int32, out uintptr) int32 {
	h := shimOf(vfs)
	c := at[handle](p)
	c.methods = 0 // until it is open there is nothing to close
	f := &file{of: h, kind: kindOf(name, flags), frames: frames{headAt: -1, whole: -1, next: -1}}
	if f.kind == temp {
		if out != 0 {
			*at[int32](out) = flags
		}
		return h.opened(t, p, f)
	}
	f.name = strings.Clone(libc.GoString(name))
	if f.space = h.spaceOf(f.name); f.space == nil {
		return lib.SQLITE_CANTOPEN
	}
	f.below = p + handleSize
	if rc := call[fnOpen](h.below().FxOpen)(t, h.base, name, f.below, flags, out); rc != lib.SQLITE_OK {
		return rc
	}
	f.does = at[lib.Tsqlite3_io_methods](at[handle](f.below).methods)
	if rc := h.opened(t, p, f); rc != lib.SQLITE_OK {
		_ = call[fnFile](f.does.FxClose)(t, f.below)
		return rc
	}
	if f.kind == journal {
		if rc := f.replay(t); rc != lib.SQLITE_OK {
			_ = xClose(t, p)
			return rc
		}
	}
	return lib.SQLITE_OK
}

// opened gives a file its memory and lets it be found.
func (h *shim) opened(t *libc.TLS, p uintptr, f *file) int32 {
	if f.kind != temp {
		const size = frameSize + PageSize + 8
		m := libc.Xmalloc(t, size)
		if m == 0 {
			return lib.SQLITE_NOMEM
		}
		f.buf, f.scratch, f.cell = region(m, frameSize), region(m+frameSize, PageSize), m+frameSize+PageSize
	}
	h.mu.Lock()
	h.files[f] = true
	h.mu.Unlock()
	*at[handle](p) = handle{methods: h.methods, file: uintptr(unsafe.Pointer(f))}
	return lib.SQLITE_OK
}

func xClose(t *libc.TLS, p uintptr) int32 {
	f := fileOf(p)
	rc := int32(lib.SQLITE_OK)
	if f.kind == log {
		rc = f.settle(t)
	}
	if f.below != 0 {
		if closed := call[fnFile](f.does.FxClose)(t, f.below); rc == lib.SQLITE_OK {
			rc = closed
		}
	}
	f.of.mu.Lock()
	delete(f.of.files, f)
	f.of.mu.Unlock()
	if f.below != 0 {
		libc.Xfree(t, address(f.buf))
	}
	at[handle](p).methods = 0
	return rc
}
