package login

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

const passkeyColumns = `id, person, name, credential, created, used, copied`

func scanPasskey(scan func(...any) error) (passkey, error) {
	var k passkey
	var credential string
	var created, used int64
	if err := scan(&k.id, &k.person, &k.name, &credential, &created, &used, &k.copied); err != nil {
		return passkey{}, err
	}
	k.created, k.used = time.UnixMilli(created).UTC(), time.UnixMilli(used).UTC()
	return k, json.Unmarshal([]byte(credential), &k.credential)
}

// passkeys lists the passkeys of a person, oldest first.
func (s store) passkeys(ctx context.Context, person string) ([]passkey, error) {
	const list = `SELECT ` + passkeyColumns + ` FROM passkey WHERE person = ? ORDER BY created, id LIMIT ?`
	rows, err := s.db.Read().QueryContext(ctx, list, person, maxPasskeys)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []passkey
	for rows.Next() {
		k, err := scanPasskey(rows.Scan)
		if err != nil {
			return nil, err
		}
		found = append(found, k)
	}
	return found, rows.Err()
}

func (s store) passkeyOf(ctx context.Context, handle []byte) (passkey, error) {
	const read = `SELECT ` + passkeyColumns + ` FROM passkey WHERE handle = ?`
	k, err := scanPasskey(s.db.Read().QueryRowContext(ctx, read, handle).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return passkey{}, noPasskey()
	}
	return k, err
}

func noPasskey() error { return fault.New(fault.NotFound, "There is no such passkey.") }

// addPasskey keeps a passkey; first tells that the person had no second step.
func (s store) addPasskey(ctx context.Context, k passkey, session string, marks [][]byte) (first bool, err error) {
	credential, err := json.Marshal(k.credential)
	if err != nil {
		return false, err
	}
	err = s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var there int
		var taken bool
		const count = `SELECT (SELECT count(*) FROM passkey WHERE person = ?1), EXISTS (SELECT 1 FROM passkey WHERE handle = ?2),
			NOT EXISTS (SELECT 1 FROM passkey WHERE person = ?1 AND copied = 0) AND NOT EXISTS (SELECT 1 FROM totp WHERE person = ?1 AND confirmed = 1)`
		if err := tx.QueryRow(ctx, count, k.person, k.credential.ID).Scan(&there, &taken, &first); err != nil {
			return err
		}
		switch {
		case taken:
			return fault.New(fault.Conflict, "This passkey is here already.").Code("passkey-there").Cure("Use another device.")
		case there >= maxPasskeys:
			return tooManyPasskeys()
		}
		const insert = `INSERT INTO passkey (id, person, handle, name, credential, created) VALUES (?, ?, ?, ?, ?, ?)`
		if _, err := tx.Exec(ctx, insert, k.id, k.person, k.credential.ID, k.name, string(credential), k.created.UnixMilli()); err != nil {
			return err
		}
		return s.factorAdded(ctx, tx, k.person, session, methodPasskey, first, marks)
	})
	return first, err
}

// usePasskey keeps the counter of a passkey that was used. Of two answers with
// the same counter the second one is refused here.
func (s store) usePasskey(ctx context.Context, k passkey) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return usePasskey(ctx, tx, k) })
}

func usePasskey(ctx context.Context, tx *sqlite.Tx, k passkey) error {
	now, err := scanPasskey(tx.QueryRow(ctx, `SELECT `+passkeyColumns+` FROM passkey WHERE id = ?`, k.id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return notAccepted(nil)
	}
	if err != nil {
		return err
	}
	if counter := k.credential.Authenticator.SignCount; now.copied || counter > 0 && counter <= now.credential.Authenticator.SignCount {
		return notAccepted(nil)
	}
	credential, err := json.Marshal(k.credential)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE passkey SET credential = ?, used = ? WHERE id = ?`, string(credential), tx.Now.UnixMilli(), k.id)
	return err
}

// markCopied closes a passkey for good.
func (s store) markCopied(ctx context.Context, k passkey) error {
	e := audit.Entry{Act: "factor.copied", ObjectKind: "person", Object: k.person, Outcome: audit.Refused, Detail: map[string]any{"passkey": k.id}}
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE passkey SET copied = 1 WHERE id = ?`, k.id); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, e)
	})
}

// beginByPasskey stores a session that a passkey alone has opened.
func (s store) beginByPasskey(ctx context.Context, n session, digest []byte, network string, k passkey) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		p, err := account.ReadPerson(ctx, tx, n.owner)
		if err != nil {
			return err
		}
		if p.Disabled {
			return notSignedIn()
		}
		if err := usePasskey(ctx, tx, k); err != nil {
			return err
		}
		e := audit.Entry{Act: "login.signin", ObjectKind: "person", Object: n.owner, Detail: map[string]any{"by": methodPasskey}}
		return s.insert(ctx, tx, n, digest, network, e)
	})
}

func (s store) namePasskey(ctx context.Context, person, id, name string) error {
	e := audit.Entry{Act: "factor.rename", ObjectKind: "person", Object: person, Detail: map[string]any{"passkey": id}}
	met, err := s.one(ctx, &e, `UPDATE passkey SET name = ? WHERE id = ? AND person = ?`, name, id, person)
	if err == nil && !met {
		return noPasskey()
	}
	return err
}

func (s store) endPasskey(ctx context.Context, person, id, but string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		done, err := tx.Exec(ctx, `DELETE FROM passkey WHERE id = ? AND person = ?`, id, person)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noPasskey())
		}
		return s.factorRemoved(ctx, tx, person, but, methodPasskey)
	})
}
