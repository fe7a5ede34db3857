package account

import (
	"context"
	"fmt"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

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
			if _, found := slices.BinarySearch(people, person); found { // sorted by SetGroup
				continue
			}
			if _, err := tx.Exec(ctx, remove, e.Object, person); err != nil {
				return err
			}
			touched++
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
		}
		if touched == 0 {
			return nil
		}
		return s.audit.Record(ctx, tx, e)
	})
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
		const remove = `DELETE FROM "group" WHERE id = ?`
		if _, err := tx.Exec(ctx, remove, e.Object); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, e)
	})
}
