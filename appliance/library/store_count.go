package library

import (
	"context"
	"fmt"
)

// Counts is how many documents are in each state, over all workspaces; for
// metrics.
func (l *Library) Counts(ctx context.Context) (map[State]int64, error) {
	rows, err := l.store.db.Read().QueryContext(ctx, `SELECT state, count(*) FROM document WHERE deleted = 0 GROUP BY state`)
	if err != nil {
		return nil, fmt.Errorf("count documents: %w", err)
	}
	defer rows.Close()
	counts := map[State]int64{}
	for rows.Next() {
		var state State
		var n int64
		if err := rows.Scan(&state, &n); err != nil {
			return nil, fmt.Errorf("count documents: %w", err)
		}
		counts[state] = n
	}
	return counts, rows.Err()
}
