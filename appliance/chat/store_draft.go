package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

// draft is empty where there is none, and refused where the chat is not the
// actor's.
func (s Store) draft(ctx context.Context, chat string) (Draft, error) {
	if chat != newChat {
		if _, err := s.conversation(ctx, chat); err != nil {
			return Draft{}, err
		}
	}
	a := actor.From(ctx)
	var d Draft
	const find = `SELECT text, version FROM chat_draft WHERE workspace = ? AND owner = ? AND chat = ?`
	err := s.DB.Read().QueryRowContext(ctx, find, a.Workspace, a.ID, chat).Scan(&d.Text, &d.Version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Draft{}, fmt.Errorf("draft: %w", err)
	}
	return d, nil
}

// putDraft keeps a draft that was made from the one there is; an empty one ends
// it.
func (s Store) putDraft(ctx context.Context, chat string, d Draft) (Draft, error) {
	a := actor.From(ctx)
	kept := Draft{Text: d.Text}
	err := s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if chat != newChat {
			var n int
			const find = `SELECT count(*) FROM conversation WHERE id = ? AND workspace = ? AND owner = ?`
			if err := tx.QueryRow(ctx, find, chat, a.Workspace, a.ID).Scan(&n); err != nil {
				return fmt.Errorf("find conversation: %w", err)
			}
			if n == 0 {
				return noConversation(chat)
			}
		}
		var version int64
		const now = `SELECT version FROM chat_draft WHERE workspace = ? AND owner = ? AND chat = ?`
		err := tx.QueryRow(ctx, now, a.Workspace, a.ID, chat).Scan(&version)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("draft: %w", err)
		case err == nil && version != d.Version:
			return draftChanged()
		}
		if d.Text == "" {
			_, err := tx.Exec(ctx, `DELETE FROM chat_draft WHERE workspace = ? AND owner = ? AND chat = ?`, a.Workspace, a.ID, chat)
			return err
		}
		// By the clock, so that a draft that was ended and begun again has no version
		// that an earlier one had.
		kept.Version = max(version+1, tx.Now.UnixMilli())
		const put = `INSERT INTO chat_draft (workspace, owner, chat, text, version, updated) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (workspace, owner, chat) DO UPDATE SET text = excluded.text, version = excluded.version, updated = excluded.updated`
		if _, err := tx.Exec(ctx, put, a.Workspace, a.ID, chat, d.Text, kept.Version, tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("keep draft: %w", err)
		}
		return nil
	})
	return kept, err
}
