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

// withoutMeaning lists some documents whose passages have no vectors yet.
func (s store) withoutMeaning(ctx context.Context) ([]Document, error) {
	const list = `SELECT ` + documentColumns + ` FROM document AS d WHERE d.meaning = 0 AND d.state = 'ready' AND d.deleted = 0 ORDER BY d.id LIMIT 20`
	rows, err := s.db.Read().QueryContext(ctx, list)
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

// unencoded lists passages of a document behind a number that have no vector of
// the built-in encoder.
func (s store) unencoded(ctx context.Context, document string, after int64, most int) ([]Passage, error) {
	const list = `SELECT c.number, c.heading, c.text FROM chunk AS c WHERE c.document = ? AND c.number > ? ORDER BY c.number LIMIT ?`
	rows, err := s.db.Read().QueryContext(ctx, list, document, after, most)
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
	const same = `SELECT count(*) FROM document WHERE id = ? AND job = ? AND state = 'ready' AND deleted = 0`
	var n int
	if err := tx.QueryRow(ctx, same, d.ID, d.job).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return errGone
	}
	return nil
}

// encoded keeps vectors of a document's passages.
func (s store) encoded(ctx context.Context, d Document, entries []vector.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := isAsRead(ctx, tx, d); err != nil {
			return err
		}
		return s.vectors.Add(ctx, tx, d.Workspace, d.Knowledge, space(), entries)
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
