package account

import (
	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// Who may change whom. Three sentences carry all of it: nobody raises anybody
// above oneself; an owner or an admin is changed only by an owner or by itself;
// the last owner stays.

// Change is what an administrator, or the person itself, changes of a person;
// nil leaves it as it is.
type Change struct {
	Name          *string
	Disabled      *bool
	Role          *actor.Role
	WorkspaceRole *actor.Role // in the actor's workspace
}

// rank orders the installation roles.
func rank(r actor.Role) int {
	switch r {
	case actor.Owner:
		return 3
	case actor.Admin:
		return 2
	case actor.Auditor:
		return 1
	}
	return 0
}

// rankOf is the rank of whoever acts; the machine's operator and ChatETS itself
// stand where owners stand.
//
// An API key stands below all of them, whoever it belongs to: otherwise one that
// may add people could add an administrator, and be everything as that one.
func rankOf(a actor.Actor) int {
	if a.Key != "" {
		return 0
	}
	switch a.Kind {
	case actor.Operator, actor.System:
		return rank(actor.Owner)
	case actor.Person:
		return rank(a.Role)
	}
	return 0
}

func itself(a actor.Actor, p Person) bool { return a.Kind == actor.Person && a.ID == p.ID }

// MayChange returns nil when a may change what administrators change of p: its
// roles, whether it is disabled, its password.
func MayChange(a actor.Actor, p Person) error {
	switch {
	case !a.Administers():
		return a.Need(false)
	case p.Role == actor.Owner && rankOf(a) < rank(actor.Owner):
		return fault.New(fault.Forbidden, "An owner can only be changed by an owner.").Code("owner-only").Cure("Ask an owner.")
	case p.Role == actor.Admin && rankOf(a) < rank(actor.Owner) && !itself(a, p):
		return fault.New(fault.Forbidden, "An administrator can only be changed by an owner or by itself.").Code("owner-only").Cure("Ask an owner.")
	}
	return nil
}

// MayGive returns nil when a may give the installation role to somebody.
func MayGive(a actor.Actor, role actor.Role) error {
	switch {
	case !a.Administers():
		return a.Need(false)
	case rank(role) > rankOf(a):
		return fault.New(fault.Forbidden, "Nobody can give a role above their own.").Code("role-too-high").Cure("Ask an owner.")
	}
	return nil
}

// mayPlace returns nil when a may change p's membership of a workspace that a
// manages.
func mayPlace(a actor.Actor, p Person) error {
	if rank(p.Role) >= rank(actor.Admin) && !itself(a, p) && rankOf(a) < rank(actor.Owner) {
		return fault.New(fault.Forbidden, "An administrator can only be changed by an owner or by itself.").Code("owner-only").Cure("Ask an owner.")
	}
	return nil
}

// manages reports whether a manages the workspace.
func manages(a actor.Actor, workspace string) bool {
	return a.Administers() || a.ManagesWorkspace() && a.Workspace == workspace
}

// nowhere is the answer to somebody who wants to act in a workspace and is a
// member of none.
func nowhere() error {
	return fault.New(fault.Conflict, "You are not a member of a workspace.").Code("no-workspace").Cure("Join a workspace first.")
}

// decide applies a change to p, or says why a may not make it. otherOwners
// counts the enabled owners beside p.
func decide(a actor.Actor, p Person, c Change, otherOwners int) (Person, error) {
	after := p
	if c.Name != nil {
		if !itself(a, p) {
			if err := MayChange(a, p); err != nil {
				return p, err
			}
		}
		after.Name = *c.Name
	}
	if c.Role != nil && *c.Role != p.Role {
		if err := MayChange(a, p); err != nil {
			return p, err
		}
		if err := MayGive(a, *c.Role); err != nil {
			return p, err
		}
		after.Role = *c.Role
	}
	if c.Disabled != nil && *c.Disabled != p.Disabled {
		if err := MayChange(a, p); err != nil {
			return p, err
		}
		after.Disabled = *c.Disabled
	}
	if c.WorkspaceRole != nil && *c.WorkspaceRole != p.WorkspaceRole {
		if err := a.Need(a.ManagesWorkspace()); err != nil {
			return p, err
		}
		if err := mayPlace(a, p); err != nil {
			return p, err
		}
		if a.Workspace == "" {
			return p, nowhere()
		}
		after.WorkspaceRole = *c.WorkspaceRole
	}
	owned, owns := p.Role == actor.Owner && !p.Disabled, after.Role == actor.Owner && !after.Disabled
	if owned && !owns && otherOwners == 0 {
		return p, fault.New(fault.Conflict, "The last owner cannot be disabled or given another role.").Code("last-owner").
			Cure("Make somebody else an owner first.")
	}
	return after, nil
}
