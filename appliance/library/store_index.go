package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/vector"
)

// The states of an index that is built beside the one that answers.
const (
	resting  = ""
	building = "building"
	broken   = "failed"
)

// index is by what a base is compared, and what is being built beside it.
type index struct {
	knowledge, workspace string
	serving, next        maker
	floor                float64
	build                string
	reached              string
	done, total          int64
	reason, cure         string
	renewals             int
}

// makers are those whose vectors a new document gets.
func (x index) makers() []maker {
	if x.build == building {
		return []maker{x.serving, x.next}
	}
	return []maker{x.serving}
}

// near is the cosine from which on a passage without the question's words is found.
func (x index) near() float64 {
	switch {
	case x.serving.builtIn():
		return nearFloor
	case x.floor == 0:
		return carefulFloor
	}
	return x.floor
}

const indexColumns = `x.knowledge, x.workspace, x.model, x.digest, x.dimension, x.floor, x.build, x.next_model, x.next_digest, x.next_dimension,
	x.reached, x.done, x.total, x.reason, x.cure, x.renewals`

func scanIndex(row scanner) (index, error) {
	var x index
	err := row.Scan(&x.knowledge, &x.workspace, &x.serving.model, &x.serving.digest, &x.serving.dimension, &x.floor, &x.build,
		&x.next.model, &x.next.digest, &x.next.dimension, &x.reached, &x.done, &x.total, &x.reason, &x.cure, &x.renewals)
	return x, err
}

// index is that of a base; the zero one, of the built-in encoder, where nobody chose.
func (s store) index(ctx context.Context, base string) (index, error) {
	x, err := scanIndex(s.db.Read().QueryRowContext(ctx, `SELECT `+indexColumns+` FROM knowledge_index AS x WHERE x.knowledge = ?`, base))
	if errors.Is(err, sql.ErrNoRows) {
		return index{knowledge: base}, nil
	}
	return x, err
}

// indexes are those of bases, by their ids; a base of the built-in encoder may be missing.
func (s store) indexes(ctx context.Context, bases []string) (map[string]index, error) {
	list, err := jsonList(bases)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+indexColumns+` FROM knowledge_index AS x WHERE x.knowledge IN (SELECT value FROM json_each(?))`, list)
	if err != nil {
		return nil, fmt.Errorf("indexes of bases: %w", err)
	}
	defer rows.Close()
	all := map[string]index{}
	for rows.Next() {
		x, err := scanIndex(rows)
		if err != nil {
			return nil, err
		}
		all[x.knowledge] = x
	}
	return all, rows.Err()
}

// nextBuild is an index that is being built; those whose model is away wait.
func (s store) nextBuild(ctx context.Context, not []string) (index, bool, error) {
	const next = `SELECT ` + indexColumns + ` FROM knowledge_index AS x JOIN knowledge AS k ON k.id = x.knowledge
		WHERE x.build = 'building' AND k.deleted = 0 AND x.knowledge NOT IN (SELECT value FROM json_each(?)) ORDER BY x.changed LIMIT 1`
	without, err := jsonList(not)
	if err != nil {
		return index{}, false, err
	}
	x, err := scanIndex(s.db.Read().QueryRowContext(ctx, next, without))
	if errors.Is(err, sql.ErrNoRows) {
		return x, false, nil
	}
	return x, err == nil, err
}

// nextToBuild is the document behind what a build reached.
func (s store) nextToBuild(ctx context.Context, x index) (Document, bool, error) {
	const next = `SELECT ` + documentColumns + ` FROM document AS d
		WHERE d.knowledge = ? AND d.deleted = 0 AND d.id > ? AND d.state = 'ready' ORDER BY d.id LIMIT 1`
	d, err := scanDocument(s.db.Read().QueryRowContext(ctx, next, x.knowledge, x.reached))
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	return d, err == nil, err
}

// same is errGone unless the index is still built with the same model.
func same(ctx context.Context, tx *sqlite.Tx, x index) error {
	const same = `SELECT count(*) FROM knowledge_index WHERE knowledge = ? AND build = 'building' AND next_model = ? AND next_digest = ?`
	var n int
	if err := tx.QueryRow(ctx, same, x.knowledge, x.next.model, x.next.digest).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return errGone
	}
	return nil
}

// built keeps vectors of a document for the next index.
func (s store) built(ctx context.Context, d Document, x index, m maker, entries []vector.Entry, n int) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := isAsRead(ctx, tx, d); err != nil {
			return err
		}
		if err := s.addVectors(ctx, tx, d, m, entries); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE knowledge_index SET done = done + ?, reason = '', cure = '' WHERE knowledge = ?`, n, x.knowledge)
		return err
	})
}

// reached notes that a document has its next vectors; more is how many of its
// passages were not counted yet.
func (s store) reached(ctx context.Context, x index, d Document, more int) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := same(ctx, tx, x); err != nil {
			return err
		}
		const set = `UPDATE knowledge_index SET reached = ?, done = min(done + ?, total) WHERE knowledge = ? AND reached = ?`
		return missing(changed(tx.Exec(ctx, set, d.ID, more, x.knowledge, x.reached)), errGone)
	})
}

// addVectors keeps vectors by a maker that the base is asked by, or will be. It
// is errGone when neither is so any more, or vectors of this very maker are still
// being removed.
func (s store) addVectors(ctx context.Context, tx *sqlite.Tx, d Document, m maker, entries []vector.Entry) error {
	const left = `SELECT EXISTS (SELECT 1 FROM knowledge_left WHERE knowledge = ? AND model = ?)`
	var being bool
	if err := tx.QueryRow(ctx, left, d.Knowledge, m.space().Model).Scan(&being); err != nil {
		return err
	}
	x, err := scanIndex(tx.QueryRow(ctx, `SELECT `+indexColumns+` FROM knowledge_index AS x WHERE x.knowledge = ?`, d.Knowledge))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	one := func(a maker) bool {
		return a.model == m.model && a.digest == m.digest && (a.dimension == 0 || a.dimension == m.dimension)
	}
	serves, follows := one(x.serving), x.build == building && one(x.next)
	if being || !serves && !follows {
		return errGone
	}
	if serves && !m.builtIn() && x.serving.dimension == 0 && m.dimension != 0 {
		const set = `UPDATE knowledge_index SET dimension = ? WHERE knowledge = ?`
		if _, err := tx.Exec(ctx, set, m.dimension, d.Knowledge); err != nil {
			return err
		}
	}
	if follows && !m.builtIn() && x.next.dimension == 0 && m.dimension != 0 {
		const set = `UPDATE knowledge_index SET next_dimension = ? WHERE knowledge = ?`
		if _, err := tx.Exec(ctx, set, m.dimension, d.Knowledge); err != nil {
			return err
		}
	}
	return s.vectors.Add(ctx, tx, d.Workspace, d.Knowledge, m.space(), entries)
}

// buildWaits says why a build does not go on, or that it failed.
func (s store) buildWaits(ctx context.Context, x index, reason, cure, state string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE knowledge_index SET reason = ?, cure = ?, build = ? WHERE knowledge = ? AND build = 'building'`, reason, cure, state, x.knowledge)
		return err
	})
}

// swapIndex makes the index that was built the one that answers.
func (s store) swapIndex(ctx context.Context, x index, floor float64) error {
	const swap = `UPDATE knowledge_index SET model = next_model, digest = next_digest, dimension = next_dimension, floor = ?, build = '',
		next_model = '', next_digest = '', next_dimension = 0, reached = '', done = 0, total = 0, reason = '', cure = '', changed = ?
		WHERE knowledge = ? AND reached = ?`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := same(ctx, tx, x); err != nil {
			return err
		}
		if err := changed(tx.Exec(ctx, swap, floor, tx.Now.UnixMilli(), x.knowledge, x.reached)); err != nil {
			return missing(err, errGone)
		}
		return leave(ctx, tx, x.knowledge, x.workspace, x.serving)
	})
}

// setFloor notes from which cosine on a passage is near, unless it is known.
func (s store) setFloor(ctx context.Context, x index, floor float64) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE knowledge_index SET floor = ? WHERE knowledge = ? AND model = ? AND digest = ? AND floor = 0`,
			floor, x.knowledge, x.serving.model, x.serving.digest)
		return err
	})
}

// leave notes the vectors of a maker as left over.
func leave(ctx context.Context, tx *sqlite.Tx, base, workspace string, m maker) error {
	if m.space().Dimension == 0 {
		return nil
	}
	const note = `INSERT INTO knowledge_left (knowledge, workspace, model, dimension) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
	_, err := tx.Exec(ctx, note, base, workspace, m.space().Model, m.space().Dimension)
	return err
}

// left is a base with vectors that nobody asks for any more.
func (s store) left(ctx context.Context) (base leftover, found bool, err error) {
	err = s.db.Read().QueryRowContext(ctx, `SELECT knowledge, model, dimension FROM knowledge_left LIMIT 1`).
		Scan(&base.knowledge, &base.space.Model, &base.space.Dimension)
	if errors.Is(err, sql.ErrNoRows) {
		return base, false, nil
	}
	return base, err == nil, err
}

type leftover struct {
	knowledge string
	space     vector.Space
}

// dropLeft removes some vectors that are left over; with the last one the note goes.
func (s store) dropLeft(ctx context.Context, left leftover, most int) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		n, err := s.vectors.Drop(ctx, tx, left.knowledge, left.space, most)
		if err != nil || n > 0 {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM knowledge_left WHERE knowledge = ? AND model = ? AND dimension = ?`, left.knowledge, left.space.Model, left.space.Dimension)
		return err
	})
}

// beginBuild has an index of a base that who may edit built with another maker.
// One that is being built already is given up, unless it is the same one.
func (s store) beginBuild(ctx context.Context, who Reach, k Knowledge, m maker) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := edits(ctx, tx, who, k.ID); err != nil {
			return err
		}
		x, err := openIndex(ctx, tx, who, k)
		if err != nil {
			return err
		}
		again := x.build != resting && x.next.model == m.model && x.next.digest == m.digest
		if x.build != resting && !again {
			if err := leave(ctx, tx, k.ID, k.Workspace, x.next); err != nil {
				return err
			}
		}
		const goOn = `UPDATE knowledge_index SET build = 'building', reason = '', cure = '', owner = ?, changed = ? WHERE knowledge = ?`
		const begin = `UPDATE knowledge_index SET build = 'building', reason = '', cure = '', owner = ?1, changed = ?2, next_model = ?3, next_digest = ?4,
			next_dimension = 0, reached = '', done = 0,
			total = (SELECT coalesce(sum(chunks), 0) FROM document WHERE knowledge = ?5 AND deleted = 0 AND state = 'ready') WHERE knowledge = ?5`
		switch {
		case again:
			_, err = tx.Exec(ctx, goOn, who.who.ID, tx.Now.UnixMilli(), k.ID)
		case m.model == x.serving.model && m.digest == x.serving.digest:
			err = endBuild(ctx, tx, k.ID)
		default:
			_, err = tx.Exec(ctx, begin, who.who.ID, tx.Now.UnixMilli(), m.model, m.digest, k.ID)
		}
		if err != nil {
			return fmt.Errorf("begin an index: %w", err)
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "knowledge.embedding", ObjectKind: "knowledge", Object: k.ID, Workspace: k.Workspace,
			Detail: map[string]any{"model": m.name(), "digest": m.digest}})
	})
}

// openIndex finds or makes the row of a base's index.
func openIndex(ctx context.Context, tx *sqlite.Tx, who Reach, k Knowledge) (index, error) {
	const row = `INSERT INTO knowledge_index (knowledge, workspace, owner, changed) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
	if _, err := tx.Exec(ctx, row, k.ID, k.Workspace, who.who.ID, tx.Now.UnixMilli()); err != nil {
		return index{}, err
	}
	return scanIndex(tx.QueryRow(ctx, `SELECT `+indexColumns+` FROM knowledge_index AS x WHERE x.knowledge = ?`, k.ID))
}

func endBuild(ctx context.Context, tx *sqlite.Tx, base string) error {
	_, err := tx.Exec(ctx, `UPDATE knowledge_index SET build = '', next_model = '', next_digest = '', next_dimension = 0, reached = '', done = 0, total = 0,
		reason = '', cure = '' WHERE knowledge = ?`, base)
	return err
}

// renewBase has all documents of a base that who may edit read again.
func (s store) renewBase(ctx context.Context, who Reach, k Knowledge) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := edits(ctx, tx, who, k.ID); err != nil {
			return err
		}
		if _, err := openIndex(ctx, tx, who, k); err != nil {
			return err
		}
		const wish = `INSERT INTO document_renewal (document, knowledge, workspace, owner, state, created)
			SELECT id, knowledge, workspace, ?, 'waiting', ? FROM document WHERE knowledge = ? AND deleted = 0 AND state IN ('ready', 'failed')
			ON CONFLICT (document) DO UPDATE SET state = 'waiting', reason = '', cure = ''`
		if _, err := tx.Exec(ctx, wish, who.who.ID, tx.Now.UnixMilli(), k.ID); err != nil {
			return fmt.Errorf("read documents again: %w", err)
		}
		const count = `UPDATE knowledge_index SET renewals = (SELECT count(*) FROM document_renewal WHERE knowledge = ?1 AND state = 'waiting') WHERE knowledge = ?1`
		if _, err := tx.Exec(ctx, count, k.ID); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "knowledge.reindex", ObjectKind: "knowledge", Object: k.ID, Workspace: k.Workspace})
	})
}

// stopIndexing gives up what is built and read again in a base that who may edit.
// What was swapped stays.
func (s store) stopIndexing(ctx context.Context, who Reach, k Knowledge) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := edits(ctx, tx, who, k.ID); err != nil {
			return err
		}
		x, err := openIndex(ctx, tx, who, k)
		if err != nil {
			return err
		}
		result, err := tx.Exec(ctx, `DELETE FROM document_renewal WHERE knowledge = ?`, k.ID)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 && x.build == resting {
			return fault.New(fault.Conflict, "The knowledge base is not being indexed again.").Code("not-working")
		}
		if x.build != resting {
			if err := leave(ctx, tx, k.ID, k.Workspace, x.next); err != nil {
				return err
			}
			if err := endBuild(ctx, tx, k.ID); err != nil {
				return err
			}
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "knowledge.reindex-cancel", ObjectKind: "knowledge", Object: k.ID, Workspace: k.Workspace})
	})
}

// sizes are figures of a base's documents.
type sizes struct{ passages, foreign, waiting, failed int64 }

func (s store) sizes(ctx context.Context, base string) (sizes, error) {
	const count = `SELECT coalesce(sum(d.chunks), 0), coalesce(sum(d.chunks) FILTER (WHERE d.language NOT IN ('', 'en')), 0),
		(SELECT count(*) FROM document_renewal WHERE knowledge = ?1 AND state = 'waiting'), (SELECT count(*) FROM document_renewal WHERE knowledge = ?1 AND state = 'failed')
		FROM document AS d WHERE d.knowledge = ?1 AND d.deleted = 0 AND d.state = 'ready'`
	var z sizes
	err := s.db.Read().QueryRowContext(ctx, count, base).Scan(&z.passages, &z.foreign, &z.waiting, &z.failed)
	return z, err
}
