package scim

import (
	"context"
	"fmt"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

const maxClients = 50

func (s store) clients(ctx context.Context) ([]Client, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+clientColumns+` FROM scim_client ORDER BY name LIMIT ?`, maxClients)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Client{}
	for rows.Next() {
		c, err := scanClient(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func (s store) addClient(ctx context.Context, c Client, token []byte) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var count int
		var taken bool
		if err := tx.QueryRow(ctx, `SELECT count(*), coalesce(max(name = ?), 0) FROM scim_client`, c.Name).Scan(&count, &taken); err != nil {
			return err
		}
		switch {
		case taken:
			const sentence = "Another SCIM client has this name."
			return fault.New(fault.Conflict, "%s", sentence).Code("name-taken").Cure("Choose another name.").With(fault.Detail{Field: "body.name", Sentence: sentence})
		case count >= maxClients:
			return fault.New(fault.Conflict, "There are %d SCIM clients already, and no more can be added.", count).Cure("Remove one that is not used.")
		}
		const insert = `INSERT INTO scim_client (id, workspace, owner, name, token, role, created) VALUES (?, ?, ?, ?, ?, ?, ?)`
		if _, err := tx.Exec(ctx, insert, c.ID, c.Workspace, c.Owner, c.Name, token, c.Role, tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("insert SCIM client: %w", err)
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "scim.add", ObjectKind: "scim-client", Object: c.ID})
	})
}

// renew gives a client another token; the old one ends.
func (s store) renew(ctx context.Context, id string, token []byte) (Client, error) {
	var c Client
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) (err error) {
		if c, err = scanClient(tx.QueryRow(ctx, `SELECT `+clientColumns+` FROM scim_client WHERE id = ?`, id).Scan); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE scim_client SET token = ? WHERE id = ?`, token, id); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "scim.token", ObjectKind: "scim-client", Object: id})
	})
	return c, err
}

// removeClient takes a client away. Its people stay, disabled; its groups stay.
func (s store) removeClient(ctx context.Context, accounts *account.Accounts, id string) (int, error) {
	people := 0
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := scanClient(tx.QueryRow(ctx, `SELECT `+clientColumns+` FROM scim_client WHERE id = ?`, id).Scan); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT id FROM scim_resource WHERE client = ? AND kind = 'User'`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		var list []string
		for rows.Next() {
			var person string
			if err := rows.Scan(&person); err != nil {
				return err
			}
			list = append(list, person)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		people = len(list)
		yes := true
		for _, person := range list {
			if _, err := accounts.Follow(ctx, tx, person, account.Followed{Disabled: &yes}); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM scim_client WHERE id = ?`, id); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "scim.remove", ObjectKind: "scim-client", Object: id, Detail: map[string]any{"people": people}})
	})
	return people, err
}

// EndAccess makes the tokens of all clients worthless: a restored directory may
// hold some that were renewed since. The clients stay and get a new one each.
func EndAccess(ctx context.Context, tx *sqlite.Tx) error {
	if _, err := tx.Exec(ctx, `UPDATE scim_client SET token = randomblob(32)`); err != nil {
		return fmt.Errorf("end all access: %w", err)
	}
	return nil
}
