package pdf

import (
	"golang.org/x/sys/unix"

	"github.com/tetratelabs/wazero/experimental"
)

// outside puts the parser's memory outside Go's heap. There it grows in place,
// and only what was written takes room; on the heap each step would copy all of
// it, and garbage of twice its size would stay for a while.
func outside(_, most uint64) experimental.LinearMemory {
	data, err := unix.Mmap(-1, 0, int(most), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return &mapped{} // without memory no module starts: Open says so
	}
	return &mapped{data: data}
}

type mapped struct{ data []byte }

// Reallocate gives the first size bytes; nil tells the parser that there is no more.
func (m *mapped) Reallocate(size uint64) []byte {
	if size > uint64(len(m.data)) {
		return nil
	}
	return m.data[:size]
}

// Free gives the memory back.
func (m *mapped) Free() {
	if m.data != nil {
		_ = unix.Munmap(m.data) // a failure leaves it to the process, which ends soon
		m.data = nil
	}
}
