package transfer

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/login"
	"chatets/appliance/sqlite"
)

// Config is what Transfers need.
type Config struct {
	DB       *sqlite.DB
	Audit    *audit.Log
	Accounts *account.Accounts
	Logins   *login.Logins
	Notify   func(workspace, person, noun, id string)
	Log      *slog.Logger
}

// New returns the transfers of a migrated database.
func New(c Config) *Transfers {
	return &Transfers{store: store{db: c.DB, audit: c.Audit, logins: c.Logins}, accounts: c.Accounts, notify: c.Notify, log: c.Log}
}

// store is all SQL of transfers.
type store struct {
	db     *sqlite.DB
	audit  *audit.Log
	logins *login.Logins
}

func noWorkspace(name string) error {
	return fault.New(fault.Invalid, "There is no workspace %q.", name).With(fault.Detail{Field: "workspace"})
}

// foreign is somebody whom a directory or an identity system looks after.
func foreign() error {
	return fault.New(fault.Invalid, "The person comes from a directory, which says what becomes of them.").With(fault.Detail{Field: "email"})
}

// preview counts what take would do, and writes nothing.
func (s store) preview(ctx context.Context, place string, lines []Line, r *ImportResult) error {
	for _, l := range lines {
		if l.Workspace != "" {
			var id string
			err := s.db.Read().QueryRowContext(ctx, `SELECT id FROM workspace WHERE fold = ?`, account.Fold(l.Workspace)).Scan(&id)
			if errors.Is(err, sql.ErrNoRows) {
				r.problem(l.Number, noWorkspace(l.Workspace))
				continue
			}
			if err != nil {
				return err
			}
		}
		var source string
		err := s.db.Read().QueryRowContext(ctx, `SELECT source FROM person WHERE email = ?`, l.Email).Scan(&source)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			r.Added++
		case err != nil:
			return err
		case source != account.Local:
			r.problem(l.Number, foreign())
		default:
			r.Existing++
		}
	}
	return nil
}

// take writes lines in one transaction and returns the ids of the people that
// are new.
func (s store) take(ctx context.Context, accounts *account.Accounts, place string, lines []Line, o Options, r *ImportResult) ([]string, error) {
	var got ImportResult
	var ids []string
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		got, ids = ImportResult{}, nil // this function may run twice
		for _, l := range lines {
			id, link, err := s.one(ctx, tx, accounts, place, l, o.Invite && len(r.Invitations)+len(got.Invitations) < maxLinks)
			switch {
			case fault.Is(err, fault.Invalid):
				got.problem(l.Number, err)
				continue
			case err != nil:
				return err
			case id == "":
				got.Existing++
				continue
			}
			got.Added++
			ids = append(ids, id)
			if link != "" {
				got.Invitations = append(got.Invitations, Invitation{Email: l.Email, Link: link})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.Added += got.Added
	r.Existing += got.Existing
	r.Failed += got.Failed
	r.Problems = append(r.Problems, got.Problems...)
	r.Invitations = append(r.Invitations, got.Invitations...)
	return ids, nil
}

// one writes one person; id is "" for somebody who was here already.
func (s store) one(ctx context.Context, tx *sqlite.Tx, accounts *account.Accounts, place string, l Line, invite bool) (id, link string, err error) {
	if l.Workspace != "" {
		err := tx.QueryRow(ctx, `SELECT id FROM workspace WHERE fold = ?`, account.Fold(l.Workspace)).Scan(&place)
		if errors.Is(err, sql.ErrNoRows) {
			return "", "", noWorkspace(l.Workspace)
		}
		if err != nil {
			return "", "", err
		}
	}
	var person, source string
	err = tx.QueryRow(ctx, `SELECT id, source FROM person WHERE email = ?`, l.Email).Scan(&person, &source)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		role := actor.None
		if l.Admin {
			role = actor.Admin
		}
		p, err := account.InsertPerson(ctx, tx, account.NewPerson{Email: l.Email, Name: l.Name, Role: role})
		if err != nil {
			return "", "", err
		}
		id, person = p.ID, p.ID
		e := audit.Entry{Act: "person.add", ObjectKind: "person", Object: id, Workspace: place, Detail: map[string]any{"role": string(role), "workspaceRole": string(l.Role), "by": "import"}}
		if err := s.audit.Record(ctx, tx, e); err != nil {
			return "", "", err
		}
		if invite {
			if link, err = s.logins.Invite(ctx, tx, id); err != nil {
				return "", "", err
			}
		}
	case err != nil:
		return "", "", err
	case source != account.Local:
		return "", "", foreign()
	}
	if err := accounts.JoinLocal(ctx, tx, place, person, l.Role, l.Groups); err != nil {
		return "", "", err
	}
	return id, link, nil
}

// undo removes people whom a file that failed has added a moment ago; nothing
// belongs to them yet.
func (s store) undo(ctx context.Context, ids []string) error {
	for len(ids) > 0 {
		part := ids[:min(batch, len(ids))]
		ids = ids[len(part):]
		err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			for _, id := range part {
				if _, err := tx.Exec(ctx, `DELETE FROM person WHERE id = ?`, id); err != nil {
					return err
				}
				if err := s.audit.Record(ctx, tx, audit.Entry{Act: "person.import-undone", ObjectKind: "person", Object: id}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
