package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

func putAccess(ctx context.Context, tx *sqlite.Tx, k Knowledge, by string, entries []Access) error {
	const entry = `INSERT INTO knowledge_access (knowledge, kind, subject, "right", workspace, owner, created) VALUES (?, ?, ?, ?, ?, ?, ?)`
	for _, e := range entries {
		kind, subject := e.subject()
		if _, err := tx.Exec(ctx, entry, k.ID, kind, subject, e.Right, k.Workspace, by, tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("give access: %w", err)
		}
	}
	return nil
}

// access lists who was given a right.
func (s store) access(ctx context.Context, id string) ([]Access, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT kind, subject, "right" FROM knowledge_access WHERE knowledge = ? ORDER BY kind, created, subject`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []Access
	for rows.Next() {
		var a Access
		var kind, subject string
		if err := rows.Scan(&kind, &subject, &a.Right); err != nil {
			return nil, err
		}
		switch kind {
		case "person":
			a.Person = subject
		case "group":
			a.Group = subject
		default:
			a.Workspace = subject
		}
		entries = append(entries, a)
	}
	return entries, rows.Err()
}

// setAccess replaces the access list of a knowledge base that who manages.
func (s store) setAccess(ctx context.Context, who Reach, k Knowledge, entries []Access) error {
	const touch = `UPDATE knowledge AS k SET updated = ?8 WHERE id = ?9 AND deleted = 0 AND ` + managedBy
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := changed(tx.Exec(ctx, touch, who.args(tx.Now.UnixMilli(), k.ID)...)); err != nil {
			return missing(err, noKnowledge(k.ID))
		}
		if _, err := tx.Exec(ctx, `DELETE FROM knowledge_access WHERE knowledge = ?`, k.ID); err != nil {
			return fmt.Errorf("take access away: %w", err)
		}
		if err := putAccess(ctx, tx, k, who.who.ID, entries); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "knowledge.access", ObjectKind: "knowledge", Object: k.ID, Workspace: k.Workspace,
			Detail: accessDetail(entries)})
	})
}

// accessDetail is an access list as the record holds it: ids with rights.
func accessDetail(entries []Access) map[string]any {
	list := make([]string, 0, len(entries))
	for _, e := range entries {
		kind, subject := e.subject()
		list = append(list, kind+":"+subject+":"+e.Right)
	}
	return map[string]any{"entries": list}
}

// rules are the access rules of a document.
func (s store) rules(ctx context.Context, id string) (Rules, error) {
	var r Rules
	var guard int
	if err := s.db.Read().QueryRowContext(ctx, `SELECT guard FROM document WHERE id = ?`, id).Scan(&guard); err != nil {
		return Rules{}, fmt.Errorf("rules of a document: %w", err)
	}
	r.Restricted = guard == restricted
	rows, err := s.db.Read().QueryContext(ctx, `SELECT kind, subject, "right" FROM document_access WHERE document = ? ORDER BY "right", kind, created, subject`, id)
	if err != nil {
		return Rules{}, fmt.Errorf("rules of a document: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a Access
		var kind, subject string
		if err := rows.Scan(&kind, &subject, &a.Right); err != nil {
			return Rules{}, err
		}
		if kind == "person" {
			a.Person = subject
		} else {
			a.Group = subject
		}
		r.Entries = append(r.Entries, a)
	}
	return r, rows.Err()
}

// ownerOf is who owns a knowledge base.
func (s store) ownerOf(ctx context.Context, id string) (string, error) {
	var owner string
	err := s.db.Read().QueryRowContext(ctx, `SELECT owner FROM knowledge WHERE id = ?`, id).Scan(&owner)
	return owner, err
}

// The column guard of a document.
const (
	open       = 0 // as its knowledge base
	denying    = 1 // somebody is denied
	restricted = 2 // only who is allowed
)

// setRules replaces the access rules of a document that who manages.
func (s store) setRules(ctx context.Context, who Reach, d Document, r Rules) error {
	const touch = `UPDATE document AS d SET guard = ?8, updated = ?9 FROM knowledge AS k
		WHERE k.id = d.knowledge AND k.deleted = 0 AND d.id = ?10 AND d.deleted = 0 AND ` + documentManagedBy
	const entry = `INSERT INTO document_access (document, kind, subject, "right", workspace, owner, created) VALUES (?, ?, ?, ?, ?, ?, ?)`
	guard := open
	switch {
	case r.Restricted:
		guard = restricted
	case len(r.Entries) > 0:
		guard = denying
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := changed(tx.Exec(ctx, touch, who.args(guard, tx.Now.UnixMilli(), d.ID)...)); err != nil {
			return missing(err, noDocument(d.ID))
		}
		if _, err := tx.Exec(ctx, `DELETE FROM document_access WHERE document = ?`, d.ID); err != nil {
			return fmt.Errorf("take rules of a document away: %w", err)
		}
		for _, e := range r.Entries {
			kind, subject := e.subject()
			if _, err := tx.Exec(ctx, entry, d.ID, kind, subject, e.Right, d.Workspace, who.who.ID, tx.Now.UnixMilli()); err != nil {
				return fmt.Errorf("make a rule of a document: %w", err)
			}
		}
		detail := accessDetail(r.Entries)
		detail["knowledge"], detail["restricted"] = d.Knowledge, r.Restricted
		return s.audit.Record(ctx, tx, audit.Entry{Act: "document.access", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace, Detail: detail})
	})
}

// denied lists the documents of knowledge bases that who must not find, by the
// names the indexes know them by: those whose rules keep them out, and those that
// nobody is to find (yet, or any more).
func (s store) denied(ctx context.Context, who Reach, bases []string) ([]string, error) {
	const hidden = `SELECT ` + indexed + ` FROM document AS d WHERE d.hidden = 1 AND d.knowledge IN (SELECT value FROM json_each(?8))
		UNION SELECT iif(e.edition = 0, e.document, e.document || '.' || e.edition) FROM document_edition AS e WHERE e.knowledge IN (SELECT value FROM json_each(?8))
		UNION SELECT ` + indexed + ` FROM document AS d WHERE d.guard > 0 AND d.knowledge IN (SELECT value FROM json_each(?8)) AND NOT ` + admits
	scope, err := jsonList(bases)
	if err != nil {
		return nil, err
	}
	found, err := s.ids(ctx, hidden, who.args(scope)...)
	if err != nil {
		return nil, fmt.Errorf("documents not to be found: %w", err)
	}
	return found, nil
}

// edits refuses who may not edit the knowledge base; the right may have been
// taken away since it was asked for, so it is asked for in the transaction.
func edits(ctx context.Context, tx *sqlite.Tx, who Reach, knowledge string) error {
	const right = `SELECT ` + rightOf + ` FROM knowledge AS k WHERE k.id = ?8 AND k.deleted = 0`
	var have string
	err := tx.QueryRow(ctx, right, who.args(knowledge)...).Scan(&have)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && have == None:
		return noKnowledge(knowledge)
	case err != nil:
		return err
	case have != Edit:
		return mayNotEdit()
	}
	return nil
}

// editsDocument is edits for a document, which its own rules may keep from who.
func editsDocument(ctx context.Context, tx *sqlite.Tx, who Reach, id string) error {
	const right = `SELECT ` + documentRight + ` FROM document AS d JOIN knowledge AS k ON k.id = d.knowledge
		WHERE d.id = ?8 AND d.deleted = 0 AND k.deleted = 0`
	var have string
	err := tx.QueryRow(ctx, right, who.args(id)...).Scan(&have)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && have == None:
		return noDocument(id)
	case err != nil:
		return err
	case have != Edit:
		return mayNotEdit()
	}
	return nil
}
