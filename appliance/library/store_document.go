package library

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
)

const documentColumns = `d.id, d.workspace, d.owner, d.knowledge, d.title, d.name, d.type, d.size, d.state, d.reason, d.cure, d.done, d.total, d.note,
	d.chunks, d.pages, d.characters, d.language, d.version, d.created, d.updated, d.blob, d.content, d.job, d.folder, d.guard, d.code, d.verdict, d.finding,
	d.edition, d.meaning, ` + renewalColumn + `,
	(SELECT json_group_array(t.name) FROM document_tag AS t WHERE t.document = d.id),
	(SELECT count(*) FROM chunk AS c WHERE c.document = d.id AND c.edition = d.edition AND c.disabled = 1)`

// documentAs is what a document is to an actor, behind its columns.
const documentAs = `, ` + documentRight + ` AS reach, ` + documentManagedBy + ` AS managed`

func scanDocument(row scanner, more ...any) (Document, error) {
	var d Document
	var created, updated int64
	var guard int
	var tags, renewal string
	err := row.Scan(append([]any{&d.ID, &d.Workspace, &d.Owner, &d.Knowledge, &d.Title, &d.Name, &d.Type, &d.Size, &d.State, &d.Reason, &d.Cure,
		&d.Done, &d.Total, &d.Note, &d.Chunks, &d.Pages, &d.Characters, &d.Language, &d.Version, &created, &updated, &d.blob, &d.content, &d.job, &d.Folder, &guard, &d.Code, &d.Verdict, &d.Finding,
		&d.edition, &d.meant, &renewal, &tags, &d.Disabled}, more...)...)
	if err == nil {
		err = json.Unmarshal([]byte(tags), &d.Tags)
	}
	if err == nil {
		d.Renewal, err = renewalOf(renewal)
	}
	d.Restricted = guard == restricted
	d.Created, d.Updated = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	return d, err
}

// scanDocumentAs reads documentColumns and documentAs.
func scanDocumentAs(row scanner) (Document, error) {
	var right string
	var manages bool
	d, err := scanDocument(row, &right, &manages)
	d.Right, d.Manages = right, manages
	return d, err
}

// document is the document of the id, when who may read or manage it.
func (s store) document(ctx context.Context, who Reach, id string) (Document, error) {
	const one = `SELECT ` + documentColumns + documentAs + ` FROM document AS d JOIN knowledge AS k ON k.id = d.knowledge
		WHERE d.id = ?8 AND d.deleted = 0 AND k.deleted = 0 AND (reach <> 'none' OR managed)`
	d, err := scanDocumentAs(s.db.Read().QueryRowContext(ctx, one, who.args(id)...))
	if errors.Is(err, sql.ErrNoRows) {
		return Document{}, noDocument(id)
	}
	return d, err
}

// documents is a page of a knowledge base that who may read, the newest first.
func (s store) documents(ctx context.Context, who Reach, q Listing) ([]Document, error) {
	const page = `SELECT ` + documentColumns + documentAs + ` FROM document AS d JOIN knowledge AS k ON k.id = d.knowledge
		WHERE d.knowledge = ?14 AND d.deleted = 0 AND k.deleted = 0 AND ` + rightOf + ` <> 'none' AND (reach <> 'none' OR ?15 AND managed)
		AND (?16 = '' OR instr(d.fold, ?16) > 0) AND (?17 = '' OR d.id < ?17) AND (?19 = '' OR d.state = ?19) AND ` + filtered + ` ORDER BY d.id DESC LIMIT ?18`
	args, err := q.Filter.args(q.Knowledge, q.Managed, q.Text, q.Before, q.Limit, string(q.State))
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Read().QueryContext(ctx, page, who.args(args...)...)
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	defer rows.Close()
	var list []Document
	for rows.Next() {
		d, err := scanDocumentAs(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// readableDocuments are those of the ids that who may open.
func (s store) readableDocuments(ctx context.Context, who Reach, ids []string) ([]string, error) {
	const some = `SELECT d.id FROM document AS d JOIN knowledge AS k ON k.id = d.knowledge
		WHERE d.id IN (SELECT value FROM json_each(?8)) AND d.deleted = 0 AND k.deleted = 0 AND ` + documentRight + ` <> 'none'`
	list, err := jsonList(ids)
	if err != nil {
		return nil, err
	}
	return s.ids(ctx, some, who.args(list)...)
}

// add puts a document that is waiting into a knowledge base that who may edit,
// with the job that reads it. A document of the same name and content that is
// there in the same folder, and may be read, is returned in its place; one that
// failed is read once more.
func (s store) add(ctx context.Context, who Reach, d Document) (Document, error) {
	const same = `SELECT ` + documentColumns + ` FROM document AS d
		WHERE d.workspace = ?8 AND d.blob = ?9 AND d.knowledge = ?10 AND d.name = ?11 AND d.folder = ?12 AND d.deleted = 0 AND ` + admits + ` ORDER BY d.id LIMIT 1`
	var added Document
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := edits(ctx, tx, who, d.Knowledge); err != nil {
			return err
		}
		found, err := scanDocument(tx.QueryRow(ctx, same, who.args(d.Workspace, d.blob, d.Knowledge, d.Name, d.Folder)...))
		switch {
		case err == nil && found.State != Failed:
			added = found
			return nil
		case err == nil:
			added = found
			added.State, added.Reason, added.Cure, added.Code = Waiting, "", "", ""
			return s.again(ctx, tx, who, found, "document.retry")
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		added = d
		added.Created, added.Updated = tx.Now.UTC().Truncate(time.Millisecond), tx.Now.UTC().Truncate(time.Millisecond)
		return s.addIn(ctx, tx, who, added)
	})
	return added, err
}

func (s store) addIn(ctx context.Context, tx *sqlite.Tx, who Reach, d Document) error {
	const insert = `INSERT INTO document (id, workspace, owner, knowledge, title, name, fold, type, size, blob, state, job, version, folder, folder_fold, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, 1, ?, ?, ?, ?)`
	id, err := s.queue.Enqueue(ctx, tx, job.New{Kind: ingestKind, Workspace: d.Workspace, Owner: d.Owner, Payload: ingest{Document: d.ID}})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insert, d.ID, d.Workspace, d.Owner, d.Knowledge, d.Title, d.Name, foldOf(d), d.Type, d.Size, d.blob, id, d.Folder, lexical.Fold(d.Folder),
		d.Created.UnixMilli(), d.Updated.UnixMilli()); err != nil {
		return fmt.Errorf("insert a document: %w", err)
	}
	if err := putTags(ctx, tx, who, d); err != nil {
		return err
	}
	if err := touch(ctx, tx, d.Knowledge); err != nil {
		return err
	}
	return s.audit.Record(ctx, tx, audit.Entry{Act: "document.add", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace,
		Detail: map[string]any{"knowledge": d.Knowledge, "size": d.Size, "type": d.Type}})
}

func touch(ctx context.Context, tx *sqlite.Tx, knowledge string) error {
	_, err := tx.Exec(ctx, `UPDATE knowledge SET updated = ? WHERE id = ?`, tx.Now.UnixMilli(), knowledge)
	return err
}

// again enqueues a failed document once more.
func (s store) again(ctx context.Context, tx *sqlite.Tx, who Reach, d Document, act string) error {
	const wait = `UPDATE document SET state = 'waiting', reason = '', cure = '', code = '', done = 0, total = 0, job = ?, updated = ?
		WHERE id = ? AND state = 'failed' AND deleted = 0`
	id, err := s.queue.Enqueue(ctx, tx, job.New{Kind: ingestKind, Workspace: d.Workspace, Owner: who.who.ID, Payload: ingest{Document: d.ID}})
	if err != nil {
		return err
	}
	if err := changed(tx.Exec(ctx, wait, id, tx.Now.UnixMilli(), d.ID)); err != nil {
		return missing(err, fault.New(fault.Conflict, "Only a document that failed can be read again.").Code("not-failed"))
	}
	return s.audit.Record(ctx, tx, audit.Entry{Act: act, ObjectKind: "document", Object: d.ID, Workspace: d.Workspace})
}

// retry reads a failed document of a knowledge base that who may edit once more.
func (s store) retry(ctx context.Context, who Reach, d Document) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := editsDocument(ctx, tx, who, d.ID); err != nil {
			return err
		}
		return s.again(ctx, tx, who, d, "document.retry")
	})
}

// remove deletes a document, as everybody sees it, from a knowledge base that
// who may edit; a job removes what is left of it.
func (s store) remove(ctx context.Context, who Reach, d Document) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := editsDocument(ctx, tx, who, d.ID); err != nil {
			return err
		}
		if err := changed(tx.Exec(ctx, `UPDATE document SET deleted = ?, hidden = 1, password = NULL WHERE id = ? AND deleted = 0 AND state <> 'quarantined'`, tx.Now.UnixMilli(), d.ID)); err != nil {
			return missing(err, noDocument(d.ID))
		}
		if err := touch(ctx, tx, d.Knowledge); err != nil {
			return err
		}
		if _, err := s.queue.Enqueue(ctx, tx, job.New{Kind: purgeKind, Workspace: d.Workspace, Owner: who.who.ID, Key: d.ID,
			Payload: purge{Document: d.ID}, Priority: job.Background}); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "document.delete", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace,
			Detail: map[string]any{"knowledge": d.Knowledge}})
	})
}

// note records an act that changes no row here.
func (s store) note(ctx context.Context, e audit.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return s.audit.Record(ctx, tx, e) })
}

// refused records that somebody tried.
func (s store) refused(ctx context.Context, act, noun, id string) error {
	return s.audit.Refused(ctx, audit.Entry{Act: act, ObjectKind: noun, Object: id})
}

// addSample makes a knowledge base of documents whose blobs are kept already,
// unless a sample of that name was made before.
func (s store) addSample(ctx context.Context, who Reach, name string, k Knowledge, entries []Access, documents []Document) (made bool, err error) {
	err = s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		made = false
		const once = `INSERT INTO library_sample (name, workspace, owner, knowledge, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
		if err := changed(tx.Exec(ctx, once, name, k.Workspace, k.Owner, k.ID, tx.Now.UnixMilli())); err != nil {
			return missing(err, nil)
		}
		if err := s.insertIn(ctx, tx, k, entries); err != nil {
			return err
		}
		for _, d := range documents {
			if err := s.addIn(ctx, tx, who, d); err != nil {
				return err
			}
		}
		made = true
		return nil
	})
	return made, err
}

// sampled reports whether a sample of that name was made before.
func (s store) sampled(ctx context.Context, name string) (bool, error) {
	var found bool
	err := s.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM library_sample WHERE name = ?)`, name).Scan(&found)
	return found, err
}
