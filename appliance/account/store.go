package account

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// store is all SQL of people, workspaces and groups.
type store struct {
	db       *sqlite.DB
	audit    *audit.Log
	sessions Sessions
}

// Sessions is what account asks of the room that keeps sessions, inside the
// transaction of the change.
type Sessions interface {
	// End signs the person out everywhere.
	End(ctx context.Context, tx *sqlite.Tx, person string) error
	// Renew closes the person's open streams once the change is on disk, because
	// they belong to a workspace that the person has left. Other changes need no
	// such thing: each request is asked anew who it is.
	Renew(ctx context.Context, tx *sqlite.Tx, person string) error
}

// New opens the accounts of a migrated database.
func New(db *sqlite.DB, log *audit.Log) *Accounts {
	return &Accounts{store: store{db: db, audit: log}, audit: log}
}

// UseSessions says who keeps sessions; call it before the first request.
func (a *Accounts) UseSessions(s Sessions) { a.store.sessions = s }

const personColumns = `p.id, p.email, p.name, p.source, p.external_id, p.role, p.disabled, p.created, p.active`

// querier reads inside or outside a transaction.
type querier interface {
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// pool reads outside a transaction.
type pool struct{ *sql.DB }

func (p pool) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return p.DB.QueryRowContext(ctx, query, args...)
}

func (p pool) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.DB.QueryContext(ctx, query, args...)
}

func (s store) read() querier { return pool{s.db.Read()} }

// scanPerson reads personColumns and whatever follows them.
func scanPerson(scan func(...any) error, more ...any) (Person, error) {
	var p Person
	var created, active int64
	err := scan(append([]any{&p.ID, &p.Email, &p.Name, &p.Source, &p.ExternalID, &p.Role, &p.Disabled, &created, &active}, more...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, noPerson()
	}
	at := time.UnixMilli(created).UTC()
	p.CreatedAt = &at
	if active > 0 {
		at := time.UnixMilli(active).UTC()
		p.LastActive = &at
	}
	return p, err
}

// ReadPerson is the person with that id as the transaction sees it.
func ReadPerson(ctx context.Context, tx *sqlite.Tx, id string) (Person, error) {
	return personByID(ctx, tx, id)
}

func personByID(ctx context.Context, q querier, id string) (Person, error) {
	const read = `SELECT ` + personColumns + ` FROM person AS p WHERE p.id = ?`
	return scanPerson(q.QueryRow(ctx, read, id).Scan)
}

func (s store) byID(ctx context.Context, id string) (Person, error) {
	return personByID(ctx, s.read(), id)
}

func (s store) byEmail(ctx context.Context, email string) (Person, error) {
	const read = `SELECT ` + personColumns + ` FROM person AS p WHERE p.email = ?`
	return scanPerson(s.read().QueryRow(ctx, read, email).Scan)
}

// firstOwner says that the role is not empty too, or the index of roles would not serve it.
const firstOwner = `SELECT ` + personColumns + ` FROM person AS p WHERE p.role = 'owner' AND p.role <> '' ORDER BY p.disabled, p.created, p.id LIMIT 1`

func (s store) firstOwner(ctx context.Context) (Person, error) {
	return scanPerson(s.read().QueryRow(ctx, firstOwner).Scan)
}

// HasOwner reports whether the transaction sees an owner.
func HasOwner(ctx context.Context, tx *sqlite.Tx) (bool, error) {
	_, err := scanPerson(tx.QueryRow(ctx, firstOwner).Scan)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// InsertPerson adds a person inside the caller's transaction. Who records the
// act is the caller, who knows how the person came in.
func InsertPerson(ctx context.Context, tx *sqlite.Tx, n NewPerson) (Person, error) {
	email, err := Email("body.email", n.Email)
	if err != nil {
		return Person{}, err
	}
	name, err := Name("body.name", n.Name)
	if err != nil {
		return Person{}, err
	}
	if n.Source == "" {
		n.Source = Local
	}
	const find = `SELECT ` + personColumns + ` FROM person AS p WHERE p.email = ?`
	switch _, err := scanPerson(tx.QueryRow(ctx, find, email).Scan); {
	case err == nil:
		return Person{}, emailTaken()
	case !fault.Is(err, fault.NotFound):
		return Person{}, err
	}
	at := tx.Now.UTC().Truncate(time.Millisecond)
	p := Person{ID: newID(), Email: email, Name: name, Source: n.Source, ExternalID: n.ExternalID, Role: n.Role, CreatedAt: &at}
	const insert = `INSERT INTO person (id, email, name, fold, source, external_id, role, disabled, created, active)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, 0)`
	if _, err := tx.Exec(ctx, insert, p.ID, p.Email, p.Name, fold(p.Name), p.Source, p.ExternalID, p.Role, at.UnixMilli()); err != nil {
		return Person{}, fmt.Errorf("insert person: %w", err)
	}
	return p, nil
}

// InsertMember makes a person a member of a workspace inside the caller's
// transaction, or gives a member the role.
func InsertMember(ctx context.Context, tx *sqlite.Tx, workspace, person string, role actor.Role) error {
	const insert = `INSERT INTO membership (workspace, person, role, created) VALUES (?, ?, ?, ?)
		ON CONFLICT (workspace, person) DO UPDATE SET role = excluded.role`
	if _, err := tx.Exec(ctx, insert, workspace, person, role, tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("insert membership: %w", err)
	}
	return nil
}

// Touch notes inside the caller's transaction that the person was active.
func Touch(ctx context.Context, tx *sqlite.Tx, person string) error {
	const update = `UPDATE person SET active = ? WHERE id = ? AND active < ?`
	now := tx.Now.UnixMilli()
	if _, err := tx.Exec(ctx, update, now, person, now); err != nil {
		return fmt.Errorf("touch person: %w", err)
	}
	return nil
}

// people is one page of people by name. Who may not see all sees enabled ones.
func (s store) people(ctx context.Context, workspace string, f Filter, all bool, after Cursor, limit int) ([]Person, error) {
	const list = `SELECT ` + personColumns + `, coalesce(m.role, '')
		FROM person AS p LEFT JOIN membership AS m ON m.person = p.id AND m.workspace = ?
		WHERE (p.fold, p.id) > (?, ?) AND (? OR m.person IS NOT NULL) AND (? OR p.disabled = 0)
			AND (? = '' OR p.fold LIKE ? ESCAPE '\' OR p.email LIKE ? ESCAPE '\')
			AND (? = '' OR EXISTS (SELECT 1 FROM group_member AS g WHERE g."group" = ? AND g.workspace = ? AND g.person = p.id))
		ORDER BY p.fold, p.id LIMIT ?`
	rows, err := s.read().Query(ctx, list, workspace, after.Fold, after.ID, f.Everyone, all,
		f.Query, like(fold(f.Query)), like(FoldEmail(f.Query)), f.Group, f.Group, workspace, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var people []Person
	for rows.Next() {
		var role actor.Role
		p, err := scanPerson(rows.Scan, &role)
		if err != nil {
			return nil, err
		}
		p.WorkspaceRole = role
		people = append(people, p)
	}
	return people, rows.Err()
}

// like is a pattern that finds the text anywhere.
func like(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// change reads a person the actor may know of, lets decide change it, and
// stores what came out, all in one transaction: two owners who demote each other
// at once do not both succeed.
func (s store) change(ctx context.Context, who actor.Actor, id string, decide func(p Person, otherOwners int) (Person, error)) (Person, error) {
	var after Person
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const read = `SELECT ` + personColumns + `, coalesce(m.role, '')
			FROM person AS p LEFT JOIN membership AS m ON m.person = p.id AND m.workspace = ?
			WHERE p.id = ? AND (? OR m.person IS NOT NULL) AND (? OR p.disabled = 0)`
		var role actor.Role
		before, err := scanPerson(tx.QueryRow(ctx, read, who.Workspace, id, who.Administers(), who.ManagesWorkspace()).Scan, &role)
		if err != nil {
			return err
		}
		before.WorkspaceRole = role
		var others int
		const count = `SELECT count(*) FROM person WHERE role = 'owner' AND role <> '' AND disabled = 0 AND id <> ?`
		if err := tx.QueryRow(ctx, count, id).Scan(&others); err != nil {
			return err
		}
		if after, err = decide(before, others); err != nil {
			return err
		}
		return s.store(ctx, tx, who, before, after)
	})
	return after, err
}

// store writes what differs between before and after.
func (s store) store(ctx context.Context, tx *sqlite.Tx, who actor.Actor, before, after Person) error {
	entries := changes(before, after)
	if len(entries) == 0 {
		return nil
	}
	const update = `UPDATE person SET name = ?, fold = ?, role = ?, disabled = ? WHERE id = ?`
	if _, err := tx.Exec(ctx, update, after.Name, fold(after.Name), after.Role, after.Disabled, after.ID); err != nil {
		return fmt.Errorf("update person: %w", err)
	}
	if before.WorkspaceRole != after.WorkspaceRole {
		if err := InsertMember(ctx, tx, who.Workspace, after.ID, after.WorkspaceRole); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if err := s.audit.Record(ctx, tx, e); err != nil {
			return err
		}
	}
	if s.sessions == nil || !after.Disabled {
		return nil
	}
	return s.sessions.End(ctx, tx, after.ID)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
