package office

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"
)

// container is a compound file (MS-CFB), the container of locked Office files: a
// small file system of sectors. Every number in it may lie.
type container struct {
	data       []byte
	sector     int // bytes
	small      int // bytes of a sector of the small streams
	cut        int64
	next       []uint32 // of each sector
	nextSmall  []uint32
	entries    []entryOf
	smallBytes []byte // where small streams lie
}

type entryOf struct {
	name  string
	kind  byte
	start uint32
	size  int64
}

var errCompound = errors.New("the compound file is damaged")

const (
	rootEntry   = 5
	streamEntry = 2
	lastSector  = 0xfffffffa // from here on the numbers have other meanings
)

func openCompound(data []byte) (*container, error) {
	if len(data) < 512 {
		return nil, errCompound
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(data[at:])) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(data[at:]) }
	if s := u16(30); s != 9 && s != 12 || u16(32) != 6 {
		return nil, errCompound
	}
	c := &container{data: data, sector: 1 << u16(30), small: 64, cut: int64(u32(56))}
	var tables []uint32 // sectors that hold c.next
	for i := range 109 {
		tables = append(tables, u32(76+4*i))
	}
	for at, n := u32(68), 0; at < lastSector; n++ {
		s, err := c.at(at)
		if err != nil || n > len(data)/c.sector {
			return nil, errCompound
		}
		for i := 0; i < c.sector-4; i += 4 {
			tables = append(tables, binary.LittleEndian.Uint32(s[i:]))
		}
		at = binary.LittleEndian.Uint32(s[c.sector-4:])
	}
	for _, t := range tables {
		if t >= lastSector {
			continue
		}
		s, err := c.at(t)
		if err != nil || len(c.next) > len(data)/c.sector+c.sector {
			return nil, errCompound
		}
		c.next = appendNumbers(c.next, s)
	}
	dir, err := c.chain(u32(48), int64(len(data)))
	if err != nil {
		return nil, err
	}
	for ; len(dir) >= 128; dir = dir[128:] {
		n := min(int(binary.LittleEndian.Uint16(dir[64:])), 64)
		units := make([]uint16, 0, 32)
		for i := 0; i+2 < n; i += 2 {
			units = append(units, binary.LittleEndian.Uint16(dir[i:]))
		}
		e := entryOf{name: string(utf16.Decode(units)), kind: dir[66], start: binary.LittleEndian.Uint32(dir[116:]), size: int64(binary.LittleEndian.Uint32(dir[120:]))}
		c.entries = append(c.entries, e)
		if e.kind == rootEntry && c.smallBytes == nil && e.size > 0 {
			if c.smallBytes, err = c.chain(e.start, e.size); err != nil {
				return nil, err
			}
		}
	}
	if at := u32(60); at < lastSector {
		table, err := c.chain(at, int64(len(data)))
		if err != nil {
			return nil, err
		}
		c.nextSmall = appendNumbers(nil, table)
	}
	return c, nil
}

func appendNumbers(to []uint32, from []byte) []uint32 {
	for i := 0; i+4 <= len(from); i += 4 {
		to = append(to, binary.LittleEndian.Uint32(from[i:]))
	}
	return to
}

// at is a sector.
func (c *container) at(number uint32) ([]byte, error) {
	from := (int64(number) + 1) * int64(c.sector)
	if from >= int64(len(c.data)) {
		return nil, errCompound
	}
	s := c.data[from:min(from+int64(c.sector), int64(len(c.data)))]
	if len(s) < c.sector { // the last one may be cut
		s = append(append(make([]byte, 0, c.sector), s...), make([]byte, c.sector-len(s))...)
	}
	return s, nil
}

// chain puts the sectors of a stream together, up to its size or its end.
func (c *container) chain(at uint32, size int64) ([]byte, error) {
	var out []byte
	for int64(len(out)) < size && at < lastSector {
		s, err := c.at(at)
		if err != nil || int(at) >= len(c.next) || len(out) > len(c.data) {
			return nil, errCompound
		}
		out = append(out, s...)
		at = c.next[at]
	}
	return out[:min(int64(len(out)), size)], nil
}

// stream is the stream of a name, wherever it stands; nil = there is none.
func (c *container) stream(name string) ([]byte, error) {
	for _, e := range c.entries {
		if e.kind != streamEntry || e.name != name {
			continue
		}
		var out []byte
		var err error
		if e.size >= c.cut {
			out, err = c.chain(e.start, e.size)
		} else {
			for at := e.start; int64(len(out)) < e.size && at < lastSector; {
				from := int64(at) * int64(c.small)
				if from+int64(c.small) > int64(len(c.smallBytes)) || int(at) >= len(c.nextSmall) || len(out) > len(c.smallBytes) {
					return nil, errCompound
				}
				out = append(out, c.smallBytes[from:from+int64(c.small)]...)
				at = c.nextSmall[at]
			}
		}
		if err == nil && int64(len(out)) < e.size {
			err = errCompound
		}
		if err != nil {
			return nil, err
		}
		return out[:e.size], nil
	}
	return nil, nil
}
