package sso

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/login"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Config is what Providers need.
type Config struct {
	DB       *sqlite.DB
	Audit    *audit.Log
	Accounts *account.Accounts
	Logins   *login.Logins
	Keys     *secret.Keyring
	Gate     *egress.Gate
	Notify   func(workspace, person, noun, id string)
	Base     func() string // address of this server, as people and providers reach it
	Log      *slog.Logger
	Now      func() time.Time
}

// New returns the providers of a migrated database. Call Open next.
func New(c Config) *Providers {
	s := &Providers{store: store{db: c.DB, audit: c.Audit}, accounts: c.Accounts, logins: c.Logins, keys: c.Keys, gate: c.Gate, notify: c.Notify,
		base: c.Base, log: c.Log, now: c.Now, live: map[string]*live{}, tickets: map[string]*ticket{}, limits: limiter{spent: map[string]spending{}}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// store is all SQL of identity providers.
type store struct {
	db    *sqlite.DB
	audit *audit.Log
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

const columns = `id, workspace, owner, kind, name, enabled, config, secret, created, changed,
	(SELECT count(*) FROM sso_person AS l WHERE l.provider = sso_provider.id)`

func scan(row interface{ Scan(...any) error }) (Provider, error) {
	var p Provider
	var config string
	var created, changed int64
	if err := row.Scan(&p.ID, &p.Workspace, &p.Owner, &p.Kind, &p.Name, &p.Enabled, &config, &p.sealed, &created, &changed, &p.People); err != nil {
		return Provider{}, err
	}
	p.HasSecret = len(p.sealed) > 0
	p.Created, p.Changed = time.UnixMilli(created).UTC(), time.UnixMilli(changed).UTC()
	if err := json.Unmarshal([]byte(config), &p.Settings); err != nil {
		return Provider{}, fmt.Errorf("settings of provider %s: %w", p.ID, err)
	}
	return p, nil
}

func (s store) all(ctx context.Context) ([]Provider, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+columns+` FROM sso_provider ORDER BY name LIMIT ?`, maxProviders)
	if err != nil {
		return nil, fmt.Errorf("list providers: %w", err)
	}
	defer rows.Close()
	list := []Provider{}
	for rows.Next() {
		p, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

func (s store) one(ctx context.Context, id string) (Provider, error) {
	p, err := scan(s.db.Read().QueryRowContext(ctx, `SELECT `+columns+` FROM sso_provider WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Provider{}, noProvider()
	}
	return p, err
}

func (s store) add(ctx context.Context, p Provider) error {
	config, err := json.Marshal(p.Settings)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var count int
		var taken bool
		if err := tx.QueryRow(ctx, `SELECT count(*), coalesce(max(name = ?), 0) FROM sso_provider`, p.Name).Scan(&count, &taken); err != nil {
			return err
		}
		switch {
		case taken:
			const sentence = "Another provider has this name."
			return fault.New(fault.Conflict, "%s", sentence).Code("name-taken").Cure("Choose another name.").With(fault.Detail{Field: "body.name", Sentence: sentence})
		case count >= maxProviders:
			return fault.New(fault.Conflict, "There are %d providers already, and no more can be added.", count).Cure("Remove one that is not used.")
		}
		const insert = `INSERT INTO sso_provider (id, workspace, owner, kind, name, enabled, config, secret, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
		now := tx.Now.UnixMilli()
		if _, err := tx.Exec(ctx, insert, p.ID, p.Workspace, p.Owner, p.Kind, p.Name, p.Enabled, string(config), p.sealed, now, now); err != nil {
			return fmt.Errorf("insert provider: %w", err)
		}
		return s.audit.Record(ctx, tx, entryOf("sso.add", p))
	})
}

func (s store) put(ctx context.Context, p Provider) error {
	config, err := json.Marshal(p.Settings)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		done, err := tx.Exec(ctx, `UPDATE sso_provider SET enabled = ?, config = ?, secret = ?, changed = max(changed + 1, ?) WHERE id = ?`,
			p.Enabled, string(config), p.sealed, tx.Now.UnixMilli(), p.ID)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noProvider())
		}
		return s.audit.Record(ctx, tx, entryOf("sso.change", p))
	})
}

// remove takes a provider away. People whom it made stay, disabled: nobody can
// vouch for them any more, and what they made must not be lost.
func (s store) remove(ctx context.Context, accounts *account.Accounts, logins *login.Logins, p Provider) (int, error) {
	people, yes := 0, true
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		list, err := texts(ctx, tx, `SELECT person FROM sso_person WHERE provider = ? AND linked = 0`, p.ID)
		if err != nil {
			return err
		}
		people = len(list)
		for _, person := range list {
			if _, err := accounts.Follow(ctx, tx, person, account.Followed{Disabled: &yes}); err != nil {
				return err
			}
		}
		// Whoever was linked has come in by the provider's word, which is no longer taken.
		sessions, err := texts(ctx, tx, `SELECT id FROM sso_session WHERE provider = ?`, p.ID)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM sso_provider WHERE id = ?`, p.ID); err != nil {
			return err
		}
		e := entryOf("sso.remove", p)
		e.Detail["people"] = people
		return logins.EndBy(ctx, tx, sessions, e)
	})
	return people, err
}

func texts(ctx context.Context, tx *sqlite.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

// entryOf is the record of an act on a provider: never its secret.
func entryOf(act string, p Provider) audit.Entry {
	return audit.Entry{Act: act, ObjectKind: "sso", Object: p.ID, Detail: map[string]any{"kind": p.Kind, "enabled": p.Enabled, "create": p.Settings.Create,
		"linkByEmail": p.Settings.LinkByEmail, "trustSecondStep": p.Settings.TrustSecondStep, "unasked": p.Settings.Unasked, "rules": len(p.Settings.Rules)}}
}

// acted records an act that changes nothing here.
func (s store) acted(ctx context.Context, e audit.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return s.audit.Record(ctx, tx, e) })
}
