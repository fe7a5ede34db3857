package model

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/sqlite"
)

const serverColumns = `id, workspace, owner, name, kind, url, ca, token, slots, enabled, flavour, version, created, changed`

func scanServer(row scanner) (Server, error) {
	var s Server
	var kind string
	var created, changed int64
	err := row.Scan(&s.ID, &s.Workspace, &s.Owner, &s.Name, &kind, &s.URL, &s.CA, &s.sealed, &s.Slots, &s.Enabled, &s.Flavour, &s.Version, &created, &changed)
	s.Kind, s.HasToken, s.Created, s.Changed = inference.Kind(kind), len(s.sealed) > 0, moment(created), moment(changed)
	return s, err
}

// servers lists all servers by name.
func (s store) servers(ctx context.Context) ([]Server, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+serverColumns+` FROM server ORDER BY fold LIMIT ?`, maxServers)
	if err != nil {
		return nil, fmt.Errorf("list servers: %w", err)
	}
	defer rows.Close()
	var list []Server
	for rows.Next() {
		one, err := scanServer(rows)
		if err != nil {
			return nil, fmt.Errorf("list servers: %w", err)
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

func (s store) server(ctx context.Context, id string) (Server, error) {
	one, err := scanServer(s.db.Read().QueryRowContext(ctx, `SELECT `+serverColumns+` FROM server WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Server{}, noServer(id)
	}
	return one, err
}

// addServer writes a new server, unless there are too many or its name is taken.
func (s store) addServer(ctx context.Context, n Server) (Server, error) {
	const insert = `INSERT INTO server (id, workspace, owner, name, fold, kind, url, ca, token, slots, enabled, created, changed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var all int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM server`).Scan(&all); err != nil {
			return err
		}
		if all >= maxServers {
			return fault.New(fault.Conflict, "There are %d model servers already, and no more can be added.", maxServers).Cure("Remove one that is not used.")
		}
		if err := nameFree(ctx, tx, n); err != nil {
			return err
		}
		now := tx.Now.UnixMilli()
		if _, err := tx.Exec(ctx, insert, n.ID, n.Workspace, n.Owner, n.Name, foldName(n.Name), string(n.Kind), n.URL, n.CA, n.sealed, n.Slots, n.Enabled, now, now); err != nil {
			return fmt.Errorf("insert server: %w", err)
		}
		n.Created, n.Changed = tx.Now.UTC().Truncate(time.Millisecond), tx.Now.UTC().Truncate(time.Millisecond)
		return s.audit.Record(ctx, tx, serverEntry("server.add", n))
	})
	return n, err
}

func nameFree(ctx context.Context, tx *sqlite.Tx, n Server) error {
	var taken bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM server WHERE fold = ? AND id <> ?)`, foldName(n.Name), n.ID).Scan(&taken); err != nil {
		return err
	}
	if taken {
		const sentence = "Another model server has this name."
		return fault.New(fault.Conflict, "%s", sentence).Code("name-taken").Cure("Choose another name.").With(fault.Detail{Field: "body.name", Sentence: sentence})
	}
	return nil
}

// changeServer writes what differs between before and after, unless somebody
// else has changed or removed the server meanwhile.
func (s store) changeServer(ctx context.Context, before, after Server) (Server, error) {
	const update = `UPDATE server SET name = ?, fold = ?, url = ?, ca = ?, token = ?, slots = ?, enabled = ?, changed = ? WHERE id = ?`
	entry := serverEntry("server.change", after)
	entry.Detail["changed"] = differences(before, after)
	if len(differences(before, after)) == 0 {
		return before, nil
	}
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := nameFree(ctx, tx, after); err != nil {
			return err
		}
		done, err := tx.Exec(ctx, update, after.Name, foldName(after.Name), after.URL, after.CA, after.sealed, after.Slots, after.Enabled, tx.Now.UnixMilli(), after.ID)
		if err := touched(done, err, noServer(after.ID)); err != nil {
			return err
		}
		after.Changed = tx.Now.UTC().Truncate(time.Millisecond)
		return s.audit.Record(ctx, tx, entry)
	})
	return after, err
}

// removeServer takes a server away with its places, and models that are then on
// no server and that nobody ever changed. Others stay, because access rules must
// outlive a server.
func (s store) removeServer(ctx context.Context, id string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		gone, err := scanServer(tx.QueryRow(ctx, `SELECT `+serverColumns+` FROM server WHERE id = ?`, id))
		if errors.Is(err, sql.ErrNoRows) {
			return noServer(id)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM server WHERE id = ?`, id); err != nil {
			return fmt.Errorf("remove server: %w", err)
		}
		if err := forget(ctx, tx); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, serverEntry("server.remove", gone))
	})
}

// forget removes the models that are on no server and that nobody changed.
func forget(ctx context.Context, tx *sqlite.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM model WHERE changed = 0 AND NOT EXISTS (SELECT 1 FROM model_place AS p WHERE p.model = model.id)`)
	return err
}

// said writes what a server says it is.
func (s store) said(ctx context.Context, id, flavour, version string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE server SET flavour = ?, version = ? WHERE id = ?`, flavour, version, id)
		return err
	})
}

// slots are how many answers each server says it writes at a time; where its
// models differ, the fewest.
func (s store) slots(ctx context.Context) (map[string]int, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT server, min(slots) FROM model_place WHERE slots > 0 AND gone = 0 GROUP BY server`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	told := map[string]int{}
	for rows.Next() {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		told[id] = n
	}
	return told, rows.Err()
}

// acted records an act that changes a server and nothing here.
func (s store) acted(ctx context.Context, e audit.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return s.audit.Record(ctx, tx, e) })
}

// touched is missing when a statement met no row.
func touched(done sql.Result, err, missing error) error {
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	if err == nil && n == 0 {
		return missing
	}
	return err
}
