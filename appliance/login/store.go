package login

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Config is what Logins need.
type Config struct {
	DB       *sqlite.DB
	Audit    *audit.Log
	Accounts *account.Accounts
	Settings *setting.Settings
	Log      *slog.Logger
	Now      func() time.Time
	Keys     *secret.Keyring
	Base     func() string        // address of this server, for links; nil = links begin with their path
	Cost     Cost                 // zero = DefaultCost
	Revoked  func(session string) // told when a session's open streams must end; nil = nobody
}

// New opens the logins of a migrated database and tells the accounts who keeps
// their sessions.
func New(c Config) *Logins {
	if c.Base == nil {
		c.Base = func() string { return "" }
	}
	if c.Revoked == nil {
		c.Revoked = func(string) {}
	}
	l := &Logins{
		store:    store{db: c.DB, audit: c.Audit, revoked: c.Revoked},
		accounts: c.Accounts, audit: c.Audit, log: c.Log, now: c.Now,
		hashes: newHasher(c.Cost), throttle: newThrottle(c.Now), setup: newSetup(), touching: map[string]bool{}, keys: c.Keys, base: c.Base, tickets: map[string]*ticket{}, spent: map[string]int64{}, process: random(16),
	}
	l.declare(c.Settings)
	c.Accounts.UseSessions(l.store)
	return l
}

// store is all SQL of passwords and sessions.
type store struct {
	db      *sqlite.DB
	audit   *audit.Log
	revoked func(session string)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

const sessionColumns = `id, owner, workspace, created, seen, expires, address, agent, proved, enrol, must`

func scanSession(scan func(...any) error) (session, error) {
	var s session
	var created, seen, expires, proved int64
	err := scan(&s.id, &s.owner, &s.workspace, &created, &seen, &expires, &s.address, &s.agent, &proved, &s.enrol, &s.must)
	s.proved = time.UnixMilli(proved).UTC()
	s.created, s.seen, s.expires = time.UnixMilli(created).UTC(), time.UnixMilli(seen).UTC(), time.UnixMilli(expires).UTC()
	return s, err
}

func (s store) byToken(ctx context.Context, digest []byte) (session, error) {
	const read = `SELECT ` + sessionColumns + ` FROM session WHERE token = ?`
	found, err := scanSession(s.db.Read().QueryRowContext(ctx, read, digest).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return session{}, notSignedIn()
	}
	return found, err
}

func (s store) byID(ctx context.Context, id string) (session, error) {
	const read = `SELECT ` + sessionColumns + ` FROM session WHERE id = ?`
	found, err := scanSession(s.db.Read().QueryRowContext(ctx, read, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return session{}, notSignedIn()
	}
	return found, err
}

// secret is the stored hash of a person's password, "" without one, and whether
// the person has signed in from the network before.
func (s store) secret(ctx context.Context, person, network string) (hash string, known bool, err error) {
	const read = `SELECT coalesce((SELECT hash FROM password WHERE person = ?), ''),
		EXISTS (SELECT 1 FROM known_address WHERE person = ? AND address = ?)`
	err = s.db.Read().QueryRowContext(ctx, read, person, person, network).Scan(&hash, &known)
	return hash, known, err
}

// begin is what is written with a new session.
type begin struct {
	hash    string // the password hashed anew, "" to leave it
	stored  string // the hash that was checked
	network string // where the person has now signed in from
}

// Limits of what is kept for one person.
const (
	maxSessions = 100
	maxNetworks = 30
)

// begin stores a session that a password has opened.
func (s store) begin(ctx context.Context, n session, digest []byte, b begin) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		// The password may have been changed, or the person disabled, while this
		// one was checked.
		p, err := account.ReadPerson(ctx, tx, n.owner)
		if err != nil {
			return err
		}
		const read = `SELECT hash, must FROM password WHERE person = ?`
		var now string
		if err := tx.QueryRow(ctx, read, n.owner).Scan(&now, &n.must); err != nil {
			return err
		}
		if p.Disabled || now != b.stored {
			return notSignedIn()
		}
		if b.hash != "" {
			const update = `UPDATE password SET hash = ? WHERE person = ?`
			if _, err := tx.Exec(ctx, update, b.hash, n.owner); err != nil {
				return err
			}
		}
		return s.insert(ctx, tx, n, digest, b.network, audit.Entry{Act: "login.signin", ObjectKind: "person", Object: n.owner})
	})
}

// beginBy stores a session that a directory has vouched for.
func (s store) beginBy(ctx context.Context, n session, digest []byte, network string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		p, err := account.ReadPerson(ctx, tx, n.owner)
		if err != nil {
			return err
		}
		if p.Disabled {
			return notSignedIn()
		}
		e := audit.Entry{Act: "login.signin", ObjectKind: "person", Object: n.owner, Detail: map[string]any{"by": "directory"}}
		return s.insert(ctx, tx, n, digest, network, e)
	})
}

// insert stores a session and where it came from, and clears away what has
// ended meanwhile.
func (s store) insert(ctx context.Context, tx *sqlite.Tx, n session, digest []byte, network string, e audit.Entry) error {
	const expired = `DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires <= ? LIMIT 100)`
	if _, err := tx.Exec(ctx, expired, tx.Now.UnixMilli()); err != nil {
		return err
	}
	const insert = `INSERT INTO session (id, workspace, owner, token, created, seen, expires, address, agent, proved, enrol, must) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	if _, err := tx.Exec(ctx, insert, n.id, n.workspace, n.owner, digest, n.created.UnixMilli(), n.seen.UnixMilli(), n.expires.UnixMilli(), n.address, n.agent, n.created.UnixMilli(), n.enrol, n.must); err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	// A script that signs in for every call ends its own oldest sessions.
	const oldest = `SELECT id FROM session WHERE owner = ? ORDER BY created DESC, id DESC LIMIT -1 OFFSET ?`
	surplus, err := ids(ctx, tx, oldest, n.owner, maxSessions)
	if err != nil {
		return err
	}
	if err := s.remove(ctx, tx, surplus); err != nil {
		return err
	}
	const known = `INSERT INTO known_address (person, address, seen) VALUES (?, ?, ?)
		ON CONFLICT (person, address) DO UPDATE SET seen = excluded.seen`
	if _, err := tx.Exec(ctx, known, n.owner, network, tx.Now.UnixMilli()); err != nil {
		return err
	}
	const forget = `DELETE FROM known_address WHERE person = ? AND address IN
		(SELECT address FROM known_address WHERE person = ? ORDER BY seen DESC LIMIT -1 OFFSET ?)`
	if _, err := tx.Exec(ctx, forget, n.owner, n.owner, maxNetworks); err != nil {
		return err
	}
	if err := account.Touch(ctx, tx, n.owner); err != nil {
		return err
	}
	return s.audit.Record(ctx, tx, e)
}

func ids(ctx context.Context, tx *sqlite.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found = append(found, id)
	}
	return found, rows.Err()
}

// remove deletes sessions and ends their streams once that is on disk.
func (s store) remove(ctx context.Context, tx *sqlite.Tx, sessions []string) error {
	const remove = `DELETE FROM session WHERE id = ?`
	for _, id := range sessions {
		if _, err := tx.Exec(ctx, remove, id); err != nil {
			return fmt.Errorf("remove session: %w", err)
		}
		tx.AfterCommit(func() { s.revoked(id) })
	}
	return nil
}

// of lists the sessions of a person but one.
func (s store) of(ctx context.Context, tx *sqlite.Tx, person, but string) ([]string, error) {
	const list = `SELECT id FROM session WHERE owner = ? AND id <> ?`
	return ids(ctx, tx, list, person, but)
}

// End signs the person out everywhere, inside the caller's transaction.
func (s store) End(ctx context.Context, tx *sqlite.Tx, person string) error {
	all, err := s.of(ctx, tx, person, "")
	if err != nil {
		return err
	}
	if err := s.cutKeys(ctx, tx, person); err != nil {
		return err
	}
	return s.remove(ctx, tx, all)
}

// Renew closes the person's open streams once the caller's transaction is on
// disk; the sessions go on with the new rights.
func (s store) Renew(ctx context.Context, tx *sqlite.Tx, person string) error {
	all, err := s.of(ctx, tx, person, "")
	if err != nil {
		return err
	}
	for _, id := range all {
		tx.AfterCommit(func() { s.revoked(id) })
	}
	return s.cutKeys(ctx, tx, person)
}

// touch notes the last use of a session and of its person.
func (s store) touch(ctx context.Context, id, person string, now time.Time) error {
	return s.db.Update(sqlite.Aside(ctx), func(ctx context.Context, tx *sqlite.Tx) error {
		const update = `UPDATE session SET seen = ? WHERE id = ? AND seen < ?`
		if _, err := tx.Exec(ctx, update, now.UnixMilli(), id, now.UnixMilli()); err != nil {
			return err
		}
		return account.Touch(ctx, tx, person)
	})
}

// list is one page of a person's living sessions, newest first; ids are ordered
// by time.
func (s store) list(ctx context.Context, person, before string, limit int, now time.Time, idle int) ([]session, error) {
	const list = `SELECT ` + sessionColumns + ` FROM session
		WHERE owner = ? AND expires > ? AND seen >= ? AND (? = '' OR id < ?) ORDER BY id DESC LIMIT ?`
	rows, err := s.db.Read().QueryContext(ctx, list, person, now.UnixMilli(), now.Add(-time.Duration(idle)*time.Minute).UnixMilli(), before, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []session
	for rows.Next() {
		n, err := scanSession(rows.Scan)
		if err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, rows.Err()
}

// end ends one session of a person.
func (s store) end(ctx context.Context, person, id string, e audit.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const find = `SELECT id FROM session WHERE id = ? AND owner = ?`
		found, err := ids(ctx, tx, find, id, person)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fault.New(fault.NotFound, "There is no such session.")
		}
		if err := s.remove(ctx, tx, found); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, e)
	})
}

func (s store) endOthers(ctx context.Context, person, but string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		others, err := s.of(ctx, tx, person, but)
		if err != nil || len(others) == 0 {
			return err
		}
		if err := s.remove(ctx, tx, others); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "session.end-others", ObjectKind: "person", Object: person,
			Detail: map[string]any{"sessions": len(others)}})
	})
}

func (s store) enter(ctx context.Context, person, id, workspace string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const update = `UPDATE session SET workspace = ? WHERE id = ? AND owner = ?`
		if _, err := tx.Exec(ctx, update, workspace, id, person); err != nil {
			return err
		}
		// Streams of the workspace that was left show what is no longer looked at.
		tx.AfterCommit(func() { s.revoked(id) })
		return s.audit.Record(ctx, tx, audit.Entry{Act: "session.workspace", ObjectKind: "workspace", Object: workspace, Workspace: workspace})
	})
}

var _ account.Sessions = store{}
