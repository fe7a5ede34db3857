package chat

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

// events are the unsaved events of one run, and its receipt where that is not
// saved either.
type events struct {
	run     string
	who     actor.Actor
	list    []Event
	receipt *string
}

// save appends events of living runs to the journal, under a number that is
// higher than all before, a row for each workspace, and returns the last one. The
// receipts come with them.
func (s Store) save(ctx context.Context, number int64, batch []events) (last int64, err error) {
	const insert = `INSERT INTO run_journal (number, workspace, owner, data) VALUES (?, ?, ?, ?)`
	rows := map[string]*strings.Builder{}
	for _, e := range batch {
		if len(e.list) == 0 {
			continue
		}
		row := rows[e.who.Workspace]
		if row == nil {
			row = &strings.Builder{}
			rows[e.who.Workspace] = row
		}
		for _, v := range e.list {
			row.WriteString(e.run)
			row.WriteByte('\t')
			row.WriteString(strconv.FormatInt(v.ID, 10))
			row.WriteByte('\t')
			row.WriteString(v.Name)
			row.WriteByte('\t')
			row.Write(v.Data) // JSON in one line
			row.WriteByte('\n')
		}
	}
	err = s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, e := range batch {
			if e.receipt == nil {
				continue
			}
			if err := storeReceipt(ctx, tx, e.run, *e.receipt); err != nil {
				return err
			}
		}
		last = number - 1
		for workspace, row := range rows {
			last++
			if _, err := tx.Exec(ctx, insert, last, workspace, actor.SystemID, row.String()); err != nil {
				return fmt.Errorf("write the journal of runs: %w", err)
			}
		}
		return nil
	})
	return last, err
}

// keep gives events that the journal has rows of their run.
func (s Store) keep(ctx context.Context, batch []events, needed int64) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, e := range batch {
			if err := insertEvents(ctx, tx, e.run, e.list); err != nil {
				return err
			}
		}
		return clearJournal(ctx, tx, needed)
	})
}

// clearJournal removes what no living run needs.
func clearJournal(ctx context.Context, tx *sqlite.Tx, needed int64) error {
	if _, err := tx.Exec(ctx, `DELETE FROM run_journal WHERE number < ?`, needed); err != nil {
		return fmt.Errorf("clear the journal of runs: %w", err)
	}
	return nil
}

// journalEnd is the highest number in the journal, 0 when it is empty.
func (s Store) journalEnd(ctx context.Context) (int64, error) {
	var last int64
	err := s.DB.Read().QueryRowContext(ctx, `SELECT coalesce(max(number), 0) FROM run_journal`).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("read the journal of runs: %w", err)
	}
	return last, nil
}

// saved reads what is on disk of runs that were left unfinished: their own rows,
// and behind these what the journal has.
func (s Store) saved(ctx context.Context, open []leftover) error {
	known := map[string]*leftover{}
	for i := range open {
		l := &open[i]
		var err error
		if l.events, err = eventRows(ctx, s.DB.Read().QueryContext, l.id, 0); err != nil {
			return err
		}
		known[l.id] = l
	}
	rows, err := s.DB.Read().QueryContext(ctx, `SELECT number, data FROM run_journal ORDER BY number`)
	if err != nil {
		return fmt.Errorf("read the journal of runs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var number int64
		var data string
		if err := rows.Scan(&number, &data); err != nil {
			return fmt.Errorf("read the journal of runs: %w", err)
		}
		for line := range strings.Lines(data) {
			run, e, err := parseLine(line)
			if err != nil {
				return fmt.Errorf("row %d of the journal of runs: %w", number, err)
			}
			if l := known[run]; l != nil && e.ID > l.last() {
				l.journal = append(l.journal, e)
			}
		}
	}
	return rows.Err()
}

// last is the number of the last event that is known of a run.
func (l *leftover) last() int64 {
	if n := len(l.journal); n > 0 {
		return l.journal[n-1].ID
	}
	if n := len(l.events); n > 0 {
		return l.events[n-1].last
	}
	return 0
}

func parseLine(line string) (run string, e Event, err error) {
	fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 4)
	if len(fields) != 4 {
		return "", Event{}, errors.New("a line of another form")
	}
	e = Event{Name: fields[2], Data: []byte(fields[3])}
	e.ID, err = strconv.ParseInt(fields[1], 10, 64)
	return fields[0], e, err
}
