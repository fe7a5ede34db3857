package sqlite

import (
	"errors"
	"fmt"
	"io"
)

// merging gives the newest content of every page of several files, the oldest
// file first.
type merging struct {
	inputs           []*mergeInput
	pageSize, commit uint32
}

type mergeInput struct {
	from   pageSource
	commit uint32
	size   uint32
	close  func() error
	number uint32 // of the page in data; 0 behind the end
	data   []byte
}

func (i *mergeInput) advance() error {
	number, err := i.from.next(i.data)
	if errors.Is(err, io.EOF) {
		i.number = 0
		return nil
	}
	i.number = number
	return err
}

// add takes the next newer file in.
func (m *merging) add(i *mergeInput) error {
	m.inputs = append(m.inputs, i)
	if m.pageSize != 0 && i.size != m.pageSize {
		return fmt.Errorf("pages of %d and %d bytes in one line", m.pageSize, i.size)
	}
	m.pageSize, m.commit = i.size, i.commit
	i.data = make([]byte, i.size)
	return i.advance()
}

// next gives the lowest page number that is left, from the newest file that has
// it; pages behind the end of the database are left out.
func (m *merging) next(data []byte) (uint32, error) {
	for {
		var lowest *mergeInput
		for _, i := range m.inputs {
			if i.number > 0 && (lowest == nil || i.number <= lowest.number) {
				lowest = i
			}
		}
		if lowest == nil {
			return 0, io.EOF
		}
		number := lowest.number
		copy(data, lowest.data)
		for _, i := range m.inputs {
			if i.number == number {
				if err := i.advance(); err != nil {
					return 0, err
				}
			}
		}
		if number <= m.commit {
			return number, nil
		}
	}
}

func (m *merging) close() {
	for _, i := range m.inputs {
		_ = i.close()
	}
}
