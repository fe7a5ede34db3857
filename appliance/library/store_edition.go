package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/sqlite"
)

// wishRenewal has a document of a base that who may edit read again.
func (s store) wishRenewal(ctx context.Context, who Reach, d Document) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := editsDocument(ctx, tx, who, d.ID); err != nil {
			return err
		}
		const wish = `INSERT INTO document_renewal (document, knowledge, workspace, owner, state, created)
			SELECT id, knowledge, workspace, ?, 'waiting', ? FROM document WHERE id = ? AND state = 'ready' AND deleted = 0
			ON CONFLICT (document) DO UPDATE SET state = 'waiting', reason = '', cure = ''`
		if err := changed(tx.Exec(ctx, wish, who.who.ID, tx.Now.UnixMilli(), d.ID)); err != nil {
			return missing(err, fault.New(fault.Conflict, "Only a document that is ready can be indexed again.").Code("not-ready").
				Cure("Wait until it is, or read it again if it failed."))
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "document.reindex", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace})
	})
}

// dropRenewal takes back the wish to have a document read again.
func (s store) dropRenewal(ctx context.Context, who Reach, d Document) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := editsDocument(ctx, tx, who, d.ID); err != nil {
			return err
		}
		if err := changed(tx.Exec(ctx, `DELETE FROM document_renewal WHERE document = ?`, d.ID)); err != nil {
			return missing(err, fault.New(fault.Conflict, "The document is not being indexed again.").Code("not-working"))
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "document.reindex-cancel", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace})
	})
}

// wishOld has documents read again that an older version cut into passages.
func (s store) wishOld(ctx context.Context) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const wish = `INSERT INTO document_renewal (document, knowledge, workspace, owner, state, created)
			SELECT d.id, d.knowledge, d.workspace, d.owner, 'waiting', ?1 FROM document AS d
			WHERE d.cutting < ?2 AND d.state = 'ready' AND d.deleted = 0 ON CONFLICT DO NOTHING`
		result, err := tx.Exec(ctx, wish, tx.Now.UnixMilli(), cutting)
		if err != nil {
			return fmt.Errorf("documents of older versions: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		const count = `INSERT INTO knowledge_index (knowledge, workspace, owner, renewals, changed)
			SELECT k.id, k.workspace, k.owner, count(*), ? FROM document_renewal AS r JOIN knowledge AS k ON k.id = r.knowledge GROUP BY k.id
			ON CONFLICT (knowledge) DO UPDATE SET renewals = excluded.renewals`
		_, err = tx.Exec(ctx, count, tx.Now.UnixMilli())
		return err
	})
}

// nextRenewal is a document that waits to be read again; bases whose model is
// away wait.
func (s store) nextRenewal(ctx context.Context, not []string) (Document, bool, error) {
	const next = `SELECT ` + documentColumns + ` FROM document_renewal AS r JOIN document AS d ON d.id = r.document
		WHERE r.state = 'waiting' AND d.deleted = 0 AND d.state IN ('ready', 'failed') AND r.knowledge NOT IN (SELECT value FROM json_each(?))
		ORDER BY r.created, r.document LIMIT 1`
	without, err := jsonList(not)
	if err != nil {
		return Document{}, false, err
	}
	d, err := scanDocument(s.db.Read().QueryRowContext(ctx, next, without))
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	return d, err == nil, err
}

// stillWished is errGone unless the document is as it was read and is still to be
// read again.
func stillWished(ctx context.Context, tx *sqlite.Tx, d Document) error {
	if err := isAsRead(ctx, tx, d); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM document_renewal WHERE document = ? AND state = 'waiting'`, d.ID).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return errGone
	}
	return nil
}

// beginEdition notes the edition that is being built as one not to be found.
func (s store) beginEdition(ctx context.Context, d, next Document) error {
	const note = `INSERT INTO document_edition (document, edition, knowledge, workspace) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := stillWished(ctx, tx, d); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, note, next.ID, next.edition, next.Knowledge, next.Workspace)
		return err
	})
}

// nameText notes the text of an edition, so that it is removed with it.
func (s store) nameText(ctx context.Context, d, next Document) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := stillWished(ctx, tx, d); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE document_edition SET content = ? WHERE document = ? AND edition = ?`, next.content, next.ID, next.edition)
		return err
	})
}

// stageEdition writes passages of an edition and their words.
func (s store) stageEdition(ctx context.Context, d, next Document, chunks []chunk) error {
	words := wordsOf(next, chunks)
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := stillWished(ctx, tx, d); err != nil {
			return err
		}
		return insertChunks(ctx, tx, next, chunks, words)
	})
}

// swapEdition makes the edition the one that is found. meaning is 0 again: the
// encoder looks whether vectors of another space were wished meanwhile.
func (s store) swapEdition(ctx context.Context, d, next Document) error {
	const swap = `UPDATE document SET edition = ?, content = ?, title = ?, fold = ?, note = ?, chunks = ?, pages = ?, characters = ?, language = ?,
		meaning = 0, cutting = ?, updated = ? WHERE id = ? AND edition = ?`
	const old = `INSERT INTO document_edition (document, edition, knowledge, workspace, content) VALUES (?, ?, ?, ?, ?)`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := stillWished(ctx, tx, d); err != nil {
			return err
		}
		if err := changed(tx.Exec(ctx, swap, next.edition, next.content, next.Title, foldOf(next), next.Note, next.Chunks, next.Pages, next.Characters,
			next.Language, cutting, tx.Now.UnixMilli(), d.ID, d.edition)); err != nil {
			return missing(err, errGone)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM document_edition WHERE document = ? AND edition = ?`, d.ID, next.edition); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, old, d.ID, d.edition, d.Knowledge, d.Workspace, d.content); err != nil {
			return fmt.Errorf("note the old edition: %w", err)
		}
		_, err := tx.Exec(ctx, `DELETE FROM document_renewal WHERE document = ?`, d.ID)
		return err
	})
}

// readAnew has a document read from the start by a job, as one that was just added.
func (s store) readAnew(ctx context.Context, d Document) error {
	const wait = `UPDATE document SET state = 'waiting', code = '', reason = '', cure = '', done = 0, total = 0, job = ?, updated = ?
		WHERE id = ? AND state IN ('ready', 'failed') AND deleted = 0`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := changed(tx.Exec(ctx, `DELETE FROM document_renewal WHERE document = ?`, d.ID)); err != nil {
			return missing(err, errGone)
		}
		id, err := s.queue.Enqueue(ctx, tx, job.New{Kind: ingestKind, Workspace: d.Workspace, Owner: d.Owner, Payload: ingest{Document: d.ID}, Priority: job.Background})
		if err != nil {
			return err
		}
		return missing(changed(tx.Exec(ctx, wait, id, tx.Now.UnixMilli(), d.ID)), errGone)
	})
}

// renewalWaits says why a document is not read again yet.
func (s store) renewalWaits(ctx context.Context, d Document, reason, cure string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE document_renewal SET reason = ?, cure = ? WHERE document = ?`, reason, cure, d.ID)
		return err
	})
}

// failRenewal says why a document could not be read again.
func (s store) failRenewal(ctx context.Context, d Document, reason, cure string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE document_renewal SET state = 'failed', reason = ?, cure = ? WHERE document = ?`, reason, cure, d.ID)
		return err
	})
}

// editionColumns are enough of a document to remove an edition of it.
const editionColumns = `e.document, e.edition, e.knowledge, e.workspace, e.content`

func (s store) editions(ctx context.Context, query string, args ...any) ([]Document, error) {
	rows, err := s.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("editions: %w", err)
	}
	defer rows.Close()
	var list []Document
	for rows.Next() {
		var d Document
		if err := rows.Scan(&d.ID, &d.edition, &d.Knowledge, &d.Workspace, &d.content); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// editionsOf lists the editions of a document that are not to be found.
func (s store) editionsOf(ctx context.Context, id string) ([]Document, error) {
	return s.editions(ctx, `SELECT `+editionColumns+` FROM document_edition AS e WHERE e.document = ?`, id)
}

// oldEditions lists some editions that nobody builds any more.
func (s store) oldEditions(ctx context.Context) ([]Document, error) {
	return s.editions(ctx, `SELECT `+editionColumns+` FROM document_edition AS e JOIN document AS d ON d.id = e.document
		WHERE d.deleted = 0 AND (e.edition < d.edition OR NOT EXISTS (SELECT 1 FROM document_renewal AS r WHERE r.document = e.document AND r.state = 'waiting'))
		ORDER BY e.document LIMIT 20`)
}

// forgetEdition removes the note of an edition of which nothing is left.
func (s store) forgetEdition(ctx context.Context, e Document) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM document_edition WHERE document = ? AND edition = ?`, e.ID, e.edition)
		return err
	})
}
