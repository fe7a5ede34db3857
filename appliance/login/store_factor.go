package login

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

func (s store) factors(ctx context.Context, person string, now time.Time) (factors, error) {
	const read = `SELECT coalesce((SELECT created FROM totp WHERE person = ?1 AND confirmed = 1), 0),
		(SELECT count(*) FROM passkey WHERE person = ?1 AND copied = 0),
		(SELECT count(*) FROM recovery_code WHERE person = ?1), (SELECT count(*) FROM trusted_device WHERE person = ?1 AND expires > ?2)`
	var f factors
	var since int64
	err := s.db.Read().QueryRowContext(ctx, read, person, now.UnixMilli()).Scan(&since, &f.passkeys, &f.recovery, &f.devices)
	if since > 0 {
		f.totp, f.since = true, time.UnixMilli(since).UTC()
	}
	if !f.any() {
		f.recovery = 0
	}
	return f, err
}

// secretOf is the sealed secret of a person's app and the last step used; nil
// where there is none that is, or is not yet, in force.
func (s store) secretOf(ctx context.Context, person string, confirmed bool) ([]byte, int64, error) {
	var sealed []byte
	var step int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT secret, step FROM totp WHERE person = ? AND confirmed = ?`, person, confirmed).Scan(&sealed, &step)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, nil
	}
	return sealed, step, err
}

// useStep uses a time step up; false when it, or a later one, was used before.
func (s store) useStep(ctx context.Context, person string, step int64) (bool, error) {
	return s.one(ctx, nil, `UPDATE totp SET step = ? WHERE person = ? AND confirmed = 1 AND step < ?`, step, person, step)
}

// useRecovery uses a recovery code up; false when there is none.
func (s store) useRecovery(ctx context.Context, person string, mark []byte) (bool, error) {
	e := audit.Entry{Act: "factor.recovery-used", ObjectKind: "person", Object: person}
	return s.one(ctx, &e, `DELETE FROM recovery_code WHERE person = ? AND code = ?`, person, mark)
}

// one runs a statement that meets one row or none, and records it if it met one.
func (s store) one(ctx context.Context, e *audit.Entry, statement string, args ...any) (bool, error) {
	met := false
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		done, err := tx.Exec(ctx, statement, args...)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		met = n > 0
		if err != nil || !met || e == nil {
			return err
		}
		return s.audit.Record(ctx, tx, *e)
	})
	return met, err
}

// beginTOTP keeps a secret that is not in force yet. One that is stays in force
// until the new one is.
func (s store) beginTOTP(ctx context.Context, person string, sealed []byte) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const put = `INSERT INTO totp (person, secret, confirmed, step, created) VALUES (?, ?, 0, 0, ?)
			ON CONFLICT (person) DO UPDATE SET secret = excluded.secret, created = excluded.created, step = 0 WHERE confirmed = 0`
		done, err := tx.Exec(ctx, put, person, sealed, tx.Now.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return factorThere()
	})
}

// confirmTOTP puts the secret in force.
func (s store) confirmTOTP(ctx context.Context, person, session string, step int64, marks [][]byte) (first bool, err error) {
	err = s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE totp SET confirmed = 1, step = ? WHERE person = ?`, step, person); err != nil {
			return err
		}
		const others = `SELECT NOT EXISTS (SELECT 1 FROM passkey WHERE person = ? AND copied = 0)`
		if err := tx.QueryRow(ctx, others, person).Scan(&first); err != nil {
			return err
		}
		return s.factorAdded(ctx, tx, person, session, methodTOTP, first, marks)
	})
	return first, err
}

// factorAdded is what every new second step comes with: recovery codes with the
// first one, the person's other sessions signed out, and nothing held back any
// more for want of it.
func (s store) factorAdded(ctx context.Context, tx *sqlite.Tx, person, session, method string, first bool, marks [][]byte) error {
	if _, err := tx.Exec(ctx, `DELETE FROM factor_due WHERE person = ?`, person); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE session SET enrol = 0, proved = ? WHERE id = ? AND owner = ?`, tx.Now.UnixMilli(), session, person); err != nil {
		return err
	}
	if first {
		if err := putMarks(ctx, tx, person, marks); err != nil {
			return err
		}
	}
	if err := s.dropOthers(ctx, tx, person, session); err != nil {
		return err
	}
	return s.audit.Record(ctx, tx, audit.Entry{Act: "factor.add", ObjectKind: "person", Object: person, Detail: map[string]any{"method": method}})
}

// dropOthers ends the person's sessions but one.
func (s store) dropOthers(ctx context.Context, tx *sqlite.Tx, person, but string) error {
	others, err := s.of(ctx, tx, person, but)
	if err != nil {
		return err
	}
	return s.remove(ctx, tx, others)
}

func putMarks(ctx context.Context, tx *sqlite.Tx, person string, marks [][]byte) error {
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_code WHERE person = ?`, person); err != nil {
		return err
	}
	for _, mark := range marks {
		if _, err := tx.Exec(ctx, `INSERT INTO recovery_code (person, code) VALUES (?, ?)`, person, mark); err != nil {
			return err
		}
	}
	return nil
}

func (s store) putRecovery(ctx context.Context, person string, marks [][]byte) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := putMarks(ctx, tx, person, marks); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "factor.recovery", ObjectKind: "person", Object: person})
	})
}

// endFactors takes all factors of the entry's object away and ends its sessions.
func (s store) endFactors(ctx context.Context, e audit.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, statement := range []string{`DELETE FROM totp WHERE person = ?`, `DELETE FROM passkey WHERE person = ?`} {
			if _, err := tx.Exec(ctx, statement, e.Object); err != nil {
				return err
			}
		}
		if err := withoutFactor(ctx, tx, e.Object); err != nil {
			return err
		}
		if err := s.dropOthers(ctx, tx, e.Object, ""); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, e)
	})
}

// endTOTP takes the app of a person away and ends its sessions but one.
func (s store) endTOTP(ctx context.Context, person, but string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM totp WHERE person = ?`, person); err != nil {
			return err
		}
		return s.factorRemoved(ctx, tx, person, but, methodTOTP)
	})
}

// factorRemoved is what follows when a second step is taken away.
func (s store) factorRemoved(ctx context.Context, tx *sqlite.Tx, person, but, method string) error {
	if err := withoutFactor(ctx, tx, person); err != nil {
		return err
	}
	if err := s.dropOthers(ctx, tx, person, but); err != nil {
		return err
	}
	return s.audit.Record(ctx, tx, audit.Entry{Act: "factor.remove", ObjectKind: "person", Object: person, Detail: map[string]any{"method": method}})
}

// withoutFactor forgets recovery codes and trusted devices of a person who has no
// second step left.
func withoutFactor(ctx context.Context, tx *sqlite.Tx, person string) error {
	const left = ` WHERE person = ?1 AND NOT EXISTS (SELECT 1 FROM totp WHERE person = ?1 AND confirmed = 1)
		AND NOT EXISTS (SELECT 1 FROM passkey WHERE person = ?1 AND copied = 0)`
	for _, statement := range []string{`DELETE FROM recovery_code` + left, `DELETE FROM trusted_device` + left} {
		if _, err := tx.Exec(ctx, statement, person); err != nil {
			return err
		}
	}
	return nil
}

func (s store) trusted(ctx context.Context, person string, token []byte, now time.Time) (bool, error) {
	var is bool
	err := s.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM trusted_device WHERE token = ? AND person = ? AND expires > ?)`, token, person, now.UnixMilli()).Scan(&is)
	return is, err
}

func (s store) trust(ctx context.Context, person string, token []byte, agent string, until time.Time) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM trusted_device WHERE expires <= ?`, tx.Now.UnixMilli()); err != nil {
			return err
		}
		const insert = `INSERT INTO trusted_device (token, person, agent, created, expires) VALUES (?, ?, ?, ?, ?)`
		if _, err := tx.Exec(ctx, insert, token, person, readable(agent), tx.Now.UnixMilli(), until.UnixMilli()); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "factor.trust", ObjectKind: "person", Object: person})
	})
}

func (s store) forgetDevices(ctx context.Context, person string) error {
	e := audit.Entry{Act: "factor.forget-devices", ObjectKind: "person", Object: person}
	_, err := s.one(ctx, &e, `DELETE FROM trusted_device WHERE person = ?`, person)
	return err
}

// due is since when the person should have a second factor; the first time that
// is asked is now.
func (s store) due(ctx context.Context, person string) (time.Time, error) {
	var since int64
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT OR IGNORE INTO factor_due (person, since) VALUES (?, ?)`, person, tx.Now.UnixMilli()); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT since FROM factor_due WHERE person = ?`, person).Scan(&since)
	})
	return time.UnixMilli(since).UTC(), err
}

// proved notes that whoever holds the session proved once more who it is.
func (s store) proved(ctx context.Context, session, person string) error {
	e := audit.Entry{Act: "login.prove", ObjectKind: "session", Object: session}
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE session SET proved = ? WHERE id = ? AND owner = ?`, tx.Now.UnixMilli(), session, person); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, e)
	})
}
