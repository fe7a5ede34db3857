package model_test

import (
	"context"
	"testing"

	"chatets/appliance/sqlite"
)

// spoil changes the sealed token of a server, as another key would.
func (h *house) spoil(t *testing.T, server string) {
	t.Helper()
	check(t, h.db.Update(h.system(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE server SET token = x'0100112233' WHERE id = ?`, server)
		return err
	}))
}

// history writes changes of a server's state.
func (h *house) history(t *testing.T, server string, n int) {
	t.Helper()
	check(t, h.db.Update(h.system(), func(ctx context.Context, tx *sqlite.Tx) error {
		for i := range n {
			state := []string{"down", "ok"}[i%2]
			if _, err := tx.Exec(ctx, `INSERT INTO server_health (server, at, state, latency, why, cure) VALUES (?, ?, ?, 1, '', '')`, server, i, state); err != nil {
				return err
			}
		}
		return nil
	}))
}
