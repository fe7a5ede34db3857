package chat

import (
	"context"
	"fmt"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// endedRun is a run that goes on in a conversation that is gone.
type endedRun struct{ run, owner, workspace string }

// endTemporary deletes the temporary conversations that are over at a time, or
// were begun in a session that ended, and says which runs go on in them.
func (s Store) endTemporary(ctx context.Context, now time.Time, session string) (runs []endedRun, err error) {
	const over = `expires > 0 AND (expires <= ?1 OR ?2 <> '' AND session = ?2)`
	var any bool
	if err := s.DB.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM conversation WHERE `+over+`)`, now.UnixMilli(), session).Scan(&any); err != nil || !any {
		return nil, err
	}
	err = s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		runs = nil
		ids := []string{}
		spaces := map[string]string{}
		rows, err := tx.Query(ctx, `SELECT c.id, c.workspace, c.owner, coalesce(r.id, '') FROM conversation AS c
			LEFT JOIN run AS r ON r.conversation = c.id AND r.ended IS NULL WHERE c.`+over, now.UnixMilli(), session)
		if err != nil {
			return fmt.Errorf("temporary conversations: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var e endedRun
			if err := rows.Scan(&id, &e.workspace, &e.owner, &e.run); err != nil {
				return fmt.Errorf("temporary conversations: %w", err)
			}
			ids, spaces[id] = append(ids, id), e.workspace
			if e.run != "" {
				runs = append(runs, e)
			}
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("temporary conversations: %w", err)
		}
		for _, id := range unique(ids) {
			if err := erase(ctx, tx, id); err != nil {
				return err
			}
			entry := audit.Entry{Act: "conversation.expire", ObjectKind: "conversation", Object: id}
			entry.Workspace = spaces[id]
			if err := s.Audit.Record(actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID, Workspace: spaces[id]}), tx, entry); err != nil {
				return err
			}
		}
		return nil
	})
	return runs, err
}

// erase deletes a conversation with all that hangs on it.
func erase(ctx context.Context, tx *sqlite.Tx, id string) error {
	for _, statement := range []string{`DELETE FROM chat_draft WHERE chat = ?`, `DELETE FROM conversation WHERE id = ?`} {
		if _, err := tx.Exec(ctx, statement, id); err != nil {
			return fmt.Errorf("delete conversation: %w", err)
		}
	}
	return nil
}
