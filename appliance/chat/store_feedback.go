package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

// rate keeps the feedback to an answer of the actor, or takes it back.
func (s Store) rate(ctx context.Context, message string, f *Feedback) (conversation string, err error) {
	a := actor.From(ctx)
	err = s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if conversation, _, err = placed(ctx, tx, a, message); err != nil {
			return err
		}
		if f == nil {
			_, err := tx.Exec(ctx, `DELETE FROM chat_feedback WHERE message = ?`, message)
			return err
		}
		const put = `INSERT INTO chat_feedback (message, workspace, owner, rating, reasons, comment, model, created)
			SELECT id, workspace, owner, ?, ?, ?, model, ? FROM message WHERE id = ? AND role = 'assistant'
			ON CONFLICT (message) DO UPDATE SET rating = excluded.rating, reasons = excluded.reasons, comment = excluded.comment, created = excluded.created`
		res, err := tx.Exec(ctx, put, f.Rating, string(encode(f.Reasons)), f.Comment, tx.Now.UnixMilli(), message)
		if err != nil {
			return fmt.Errorf("keep feedback: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return invalid("rating", "Only answers are rated.")
		}
		return nil
	})
	return conversation, err
}

// opinions fills in what the actor thinks of answers.
func (s Store) opinions(ctx context.Context, messages []Message) error {
	a := actor.From(ctx)
	at, args := map[string]int{}, []any{a.Workspace, a.ID}
	for i, m := range messages {
		if m.Role == RoleAssistant {
			at[m.ID] = i
			args = append(args, m.ID)
		}
	}
	if len(at) == 0 {
		return nil
	}
	find := `SELECT message, rating, reasons, comment FROM chat_feedback WHERE workspace = ? AND owner = ? AND message IN (?` + strings.Repeat(", ?", len(at)-1) + `)`
	rows, err := s.DB.Read().QueryContext(ctx, find, args...)
	if err != nil {
		return fmt.Errorf("list feedback: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f Feedback
		var message, why string
		if err := rows.Scan(&message, &f.Rating, &why, &f.Comment); err != nil {
			return fmt.Errorf("list feedback: %w", err)
		}
		if err := json.Unmarshal([]byte(why), &f.Reasons); err != nil {
			return fmt.Errorf("feedback to %s: %w", message, err)
		}
		messages[at[message]].Feedback = &f
	}
	return rows.Err()
}

// rated counts by model, and leaves out what was said.
func (s Store) rated(ctx context.Context, since time.Time) ([]FeedbackCount, error) {
	const (
		count = `SELECT model, count(*) FILTER (WHERE rating = 'up'), count(*) FILTER (WHERE rating = 'down') FROM chat_feedback WHERE created >= ? GROUP BY model ORDER BY count(*) DESC, model`
		why   = `SELECT f.model, r.value, count(*) FROM chat_feedback AS f, json_each(f.reasons) AS r WHERE f.created >= ? GROUP BY f.model, r.value`
	)
	found := []FeedbackCount{}
	at := map[string]int{}
	rows, err := s.DB.Read().QueryContext(ctx, count, since.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count feedback: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		f := FeedbackCount{Reasons: map[string]int{}}
		if err := rows.Scan(&f.Model, &f.Up, &f.Down); err != nil {
			return nil, fmt.Errorf("count feedback: %w", err)
		}
		at[f.Model] = len(found)
		found = append(found, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count feedback: %w", err)
	}
	reasons, err := s.DB.Read().QueryContext(ctx, why, since.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count reasons: %w", err)
	}
	defer reasons.Close()
	for reasons.Next() {
		var model, reason string
		var n int
		if err := reasons.Scan(&model, &reason, &n); err != nil {
			return nil, fmt.Errorf("count reasons: %w", err)
		}
		if i, known := at[model]; known {
			found[i].Reasons[reason] = n
		}
	}
	return found, reasons.Err()
}
