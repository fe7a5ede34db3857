package vfs

import (
	"errors"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// page is the place in buf where a page is read to and sealed in.
func (f *file) page() []byte { return f.buf[frameHead-room:] }

// readMain reads from the database file: whole pages, and at the beginning parts
// of page 1.
func (f *file) readMain(t *libc.TLS, b []byte, off int64) int32 {
	if len(b) == PageSize && off%PageSize == 0 {
		return f.readPage(t, b, uint32(off/PageSize)+1)
	}
	if off+int64(len(b)) > PageSize {
		return lib.SQLITE_IOERR_READ
	}
	rc := f.readBelow(t, f.buf[frameHead:], 0)
	if rc == lib.SQLITE_IOERR_SHORT_READ {
		clear(b) // no database yet
		return rc
	}
	if rc != lib.SQLITE_OK {
		return rc
	}
	var head [clearSize]byte
	copy(head[:], f.buf[frameHead:])
	if _, err := f.space.sealer.open(f.scratch, f.page(), 1); err != nil {
		// A power cut tears page 1 while the log moves into the file; it lies in
		// the log still. What SQLite needs to get that far is in the clear bytes:
		// when it asks for the page itself, it gets it from there or an error.
		if string(head[:len(Magic)]) != Magic {
			return lib.SQLITE_NOTADB
		}
		clear(f.scratch)
		copy(f.scratch, head[:])
		copy(f.scratch, PlainMagic)
	}
	copy(b, f.scratch[off:])
	return lib.SQLITE_OK
}

func (f *file) readPage(t *libc.TLS, b []byte, page uint32) int32 {
	rc := f.readBelow(t, f.buf[frameHead:], int64(page-1)*PageSize)
	switch {
	case rc == lib.SQLITE_IOERR_SHORT_READ && page == 1:
		clear(b)
		return rc
	case rc == lib.SQLITE_IOERR_SHORT_READ:
		// SQLite asks for no page that it did not write, so the file was cut; it
		// would take zeros for the page.
		clear(b)
		return f.failed(page, errCut)
	case rc != lib.SQLITE_OK:
		return rc
	}
	if _, err := f.space.sealer.open(b, f.page(), page); err != nil {
		clear(b)
		return f.failed(page, err)
	}
	return lib.SQLITE_OK
}

var errCut = errors.New("the file ends before the page does")

// failed notes a page that did not open and says it to SQLite.
func (f *file) failed(page uint32, err error) int32 {
	f.space.damaged(Damage{Page: page, Log: f.kind == log, Err: err})
	if page == 1 && f.kind == main {
		return lib.SQLITE_NOTADB
	}
	return lib.SQLITE_IOERR_DATA
}

func (f *file) writeMain(t *libc.TLS, b []byte, off int64) int32 {
	if len(b) != PageSize || off%PageSize != 0 {
		return lib.SQLITE_IOERR_WRITE
	}
	page := uint32(off/PageSize) + 1
	if err := f.space.sealer.seal(f.page(), b, f.scratch, page, nil); err != nil {
		return lib.SQLITE_IOERR_WRITE
	}
	return f.writeBelow(t, f.buf[frameHead:], off)
}
