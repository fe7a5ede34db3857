package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// What a directory, or another source of people, keeps in step. All of it runs
// inside the caller's transaction and records what it changes.

// Followed is what a source says of a person that is here; nil leaves it as it is.
type Followed struct {
	Email, Name  *string
	Installation *actor.Role
	Disabled     *bool
}

// Follow brings a person in step with its source and reports whether anything
// changed. An address that somebody else has is fault.Conflict, code
// email-taken. An owner's role is not changed, nor is the last owner disabled.
func (a *Accounts) Follow(ctx context.Context, tx *sqlite.Tx, id string, f Followed) (bool, error) {
	before, err := ReadPerson(ctx, tx, id)
	if err != nil {
		return false, err
	}
	after := before
	if f.Email != nil && *f.Email != before.Email {
		var taken bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM person WHERE email = ? AND id <> ?)`, *f.Email, id).Scan(&taken); err != nil {
			return false, err
		}
		if taken {
			return false, emailTaken()
		}
		after.Email = *f.Email
	}
	if f.Name != nil {
		after.Name = *f.Name
	}
	if f.Installation != nil && before.Role != actor.Owner {
		after.Role = *f.Installation
	}
	if f.Disabled != nil && before.Role != actor.Owner {
		after.Disabled = *f.Disabled
	}
	if after.Email != before.Email {
		if _, err := tx.Exec(ctx, `UPDATE person SET email = ? WHERE id = ?`, after.Email, id); err != nil {
			return false, fmt.Errorf("update person: %w", err)
		}
		if err := a.audit.Record(ctx, tx, audit.Entry{Act: "person.email", ObjectKind: "person", Object: id}); err != nil {
			return false, err
		}
	}
	changed := after.Email != before.Email || len(changes(before, after)) > 0
	return changed, a.store.store(ctx, tx, actor.From(ctx), before, after)
}

// SetLogins replaces the names beside the e-mail address that a person signs in
// with; they come folded.
func SetLogins(ctx context.Context, tx *sqlite.Tx, person string, names []string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM login_name WHERE person = ?`, person); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := tx.Exec(ctx, `INSERT OR IGNORE INTO login_name (name, person) VALUES (?, ?)`, name, person); err != nil {
			return err
		}
	}
	return nil
}

// PlaceFrom gives a person of a source a role in workspaces, and takes away the
// memberships that the source gave and gives no longer. Memberships that came
// from elsewhere stay as they are. A workspace that is gone is left out.
func (a *Accounts) PlaceFrom(ctx context.Context, tx *sqlite.Tx, source, person string, places map[string]actor.Role) (bool, error) {
	rows, err := tx.Query(ctx, `SELECT workspace, role, source FROM membership WHERE person = ?`, person)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	type held struct {
		role   actor.Role
		source string
	}
	has := map[string]held{}
	for rows.Next() {
		var workspace string
		var h held
		if err := rows.Scan(&workspace, &h.role, &h.source); err != nil {
			return false, err
		}
		has[workspace] = h
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	changed := false
	record := func(act, workspace string, from, to actor.Role) error {
		changed = true
		return a.audit.Record(ctx, tx, audit.Entry{Act: act, ObjectKind: "person", Object: person, Workspace: workspace,
			Detail: map[string]any{"from": string(from), "to": string(to)}})
	}
	for workspace, role := range places {
		h, found := has[workspace]
		if role == actor.None || found && (h.source != source || h.role == role) {
			continue
		}
		const set = `INSERT INTO membership (workspace, person, role, created, source) SELECT id, ?, ?, ?, ? FROM workspace WHERE id = ?
			ON CONFLICT (workspace, person) DO UPDATE SET role = excluded.role`
		done, err := tx.Exec(ctx, set, person, role, tx.Now.UnixMilli(), source, workspace)
		if err != nil {
			return changed, fmt.Errorf("insert membership: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			if err != nil {
				return changed, err
			}
			continue
		}
		if err := record("membership.set", workspace, h.role, role); err != nil {
			return changed, err
		}
	}
	for workspace, h := range has {
		if h.source != source || places[workspace] != actor.None {
			continue
		}
		if _, err := tx.Exec(ctx, `DELETE FROM membership WHERE workspace = ? AND person = ?`, workspace, person); err != nil {
			return changed, err
		}
		if err := record("membership.remove", workspace, h.role, actor.None); err != nil {
			return changed, err
		}
		if a.store.sessions != nil {
			if err := a.store.sessions.Renew(ctx, tx, person); err != nil {
				return changed, err
			}
		}
	}
	return changed, nil
}

// GroupFrom is the group of a workspace that follows a group of a source: made,
// or given its new name. A name that another group has gets the source behind it.
func (a *Accounts) GroupFrom(ctx context.Context, tx *sqlite.Tx, workspace, source, externalID, name string) (id string, err error) {
	name, err = Name("name", name)
	if err != nil {
		return "", err
	}
	var had string
	err = tx.QueryRow(ctx, `SELECT id, name FROM "group" WHERE workspace = ? AND source = ? AND external_id = ?`, workspace, source, externalID).Scan(&id, &had)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	free := func(name string) (bool, error) {
		var taken bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM "group" WHERE workspace = ? AND fold = ? AND id <> ?)`, workspace, fold(name), id).Scan(&taken)
		return !taken, err
	}
	for _, try := range []string{name, name + " (" + source + ")", name + " (" + source + " " + externalID + ")"} {
		if id != "" && try == had {
			return id, nil
		}
		ok, err := free(try)
		if err != nil {
			return "", err
		}
		if !ok {
			continue
		}
		if id != "" {
			_, err = tx.Exec(ctx, `UPDATE "group" SET name = ?, fold = ? WHERE id = ?`, try, fold(try), id)
			return id, err
		}
		id = newID()
		const insert = `INSERT INTO "group" (id, workspace, owner, name, fold, created, source, external_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
		if _, err := tx.Exec(ctx, insert, id, workspace, actor.From(ctx).ID, try, fold(try), tx.Now.UnixMilli(), source, externalID); err != nil {
			return "", fmt.Errorf("insert group: %w", err)
		}
		return id, a.audit.Record(ctx, tx, audit.Entry{Act: "group.add", ObjectKind: "group", Object: id, Workspace: workspace, Detail: map[string]any{"source": source}})
	}
	return "", taken("group")
}

// GroupsFrom puts a person into exactly those groups of a source in a workspace;
// groups that came from elsewhere stay. Who is no member of it is in none.
func GroupsFrom(ctx context.Context, tx *sqlite.Tx, workspace, source, person string, groups []string) (bool, error) {
	has, err := ids(ctx, tx, `SELECT m."group" FROM group_member AS m JOIN "group" AS g ON g.id = m."group"
		WHERE m.person = ? AND m.workspace = ? AND g.source = ?`, person, workspace, source)
	if err != nil {
		return false, err
	}
	changed := false
	for _, id := range has {
		if slices.Contains(groups, id) {
			continue
		}
		changed = true
		if _, err := tx.Exec(ctx, `DELETE FROM group_member WHERE "group" = ? AND person = ?`, id, person); err != nil {
			return changed, err
		}
	}
	const insert = `INSERT OR IGNORE INTO group_member ("group", workspace, person)
		SELECT ?, workspace, person FROM membership WHERE workspace = ? AND person = ?`
	for _, id := range groups {
		if slices.Contains(has, id) {
			continue
		}
		done, err := tx.Exec(ctx, insert, id, workspace, person)
		if err != nil {
			return changed, err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return changed, err
		}
		changed = changed || n > 0
	}
	return changed, nil
}
