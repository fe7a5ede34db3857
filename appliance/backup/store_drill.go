package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// drillsKept is how many drills are remembered: a year of one target and more.
const drillsKept = 500

const drillColumns = `id, target, name, owner, nightly, state, started, ended, point, lost, bytes, part, files, files_bytes, people, searched, why, cure`

func scanDrill(row scanner) (d Drill, err error) {
	var started, ended, point, lost int64
	err = row.Scan(&d.ID, &d.Target, &d.TargetName, &d.Owner, &d.Nightly, &d.State, &started, &ended, &point, &lost, &d.Bytes, &d.Part, &d.Files, &d.FileBytes, &d.People, &d.Searched, &d.Why, &d.Cure)
	d.Started, d.Lost = time.UnixMilli(started).UTC(), time.Duration(lost)*time.Millisecond
	if ended > 0 {
		d.Ended = time.UnixMilli(ended).UTC()
	}
	if point > 0 {
		d.Point = time.UnixMilli(point).UTC()
	}
	return d, err
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// addDrills writes that drills are to come. Each reads the part of the files
// behind the one that was read last.
func (s store) addDrills(ctx context.Context, targets []Target, owner string, nightly bool) (list []Drill, err error) {
	const (
		last   = `SELECT part FROM backup_drill WHERE target = ? AND state = 'passed' ORDER BY id DESC LIMIT 1`
		insert = `INSERT INTO backup_drill (` + drillColumns + `) VALUES (?, ?, ?, ?, ?, 'waiting', ?, 0, 0, 0, 0, ?, 0, 0, 0, 0, '', '')`
		forget = `DELETE FROM backup_drill WHERE id IN (SELECT id FROM backup_drill WHERE ended > 0 ORDER BY id DESC LIMIT -1 OFFSET ?)`
	)
	err = s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		list = nil
		for _, t := range targets {
			d := Drill{ID: newID(), Target: t.ID, TargetName: t.Name, Owner: owner, Nightly: nightly, State: DrillWaiting, Started: tx.Now.UTC()}
			err := tx.QueryRow(ctx, last, t.ID).Scan(&d.Part)
			switch {
			case err == nil:
				d.Part = (d.Part + 1) % parts
			case !errors.Is(err, sql.ErrNoRows):
				return fmt.Errorf("insert a drill: %w", err)
			}
			if _, err := tx.Exec(ctx, insert, d.ID, d.Target, d.TargetName, d.Owner, d.Nightly, tx.Now.UnixMilli(), d.Part); err != nil {
				return fmt.Errorf("insert a drill: %w", err)
			}
			if err := s.audit.Record(ctx, tx, audit.Entry{Act: "backup.drill.start", Object: d.ID, ObjectKind: "backup-drill", Detail: map[string]any{"target": t.ID, "nightly": nightly}}); err != nil {
				return err
			}
			list = append(list, d)
		}
		_, err := tx.Exec(ctx, forget, drillsKept)
		return err
	})
	return list, err
}

func (s store) beginDrill(ctx context.Context, d Drill) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE backup_drill SET state = 'running', started = ? WHERE id = ?`, milli(d.Started), d.ID)
		return err
	})
}

// endDrill writes how a drill ended.
func (s store) endDrill(ctx context.Context, d Drill) error {
	const update = `UPDATE backup_drill SET state = ?, ended = ?, point = ?, lost = ?, bytes = ?, files = ?, files_bytes = ?, people = ?, searched = ?, why = ?, cure = ? WHERE id = ?`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if d.Ended.IsZero() {
			d.Ended = tx.Now
		}
		if _, err := tx.Exec(ctx, update, d.State, milli(d.Ended), milli(d.Point), d.Lost.Milliseconds(), d.Bytes, d.Files, d.FileBytes, d.People, d.Searched, d.Why, d.Cure, d.ID); err != nil {
			return fmt.Errorf("end a drill: %w", err)
		}
		e := audit.Entry{Act: "backup.drill.end", Object: d.ID, ObjectKind: "backup-drill", Detail: map[string]any{
			"target": d.Target, "state": string(d.State), "seconds": int64(d.Ended.Sub(d.Started).Seconds()), "lostMs": d.Lost.Milliseconds(), "bytes": d.Bytes, "files": d.Files, "part": d.Part}}
		if d.State != DrillPassed {
			e.Outcome = audit.Failed
		}
		return s.audit.Record(ctx, tx, e)
	})
}

// endDrills ends what a stop or a crash left open.
func (s store) endDrills(ctx context.Context, why error) error {
	var open int
	if err := s.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM backup_drill WHERE ended = 0`).Scan(&open); err != nil || open == 0 {
		return err
	}
	r := fault.Of(why)
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE backup_drill SET state = 'failed', ended = ?, why = ?, cure = ? WHERE ended = 0`, tx.Now.UnixMilli(), r.Sentence, r.Cure)
		return err
	})
	if fault.Unwritten(err) {
		return nil // the next start ends them
	}
	return err
}

func (s store) drill(ctx context.Context, id string) (Drill, error) {
	d, err := scanDrill(s.db.Read().QueryRowContext(ctx, `SELECT `+drillColumns+` FROM backup_drill WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return d, fault.New(fault.NotFound, "There is no drill %s.", id)
	}
	return d, err
}

func (s store) drills(ctx context.Context, limit int) ([]Drill, error) {
	return s.readDrills(ctx, `SELECT `+drillColumns+` FROM backup_drill ORDER BY id DESC LIMIT ?`, limit)
}

// lastDrills is for each target that is there its newest drill that was not
// cancelled, and its newest one that passed.
func (s store) lastDrills(ctx context.Context) (last, passed map[string]Drill, err error) {
	const list = `SELECT ` + drillColumns + ` FROM backup_drill WHERE id IN (
		SELECT max(d.id) FROM backup_drill AS d JOIN backup_target AS t ON t.id = d.target WHERE d.state IN ('passed', 'failed') GROUP BY d.target, d.state)`
	all, err := s.readDrills(ctx, list)
	last, passed = map[string]Drill{}, map[string]Drill{}
	for _, d := range all {
		if d.ID > last[d.Target].ID {
			last[d.Target] = d
		}
		if d.State == DrillPassed {
			passed[d.Target] = d
		}
	}
	return last, passed, err
}

func (s store) readDrills(ctx context.Context, query string, args ...any) ([]Drill, error) {
	rows, err := s.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list drills: %w", err)
	}
	defer rows.Close()
	list := []Drill{}
	for rows.Next() {
		d, err := scanDrill(rows)
		if err != nil {
			return nil, fmt.Errorf("list drills: %w", err)
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// lastNightly is when a nightly drill was last begun; zero = never.
func (s store) lastNightly(ctx context.Context) (time.Time, error) {
	var started int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT coalesce(max(started), 0) FROM backup_drill WHERE nightly = 1`).Scan(&started)
	if err != nil || started == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(started), nil
}
