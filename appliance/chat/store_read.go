package chat

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

const conversationColumns = `c.id, c.title, c.model, c.knowledge, c.created, c.updated,
	EXISTS (SELECT 1 FROM run AS r WHERE r.conversation = c.id AND r.ended IS NULL),
	c.pinned, c.archived, c.folder, c.answered > c.seen, c.expires,
	(SELECT json_group_array(tag) FROM (SELECT tag FROM chat_tag WHERE conversation = c.id ORDER BY tag)),
	EXISTS (SELECT 1 FROM chat_share AS s WHERE s.conversation = c.id)`

func scanConversation(scan func(...any) error) (Conversation, error) {
	var c Conversation
	var knowledge string
	var created, updated, expires int64
	var tags string
	err := scan(&c.ID, &c.Title, &c.Model, &knowledge, &created, &updated, &c.Running,
		&c.Pinned, &c.Archived, &c.Folder, &c.Unread, &expires, &tags, &c.Shared)
	if err != nil {
		return c, err
	}
	c.within(scopeOf(knowledge))
	c.CreatedAt, c.UpdatedAt = moment(created), moment(updated)
	if expires > 0 {
		at := moment(expires)
		c.ExpiresAt = &at
	}
	return c, json.Unmarshal([]byte(tags), &c.Tags)
}

// conversation is one of the actor's.
func (s Store) conversation(ctx context.Context, id string) (Conversation, error) {
	a := actor.From(ctx)
	const find = `SELECT ` + conversationColumns + ` FROM conversation AS c WHERE c.id = ? AND c.workspace = ? AND c.owner = ?`
	c, err := scanConversation(s.DB.Read().QueryRowContext(ctx, find, id, a.Workspace, a.ID).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Conversation{}, noConversation(id)
	}
	if err != nil {
		return Conversation{}, fmt.Errorf("conversation: %w", err)
	}
	return c, nil
}

const messageColumns = `m.id, m.conversation, m.parent, m.role, m.kind, m.state, m.content, m.run, m.problem, m.created,
	m.model, m.thinking, m.thinking_ms, m.query, m.usage, m.context, m.unsupported, m.truncated`

func scanMessage(scan func(...any) error) (Message, error) {
	m := Message{Citations: []Citation{}}
	var problem, usage, context sql.NullString
	var created int64
	err := scan(&m.ID, &m.Conversation, &m.Parent, &m.Role, &m.Kind, &m.State, &m.Content, &m.Run, &problem, &created,
		&m.Model, &m.Thinking, &m.ThinkingMs, &m.Query, &usage, &context, &m.Unsupported, &m.Truncated)
	if err != nil {
		return m, err
	}
	m.CreatedAt = moment(created)
	m.Versions = versionOf(m.ID, nil)
	return m, errors.Join(orAbsent(problem, &m.Problem), orAbsent(usage, &m.Usage), orAbsent(context, &m.Context))
}

// orAbsent reads what orNull wrote.
func orAbsent[T any](text sql.NullString, to **T) error {
	if !text.Valid {
		return nil
	}
	*to = new(T)
	return json.Unmarshal([]byte(text.String), *to)
}

// message is one of the actor's, with its citations.
func (s Store) message(ctx context.Context, id string) (Message, error) {
	a := actor.From(ctx)
	const find = `SELECT ` + messageColumns + ` FROM message AS m WHERE m.id = ? AND m.workspace = ? AND m.owner = ?`
	m, err := scanMessage(s.DB.Read().QueryRowContext(ctx, find, id, a.Workspace, a.ID).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Message{}, noMessage(id)
	}
	if err != nil {
		return Message{}, fmt.Errorf("message: %w", err)
	}
	one := []Message{m}
	if err := s.versions(ctx, m.Conversation, one); err != nil {
		return Message{}, err
	}
	return one[0], s.cited(ctx, one)
}

// cited fills in the citations of messages.
func (s Store) cited(ctx context.Context, messages []Message) error {
	at := map[string]int{}
	args := []any{actor.From(ctx).Workspace, actor.From(ctx).ID}
	for i, m := range messages {
		if m.Role == RoleAssistant {
			at[m.ID] = i
			args = append(args, m.ID)
		}
	}
	if len(at) == 0 {
		return nil
	}
	find := `SELECT message, number, document, title, knowledge, version, page, heading, start, stop, text FROM citation
		WHERE workspace = ? AND owner = ? AND message IN (?` + strings.Repeat(", ?", len(at)-1) + `) ORDER BY message, number`
	rows, err := s.DB.Read().QueryContext(ctx, find, args...)
	if err != nil {
		return fmt.Errorf("list citations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c Citation
		var message string
		if err := rows.Scan(&message, &c.Number, &c.Document.ID, &c.Document.Title, &c.Knowledge, &c.Version, &c.Page, &c.Heading,
			&c.Start, &c.End, &c.Text); err != nil {
			return fmt.Errorf("list citations: %w", err)
		}
		m := &messages[at[message]]
		m.Citations = append(m.Citations, c)
	}
	return rows.Err()
}

// opened records that a conversation was read.
func (s Store) opened(ctx context.Context, id string) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		return s.Audit.Record(ctx, tx, audit.Entry{Act: "conversation.open", ObjectKind: "conversation", Object: id})
	})
}

// remove deletes a conversation with all that hangs on it, and says which runs
// were still going on.
func (s Store) remove(ctx context.Context, id string) (runs []string, err error) {
	a := actor.From(ctx)
	err = s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		runs = nil
		const open = `SELECT id FROM run WHERE conversation = ? AND workspace = ? AND owner = ? AND ended IS NULL`
		rows, err := tx.Query(ctx, open, id, a.Workspace, a.ID)
		if err != nil {
			return fmt.Errorf("runs of conversation: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var run string
			if err := rows.Scan(&run); err != nil {
				return fmt.Errorf("runs of conversation: %w", err)
			}
			runs = append(runs, run)
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("runs of conversation: %w", err)
		}
		var there int
		const find = `SELECT count(*) FROM conversation WHERE id = ? AND workspace = ? AND owner = ?`
		if err := tx.QueryRow(ctx, find, id, a.Workspace, a.ID).Scan(&there); err != nil {
			return fmt.Errorf("delete conversation: %w", err)
		}
		if there == 0 {
			return noConversation(id)
		}
		if err := erase(ctx, tx, id); err != nil {
			return err
		}
		return s.Audit.Record(ctx, tx, audit.Entry{Act: "conversation.delete", ObjectKind: "conversation", Object: id})
	})
	return runs, err
}

// history is a run as it is on disk.
type history struct {
	answer string
	ended  bool
	rows   []eventRow
}

// eventRow is one event, or the deltas from first to last.
type eventRow struct {
	first, last int64
	name        string
	data        string
}

// history reads the events of a run of the actor past a number.
func (s Store) history(ctx context.Context, run string, after int64) (history, error) {
	a := actor.From(ctx)
	const find = `SELECT answer, ended IS NOT NULL FROM run WHERE id = ? AND workspace = ? AND owner = ?`
	var h history
	err := s.DB.Read().QueryRowContext(ctx, find, run, a.Workspace, a.ID).Scan(&h.answer, &h.ended)
	if errors.Is(err, sql.ErrNoRows) {
		return history{}, noRun(run)
	}
	if err != nil {
		return history{}, fmt.Errorf("run: %w", err)
	}
	h.rows, err = eventRows(ctx, s.DB.Read().QueryContext, run, after)
	return h, err
}

func eventRows(ctx context.Context, query query, run string, after int64) ([]eventRow, error) {
	const list = `SELECT first, last, name, data FROM run_event WHERE run = ? AND last > ? ORDER BY first`
	rows, err := query(ctx, list, run, after)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	defer rows.Close()
	var found []eventRow
	for rows.Next() {
		var e eventRow
		if err := rows.Scan(&e.first, &e.last, &e.name, &e.data); err != nil {
			return nil, fmt.Errorf("list events: %w", err)
		}
		found = append(found, e)
	}
	return found, rows.Err()
}
