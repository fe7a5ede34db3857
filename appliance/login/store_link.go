package login

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// Invite makes a link for a person of the caller's transaction.
func (l *Logins) Invite(ctx context.Context, tx *sqlite.Tx, person string) (string, error) {
	token := base64.RawURLEncoding.EncodeToString(random(32))
	if err := putLink(ctx, tx, digest(token), person, tx.Now.Add(linkLife)); err != nil {
		return "", err
	}
	return l.base() + linkPath + token, nil
}

func putLink(ctx context.Context, tx *sqlite.Tx, digest []byte, person string, until time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM password_link WHERE person = ? OR expires <= ?`, person, tx.Now.UnixMilli()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO password_link (token, person, expires) VALUES (?, ?, ?)`, digest, person, until.UnixMilli())
	return err
}

func (s store) link(ctx context.Context, e audit.Entry, digest []byte, until time.Time, may func(account.Person) error) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		p, err := account.ReadPerson(ctx, tx, e.Object)
		if err != nil {
			return err
		}
		if err := may(p); err != nil {
			return err
		}
		if err := putLink(ctx, tx, digest, p.ID, until); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, e)
	})
}

// linked is the person whom a link belongs to.
func (s store) linked(ctx context.Context, digest []byte, now time.Time) (string, error) {
	var person string
	err := s.db.Read().QueryRowContext(ctx, `SELECT person FROM password_link WHERE token = ? AND expires > ?`, digest, now.UnixMilli()).Scan(&person)
	if errors.Is(err, sql.ErrNoRows) {
		return "", linkOver()
	}
	return person, err
}

// useLink sets the password of the entry's object, if the link is still there.
func (s store) useLink(ctx context.Context, e audit.Entry, digest []byte, hash string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		done, err := tx.Exec(ctx, `DELETE FROM password_link WHERE token = ? AND person = ?`, digest, e.Object)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, linkOver())
		}
		p, err := account.ReadPerson(ctx, tx, e.Object)
		if err != nil {
			return err
		}
		if err := changeable(p); err != nil {
			return err
		}
		if err := putPassword(ctx, tx, p.ID, hash, false); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM known_address WHERE person = ?`, p.ID); err != nil {
			return err
		}
		all, err := s.of(ctx, tx, p.ID, "")
		if err != nil {
			return err
		}
		if err := s.remove(ctx, tx, all); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, e)
	})
}
