package directory

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/login"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// store is all SQL of directories.
type store struct {
	db    *sqlite.DB
	audit *audit.Log
	jobs  *job.Queue
}

// Config is what Directories need.
type Config struct {
	DB       *sqlite.DB
	Audit    *audit.Log
	Accounts *account.Accounts
	Logins   *login.Logins
	Keys     *secret.Keyring
	Gate     *egress.Gate
	Jobs     *job.Queue
	Notify   func(workspace, person, noun, id string)
	Log      *slog.Logger
	Now      func() time.Time
}

// New returns the directories of a migrated database. Call Open next.
func New(c Config) *Directories {
	d := &Directories{
		store: store{db: c.DB, audit: c.Audit, jobs: c.Jobs}, accounts: c.Accounts, logins: c.Logins, keys: c.Keys, gate: c.Gate,
		notify: c.Notify, log: c.Log, now: c.Now, down: map[string]time.Time{},
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.now == nil {
		d.now = time.Now
	}
	d.store.jobs.Handle(syncKind, job.Options{Attempts: 1, Timeout: time.Hour}, d.work)
	return d
}

const columns = `id, workspace, owner, name, enabled, config, secret, created, changed, synced, complete, result`

func scan(row interface{ Scan(...any) error }) (Directory, error) {
	var d Directory
	var config, result string
	var created, changed, synced, complete int64
	if err := row.Scan(&d.ID, &d.Workspace, &d.Owner, &d.Name, &d.Enabled, &config, &d.sealed, &created, &changed, &synced, &complete, &result); err != nil {
		return Directory{}, err
	}
	d.HasPassword = len(d.sealed) > 0
	d.Created, d.Changed, d.Synced, d.Complete = moment(created), moment(changed), moment(synced), moment(complete)
	if err := json.Unmarshal([]byte(config), &d.Settings); err != nil {
		return Directory{}, fmt.Errorf("settings of directory %s: %w", d.ID, err)
	}
	if result != "" {
		if err := json.Unmarshal([]byte(result), &d.Result); err != nil {
			return Directory{}, fmt.Errorf("result of directory %s: %w", d.ID, err)
		}
	}
	return d, nil
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func (s store) all(ctx context.Context) ([]Directory, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+columns+` FROM directory ORDER BY name LIMIT ?`, maxDirectories)
	if err != nil {
		return nil, fmt.Errorf("list directories: %w", err)
	}
	defer rows.Close()
	list := []Directory{}
	for rows.Next() {
		d, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

func (s store) one(ctx context.Context, id string) (Directory, error) {
	d, err := scan(s.db.Read().QueryRowContext(ctx, `SELECT `+columns+` FROM directory WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Directory{}, noDirectory()
	}
	return d, err
}

func (s store) add(ctx context.Context, d Directory) error {
	config, err := json.Marshal(d.Settings)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var count int
		var taken bool
		if err := tx.QueryRow(ctx, `SELECT count(*), coalesce(max(name = ?), 0) FROM directory`, d.Name).Scan(&count, &taken); err != nil {
			return err
		}
		switch {
		case taken:
			const sentence = "Another directory has this name."
			return fault.New(fault.Conflict, "%s", sentence).Code("name-taken").Cure("Choose another name.").With(fault.Detail{Field: "body.name", Sentence: sentence})
		case count >= maxDirectories:
			return fault.New(fault.Conflict, "There are %d directories already, and no more can be added.", count).Cure("Remove one that is not used.")
		}
		const insert = `INSERT INTO directory (id, workspace, owner, name, enabled, config, secret, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
		now := tx.Now.UnixMilli()
		if _, err := tx.Exec(ctx, insert, d.ID, d.Workspace, d.Owner, d.Name, d.Enabled, string(config), d.sealed, now, now); err != nil {
			return fmt.Errorf("insert directory: %w", err)
		}
		return s.audit.Record(ctx, tx, entryOf("directory.add", d))
	})
}

func (s store) put(ctx context.Context, d Directory) error {
	config, err := json.Marshal(d.Settings)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		done, err := tx.Exec(ctx, `UPDATE directory SET enabled = ?, config = ?, secret = ?, changed = ? WHERE id = ?`,
			d.Enabled, string(config), d.sealed, tx.Now.UnixMilli(), d.ID)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noDirectory())
		}
		return s.audit.Record(ctx, tx, entryOf("directory.change", d))
	})
}

// remove takes a directory away. Its people stay, disabled: nobody can vouch
// for them any more, and what they made must not be lost.
func (s store) remove(ctx context.Context, accounts *account.Accounts, d Directory) (int, error) {
	people, yes := 0, true
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		list, err := texts(ctx, tx, `SELECT person FROM directory_person WHERE directory = ?`, d.ID)
		if err != nil {
			return err
		}
		people = len(list)
		for _, person := range list {
			if _, err := accounts.Follow(ctx, tx, person, account.Followed{Disabled: &yes}); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM directory WHERE id = ?`, d.ID); err != nil {
			return err
		}
		e := entryOf("directory.remove", d)
		e.Detail["people"] = people
		return s.audit.Record(ctx, tx, e)
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

// entryOf is the record of an act on a directory: never its password.
func entryOf(act string, d Directory) audit.Entry {
	return audit.Entry{Act: act, ObjectKind: "directory", Object: d.ID, Detail: map[string]any{
		"enabled": d.Enabled, "servers": len(d.Settings.URLs), "clearText": d.Settings.ClearText, "password": d.HasPassword}}
}

// acted records an act that changes nothing here.
func (s store) acted(ctx context.Context, e audit.Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return s.audit.Record(ctx, tx, e) })
}

// begin enqueues a synchronisation; one of a directory at a time.
func (s store) begin(ctx context.Context, p payload, owner, workspace string) (string, error) {
	var id string
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) (err error) {
		id, err = s.jobs.Enqueue(ctx, tx, job.New{Kind: syncKind, Key: p.Directory, Payload: p, Workspace: workspace, Owner: owner, Priority: job.Background})
		return err
	})
	return id, err
}

// ended writes what a synchronisation came to.
func (s store) ended(ctx context.Context, id string, r SyncResult, complete bool) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		now := tx.Now.UnixMilli()
		if _, err := tx.Exec(ctx, `UPDATE directory SET result = ?, synced = CASE WHEN ? THEN synced ELSE ? END, complete = CASE WHEN ? THEN ? ELSE complete END WHERE id = ?`,
			string(text), r.DryRun, now, complete && !r.DryRun, now, id); err != nil {
			return err
		}
		if r.DryRun {
			return nil
		}
		outcome := audit.OK
		if r.Error != "" {
			outcome = audit.Failed
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: "directory.sync", ObjectKind: "directory", Object: id, Outcome: outcome, Detail: map[string]any{
			"people": r.People, "added": r.Added, "changed": r.Changed, "disabled": r.Disabled, "enabled": r.Enabled, "missing": r.Missing, "skipped": r.Skipped, "groups": r.Groups, "full": r.Full}})
	})
}
