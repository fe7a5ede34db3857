package chat

import (
	"context"
	"fmt"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

// maxHolding is how many messages of one conversation are looked at for words
// that may be shown.
const maxHolding = 20

// matching asks the index for words that begin with these, in what the actor
// wrote or was told.
func matching(a actor.Actor, words []string) string {
	who := strings.Join(wordsOf(strings.ReplaceAll(a.Workspace+a.ID, "-", "")), "")
	return `who : "` + who + `" AND {title text} : ("` + strings.Join(words, `"* AND "`) + `"*)`
}

// findConversations lists the actor's conversations that hold the words, each
// with the newest message that does.
func (s Store) findConversations(ctx context.Context, q quest, after place, limit int) ([]FoundConversation, error) {
	a := actor.From(ctx)
	found := []FoundConversation{}
	if len(q.words) == 0 {
		all, err := s.conversations(ctx, q.wanted, after, limit)
		for _, c := range all {
			found = append(found, FoundConversation{Conversation: c})
		}
		return found, err
	}
	const find = `WITH hit AS (
			SELECT e.conversation, e.message, max(e.number) FROM chat_word AS w JOIN chat_entry AS e ON e.number = w.rowid WHERE chat_word MATCH ? GROUP BY e.conversation
		)
		SELECT hit.message, ` + conversationColumns + ` FROM hit JOIN conversation AS c ON c.id = hit.conversation WHERE ` + shelfWhere + `
		AND (c.updated, c.id) < (?, ?) ORDER BY c.updated DESC, c.id DESC LIMIT ?`
	args := append([]any{matching(a, q.words)}, shelfArgs(a, q.wanted)...)
	rows, err := s.DB.Read().QueryContext(ctx, find, append(args, after.Updated, after.ID, limit)...)
	if err != nil {
		return nil, fmt.Errorf("find conversations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f FoundConversation
		f.Conversation, err = scanConversation(func(to ...any) error { return rows.Scan(append([]any{&f.Message}, to...)...) })
		if err != nil {
			return nil, fmt.Errorf("find conversations: %w", err)
		}
		found = append(found, f)
	}
	return found, rows.Err()
}

// holding are the newest messages of a conversation of the actor that hold the
// words, with their citations.
func (s Store) holding(ctx context.Context, conversation string, words []string) ([]Message, error) {
	a := actor.From(ctx)
	const find = `SELECT ` + messageColumns + ` FROM chat_word AS w JOIN chat_entry AS e ON e.number = w.rowid JOIN message AS m ON m.id = e.message
		WHERE chat_word MATCH ? AND e.conversation = ? AND m.workspace = ? AND m.owner = ? ORDER BY e.number DESC LIMIT ?`
	rows, err := s.DB.Read().QueryContext(ctx, find, matching(a, words), conversation, a.Workspace, a.ID, maxHolding)
	if err != nil {
		return nil, fmt.Errorf("find messages: %w", err)
	}
	defer rows.Close()
	var found []Message
	for rows.Next() {
		m, err := scanMessage(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("find messages: %w", err)
		}
		found = append(found, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find messages: %w", err)
	}
	return found, s.cited(ctx, found)
}

// indexSome indexes the words of some texts that are older than the index, and
// says how many.
func (s Store) indexSome(ctx context.Context, most int) (int, error) {
	done := 0
	err := s.DB.Update(sqlite.Aside(ctx), func(ctx context.Context, tx *sqlite.Tx) error {
		const (
			next = `SELECT number FROM chat_entry WHERE indexed = 0 ORDER BY number LIMIT ?`
			word = `INSERT INTO chat_word (rowid, who, title, text)
				SELECT e.number, replace(c.workspace || c.owner, '-', ''), c.title, '' FROM chat_entry AS e JOIN conversation AS c ON c.id = e.conversation
					WHERE e.indexed = 0 AND e.message = '' AND e.number <= ?1
				UNION ALL SELECT e.number, replace(m.workspace || m.owner, '-', ''), '', m.content FROM chat_entry AS e JOIN message AS m ON m.id = e.message
					WHERE e.indexed = 0 AND e.number <= ?1`
			mark = `UPDATE chat_entry SET indexed = 1 WHERE indexed = 0 AND number <= ?`
		)
		rows, err := tx.Query(ctx, next, most)
		if err != nil {
			return fmt.Errorf("texts to index: %w", err)
		}
		defer rows.Close()
		done = 0
		var last int64
		for rows.Next() {
			if err := rows.Scan(&last); err != nil {
				return fmt.Errorf("texts to index: %w", err)
			}
			done++
		}
		if err := rows.Err(); err != nil || done == 0 {
			return err
		}
		for _, statement := range []string{word, mark} {
			if _, err := tx.Exec(ctx, statement, last); err != nil {
				return fmt.Errorf("index texts: %w", err)
			}
		}
		return nil
	})
	return done, err
}
