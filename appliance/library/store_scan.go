package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"chatets/appliance/audit"
	"chatets/appliance/job"
	"chatets/appliance/sqlite"
)

// judged keeps the verdict on a file that is about to be read.
func (s store) judged(ctx context.Context, d Document, verdict string) error {
	if d.Verdict == verdict {
		return nil
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const set = `UPDATE document SET verdict = ?, finding = '' WHERE id = ? AND job = ? AND deleted = 0 AND state = 'extracting'`
		return missing(changed(tx.Exec(ctx, set, verdict, d.ID, d.job)), errGone)
	})
}

// hold says why a document waits for the scanner; its job comes back.
func (s store) hold(ctx context.Context, d Document, reason, cure string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const set = `UPDATE document SET state = 'waiting', code = 'scan-waiting', reason = ?, cure = ?, verdict = '', updated = ?
			WHERE id = ? AND job = ? AND deleted = 0 AND state = 'extracting'`
		return missing(changed(tx.Exec(ctx, set, reason, cure, tx.Now.UnixMilli(), d.ID, d.job)), errGone)
	})
}

// quarantine locks a document away in which something was found.
func (s store) quarantine(ctx context.Context, d Document, finding string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const set = `UPDATE document SET state = 'quarantined', verdict = 'found', finding = ?, code = 'document-quarantined', reason = ?, cure = ?, done = 0, total = 0, updated = ?
			WHERE id = ? AND job = ? AND deleted = 0 AND state = 'extracting'`
		if err := changed(tx.Exec(ctx, set, finding, findingReason(finding), quarantineCure, tx.Now.UnixMilli(), d.ID, d.job)); err != nil {
			return missing(err, errGone)
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "document.quarantine", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace,
			Detail: map[string]any{"knowledge": d.Knowledge, "finding": finding}})
	})
}

// caught is a page of what is in quarantine in the knowledge bases that who
// manages, the newest first.
func (s store) caught(ctx context.Context, who Reach, before string, limit int) ([]Caught, error) {
	const page = `SELECT ` + documentColumns + documentAs + `, k.name FROM document AS d JOIN knowledge AS k ON k.id = d.knowledge
		WHERE d.state = 'quarantined' AND d.deleted = 0 AND k.deleted = 0 AND (?1 OR k.workspace = ?2 AND ?7)
		AND (?8 = '' OR d.id < ?8) ORDER BY d.id DESC LIMIT ?9`
	rows, err := s.db.Read().QueryContext(ctx, page, who.args(before, limit)...)
	if err != nil {
		return nil, fmt.Errorf("list the quarantine: %w", err)
	}
	defer rows.Close()
	var list []Caught
	for rows.Next() {
		var c Caught
		if c.Document, err = scanDocument(rows, &c.Right, &c.Manages, &c.Base); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// inQuarantine is who may decide about a document that is in quarantine.
const inQuarantine = `id = ?8 AND state = 'quarantined' AND deleted = 0 AND (?1 OR workspace = ?2 AND ?7)`

// letGo has a document in quarantine read.
func (s store) letGo(ctx context.Context, who Reach, d Document, why Decision) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		id, err := s.queue.Enqueue(ctx, tx, job.New{Kind: ingestKind, Workspace: d.Workspace, Owner: d.Owner, Payload: ingest{Document: d.ID}})
		if err != nil {
			return err
		}
		const set = `UPDATE document SET state = 'waiting', verdict = 'released', code = '', reason = '', cure = '', done = 0, total = 0, job = ?9, updated = ?10 WHERE ` + inQuarantine
		if err := changed(tx.Exec(ctx, set, who.args(d.ID, id, tx.Now.UnixMilli())...)); err != nil {
			return missing(err, noDocument(d.ID))
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "quarantine.release", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace,
			Detail: map[string]any{"knowledge": d.Knowledge, "finding": d.Finding, "reason": why.Reason, "reference": why.Reference}})
	})
}

// destroy deletes a document in quarantine.
func (s store) destroy(ctx context.Context, who Reach, d Document, why Decision) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const set = `UPDATE document SET deleted = ?9, hidden = 1, password = NULL WHERE ` + inQuarantine
		if err := changed(tx.Exec(ctx, set, who.args(d.ID, tx.Now.UnixMilli())...)); err != nil {
			return missing(err, noDocument(d.ID))
		}
		if err := touch(ctx, tx, d.Knowledge); err != nil {
			return err
		}
		if _, err := s.queue.Enqueue(ctx, tx, job.New{Kind: purgeKind, Workspace: d.Workspace, Owner: who.who.ID, Key: d.ID,
			Payload: purge{Document: d.ID}, Priority: job.Background}); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "quarantine.delete", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace,
			Detail: map[string]any{"knowledge": d.Knowledge, "finding": d.Finding, "reason": why.Reason, "reference": why.Reference}})
	})
}

// stopped counts the documents that wait for the scanner, and those in quarantine.
func (s store) stopped(ctx context.Context) (held, quarantined int, err error) {
	const count = `SELECT (SELECT count(*) FROM document WHERE state = 'waiting' AND code = 'scan-waiting' AND deleted = 0),
		(SELECT count(*) FROM document WHERE state = 'quarantined' AND deleted = 0)`
	err = s.db.Read().QueryRowContext(ctx, count).Scan(&held, &quarantined)
	return held, quarantined, err
}

// unlock keeps the password of a failed document of a knowledge base that who
// may edit, and reads it once more.
func (s store) unlock(ctx context.Context, who Reach, d Document, sealed []byte) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := editsDocument(ctx, tx, who, d.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE document SET password = ? WHERE id = ? AND deleted = 0`, sealed, d.ID); err != nil {
			return fmt.Errorf("keep the password of a document: %w", err)
		}
		return s.again(ctx, tx, who, d, "document.unlock")
	})
}

// password is the sealed password of a document's file; nil = none.
func (s store) password(ctx context.Context, id string) ([]byte, error) {
	var sealed []byte
	err := s.db.Read().QueryRowContext(ctx, `SELECT password FROM document WHERE id = ?`, id).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		err = errGone
	}
	return sealed, err
}
