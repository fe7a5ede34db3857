package chat

import (
	"context"
	"fmt"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

// retitle gives a conversation of the actor a title, unless it has another one
// than it was made with: then somebody chose that.
func (s Store) retitle(ctx context.Context, conversation, made, title string) (changed bool, err error) {
	a := actor.From(ctx)
	err = s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		changed = false
		const update = `UPDATE conversation SET title = ? WHERE id = ? AND workspace = ? AND owner = ? AND title = ?`
		res, err := tx.Exec(ctx, update, title, conversation, a.Workspace, a.ID, made)
		if err != nil {
			return fmt.Errorf("title conversation: %w", err)
		}
		n, err := res.RowsAffected()
		changed = n > 0
		return err
	})
	return changed && err == nil, err
}
