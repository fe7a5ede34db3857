package appliance

import (
	"context"
	"log/slog"
	"time"

	"chatets/appliance/config"
)

// NewAt is New with another clock for what waits for days.
func NewAt(ctx context.Context, cfg config.Config, assets Assets, log *slog.Logger, version string, now func() time.Time) (*Appliance, error) {
	return newAt(ctx, cfg, assets, log, version, now, nil)
}

// TablesOfWorkspaces are the tables with a column workspace.
func (a *Appliance) TablesOfWorkspaces(ctx context.Context) ([]string, error) {
	rows, err := a.db.Read().QueryContext(ctx, `SELECT t.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
		WHERE t.schema = 'main' AND t.type = 'table' AND c.name = 'workspace' ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
