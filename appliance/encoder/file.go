package encoder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// The file of weights, written by scripts/weights, is little-endian: eight
// bytes of magic, its length and the number of pieces as uint32, then in the
// order in which parse reads them the matrices (columns in panels of 32, row
// after row, as int8; then a scale for each row of each panel, as the upper
// half of a float32), the vectors (float32), and the pieces (length as a byte,
// text, score as float64).
const magic = "CETSENC1"

const (
	panel    = 32  // columns that are stored together and share a scale per row
	narrow   = 256 // width of the embeddings and of the first layer
	wide     = 512
	inner    = 1536 // width inside a feed-forward block, and of the second layer's query, key and value
	heads    = 4
	embedded = 8002 // rows of the embeddings: the pieces and two the model never uses
)

type reader struct {
	data []byte
	err  error
}

func (r *reader) take(n int) []byte {
	if r.err == nil && n > len(r.data) {
		r.err = errors.New("encoder weights: the file ends early")
	}
	if r.err != nil {
		return make([]byte, n)
	}
	part := r.data[:n:n]
	r.data = r.data[n:]
	return part
}

// matrix reads rows x columns; the int8 part stays in the file.
func (r *reader) matrix(rows, columns int) matrix {
	m := matrix{rows: rows, columns: columns, codes: r.take(rows * columns)}
	raw := r.take(rows * columns / panel * 2)
	m.scales = make([]float32, len(raw)/2)
	for i := range m.scales {
		m.scales[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
		r.number(m.scales[i])
	}
	return m
}

func (r *reader) vector(n int) []float32 {
	raw, v := r.take(4*n), make([]float32, n)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		r.number(v[i])
	}
	return v
}

func (r *reader) number(v float32) {
	if r.err == nil && (math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)) {
		r.err = errors.New("encoder weights: a value is not a number")
	}
}

func (r *reader) pieces(n int) []piece {
	out := make([]piece, 0, n)
	for range n {
		text := string(r.take(int(r.take(1)[0])))
		score := math.Float64frombits(binary.LittleEndian.Uint64(r.take(8)))
		if r.err == nil && (text == "" || !utf8.ValidString(text) || math.IsNaN(score)) {
			r.err = fmt.Errorf("encoder weights: piece %d is damaged", len(out))
		}
		if r.err != nil {
			return nil
		}
		out = append(out, piece{text, score})
	}
	return out
}

func parse(data []byte) (*model, *tokenizer, error) {
	r := &reader{data: data}
	if string(r.take(len(magic))) != magic {
		return nil, nil, errors.New("encoder weights: not a file of weights of this version")
	}
	head := r.take(8)
	size, count := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
	if r.err == nil && (uint64(size) != uint64(len(data)) || count <= reserved || count > embedded) {
		return nil, nil, fmt.Errorf("encoder weights: %d bytes and %d pieces are announced, the file has %d bytes", size, count, len(data))
	}
	m := &model{embeddings: r.matrix(embedded, narrow)}
	for i := range m.layers {
		l := &m.layers[i]
		l.width = narrow << i
		l.attend, l.merge = r.matrix(l.width, 3*l.width), r.matrix(l.width, wide)
		l.grow, l.shrink = r.matrix(wide, inner), r.matrix(inner, wide)
		if l.width != wide {
			l.widen = r.matrix(l.width, wide)
		}
	}
	m.last = r.matrix(wide, wide)
	m.timing = r.vector(narrow / 2)
	for i := range m.layers {
		l := &m.layers[i]
		l.before = norms{r.vector(l.width), r.vector(l.width)}
		l.attend.bias, l.merge.bias = r.vector(3*l.width), r.vector(wide)
		if l.width != wide {
			l.widen.bias = r.vector(wide)
		}
		l.between = norms{r.vector(wide), r.vector(wide)}
		l.grow.bias, l.shrink.bias = r.vector(inner), r.vector(wide)
	}
	m.last.bias = r.vector(wide)
	pieces := r.pieces(int(count))
	if r.err == nil && len(r.data) != 0 {
		r.err = errors.New("encoder weights: the file is longer than its content")
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	return m, newTokenizer(pieces), nil
}
