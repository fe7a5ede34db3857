package login

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

const keyColumns = `id, workspace, owner, name, scopes, created, expires, used, address`

func scanKey(scan func(...any) error) (apiKey, error) {
	var k apiKey
	var scopes string
	var created, expires, used int64
	err := scan(&k.id, &k.workspace, &k.owner, &k.name, &scopes, &created, &expires, &used, &k.address)
	k.scopes = strings.Fields(scopes)
	k.created, k.expires, k.used = time.UnixMilli(created).UTC(), time.UnixMilli(expires).UTC(), time.UnixMilli(used).UTC()
	return k, err
}

func (s store) keyByToken(ctx context.Context, digest []byte) (apiKey, error) {
	const read = `SELECT ` + keyColumns + ` FROM api_key WHERE token = ?`
	k, err := scanKey(s.db.Read().QueryRowContext(ctx, read, digest).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return apiKey{}, keyOver()
	}
	return k, err
}

// keysOf lists the keys of a person, expired ones too, newest first.
func (s store) keysOf(ctx context.Context, person string) ([]apiKey, error) {
	const list = `SELECT ` + keyColumns + ` FROM api_key WHERE owner = ? ORDER BY created DESC, id DESC LIMIT ?`
	rows, err := s.db.Read().QueryContext(ctx, list, person, maxKeys)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []apiKey
	for rows.Next() {
		k, err := scanKey(rows.Scan)
		if err != nil {
			return nil, err
		}
		found = append(found, k)
	}
	return found, rows.Err()
}

// addKey stores a key. Expired ones make room before anybody is told that there
// are too many.
func (s store) addKey(ctx context.Context, k apiKey, digest []byte) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		p, err := account.ReadPerson(ctx, tx, k.owner)
		if err != nil {
			return err
		}
		if p.Disabled {
			return notSignedIn()
		}
		var n int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM api_key WHERE owner = ?`, k.owner).Scan(&n); err != nil {
			return err
		}
		if n >= maxKeys {
			if _, err := tx.Exec(ctx, `DELETE FROM api_key WHERE owner = ? AND expires <= ?`, k.owner, tx.Now.UnixMilli()); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, `SELECT count(*) FROM api_key WHERE owner = ?`, k.owner).Scan(&n); err != nil {
				return err
			}
		}
		if n >= maxKeys {
			return fault.New(fault.Conflict, "There are %d keys already.", maxKeys).Code("too-many-keys").Cure("Revoke one that is not used any more.")
		}
		const insert = `INSERT INTO api_key (id, workspace, owner, token, name, scopes, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
		if _, err := tx.Exec(ctx, insert, k.id, k.workspace, k.owner, digest, k.name, strings.Join(k.scopes, " "), k.created.UnixMilli(), k.expires.UnixMilli()); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "key.add", ObjectKind: "key", Object: k.id,
			Detail: map[string]any{"person": k.owner, "scopes": strings.Join(k.scopes, "+"), "expires": k.expires}})
	})
}

// endKey removes a key of the person and ends its streams once that is on disk.
func (s store) endKey(ctx context.Context, e audit.Entry, person string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		done, err := tx.Exec(ctx, `DELETE FROM api_key WHERE id = ? AND owner = ?`, e.Object, person)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "There is no such key.")
		}
		tx.AfterCommit(func() { s.revoked(keySession(e.Object)) })
		e.Detail = map[string]any{"person": person}
		return s.audit.Record(ctx, tx, e)
	})
}

// cutKeys ends the streams of a person's keys once the caller's transaction is on
// disk. Whether a key is good is asked of its person with every request.
func (s store) cutKeys(ctx context.Context, tx *sqlite.Tx, person string) error {
	all, err := ids(ctx, tx, `SELECT id FROM api_key WHERE owner = ?`, person)
	for _, id := range all {
		tx.AfterCommit(func() { s.revoked(keySession(id)) })
	}
	return err
}

func (s store) touchKey(ctx context.Context, id, address string, now time.Time) error {
	return s.db.Update(sqlite.Aside(ctx), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE api_key SET used = ?, address = ? WHERE id = ? AND used <= ?`, now.UnixMilli(), address, id, now.UnixMilli())
		return err
	})
}
