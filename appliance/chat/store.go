package chat

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store is all SQL of chat. Who asks comes from the context, and every query
// asks for the rows of that person in that workspace.
type Store struct {
	DB    *sqlite.DB
	Audit *audit.Log
}

// batched events are written as one row where they follow each other.
func batched(name string) bool { return name == EventDelta || name == EventThinking }

// insertEvents writes events of a run, pieces that follow each other as one row.
// A run that was deleted meanwhile is left out.
func insertEvents(ctx context.Context, tx *sqlite.Tx, run string, all []Event) error {
	const insert = `INSERT INTO run_event (run, first, last, workspace, owner, name, data)
		SELECT id, ?, ?, workspace, owner, ?, ? FROM run WHERE id = ?`
	for _, row := range rowsOf(all) {
		if _, err := tx.Exec(ctx, insert, row.first, row.last, row.name, row.data, run); err != nil {
			return fmt.Errorf("insert event: %w", err)
		}
	}
	return nil
}

// rowsOf are events as rows hold them.
func rowsOf(all []Event) []eventRow {
	var rows []eventRow
	for i := 0; i < len(all); {
		e := all[i]
		n := 1
		data := e.Data
		if batched(e.Name) {
			for i+n < len(all) && all[i+n].Name == e.Name && all[i+n].ID == e.ID+int64(n) {
				n++
			}
			var row bytes.Buffer
			for k, d := range all[i : i+n] {
				row.WriteByte("[,"[min(k, 1)])
				row.Write(d.Data)
			}
			row.WriteByte(']')
			data = row.Bytes()
		}
		rows = append(rows, eventRow{first: e.ID, last: all[i+n-1].ID, name: e.Name, data: string(data)})
		i += n
	}
	return rows
}

// end stores the end of a run: its events, the answer, its citations, its whole
// receipt and the audit entry, and clears the journal before the number needed.
// A run whose conversation was deleted has no end to store.
func (s Store) end(ctx context.Context, e ending, needed int64) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := clearJournal(ctx, tx, needed); err != nil {
			return err
		}
		const close = `UPDATE run SET state = ?, ended = ? WHERE id = ? AND ended IS NULL`
		res, err := tx.Exec(ctx, close, e.answer.State, tx.Now.UnixMilli(), e.run)
		if err != nil {
			return fmt.Errorf("end run: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		who := actor.From(ctx)
		if err := insertEvents(ctx, tx, e.run, stripped(e.events)); err != nil {
			return err
		}
		if err := storeAnswer(ctx, tx, e.run, who, e.answer); err != nil {
			return err
		}
		if e.receipt != nil {
			if err := storeReceipt(ctx, tx, e.run, string(encode(e.receipt))); err != nil {
				return err
			}
		}
		return s.Audit.Record(ctx, tx, answered(e))
	})
}

// stripped leaves out what the tables of messages and citations hold, so that a
// passage that may no longer be read is kept in one place only.
func stripped(all []Event) []Event {
	out := make([]Event, len(all))
	for i, e := range all {
		if e.Name == EventCitations || e.Name == EventDone {
			e.Data = nil
		}
		out[i] = e
	}
	return out
}

func storeAnswer(ctx context.Context, tx *sqlite.Tx, run string, who actor.Actor, a Message) error {
	const blank = `UPDATE run_event SET data = '' WHERE run = ? AND name = 'citations'`
	if _, err := tx.Exec(ctx, blank, run); err != nil {
		return fmt.Errorf("blank citations: %w", err)
	}
	// An answer that was gone on with has citations already.
	const clear = `DELETE FROM citation WHERE message = ?`
	if _, err := tx.Exec(ctx, clear, a.ID); err != nil {
		return fmt.Errorf("clear citations: %w", err)
	}
	const answer = `UPDATE message SET content = ?, kind = ?, state = ?, problem = ?, model = ?, thinking = ?, thinking_ms = ?, query = ?,
		usage = ?, context = ?, unsupported = ?, truncated = ? WHERE id = ?`
	if _, err := tx.Exec(ctx, answer, a.Content, a.Kind, a.State, orNull(a.Problem), a.Model, a.Thinking, a.ThinkingMs, a.Query,
		orNull(a.Usage), orNull(a.Context), a.Unsupported, a.Truncated, a.ID); err != nil {
		return fmt.Errorf("update answer: %w", err)
	}
	const cite = `INSERT INTO citation (message, number, workspace, owner, document, title, knowledge, version, page, heading, start, stop, text)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	for _, c := range a.Citations {
		if _, err := tx.Exec(ctx, cite, a.ID, c.Number, who.Workspace, who.ID, c.Document.ID, c.Document.Title, c.Knowledge, c.Version, c.Page,
			c.Heading, c.Start, c.End, c.Text); err != nil {
			return fmt.Errorf("insert citation: %w", err)
		}
	}
	const touch = `UPDATE conversation SET updated = max(updated + 1, ?1), answered = max(answered + 1, ?1),
		expires = CASE expires WHEN 0 THEN 0 ELSE ?1 + ?3 END WHERE id = ?2`
	_, err := tx.Exec(ctx, touch, tx.Now.UnixMilli(), a.Conversation, temporaryLasts.Milliseconds())
	return err
}

// orNull is the JSON of a value that may be missing.
func orNull[T any](v *T) any {
	if v == nil {
		return nil
	}
	return string(encode(v))
}

// answered is the audit entry of a run that ended: what came of it, and whose
// documents were shown.
func answered(e ending) audit.Entry {
	var documents []string
	for _, c := range e.answer.Citations {
		documents = append(documents, c.Document.ID)
	}
	entry := audit.Entry{Act: "chat.answer", ObjectKind: "conversation", Object: e.answer.Conversation,
		Detail: map[string]any{"run": e.run, "answer": e.answer.ID, "state": e.answer.State, "kind": e.answer.Kind,
			"model": e.answer.Model, "documents": unique(documents), "took": e.took}}
	if e.answer.State == StateFailed || e.answer.State == StateInterrupted {
		entry.Outcome = audit.Failed
	}
	return entry
}

// refused records that knowledge bases were named that the person may not read,
// and returns the fault the person gets.
func (s Store) refused(ctx context.Context, in asking, why error) error {
	detail := map[string]any{"knowledge": in.knowledge}
	if in.filter != nil {
		detail["documents"] = in.filter.Documents
	}
	return errors.Join(s.Audit.Refused(ctx, audit.Entry{Act: "chat.ask", ObjectKind: "knowledge", Detail: detail}), why)
}

// record writes one audit entry, where nothing else is stored.
func (s Store) record(ctx context.Context, e audit.Entry) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return s.Audit.Record(ctx, tx, e) })
}

// stop records that a person stops a run; false when it has ended.
func (s Store) stop(ctx context.Context, id string) (running bool, err error) {
	a := actor.From(ctx)
	err = s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const find = `SELECT conversation, ended IS NULL FROM run WHERE id = ? AND workspace = ? AND owner = ?`
		var conversation string
		err := tx.QueryRow(ctx, find, id, a.Workspace, a.ID).Scan(&conversation, &running)
		if errors.Is(err, sql.ErrNoRows) {
			return noRun(id)
		}
		if err != nil || !running {
			return err
		}
		return s.Audit.Record(ctx, tx, audit.Entry{Act: "chat.stop", ObjectKind: "conversation", Object: conversation, Detail: map[string]any{"run": id}})
	})
	return running, err
}

func noConversation(id string) error {
	return fault.New(fault.NotFound, "There is no conversation %s.", quoted(id))
}
func noMessage(id string) error {
	return fault.New(fault.NotFound, "There is no message %s.", quoted(id))
}
func noRun(id string) error { return fault.New(fault.NotFound, "There is no run %s.", quoted(id)) }

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
