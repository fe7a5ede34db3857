package account

import (
	"context"
	"slices"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// MembersFrom replaces the people of a group of a source; who is no member of
// the workspace is left out.
func (a *Accounts) MembersFrom(ctx context.Context, tx *sqlite.Tx, workspace, group string, people []string) error {
	before, err := groupMembers(ctx, tx, group)
	if err != nil {
		return err
	}
	people = slices.Compact(slices.Sorted(slices.Values(people)))
	touched := 0
	for _, person := range before {
		if _, stays := slices.BinarySearch(people, person); stays {
			continue
		}
		if _, err := tx.Exec(ctx, `DELETE FROM group_member WHERE "group" = ? AND person = ?`, group, person); err != nil {
			return err
		}
		touched++
	}
	const insert = `INSERT OR IGNORE INTO group_member ("group", workspace, person) SELECT ?, workspace, person FROM membership WHERE workspace = ? AND person = ?`
	for _, person := range people {
		if _, found := slices.BinarySearch(before, person); found {
			continue
		}
		if _, err := tx.Exec(ctx, insert, group, workspace, person); err != nil {
			return err
		}
		touched++
	}
	if touched == 0 {
		return nil
	}
	return a.audit.Record(ctx, tx, audit.Entry{Act: "group.members", ObjectKind: "group", Object: group, Workspace: workspace, Detail: map[string]any{"members": len(people)}})
}

// RenameFrom gives a group of a source another name; one that another group has
// is fault.Conflict.
func (a *Accounts) RenameFrom(ctx context.Context, tx *sqlite.Tx, workspace, source, id, name string) error {
	name, err := Name("displayName", name)
	if err != nil {
		return err
	}
	var other bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM "group" WHERE workspace = ? AND fold = ? AND id <> ?)`, workspace, fold(name), id).Scan(&other); err != nil {
		return err
	}
	if other {
		return taken("group")
	}
	_, err = tx.Exec(ctx, `UPDATE "group" SET name = ?, fold = ? WHERE id = ? AND workspace = ? AND source = ?`, name, fold(name), id, workspace, source)
	return err
}

// DropGroup deletes a group of a source; what was shared with it is shared with
// nobody through it any more.
func (a *Accounts) DropGroup(ctx context.Context, tx *sqlite.Tx, workspace, source, id string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM "group" WHERE id = ? AND workspace = ? AND source = ?`, id, workspace, source); err != nil {
		return err
	}
	return a.audit.Record(ctx, tx, audit.Entry{Act: "group.remove", ObjectKind: "group", Object: id, Workspace: workspace})
}

// ByLogin is the person whom a name to sign in with means, or an e-mail address;
// fault.NotFound when it means nobody, or more than one.
func (a *Accounts) ByLogin(ctx context.Context, name string) (Person, error) {
	name = FoldEmail(name)
	p, err := a.store.byEmail(ctx, name)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return p, err
	}
	found, err := ids(ctx, a.store.read(), `SELECT person FROM login_name WHERE name = ? LIMIT 2`, name)
	if err != nil {
		return Person{}, err
	}
	if len(found) != 1 {
		return Person{}, noPerson()
	}
	return a.store.byID(ctx, found[0])
}

func emailTaken() error {
	const sentence = "There is already a person with this e-mail address."
	return fault.New(fault.Conflict, "%s", sentence).Code("email-taken").With(fault.Detail{Field: "body.email", Sentence: sentence})
}
