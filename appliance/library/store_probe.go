package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// somePassage is the longest of the newest passages that can be found, and its
// knowledge base; "" where there is none.
func (s store) somePassage(ctx context.Context) (knowledge, text string, err error) {
	const read = `SELECT knowledge, text FROM (
		SELECT d.knowledge, c.text FROM chunk AS c JOIN document AS d ON d.id = c.document
		WHERE d.state = 'ready' AND c.edition = d.edition AND c.disabled = 0 ORDER BY c.number DESC LIMIT 50) ORDER BY length(text) DESC LIMIT 1`
	err = s.db.Read().QueryRowContext(ctx, read).Scan(&knowledge, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("some passage: %w", err)
	}
	return knowledge, text, nil
}
