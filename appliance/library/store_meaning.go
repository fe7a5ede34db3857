package library

import (
	"context"
	"fmt"

	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
	"chatets/appliance/vector"
)

// renew brings passages that an older version indexed up to date, a few at a
// time, and returns how many; 0 means that none is left.
func (s store) renew(ctx context.Context) (n int, err error) {
	err = s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		n, err = lexical.Renew(ctx, tx, clearChunks)
		return err
	})
	return n, err
}

// withoutMeaning lists some documents whose passages miss vectors. Bases whose
// model is away wait; without the built-in encoder so do those that use it.
func (s store) withoutMeaning(ctx context.Context, not []string, modelsOnly bool) ([]Document, error) {
	const list = `SELECT ` + documentColumns + ` FROM document AS d WHERE d.meaning = 0 AND d.state = 'ready' AND d.deleted = 0
		AND d.knowledge NOT IN (SELECT value FROM json_each(?1))
		AND (NOT ?2 OR d.knowledge IN (SELECT knowledge FROM knowledge_index WHERE model <> '')) ORDER BY d.id LIMIT 20`
	without, err := jsonList(not)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Read().QueryContext(ctx, list, without, modelsOnly)
	if err != nil {
		return nil, fmt.Errorf("documents without vectors: %w", err)
	}
	defer rows.Close()
	var found []Document
	for rows.Next() {
		d, err := scanDocument(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	return found, rows.Err()
}

// unencoded lists passages of a document behind a number.
func (s store) unencoded(ctx context.Context, d Document, after int64, most int) ([]Passage, error) {
	const list = `SELECT c.number, c.heading, c.text FROM chunk AS c WHERE c.document = ? AND c.edition = ? AND c.number > ? ORDER BY c.number LIMIT ?`
	rows, err := s.db.Read().QueryContext(ctx, list, d.ID, d.edition, after, most)
	if err != nil {
		return nil, fmt.Errorf("passages without vectors: %w", err)
	}
	defer rows.Close()
	var found []Passage
	for rows.Next() {
		var p Passage
		if err := rows.Scan(&p.Chunk, &p.Heading, &p.Text); err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, rows.Err()
}

// isAsRead is errGone unless the document is there as it was read: not deleted,
// and not read anew meanwhile.
func isAsRead(ctx context.Context, tx *sqlite.Tx, d Document) error {
	const same = `SELECT count(*) FROM document WHERE id = ? AND job = ? AND edition = ? AND state = 'ready' AND deleted = 0`
	var n int
	if err := tx.QueryRow(ctx, same, d.ID, d.job, d.edition).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return errGone
	}
	return nil
}

// encoded keeps vectors of a document's passages.
func (s store) encoded(ctx context.Context, d Document, m maker, entries []vector.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := isAsRead(ctx, tx, d); err != nil {
			return err
		}
		return s.addVectors(ctx, tx, d, m, entries)
	})
}

// encodedEdition keeps vectors of passages that are not found yet; d is the
// document as it is.
func (s store) encodedEdition(ctx context.Context, d Document, m maker, entries []vector.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := stillWished(ctx, tx, d); err != nil {
			return err
		}
		return s.addVectors(ctx, tx, d, m, entries)
	})
}

// markEncoded notes that the encoder is done with a document.
func (s store) markEncoded(ctx context.Context, d Document) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := isAsRead(ctx, tx, d); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE document SET meaning = 1 WHERE id = ?`, d.ID)
		return err
	})
}

// aside is for work that nobody waits for.
func aside(ctx context.Context) context.Context { return sqlite.Aside(ctx) }
