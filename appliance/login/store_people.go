package login

import (
	"context"
	"fmt"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// setPassword stores a new password of the entry's object and ends the person's
// sessions but one. Only the network it was changed from stays known.
func (s store) setPassword(ctx context.Context, e audit.Entry, hash string, must bool, but, network string, may func(account.Person) error) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		p, err := account.ReadPerson(ctx, tx, e.Object)
		if err != nil {
			return err
		}
		if err := may(p); err != nil {
			return err
		}
		if err := putPassword(ctx, tx, p.ID, hash, must); err != nil {
			return err
		}
		const forget = `DELETE FROM known_address WHERE person = ? AND address <> ?`
		if _, err := tx.Exec(ctx, forget, p.ID, network); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE session SET must = 0 WHERE id = ? AND owner = ?`, but, p.ID); err != nil {
			return err
		}
		others, err := s.of(ctx, tx, p.ID, but)
		if err != nil {
			return err
		}
		if err := s.remove(ctx, tx, others); err != nil {
			return err
		}
		e.Detail = map[string]any{"sessions": len(others)}
		return s.audit.Record(ctx, tx, e)
	})
}

// putPassword stores a password; must tells that somebody else knows it, so that
// its person has to set another one first. The one before is kept among those
// that may not come back.
func putPassword(ctx context.Context, tx *sqlite.Tx, person, hash string, must bool) error {
	const keep = `INSERT OR REPLACE INTO password_past (person, changed, hash) SELECT person, changed, hash FROM password WHERE person = ?`
	if _, err := tx.Exec(ctx, keep, person); err != nil {
		return fmt.Errorf("keep past password: %w", err)
	}
	const forget = `DELETE FROM password_past WHERE person = ?1 AND changed NOT IN
		(SELECT changed FROM password_past WHERE person = ?1 ORDER BY changed DESC LIMIT ?2)`
	if _, err := tx.Exec(ctx, forget, person, maxPast); err != nil {
		return fmt.Errorf("forget past passwords: %w", err)
	}
	const put = `INSERT INTO password (person, hash, changed, must) VALUES (?, ?, ?, ?)
		ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, changed = excluded.changed, must = excluded.must`
	if _, err := tx.Exec(ctx, put, person, hash, tx.Now.UnixMilli(), must); err != nil {
		return fmt.Errorf("store password: %w", err)
	}
	return nil
}

// maxPast is how many past passwords are kept: as many as the setting allows.
const maxPast = 24

// pastPasswords are the hashes of the last passwords that were before.
func (s store) pastPasswords(ctx context.Context, person string, n int) ([]string, error) {
	if n == 0 {
		return nil, nil
	}
	const list = `SELECT hash FROM password_past WHERE person = ? ORDER BY changed DESC LIMIT ?`
	rows, err := s.db.Read().QueryContext(ctx, list, person, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var hashes []string
	for rows.Next() {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, rows.Err()
}

// add stores a person with a password and a membership.
func (s store) add(ctx context.Context, who actor.Actor, n newcomer, role actor.Role, hash string) (account.Person, error) {
	var p account.Person
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) (err error) {
		given := role // this function may run twice
		if role == actor.Admin {
			owned, err := account.HasOwner(ctx, tx)
			if err != nil {
				return err
			}
			if !owned && account.MayGive(who, actor.Owner) == nil {
				given = actor.Owner
			}
		}
		if p, err = insertPerson(ctx, tx, n, given, who.Workspace, hash); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "person.add", ObjectKind: "person", Object: p.ID,
			Detail: map[string]any{"role": string(given), "workspaceRole": string(n.workspaceRole)}})
	})
	return p, err
}

func insertPerson(ctx context.Context, tx *sqlite.Tx, n newcomer, role actor.Role, workspace, hash string) (account.Person, error) {
	p, err := account.InsertPerson(ctx, tx, account.NewPerson{Email: n.email, Name: n.name, Role: role})
	if err != nil {
		return account.Person{}, err
	}
	if workspace != "" {
		if err := account.InsertMember(ctx, tx, workspace, p.ID, n.workspaceRole); err != nil {
			return account.Person{}, err
		}
		p.WorkspaceRole = n.workspaceRole
	}
	if hash == "" { // a link follows
		return p, nil
	}
	return p, putPassword(ctx, tx, p.ID, hash, n.must)
}

// setUp makes the first owner and its session, if there is still no owner.
func (s store) setUp(ctx context.Context, n newcomer, hash string, opened session, digest []byte, network string) (session, account.Person, error) {
	var p account.Person
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		owned, err := account.HasOwner(ctx, tx)
		if err != nil {
			return err
		}
		if owned {
			return setupDone()
		}
		first, err := account.FirstWorkspace(ctx, tx)
		if err != nil {
			return err
		}
		n.workspaceRole = actor.Admin
		if p, err = insertPerson(ctx, tx, n, actor.Owner, first.ID, hash); err != nil {
			return err
		}
		opened.owner, opened.workspace = p.ID, first.ID
		ctx = actor.With(ctx, actorOf(ctx, opened, account.Member{Person: p, Workspace: first}))
		return s.insert(ctx, tx, opened, digest, network, audit.Entry{Act: "setup.finish", ObjectKind: "person", Object: p.ID})
	})
	return opened, p, err
}
