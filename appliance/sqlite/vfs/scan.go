package vfs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"time"
)

// State is what a database file is, told by its first bytes.
type State int

// The states of a file.
const (
	New     State = iota // absent or empty
	Plain                // a database that is not sealed
	Sealed               // a sealed one
	Foreign              // neither
)

// StateOf looks at a file.
func StateOf(name string) (State, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return New, nil
	}
	if err != nil {
		return New, err
	}
	defer f.Close()
	var head [len(Magic)]byte
	switch n, err := io.ReadFull(f, head[:]); {
	case n == 0 && errors.Is(err, io.EOF):
		return New, nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return New, err
	case string(head[:]) == Magic:
		return Sealed, nil
	case string(head[:]) == PlainMagic:
		return Plain, nil
	}
	return Foreign, nil
}

// ErrKey is returned for a database whose pages are sealed with a key that is not
// among the keys, or with another one of that number.
var ErrKey = errors.New("the database is sealed with another key")

// Fits finds out, before SQLite opens a sealed database, whether the keys are
// those of the database: nil, ErrKey, or the damage of its first page.
func (s *Space) Fits(name string) (*Damage, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var first error
	found := 0
	// Where page 1 does not open, a few others tell a wrong key from damage.
	err = s.each(f, func(page uint32, buf, plain []byte) bool {
		_, failed := s.sealer.open(plain, buf, page)
		if page == 1 {
			first = failed
			return failed != nil
		}
		if failed == nil {
			found++
		}
		return found == 0 && page < 1000
	})
	if first == nil || err != nil {
		return nil, err
	}
	inLog := false
	err = s.eachFrame(name+"-wal", func(fr frame) bool {
		inLog = fr.page == 1 && fr.live && fr.err == nil
		if fr.live && fr.err == nil {
			found++
		}
		return !inLog
	})
	switch {
	case inLog || err != nil: // a power cut tore it on its way from the log
		return nil, err
	case found > 0:
		return &Damage{Page: 1, Err: first}, nil
	}
	return nil, ErrKey
}

// each reads the pages of a file in order until do says false. buf[room:] is the
// page as it lies on the disk, plain is scratch.
func (s *Space) each(f *os.File, do func(page uint32, buf, plain []byte) bool) error {
	return s.eachFrom(f, 1, do)
}

// eachFrom is each from a page on.
func (s *Space) eachFrom(f *os.File, first uint32, do func(page uint32, buf, plain []byte) bool) error {
	const run = 64
	whole, plain := make([]byte, room+run*PageSize), make([]byte, PageSize)
	for page, off := first, int64(first-1)*PageSize; ; off += run * PageSize {
		n, err := f.ReadAt(whole[room:], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for i := 0; i+PageSize <= n; i += PageSize {
			if page != lockPage && !do(page, whole[i:i+room+PageSize], plain) {
				return nil
			}
			page++
		}
		if err != nil {
			return nil
		}
	}
}

// Verify opens every page of a database file and returns those that do not open,
// at most 16. It may run while the database is in use. A page that a power cut tore
// on its way from the log is sound as long as it lies there.
func (s *Space) Verify(ctx context.Context, name string) ([]Damage, error) {
	return s.VerifyPart(ctx, name, 1, math.MaxUint32)
}

// VerifyPart is Verify of the pages from first to last.
func (s *Space) VerifyPart(ctx context.Context, name string, first, last uint32) ([]Damage, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var bad []uint32
	err = s.eachFrom(f, first, func(page uint32, buf, plain []byte) bool {
		if page > last {
			return false
		}
		if _, err := s.sealer.open(plain, buf, page); err != nil {
			bad = append(bad, page)
		}
		return page%1024 != 0 || ctx.Err() == nil
	})
	if err = errors.Join(err, ctx.Err()); err != nil || len(bad) == 0 {
		return nil, err
	}
	inLog := map[uint32]bool{}
	if err := s.eachFrame(name+"-wal", func(fr frame) bool {
		sound := fr.live && fr.fits && fr.err == nil
		inLog[fr.page] = inLog[fr.page] || sound
		return sound
	}); err != nil {
		return nil, err
	}
	var damage []Damage
	buf, plain := make([]byte, room+PageSize), make([]byte, PageSize)
	for _, page := range bad {
		if inLog[page] {
			continue
		}
		if len(damage) == maxDamage {
			break
		}
		// A page may just have been written; one that stays like that is damaged.
		var failed error
		for range 5 {
			if _, err := f.ReadAt(buf[room:], int64(page-1)*PageSize); err != nil {
				failed = err
			} else if _, failed = s.sealer.open(plain, buf, page); failed == nil {
				break
			}
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(20 * time.Millisecond):
			}
		}
		if failed != nil {
			damage = append(damage, Damage{Page: page, Err: failed})
		}
	}
	return damage, nil
}

// Old lists the pages of a database file that are sealed with another key than
// the current one.
func (s *Space) Old(name string) ([]uint32, error) {
	current, _ := s.sealer.keys.Current()
	var old []uint32
	err := s.numbers(name, func(page, number uint32) {
		if number != current {
			old = append(old, page)
		}
	})
	return old, err
}

// Under counts the pages of a database and of its log that are sealed with a key.
func (s *Space) Under(name string, number uint32) (int, error) {
	n := 0
	err := s.numbers(name, func(_, of uint32) {
		if of == number {
			n++
		}
	})
	if err != nil {
		return 0, err
	}
	// What is left in the log from its former lives counts too: it can be read.
	err = s.eachFrame(name+"-wal", func(fr frame) bool {
		if fr.number == number {
			n++
		}
		return true
	})
	return n, err
}

func (s *Space) numbers(name string, do func(page, number uint32)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.each(f, func(page uint32, buf, _ []byte) bool {
		do(page, numberOf(buf[room:]))
		return true
	})
}
