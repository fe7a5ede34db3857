package library

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/lexical"
)

// mostAccess is how many entries an access list may have.
const mostAccess = 500

// AddKnowledge makes a knowledge base that its maker alone can see.
func (l *Library) AddKnowledge(ctx context.Context, who Reach, name string) (Knowledge, error) {
	a := who.who
	may := a.Kind == actor.Operator || a.Kind == actor.Person && a.WorkspaceRole != actor.Guest && (a.WorkspaceRole != actor.None || a.Administers())
	if err := a.Need(may && a.Workspace != "" && a.ID != ""); err != nil {
		return Knowledge{}, errors.Join(err, l.store.refused(ctx, "knowledge.add", "knowledge", ""))
	}
	name, err := account.Name("body.name", name)
	if err != nil {
		return Knowledge{}, err
	}
	k := l.newKnowledge(a.Workspace, a.ID, name)
	if err := l.store.insert(ctx, k, nil); err != nil {
		return Knowledge{}, err
	}
	l.tell(k.Workspace, "knowledge")
	k.Right, k.Manages = Edit, true
	return k, nil
}

func (l *Library) newKnowledge(workspace, owner, name string) Knowledge {
	now := l.now().UTC().Truncate(time.Millisecond)
	return Knowledge{ID: uuid.Must(uuid.NewV7()).String(), Workspace: workspace, Owner: owner, Name: name, fold: lexical.Fold(name), Created: now, Updated: now}
}

// Knowledge is one knowledge base that who may read or manage.
func (l *Library) Knowledge(ctx context.Context, who Reach, id string) (Knowledge, error) {
	k, err := l.store.knowledge(ctx, who, id)
	return k, l.refuse(ctx, err, "knowledge.open", "knowledge", id)
}

// ListKnowledge lists by name what who may read, or what who manages.
func (l *Library) ListKnowledge(ctx context.Context, who Reach, managed bool, after Place, limit int) ([]Knowledge, error) {
	return l.store.list(ctx, who, managed, after.Fold, after.ID, limit)
}

// Place is a place in a list sorted by name; the zero Place is its beginning.
type Place struct{ Fold, ID string }

// Place is where the knowledge base stands in the list.
func (k Knowledge) Place() Place { return Place{Fold: k.fold, ID: k.ID} }

// Rename gives a knowledge base another name.
func (l *Library) Rename(ctx context.Context, who Reach, id, name string) (Knowledge, error) {
	k, err := l.store.knowledge(ctx, who, id)
	if err == nil && k.Right != Edit && !k.Manages {
		err = mayNotEdit()
	}
	if err != nil {
		return Knowledge{}, l.refuse(ctx, err, "knowledge.change", "knowledge", id)
	}
	if name, err = account.Name("body.name", name); err != nil {
		return Knowledge{}, err
	}
	k.Name, k.fold = name, lexical.Fold(name)
	if err := l.store.rename(ctx, who, k); err != nil {
		return Knowledge{}, err
	}
	l.tell(k.Workspace, "knowledge")
	return l.store.knowledge(ctx, who, id)
}

// Remove deletes a knowledge base with its documents.
func (l *Library) Remove(ctx context.Context, who Reach, id string) error {
	k, err := l.managed(ctx, who, id, "knowledge.delete")
	if err != nil {
		return err
	}
	if err := l.store.hide(ctx, who, k); err != nil {
		return err
	}
	l.tell(k.Workspace, "knowledge", "document")
	return nil
}

// managed is a knowledge base that who manages; who only reads it is told so.
func (l *Library) managed(ctx context.Context, who Reach, id, act string) (Knowledge, error) {
	k, err := l.store.knowledge(ctx, who, id)
	if err == nil && !k.Manages {
		err = fault.New(fault.Forbidden, "Only the owner and the administrators of the workspace may do this.").Cure("Ask the owner of the knowledge base.")
	}
	return k, l.refuse(ctx, err, act, "knowledge", id)
}

// Access lists who has a right to a knowledge base that who edits or manages.
func (l *Library) Access(ctx context.Context, who Reach, id string) ([]Access, error) {
	k, err := l.store.knowledge(ctx, who, id)
	if err == nil && k.Right != Edit && !k.Manages {
		err = fault.New(fault.Forbidden, "Only who may edit a knowledge base sees who else has access.").Cure("Ask its owner.")
	}
	if err != nil {
		return nil, l.refuse(ctx, err, "knowledge.access", "knowledge", id)
	}
	return l.store.access(ctx, id)
}

// SetAccess replaces the access list of a knowledge base that who manages.
// Entries that stay as they were are not checked again: a person who has left
// must not keep the list from being changed.
func (l *Library) SetAccess(ctx context.Context, who Reach, id string, entries []Access) ([]Access, error) {
	k, err := l.managed(ctx, who, id, "knowledge.access")
	if err != nil {
		return nil, err
	}
	before, err := l.store.access(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := l.checkEntries(ctx, k.Workspace, before, entries, "person", "group", "workspace"); err != nil {
		return nil, err
	}
	if err := l.store.setAccess(ctx, who, k, entries); err != nil {
		return nil, err
	}
	l.tell(k.Workspace, "knowledge", "document")
	return l.store.access(ctx, id)
}

// checkEntries refuses entries that cannot stand in a list. Of a kind and a right
// that are not named there is none in it.
func (l *Library) checkEntries(ctx context.Context, workspace string, before, entries []Access, kinds ...string) error {
	if len(entries) > mostAccess {
		return wrong("body.entries", "The list is too long: at most 500 entries. Use a group.")
	}
	known := map[[2]string]bool{}
	for _, e := range before {
		kind, subject := e.subject()
		known[[2]string{kind, subject}] = true
	}
	ofBase := slices.Contains(kinds, "workspace")
	var people, groups []string
	seen := map[[2]string]bool{}
	for _, e := range entries {
		set := slices.DeleteFunc([]string{e.Person, e.Group, e.Workspace}, func(s string) bool { return s == "" })
		kind, subject := e.subject()
		switch {
		case len(set) != 1 && ofBase:
			return wrong("body.entries", "Each entry names exactly one person, group or workspace.")
		case len(set) != 1 || !slices.Contains(kinds, kind):
			return wrong("body.entries", "Each entry names exactly one person or group.")
		case ofBase && e.Right != Read && e.Right != Edit && e.Right != Deny:
			return wrong("body.entries", "A right is read, edit or deny.")
		case !ofBase && e.Right != Allow && e.Right != Deny:
			return wrong("body.entries", "A rule of a document is allow or deny.")
		case kind == "workspace" && e.Right == Deny:
			return wrong("body.entries", "The whole workspace cannot be denied: leave its entry out instead.")
		}
		key := [2]string{kind, subject}
		switch {
		case seen[key]:
			return wrong("body.entries", "The list names somebody twice.")
		case kind == "workspace" && subject != workspace:
			return wrong("body.entries", "A knowledge base can be shared with its own workspace only.")
		case known[key]:
		case kind == "person":
			people = append(people, subject)
		case kind == "group":
			groups = append(groups, subject)
		}
		seen[key] = true
	}
	return l.accounts.Share(ctx, workspace, people, groups)
}

// refuse records that somebody tried to get at what they may not see or do. The
// answer is the same whether it exists or not.
func (l *Library) refuse(ctx context.Context, err error, act, noun, id string) error {
	switch {
	case err == nil:
		return nil
	case fault.Is(err, fault.Forbidden):
		return errors.Join(err, l.store.refused(ctx, act, noun, id))
	case fault.Is(err, fault.NotFound):
		there, e := l.store.exists(ctx, noun, id)
		if e == nil && there {
			e = l.store.refused(ctx, act, noun, id)
		}
		return errors.Join(err, e)
	}
	return err
}
