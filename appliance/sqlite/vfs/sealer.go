package vfs

import (
	"fmt"

	"chatets/appliance/secret"
)

// Sealer seals pages for a database file that is written past SQLite, as a restore
// does. It belongs to one goroutine.
type Sealer struct {
	sealer       *sealer
	out, scratch []byte
}

// NewSealer returns a sealer that uses the current one of the keys.
func NewSealer(keys secret.PageKeys) (*Sealer, error) {
	s, err := newSealer(keys)
	if err != nil {
		return nil, err
	}
	return &Sealer{s, make([]byte, room+PageSize), make([]byte, PageSize)}, nil
}

// Page is what lies on the disk for a page of SQLite's, until the next call.
func (s *Sealer) Page(number uint32, plain []byte) ([]byte, error) {
	if len(plain) != PageSize {
		return nil, fmt.Errorf("page %d has %d bytes: %w", number, len(plain), errForm)
	}
	if err := s.sealer.seal(s.out, plain, s.scratch, number, nil); err != nil {
		return nil, fmt.Errorf("seal page %d: %w", number, err)
	}
	return s.out[room:], nil
}

// OpenPage makes of a page as it lies on the disk, of the file or of its log, what
// SQLite has in memory.
func (s *Space) OpenPage(number uint32, data []byte) error {
	if len(data) != PageSize {
		return errForm
	}
	buf := make([]byte, room+PageSize)
	copy(buf[room:], data)
	if _, err := s.sealer.open(data, buf, number); err != nil {
		clear(data)
		return err
	}
	return nil
}
