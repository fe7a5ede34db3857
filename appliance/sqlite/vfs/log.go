package vfs

import (
	"encoding/binary"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// A write-ahead log is a head and frames; a frame is a head and a page. The heads
// stay readable, and the chain of checksums in those of the frames runs over the
// sealed pages: whoever reads the log without a key, as replication does, sees a
// sound one. The checksum SQLite itself gave a frame, over what the page says,
// lies sealed in the page and is put back when SQLite reads the head.
const (
	logHead   = 32
	frameHead = 24
	frameSize = frameHead + PageSize
	sumAt     = 16 // in the head of a frame
	// The number a log begins with whose checksums are in the byte order of the
	// machines we run on; SQLite writes the order of its machine.
	logMagic = 0x377f0682
)

// checksum goes on from sum over b, whose length is a multiple of 8.
func checksum(sum [2]uint32, b []byte) [2]uint32 {
	s0, s1 := sum[0], sum[1]
	for ; len(b) >= 8; b = b[8:] {
		s0 += binary.LittleEndian.Uint32(b) + s1
		s1 += binary.LittleEndian.Uint32(b[4:]) + s0
	}
	return [2]uint32{s0, s1}
}

func sumOf(b []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

func putSum(b []byte, sum [2]uint32) {
	binary.BigEndian.PutUint32(b, sum[0])
	binary.BigEndian.PutUint32(b[4:], sum[1])
}

// writeLog takes what SQLite writes to a log: its head, the head of a frame, the
// page of a frame. The head of a frame comes before its page but is on the disk
// only with it, because the chain needs the sealed page. Two things come alone:
// a page that was already written in the same transaction, and, when that one
// ends, the heads that are right again. A head alone follows a read of its frame.
func (f *file) writeLog(t *libc.TLS, b []byte, off int64) int32 {
	fr := &f.frames
	if off == 0 && len(b) == logHead {
		if binary.BigEndian.Uint32(b) != logMagic {
			return lib.SQLITE_IOERR_WRITE
		}
		fr.headAt, fr.whole, fr.next = -1, -1, -1
		copy(f.buf, b)
		return f.writeBelow(t, f.buf[:logHead], 0)
	}
	at := off - (off-logHead)%frameSize
	switch {
	case off == at && len(b) == frameHead:
		if rc := f.settle(t); rc != lib.SQLITE_OK {
			return rc
		}
		copy(fr.head[:], b)
		fr.headAt, fr.sealed = off, false
		// Recovery reads what is behind the end too, under a lock that it gives back: what is
		// written there later is another frame, whose page follows.
		if fr.whole == off && fr.wholeIn == f.space.holds.Load() {
			fr.whole = -1
			if rc := f.writeFrame(t, f.scratch, off); rc != lib.SQLITE_OK {
				return rc
			}
			fr.headAt, fr.sealed = off, true
		}
		return lib.SQLITE_OK
	case off == at+frameHead && len(b) == PageSize:
		fr.whole = -1
		if fr.headAt != at {
			if rc := f.settle(t); rc != lib.SQLITE_OK {
				return rc
			}
			if rc := f.readBelow(t, f.buf[:frameHead], at); rc != lib.SQLITE_OK {
				return rc
			}
			copy(fr.head[:], f.buf[:frameHead])
			clear(fr.head[sumAt:]) // its head follows when the transaction ends
		}
		return f.writeFrame(t, b, at)
	}
	return lib.SQLITE_IOERR_WRITE
}

// settle writes a head that waits for a page which does not come: the page on the
// disk is the one it belongs to.
func (f *file) settle(t *libc.TLS) int32 {
	fr := &f.frames
	at := fr.headAt
	if at < 0 || fr.sealed {
		fr.headAt = -1
		return lib.SQLITE_OK
	}
	fr.headAt = -1
	if rc := f.readBelow(t, f.buf, at); rc != lib.SQLITE_OK {
		return rc
	}
	page := binary.BigEndian.Uint32(f.buf)
	if _, err := f.space.sealer.open(f.scratch, f.page(), page); err != nil {
		return f.failed(page, err)
	}
	return f.writeFrame(t, f.scratch, at)
}

// writeFrame seals a page under the head that SQLite wrote last. plain may be scratch.
func (f *file) writeFrame(t *libc.TLS, plain []byte, at int64) int32 {
	fr := &f.frames
	fr.headAt = -1
	hold := f.space.holds.Load()
	chain := fr.chain
	if fr.next != at || fr.chained != hold {
		from := at - frameSize + sumAt
		if at == logHead {
			from = logHead - 8
		}
		if rc := f.readBelow(t, f.buf[:8], from); rc != lib.SQLITE_OK {
			return rc
		}
		chain = sumOf(f.buf)
	}
	fr.next = -1
	if err := f.space.sealer.seal(f.page(), plain, f.scratch, binary.BigEndian.Uint32(fr.head[:]), fr.head[sumAt:]); err != nil {
		return lib.SQLITE_IOERR_WRITE
	}
	copy(f.buf, fr.head[:sumAt])
	chain = checksum(checksum(chain, f.buf[:8]), f.buf[frameHead:])
	putSum(f.buf[sumAt:], chain)
	rc := f.writeBelow(t, f.buf, at)
	if rc == lib.SQLITE_OK {
		fr.next, fr.chain, fr.chained = at+frameSize, chain, hold
	}
	return rc
}

// readLog reads from a log what SQLite asks for: its head, a page, a whole frame,
// the checksum of a head.
func (f *file) readLog(t *libc.TLS, b []byte, off int64) int32 {
	fr := &f.frames
	if rc := f.settle(t); rc != lib.SQLITE_OK {
		return rc
	}
	fr.whole = -1
	if off+int64(len(b)) <= logHead {
		rc := f.readBelow(t, f.buf[:len(b)], off)
		copy(b, f.buf)
		if off == 0 && len(b) == logHead && binary.BigEndian.Uint32(b) == logMagic|1 {
			return lib.SQLITE_IOERR_READ // of a machine with the other byte order
		}
		return rc
	}
	at := off - (off-logHead)%frameSize
	if off < logHead || off+int64(len(b)) > at+frameSize {
		return lib.SQLITE_IOERR_READ
	}
	rc := f.readBelow(t, f.buf, at)
	if rc == lib.SQLITE_IOERR_SHORT_READ {
		clear(b)
		return rc
	} else if rc != lib.SQLITE_OK {
		return rc
	}
	var head [frameHead]byte
	copy(head[:], f.buf)
	page := binary.BigEndian.Uint32(head[:])
	plain := f.scratch
	if off == at+frameHead && len(b) == PageSize {
		plain = b // the usual case: a reader wants the page
	}
	sum, err := f.space.sealer.open(plain, f.page(), page)
	switch {
	case err == nil:
		copy(head[sumAt:], sum[:])
	case off == at && len(b) == frameSize:
		// Recovery looks for the end of what was written. A frame that was torn,
		// or that is left from before the log began anew, must not fit the chain.
		for i := range head[sumAt:] {
			head[sumAt+i] ^= 0xa5
		}
		clear(plain)
	default:
		clear(b)
		return f.failed(page, err)
	}
	if off == at {
		n := copy(b, head[:])
		copy(b[n:], plain)
		if err == nil && len(b) == frameSize {
			fr.whole, fr.wholeIn = at, f.space.holds.Load()
		}
	} else if off < at+frameHead {
		n := copy(b, head[off-at:])
		copy(b[n:], plain)
	} else if len(b) != PageSize {
		copy(b, plain[off-at-frameHead:])
	}
	return lib.SQLITE_OK
}
