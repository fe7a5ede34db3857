package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"chatets/appliance/fault"
)

// A portable archive is one file:
//
//	 0  8  magic
//	 8  2  version of the form
//	10  4  length of the head
//	14 32  SHA-256 of all before it and of the head
//	46     the head, JSON: whose it is, when it was made, and keys.json
//	       a sealed stream (AES-256-GCM in chunks, the sum of the head as
//	       additional data) of a zstd stream of a tar: "database", the files as
//	       "files/WORKSPACE/NAME" in the order of their names, "end.json"
//	-48    magic, length of all before it (8), SHA-256 of all before it (32)
//
// The foot tells a file that was cut from one that was changed, without a key.
const (
	archiveMagic   = "CETSARC\n"
	footMagic      = "CETSEND\n"
	archiveVersion = 1
	archiveStart   = 46
	archiveFoot    = 48
	maxArchiveHead = 32 << 20 // keys.json has at most half of it
	archivePurpose = "archive"
)

// ArchiveHead is what an archive says of itself to everybody.
type ArchiveHead struct {
	ID           string    `json:"id"`
	Installation string    `json:"installation"`
	Made         time.Time `json:"made"`
	Version      string    `json:"version"`  // of the program that made it
	Key          uint32    `json:"key"`      // number of the data key it is sealed with
	Database     int64     `json:"database"` // bytes, opened
	About        int64     `json:"about"`    // bytes the whole archive will have, about
	Keys         []byte    `json:"keys"`     // keys.json as it was then
}

// encode is the beginning of an archive, and the sum that binds the rest to it.
func (h ArchiveHead) encode(version uint16) (text, sum []byte, err error) {
	body, err := json.Marshal(h)
	if err != nil {
		return nil, nil, err
	}
	text = append(text, archiveMagic...)
	text = binary.BigEndian.AppendUint16(text, version)
	text = binary.BigEndian.AppendUint32(text, uint32(len(body)))
	all := sha256.New()
	all.Write(text)
	all.Write(body)
	sum = all.Sum(nil)
	return append(append(text, sum...), body...), sum, nil
}

// The ways an archive can fail whoever reads it.
var (
	noArchive = fault.New(fault.Unsupported, "This is no archive of ChatETS.").Code("archive-foreign").
			Cure("Name a file that chatets backup create made, and of an archive in parts the name without .001.")
	cutArchive = fault.New(fault.Conflict, "The archive ends too early: its end is missing or damaged.").Code("archive-cut").
			Cure("Copy it again from where it was made, with all its parts; if it was cut off while it was being made, make it again.")
	spoiltArchive = fault.New(fault.Conflict, "The archive is damaged: it is not what was written.").Code("archive-damaged").
			Cure("Copy it again from where it was made, or take another archive.")
	newerArchive = fault.New(fault.Conflict, "The archive was written by a newer ChatETS.").Code("newer-format").
			Cure("Read it with that version or a later one.")
)

// ReadArchiveHead reads the beginning of an archive. No key is needed, and nothing
// of it can be trusted but that it is whole. sum binds the rest to it.
func ReadArchiveHead(r io.Reader) (h ArchiveHead, sum []byte, err error) {
	start := make([]byte, archiveStart)
	n, err := io.ReadFull(r, start)
	if cut := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF); err != nil && !cut {
		return h, nil, err
	}
	if !bytes.HasPrefix([]byte(archiveMagic), start[:min(n, len(archiveMagic))]) || n == 0 {
		return h, nil, noArchive
	}
	if n < archiveStart {
		return h, nil, cutArchive.Because(fmt.Errorf("it has %d bytes", n))
	}
	version, length := binary.BigEndian.Uint16(start[8:]), binary.BigEndian.Uint32(start[10:])
	if length > maxArchiveHead {
		return h, nil, spoiltArchive.Because(fmt.Errorf("its head has %d bytes", length))
	}
	var body bytes.Buffer // grows with what comes, not with what is announced
	if got, err := io.CopyN(&body, r, int64(length)); err != nil {
		if errors.Is(err, io.EOF) {
			err = cutArchive.Because(fmt.Errorf("%d bytes of its head came", got))
		}
		return h, nil, err
	}
	all := sha256.New()
	all.Write(start[:14])
	all.Write(body.Bytes())
	sum = all.Sum(nil)
	if !bytes.Equal(sum, start[14:]) {
		return h, nil, spoiltArchive.Because(errors.New("the sum of its head is another"))
	}
	if version != archiveVersion {
		return h, nil, newerArchive.Because(fmt.Errorf("its form is %d", version))
	}
	if err := json.Unmarshal(body.Bytes(), &h); err != nil {
		return h, nil, spoiltArchive.Because(err)
	}
	return h, sum, nil
}

// summed is a writer that knows how much it wrote and the sum of it.
type summed struct {
	to  io.Writer
	sum hash.Hash
	n   int64
}

// Write adds to the sum what was written.
func (s *summed) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.sum.Write(p[:n])
	s.n += int64(n)
	return n, err
}

// foot ends an archive of n bytes with a sum.
func foot(n int64, sum []byte) []byte {
	b := binary.BigEndian.AppendUint64([]byte(footMagic), uint64(n))
	return append(b, sum...)
}

// ArchiveFoot looks at the last bytes of an archive of a size: an error says that
// it was cut. It does not read the rest.
func ArchiveFoot(r io.ReaderAt, size int64) error {
	last := make([]byte, archiveFoot)
	if size < archiveFoot {
		return cutArchive
	}
	if _, err := r.ReadAt(last, size-archiveFoot); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(last[:8]) != footMagic || binary.BigEndian.Uint64(last[8:]) != uint64(size-archiveFoot) {
		return cutArchive.Because(errors.New("its foot is not there"))
	}
	return nil
}

// footed reads what comes before the foot and keeps the foot; the sum is of what
// it gave.
type footed struct {
	from io.Reader
	sum  hash.Hash
	n    int64
	held []byte // read and not given: while the end is not seen, the last bytes stay
	end  error  // of from
	bad  error  // of from, other than its end
}

func newFooted(r io.Reader, given []byte) *footed {
	f := &footed{from: r, sum: sha256.New(), n: int64(len(given))}
	f.sum.Write(given)
	return f
}

// Read gives what certainly comes before the foot.
func (f *footed) Read(p []byte) (int, error) {
	for len(f.held) <= archiveFoot {
		if f.end != nil {
			return 0, f.end
		}
		buf := make([]byte, 64<<10)
		n, err := f.from.Read(buf)
		f.held = append(f.held, buf[:n]...)
		if err != nil {
			f.end = err
			if !errors.Is(err, io.EOF) {
				f.bad = err
			}
		}
	}
	n := copy(p, f.held[:len(f.held)-archiveFoot])
	f.sum.Write(p[:n])
	f.n += int64(n)
	f.held = f.held[n:]
	return n, nil
}

// verdict reads on to the end and says what is wrong with the file; nil where it
// is what was written.
func (f *footed) verdict() error {
	if _, err := io.Copy(io.Discard, f); err != nil {
		return err
	}
	switch {
	case len(f.held) < archiveFoot || string(f.held[:8]) != footMagic:
		return cutArchive.Because(fmt.Errorf("no foot behind %d bytes", f.n))
	case binary.BigEndian.Uint64(f.held[8:]) != uint64(f.n):
		return cutArchive.Because(fmt.Errorf("%d bytes of %d", f.n, binary.BigEndian.Uint64(f.held[8:])))
	case !bytes.Equal(f.held[16:], f.sum.Sum(nil)):
		return spoiltArchive.Because(errors.New("its sum is another"))
	}
	return nil
}
