package vector

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
)

// soon is how many vectors a search waits for when they are not in memory yet.
const soon = 20_000

// Load brings all knowledge bases into memory, small ones first. It is called
// in the background; searches wait for small bases and are told to come again
// for large ones meanwhile.
func (s *Store) Load(ctx context.Context) error {
	const list = `SELECT g.base, p.model, p.dimension FROM vector_segment AS g JOIN vector_space AS p ON p.id = g.space ORDER BY g.count, g.id`
	keys, err := func() ([]key, error) {
		rows, err := s.db.Read().QueryContext(ctx, list)
		if err != nil {
			return nil, fmt.Errorf("list segments: %w", err)
		}
		defer rows.Close()
		var keys []key
		for rows.Next() {
			var k key
			if err := rows.Scan(&k.base, &k.space.Model, &k.space.Dimension); err != nil {
				return nil, err
			}
			keys = append(keys, k)
		}
		return keys, rows.Err()
	}()
	if err != nil {
		return err
	}
	var failed error // one damaged base must not keep the others out
	for _, k := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		failed = errors.Join(failed, s.segment(k).load(ctx))
	}
	s.ready.Store(failed == nil)
	return failed
}

// ensure finds a segment that is in memory; nil when there are no such vectors.
func (s *Store) ensure(ctx context.Context, k key) (*segment, error) {
	s.mu.Lock()
	g := s.segments[k]
	s.mu.Unlock()
	if g != nil && g.isLoaded() {
		return g, nil
	}
	f, found, err := s.find(ctx, s.db.Read(), k)
	if err != nil {
		return nil, fmt.Errorf("segment of a base: %w", err)
	}
	if !found {
		return nil, nil
	}
	g = s.segment(k)
	if f.count > soon {
		if g.isLoaded() {
			return g, nil
		}
		s.nudge()
		return nil, loading()
	}
	return g, g.load(ctx)
}

func (g *segment) isLoaded() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.state == loaded
}

// load reads a segment unless it is in memory. Its order keeps commits of that
// moment:
//
//  1. From here on commits are noted in pending.
//  2. A snapshot of the database is read; what was committed before 1 is in it.
//  3. Pending changes are followed; those the snapshot had already change nothing.
func (g *segment) load(ctx context.Context) error {
	g.reading.Lock()
	defer g.reading.Unlock()
	g.mu.Lock()
	if g.state == loaded {
		g.mu.Unlock()
		return nil
	}
	g.clear()
	g.state, g.pending = busy, nil
	g.mu.Unlock()

	fresh := &segment{store: g.store, key: g.key}
	last, err := fresh.read(ctx)

	g.mu.Lock()
	defer g.mu.Unlock()
	pending := g.pending
	g.pending = nil
	if err == nil {
		g.few, g.blocks, g.documents, g.numbers, g.reseal = fresh.few, fresh.blocks, fresh.documents, fresh.numbers, fresh.reseal
		for _, c := range pending {
			c.add = after(c.add, last)
			c.dropped = false // each row is named in remove; the snapshot may hold newer ones
			if err = g.follow(c); err != nil {
				break
			}
		}
	}
	if err != nil {
		fresh.clear()
		g.few, g.blocks, g.documents, g.numbers = nil, nil, nil, nil
		g.state = unloaded
		return fmt.Errorf("load vectors of base %s: %w", g.key.base, err)
	}
	g.state = loaded
	return nil
}

// after leaves out rows that the snapshot had.
func after(rows []added, last int64) []added {
	for i, r := range rows {
		if r.seq > last {
			return rows[i:]
		}
	}
	return nil
}

// read fills the segment from a snapshot and returns its last sequence.
func (g *segment) read(ctx context.Context) (last int64, err error) {
	tx, err := g.store.db.Read().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(sequence), 0) FROM vector_row`).Scan(&last); err != nil {
		return 0, err
	}
	f, found, err := g.store.find(ctx, tx, g.key)
	if err != nil || !found {
		return last, err
	}
	from := int64(math.MinInt64)
	if f.sealed > 0 {
		if err := g.unseal(ctx, tx, f); err == nil {
			from = f.sealed
		} else if ctx.Err() != nil {
			return 0, err
		} else {
			g.store.log.Warn("sealed vectors cannot be used; they are made again from the rows", "base", g.key.base, "error", err)
			g.clear()
			g.reseal = true
		}
	}
	if err := g.tail(ctx, tx, f, from); err != nil {
		return 0, err
	}
	if n := g.count(); n != f.count && from != math.MinInt64 {
		g.store.log.Warn("sealed vectors do not fit the rows; they are made again", "base", g.key.base, "got", n, "want", f.count)
		g.clear()
		g.reseal = true
		if err := g.tail(ctx, tx, f, math.MinInt64); err != nil {
			return 0, err
		}
	}
	if n := g.count(); n != f.count {
		g.store.log.Error("the count of vectors is wrong; the rows are used as they are", "base", g.key.base, "got", n, "want", f.count)
	}
	return last, nil
}

// tail takes the rows behind a sequence.
func (g *segment) tail(ctx context.Context, tx *sql.Tx, f known, from int64) error {
	rows, err := tx.QueryContext(ctx, `SELECT sequence, chunk, document, vector FROM vector_row WHERE base = ? AND space = ? AND sequence > ? ORDER BY sequence`,
		g.key.base, f.space, from)
	if err != nil {
		return fmt.Errorf("read vectors: %w", err)
	}
	defer rows.Close()
	var batch []added
	var data sql.RawBytes
	for rows.Next() {
		r := added{vector: make([]float32, g.key.space.Dimension)}
		if err := rows.Scan(&r.seq, &r.chunk, &r.document, &data); err != nil {
			return err
		}
		if err := decode(data, r.vector); err != nil {
			return err
		}
		if err := fit(r.vector, g.key.space.Dimension); err != nil {
			return damaged(err)
		}
		if batch = append(batch, r); len(batch) == 256 {
			if err := g.follow(change{add: batch}); err != nil {
				return err
			}
			batch = nil
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return g.follow(change{add: batch})
}
