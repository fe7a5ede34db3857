package model

import (
	"context"
	"fmt"

	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// TokensLeft counts the tokens of servers that are not sealed with the current
// data key.
func (m *Models) TokensLeft(ctx context.Context) (int, error) {
	old, _, err := m.oldTokens(ctx)
	return len(old), err
}

// ResealTokens seals the tokens of servers with the current data key.
func (m *Models) ResealTokens(ctx context.Context, told func(done, all int)) error {
	m.change.Lock()
	defer m.change.Unlock()
	old, all, err := m.oldTokens(ctx)
	if err != nil {
		return err
	}
	for i, t := range old {
		plain, err := m.keys.Open(tokenPurpose, t.sealed, []byte(t.server))
		if err != nil {
			return fmt.Errorf("token of server %s: %w", t.server, err)
		}
		sealed, err := m.seal(t.server, string(plain))
		clear(plain)
		if err != nil {
			return err
		}
		if err := m.store.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			// A token that was changed meanwhile is sealed anew already.
			_, err := tx.Exec(ctx, `UPDATE server SET token = ? WHERE id = ? AND token = ?`, sealed, t.server, t.sealed)
			return err
		}); err != nil {
			return err
		}
		told(all-len(old)+i+1, all)
	}
	if len(old) == 0 {
		return nil
	}
	return m.connect(ctx)
}

type sealedToken struct {
	server string
	sealed []byte
}

func (m *Models) oldTokens(ctx context.Context) (old []sealedToken, all int, err error) {
	rows, err := m.store.db.Read().QueryContext(ctx, `SELECT id, token FROM server WHERE token IS NOT NULL`)
	if err != nil {
		return nil, 0, fmt.Errorf("tokens of servers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t sealedToken
		if err := rows.Scan(&t.server, &t.sealed); err != nil {
			return nil, 0, err
		}
		if all++; secret.NumberOf(t.sealed) != m.keys.Current() {
			old = append(old, t)
		}
	}
	return old, all, rows.Err()
}
