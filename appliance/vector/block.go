package vector

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// block is up to so many vectors as 8-bit codes. Codes are stored as code+128,
// because the processor multiplies unsigned by signed bytes. Rows below n never
// change; a removed row has its bit in gone. Sequences grow from row to row.
type block struct {
	memory  []byte // anonymous mapping, outside the Go heap
	stride  int    // bytes from one row to the next: the dimension rounded up to 64
	size    int    // rows there is room for
	n       int    // rows in use; guarded by the segment
	dead    int    // guarded by the segment
	lo, hi  int64  // range of sequences it stands for, removed ones included
	sealed  bool
	scale   []float32
	seq     []int64
	chunk   []int64
	doc     []uint32
	gone    []atomic.Uint64
	holders atomic.Int32 // the segment and the scans that are reading it
}

func newBlock(size, dimension int) (*block, error) {
	stride := (dimension + 63) &^ 63
	memory, err := unix.Mmap(-1, 0, max(size*stride, 1), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("memory for vectors: %w", err)
	}
	// Without huge pages reading is slower, and that is all.
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE)
	b := &block{memory: memory, stride: stride, size: size, scale: make([]float32, size), seq: make([]int64, size),
		chunk: make([]int64, size), doc: make([]uint32, size), gone: make([]atomic.Uint64, (size+63)/64)}
	b.holders.Store(1)
	return b, nil
}

func (b *block) hold() { b.holders.Add(1) }

// release gives the memory back when the last holder is gone.
func (b *block) release() {
	if b.holders.Add(-1) == 0 {
		_ = unix.Munmap(b.memory)
		b.memory = nil
	}
}

func (b *block) row(i int) []byte { return b.memory[i*b.stride : (i+1)*b.stride] }

// put writes a vector behind the last one.
func (b *block) put(seq, chunk int64, doc uint32, vector []float32) {
	i := b.n
	b.scale[i] = quantise(b.row(i), vector)
	b.seq[i], b.chunk[i], b.doc[i] = seq, chunk, doc
	if i == 0 {
		b.lo = seq
	}
	b.hi = max(b.hi, seq)
	b.n++
}

// copyRow takes a row over from another block.
func (b *block) copyRow(from *block, i int) {
	copy(b.row(b.n), from.row(i))
	b.scale[b.n], b.seq[b.n], b.chunk[b.n], b.doc[b.n] = from.scale[i], from.seq[i], from.chunk[i], from.doc[i]
	b.n++
}

func (b *block) isGone(i int) bool { return b.gone[i/64].Load()>>(i%64)&1 == 1 }

// remove marks a row; false when it was marked.
func (b *block) remove(i int) bool {
	bit := uint64(1) << (i % 64)
	if b.gone[i/64].Or(bit)&bit != 0 {
		return false
	}
	b.dead++
	return true
}

// quantise writes the direction of a vector as codes and returns their scale.
func quantise(codes []byte, vector []float32) float32 {
	norm, top := length(vector), 0.0
	for _, x := range vector {
		top = max(top, math.Abs(float64(x)))
	}
	step := 127 / top
	for i, x := range vector {
		codes[i] = byte(int(math.Round(float64(x)*step)) + 128)
	}
	for i := len(vector); i < len(codes); i++ {
		codes[i] = 128
	}
	return float32(top / 127 / norm)
}

func length(vector []float32) float64 {
	var sum float64
	for _, x := range vector {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

func cosine(a, b []float32, lengths float64) float64 {
	var s0, s1 float64
	i := 0
	for ; i+1 < len(a); i += 2 {
		s0 += float64(a[i]) * float64(b[i])
		s1 += float64(a[i+1]) * float64(b[i+1])
	}
	if i < len(a) {
		s0 += float64(a[i]) * float64(b[i])
	}
	return (s0 + s1) / lengths
}

// fit checks that a vector can be compared in a space of this dimension.
func fit(vector []float32, dimension int) error {
	if len(vector) != dimension || dimension < 1 || dimension > MaxDimension {
		return unfit(fmt.Sprintf("it has %d numbers where %d are wanted", len(vector), dimension))
	}
	var sum float64
	for _, x := range vector {
		sum += float64(x) * float64(x)
	}
	switch {
	case math.IsNaN(sum) || math.IsInf(sum, 0):
		return unfit("one of its numbers is not finite")
	case sum < 1e-60:
		return unfit("all its numbers are zero")
	}
	return nil
}

func encode(vector []float32) []byte {
	data := make([]byte, 0, 4*len(vector))
	for _, x := range vector {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return data
}

// decode reads a row's vector into to, which has the dimension's length.
func decode(data []byte, to []float32) error {
	if len(data) != 4*len(to) {
		return damaged(fmt.Errorf("a vector has %d bytes where %d are wanted", len(data), 4*len(to)))
	}
	for i := range to {
		to[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return nil
}
