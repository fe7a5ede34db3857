package login

import (
	"context"
	"fmt"
)

// Open is how many sessions have not expired; for metrics.
func (l *Logins) Open(ctx context.Context) (int64, error) {
	var n int64
	if err := l.store.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM session WHERE expires > ?`, l.now().UnixMilli()).Scan(&n); err != nil {
		return 0, fmt.Errorf("count sessions: %w", err)
	}
	return n, nil
}
