package vector

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// damaged is what rows that cannot be read get.
func damaged(cause error) error {
	return fault.New(fault.Internal, "The stored vectors of a knowledge base are damaged.").Code("vectors-damaged").
		Cure("Index the knowledge base again.").Because(cause)
}

// Add keeps the vectors of passages, in the caller's transaction. A chunk number
// that the space has already is a conflict, and nothing is added.
func (s *Store) Add(ctx context.Context, tx *sqlite.Tx, workspace, base string, space Space, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	for _, e := range entries {
		if err := fit(e.Vector, space.Dimension); err != nil {
			return err
		}
	}
	id, created, err := s.open(ctx, tx, workspace, base, space)
	if err != nil {
		return err
	}
	const insert = `INSERT INTO vector_row (workspace, base, document, space, chunk, vector) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (space, chunk) DO NOTHING`
	c := change{created: created, add: make([]added, 0, len(entries))}
	for _, e := range entries {
		result, err := tx.Exec(ctx, insert, workspace, base, e.Document, id.space, e.Chunk, encode(e.Vector))
		if err != nil {
			return fmt.Errorf("vector of passage %d: %w", e.Chunk, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fault.New(fault.Conflict, "A passage has a vector already.").Code("vector-exists").
				Cure("Remove the document's vectors first.").Because(fmt.Errorf("chunk %d", e.Chunk)))
		}
		seq, err := result.LastInsertId()
		if err != nil {
			return err
		}
		// The caller may use its slice again once Add has returned.
		c.add = append(c.add, added{seq: seq, chunk: e.Chunk, document: e.Document, vector: append([]float32(nil), e.Vector...)})
	}
	if _, err := tx.Exec(ctx, `UPDATE vector_segment SET count = count + ? WHERE id = ?`, len(entries), id.segment); err != nil {
		return fmt.Errorf("count vectors: %w", err)
	}
	tx.AfterCommit(func() { s.segment(key{base, space}).apply(c) })
	return nil
}

// ids are the numbers of a segment and its space in the database.
type ids struct{ segment, space int64 }

// open finds or makes the segment's row.
func (s *Store) open(ctx context.Context, tx *sqlite.Tx, workspace, base string, space Space) (id ids, created bool, err error) {
	if _, err = tx.Exec(ctx, `INSERT INTO vector_space (model, dimension) VALUES (?, ?) ON CONFLICT DO NOTHING`, space.Model, space.Dimension); err != nil {
		return id, false, fmt.Errorf("space: %w", err)
	}
	if err = tx.QueryRow(ctx, `SELECT id FROM vector_space WHERE model = ? AND dimension = ?`, space.Model, space.Dimension).Scan(&id.space); err != nil {
		return id, false, fmt.Errorf("space: %w", err)
	}
	result, err := tx.Exec(ctx, `INSERT INTO vector_segment (workspace, base, space) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, workspace, base, id.space)
	if err != nil {
		return id, false, fmt.Errorf("segment: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return id, false, err
	}
	var owner string
	if err = tx.QueryRow(ctx, `SELECT id, workspace FROM vector_segment WHERE base = ? AND space = ?`, base, id.space).Scan(&id.segment, &owner); err != nil {
		return id, false, fmt.Errorf("segment: %w", err)
	}
	if owner != workspace {
		return id, false, fmt.Errorf("base %s belongs to another workspace", base)
	}
	return id, n == 1, nil
}

// Remove takes vectors of a document out, in the caller's transaction: at most
// so many, so that a long document does not hold the writer. It returns how
// many it took; 0 means that none is left.
func (s *Store) Remove(ctx context.Context, tx *sqlite.Tx, document string, most int) (int, error) {
	const list = `SELECT r.sequence, g.id, g.sealed, r.base, p.model, p.dimension FROM vector_row AS r
		JOIN vector_segment AS g ON g.base = r.base AND g.space = r.space JOIN vector_space AS p ON p.id = r.space
		WHERE r.document = ? LIMIT ?`
	return s.take(ctx, tx, list, document, most)
}

// Drop takes vectors of a knowledge base out of one space, as Remove does for a
// document. With the last one everything that was derived from them goes too.
func (s *Store) Drop(ctx context.Context, tx *sqlite.Tx, base string, space Space, most int) (int, error) {
	const list = `SELECT r.sequence, g.id, g.sealed, r.base, p.model, p.dimension FROM vector_space AS p
		JOIN vector_segment AS g ON g.space = p.id JOIN vector_row AS r ON r.base = g.base AND r.space = g.space
		WHERE g.base = ? AND p.model = ? AND p.dimension = ? LIMIT ?`
	return s.take(ctx, tx, list, base, space.Model, space.Dimension, most)
}

func (s *Store) take(ctx context.Context, tx *sqlite.Tx, list string, args ...any) (int, error) {
	rows, err := tx.Query(ctx, list, args...)
	if err != nil {
		return 0, fmt.Errorf("list vectors: %w", err)
	}
	defer rows.Close()
	taken := map[key]*change{}
	segments := map[key]int64{}
	sealed := map[key]int64{}
	for rows.Next() {
		var seq, id, last int64
		var k key
		if err := rows.Scan(&seq, &id, &last, &k.base, &k.space.Model, &k.space.Dimension); err != nil {
			return 0, err
		}
		if taken[k] == nil {
			taken[k] = &change{}
		}
		taken[k].remove = append(taken[k].remove, seq)
		segments[k], sealed[k] = id, last
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	n := 0
	for k, c := range taken {
		for _, seq := range c.remove {
			if _, err := tx.Exec(ctx, `DELETE FROM vector_row WHERE sequence = ?`, seq); err != nil {
				return 0, fmt.Errorf("remove a vector: %w", err)
			}
			if seq > sealed[k] {
				continue
			}
			if _, err := tx.Exec(ctx, `INSERT INTO vector_gone (segment, sequence) VALUES (?, ?) ON CONFLICT DO NOTHING`, segments[k], seq); err != nil {
				return 0, fmt.Errorf("remove a vector: %w", err)
			}
		}
		n += len(c.remove)
		if err := s.lessen(ctx, tx, segments[k], c); err != nil {
			return 0, err
		}
		tx.AfterCommit(func() { s.segment(k).apply(*c) })
	}
	return n, nil
}

// lessen counts removed rows and ends a segment that has none left.
func (s *Store) lessen(ctx context.Context, tx *sqlite.Tx, segment int64, c *change) error {
	var left int64
	err := tx.QueryRow(ctx, `UPDATE vector_segment SET count = count - ? WHERE id = ? RETURNING count`, len(c.remove), segment).Scan(&left)
	if err != nil {
		return fmt.Errorf("count vectors: %w", err)
	}
	if left > 0 {
		return nil
	}
	c.dropped = true
	for _, statement := range []string{`DELETE FROM vector_sealed WHERE segment = ?`, `DELETE FROM vector_gone WHERE segment = ?`, `DELETE FROM vector_segment WHERE id = ?`} {
		if _, err := tx.Exec(ctx, statement, segment); err != nil {
			return fmt.Errorf("end a segment: %w", err)
		}
	}
	return nil
}

// known is a segment as the database has it.
type known struct {
	ids
	workspace string
	count     int
	sealed    int64
}

func (s *Store) find(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, k key) (known, bool, error) {
	var f known
	err := q.QueryRowContext(ctx, `SELECT g.id, g.space, g.workspace, g.count, g.sealed FROM vector_segment AS g JOIN vector_space AS p ON p.id = g.space
		WHERE g.base = ? AND p.model = ? AND p.dimension = ?`, k.base, k.space.Model, k.space.Dimension).Scan(&f.segment, &f.space, &f.workspace, &f.count, &f.sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return f, false, nil
	}
	return f, err == nil, err
}
