package model

import (
	"context"
	"fmt"

	"chatets/appliance/sqlite"
)

// savePace keeps how fast a model is on a server; of one that was removed
// meanwhile nothing is kept.
func (s store) savePace(ctx context.Context, server, model string, p pace) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const save = `INSERT INTO model_pace (server, model, tokens_per_second, answer_tokens, first_token, answers, changed)
			SELECT id, ?, ?, ?, ?, ?, ? FROM server WHERE id = ?
			ON CONFLICT (server, model) DO UPDATE SET tokens_per_second = excluded.tokens_per_second, answer_tokens = excluded.answer_tokens,
				first_token = excluded.first_token, answers = model_pace.answers + 1, changed = excluded.changed`
		_, err := tx.Exec(ctx, save, model, p.tokensPerSecond, p.answerTokens, p.firstToken.Milliseconds(), p.answers, tx.Now.UnixMilli(), server)
		if err != nil {
			return fmt.Errorf("save pace: %w", err)
		}
		return nil
	})
}
