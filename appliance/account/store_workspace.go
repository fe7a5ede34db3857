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
		if s.sessions == nil || role != actor.None {
			return nil
		}
		return s.sessions.Renew(ctx, tx, person)
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
