package vector

import (
	"cmp"
	"math"
	"slices"
)

// kernel multiplies a query with len(out) rows of codes; len(out) is a multiple
// of 4. All kernels give the same numbers.
type kernel struct {
	name string
	dots func(codes []byte, q *code, out []int32)
}

func bestKernel() kernel { return kernels()[0] }

// code is a query as codes: the same numbers narrow and wide.
type code struct {
	narrow []int8
	wide   []int16
	shift  int32 // 128 times their sum: what the +128 of the rows' codes adds
	scale  float32
}

func newCode(vector []float32) *code {
	stride := (len(vector) + 63) &^ 63
	raw := make([]byte, stride)
	c := &code{narrow: make([]int8, stride), wide: make([]int16, stride)}
	c.scale = quantise(raw, vector)
	for i, x := range raw {
		v := int16(x) - 128
		c.narrow[i], c.wide[i] = int8(v), v
		c.shift += 128 * int32(v)
	}
	return c
}

// dotsGo is the kernel that needs nothing of the processor.
func dotsGo(codes []byte, q *code, out []int32) {
	stride := len(q.wide)
	for r := range out {
		row := codes[r*stride:][:stride]
		var sum int32
		for i, x := range q.wide {
			sum += int32(row[i]) * int32(x)
		}
		out[r] = sum
	}
}

// candidate is a row that may be among the best.
type candidate struct {
	score float32
	seq   int64
	chunk int64
}

// better is the one order of candidates: by score, then the older row.
func (c candidate) better(d candidate) bool {
	return c.score > d.score || c.score == d.score && c.seq < d.seq
}

// best keeps the best n candidates: a heap with the worst on top.
type best struct {
	n    int
	heap []candidate
}

// floor is the score below which a candidate is of no use.
func (b *best) floor() float32 {
	if len(b.heap) < b.n {
		return float32(math.Inf(-1))
	}
	return b.heap[0].score
}

func (b *best) offer(c candidate) {
	if len(b.heap) < b.n {
		b.heap = append(b.heap, c)
		for i := len(b.heap) - 1; i > 0; {
			up := (i - 1) / 2
			if !b.heap[up].better(b.heap[i]) {
				return
			}
			b.heap[up], b.heap[i] = b.heap[i], b.heap[up]
			i = up
		}
		return
	}
	if !c.better(b.heap[0]) {
		return
	}
	b.heap[0] = c
	for i := 0; ; {
		worst := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(b.heap) && b.heap[worst].better(b.heap[child]) {
				worst = child
			}
		}
		if worst == i {
			return
		}
		b.heap[i], b.heap[worst] = b.heap[worst], b.heap[i]
		i = worst
	}
}

func (b *best) sorted() []candidate {
	slices.SortFunc(b.heap, func(a, c candidate) int {
		if a.score != c.score {
			return cmp.Compare(c.score, a.score)
		}
		return cmp.Compare(a.seq, c.seq)
	})
	return b.heap
}

// step is how many rows are multiplied before their scores are looked at.
const step = 256

// scan offers the rows of a block below n that the filter lets through.
func (k kernel) scan(b *block, n int, q *code, f *filter, to *best) {
	var out [step]int32
	for from := 0; from < n; from += step {
		rows := min(step, n-from)
		full := rows &^ 3
		if full > 0 {
			k.dots(b.memory[from*b.stride:(from+full)*b.stride], q, out[:full])
		}
		// Rows from n on may be written at this moment, so the last ones go singly.
		dotsGo(b.memory[(from+full)*b.stride:(from+rows)*b.stride], q, out[full:rows])
		floor := to.floor()
		for i := range rows {
			score := float32(out[i]-q.shift) * b.scale[from+i] * q.scale
			if score < floor {
				continue
			}
			at := from + i
			if b.isGone(at) || !f.lets(b.doc[at], b.chunk[at]) {
				continue
			}
			to.offer(candidate{score: score, seq: b.seq[at], chunk: b.chunk[at]})
			floor = to.floor()
		}
	}
}
