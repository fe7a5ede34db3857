package vfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// frame is one of a log on the disk.
type frame struct {
	page   uint32
	number uint32    // of the key
	commit bool      // the last one of a transaction
	live   bool      // of the log's present life
	fits   bool      // its checksum goes on from the frame before
	err    error     // why its page does not open
	sum    [2]uint32 // as it is written
}

// logHeadOf reads the head of a log and tells whether it is sound.
func logHeadOf(f *os.File) (head [logHead]byte, sound bool, err error) {
	if _, err := f.ReadAt(head[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return head, false, err
	}
	return head, binary.BigEndian.Uint32(head[:]) == logMagic && checksum([2]uint32{}, head[:24]) == sumOf(head[24:]), nil
}

// eachFrame reads a log, if there is one, until do says false.
func (s *Space) eachFrame(name string, do func(frame) bool) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	head, _, err := logHeadOf(f)
	if err != nil {
		return err
	}
	sum := sumOf(head[24:])
	buf, plain := make([]byte, frameSize), make([]byte, PageSize)
	for at := int64(logHead); ; at += frameSize {
		if _, err := f.ReadAt(buf, at); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			return err
		}
		fr := frame{
			page: binary.BigEndian.Uint32(buf), number: numberOf(buf[frameHead:]), commit: binary.BigEndian.Uint32(buf[4:]) != 0,
			live: bytes.Equal(head[16:24], buf[8:16]), sum: sumOf(buf[sumAt:]),
		}
		fr.fits = checksum(checksum(sum, buf[:8]), buf[frameHead:]) == fr.sum
		sum = fr.sum
		_, fr.err = s.sealer.open(plain, buf[frameHead-room:], fr.page)
		if !do(fr) {
			return nil
		}
	}
}

// VerifyLog tells damage of a log from the torn end that a power cut leaves, which
// is no damage: what stood there was acknowledged to nobody. A transaction begins
// only when the one before is safe on the disk. So if a frame is not right, and
// behind it a transaction ends, and another one goes on from there and ends too,
// the frame was right once. A frame whose checksum is right and whose page does not
// open was never torn either: its key is not there. It must run before SQLite opens the database: from
// then on what stands behind the frame is gone.
func (s *Space) VerifyLog(database string) (*Damage, error) {
	name := database + "-wal"
	if damage, err := s.verifyHead(name); damage != nil || err != nil {
		return damage, err
	}
	var wrong *Damage
	var before frame
	another, proven := false, false
	err := s.eachFrame(name, func(fr frame) bool {
		sound := fr.live && fr.fits && fr.err == nil
		switch {
		case wrong != nil:
			another = sound && (another || before.live && before.commit)
			proven = another && fr.commit
		case !sound:
			if wrong = (&Damage{Page: fr.page, Log: true, Err: fr.err}); fr.err == nil {
				wrong.Err = errors.New("the frame does not fit the one before it")
			}
			proven = fr.live && fr.fits
		}
		before = fr
		return !proven
	})
	if err != nil || !proven {
		return nil, err
	}
	return wrong, nil
}

// verifyHead finds a head that was changed. A head is safe on the disk before the
// first frame that has its salts, and the next head draws both anew.
func (s *Space) verifyHead(name string) (*Damage, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, sound, err := logHeadOf(f)
	if err != nil || sound {
		return nil, err
	}
	var frame [frameHead]byte
	if _, err := f.ReadAt(frame[:], logHead); err != nil {
		return nil, nil // no frame, nothing to lose
	}
	if bytes.Equal(head[16:20], frame[8:12]) || bytes.Equal(head[20:24], frame[12:16]) {
		return &Damage{Log: true, Err: errors.New("the head of the log was changed")}, nil
	}
	return nil, nil
}
