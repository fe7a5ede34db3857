package library

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
	"chatets/appliance/vector"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Config is what a Library works with.
type Config struct {
	DB       *sqlite.DB
	Audit    *audit.Log
	Blobs    *blob.Store
	Settings *setting.Settings
	Accounts Accounts
	Keys     *secret.Keyring                          // for passwords of files
	Gate     *egress.Gate                             // to the malware scanner
	Patience time.Duration                            // with the malware scanner; 0 = its own
	Reader   Reader                                   // of documents
	Letters  []string                                 // languages that scanned pages can be read in
	Vectors  *vector.Store                            // nil = passages are found by their words alone
	Encoder  Encoder                                  // nil as Vectors
	Tokens   func(text string) int                    // about how many a text takes of a model's context; nil = not counted
	Models   Models                                   // embedding models of connected servers; nil = there are none
	Notify   func(workspace, person, noun, id string) // tells open pages; nil tells nobody
	Log      *slog.Logger                             // nil discards
	Now      func() time.Time                         // nil = time.Now
}

// New returns a library on a migrated database. Call Jobs next.
func New(c Config) *Library {
	l := &Library{
		store: store{db: c.DB, audit: c.Audit, vectors: c.Vectors}, blobs: c.Blobs, accounts: c.Accounts, limit: uploadLimit(c.Settings),
		keys: c.Keys, reader: c.Reader, encoder: c.Encoder, models: c.Models, tokens: c.Tokens, quiet: newQuiet(),
		toEncode: make(chan struct{}, 1), toRenew: make(chan struct{}, 1), notify: c.Notify, log: c.Log, now: c.Now,
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.now == nil {
		l.now = time.Now
	}
	l.letters = lettersOf(c.Settings, c.Letters)
	l.guard = &guard{gate: c.Gate, log: l.log, now: l.now, patience: c.Patience}
	l.guard.watch(c.Settings)
	return l
}

// store is all SQL of the library.
type store struct {
	vectors *vector.Store // nil = none are kept
	db      *sqlite.DB
	audit   *audit.Log
	queue   *job.Queue
}

const knowledgeColumns = `k.id, k.workspace, k.owner, k.name, k.fold, k.created, k.updated, ` + rightOf + ` AS reach, ` + managedBy + ` AS managed,
	(SELECT count(*) FROM document AS d WHERE d.knowledge = k.id AND d.deleted = 0 AND ` + knowsOf + `),
	(SELECT coalesce(sum(d.size), 0) FROM document AS d WHERE d.knowledge = k.id AND d.deleted = 0 AND ` + knowsOf + `),
	(SELECT count(*) FROM document AS d WHERE d.knowledge = k.id AND d.deleted = 0 AND d.state IN ('waiting', 'extracting', 'embedding') AND ` + knowsOf + `), ` + indexingColumn

type scanner interface{ Scan(...any) error }

func scanKnowledge(row scanner) (Knowledge, error) {
	var k Knowledge
	var created, updated int64
	var indexing string
	err := row.Scan(&k.ID, &k.Workspace, &k.Owner, &k.Name, &k.fold, &created, &updated, &k.Right, &k.Manages, &k.Documents, &k.Size, &k.Working, &indexing)
	if err != nil {
		return k, err
	}
	k.Indexing, err = indexingOf(indexing)
	k.Created, k.Updated = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	return k, err
}

// knowledge is the knowledge base of the id, when who may read or manage it.
func (s store) knowledge(ctx context.Context, who Reach, id string) (Knowledge, error) {
	const one = `SELECT ` + knowledgeColumns + ` FROM knowledge AS k WHERE k.id = ?8 AND k.deleted = 0 AND (reach <> 'none' OR managed)`
	k, err := scanKnowledge(s.db.Read().QueryRowContext(ctx, one, who.args(id)...))
	if errors.Is(err, sql.ErrNoRows) {
		return Knowledge{}, noKnowledge(id)
	}
	return k, err
}

// list is a page of the knowledge bases that who may read, or manages, by name.
// The workspace alone, without an OR beside it, lets the index find the rows.
func (s store) list(ctx context.Context, who Reach, managed bool, afterFold, afterID string, limit int) ([]Knowledge, error) {
	const (
		begin  = `SELECT ` + knowledgeColumns + ` FROM knowledge AS k WHERE k.deleted = 0 AND `
		end    = ` AND (k.fold, k.id) > (?8, ?9) AND iif(?10, managed, reach <> 'none') ORDER BY k.fold, k.id LIMIT ?11`
		within = begin + `k.workspace = ?2` + end
		all    = begin + `?1` + end
	)
	page := within
	if who.everything() {
		page = all
	}
	rows, err := s.db.Read().QueryContext(ctx, page, who.args(afterFold, afterID, managed, limit)...)
	if err != nil {
		return nil, fmt.Errorf("list knowledge bases: %w", err)
	}
	defer rows.Close()
	var bases []Knowledge
	for rows.Next() {
		k, err := scanKnowledge(rows)
		if err != nil {
			return nil, err
		}
		bases = append(bases, k)
	}
	return bases, rows.Err()
}

// readable are those of the ids that who may read; all of them when ids is nil.
func (s store) readable(ctx context.Context, who Reach, ids []string) ([]string, error) {
	const (
		begin  = `SELECT k.id FROM knowledge AS k WHERE k.deleted = 0 AND `
		end    = ` AND ` + rightOf + ` <> 'none'`
		some   = begin + `k.id IN (SELECT value FROM json_each(?8))` + end
		within = begin + `k.workspace = ?2` + end
		all    = begin + `?1` + end
	)
	switch {
	case ids == nil && who.everything():
		return s.ids(ctx, all, who.args()...)
	case ids == nil:
		return s.ids(ctx, within, who.args()...)
	}
	list, err := jsonList(ids)
	if err != nil {
		return nil, err
	}
	return s.ids(ctx, some, who.args(list)...)
}

func (s store) ids(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func jsonList(items []string) (string, error) {
	if items == nil {
		items = []string{}
	}
	text, err := json.Marshal(items)
	return string(text), err
}

// insert makes a knowledge base.
func (s store) insert(ctx context.Context, k Knowledge, entries []Access) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return s.insertIn(ctx, tx, k, entries) })
}

func (s store) insertIn(ctx context.Context, tx *sqlite.Tx, k Knowledge, entries []Access) error {
	const base = `INSERT INTO knowledge (id, workspace, owner, name, fold, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?)`
	if _, err := tx.Exec(ctx, base, k.ID, k.Workspace, k.Owner, k.Name, k.fold, k.Created.UnixMilli(), k.Updated.UnixMilli()); err != nil {
		return fmt.Errorf("insert a knowledge base: %w", err)
	}
	if err := putAccess(ctx, tx, k, k.Owner, entries); err != nil {
		return err
	}
	return s.audit.Record(ctx, tx, audit.Entry{Act: "knowledge.add", ObjectKind: "knowledge", Object: k.ID, Workspace: k.Workspace})
}

// rename gives a knowledge base that who may edit a new name.
func (s store) rename(ctx context.Context, who Reach, k Knowledge) error {
	const set = `UPDATE knowledge AS k SET name = ?8, fold = ?9, updated = ?10 WHERE id = ?11 AND deleted = 0 AND (` + rightOf + ` = 'edit' OR ` + managedBy + `)`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := changed(tx.Exec(ctx, set, who.args(k.Name, k.fold, tx.Now.UnixMilli(), k.ID)...)); err != nil {
			return missing(err, noKnowledge(k.ID))
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "knowledge.change", ObjectKind: "knowledge", Object: k.ID, Workspace: k.Workspace})
	})
}

// hide deletes a knowledge base that who manages, as everybody sees it; a job
// removes what it held.
func (s store) hide(ctx context.Context, who Reach, k Knowledge) error {
	const base = `UPDATE knowledge AS k SET deleted = ?8 WHERE id = ?9 AND deleted = 0 AND ` + managedBy
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		now := tx.Now.UnixMilli()
		if err := changed(tx.Exec(ctx, base, who.args(now, k.ID)...)); err != nil {
			return missing(err, noKnowledge(k.ID))
		}
		if _, err := tx.Exec(ctx, `UPDATE document SET deleted = ?, hidden = 1, password = NULL WHERE knowledge = ? AND deleted = 0`, now, k.ID); err != nil {
			return fmt.Errorf("delete the documents of a knowledge base: %w", err)
		}
		if _, err := s.queue.Enqueue(ctx, tx, job.New{Kind: purgeKind, Workspace: k.Workspace, Owner: who.who.ID, Key: k.ID,
			Payload: purge{Knowledge: k.ID}, Priority: job.Background}); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "knowledge.delete", ObjectKind: "knowledge", Object: k.ID, Workspace: k.Workspace,
			Detail: map[string]any{"documents": k.Documents}})
	})
}

// exists reports a knowledge base or a document that was not deleted, whoever
// asks: only to record that somebody tried to get at it.
func (s store) exists(ctx context.Context, noun, id string) (bool, error) {
	query := `SELECT EXISTS (SELECT 1 FROM knowledge WHERE id = ? AND deleted = 0)`
	if noun == "document" {
		query = `SELECT EXISTS (SELECT 1 FROM document WHERE id = ? AND deleted = 0)`
	}
	var found bool
	err := s.db.Read().QueryRowContext(ctx, query, id).Scan(&found)
	return found, err
}

var errNothing = errors.New("no row was changed")

// changed is errNothing when a statement met no row.
func changed(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return errNothing
	}
	return err
}

// missing puts the sentence in the place of errNothing.
func missing(err, sentence error) error {
	if errors.Is(err, errNothing) {
		return sentence
	}
	return err
}

func noKnowledge(id string) error {
	return fault.New(fault.NotFound, "There is no knowledge base %s.", shown(id)).Cure("It may have been deleted, or you have no access; ask its owner.")
}

func noDocument(id string) error {
	return fault.New(fault.NotFound, "There is no document %s.", shown(id)).Cure("It may have been deleted, or you have no access; ask the owner of its knowledge base.")
}
