package vector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// Run loads all knowledge bases and then keeps them in order, until ctx ends:
// full blocks are sealed, half-empty ones made smaller.
func (s *Store) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := func() error {
			if !s.Ready() {
				if err := s.Load(ctx); err != nil {
					return err
				}
			}
			return s.Tend(ctx)
		}()
		if err != nil && ctx.Err() == nil {
			// The rows are safe; the next change tries again.
			s.log.Error("the vectors could not be loaded or sealed", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		}
	}
	return nil
}

// Close gives back the memory of all segments. Searches that are running end well.
func (s *Store) Close() error {
	s.ready.Store(false)
	for _, g := range s.all() {
		g.reading.Lock()
		g.mu.Lock()
		g.clear()
		g.state = unloaded
		g.mu.Unlock()
		g.reading.Unlock()
	}
	return nil
}

// Tend seals and compacts what is due. It returns when nothing is left to do.
func (s *Store) Tend(ctx context.Context) error {
	s.tending.Lock()
	defer s.tending.Unlock()
	for _, g := range s.all() {
		if err := g.compact(); err != nil {
			return err
		}
		if s.blobs == nil {
			continue
		}
		if err := g.seal(ctx); err != nil {
			return fmt.Errorf("seal vectors of base %s: %w", g.key.base, err)
		}
	}
	if s.blobs == nil {
		return nil
	}
	return s.sweep(ctx)
}

// compact replaces neighbours that fit into one block, and blocks that are more
// than half removed. The last block is still being written.
func (g *segment) compact() error {
	for from, done := 0, false; !done; {
		g.mu.Lock()
		from, done = g.compactOne(from)
		g.mu.Unlock()
		if from < 0 {
			return errors.New("no memory to compact vectors")
		}
	}
	return nil
}

// compactOne does one replacement and says where to go on.
func (g *segment) compactOne(from int) (next int, done bool) {
	if g.state != loaded {
		return 0, true
	}
	for i := from; i < len(g.blocks)-1; i++ {
		j, live, dead := i, 0, 0
		for ; j < len(g.blocks)-1; j++ {
			b := g.blocks[j]
			if live+b.n-b.dead > g.store.block {
				break
			}
			live, dead = live+b.n-b.dead, dead+b.dead
		}
		if j-i < 2 && (j == i || dead*2 < g.blocks[i].n || dead == 0) {
			continue
		}
		b, err := newBlock(max(live, 1), g.key.space.Dimension)
		if err != nil {
			return -1, true
		}
		b.lo, b.hi = g.blocks[i].lo, g.blocks[j-1].hi
		for _, old := range g.blocks[i:j] {
			for r := range old.n {
				if !old.isGone(r) {
					b.copyRow(old, r)
				}
			}
		}
		olds := slices.Clone(g.blocks[i:j])
		g.blocks = slices.Concat(g.blocks[:i], []*block{b}, g.blocks[j:])
		for _, old := range olds {
			old.release()
		}
		return i + 1, false
	}
	return 0, true
}

// shelves begins the names of all shelves.
const shelves = "vector-"

// Derived reports whether a folder of blobs holds what is made anew from the
// rows, so that it needs no second copy.
func Derived(workspace string) bool { return strings.HasPrefix(workspace, shelves) }

// Shelf is where sealed blocks are kept: beside the workspace's files, so that
// whoever sweeps those does not take these for files of nobody.
func Shelf(workspace string) string {
	sum := sha256.Sum256([]byte(workspace))
	return shelves + hex.EncodeToString(sum[:16])
}

// seal keeps the blocks that are written to their end, in order: sealed in the
// database always covers all rows up to it.
func (g *segment) seal(ctx context.Context) error {
	f, found, err := g.store.find(ctx, g.store.db.Read(), g.key)
	if err != nil || !found {
		return err
	}
	if err := g.unmake(ctx, f); err != nil {
		return err
	}
	for i := 0; ; i++ {
		g.mu.RLock()
		if g.state != loaded || i >= len(g.blocks)-1 {
			g.mu.RUnlock()
			return nil
		}
		b := g.blocks[i]
		if b.sealed {
			g.mu.RUnlock()
			continue
		}
		b.hold()
		documents := g.documents
		g.mu.RUnlock()
		err := func() error {
			defer b.release()
			data := pack(b, g.key.space.Dimension, documents)
			ref, err := g.store.blobs.Put(ctx, Shelf(f.workspace), bytes.NewReader(data), maxSealed)
			if err != nil {
				return err
			}
			return g.store.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return g.record(ctx, tx, f, b, ref.Name) })
		}()
		if err != nil {
			return err
		}
	}
}

// unmake forgets sealed blocks that did not fit the rows.
func (g *segment) unmake(ctx context.Context, f known) error {
	g.mu.RLock()
	due := g.reseal
	g.mu.RUnlock()
	if !due {
		return nil
	}
	return g.store.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, statement := range []string{`DELETE FROM vector_sealed WHERE segment = ?`, `DELETE FROM vector_gone WHERE segment = ?`, `UPDATE vector_segment SET sealed = 0 WHERE id = ?`} {
			if _, err := tx.Exec(ctx, statement, f.segment); err != nil {
				return fmt.Errorf("forget sealed blocks: %w", err)
			}
		}
		tx.AfterCommit(func() {
			g.mu.Lock()
			g.reseal = false
			g.mu.Unlock()
		})
		return nil
	})
}

// record says in the database that a block is sealed, and which of its rows
// were removed before that.
func (g *segment) record(ctx context.Context, tx *sqlite.Tx, f known, b *block, name string) error {
	var same bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM vector_segment WHERE id = ? AND base = ? AND space = ?)`, f.segment, g.key.base, f.space).Scan(&same)
	if err != nil || !same {
		return err
	}
	if there, err := g.store.blobs.Has(Shelf(f.workspace), name); err != nil || !there {
		return errors.Join(err, fault.New(fault.Unavailable, "The search index could not be kept.").Cure("Look at the disk of the data directory."))
	}
	rows, err := tx.Query(ctx, `SELECT sequence FROM vector_row WHERE base = ? AND space = ? AND sequence BETWEEN ? AND ?`, g.key.base, f.space, b.lo, b.hi)
	if err != nil {
		return fmt.Errorf("rows of a block: %w", err)
	}
	defer rows.Close()
	live := map[int64]bool{}
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return err
		}
		live[seq] = true
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, statement := range []string{`DELETE FROM vector_sealed WHERE segment = ? AND first >= ? AND last <= ?`, `DELETE FROM vector_gone WHERE segment = ? AND sequence BETWEEN ? AND ?`} {
		if _, err := tx.Exec(ctx, statement, f.segment, b.lo, b.hi); err != nil {
			return fmt.Errorf("replace sealed blocks: %w", err)
		}
	}
	for _, seq := range b.seq[:b.n] {
		if live[seq] {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO vector_gone (segment, sequence) VALUES (?, ?)`, f.segment, seq); err != nil {
			return fmt.Errorf("note a removed row: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `INSERT INTO vector_shelf (workspace) VALUES (?) ON CONFLICT DO NOTHING`, f.workspace); err != nil {
		return fmt.Errorf("record a sealed block: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO vector_sealed (segment, first, last, count, blob) VALUES (?, ?, ?, ?, ?)`, f.segment, b.lo, b.hi, b.n, name); err != nil {
		return fmt.Errorf("record a sealed block: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE vector_segment SET sealed = max(sealed, ?) WHERE id = ?`, b.hi, f.segment); err != nil {
		return fmt.Errorf("record a sealed block: %w", err)
	}
	tx.AfterCommit(func() {
		g.mu.Lock()
		b.sealed = true
		g.mu.Unlock()
	})
	return nil
}

// sweep removes sealed files that no row names. Files are put by Tend alone,
// which runs once at a time, so one without a row is one of a killed process.
func (s *Store) sweep(ctx context.Context) error {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT workspace FROM vector_shelf`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var workspaces []string
	for rows.Next() {
		var w string
		if err := rows.Scan(&w); err != nil {
			return err
		}
		workspaces = append(workspaces, w)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, w := range workspaces {
		names, err := s.blobs.List(ctx, Shelf(w))
		if err != nil {
			return err
		}
		for _, name := range names {
			const used = `SELECT EXISTS (SELECT 1 FROM vector_sealed WHERE blob = ?)`
			var named bool
			if err := s.db.Read().QueryRowContext(ctx, used, name).Scan(&named); err != nil {
				return err
			}
			if named {
				continue
			}
			if err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
				if err := tx.QueryRow(ctx, used, name).Scan(&named); err != nil || named {
					return err
				}
				return s.blobs.Remove(ctx, Shelf(w), name)
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
