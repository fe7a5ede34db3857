package chat

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// storeReceipt stores a receipt, as JSON. A run that was deleted meanwhile needs
// none.
func storeReceipt(ctx context.Context, tx *sqlite.Tx, run, data string) error {
	const put = `INSERT INTO receipt (run, workspace, owner, message, data, created)
		SELECT id, workspace, owner, answer, ?, ? FROM run WHERE id = ?
		ON CONFLICT (run) DO UPDATE SET data = excluded.data`
	if _, err := tx.Exec(ctx, put, data, tx.Now.UnixMilli(), run); err != nil {
		return fmt.Errorf("store receipt: %w", err)
	}
	return nil
}

// receipt is the newest of an answer of the actor, nil where it has none, and
// the answer.
func (s Store) receipt(ctx context.Context, message string) (Message, *Receipt, error) {
	m, err := s.message(ctx, message)
	if err != nil {
		return m, nil, err
	}
	a := actor.From(ctx)
	const find = `SELECT data FROM receipt WHERE message = ? AND workspace = ? AND owner = ? ORDER BY created DESC, run DESC LIMIT 1`
	var data string
	err = s.DB.Read().QueryRowContext(ctx, find, message, a.Workspace, a.ID).Scan(&data)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return m, nil, nil
	case err != nil:
		return m, nil, fmt.Errorf("receipt: %w", err)
	}
	rc := &Receipt{}
	if err := json.Unmarshal([]byte(data), rc); err != nil {
		return m, nil, fmt.Errorf("receipt of %s: %w", message, err)
	}
	return m, rc, nil
}

// openedReceipt records that a receipt was read.
func (s Store) openedReceipt(ctx context.Context, message string) error {
	return s.record(ctx, audit.Entry{Act: "receipt.open", ObjectKind: "message", Object: message})
}

// exists reports whether there is such a row of somebody else.
func (s Store) exists(ctx context.Context, noun, id string) (bool, error) {
	const (
		conversation = `SELECT EXISTS (SELECT 1 FROM conversation WHERE id = ? AND NOT (workspace = ? AND owner = ?))`
		message      = `SELECT EXISTS (SELECT 1 FROM message WHERE id = ? AND NOT (workspace = ? AND owner = ?))`
		share        = `SELECT EXISTS (SELECT 1 FROM chat_share WHERE id = ? AND workspace <> ? AND ? <> '')`
		folder       = `SELECT EXISTS (SELECT 1 FROM chat_folder WHERE id = ? AND NOT (workspace = ? AND owner = ?))`
		run          = `SELECT EXISTS (SELECT 1 FROM run WHERE id = ? AND NOT (workspace = ? AND owner = ?))`
	)
	find := map[string]string{"conversation": conversation, "message": message, "folder": folder, "share": share, "run": run}[noun]
	a := actor.From(ctx)
	var there bool
	if err := s.DB.Read().QueryRowContext(ctx, find, id, a.Workspace, a.ID).Scan(&there); err != nil {
		return false, fmt.Errorf("look for a %s: %w", noun, err)
	}
	return there, nil
}

// refusedObject records that somebody tried to get at what is not theirs.
func (s Store) refusedObject(ctx context.Context, act, noun, id string) error {
	return s.Audit.Refused(ctx, audit.Entry{Act: act, ObjectKind: noun, Object: id})
}
