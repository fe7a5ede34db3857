package model

import (
	"context"
	"fmt"
	"time"

	"chatets/appliance/sqlite"
)

// savePace keeps how fast a model is on a server; of one that was removed
// meanwhile nothing is kept.
func (s store) savePace(ctx context.Context, server, model string, p pace) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const save = `INSERT INTO model_pace (server, model, tokens_per_second, answer_tokens, first_token, answers, changed)
			SELECT id, ?, ?, ?, ?, ?, ? FROM server WHERE id = ?
			ON CONFLICT (server, model) DO UPDATE SET tokens_per_second = excluded.tokens_per_second, answer_tokens = excluded.answer_tokens,
				first_token = excluded.first_token, answers = excluded.answers, changed = excluded.changed`
		_, err := tx.Exec(ctx, save, model, p.tokensPerSecond, p.answerTokens, p.firstToken.Milliseconds(), p.answers, tx.Now.UnixMilli(), server)
		if err != nil {
			return fmt.Errorf("save pace: %w", err)
		}
		return nil
	})
}

// paces are the figures that were kept.
func (s store) paces(ctx context.Context) (map[paceKey]*pace, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT server, model, tokens_per_second, answer_tokens, first_token, answers FROM model_pace`)
	if err != nil {
		return nil, fmt.Errorf("read paces: %w", err)
	}
	defer rows.Close()
	all := map[paceKey]*pace{}
	for rows.Next() {
		var key paceKey
		var p pace
		var first int64
		if err := rows.Scan(&key.server, &key.model, &p.tokensPerSecond, &p.answerTokens, &first, &p.answers); err != nil {
			return nil, err
		}
		p.firstToken = time.Duration(first) * time.Millisecond
		all[key] = &p
	}
	return all, rows.Err()
}
