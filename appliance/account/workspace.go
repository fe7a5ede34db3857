package account

import (
	"context"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
)

// ListWorkspaces lists by name the workspaces the actor is a member of, or all
// of them for an administrator.
func (a *Accounts) ListWorkspaces(ctx context.Context, after Cursor, limit int) ([]Workspace, error) {
	who := actor.From(ctx)
	return a.store.workspaces(ctx, who.ID, who.Administers(), after, limit)
}

// AddWorkspace makes a workspace; who makes it is its first member.
func (a *Accounts) AddWorkspace(ctx context.Context, name string) (Workspace, error) {
	who := actor.From(ctx)
	if err := who.Need(who.Administers()); err != nil {
		return Workspace{}, a.refuse(ctx, err, audit.Entry{Act: "workspace.add", ObjectKind: "workspace"})
	}
	name, err := Name("body.name", name)
	if err != nil {
		return Workspace{}, err
	}
	return a.store.addWorkspace(ctx, who.ID, name)
}

// SetMember gives a person a role in a workspace, joining it if need be.
func (a *Accounts) SetMember(ctx context.Context, workspace, person string, role actor.Role) error {
	if !workspaceRole(role) {
		return wrong("body.role", "This is no role of a workspace.")
	}
	return a.place(ctx, "membership.set", workspace, person, role)
}

// RemoveMember takes a person out of a workspace and its groups.
func (a *Accounts) RemoveMember(ctx context.Context, workspace, person string) error {
	return a.place(ctx, "membership.remove", workspace, person, actor.None)
}

func (a *Accounts) place(ctx context.Context, act, workspace, person string, role actor.Role) error {
	who := actor.From(ctx)
	entry := audit.Entry{Act: act, ObjectKind: "person", Object: person, Workspace: workspace, Detail: map[string]any{"to": string(role)}}
	if !manages(who, workspace) {
		// A workspace of others does not exist for the actor.
		if workspace != who.Workspace {
			return noWorkspace()
		}
		return a.refuse(ctx, who.Need(false), entry)
	}
	err := a.store.setMember(ctx, who, entry, person, role, func(p Person) error { return mayPlace(who, p) })
	return a.refuse(ctx, err, entry)
}

// ListGroups lists the groups of the actor's workspace by name.
func (a *Accounts) ListGroups(ctx context.Context, after Cursor, limit int) ([]Group, error) {
	who := actor.From(ctx)
	if err := who.Need(who.ManagesWorkspace() || meets(who)); err != nil {
		return nil, err
	}
	return a.store.groups(ctx, who.Workspace, after, limit)
}

// AddGroup makes a group in the actor's workspace.
func (a *Accounts) AddGroup(ctx context.Context, name string) (Group, error) {
	who := actor.From(ctx)
	if err := who.Need(who.ManagesWorkspace()); err != nil {
		return Group{}, a.refuse(ctx, err, audit.Entry{Act: "group.add", ObjectKind: "group"})
	}
	if who.Workspace == "" {
		return Group{}, nowhere()
	}
	name, err := Name("body.name", name)
	if err != nil {
		return Group{}, err
	}
	return a.store.addGroup(ctx, who, name)
}

// SetGroup replaces the people of a group; all must be members of its workspace.
func (a *Accounts) SetGroup(ctx context.Context, id string, people []string) error {
	who := actor.From(ctx)
	people = slices.Compact(slices.Sorted(slices.Values(people)))
	entry := audit.Entry{Act: "group.members", ObjectKind: "group", Object: id, Detail: map[string]any{"members": len(people)}}
	if err := who.Need(who.ManagesWorkspace()); err != nil {
		return a.refuse(ctx, err, entry)
	}
	return a.store.setGroup(ctx, who, entry, people)
}

// RemoveGroup deletes a group; what was shared with it is shared with nobody
// through it any more.
func (a *Accounts) RemoveGroup(ctx context.Context, id string) error {
	who := actor.From(ctx)
	entry := audit.Entry{Act: "group.remove", ObjectKind: "group", Object: id}
	if err := who.Need(who.ManagesWorkspace()); err != nil {
		return a.refuse(ctx, err, entry)
	}
	return a.store.removeGroup(ctx, who, entry)
}
