package pdf

import (
	"golang.org/x/sys/unix"

	"github.com/tetratelabs/wazero/experimental"
)

// outside puts the parser's memory outside Go's heap. There the kernel makes it
// longer without copying it, and only what was written takes room; on the heap
// each step would copy all of it, and garbage of twice its size would stay for a
// while. It is not reserved at once: the process has little address space.
func outside(_, most uint64) experimental.LinearMemory { return &mapped{most: most} }

type mapped struct {
	data []byte
	most uint64
}

// Reallocate gives the first size bytes; nil tells the parser that there is no more.
func (m *mapped) Reallocate(size uint64) []byte {
	if size > m.most {
		return nil
	}
	if size <= uint64(len(m.data)) {
		return m.data[:size]
	}
	var data []byte
	var err error
	if m.data == nil {
		data, err = unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	} else {
		data, err = unix.Mremap(m.data, int(size), unix.MREMAP_MAYMOVE)
	}
	if err != nil {
		return nil
	}
	m.data = data
	return data
}

// Free gives the memory back.
func (m *mapped) Free() {
	if m.data != nil {
		_ = unix.Munmap(m.data) // a failure leaves it to the process, which ends soon
		m.data = nil
	}
}
