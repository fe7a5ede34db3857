package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

// lostEvents is more than the events of a run that can have been shown and not
// saved when the server died. The numbers of the closing events lie behind them,
// so that a reader who saw those still gets the end.
const lostEvents = 1_000_000

// recover ends every run that was left unfinished.
func (s Store) recover(ctx context.Context) (int, error) {
	open, err := s.unfinished(ctx)
	if err != nil {
		return 0, err
	}
	last, err := s.journalEnd(ctx)
	if err != nil {
		return 0, err
	}
	for some := range slices.Chunk(open, 100) {
		err := s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			for _, r := range some {
				if err := s.interrupt(ctx, tx, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	// Nobody lives who needs it.
	return len(open), s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return clearJournal(ctx, tx, last+1) })
}

// leftover is a run without an end.
type leftover struct {
	id      string
	who     actor.Actor
	answer  Message
	events  []eventRow
	journal []Event // what the journal has behind them
}

func (s Store) unfinished(ctx context.Context) ([]leftover, error) {
	const list = `SELECT r.id, r.workspace, r.owner, ` + messageColumns + ` FROM run AS r JOIN message AS m ON m.id = r.answer WHERE r.ended IS NULL`
	rows, err := s.DB.Read().QueryContext(ctx, list)
	if err != nil {
		return nil, fmt.Errorf("list unfinished runs: %w", err)
	}
	defer rows.Close()
	var open []leftover
	for rows.Next() {
		l := leftover{who: actor.From(ctx)}
		var owner string
		l.answer, err = scanMessage(func(to ...any) error { return rows.Scan(append([]any{&l.id, &l.who.Workspace, &owner}, to...)...) })
		if err != nil {
			return nil, fmt.Errorf("list unfinished runs: %w", err)
		}
		l.who.ID = owner
		open = append(open, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list unfinished runs: %w", err)
	}
	return open, s.saved(ctx, open)
}

// interrupt ends one run with the text its saved events hold.
func (s Store) interrupt(ctx context.Context, tx *sqlite.Tx, l leftover) error {
	a, last, err := l.kept()
	if err != nil {
		return err
	}
	const close = `UPDATE run SET state = ?, ended = ? WHERE id = ?`
	if _, err := tx.Exec(ctx, close, a.State, tx.Now.UnixMilli(), l.id); err != nil {
		return fmt.Errorf("end run: %w", err)
	}
	if err := insertEvents(ctx, tx, l.id, stripped(l.journal)); err != nil {
		return err
	}
	closing := []Event{
		{ID: last + lostEvents, Name: EventPhase, Data: phaseData(phase{Phase: StateInterrupted})},
		{ID: last + lostEvents + 1, Name: EventDone},
	}
	if err := insertEvents(ctx, tx, l.id, closing); err != nil {
		return err
	}
	if err := storeAnswer(ctx, tx, l.id, l.who, a); err != nil {
		return err
	}
	entry := answered(ending{run: l.id, answer: a})
	entry.Workspace = l.who.Workspace
	entry.Detail["owner"] = l.who.ID
	return s.Audit.Record(ctx, tx, entry)
}

// kept is the answer as far as it was saved, and the number of its last event.
func (l leftover) kept() (Message, int64, error) {
	a := l.answer
	a.State = StateInterrupted
	var text, thinking strings.Builder
	var shown []Citation
	last := int64(0)
	for _, e := range append(slices.Clone(l.events), rowsOf(l.journal)...) {
		last = e.last
		var err error
		switch e.name {
		case EventDelta:
			err = appendPieces(&text, e.data)
		case EventThinking:
			err = appendPieces(&thinking, e.data)
		case EventCitations:
			shown = nil
			err = json.Unmarshal([]byte(e.data), &shown)
		case EventPhase:
			var p phase
			if err = json.Unmarshal([]byte(e.data), &p); p.Query != "" {
				a.Query = p.Query
			}
		}
		if err != nil {
			return a, 0, fmt.Errorf("event %d of run %s: %w", e.first, l.id, err)
		}
	}
	a.Content, a.Thinking = text.String(), thinking.String()
	a.Citations = named(shown, a.Content)
	return a, last, nil
}

// appendPieces adds the texts of a row of deltas or thoughts.
func appendPieces(to *strings.Builder, data string) error {
	var pieces []struct{ Text string }
	if err := json.Unmarshal([]byte(data), &pieces); err != nil {
		return err
	}
	for _, p := range pieces {
		to.WriteString(p.Text)
	}
	return nil
}
