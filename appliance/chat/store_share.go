package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

const shareColumns = `SELECT s.id, s.conversation, c.title, s.leaf = c.leaf, s.created FROM chat_share AS s JOIN conversation AS c ON c.id = s.conversation
	WHERE s.workspace = ? AND s.owner = ? AND (? = '' OR s.conversation = ?)`

func scanShare(scan func(...any) error) (ChatShare, error) {
	var s ChatShare
	var created int64
	err := scan(&s.ID, &s.Conversation, &s.Title, &s.Current, &created)
	s.CreatedAt = moment(created)
	return s, err
}

func (s Store) share(ctx context.Context, conversation string) (ChatShare, error) {
	a := actor.From(ctx)
	var made ChatShare
	err := s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var leaf string
		var expires int64
		const find = `SELECT leaf, expires FROM conversation WHERE id = ? AND workspace = ? AND owner = ?`
		err := tx.QueryRow(ctx, find, conversation, a.Workspace, a.ID).Scan(&leaf, &expires)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return noConversation(conversation)
		case err != nil:
			return fmt.Errorf("find conversation: %w", err)
		case expires > 0:
			return fault.New(fault.Conflict, "A temporary chat is not shared: it will be gone.").Cure("Continue it in a chat that is kept, and share that.").Code("temporary")
		}
		const put = `INSERT INTO chat_share (id, workspace, owner, conversation, leaf, created) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (conversation) DO UPDATE SET leaf = excluded.leaf, created = excluded.created`
		if _, err := tx.Exec(ctx, put, newID(), a.Workspace, a.ID, conversation, leaf, tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("share conversation: %w", err)
		}
		if made, err = scanShare(tx.QueryRow(ctx, shareColumns, a.Workspace, a.ID, conversation, conversation).Scan); err != nil {
			return fmt.Errorf("share conversation: %w", err)
		}
		return s.Audit.Record(ctx, tx, audit.Entry{Act: "conversation.share", ObjectKind: "conversation", Object: conversation, Detail: map[string]any{"share": made.ID, "until": leaf}})
	})
	return made, err
}

func (s Store) unshare(ctx context.Context, conversation string) error {
	a := actor.From(ctx)
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		res, err := tx.Exec(ctx, `DELETE FROM chat_share WHERE conversation = ? AND workspace = ? AND owner = ?`, conversation, a.Workspace, a.ID)
		if err != nil {
			return fmt.Errorf("end share: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noConversation(conversation))
		}
		return s.Audit.Record(ctx, tx, audit.Entry{Act: "conversation.unshare", ObjectKind: "conversation", Object: conversation})
	})
}

func (s Store) shares(ctx context.Context, conversation string) ([]ChatShare, error) {
	a := actor.From(ctx)
	rows, err := s.DB.Read().QueryContext(ctx, shareColumns+` ORDER BY s.created DESC, s.id LIMIT 500`, a.Workspace, a.ID, conversation, conversation)
	if err != nil {
		return nil, fmt.Errorf("list shares: %w", err)
	}
	defer rows.Close()
	found := []ChatShare{}
	for rows.Next() {
		one, err := scanShare(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list shares: %w", err)
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

// shared is what a link leads to.
type shared struct {
	owner, conversation, title, leaf string
	created                          time.Time
}

// shared finds a link of the actor's workspace, whosever it is: that is what it
// is for.
func (s Store) shared(ctx context.Context, id string) (shared, error) {
	var f shared
	var created int64
	const find = `SELECT s.owner, s.conversation, c.title, s.leaf, s.created FROM chat_share AS s JOIN conversation AS c ON c.id = s.conversation
		WHERE s.id = ? AND s.workspace = ?`
	err := s.DB.Read().QueryRowContext(ctx, find, id, actor.From(ctx).Workspace).Scan(&f.owner, &f.conversation, &f.title, &f.leaf, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return f, noShare(id)
	}
	f.created = moment(created)
	return f, err
}

// above is a page of what is shared, the newest message first. The cursor must
// lie on the path that ends with the leaf: nothing else is shared.
func (s Store) above(ctx context.Context, f shared, cursor string, limit int) ([]Message, error) {
	if cursor == "" {
		return s.path(ctx, f.conversation, f.leaf, limit)
	}
	a := actor.From(ctx)
	ids, err := pathOf(ctx, s.DB.Read().QueryContext, a, f.conversation, f.leaf, maxPath)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if id == cursor && i+1 < len(ids) {
			return s.path(ctx, f.conversation, ids[i+1], limit)
		}
	}
	return nil, badCursor()
}

func (s Store) openedShare(ctx context.Context, id, conversation string) error {
	return s.record(ctx, audit.Entry{Act: "share.open", ObjectKind: "conversation", Object: conversation, Detail: map[string]any{"share": id}})
}

func (s Store) exported(ctx context.Context, id string) error {
	return s.record(ctx, audit.Entry{Act: "conversation.export", ObjectKind: "conversation", Object: id})
}
