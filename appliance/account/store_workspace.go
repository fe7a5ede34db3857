package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

const firstWorkspace = `SELECT id, name FROM workspace ORDER BY created, id LIMIT 1`

func scanWorkspace(scan func(...any) error) (Workspace, error) {
	var w Workspace
	err := scan(&w.ID, &w.Name)
	if errors.Is(err, sql.ErrNoRows) {
		return Workspace{}, noWorkspace()
	}
	return w, err
}

func (s store) firstWorkspace(ctx context.Context) (Workspace, error) {
	return scanWorkspace(s.read().QueryRow(ctx, firstWorkspace).Scan)
}

// FirstWorkspace is the workspace that was there first, as the transaction sees
// it.
func FirstWorkspace(ctx context.Context, tx *sqlite.Tx) (Workspace, error) {
	return scanWorkspace(tx.QueryRow(ctx, firstWorkspace).Scan)
}

func (s store) ensureFirst(ctx context.Context, name string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := FirstWorkspace(ctx, tx); !fault.Is(err, fault.NotFound) {
			return err
		}
		_, err := s.insertWorkspace(ctx, tx, actor.SystemID, name)
		return err
	})
}

func (s store) insertWorkspace(ctx context.Context, tx *sqlite.Tx, owner, name string) (Workspace, error) {
	const find = `SELECT id, name FROM workspace WHERE fold = ?`
	if _, err := scanWorkspace(tx.QueryRow(ctx, find, fold(name)).Scan); err == nil {
		return Workspace{}, taken("workspace")
	} else if !fault.Is(err, fault.NotFound) {
		return Workspace{}, err
	}
	w := Workspace{ID: newID(), Name: name}
	const insert = `INSERT INTO workspace (id, name, fold, owner, created) VALUES (?, ?, ?, ?, ?)`
	if _, err := tx.Exec(ctx, insert, w.ID, w.Name, fold(name), owner, tx.Now.UnixMilli()); err != nil {
		return Workspace{}, fmt.Errorf("insert workspace: %w", err)
	}
	return w, s.audit.Record(ctx, tx, audit.Entry{Act: "workspace.add", ObjectKind: "workspace", Object: w.ID, Workspace: w.ID})
}

func taken(noun string) error {
	sentence := "There is already a " + noun + " with this name."
	return fault.New(fault.Conflict, "%s", sentence).Code("name-taken").With(fault.Detail{Field: "body.name", Sentence: sentence})
}

func (s store) addWorkspace(ctx context.Context, maker, name string) (Workspace, error) {
	var w Workspace
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) (err error) {
		if w, err = s.insertWorkspace(ctx, tx, maker, name); err != nil {
			return err
		}
		if _, err := personByID(ctx, tx, maker); fault.Is(err, fault.NotFound) {
			return nil // the operator of an installation without people
		} else if err != nil {
			return err
		}
		return InsertMember(ctx, tx, w.ID, maker, actor.Admin)
	})
	return w, err
}

func (s store) workspaces(ctx context.Context, person string, all bool, after Cursor, limit int) ([]Workspace, error) {
	const list = `SELECT w.id, w.name FROM workspace AS w WHERE (w.fold, w.id) > (?, ?)
		AND (? OR EXISTS (SELECT 1 FROM membership AS m WHERE m.workspace = w.id AND m.person = ?))
		ORDER BY w.fold, w.id LIMIT ?`
	return s.listWorkspaces(ctx, list, after.Fold, after.ID, all, person, limit)
}

func (s store) workspacesOf(ctx context.Context, person string) ([]Workspace, error) {
	const list = `SELECT w.id, w.name FROM membership AS m JOIN workspace AS w ON w.id = m.workspace
		WHERE m.person = ? ORDER BY m.created, w.id`
	return s.listWorkspaces(ctx, list, person)
}

func (s store) listWorkspaces(ctx context.Context, query string, args ...any) ([]Workspace, error) {
	rows, err := s.read().Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	workspaces := []Workspace{}
	for rows.Next() {
		w, err := scanWorkspace(rows.Scan)
		if err != nil {
			return nil, err
		}
		workspaces = append(workspaces, w)
	}
	return workspaces, rows.Err()
}

// place is a person in the wanted workspace, or else in the one joined first.
// It runs for every request, so it is one query.
func (s store) place(ctx context.Context, person, wanted string) (Member, error) {
	const read = `SELECT ` + personColumns + `, coalesce(w.id, ''), coalesce(w.name, ''), coalesce(m.role, ''),
			coalesce((SELECT group_concat(g."group") FROM group_member AS g WHERE g.workspace = m.workspace AND g.person = p.id), '')
		FROM person AS p LEFT JOIN membership AS m ON m.person = p.id LEFT JOIN workspace AS w ON w.id = m.workspace
		WHERE p.id = ? ORDER BY m.workspace = ? DESC, m.created, m.workspace LIMIT 1`
	var m Member
	var role actor.Role
	var groups string
	var err error
	m.Person, err = scanPerson(s.read().QueryRow(ctx, read, person, wanted).Scan, &m.Workspace.ID, &m.Workspace.Name, &role, &groups)
	m.Person.WorkspaceRole = role
	if groups != "" {
		m.Groups = strings.Split(groups, ",")
	}
	return m, err
}

// setMember sets or, with no role, ends a membership.
func (s store) setMember(ctx context.Context, who actor.Actor, e audit.Entry, person string, role actor.Role, may func(Person) error) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const known = `SELECT id, name FROM workspace WHERE id = ?`
		if _, err := scanWorkspace(tx.QueryRow(ctx, known, e.Workspace).Scan); err != nil {
			return err
		}
		// Who manages one workspace knows its members only.
		const read = `SELECT ` + personColumns + `, coalesce(m.role, '')
			FROM person AS p LEFT JOIN membership AS m ON m.person = p.id AND m.workspace = ?
			WHERE p.id = ? AND (? OR m.person IS NOT NULL)`
		var before actor.Role
		p, err := scanPerson(tx.QueryRow(ctx, read, e.Workspace, person, who.Administers()).Scan, &before)
		if err != nil {
			return err
		}
		if before == role {
			if role == actor.None {
				return noPerson()
			}
			return nil
		}
		if err := may(p); err != nil {
			return err
		}
		if role == actor.None {
			const end = `DELETE FROM membership WHERE workspace = ? AND person = ?`
			_, err = tx.Exec(ctx, end, e.Workspace, person)
		} else {
			err = InsertMember(ctx, tx, e.Workspace, person, role)
		}
		if err != nil {
			return err
		}
		e.Detail = map[string]any{"from": string(before), "to": string(role)}
		if err := s.audit.Record(ctx, tx, e); err != nil {
			return err
		}
		if s.sessions == nil {
			return nil
		}
		return s.sessions.Renew(ctx, tx, person)
	})
}

func (s store) groups(ctx context.Context, workspace string, after Cursor, limit int) ([]Group, error) {
	const list = `SELECT g.id, g.name, (SELECT count(*) FROM group_member AS m WHERE m."group" = g.id)
		FROM "group" AS g WHERE g.workspace = ? AND (g.fold, g.id) > (?, ?) ORDER BY g.fold, g.id LIMIT ?`
	rows, err := s.read().Query(ctx, list, workspace, after.Fold, after.ID, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var groups []Group
	for rows.Next() {
		var g Group
		if err := rows.Scan(&g.ID, &g.Name, &g.Members); err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	return groups, rows.Err()
}

func (s store) addGroup(ctx context.Context, who actor.Actor, name string) (Group, error) {
	g := Group{ID: newID(), Name: name}
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const find = `SELECT count(*) FROM "group" WHERE workspace = ? AND fold = ?`
		var found int
		if err := tx.QueryRow(ctx, find, who.Workspace, fold(name)).Scan(&found); err != nil {
			return err
		}
		if found > 0 {
			return taken("group")
		}
		const insert = `INSERT INTO "group" (id, workspace, owner, name, fold, created) VALUES (?, ?, ?, ?, ?, ?)`
		if _, err := tx.Exec(ctx, insert, g.ID, who.Workspace, who.ID, g.Name, fold(name), tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("insert group: %w", err)
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "group.add", ObjectKind: "group", Object: g.ID})
	})
	return g, err
}

// groupIn is fault.NotFound unless the group belongs to the workspace.
func groupIn(ctx context.Context, tx *sqlite.Tx, workspace, id string) error {
	const find = `SELECT count(*) FROM "group" WHERE id = ? AND workspace = ?`
	var found int
	if err := tx.QueryRow(ctx, find, id, workspace).Scan(&found); err != nil {
		return err
	}
	if found == 0 {
		return noGroup()
	}
	return nil
}

func (s store) setGroup(ctx context.Context, who actor.Actor, e audit.Entry, people []string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := groupIn(ctx, tx, who.Workspace, e.Object); err != nil {
			return err
		}
		before, err := groupMembers(ctx, tx, e.Object)
		if err != nil {
			return err
		}
		const remove = `DELETE FROM group_member WHERE "group" = ? AND person = ?`
		const insert = `INSERT INTO group_member ("group", workspace, person)
			SELECT ?, workspace, person FROM membership WHERE workspace = ? AND person = ?`
		touched := 0
		for _, person := range before {
			if slices.Contains(people, person) {
				continue
			}
			if _, err := tx.Exec(ctx, remove, e.Object, person); err != nil {
				return err
			}
			touched++
			if err := s.renew(ctx, tx, person); err != nil {
				return err
			}
		}
		for i, person := range people {
			if _, found := slices.BinarySearch(before, person); found {
				continue
			}
			done, err := tx.Exec(ctx, insert, e.Object, who.Workspace, person)
			if err != nil {
				return err
			}
			if n, err := done.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				return wrong(fmt.Sprintf("body.people[%d]", i), "This is nobody of the workspace.")
			}
			touched++
			if err := s.renew(ctx, tx, person); err != nil {
				return err
			}
		}
		if touched == 0 {
			return nil
		}
		return s.audit.Record(ctx, tx, e)
	})
}

func (s store) renew(ctx context.Context, tx *sqlite.Tx, person string) error {
	if s.sessions == nil {
		return nil
	}
	return s.sessions.Renew(ctx, tx, person)
}

// groupMembers lists the people of a group in order of their ids.
func groupMembers(ctx context.Context, q querier, group string) ([]string, error) {
	const list = `SELECT person FROM group_member WHERE "group" = ? ORDER BY person`
	return ids(ctx, q, list, group)
}

func ids(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found = append(found, id)
	}
	return found, rows.Err()
}

func (s store) removeGroup(ctx context.Context, who actor.Actor, e audit.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := groupIn(ctx, tx, who.Workspace, e.Object); err != nil {
			return err
		}
		people, err := groupMembers(ctx, tx, e.Object)
		if err != nil {
			return err
		}
		const remove = `DELETE FROM "group" WHERE id = ?`
		if _, err := tx.Exec(ctx, remove, e.Object); err != nil {
			return err
		}
		for _, person := range people {
			if err := s.renew(ctx, tx, person); err != nil {
				return err
			}
		}
		return s.audit.Record(ctx, tx, e)
	})
}

// names looks up to 500 ids at a time in all three tables.
func (s store) names(ctx context.Context, wanted []string) (map[string]string, error) {
	found := make(map[string]string, len(wanted))
	for part := range slices.Chunk(wanted, 500) {
		list := `(` + strings.Repeat("?, ", len(part)-1) + `?)`
		query := `SELECT id, name FROM person WHERE id IN ` + list + ` UNION ALL SELECT id, name FROM "group" WHERE id IN ` + list +
			` UNION ALL SELECT id, name FROM workspace WHERE id IN ` + list
		args := make([]any, 0, 3*len(part))
		for range 3 {
			for _, id := range part {
				args = append(args, id)
			}
		}
		rows, err := s.read().Query(ctx, query, args...)
		if err != nil {
			return nil, err
		}
		if err := scanNames(rows, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func scanNames(rows *sql.Rows, into map[string]string) error {
	defer rows.Close()
	for rows.Next() {
		var id, name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		into[id] = name
	}
	return rows.Err()
}

func (s store) share(ctx context.Context, workspace string, people, groups []string) error {
	const person = `SELECT count(*) FROM membership AS m JOIN person AS p ON p.id = m.person
		WHERE m.workspace = ? AND m.person = ? AND p.disabled = 0`
	const group = `SELECT count(*) FROM "group" WHERE workspace = ? AND id = ?`
	for _, check := range []struct {
		noun, query string
		ids         []string
	}{{"person", person, people}, {"group", group, groups}} {
		for _, id := range check.ids {
			var found int
			if err := s.read().QueryRow(ctx, check.query, workspace, id).Scan(&found); err != nil {
				return err
			}
			if found == 0 {
				return fault.New(fault.Invalid, "There is no such %s in this workspace.", check.noun).
					With(fault.Detail{Field: "body.entries", Sentence: "There is no such " + check.noun + " in this workspace."})
			}
		}
	}
	return nil
}
