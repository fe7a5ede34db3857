package chat

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"encoding/json"
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

// started is what the rows of a question look like once they are stored.
type started struct {
	conversation Conversation
	parent       string // of the question
	before       string // the question before it
}

// begin stores a question: the conversation if it is new, question, empty
// answer, run, first event and audit entry, in one transaction.
func (s Store) begin(ctx context.Context, r *run, in asking) (started, error) {
	var done started
	err := s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		st, position, err := s.place(ctx, tx, r, in)
		if err != nil {
			return err
		}
		if err := insertExchange(ctx, tx, r, st, position); err != nil {
			return err
		}
		if err := insertEvents(ctx, tx, r.id, r.who, r.log.unsaved()); err != nil {
			return err
		}
		done = st
		return s.Audit.Record(ctx, tx, audit.Entry{Act: "chat.ask", ObjectKind: "conversation", Object: r.conversation,
			Detail: map[string]any{"run": r.id, "question": r.question.ID, "answer": r.answer.ID, "knowledge": st.conversation.Knowledge}})
	})
	return done, err
}

// place makes or finds the conversation and says where in it the question goes.
func (s Store) place(ctx context.Context, tx *sqlite.Tx, r *run, in asking) (started, int, error) {
	a := actor.From(ctx)
	at := tx.Now.UnixMilli()
	c := Conversation{ID: r.conversation, Title: titleOf(r.question.Content), Knowledge: []string{}, Model: in.model, Running: true,
		CreatedAt: moment(at), UpdatedAt: moment(at)}
	if in.knowledge != nil {
		c.Knowledge = in.knowledge
	}
	if in.conversation == "" {
		const insert = `INSERT INTO conversation (id, workspace, owner, title, model, knowledge, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
		if _, err := tx.Exec(ctx, insert, c.ID, a.Workspace, a.ID, c.Title, c.Model, list(c.Knowledge), at, at); err != nil {
			return started{}, 0, fmt.Errorf("insert conversation: %w", err)
		}
		return started{conversation: c}, 1, nil
	}
	const find = `SELECT title, model, knowledge, created,
			(SELECT coalesce(max(position), 0) FROM message WHERE conversation = conversation.id)
		FROM conversation WHERE id = ? AND workspace = ? AND owner = ?`
	var knowledge string
	var created int64
	var position int
	var title, model string
	err := tx.QueryRow(ctx, find, c.ID, a.Workspace, a.ID).Scan(&title, &model, &knowledge, &created, &position)
	if errors.Is(err, sql.ErrNoRows) {
		return started{}, 0, noConversation(c.ID)
	}
	if err != nil {
		return started{}, 0, fmt.Errorf("find conversation: %w", err)
	}
	c.Title, c.CreatedAt = title, moment(created)
	if in.model == "" {
		c.Model = model
	}
	if in.knowledge == nil {
		c.Knowledge = unlist(knowledge)
	}
	const update = `UPDATE conversation SET updated = max(updated + 1, ?), model = ?, knowledge = ? WHERE id = ?`
	if _, err := tx.Exec(ctx, update, at, c.Model, list(c.Knowledge), c.ID); err != nil {
		return started{}, 0, fmt.Errorf("update conversation: %w", err)
	}
	st := started{conversation: c}
	st.parent, st.before, err = follows(ctx, tx, c.ID, in.parent, position)
	return st, position + 1, err
}

// follows finds the message a question follows, and the question before it on
// the way to the beginning.
func follows(ctx context.Context, tx *sqlite.Tx, conversation, parent string, newest int) (id, before string, err error) {
	const (
		byID     = `SELECT id, role, parent, content FROM message WHERE conversation = ? AND id = ?`
		byNumber = `SELECT id, role, parent, content FROM message WHERE conversation = ? AND position = ?`
	)
	query, key := byNumber, any(newest)
	if parent != "" {
		query, key = byID, parent
	}
	for steps := 0; steps < 4; steps++ {
		var m Message
		err := tx.QueryRow(ctx, query, conversation, key).Scan(&m.ID, &m.Role, &m.Parent, &m.Content)
		switch {
		case errors.Is(err, sql.ErrNoRows) && steps == 0 && parent != "":
			return "", "", fault.New(fault.Invalid, "The parent is no message of this conversation.").
				With(fault.Detail{Field: "body.parent", Sentence: "This is no message of this conversation."})
		case errors.Is(err, sql.ErrNoRows):
			return id, "", nil
		case err != nil:
			return "", "", fmt.Errorf("find parent: %w", err)
		}
		if steps == 0 {
			id = m.ID
		}
		if m.Role == RoleUser {
			return id, m.Content, nil
		}
		query, key = byID, m.Parent
	}
	return id, "", nil
}

func insertExchange(ctx context.Context, tx *sqlite.Tx, r *run, st started, position int) error {
	const message = `INSERT INTO message (id, workspace, owner, conversation, position, parent, role, kind, state, content, run, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	r.question.Parent = st.parent
	for i, m := range []Message{r.question, r.answer} {
		if _, err := tx.Exec(ctx, message, m.ID, r.who.Workspace, r.who.ID, r.conversation, position+i, m.Parent, m.Role, m.Kind, m.State,
			m.Content, m.Run, m.CreatedAt.UnixMilli()); err != nil {
			return fmt.Errorf("insert message: %w", err)
		}
	}
	const insert = `INSERT INTO run (id, workspace, owner, conversation, question, answer, model, knowledge, state, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	if _, err := tx.Exec(ctx, insert, r.id, r.who.Workspace, r.who.ID, r.conversation, r.question.ID, r.answer.ID, st.conversation.Model,
		list(st.conversation.Knowledge), StateWriting, r.began.UnixMilli()); err != nil {
		return fmt.Errorf("insert run: %w", err)
	}
	return nil
}

// events are the unsaved events of one run.
type events struct {
	run  string
	who  actor.Actor
	list []Event
}

// save appends events of living runs. A run that was deleted meanwhile is left
// out.
func (s Store) save(ctx context.Context, batch []events) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, e := range batch {
			const find = `SELECT count(*) FROM run WHERE id = ?`
			var n int
			if err := tx.QueryRow(ctx, find, e.run).Scan(&n); err != nil {
				return fmt.Errorf("find run: %w", err)
			}
			if n == 0 {
				continue
			}
			if err := insertEvents(ctx, tx, e.run, e.who, e.list); err != nil {
				return err
			}
		}
		return nil
	})
}

// insertEvents writes events, deltas that follow each other as one row.
func insertEvents(ctx context.Context, tx *sqlite.Tx, run string, who actor.Actor, all []Event) error {
	const insert = `INSERT INTO run_event (run, first, last, workspace, owner, name, data) VALUES (?, ?, ?, ?, ?, ?, ?)`
	for i := 0; i < len(all); {
		e := all[i]
		n := 1
		data := e.Data
		if e.Name == EventDelta {
			for i+n < len(all) && all[i+n].Name == EventDelta {
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
		if _, err := tx.Exec(ctx, insert, run, e.ID, all[i+n-1].ID, who.Workspace, who.ID, e.Name, string(data)); err != nil {
			return fmt.Errorf("insert event: %w", err)
		}
		i += n
	}
	return nil
}

// end stores the end of a run: the last events, the answer, its citations and
// the audit entry. A run whose conversation was deleted has no end to store.
func (s Store) end(ctx context.Context, e ending) error {
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		const close = `UPDATE run SET state = ?, ended = ? WHERE id = ? AND ended IS NULL`
		res, err := tx.Exec(ctx, close, e.answer.State, tx.Now.UnixMilli(), e.run)
		if err != nil {
			return fmt.Errorf("end run: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		who := actor.From(ctx)
		if err := insertEvents(ctx, tx, e.run, who, stripped(e.events)); err != nil {
			return err
		}
		if err := storeAnswer(ctx, tx, e.run, who, e.answer); err != nil {
			return err
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
	var problem any
	if a.Problem != nil {
		problem = string(encode(a.Problem))
	}
	const answer = `UPDATE message SET content = ?, kind = ?, state = ?, problem = ? WHERE id = ?`
	if _, err := tx.Exec(ctx, answer, a.Content, a.Kind, a.State, problem, a.ID); err != nil {
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
	const touch = `UPDATE conversation SET updated = max(updated + 1, ?) WHERE id = ?`
	_, err := tx.Exec(ctx, touch, tx.Now.UnixMilli(), a.Conversation)
	return err
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
			"documents": unique(documents), "took": e.took}}
	if e.answer.State == StateFailed || e.answer.State == StateInterrupted {
		entry.Outcome = audit.Failed
	}
	return entry
}

// refused records that knowledge bases were named that the person may not read,
// and returns the fault the person gets.
func (s Store) refused(ctx context.Context, knowledge []string, why error) error {
	return errors.Join(s.Audit.Refused(ctx, audit.Entry{Act: "chat.ask", ObjectKind: "knowledge", Detail: map[string]any{"knowledge": knowledge}}), why)
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
func noRun(id string) error { return fault.New(fault.NotFound, "There is no run %s.", quoted(id)) }

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// list and unlist keep a list of ids in one column.
func list(ids []string) string {
	if ids == nil {
		ids = []string{}
	}
	return string(encode(ids))
}

func unlist(text string) []string {
	ids := []string{}
	if err := json.Unmarshal([]byte(text), &ids); err != nil {
		return []string{}
	}
	return ids
}
