package scim

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Config is what the Service needs.
type Config struct {
	DB       *sqlite.DB
	Audit    *audit.Log
	Accounts *account.Accounts
	Notify   func(workspace, person, noun, id string)
	Log      *slog.Logger
	Now      func() time.Time
}

// New returns the service of a migrated database.
func New(c Config) *Service {
	s := &Service{store: store{db: c.DB, audit: c.Audit}, accounts: c.Accounts, notify: c.Notify, log: c.Log, now: c.Now, used: map[string]time.Time{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// store is all SQL of clients and what they provisioned.
type store struct {
	db    *sqlite.DB
	audit *audit.Log
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

const resourceColumns = `r.id, r.kind, r.document, r.version, r.created, r.changed`

func scanResource(scan func(...any) error) (resource, error) {
	var r resource
	var doc string
	var created, changed int64
	if err := scan(&r.id, &r.kind, &doc, &r.version, &created, &changed); err != nil {
		return r, err
	}
	r.created, r.changed = time.UnixMilli(created).UTC(), time.UnixMilli(changed).UTC()
	if err := json.Unmarshal([]byte(doc), &r.doc); err != nil {
		return r, fmt.Errorf("document of %s: %w", r.id, err)
	}
	return r, nil
}

// querier reads inside or outside a transaction.
type querier func(ctx context.Context, query string, args ...any) (*sql.Rows, error)

func read(ctx context.Context, query querier, text string, args []any, do func(resource) error) error {
	rows, err := query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanResource(rows.Scan)
		if err != nil {
			return err
		}
		if err := do(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// references fills in the members of a group or the groups of a person.
func references(ctx context.Context, query querier, c Client, r *resource) error {
	text := `SELECT m.person, p.name FROM group_member AS m JOIN person AS p ON p.id = m.person
		JOIN scim_resource AS s ON s.id = m.person AND s.client = ? WHERE m."group" = ? ORDER BY m.person`
	if r.kind == kindUser {
		text = `SELECT g.id, g.name FROM group_member AS m JOIN "group" AS g ON g.id = m."group"
			JOIN scim_resource AS s ON s.id = g.id AND s.client = ? WHERE m.person = ? ORDER BY g.id`
	}
	rows, err := query(ctx, text, c.ID, r.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	var list []reference
	for rows.Next() {
		var one reference
		if err := rows.Scan(&one.id, &one.display); err != nil {
			return err
		}
		list = append(list, one)
	}
	if r.kind == kindUser {
		r.groups = list
	} else {
		r.members = list
	}
	return rows.Err()
}

// get is one resource with its references.
func get(ctx context.Context, query querier, c Client, kind, id string) (resource, error) {
	var found *resource
	err := read(ctx, query, `SELECT `+resourceColumns+` FROM scim_resource AS r WHERE r.id = ? AND r.client = ? AND r.kind = ?`, []any{id, c.ID, kind}, func(r resource) error {
		found = &r
		return nil
	})
	if err != nil {
		return resource{}, err
	}
	if found == nil {
		return resource{}, noResource(kind, id)
	}
	return *found, references(ctx, query, c, found)
}

func (s store) one(ctx context.Context, c Client, kind, id string) (resource, error) {
	r, err := get(ctx, s.db.Read().QueryContext, c, kind, id)
	if err != nil {
		return r, err
	}
	return r, references(ctx, s.db.Read().QueryContext, c, &r)
}

// some are the resources of the ids, in their order.
func (s store) some(ctx context.Context, c Client, kind string, ids []string, refs bool) ([]resource, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	byID := map[string]resource{}
	const some = `SELECT ` + resourceColumns + ` FROM scim_resource AS r WHERE r.client = ? AND r.kind = ? AND r.id IN (SELECT value FROM json_each(?))`
	err = read(ctx, s.db.Read().QueryContext, some, []any{c.ID, kind, string(list)}, func(r resource) error {
		byID[r.id] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]resource, 0, len(ids))
	for _, id := range ids {
		r, found := byID[id]
		if !found {
			continue // removed meanwhile
		}
		if refs {
			if err := references(ctx, s.db.Read().QueryContext, c, &r); err != nil {
				return nil, err
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// page is a page of all resources of a kind, and how many there are.
func (s store) page(ctx context.Context, c Client, kind string, skip, count int) ([]string, int, error) {
	total := 0
	if err := s.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM scim_resource WHERE client = ? AND kind = ?`, c.ID, kind).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := s.db.Read().QueryContext(ctx, `SELECT id FROM scim_resource WHERE client = ? AND kind = ? ORDER BY id LIMIT ? OFFSET ?`, c.ID, kind, count, skip)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, 0, err
		}
		ids = append(ids, id)
	}
	return ids, total, rows.Err()
}

// each goes through the resources of a kind, narrowed by one column where there is one.
func (s store) each(ctx context.Context, c Client, kind, column, value string, refs bool, do func(resource) error) error {
	text := `SELECT ` + resourceColumns + ` FROM scim_resource AS r WHERE r.client = ? AND r.kind = ?`
	args := []any{c.ID, kind}
	switch column { // a word of ours, never one of the request
	case "id", "name", "external_id":
		text += ` AND r.` + column + ` = ?`
		args = append(args, value)
	}
	return read(ctx, s.db.Read().QueryContext, text+` ORDER BY r.id`, args, func(r resource) error {
		if refs {
			if err := references(ctx, s.db.Read().QueryContext, c, &r); err != nil {
				return err
			}
		}
		return do(r)
	})
}

// create writes a new person or group.
func (s store) create(ctx context.Context, accounts *account.Accounts, c Client, kind string, doc map[string]any, members []string) (resource, error) {
	var made resource
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) (err error) {
		id := ""
		if kind == kindUser {
			if id, err = s.enrol(ctx, tx, accounts, c, doc); err != nil {
				return err
			}
		} else {
			if err := unused(ctx, tx, c, kind, strings.ToLower(textOf(doc, "displayName")), ""); err != nil {
				return err
			}
			id, err = accounts.GroupFrom(ctx, tx, c.Workspace, c.Source(), newID(), textOf(doc, "displayName"))
			if err != nil {
				return err
			}
			if err := s.join(ctx, tx, accounts, c, id, members); err != nil {
				return err
			}
		}
		now := tx.Now.UnixMilli()
		const insert = `INSERT INTO scim_resource (id, workspace, owner, client, kind, name, external_id, document, version, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`
		if err := s.write(ctx, tx, doc, func(text string) error {
			_, err := tx.Exec(ctx, insert, id, c.Workspace, c.Owner, c.ID, kind, nameOf(kind, doc), textOf(doc, "externalId"), text, now, now)
			return err
		}); err != nil {
			return err
		}
		made, err = get(ctx, tx.Query, c, kind, id)
		return err
	})
	return made, err
}

func (s store) write(_ context.Context, _ *sqlite.Tx, doc map[string]any, put func(string) error) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if len(text) > maxDocument {
		return problem{400, "tooMany", "The resource holds too much: at most 64 KB."}
	}
	return put(string(text))
}

// maxDocument is what one person or group may hold, in bytes of JSON.
const maxDocument = 64 << 10

func nameOf(kind string, doc map[string]any) string {
	if kind == kindUser {
		return strings.ToLower(textOf(doc, "userName"))
	}
	return strings.ToLower(textOf(doc, "displayName"))
}

func unused(ctx context.Context, tx *sqlite.Tx, c Client, kind, name, but string) error {
	var taken bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM scim_resource WHERE client = ? AND kind = ? AND name = ? AND id <> ?)`, c.ID, kind, name, but).Scan(&taken); err != nil {
		return err
	}
	if taken {
		return problem{409, "uniqueness", "There is already a " + strings.ToLower(kind) + " with this name."}
	}
	return nil
}

// enrol makes the person of a document, or takes one back whom the client
// removed before.
func (s store) enrol(ctx context.Context, tx *sqlite.Tx, accounts *account.Accounts, c Client, doc map[string]any) (string, error) {
	p, err := personOf(doc)
	if err != nil {
		return "", err
	}
	if err := unused(ctx, tx, c, kindUser, strings.ToLower(p.userName), ""); err != nil {
		return "", err
	}
	id := ""
	const left = `SELECT id FROM person WHERE email = ? AND source = ? AND id NOT IN (SELECT id FROM scim_resource WHERE client = ?)`
	err = tx.QueryRow(ctx, left, p.email, c.Source(), c.ID).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		made, err := account.InsertPerson(ctx, tx, account.NewPerson{Email: p.email, Name: p.name, Source: c.Source(), ExternalID: newID()})
		if err != nil {
			return "", err
		}
		id = made.ID
		e := audit.Entry{Act: "person.add", ObjectKind: "person", Object: id, Workspace: c.Workspace, Detail: map[string]any{"client": c.ID}}
		if err := s.audit.Record(ctx, tx, e); err != nil {
			return "", err
		}
	} else if err != nil {
		return "", err
	}
	return id, s.follow(ctx, tx, accounts, c, id, p)
}

// follow brings a person in step with its document.
func (s store) follow(ctx context.Context, tx *sqlite.Tx, accounts *account.Accounts, c Client, id string, p person) error {
	disabled := !p.active
	if _, err := accounts.Follow(ctx, tx, id, account.Followed{Email: &p.email, Name: &p.name, Disabled: &disabled}); err != nil {
		return err
	}
	if err := account.SetLogins(ctx, tx, id, []string{account.FoldEmail(p.userName)}); err != nil {
		return err
	}
	_, err := accounts.PlaceFrom(ctx, tx, c.Source(), id, map[string]actor.Role{c.Workspace: c.Role})
	return err
}

// join says who is in a group. Members are people whom the same client provisioned.
func (s store) join(ctx context.Context, tx *sqlite.Tx, accounts *account.Accounts, c Client, group string, members []string) error {
	for _, id := range members {
		var known bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM scim_resource WHERE id = ? AND client = ? AND kind = 'User')`, id, c.ID).Scan(&known); err != nil {
			return err
		}
		if !known {
			return patchError{"invalidValue", fmt.Sprintf("the member %q is no person of this client", id)}
		}
	}
	return accounts.MembersFrom(ctx, tx, c.Workspace, group, members)
}

// change writes what do makes of a resource.
func (s store) change(ctx context.Context, accounts *account.Accounts, c Client, kind, id string, do func(resource) (map[string]any, []string, error)) (resource, error) {
	var after resource
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		before, err := get(ctx, tx.Query, c, kind, id)
		if err != nil {
			return err
		}
		doc, members, err := do(before)
		if err != nil {
			return err
		}
		if err := unused(ctx, tx, c, kind, nameOf(kind, doc), id); err != nil {
			return err
		}
		if kind == kindUser {
			p, err := personOf(doc)
			if err != nil {
				return err
			}
			if err := s.follow(ctx, tx, accounts, c, id, p); err != nil {
				return err
			}
		} else {
			if err := accounts.RenameFrom(ctx, tx, c.Workspace, c.Source(), id, textOf(doc, "displayName")); err != nil {
				return err
			}
			if err := s.join(ctx, tx, accounts, c, id, members); err != nil {
				return err
			}
		}
		const update = `UPDATE scim_resource SET name = ?, external_id = ?, document = ?, version = version + 1, changed = ? WHERE id = ?`
		if err := s.write(ctx, tx, doc, func(text string) error {
			_, err := tx.Exec(ctx, update, nameOf(kind, doc), textOf(doc, "externalId"), text, tx.Now.UnixMilli(), id)
			return err
		}); err != nil {
			return err
		}
		after, err = get(ctx, tx.Query, c, kind, id)
		return err
	})
	return after, err
}

func (s store) remove(ctx context.Context, accounts *account.Accounts, c Client, kind, id string, may func(resource) error) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		r, err := get(ctx, tx.Query, c, kind, id)
		if err != nil {
			return err
		}
		if err := may(r); err != nil {
			return err
		}
		if kind == kindUser {
			yes := true
			if _, err := accounts.Follow(ctx, tx, id, account.Followed{Disabled: &yes}); err != nil {
				return err
			}
		} else if err := accounts.DropGroup(ctx, tx, c.Workspace, c.Source(), id); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM scim_resource WHERE id = ?`, id)
		return err
	})
}

const clientColumns = `id, workspace, owner, name, role, created, used`

func scanClient(scan func(...any) error) (Client, error) {
	var c Client
	var created, used int64
	err := scan(&c.ID, &c.Workspace, &c.Owner, &c.Name, &c.Role, &created, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return c, noClient()
	}
	c.Created = time.UnixMilli(created).UTC()
	if used > 0 {
		c.Used = time.UnixMilli(used).UTC()
	}
	return c, err
}

func noClient() error {
	return fault.New(fault.NotFound, "There is no such SCIM client.").Cure("It may have been removed; look at the list again.")
}

func (s store) byToken(ctx context.Context, digest []byte) (Client, error) {
	return scanClient(s.db.Read().QueryRowContext(ctx, `SELECT `+clientColumns+` FROM scim_client WHERE token = ?`, digest).Scan)
}

func (s store) touch(ctx context.Context, id string) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE scim_client SET used = ? WHERE id = ?`, tx.Now.UnixMilli(), id)
		return err
	})
}
