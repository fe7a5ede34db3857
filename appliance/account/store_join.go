package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// Fold is the form in which names of workspaces and groups are compared: without
// case and accents.
func Fold(name string) string { return fold(name) }

// JoinLocal makes a person a member of a workspace with the role, unless the
// person is one already, and puts the person into groups by name, which are made
// where they are not there.
func (a *Accounts) JoinLocal(ctx context.Context, tx *sqlite.Tx, workspace, person string, role actor.Role, groups []string) error {
	const join = `INSERT OR IGNORE INTO membership (workspace, person, role, created) VALUES (?, ?, ?, ?)`
	done, err := tx.Exec(ctx, join, workspace, person, role, tx.Now.UnixMilli())
	if err != nil {
		return fmt.Errorf("insert membership: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil {
		return err
	} else if n > 0 {
		e := audit.Entry{Act: "membership.set", ObjectKind: "person", Object: person, Workspace: workspace, Detail: map[string]any{"from": "", "to": string(role)}}
		if err := a.audit.Record(ctx, tx, e); err != nil {
			return err
		}
	}
	for _, name := range groups {
		var id string
		err := tx.QueryRow(ctx, `SELECT id FROM "group" WHERE workspace = ? AND fold = ?`, workspace, fold(name)).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			id = newID()
			const insert = `INSERT INTO "group" (id, workspace, owner, name, fold, created) VALUES (?, ?, ?, ?, ?, ?)`
			if _, err := tx.Exec(ctx, insert, id, workspace, actor.From(ctx).ID, name, fold(name), tx.Now.UnixMilli()); err != nil {
				return fmt.Errorf("insert group: %w", err)
			}
			err = a.audit.Record(ctx, tx, audit.Entry{Act: "group.add", ObjectKind: "group", Object: id, Workspace: workspace})
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT OR IGNORE INTO group_member ("group", workspace, person) VALUES (?, ?, ?)`, id, workspace, person); err != nil {
			return err
		}
	}
	return nil
}
