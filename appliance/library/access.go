package library

import (
	"context"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// Rules are the access rules of one document.
type Rules struct {
	Restricted bool     // only who is allowed reads it, as far as the knowledge base lets them
	Entries    []Access // of people and groups: Allow or Deny
}

// Rules lists the access rules of a document that who edits or manages.
func (l *Library) Rules(ctx context.Context, who Reach, id string) (Document, Rules, error) {
	d, err := l.store.document(ctx, who, id)
	if err == nil && d.Right != Edit && !d.Manages {
		err = fault.New(fault.Forbidden, "Only who may edit a document sees who else has access.").Cure("Ask its owner.")
	}
	if err != nil {
		return Document{}, Rules{}, l.refuse(ctx, err, "document.access", "document", id)
	}
	r, err := l.store.rules(ctx, id)
	return d, r, err
}

// SetRules replaces the access rules of a document that who manages.
func (l *Library) SetRules(ctx context.Context, who Reach, id string, r Rules) (Document, Rules, error) {
	d, err := l.store.document(ctx, who, id)
	if err == nil && !d.Manages {
		err = fault.New(fault.Forbidden, "Only who added the document, and who manages its knowledge base, may do this.").Cure("Ask the owner of the knowledge base.")
	}
	if err != nil {
		return Document{}, Rules{}, l.refuse(ctx, err, "document.access", "document", id)
	}
	before, err := l.store.rules(ctx, id)
	if err != nil {
		return Document{}, Rules{}, err
	}
	if !r.Restricted && slices.ContainsFunc(r.Entries, func(a Access) bool { return a.Right == Allow }) {
		return Document{}, Rules{}, wrong("body.entries", "Somebody is allowed, but the document is not restricted: everybody who may read its knowledge base may read it. Restrict it, or leave the entry out.")
	}
	if err := l.checkEntries(ctx, d.Workspace, before.Entries, r.Entries, "person", "group"); err != nil {
		return Document{}, Rules{}, err
	}
	if err := l.store.setRules(ctx, who, d, r); err != nil {
		return Document{}, Rules{}, err
	}
	l.tell(d.Workspace, "knowledge", "document")
	return l.rulesNow(ctx, who, id)
}

// rulesNow are the rules after a change, which may have taken the right to read
// from who made it; the right to manage it leaves.
func (l *Library) rulesNow(ctx context.Context, who Reach, id string) (Document, Rules, error) {
	d, err := l.store.document(ctx, who, id)
	if err != nil {
		return Document{}, Rules{}, err
	}
	r, err := l.store.rules(ctx, id)
	return d, r, err
}

// Why says what a person may do with a document or a knowledge base, and what
// decides it.
type Why struct {
	Right string // None, Read or Edit
	By    string // one of the By constants
	Group string // through which it holds, "" = it is the person's own
	Own   bool   // by the document's own rules, not the knowledge base's
}

// What decides what a person may do.
const (
	ByNothing    = "nothing"    // no entry of the knowledge base gives a right
	ByDeny       = "deny"       // an entry denies it
	ByRestricted = "restricted" // the document is restricted and does not allow them
	ByOwner      = "owner"      // they own the knowledge base
	ByEntry      = "entry"      // an entry of the knowledge base gives it
	ByWorkspace  = "workspace"  // it is shared with the workspace
)

// WhyDocument explains what a person of the workspace may do with a document whose
// rules who may see. Managing is not reading: it is left out.
func (l *Library) WhyDocument(ctx context.Context, who Reach, id, person string) (Why, error) {
	d, r, err := l.Rules(ctx, who, id)
	if err != nil {
		return Why{}, err
	}
	m, err := l.accounts.Member(ctx, d.Workspace, person)
	if err != nil {
		return Why{}, err
	}
	reader := actor.Actor{Kind: actor.Person, ID: m.Person.ID, Workspace: d.Workspace, Role: m.Person.Role, WorkspaceRole: m.Person.WorkspaceRole, Groups: m.Groups}
	entries, err := l.store.access(ctx, d.Knowledge)
	if err != nil {
		return Why{}, err
	}
	owner, err := l.store.ownerOf(ctx, d.Knowledge)
	if err != nil {
		return Why{}, err
	}
	why := explain(owner, entries, &r, reader)
	// What is shown is what holds: the right comes from where every right comes from.
	seen, err := l.store.document(ctx, ReachOf(reader), id)
	switch {
	case fault.Is(err, fault.NotFound):
		why.Right = None
	case err != nil:
		return Why{}, err
	default:
		why.Right = seen.Right
	}
	return why, nil
}

// explain finds what decides a person's right.
func explain(owner string, entries []Access, r *Rules, who actor.Actor) Why {
	find := func(list []Access, rights ...string) (Access, bool) {
		for _, kind := range []string{"person", "group", "workspace"} {
			for _, right := range rights {
				for _, e := range list {
					k, id := e.subject()
					if k == kind && e.Right == right && (k == "person" && id == who.ID || k == "group" && slices.Contains(who.Groups, id) ||
						k == "workspace" && id == who.Workspace && who.WorkspaceRole != actor.None) {
						return e, true
					}
				}
			}
		}
		return Access{}, false
	}
	if e, denied := find(entries, Deny); denied {
		return Why{By: ByDeny, Group: e.Group}
	}
	why := Why{By: ByNothing}
	if owner == who.ID {
		why.By = ByOwner
	} else if e, given := find(entries, Edit, Read); given {
		why.By, why.Group = ByEntry, e.Group
		if e.Workspace != "" {
			why.By = ByWorkspace
		}
	}
	if why.By == ByNothing || r == nil {
		return why
	}
	if e, denied := find(r.Entries, Deny); denied {
		return Why{By: ByDeny, Group: e.Group, Own: true}
	}
	if r.Restricted {
		if _, allowed := find(r.Entries, Allow); !allowed {
			return Why{By: ByRestricted, Own: true}
		}
	}
	return why
}
