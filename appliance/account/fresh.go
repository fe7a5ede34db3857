package account

import (
	"context"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// Fresh is an actor with the roles and groups of now. What was begun minutes ago
// must not go on with rights that were taken away since: a person who was
// disabled or is no longer in the workspace is fault.Forbidden.
func (a *Accounts) Fresh(ctx context.Context, who actor.Actor) (actor.Actor, error) {
	if who.Kind != actor.Person {
		return who, nil
	}
	m, err := a.Member(ctx, who.Workspace, who.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return actor.Actor{}, err
	}
	if err != nil || m.Person.Disabled {
		return actor.Actor{}, fault.New(fault.Forbidden, "You may no longer work in this workspace.").Cure("Ask an administrator.")
	}
	who.Role, who.WorkspaceRole, who.Groups = m.Person.Role, m.Person.WorkspaceRole, m.Groups
	return who, nil
}
