package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

// maxPath is more messages than any conversation has; it ends what could only be
// a broken row.
const maxPath = 1_000_000

// query reads either what is committed or what a transaction sees.
type query func(ctx context.Context, text string, args ...any) (*sql.Rows, error)

// up climbs from a message to the beginning; it takes the message, conversation,
// workspace, owner and how many steps.
const up = `WITH RECURSIVE up (id, parent, step) AS (
		SELECT id, parent, 1 FROM message WHERE id = ?1 AND conversation = ?2 AND workspace = ?3 AND owner = ?4
		UNION ALL
		SELECT m.id, m.parent, up.step + 1 FROM up CROSS JOIN message AS m ON m.id = up.parent
			WHERE m.conversation = ?2 AND m.workspace = ?3 AND m.owner = ?4 AND up.step < ?5
	) `

// pathOf are the ids from a message up to the beginning.
func pathOf(ctx context.Context, query query, who actor.Actor, conversation, from string, limit int) ([]string, error) {
	const find = up + `SELECT id FROM up ORDER BY step`
	return texts(query(ctx, find, from, conversation, who.Workspace, who.ID, limit))
}

// path is a message of the actor with those above it, the nearest first.
func (s Store) path(ctx context.Context, conversation, from string, limit int) ([]Message, error) {
	a := actor.From(ctx)
	const find = up + `SELECT ` + messageColumns + ` FROM up CROSS JOIN message AS m ON m.id = up.id ORDER BY up.step`
	rows, err := s.DB.Read().QueryContext(ctx, find, from, conversation, a.Workspace, a.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("read path: %w", err)
	}
	defer rows.Close()
	found := []Message{}
	for rows.Next() {
		m, err := scanMessage(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read path: %w", err)
		}
		found = append(found, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read path: %w", err)
	}
	return found, s.cited(ctx, found)
}

// shown is a page of the path that a conversation shows, the newest message
// first. After a cursor, which is the last message of the page before, the path
// goes on above that.
func (s Store) shown(ctx context.Context, conversation, cursor string, limit int) ([]Message, error) {
	a := actor.From(ctx)
	const (
		leaf  = `SELECT leaf FROM conversation WHERE id = ? AND workspace = ? AND owner = ?`
		above = `SELECT parent FROM message WHERE conversation = ? AND workspace = ? AND owner = ? AND id = ?`
	)
	find, args := leaf, []any{conversation, a.Workspace, a.ID}
	if cursor != "" {
		find, args = above, append(args, cursor)
	}
	var from string
	err := s.DB.Read().QueryRowContext(ctx, find, args...).Scan(&from)
	switch {
	case errors.Is(err, sql.ErrNoRows) && cursor != "":
		return nil, badCursor()
	case errors.Is(err, sql.ErrNoRows):
		return nil, noConversation(conversation)
	case err != nil:
		return nil, fmt.Errorf("find leaf: %w", err)
	}
	messages, err := s.path(ctx, conversation, from, limit)
	if err != nil {
		return nil, err
	}
	return messages, s.versions(ctx, conversation, messages)
}

// versions fills in which versions there are of each message of a conversation.
func (s Store) versions(ctx context.Context, conversation string, messages []Message) error {
	if len(messages) == 0 {
		return nil
	}
	a := actor.From(ctx)
	args := []any{conversation, a.Workspace, a.ID}
	var parents []string
	for _, m := range messages {
		parents = append(parents, m.Parent)
	}
	parents = unique(parents)
	for _, p := range parents {
		args = append(args, p)
	}
	find := `SELECT id, parent, role FROM message WHERE conversation = ? AND workspace = ? AND owner = ?
		AND parent IN (?` + strings.Repeat(", ?", len(parents)-1) + `) ORDER BY parent, role, position`
	rows, err := s.DB.Read().QueryContext(ctx, find, args...)
	if err != nil {
		return fmt.Errorf("list versions: %w", err)
	}
	defer rows.Close()
	siblings := map[[2]string][]string{}
	for rows.Next() {
		var id, parent, role string
		if err := rows.Scan(&id, &parent, &role); err != nil {
			return fmt.Errorf("list versions: %w", err)
		}
		siblings[[2]string{parent, role}] = append(siblings[[2]string{parent, role}], id)
	}
	for i := range messages {
		m := &messages[i]
		m.Versions = versionOf(m.ID, siblings[[2]string{m.Parent, m.Role}])
	}
	return rows.Err()
}

// versionsOf are the versions of one message that may have been written in the
// same transaction.
func versionsOf(ctx context.Context, query query, m Message) (Versions, error) {
	const find = `SELECT id FROM message WHERE conversation = ? AND parent = ? AND role = ? ORDER BY position`
	ids, err := texts(query(ctx, find, m.Conversation, m.Parent, m.Role))
	return versionOf(m.ID, ids), err
}

func versionOf(id string, ids []string) Versions {
	at := slices.Index(ids, id)
	if at < 0 {
		return Versions{Index: 1, IDs: []string{id}}
	}
	return Versions{Index: at + 1, IDs: ids}
}

// newestUnder is the newest message that hangs on one, or it itself: a leaf,
// because what follows a message is newer than it.
func newestUnder(ctx context.Context, tx *sqlite.Tx, who actor.Actor, conversation, from string) (string, error) {
	const find = `WITH RECURSIVE under (id, position) AS (
			SELECT id, position FROM message WHERE id = ?1 AND conversation = ?2 AND workspace = ?3 AND owner = ?4
			UNION ALL
			SELECT m.id, m.position FROM under CROSS JOIN message AS m ON m.conversation = ?2 AND m.parent = under.id
		)
		SELECT id FROM under ORDER BY position DESC LIMIT 1`
	ids, err := texts(tx.Query(ctx, find, from, conversation, who.Workspace, who.ID))
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", noMessage(from)
	}
	return ids[0], nil
}

// show makes a message one of the shown path, with the newest that follows it.
func (s Store) show(ctx context.Context, conversation, message string) error {
	a := actor.From(ctx)
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		leaf, err := newestUnder(ctx, tx, a, conversation, message)
		if err != nil {
			return err
		}
		const update = `UPDATE conversation SET leaf = ? WHERE id = ?`
		if _, err := tx.Exec(ctx, update, leaf, conversation); err != nil {
			return fmt.Errorf("show version: %w", err)
		}
		return nil
	})
}

// aim reads the message an asking is about, with what belongs to it.
func (s Store) aim(ctx context.Context, in asking) (aim, error) {
	m, err := s.message(ctx, in.points())
	if err != nil {
		return aim{}, err
	}
	var t aim
	if in.edit != "" {
		if m.Role != RoleUser {
			return aim{}, noMessage(in.edit)
		}
		t.question = m
	} else {
		if m.Role != RoleAssistant {
			return aim{}, noMessage(in.points())
		}
		t.answer = m
		if t.question, err = s.message(ctx, m.Parent); err != nil {
			return aim{}, err
		}
	}
	if t.conversation, err = s.conversation(ctx, m.Conversation); err != nil {
		return aim{}, err
	}
	if in.goOn != "" && m.Content != "" {
		if _, t.base, err = s.receipt(ctx, m.ID); err != nil {
			return aim{}, err
		}
	}
	return t, nil
}

// texts reads rows of one text.
func texts(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, fmt.Errorf("read ids: %w", err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("read ids: %w", err)
		}
		found = append(found, text)
	}
	return found, rows.Err()
}
