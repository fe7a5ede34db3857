package library

import (
	"context"
	"fmt"
	"math"

	"chatets/appliance/audit"
	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
)

// filtered is whether a Filter lets the document d through; its parameters, ?8 to
// ?13, come from Filter.args.
const filtered = `(?8 IS NULL OR d.id IN (SELECT value FROM json_each(?8)))
	AND (?9 IS NULL OR EXISTS (SELECT 1 FROM json_each(?9) AS f WHERE d.folder_fold = f.value OR substr(d.folder_fold, 1, length(f.value) + 1) = f.value || '/'))
	AND (?10 IS NULL OR EXISTS (SELECT 1 FROM document_tag AS t WHERE t.document = d.id AND t.fold IN (SELECT value FROM json_each(?10))))
	AND (?11 IS NULL OR d.type IN (SELECT value FROM json_each(?11)))
	AND d.created >= ?12 AND d.created < ?13`

// args are the parameters of filtered, and more behind them.
func (f Filter) args(more ...any) ([]any, error) {
	part := func(list []string, fold bool) (any, error) {
		if len(list) == 0 {
			return nil, nil
		}
		if fold {
			folded := make([]string, len(list))
			for i, s := range list {
				folded[i] = lexical.Fold(s)
			}
			list = folded
		}
		return jsonList(list)
	}
	var args []any
	for i, list := range [][]string{f.Documents, f.Folders, f.Tags, f.Types} {
		arg, err := part(list, i == 1 || i == 2)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	from, to := int64(0), int64(math.MaxInt64)
	if !f.From.IsZero() {
		from = f.From.UnixMilli()
	}
	if !f.To.IsZero() {
		to = f.To.UnixMilli()
	}
	return append(append(args, from, to), more...), nil
}

// chosen lists the documents of knowledge bases that a filter lets through and
// who may read, by the names the indexes know them by.
func (s store) chosen(ctx context.Context, who Reach, bases []string, f Filter) ([]string, error) {
	const some = `SELECT ` + indexed + ` FROM document AS d WHERE d.knowledge IN (SELECT value FROM json_each(?14))
		AND d.deleted = 0 AND d.hidden = 0 AND ` + admits + ` AND ` + filtered
	scope, err := jsonList(bases)
	if err != nil {
		return nil, err
	}
	args, err := f.args(scope)
	if err != nil {
		return nil, err
	}
	found, err := s.ids(ctx, some, who.args(args...)...)
	if err != nil {
		return nil, fmt.Errorf("documents of a filter: %w", err)
	}
	return append([]string{}, found...), nil
}

// Count is how many documents are somewhere.
type Count struct {
	Name      string
	Documents int
}

// Outline is what the documents of a knowledge base can be narrowed by.
type Outline struct{ Folders, Tags, Types []Count }

// mostOutlined is how many folders, tags or types an outline names.
const mostOutlined = 1000

// outline counts the documents of a knowledge base that who may read by folder,
// tag and type.
func (s store) outline(ctx context.Context, who Reach, knowledge string) (Outline, error) {
	const (
		read    = ` FROM document AS d JOIN knowledge AS k ON k.id = d.knowledge`
		may     = ` WHERE d.knowledge = ?8 AND d.deleted = 0 AND k.deleted = 0 AND ` + documentRight + ` <> 'none'`
		folders = `SELECT d.folder, count(*)` + read + may + ` AND d.folder <> '' GROUP BY d.folder_fold ORDER BY d.folder_fold LIMIT ?9`
		tags    = `SELECT t.name, count(*)` + read + ` JOIN document_tag AS t ON t.document = d.id` + may + ` GROUP BY t.fold ORDER BY t.fold LIMIT ?9`
		types   = `SELECT d.type, count(*)` + read + may + ` GROUP BY d.type ORDER BY count(*) DESC, d.type LIMIT ?9`
	)
	var out Outline
	for query, list := range map[string]*[]Count{folders: &out.Folders, tags: &out.Tags, types: &out.Types} {
		var err error
		if *list, err = s.counts(ctx, query, who.args(knowledge, mostOutlined)...); err != nil {
			return Outline{}, fmt.Errorf("outline of a knowledge base: %w", err)
		}
	}
	return out, nil
}

func (s store) counts(ctx context.Context, query string, args ...any) ([]Count, error) {
	rows, err := s.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Count
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Name, &c.Documents); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func putTags(ctx context.Context, tx *sqlite.Tx, who Reach, d Document) error {
	const tag = `INSERT INTO document_tag (document, fold, name, workspace, owner, created) VALUES (?, ?, ?, ?, ?, ?)`
	for _, name := range d.Tags {
		if _, err := tx.Exec(ctx, tag, d.ID, lexical.Fold(name), name, d.Workspace, who.who.ID, tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("put a tag on a document: %w", err)
		}
	}
	return nil
}

// place puts a document that who may edit into its folder and gives it its tags.
func (s store) place(ctx context.Context, who Reach, d Document) error {
	const set = `UPDATE document SET folder = ?, folder_fold = ?, updated = ? WHERE id = ? AND deleted = 0`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := editsDocument(ctx, tx, who, d.ID); err != nil {
			return err
		}
		if err := changed(tx.Exec(ctx, set, d.Folder, lexical.Fold(d.Folder), tx.Now.UnixMilli(), d.ID)); err != nil {
			return missing(err, noDocument(d.ID))
		}
		if _, err := tx.Exec(ctx, `DELETE FROM document_tag WHERE document = ?`, d.ID); err != nil {
			return fmt.Errorf("take tags off a document: %w", err)
		}
		if err := putTags(ctx, tx, who, d); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "document.change", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace,
			Detail: map[string]any{"knowledge": d.Knowledge}})
	})
}
