package account

import (
	"context"
	"errors"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// Filter narrows a list of people.
type Filter struct {
	Query    string // part of a name or an e-mail address
	Group    string // members of this group only
	Everyone bool   // of the whole installation, for administrators
}

// People lists the members of the actor's workspace by name, or for an
// administrator who asks for it everybody. Who does not manage the workspace
// sees enabled people and of them id, name and e-mail address: enough to share
// something with them.
func (a *Accounts) People(ctx context.Context, f Filter, after Cursor, limit int) ([]Person, error) {
	who := actor.From(ctx)
	if err := who.Need(who.ManagesWorkspace() || who.Audits() || meets(who)); err != nil {
		return nil, err
	}
	all := who.ManagesWorkspace() || who.Audits()
	f.Everyone = f.Everyone && who.Audits()
	people, err := a.store.people(ctx, who.Workspace, f, all, after, limit)
	if err != nil {
		return nil, err
	}
	if !all {
		for i, p := range people {
			people[i] = Person{ID: p.ID, Name: p.Name, Email: p.Email}
		}
	}
	return people, nil
}

// meets reports whether a sees the other members of its workspace: everybody
// but guests.
func meets(a actor.Actor) bool {
	return a.Kind == actor.Person && slices.Contains([]actor.Role{actor.Admin, actor.Editor, actor.Member}, a.WorkspaceRole)
}

// Change changes a person as the actor of ctx. A person whom the actor may not
// know to exist is fault.NotFound.
func (a *Accounts) Change(ctx context.Context, id string, c Change) (Person, error) {
	if c.Name != nil {
		name, err := Name("body.name", *c.Name)
		if err != nil {
			return Person{}, err
		}
		c.Name = &name
	}
	if c.Role != nil && *c.Role != "" && rank(*c.Role) == 0 {
		return Person{}, wrong("body.role", "This is no role of the installation.")
	}
	if c.WorkspaceRole != nil && !workspaceRole(*c.WorkspaceRole) {
		return Person{}, wrong("body.workspaceRole", "This is no role of a workspace.")
	}
	who := actor.From(ctx)
	p, err := a.store.change(ctx, who, id, func(p Person, otherOwners int) (Person, error) { return decide(who, p, c, otherOwners) })
	return p, a.refuse(ctx, err, audit.Entry{Act: "person.change", ObjectKind: "person", Object: id})
}

func workspaceRole(r actor.Role) bool {
	return slices.Contains([]actor.Role{actor.Admin, actor.Editor, actor.Member, actor.Guest}, r)
}

// refuse records an act that the rules did not allow, and returns the refusal.
func (a *Accounts) refuse(ctx context.Context, err error, e audit.Entry) error {
	if !fault.Is(err, fault.Forbidden) && fault.Of(err).Code != "last-owner" {
		return err
	}
	return errors.Join(err, a.audit.Refused(ctx, e))
}

// changes are the acts that a change of a person comes to, one entry each.
func changes(before, after Person) []audit.Entry {
	entry := func(act string, detail map[string]any) audit.Entry {
		return audit.Entry{Act: act, ObjectKind: "person", Object: after.ID, Detail: detail}
	}
	var entries []audit.Entry
	if before.Name != after.Name {
		entries = append(entries, entry("person.rename", nil))
	}
	if before.Role != after.Role {
		entries = append(entries, entry("person.role", map[string]any{"from": string(before.Role), "to": string(after.Role)}))
	}
	if before.WorkspaceRole != after.WorkspaceRole {
		entries = append(entries, entry("membership.set", map[string]any{"from": string(before.WorkspaceRole), "to": string(after.WorkspaceRole)}))
	}
	switch {
	case !before.Disabled && after.Disabled:
		entries = append(entries, entry("person.disable", nil))
	case before.Disabled && !after.Disabled:
		entries = append(entries, entry("person.enable", nil))
	}
	return entries
}
