package chat

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// forkMark is what the title of a fork ends with.
var forkMark = regexp.MustCompile(` \((\d+)\)$`)

// fork begins a conversation with what was said up to a message: copies of the
// messages, their citations, and the runs and receipts that made them.
func (s Store) fork(ctx context.Context, message string) (conversation string, err error) {
	a := actor.From(ctx)
	err = s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		from, state, err := placed(ctx, tx, a, message)
		if err != nil {
			return err
		}
		if state == StateWriting {
			return stillWriting()
		}
		path, err := pathOf(ctx, tx.Query, a, from, message, maxPath)
		if err != nil {
			return err
		}
		slices.Reverse(path)
		conversation = newID()
		title, err := forkTitle(ctx, tx, a, from)
		if err != nil {
			return err
		}
		copies := map[string]string{"": ""}
		for _, id := range path {
			copies[id] = newID()
		}
		const begin = `INSERT INTO conversation (id, workspace, owner, title, model, knowledge, created, updated, leaf, folder)
			SELECT ?1, workspace, owner, ?2, model, knowledge, ?3, ?3, ?4, folder FROM conversation WHERE id = ?5`
		if _, err := tx.Exec(ctx, begin, conversation, title, tx.Now.UnixMilli(), copies[message], from); err != nil {
			return fmt.Errorf("fork conversation: %w", err)
		}
		for i, id := range path {
			if err := copyMessage(ctx, tx, conversation, i+1, id, copies); err != nil {
				return err
			}
		}
		return s.Audit.Record(ctx, tx, audit.Entry{Act: "conversation.fork", ObjectKind: "conversation", Object: conversation,
			Detail: map[string]any{"from": from, "message": message, "messages": len(path)}})
	})
	return conversation, err
}

// placed is the conversation of a message of the actor, and its state.
func placed(ctx context.Context, tx *sqlite.Tx, a actor.Actor, message string) (conversation, state string, err error) {
	const find = `SELECT conversation, state FROM message WHERE id = ? AND workspace = ? AND owner = ?`
	rows, err := tx.Query(ctx, find, message, a.Workspace, a.ID)
	if err != nil {
		return "", "", fmt.Errorf("find message: %w", err)
	}
	defer rows.Close()
	if !rows.Next() {
		return "", "", noMessage(message)
	}
	return conversation, state, rows.Scan(&conversation, &state)
}

// forkTitle is the title with the next number that is free.
func forkTitle(ctx context.Context, tx *sqlite.Tx, a actor.Actor, from string) (string, error) {
	var title string
	if err := tx.QueryRow(ctx, `SELECT title FROM conversation WHERE id = ?`, from).Scan(&title); err != nil {
		return "", fmt.Errorf("title of conversation: %w", err)
	}
	base := []rune(forkMark.ReplaceAllString(title, ""))
	base = base[:min(len(base), 190)]
	for n := 2; n < 1000; n++ {
		next := fmt.Sprintf("%s (%d)", string(base), n)
		var taken int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM conversation WHERE workspace = ? AND owner = ? AND title = ?`, a.Workspace, a.ID, next).Scan(&taken); err != nil {
			return "", fmt.Errorf("title of a fork: %w", err)
		}
		if taken == 0 {
			return next, nil
		}
	}
	return title, nil
}

// copyMessage copies one message with what hangs on it. The copy of its run has
// one event, from which its readers get the answer.
func copyMessage(ctx context.Context, tx *sqlite.Tx, conversation string, position int, id string, copies map[string]string) error {
	var parent, run string
	if err := tx.QueryRow(ctx, `SELECT parent, run FROM message WHERE id = ?`, id).Scan(&parent, &run); err != nil {
		return fmt.Errorf("copy message: %w", err)
	}
	as := ""
	if run != "" {
		as = newID()
	}
	statements := []struct {
		text string
		args []any
	}{
		{`INSERT INTO message (id, workspace, owner, conversation, position, parent, role, kind, state, content, run, problem, created,
				model, thinking, thinking_ms, query, usage, context, unsupported, truncated)
			SELECT ?1, workspace, owner, ?2, ?3, ?4, role, kind, state, content, ?5, problem, created,
				model, thinking, thinking_ms, query, usage, context, unsupported, truncated FROM message WHERE id = ?6`,
			[]any{copies[id], conversation, position, copies[parent], as, id}},
		{`INSERT INTO citation (message, number, workspace, owner, document, title, knowledge, version, page, heading, start, stop, text)
			SELECT ?1, number, workspace, owner, document, title, knowledge, version, page, heading, start, stop, text FROM citation WHERE message = ?2`,
			[]any{copies[id], id}},
		{`INSERT INTO run (id, workspace, owner, conversation, question, answer, model, knowledge, state, created, ended, kind)
			SELECT ?1, workspace, owner, ?2, ?3, ?4, model, knowledge, state, created, ended, 'fork' FROM run WHERE id = ?5`,
			[]any{as, conversation, copies[parent], copies[id], run}},
		{`INSERT INTO run_event (run, first, last, workspace, owner, name, data) SELECT id, 1, 1, workspace, owner, 'done', '' FROM run WHERE id = ?`,
			[]any{as}},
		{`INSERT INTO receipt (run, workspace, owner, message, data, created)
			SELECT ?1, workspace, owner, ?2, data, created FROM receipt WHERE run = ?3`, []any{as, copies[id], run}},
	}
	for _, st := range statements {
		if _, err := tx.Exec(ctx, st.text, st.args...); err != nil {
			return fmt.Errorf("copy message: %w", err)
		}
	}
	return nil
}

// cut deletes a message with all that follows it, and shows what stands beside
// or above it.
func (s Store) cut(ctx context.Context, message string) (conversation string, err error) {
	a := actor.From(ctx)
	err = s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		conversation, _, err = placed(ctx, tx, a, message)
		if err != nil {
			return err
		}
		const under = `WITH RECURSIVE under (id) AS (
				SELECT ?1
				UNION ALL
				SELECT m.id FROM under CROSS JOIN message AS m ON m.conversation = ?2 AND m.parent = under.id
			) `
		gone, err := texts(tx.Query(ctx, under+`SELECT id FROM under`, message, conversation))
		if err != nil {
			return err
		}
		var writing int
		const busy = under + `SELECT count(*) FROM run WHERE conversation = ?2 AND ended IS NULL AND (answer IN (SELECT id FROM under) OR question IN (SELECT id FROM under))`
		if err := tx.QueryRow(ctx, busy, message, conversation).Scan(&writing); err != nil {
			return fmt.Errorf("runs of message: %w", err)
		}
		if writing > 0 {
			return fault.New(fault.Conflict, "An answer there is still being written.").Cure("Stop it first, or wait for its end.").Code("still-writing")
		}
		if err := s.leave(ctx, tx, a, conversation, message, gone); err != nil {
			return err
		}
		for _, st := range []string{
			under + `DELETE FROM run WHERE conversation = ?2 AND (answer IN (SELECT id FROM under) OR question IN (SELECT id FROM under))`,
			under + `DELETE FROM message WHERE id IN (SELECT id FROM under)`,
		} {
			if _, err := tx.Exec(ctx, st, message, conversation); err != nil {
				return fmt.Errorf("delete message: %w", err)
			}
		}
		return s.Audit.Record(ctx, tx, audit.Entry{Act: "message.delete", ObjectKind: "conversation", Object: conversation,
			Detail: map[string]any{"message": message, "messages": len(gone)}})
	})
	return conversation, err
}

// leave moves the shown path away from what will be gone: to the newest version
// beside it, or to what stands above.
func (s Store) leave(ctx context.Context, tx *sqlite.Tx, a actor.Actor, conversation, message string, gone []string) error {
	var leaf, parent, role string
	if err := tx.QueryRow(ctx, `SELECT c.leaf, m.parent, m.role FROM conversation AS c, message AS m WHERE c.id = ? AND m.id = ?`, conversation, message).Scan(&leaf, &parent, &role); err != nil {
		return fmt.Errorf("find leaf: %w", err)
	}
	if !slices.Contains(gone, leaf) {
		return nil
	}
	beside, err := texts(tx.Query(ctx, `SELECT id FROM message WHERE conversation = ? AND parent = ? AND role = ? AND id <> ? ORDER BY position DESC LIMIT 1`, conversation, parent, role, message))
	if err != nil {
		return err
	}
	leaf = parent
	if len(beside) > 0 {
		if leaf, err = newestUnder(ctx, tx, a, conversation, beside[0]); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE conversation SET leaf = ? WHERE id = ?`, leaf, conversation); err != nil {
		return fmt.Errorf("move leaf: %w", err)
	}
	// What is shared up to a message that is gone is not shared any more.
	for _, id := range gone {
		if _, err := tx.Exec(ctx, `DELETE FROM chat_share WHERE conversation = ? AND leaf = ?`, conversation, id); err != nil {
			return fmt.Errorf("end share: %w", err)
		}
	}
	return nil
}
