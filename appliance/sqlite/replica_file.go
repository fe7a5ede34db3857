package sqlite

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// A file of a replica holds the pages that changed between two states of the
// database: opened, compressed with zstd, and sealed under a key of its own
// purpose with its name as additional data. Inside:
//
//	 0  8  magic
//	 8  4  bytes of a page
//	12  4  pages of the database afterwards
//	16  8  first transaction, 24 8 last transaction
//	32  8  time of the last one, milliseconds
//	40     pages in the order of their numbers: number (4), content
//	       number 0 and how many there were (4)
const (
	pagesMagic = "CETSPG\x00\x01"
	pagesHead  = 40
	// replicaPurpose names the key; names of purposes never change.
	replicaPurpose = "replica"
	replicaFolder  = "db/"
)

// The levels of a replica's files.
const (
	levelSecond = 0 // as they were written
	levelMinute = 1
	levelHour   = 2
	levelBase   = 9 // the whole database
)

// span is a file of a replica, known by its name alone.
type span struct {
	line     uint64 // in which transactions are counted on; begins anew with every restore
	level    int
	min, max uint64 // transactions
	time     int64  // of the last transaction, milliseconds
	size     int64  // bytes in the target
}

// name is the file's name in a target; names of a level sort by transaction.
func (s span) name() string {
	return fmt.Sprintf("%s%08d/%d/%016x-%016x-%013d", replicaFolder, s.line, s.level, s.min, s.max, s.time)
}

// spanOf reads a name; false for the names of other files.
func spanOf(name string, size int64) (s span, ok bool) {
	parts := strings.Split(strings.TrimPrefix(name, replicaFolder), "/")
	if len(parts) != 3 {
		return s, false
	}
	numbers := strings.Split(parts[2], "-")
	if len(numbers) != 3 {
		return s, false
	}
	var errs [5]error
	s.size = size
	s.line, errs[0] = strconv.ParseUint(parts[0], 10, 64)
	s.level, errs[1] = strconv.Atoi(parts[1])
	s.min, errs[2] = strconv.ParseUint(numbers[0], 16, 64)
	s.max, errs[3] = strconv.ParseUint(numbers[1], 16, 64)
	s.time, errs[4] = strconv.ParseInt(numbers[2], 10, 64)
	return s, errors.Join(errs[:]...) == nil && s.name() == name && s.min > 0 && s.min <= s.max
}

// at is the time of the file's last transaction.
func (s span) at() time.Time { return time.UnixMilli(s.time) }

// damagedFile is a file of a target that does not open.
func damagedFile(name string, cause error) error {
	return fault.New(fault.Conflict, "The file %s of the backup target is damaged.", name).Code("replica-damaged").
		Cure("Restore to another point, or from another target.").Because(cause)
}

// pageWriter writes one file of a replica.
type pageWriter struct {
	out    io.WriteCloser // sealing
	packed *zstd.Encoder
	size   int
	last   uint32
	count  uint32
}

// writePages begins a file; the span's line, level, transactions and time must
// be right, because the name is part of what is sealed.
func writePages(keys *secret.Keyring, w io.Writer, s span, pageSize, commit uint32) (*pageWriter, error) {
	out, err := keys.SealStream(replicaPurpose, w, []byte(s.name()))
	if err != nil {
		return nil, err
	}
	packed, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	head := make([]byte, 0, pagesHead)
	head = append(head, pagesMagic...)
	head = binary.BigEndian.AppendUint32(head, pageSize)
	head = binary.BigEndian.AppendUint32(head, commit)
	head = binary.BigEndian.AppendUint64(head, s.min)
	head = binary.BigEndian.AppendUint64(head, s.max)
	head = binary.BigEndian.AppendUint64(head, uint64(s.time))
	_, err = packed.Write(head)
	return &pageWriter{out: out, packed: packed, size: int(pageSize)}, err
}

func (w *pageWriter) page(number uint32, data []byte) error {
	if number <= w.last || len(data) != w.size {
		return fmt.Errorf("page %d of %d bytes behind page %d", number, len(data), w.last)
	}
	w.last = number
	w.count++
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], number)
	if _, err := w.packed.Write(n[:]); err != nil {
		return err
	}
	_, err := w.packed.Write(data)
	return err
}

// close makes the file whole.
func (w *pageWriter) close() error {
	var end [8]byte
	binary.BigEndian.PutUint32(end[4:], w.count)
	_, err := w.packed.Write(end[:])
	return errors.Join(err, w.packed.Close(), w.out.Close())
}

// pageReader reads one file of a replica; nothing it gives is from a file that
// was changed, cut, or put in another's place.
type pageReader struct {
	span             span
	pageSize, commit uint32
	from             io.ReadCloser
	packed           *zstd.Decoder
	in               *bufio.Reader
	last, count      uint32
}

// readPages begins to read a file; it closes from in the end.
func readPages(keys *secret.Keyring, from io.ReadCloser, s span) (*pageReader, error) {
	r := &pageReader{span: s, from: from}
	plain, err := keys.OpenStream(replicaPurpose, from, []byte(s.name()))
	if err == nil {
		r.packed, err = zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	}
	if err != nil {
		return nil, errors.Join(r.failed(err), from.Close())
	}
	r.in = bufio.NewReader(r.packed)
	head := make([]byte, pagesHead)
	if _, err := io.ReadFull(r.in, head); err != nil {
		return nil, errors.Join(r.failed(err), r.close())
	}
	r.pageSize, r.commit = binary.BigEndian.Uint32(head[8:]), binary.BigEndian.Uint32(head[12:])
	same := binary.BigEndian.Uint64(head[16:]) == s.min && binary.BigEndian.Uint64(head[24:]) == s.max && binary.BigEndian.Uint64(head[32:]) == uint64(s.time)
	switch {
	case string(head[:6]) == pagesMagic[:6] && string(head[:8]) != pagesMagic:
		return nil, errors.Join(fault.New(fault.Conflict, "The backup target was written by a newer ChatETS.").Code("newer-format").
			Cure("Restore it with that version or a later one."), r.close())
	case string(head[:8]) != pagesMagic, !same, r.pageSize < 512, r.pageSize > 65536:
		return nil, errors.Join(r.failed(errors.New("its head is not its own")), r.close())
	}
	return r, nil
}

// next reads a page into data and returns its number; io.EOF behind the last one
// of a file that was whole.
func (r *pageReader) next(data []byte) (uint32, error) {
	var n [4]byte
	if _, err := io.ReadFull(r.in, n[:]); err != nil {
		return 0, r.failed(err)
	}
	number := binary.BigEndian.Uint32(n[:])
	if number == 0 {
		if _, err := io.ReadFull(r.in, n[:]); err != nil {
			return 0, r.failed(err)
		}
		if binary.BigEndian.Uint32(n[:]) != r.count {
			return 0, r.failed(errors.New("pages are missing"))
		}
		if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
			return 0, r.failed(fmt.Errorf("something follows its end: %w", err))
		}
		return 0, io.EOF
	}
	if number <= r.last || r.count == math.MaxUint32 {
		return 0, r.failed(errors.New("its pages are out of order"))
	}
	if _, err := io.ReadFull(r.in, data[:r.pageSize]); err != nil {
		return 0, r.failed(err)
	}
	r.last = number
	r.count++
	return number, nil
}

// failed tells a damaged file from a target that does not give it.
func (r *pageReader) failed(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return damagedFile(r.span.name(), err)
}

func (r *pageReader) close() error {
	if r.packed != nil {
		r.packed.Close()
	}
	return r.from.Close()
}
