package vector

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// A sealed block: the magic, four numbers of 32 bits (dimension, rows,
// documents, 0), lo and hi, the documents (length, bytes), then row for row the
// sequences, chunks, documents, scales and codes. The file is sealed and named
// by its content, so a changed one is never read to its end.
const magic = "vecblk1\n"

// maxSealed bounds what is read of a file: the largest block and long names.
const maxSealed = 256 << 20

// pack writes a block whose rows no longer change.
func pack(b *block, dimension int, documents []string) []byte {
	local, names := map[uint32]uint32{}, []string{}
	for _, d := range b.doc[:b.n] {
		if _, seen := local[d]; !seen {
			local[d] = uint32(len(names))
			names = append(names, documents[d])
		}
	}
	le := binary.LittleEndian
	out := append(make([]byte, 0, b.n*(dimension+24)+64*len(names)+64), magic...)
	for _, n := range []int{dimension, b.n, len(names), 0} {
		out = le.AppendUint32(out, uint32(n))
	}
	out = le.AppendUint64(le.AppendUint64(out, uint64(b.lo)), uint64(b.hi))
	for _, name := range names {
		out = append(le.AppendUint32(out, uint32(len(name))), name...)
	}
	for _, x := range b.seq[:b.n] {
		out = le.AppendUint64(out, uint64(x))
	}
	for _, x := range b.chunk[:b.n] {
		out = le.AppendUint64(out, uint64(x))
	}
	for _, x := range b.doc[:b.n] {
		out = le.AppendUint32(out, local[x])
	}
	for _, x := range b.scale[:b.n] {
		out = le.AppendUint32(out, math.Float32bits(x))
	}
	for i := range b.n {
		out = append(out, b.row(i)[:dimension]...)
	}
	return out
}

var errForm = errors.New("the sealed block has a wrong form")

// unpack reads a block; number gives a document its place.
func unpack(data []byte, dimension, most int, number func(string) uint32) (*block, error) {
	le := binary.LittleEndian
	if len(data) < 40 || string(data[:8]) != magic || int(le.Uint32(data[8:])) != dimension {
		return nil, errForm
	}
	n, names := int(le.Uint32(data[12:])), int(le.Uint32(data[16:]))
	lo, hi := int64(le.Uint64(data[24:])), int64(le.Uint64(data[32:]))
	if n > most || names > n || lo > hi {
		return nil, errForm
	}
	data = data[40:]
	documents := make([]string, names)
	for i := range documents {
		if len(data) < 4 || uint64(le.Uint32(data)) > uint64(len(data)-4) {
			return nil, errForm
		}
		size := int(le.Uint32(data))
		documents[i], data = string(data[4:4+size]), data[4+size:]
	}
	if len(data) != n*(24+dimension) {
		return nil, errForm
	}
	seqs, chunks, docs, scales, codes := data[:8*n], data[8*n:16*n], data[16*n:20*n], data[20*n:24*n], data[24*n:]
	before := lo - 1
	for i := range n {
		seq := int64(le.Uint64(seqs[8*i:]))
		if seq <= before || seq > hi || int(le.Uint32(docs[4*i:])) >= names {
			return nil, errForm
		}
		before = seq
	}
	b, err := newBlock(max(n, 1), dimension)
	if err != nil {
		return nil, err
	}
	places := make([]uint32, names)
	for i, d := range documents {
		places[i] = number(d)
	}
	for i := range n {
		b.seq[i], b.chunk[i] = int64(le.Uint64(seqs[8*i:])), int64(le.Uint64(chunks[8*i:]))
		b.doc[i], b.scale[i] = places[le.Uint32(docs[4*i:])], math.Float32frombits(le.Uint32(scales[4*i:]))
		row := b.row(i)
		copy(row, codes[i*dimension:(i+1)*dimension])
		for j := dimension; j < len(row); j++ {
			row[j] = 128
		}
	}
	b.n, b.lo, b.hi, b.sealed = n, lo, hi, true
	return b, nil
}

// unseal reads the sealed blocks of a segment and marks what was removed since.
func (g *segment) unseal(ctx context.Context, tx *sql.Tx, f known) error {
	if g.store.blobs == nil {
		return errors.New("there is no store of files")
	}
	type piece struct {
		last  int64
		count int
		blob  string
	}
	rows, err := tx.QueryContext(ctx, `SELECT last, count, blob FROM vector_sealed WHERE segment = ? ORDER BY first`, f.segment)
	if err != nil {
		return fmt.Errorf("list sealed blocks: %w", err)
	}
	defer rows.Close()
	var pieces []piece
	for rows.Next() {
		var p piece
		if err := rows.Scan(&p.last, &p.count, &p.blob); err != nil {
			return err
		}
		pieces = append(pieces, p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	var buffer bytes.Buffer
	before := int64(math.MinInt64)
	for _, p := range pieces {
		buffer.Reset()
		if err := g.store.fetch(ctx, Shelf(f.workspace), p.blob, &buffer); err != nil {
			return err
		}
		b, err := unpack(buffer.Bytes(), g.key.space.Dimension, math.MaxInt32, g.number)
		if err != nil {
			return err
		}
		g.blocks = append(g.blocks, b)
		if b.n != p.count || b.hi != p.last || b.lo <= before {
			return errForm
		}
		before = b.hi
	}
	if before != f.sealed {
		return errors.New("a sealed block is missing")
	}
	gone, err := tx.QueryContext(ctx, `SELECT sequence FROM vector_gone WHERE segment = ?`, f.segment)
	if err != nil {
		return fmt.Errorf("list removed rows: %w", err)
	}
	defer gone.Close()
	for gone.Next() {
		var seq int64
		if err := gone.Scan(&seq); err != nil {
			return err
		}
		g.bury(seq)
	}
	return gone.Err()
}

func (s *Store) fetch(ctx context.Context, workspace, name string, to *bytes.Buffer) error {
	r, err := s.blobs.Open(ctx, workspace, name)
	if err != nil {
		return err
	}
	defer r.Close()
	// Only the end of the file proves that it is the one of this name.
	_, err = to.ReadFrom(io.LimitReader(r, maxSealed))
	return err
}
