package library

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
)

// errGone says that a document was deleted, or taken over by a later job, while
// it was being read: there is nothing left to do.
var errGone = errors.New("the document is gone")

// begin gives a document to the job that reads it.
func (s store) begin(ctx context.Context, id, job string) (Document, error) {
	const take = `UPDATE document SET state = 'extracting', reason = '', cure = '', code = '', done = 0, total = 0, updated = ?
		WHERE id = ? AND job = ? AND deleted = 0 AND state IN ('waiting', 'extracting', 'embedding')`
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		return missing(changed(tx.Exec(ctx, take, tx.Now.UnixMilli(), id, job)), errGone)
	})
	if err != nil {
		return Document{}, err
	}
	d, err := scanDocument(s.db.Read().QueryRowContext(ctx, `SELECT `+documentColumns+` FROM document AS d WHERE d.id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = errGone
	}
	return d, err
}

// cut reports a document whose edition has chunks, or words or vectors of some.
func (s store) cut(ctx context.Context, d Document) (bool, error) {
	var found bool
	if err := s.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM chunk WHERE document = ? AND edition = ?)`, d.ID, d.edition).Scan(&found); err != nil || found {
		return found, err
	}
	if found, err := lexical.Holds(ctx, s.db.Read(), d.indexed()); err != nil || found || s.vectors == nil {
		return found, err
	}
	return s.vectors.Holds(ctx, d.indexed())
}

// clear removes chunks and words of a document's edition, at most so many, so
// that the writer is not held long. Chunks go last: a number that is free is
// given again, and must not find the words or vectors of the one before.
func (s store) clear(ctx context.Context, d Document, most int) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if s.vectors != nil {
			if n, err := s.vectors.Remove(ctx, tx, d.indexed(), 2*most); err != nil || n == 2*most {
				return err
			}
		}
		if n, err := lexical.Remove(ctx, tx, d.indexed(), most); err != nil || n == most {
			return err
		}
		const some = `DELETE FROM chunk WHERE number IN (SELECT number FROM chunk WHERE document = ? AND edition = ? ORDER BY number LIMIT ?)`
		if _, err := tx.Exec(ctx, some, d.ID, d.edition, 10*most); err != nil {
			return fmt.Errorf("remove chunks: %w", err)
		}
		return nil
	})
}

// paged writes how many pages of a document were read.
func (s store) paged(ctx context.Context, d Document, done, total int) error {
	const count = `UPDATE document SET done = ?, total = ?, code = 'reading-pages' WHERE id = ? AND job = ? AND deleted = 0 AND state = 'extracting' AND hidden = 0`
	return s.db.Update(aside(ctx), func(ctx context.Context, tx *sqlite.Tx) error {
		return missing(changed(tx.Exec(ctx, count, done, total, d.ID, d.job)), errGone)
	})
}

// stage writes chunks and their words, not to be found yet.
func (s store) stage(ctx context.Context, d Document, chunks []chunk, done, total int) error {
	words := wordsOf(d, chunks)
	return s.db.Update(aside(ctx), func(ctx context.Context, tx *sqlite.Tx) error {
		const count = `UPDATE document SET hidden = 1, code = '', done = ?, total = ? WHERE id = ? AND job = ? AND deleted = 0 AND state = 'extracting'`
		if err := changed(tx.Exec(ctx, count, done, total, d.ID, d.job)); err != nil {
			return missing(err, errGone)
		}
		return insertChunks(ctx, tx, d, chunks, words)
	})
}

// ready writes the last chunks and shows the document to whoever may read it.
func (s store) ready(ctx context.Context, d Document, chunks []chunk) error {
	words := wordsOf(d, chunks)
	return s.db.Update(aside(ctx), func(ctx context.Context, tx *sqlite.Tx) error {
		const show = `UPDATE document SET state = 'ready', hidden = 0, title = ?, fold = ?, content = ?, note = ?, chunks = ?, pages = ?, characters = ?, language = ?, meaning = 0, cutting = ?,
			code = '', reason = '', cure = '', done = 0, total = 0, updated = ? WHERE id = ? AND job = ? AND deleted = 0 AND state = 'extracting'`
		if err := changed(tx.Exec(ctx, show, d.Title, foldOf(d), d.content, d.Note, d.Chunks, d.Pages, d.Characters, d.Language, cutting, tx.Now.UnixMilli(), d.ID, d.job)); err != nil {
			return missing(err, errGone)
		}
		if err := touch(ctx, tx, d.Knowledge); err != nil {
			return err
		}
		return insertChunks(ctx, tx, d, chunks, words)
	})
}

// insertChunks writes chunks whose words are split already, which takes longer
// than writing them.
func insertChunks(ctx context.Context, tx *sqlite.Tx, d Document, chunks []chunk, words []lexical.Prepared) error {
	const insert = `INSERT INTO chunk (workspace, owner, document, edition, page, heading, start, "end", text, parts, disabled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	off, err := off(ctx, tx, d.ID)
	if err != nil {
		return err
	}
	for i, c := range chunks {
		parts, err := json.Marshal(c.parts)
		if err != nil {
			return err
		}
		result, err := tx.Exec(ctx, insert, d.Workspace, d.Owner, d.ID, d.edition, c.page, c.heading, c.start, c.end, c.text, string(parts), off[string(hashOf(c.text))])
		if err != nil {
			return fmt.Errorf("insert a chunk: %w", err)
		}
		if words[i].Chunk, err = result.LastInsertId(); err != nil {
			return err
		}
	}
	return lexical.AddPrepared(ctx, tx, words...)
}

// wordsOf splits the words of chunks.
func wordsOf(d Document, chunks []chunk) []lexical.Prepared {
	entries := make([]lexical.Entry, len(chunks))
	for i, c := range chunks {
		entries[i] = lexical.Entry{Base: d.Knowledge, Document: d.indexed(), Title: d.Title, Heading: c.heading, Text: c.text}
	}
	return lexical.Prepare(entries...)
}

// fail says why a document could not be read, unless another job has it by now.
func (s store) fail(ctx context.Context, id, job, code, reason, cure string) error {
	// A password that does not open the file is of no use any more.
	const set = `UPDATE document SET state = 'failed', code = ?1, reason = ?2, cure = ?3, password = iif(?1 = 'file-locked', NULL, password), done = 0, total = 0, updated = ?4
		WHERE id = ?5 AND job = ?6 AND deleted = 0 AND state IN ('waiting', 'extracting', 'embedding')`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, set, code, reason, cure, tx.Now.UnixMilli(), id, job)
		return err
	})
}

// unfinished lists the documents that a job should be reading, id and job.
func (s store) unfinished(ctx context.Context) ([]Document, error) {
	const list = `SELECT ` + documentColumns + ` FROM document AS d WHERE d.state IN ('waiting', 'extracting', 'embedding') AND d.deleted = 0`
	rows, err := s.db.Read().QueryContext(ctx, list)
	if err != nil {
		return nil, err
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

// deleted is a deleted document that is still to be removed.
func (s store) deleted(ctx context.Context, id string) (Document, error) {
	d, err := scanDocument(s.db.Read().QueryRowContext(ctx, `SELECT `+documentColumns+` FROM document AS d WHERE d.id = ? AND d.deleted > 0`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = errGone
	}
	return d, err
}

// deletedOf lists the documents of a deleted knowledge base.
func (s store) deletedOf(ctx context.Context, knowledge string) ([]string, error) {
	return s.ids(ctx, `SELECT id FROM document WHERE knowledge = ? AND deleted > 0 ORDER BY id`, knowledge)
}

// uses reports whether a document that was not deleted needs the blob.
func (s store) uses(ctx context.Context, workspace, name string) (bool, error) {
	const any = `SELECT EXISTS (SELECT 1 FROM document WHERE workspace = ?1 AND blob = ?2 AND deleted = 0)
		OR EXISTS (SELECT 1 FROM document WHERE workspace = ?1 AND content = ?2 AND deleted = 0)`
	var found bool
	err := s.db.Read().QueryRowContext(ctx, any, workspace, name).Scan(&found)
	return found, err
}

// drop removes the row of a deleted document of which nothing else is left.
func (s store) drop(ctx context.Context, id string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM document WHERE id = ? AND deleted > 0`, id)
		return err
	})
}

// dropKnowledge removes the row of a deleted knowledge base without documents.
func (s store) dropKnowledge(ctx context.Context, id string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM knowledge WHERE id = ? AND deleted > 0`, id)
		return err
	})
}
