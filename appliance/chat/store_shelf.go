package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// like makes a text that stands for itself in a LIKE, anywhere.
func like(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// shelfWhere is which conversations a list holds; its arguments are those of
// shelfArgs. Every list asks it, so that none forgets whose they are.
const shelfWhere = `c.workspace = ? AND c.owner = ? AND c.expires = 0 AND c.archived = ?
	AND (? = '' OR c.title LIKE ? ESCAPE '\')
	AND (? = '' OR c.folder = ?)
	AND (? = '' OR c.folder IN (SELECT f.id FROM chat_folder AS f WHERE f.workspace = c.workspace AND f.owner = c.owner AND f.name LIKE ? ESCAPE '\'))
	AND (? = '' OR EXISTS (SELECT 1 FROM chat_tag AS t WHERE t.conversation = c.id AND t.tag = ?))
	AND (? < 0 OR c.pinned = ?)
	AND (? = 0 OR c.pinned = 1 OR c.folder = '')`

func shelfArgs(a actor.Actor, w wanted) []any {
	pinned := -1
	if w.pinned != nil {
		pinned = map[bool]int{true: 1}[*w.pinned]
	}
	return []any{a.Workspace, a.ID, w.archived, w.title, like(w.title), w.folder, w.folder, w.named, like(w.named), w.tag, strings.ToLower(w.tag), pinned, pinned, w.loose}
}

// conversations lists those of the actor, the newest first.
func (s Store) conversations(ctx context.Context, w wanted, after place, limit int) ([]Conversation, error) {
	const (
		newest = `SELECT ` + conversationColumns + ` FROM conversation AS c WHERE ` + shelfWhere + `
			AND (c.updated, c.id) < (?, ?) ORDER BY c.updated DESC, c.id DESC LIMIT ?`
		pinned = `SELECT ` + conversationColumns + ` FROM conversation AS c WHERE ` + shelfWhere + `
			AND (c.pinned, c.updated, c.id) < (?, ?, ?) ORDER BY c.pinned DESC, c.updated DESC, c.id DESC LIMIT ?`
	)
	find, args := newest, shelfArgs(actor.From(ctx), w)
	if w.loose {
		find, args = pinned, append(args, after.Pinned)
	}
	rows, err := s.DB.Read().QueryContext(ctx, find, append(args, after.Updated, after.ID, limit)...)
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	defer rows.Close()
	found := []Conversation{}
	for rows.Next() {
		c, err := scanConversation(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list conversations: %w", err)
		}
		found = append(found, c)
	}
	return found, rows.Err()
}

// shelve changes what is kept of a conversation beside what was said.
func (s Store) shelve(ctx context.Context, id string, to shelving) error {
	a := actor.From(ctx)
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if to.folder != nil && *to.folder != "" {
			if err := ownFolder(ctx, tx, a, *to.folder); err != nil {
				return err
			}
		}
		const update = `UPDATE conversation SET title = coalesce(?1, title), pinned = coalesce(?2, pinned), archived = coalesce(?3, archived),
			folder = coalesce(?4, folder), seen = CASE ?5 WHEN 0 THEN answered WHEN 1 THEN answered - 1 ELSE seen END
			WHERE id = ?6 AND workspace = ?7 AND owner = ?8`
		res, err := tx.Exec(ctx, update, or(to.title), or(to.pinned), or(to.archived), or(to.folder), or(to.unread), id, a.Workspace, a.ID)
		if err != nil {
			return fmt.Errorf("change conversation: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noConversation(id))
		}
		if to.tags == nil {
			return nil
		}
		if _, err := tx.Exec(ctx, `DELETE FROM chat_tag WHERE conversation = ?`, id); err != nil {
			return fmt.Errorf("untag conversation: %w", err)
		}
		for _, t := range *to.tags {
			if _, err := tx.Exec(ctx, `INSERT INTO chat_tag (conversation, tag, workspace, owner) VALUES (?, ?, ?, ?)`, id, t, a.Workspace, a.ID); err != nil {
				return fmt.Errorf("tag conversation: %w", err)
			}
		}
		return nil
	})
}

// or is the value, or NULL where there is none.
func or[T any](v *T) any {
	if v == nil {
		return nil
	}
	return *v
}

func ownFolder(ctx context.Context, tx *sqlite.Tx, a actor.Actor, id string) error {
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM chat_folder WHERE id = ? AND workspace = ? AND owner = ?`, id, a.Workspace, a.ID).Scan(&n); err != nil {
		return fmt.Errorf("find folder: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Invalid, "There is no folder %s.", quoted(id)).Cure("It may have been deleted; choose another.").
			With(fault.Detail{Field: "body.folder", Sentence: "There is no such folder."})
	}
	return nil
}

const folderColumns = `SELECT f.id, f.name, f.created, (SELECT count(*) FROM conversation AS c WHERE c.folder = f.id AND c.archived = 0) FROM chat_folder AS f `

func scanFolder(scan func(...any) error) (ChatFolder, error) {
	var f ChatFolder
	var created int64
	err := scan(&f.ID, &f.Name, &created, &f.Conversations)
	f.CreatedAt = moment(created)
	return f, err
}

func (s Store) folders(ctx context.Context) ([]ChatFolder, error) {
	a := actor.From(ctx)
	rows, err := s.DB.Read().QueryContext(ctx, folderColumns+`WHERE f.workspace = ? AND f.owner = ? ORDER BY f.name COLLATE NOCASE, f.id`, a.Workspace, a.ID)
	if err != nil {
		return nil, fmt.Errorf("list folders: %w", err)
	}
	defer rows.Close()
	found := []ChatFolder{}
	for rows.Next() {
		f, err := scanFolder(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list folders: %w", err)
		}
		found = append(found, f)
	}
	return found, rows.Err()
}

func (s Store) addFolder(ctx context.Context, id, name string) (ChatFolder, error) {
	a := actor.From(ctx)
	f := ChatFolder{ID: id, Name: name}
	err := s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM chat_folder WHERE workspace = ? AND owner = ?`, a.Workspace, a.ID).Scan(&n); err != nil {
			return fmt.Errorf("count folders: %w", err)
		}
		if n >= maxFolders {
			return fault.New(fault.Conflict, "You have 200 folders already.").Cure("Delete one, or use tags.").Code("too-many-folders")
		}
		f.CreatedAt = moment(tx.Now.UnixMilli())
		return nameFolder(ctx, tx, name, `INSERT INTO chat_folder (id, workspace, owner, name, created) VALUES (?, ?, ?, ?, ?)`, id, a.Workspace, a.ID, name, tx.Now.UnixMilli())
	})
	return f, err
}

// nameFolder runs a statement that gives a folder its name, unless another has it.
func nameFolder(ctx context.Context, tx *sqlite.Tx, name, statement string, args ...any) error {
	a := actor.From(ctx)
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM chat_folder WHERE workspace = ? AND owner = ? AND name = ?`, a.Workspace, a.ID, name).Scan(&n); err != nil {
		return fmt.Errorf("find folder: %w", err)
	}
	if n > 0 {
		return fault.New(fault.Conflict, "You have a folder %s already.", quoted(name)).Cure("Choose another name.").Code("folder-exists").
			With(fault.Detail{Field: "body.name", Sentence: "You have a folder of this name."})
	}
	if _, err := tx.Exec(ctx, statement, args...); err != nil {
		return fmt.Errorf("name folder: %w", err)
	}
	return nil
}

func (s Store) renameFolder(ctx context.Context, id, name string) (ChatFolder, error) {
	a := actor.From(ctx)
	var f ChatFolder
	err := s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		find := func() (err error) {
			f, err = scanFolder(tx.QueryRow(ctx, folderColumns+`WHERE f.id = ? AND f.workspace = ? AND f.owner = ?`, id, a.Workspace, a.ID).Scan)
			if errors.Is(err, sql.ErrNoRows) {
				return noFolder(id)
			}
			return err
		}
		if err := find(); err != nil || f.Name == name {
			return err
		}
		f.Name = name
		return nameFolder(ctx, tx, name, `UPDATE chat_folder SET name = ? WHERE id = ?`, name, id)
	})
	return f, err
}

func (s Store) removeFolder(ctx context.Context, id string) error {
	a := actor.From(ctx)
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		res, err := tx.Exec(ctx, `DELETE FROM chat_folder WHERE id = ? AND workspace = ? AND owner = ?`, id, a.Workspace, a.ID)
		if err != nil {
			return fmt.Errorf("delete folder: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noFolder(id))
		}
		_, err = tx.Exec(ctx, `UPDATE conversation SET folder = '' WHERE folder = ? AND workspace = ? AND owner = ?`, id, a.Workspace, a.ID)
		return err
	})
}

func (s Store) tags(ctx context.Context) ([]ChatTag, error) {
	a := actor.From(ctx)
	rows, err := s.DB.Read().QueryContext(ctx, `SELECT tag, count(*) FROM chat_tag WHERE workspace = ? AND owner = ? GROUP BY tag ORDER BY tag`, a.Workspace, a.ID)
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	defer rows.Close()
	found := []ChatTag{}
	for rows.Next() {
		var t ChatTag
		if err := rows.Scan(&t.Name, &t.Conversations); err != nil {
			return nil, fmt.Errorf("list tags: %w", err)
		}
		found = append(found, t)
	}
	return found, rows.Err()
}

func noFolder(id string) error {
	return fault.New(fault.NotFound, "There is no folder %s.", quoted(id))
}
