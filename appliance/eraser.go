package appliance

import (
	"context"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/key"
	"chatets/appliance/library"
	"chatets/appliance/vector"
)

// eraser removes for a shredding what only its own room can remove.
type eraser struct{ library *library.Library }

// RemoveKnowledge implements key.Eraser.
func (e eraser) RemoveKnowledge(ctx context.Context, workspace, id string) error {
	who := actor.Actor{Kind: actor.Operator, ID: actor.SystemID, Workspace: workspace}
	return e.library.Remove(actor.With(ctx, who), library.ReachOf(who), id)
}

// Scopes implements key.Eraser.
func (e eraser) Scopes(workspace string) []string {
	return []string{workspace, vector.Shelf(workspace)}
}

// carried tells the keys which archives they cannot reach.
func (a *Appliance) carried(ctx context.Context, before time.Time) ([]key.Carried, error) {
	list, err := a.backups.Carried(ctx, before)
	all := make([]key.Carried, len(list))
	for i, c := range list {
		all[i] = key.Carried(c)
	}
	return all, err
}
