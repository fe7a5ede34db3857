package vfs

import (
	"encoding/binary"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// memory is a file that lives in memory: what SQLite sets aside while it sorts,
// and what it needs to undo. Our connections keep that to themselves; another's
// comes here and never to the disk.
type memory []byte

func (m memory) read(b []byte, off int64) int32 {
	n := 0
	if off < int64(len(m)) {
		n = copy(b, m[off:])
	}
	if n < len(b) {
		clear(b[n:])
		return lib.SQLITE_IOERR_SHORT_READ
	}
	return lib.SQLITE_OK
}

func (m *memory) write(b []byte, off int64) int32 {
	if end := int(off) + len(b); end > len(*m) {
		*m = append(*m, make([]byte, end-len(*m))...)
	}
	copy((*m)[off:], b)
	return lib.SQLITE_OK
}

func (m *memory) cut(size int64) int32 {
	if size < int64(len(*m)) {
		*m = (*m)[:size]
	}
	return lib.SQLITE_OK
}

// A rollback journal is written only while a database is made or leaves and
// enters the mode with a log. It is kept in memory and on the disk as a row of
// sealed records of what was done to it, each bound to its place in the row: none
// is ever written over, and what follows a torn one never happened.
const (
	entryWrite = 'w'
	entryCut   = 'c'
	entryHead  = 9 // kind and offset, in front of the data
	lengthSize = 4
	maxEntry   = 1 << 20
)

// append adds a record to the journal on the disk.
func (f *file) append(t *libc.TLS, kind byte, off int64, data []byte) int32 {
	plain := make([]byte, entryHead, entryHead+len(data))
	plain[0] = kind
	binary.BigEndian.PutUint64(plain[1:], uint64(off))
	end, rc := f.sizeBelow(t)
	if rc != lib.SQLITE_OK {
		return rc
	}
	sealed, err := f.space.sealer.sealBytes(append(plain, data...), placeOf(end))
	if err != nil {
		return lib.SQLITE_IOERR_WRITE
	}
	m := libc.Xmalloc(t, libc.Tsize_t(lengthSize+len(sealed)))
	if m == 0 {
		return lib.SQLITE_NOMEM
	}
	defer libc.Xfree(t, m)
	record := region(m, lengthSize+len(sealed))
	binary.BigEndian.PutUint32(record, uint32(len(sealed)))
	copy(record[lengthSize:], sealed)
	return f.writeBelow(t, record, end)
}

// placeOf names where in the journal a record lies.
func placeOf(off int64) []byte {
	return binary.BigEndian.AppendUint64([]byte("journal\x00"), uint64(off))
}

// cut is the truncation of a journal.
func (f *file) cut(t *libc.TLS, size int64) int32 {
	rc := int32(lib.SQLITE_OK)
	if size == 0 {
		rc = f.truncateBelow(t, 0)
	} else {
		rc = f.append(t, entryCut, size, nil)
	}
	if rc != lib.SQLITE_OK {
		return rc
	}
	return f.memory.cut(size)
}

// replay reads the journal of an earlier process, up to where it is whole.
func (f *file) replay(t *libc.TLS) int32 {
	size, rc := f.sizeBelow(t)
	if rc != lib.SQLITE_OK || size == 0 {
		return rc
	}
	for end := int64(0); ; {
		if rc := f.readBelow(t, f.buf[:lengthSize], end); rc != lib.SQLITE_OK {
			return short(rc)
		}
		n := int64(binary.BigEndian.Uint32(f.buf))
		if n > maxEntry || end+lengthSize+n > size {
			return lib.SQLITE_OK
		}
		m := libc.Xmalloc(t, libc.Tsize_t(n+1))
		if m == 0 {
			return lib.SQLITE_NOMEM
		}
		sealed := region(m, int(n))
		rc := f.readBelow(t, sealed, end+lengthSize)
		plain, err := f.space.sealer.openBytes(sealed, placeOf(end))
		libc.Xfree(t, m)
		if rc != lib.SQLITE_OK {
			return short(rc)
		}
		if err != nil || len(plain) < entryHead {
			return lib.SQLITE_OK
		}
		off := int64(binary.BigEndian.Uint64(plain[1:]))
		if plain[0] == entryCut {
			_ = f.memory.cut(off)
		} else {
			_ = f.memory.write(plain[entryHead:], off)
		}
		end += lengthSize + n
	}
}

func short(rc int32) int32 {
	if rc == lib.SQLITE_IOERR_SHORT_READ {
		return lib.SQLITE_OK
	}
	return rc
}
