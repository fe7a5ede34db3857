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
func (s store) setPassword(ctx context.Context, e audit.Entry, hash, but, network string, may func(account.Person) error) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		p, err := account.ReadPerson(ctx, tx, e.Object)
		if err != nil {
			return err
		}
		if err := may(p); err != nil {
			return err
		}
		if err := putPassword(ctx, tx, p.ID, hash); err != nil {
			return err
		}
		const forget = `DELETE FROM known_address WHERE person = ? AND address <> ?`
		if _, err := tx.Exec(ctx, forget, p.ID, network); err != nil {
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

func putPassword(ctx context.Context, tx *sqlite.Tx, person, hash string) error {
	const put = `INSERT INTO password (person, hash, changed) VALUES (?, ?, ?)
		ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, changed = excluded.changed`
	if _, err := tx.Exec(ctx, put, person, hash, tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("store password: %w", err)
	}
	return nil
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
	return p, putPassword(ctx, tx, p.ID, hash)
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
