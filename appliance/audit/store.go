package audit

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// store is all SQL of the record.
type store struct{ db *sqlite.DB }

// New opens the record of a migrated database.
func New(db *sqlite.DB, keys *secret.Keyring, now func() time.Time) (*Log, error) {
	l := newLog(store{db: db}, keys, now)
	e, err := l.store.end(context.Background())
	if err != nil {
		return nil, fmt.Errorf("open the audit record: %w", err)
	}
	// A head that cannot be trusted is not remembered; the first act leaves the
	// break in the chain and Verify names it.
	if e.found && l.chain.sealed(e.head, e.seal) {
		l.remember(e.head)
	}
	return l, nil
}

// breakAct marks a place where the signed head did not fit what ChatETS had
// written. The record goes on behind it, because a hospital cannot stop, but the
// mark is part of the chain and Verify reports it for ever.
const breakAct = "audit.break"

// Record appends e to the chain inside the caller's transaction.
//
// The end of the chain is read from the table inside that transaction: the acts
// of one grouped commit each find the row of the act before them, and an act
// that fails takes its own row and head with it and nobody else's.
func (l *Log) Record(ctx context.Context, tx *sqlite.Tx, e Entry) error {
	r, err := compose(ctx, tx.Now, e)
	if err != nil {
		return err
	}
	at, why, err := l.tip(ctx, tx)
	if err != nil {
		return fmt.Errorf("read the end of the audit record: %w", err)
	}
	if why != "" {
		mark, err := compose(ctx, tx.Now, Entry{Act: breakAct, ObjectKind: "audit", Outcome: Failed, Detail: map[string]any{"why": why}})
		if err != nil {
			return err
		}
		if at, err = l.append(ctx, tx, at, mark); err != nil {
			return err
		}
	}
	if at, err = l.append(ctx, tx, at, r); err != nil {
		return err
	}
	tx.AfterCommit(func() { l.remember(at) })
	return nil
}

// compose fills a row with who, where and when.
func compose(ctx context.Context, now time.Time, e Entry) (row, error) {
	a := actor.From(ctx)
	if a.Key != "" { // what was done by a key is told from what its person did
		with := map[string]any{"key": a.Key}
		maps.Copy(with, e.Detail)
		e.Detail = with
	}
	detail, err := encodeDetail(e.Detail)
	if err != nil {
		return row{}, fmt.Errorf("audit %s: detail: %w", e.Act, err)
	}
	r := row{
		time: now.UnixMilli(), act: e.Act, objectKind: e.ObjectKind, object: e.Object, outcome: e.Outcome,
		actor: a.ID, actorKind: string(a.Kind), uid: int64(a.UID), address: a.Address,
		workspace: e.Workspace, request: a.Request, detail: detail,
	}
	if r.outcome == "" {
		r.outcome = OK
	}
	if !word.MatchString(r.object) { // a refused request may name anything
		r.object = withheld
	}
	if r.workspace == "" {
		r.workspace = a.Workspace
	}
	if r.act == "" {
		return row{}, errors.New("audit: an entry without an act")
	}
	return r, nil
}

// numbers is the end of the numbers rows may have. A row that somebody planted
// beyond it is reported by Verify and must not use up the numbers.
const numbers = math.MaxInt64 / 2

// tip is the end of the chain inside a transaction, and why it cannot be
// trusted: "" in the ordinary case.
func (l *Log) tip(ctx context.Context, tx *sqlite.Tx) (head, string, error) {
	const read = `SELECT (SELECT coalesce(max(row), 0) FROM audit WHERE row < ?), h.row, h.hash, h.seal
		FROM (SELECT 1) LEFT JOIN audit_head AS h ON h.id = 1`
	known := l.known()
	e, err := scanEnd(tx.QueryRow(ctx, read, int64(numbers)))
	if err != nil {
		return head{}, "", err
	}
	why := ""
	switch {
	case !e.found && e.last == 0 && known.row == 0:
		return head{}, "", nil // the first row of a new installation
	case !e.found:
		why = "head-missing"
	case !l.chain.sealed(e.head, e.seal):
		why = "head-forged"
	case e.head.row < known.row:
		why = "head-older"
	case e.last > e.head.row:
		why = "rows-behind-head"
	default:
		return e.head, "", nil
	}
	last, err := lastRow(ctx, tx)
	if err != nil {
		return head{}, "", err
	}
	// The number goes past everything ever used: rows that were cut away stay
	// missing for everybody to see.
	if e.head.row < numbers {
		last.row = max(last.row, e.head.row)
	}
	last.row = max(last.row, known.row)
	return last, why, nil
}

func lastRow(ctx context.Context, tx *sqlite.Tx) (head, error) {
	const read = `SELECT row, hash FROM audit WHERE row < ? ORDER BY row DESC LIMIT 1`
	var h head
	err := tx.QueryRow(ctx, read, int64(numbers)).Scan(&h.row, &h.hash)
	if errors.Is(err, sql.ErrNoRows) {
		return head{}, nil
	}
	return h, err
}

// append writes r behind at and signs the new end.
func (l *Log) append(ctx context.Context, tx *sqlite.Tx, at head, r row) (head, error) {
	r.number = at.row + 1
	r.hash = l.chain.next(at.hash, r)
	const insert = `INSERT INTO audit (row, time, act, object_kind, object, outcome, actor, actor_kind, uid, address, workspace, request, detail, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	if _, err := tx.Exec(ctx, insert, r.number, r.time, r.act, r.objectKind, r.object, r.outcome, r.actor, r.actorKind, r.uid,
		r.address, r.workspace, r.request, r.detail, r.hash); err != nil {
		return head{}, fmt.Errorf("audit %s: %w", r.act, err)
	}
	end := head{row: r.number, hash: r.hash}
	const sign = `INSERT INTO audit_head (id, row, hash, seal) VALUES (1, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET row = excluded.row, hash = excluded.hash, seal = excluded.seal`
	if _, err := tx.Exec(ctx, sign, end.row, end.hash, l.chain.seal(end)); err != nil {
		return head{}, fmt.Errorf("sign the audit record: %w", err)
	}
	return end, nil
}

// alone records e in a transaction of its own.
func (s store) alone(ctx context.Context, l *Log, e Entry) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return l.Record(ctx, tx, e) })
}

// end is what one snapshot of the database says about the end of the record.
type end struct {
	head  head
	seal  []byte
	found bool  // whether there is a head row
	last  int64 // number of the last row, 0 without rows
}

func (s store) end(ctx context.Context) (end, error) {
	const read = `SELECT (SELECT coalesce(max(row), 0) FROM audit), h.row, h.hash, h.seal
		FROM (SELECT 1) LEFT JOIN audit_head AS h ON h.id = 1`
	return scanEnd(s.db.Read().QueryRowContext(ctx, read))
}

func scanEnd(row *sql.Row) (end, error) {
	var e end
	var number sql.NullInt64
	if err := row.Scan(&e.last, &number, &e.head.hash, &e.seal); err != nil {
		return end{}, err
	}
	e.found, e.head.row = number.Valid, number.Int64
	return e, nil
}

const columns = `row, time, act, object_kind, object, outcome, actor, actor_kind, uid, address, workspace, request, detail, hash`

// after lists the rows behind a number, oldest first.
func (s store) after(ctx context.Context, number int64, limit int) ([]row, error) {
	const list = `SELECT ` + columns + ` FROM audit WHERE row > ? ORDER BY row LIMIT ?`
	return s.rows(ctx, list, number, limit)
}

// list is one page of the record, newest first. Each of the queries walks the
// index that fits its filter.
func (s store) list(ctx context.Context, f filter, before int64, limit int) ([]row, error) {
	const (
		rest = ` AND row < ? AND (? = '' OR actor = ?) AND (? = '' OR outcome = ?) AND time >= ? AND time < ?
			AND (? = '' OR act = ? OR (act >= ? || '.' AND act < ? || '/')) ORDER BY row DESC LIMIT ?`
		all      = `SELECT ` + columns + ` FROM audit WHERE TRUE` + rest
		byObject = `SELECT ` + columns + ` FROM audit WHERE object = ? AND object <> ''` + rest
		byPerson = `SELECT ` + columns + ` FROM audit WHERE actor = ?` + rest
		byAct    = `SELECT ` + columns + ` FROM audit WHERE act = ?` + rest
	)
	to := int64(math.MaxInt64)
	if !f.to.IsZero() {
		to = f.to.UnixMilli()
	}
	from := int64(math.MinInt64)
	if !f.from.IsZero() {
		from = f.from.UnixMilli()
	}
	args := []any{before, f.person, f.person, f.outcome, f.outcome, from, to, f.act, f.act, f.act, f.act, limit}
	switch {
	case f.object != "":
		return s.rows(ctx, byObject, append([]any{f.object}, args...)...)
	case f.person != "":
		return s.rows(ctx, byPerson, append([]any{f.person}, args...)...)
	case f.exact():
		return s.rows(ctx, byAct, append([]any{f.act}, args...)...)
	}
	return s.rows(ctx, all, args...)
}

func (s store) rows(ctx context.Context, query string, args ...any) ([]row, error) {
	found, err := s.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var rows []row
	for found.Next() {
		var r row
		if err := found.Scan(&r.number, &r.time, &r.act, &r.objectKind, &r.object, &r.outcome, &r.actor, &r.actorKind, &r.uid,
			&r.address, &r.workspace, &r.request, &r.detail, &r.hash); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}
