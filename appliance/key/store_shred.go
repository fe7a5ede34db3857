package key

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// Swept are the tables whose rows of a workspace go when it is shredded. Together
// with Kept they are all that have a column workspace: a test holds them against
// the schema, so that a new table is thought of.
func Swept() []string {
	return []string{"membership", "group", "group_member", "conversation", "chat_folder", "chat_tag", "chat_draft", "chat_feedback", "chat_share", "message", "citation", "run", "run_event", "receipt", "run_journal", "job",
		"knowledge", "knowledge_access", "document", "document_access", "document_tag", "document_renewal", "document_edition", "knowledge_index", "knowledge_left",
		"chunk", "chunk_off", "session", "api_key", "vector_segment", "vector_row", "vector_shelf", "scim_resource"}
}

// Kept are the tables that say in which workspace something was made that belongs
// to the whole installation, and the audit record, which holds ids alone.
func Kept() []string {
	return []string{"audit", "key_shred", "directory", "server", "model", "model_alias", "model_access", "library_sample", "scim_client", "sso_provider",
		"backup_target", "backup_archive", "blob_copy"} // copies in targets, by names that tell nothing, are deleted from there by their own rule
}

// shreddable sees that something can be shredded and gives the workspaces whose
// files it may have.
func (s Store) shreddable(ctx context.Context, kind, subject string) ([]string, error) {
	if kind == ofWorkspace {
		var there, others int
		const count = `SELECT count(*) FILTER (WHERE id = ?1), count(*) FILTER (WHERE id <> ?1) FROM workspace`
		if err := s.DB.Read().QueryRowContext(ctx, count, subject).Scan(&there, &others); err != nil {
			return nil, fmt.Errorf("workspaces: %w", err)
		}
		switch {
		case there == 0:
			return nil, fault.New(fault.NotFound, "There is no such workspace.").Cure("Name it as the list of workspaces does")
		case others == 0:
			return nil, fault.New(fault.Conflict, "This is the only workspace.").Cure("Make another first, or remove the whole data directory with its keys.json")
		}
		return []string{subject}, nil
	}
	var role string
	var owners int
	const read = `SELECT role, (SELECT count(*) FROM person WHERE role = 'owner' AND disabled = 0 AND id <> ?1) FROM person WHERE id = ?1`
	err := s.DB.Read().QueryRowContext(ctx, read, subject).Scan(&role, &owners)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fault.New(fault.NotFound, "There is no such person.").Cure("Name the person by e-mail address, as chatets user list does")
	case err != nil:
		return nil, fmt.Errorf("person: %w", err)
	case role == "owner" && owners == 0:
		return nil, fault.New(fault.Conflict, "This is the last owner of the installation.").Cure("Make another person owner first.")
	}
	return s.texts(ctx, `SELECT workspace FROM membership WHERE person = ?1 UNION SELECT workspace FROM document WHERE owner = ?1 ORDER BY 1`, subject)
}

func (s Store) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.DB.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// addShred writes down what is to be shredded and ends the sessions of who would
// go on working in it.
func (s Store) addShred(ctx context.Context, kind, subject string, scopes []string) (Shred, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Shred{}, err
	}
	list, err := json.Marshal(scopes)
	if err != nil {
		return Shred{}, err
	}
	sh := Shred{ID: id.String(), Kind: kind, Subject: subject, scopes: scopes}
	return sh, s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		sh.Asked = tx.Now.UTC()
		there, err := beingShredded(ctx, tx, kind, subject)
		if err != nil {
			return err
		}
		if there {
			return fault.New(fault.Conflict, "This is being shredded already.").Cure("chatets key status shows how far it is")
		}
		if err := insertShred(ctx, tx, sh, string(list)); err != nil {
			return err
		}
		return s.Audit.Record(ctx, tx, sh.entry("key.shred"))
	})
}

func beingShredded(ctx context.Context, tx *sqlite.Tx, kind, subject string) (there bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM key_shred WHERE kind = ? AND subject = ? AND ended = 0)`, kind, subject).Scan(&there)
	return there, err
}

func insertShred(ctx context.Context, tx *sqlite.Tx, sh Shred, scopes string) error {
	const insert = `INSERT INTO key_shred (id, workspace, owner, kind, subject, scopes, asked) VALUES (?, ?, ?, ?, ?, ?, ?)`
	who := actor.From(ctx)
	if _, err := tx.Exec(ctx, insert, sh.ID, who.Workspace, who.ID, sh.Kind, sh.Subject, scopes, tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("shred: %w", err)
	}
	if sh.Kind == ofPerson {
		if _, err := tx.Exec(ctx, `UPDATE person SET disabled = 1 WHERE id = ?`, sh.Subject); err != nil {
			return fmt.Errorf("shred: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM session WHERE (?1 = 'person' AND owner = ?2) OR (?1 = 'workspace' AND workspace = ?2)`, sh.Kind, sh.Subject); err != nil {
		return fmt.Errorf("shred: %w", err)
	}
	return nil
}

// ShredAgain begins anew in a restored directory what was shredded after its
// point; the next start ends it. What is not there needs no shredding.
func (s Store) ShredAgain(ctx context.Context, tx *sqlite.Tx, kind, subject string, scopes func(workspace string) []string) error {
	const (
		workspaces = `SELECT id FROM workspace WHERE ?1 = 'workspace' AND id = ?2
			UNION SELECT workspace FROM membership WHERE ?1 = 'person' AND person = ?2 UNION SELECT workspace FROM document WHERE ?1 = 'person' AND owner = ?2`
		here = `SELECT EXISTS (SELECT 1 FROM workspace WHERE ?1 = 'workspace' AND id = ?2) OR EXISTS (SELECT 1 FROM person WHERE ?1 = 'person' AND id = ?2)`
	)
	var there bool
	if err := tx.QueryRow(ctx, here, kind, subject).Scan(&there); err != nil || !there {
		return err
	}
	if again, err := beingShredded(ctx, tx, kind, subject); err != nil || again {
		return err
	}
	rows, err := tx.Query(ctx, workspaces, kind, subject)
	if err != nil {
		return fmt.Errorf("shred again: %w", err)
	}
	defer rows.Close()
	names := []string{}
	for rows.Next() {
		var w string
		if err := rows.Scan(&w); err != nil {
			return err
		}
		names = append(names, scopes(w)...)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	sh := Shred{ID: id.String(), Kind: kind, Subject: subject}
	if err := insertShred(ctx, tx, sh, string(list)); err != nil {
		return err
	}
	return s.Audit.Record(ctx, tx, sh.entry("key.shred"))
}

// shreds are those that have not ended, or the last hundred.
func (s Store) shreds(ctx context.Context, open bool) ([]Shred, error) {
	const list = `SELECT id, kind, subject, scopes, asked, removed, key, ended FROM key_shred WHERE ended = 0 OR NOT ? ORDER BY asked DESC LIMIT 100`
	rows, err := s.DB.Read().QueryContext(ctx, list, open)
	if err != nil {
		return nil, fmt.Errorf("shreds: %w", err)
	}
	defer rows.Close()
	all := []Shred{}
	for rows.Next() {
		var sh Shred
		var scopes string
		var asked, removed, ended, key int64
		if err := rows.Scan(&sh.ID, &sh.Kind, &sh.Subject, &scopes, &asked, &removed, &key, &ended); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(scopes), &sh.scopes); err != nil {
			return nil, fmt.Errorf("scopes of a shred: %w", err)
		}
		sh.Asked, sh.Removed, sh.Ended, sh.key = time.UnixMilli(asked).UTC(), when(removed), when(ended), uint32(key)
		all = append(all, sh)
	}
	return all, rows.Err()
}

func when(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}

// base is a knowledge base that goes.
type base struct{ workspace, id string }

// knowledgeOf are the knowledge bases that go, and how many are being deleted
// already. Of a person go those that nobody else may read.
func (s Store) knowledgeOf(ctx context.Context, sh Shred) (bases []base, hidden int, err error) {
	const list = `SELECT workspace, id, deleted FROM knowledge AS k WHERE (?1 = 'workspace' AND workspace = ?2)
		OR (?1 = 'person' AND owner = ?2 AND NOT EXISTS (SELECT 1 FROM knowledge_access AS a WHERE a.knowledge = k.id AND a.subject <> ?2))`
	rows, err := s.DB.Read().QueryContext(ctx, list, sh.Kind, sh.Subject)
	if err != nil {
		return nil, 0, fmt.Errorf("knowledge bases: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b base
		var deleted bool
		if err := rows.Scan(&b.workspace, &b.id, &deleted); err != nil {
			return nil, 0, err
		}
		if deleted {
			hidden++
		} else {
			bases = append(bases, b)
		}
	}
	return bases, hidden, rows.Err()
}

// sweep deletes the rows of what is shredded. Those of the audit record stay:
// they hold ids.
func (s Store) sweep(ctx context.Context, sh Shred) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return sweep(ctx, tx, sh) })
}

func sweep(ctx context.Context, tx *sqlite.Tx, sh Shred) error {
	var statements []string
	if sh.Kind == ofWorkspace {
		for _, table := range Swept() {
			statement := `DELETE FROM ` + quoted(table) + ` WHERE workspace = ?`
			if table == "job" {
				statement += ` AND state NOT IN ('waiting', 'running')`
			}
			statements = append(statements, statement)
		}
		statements = append(statements, `DELETE FROM model_access WHERE subject_kind = 'workspace' AND subject = ?`, `DELETE FROM workspace WHERE id = ?`)
	} else {
		statements = []string{
			`DELETE FROM conversation WHERE owner = ?`, `DELETE FROM chat_folder WHERE owner = ?`, `DELETE FROM chat_draft WHERE owner = ?`, `DELETE FROM run_journal WHERE owner = ?`, `DELETE FROM session WHERE owner = ?`,
			`DELETE FROM password WHERE person = ?`, `DELETE FROM known_address WHERE person = ?`, `DELETE FROM login_name WHERE person = ?`,
			`DELETE FROM directory_person WHERE person = ?`, `DELETE FROM knowledge_access WHERE kind = 'person' AND subject = ?`,
			`DELETE FROM document_access WHERE kind = 'person' AND subject = ?`, `DELETE FROM model_access WHERE subject_kind = 'person' AND subject = ?`,
			`DELETE FROM job WHERE owner = ? AND state NOT IN ('waiting', 'running')`, `DELETE FROM person WHERE id = ?`,
		}
	}
	// Rows refer to each other in both directions of the list; at the commit all of
	// them are gone.
	if _, err := tx.Exec(ctx, `PRAGMA defer_foreign_keys = ON`); err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement, sh.Subject); err != nil {
			return fmt.Errorf("shred: %.60s: %w", statement, err)
		}
	}
	return nil
}

// removed notes that rows and files are gone, and under which key they lay.
func (s Store) removed(ctx context.Context, sh Shred, key uint32, serial uint64) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := note(ctx, tx, serial); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE key_shred SET removed = ?, key = ? WHERE id = ?`, tx.Now.UnixMilli(), key, sh.ID); err != nil {
			return err
		}
		return s.Audit.Record(ctx, tx, sh.entry("key.shred-removed"))
	})
}

// ended notes the end. What a run that was just ending wrote after the rows were
// deleted goes too.
func (s Store) ended(ctx context.Context, sh Shred) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := sweep(ctx, tx, sh); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE key_shred SET ended = ? WHERE id = ?`, tx.Now.UnixMilli(), sh.ID); err != nil {
			return err
		}
		return s.Audit.Record(ctx, tx, sh.entry("key.shred-ended"))
	})
}
