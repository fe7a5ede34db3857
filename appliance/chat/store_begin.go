package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// started is what the rows of a run look like once they are stored.
type started struct {
	conversation Conversation // with the knowledge bases that this run searches
	question     Message
	answer       Message
}

// begin stores what is asked: the conversation if it is new, the messages that
// are new, run, first events and audit entry, in one transaction.
func (s Store) begin(ctx context.Context, r *run, in asking, first []Event) (started, error) {
	var done started
	err := s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		st, err := s.begun(ctx, tx, r, in)
		if err != nil {
			return err
		}
		if err := insertRun(ctx, tx, r, st, in); err != nil {
			return err
		}
		if err := insertEvents(ctx, tx, r.id, first); err != nil {
			return err
		}
		if in.conversation != "" { // in a new one each message is the only version
			if st.question.Versions, err = versionsOf(ctx, tx.Query, st.question); err != nil {
				return err
			}
			if st.answer.Versions, err = versionsOf(ctx, tx.Query, st.answer); err != nil {
				return err
			}
		}
		done = st
		return s.Audit.Record(ctx, tx, audit.Entry{Act: "chat.ask", ObjectKind: "conversation", Object: r.conversation,
			Detail: map[string]any{"kind": in.kind(), "run": r.id, "question": st.question.ID, "answer": st.answer.ID, "model": r.choice.Name,
				"knowledge": st.conversation.Knowledge, "narrowed": !st.conversation.Filter.Empty()}})
	})
	return done, err
}

// begun writes the conversation and its messages.
func (s Store) begun(ctx context.Context, tx *sqlite.Tx, r *run, in asking) (started, error) {
	st := started{question: r.question, answer: r.answer}
	at := tx.Now.UnixMilli()
	if in.conversation == "" {
		c := Conversation{ID: r.conversation, Title: titleOf(r.question.Content), Model: asked(in, r), Running: true,
			CreatedAt: moment(at), UpdatedAt: moment(at)}
		c.within(scope{Knowledge: []string{}}.takes(in))
		var expires int64
		if in.temporary {
			expires = at + temporaryLasts.Milliseconds()
			gone := moment(expires)
			c.ExpiresAt = &gone
		}
		const insert = `INSERT INTO conversation (id, workspace, owner, title, model, knowledge, created, updated, leaf, expires, session)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
		if _, err := tx.Exec(ctx, insert, c.ID, r.who.Workspace, r.who.ID, c.Title, c.Model, c.scope().text(), at, at, r.answer.ID, expires, r.who.Session); err != nil {
			return st, fmt.Errorf("insert conversation: %w", err)
		}
		st.conversation = c
		return st, insertMessages(ctx, tx, r, 1, r.question, r.answer)
	}
	c, leaf, position, err := standing(ctx, tx, r)
	if err != nil {
		return st, err
	}
	searches, err := recheck(ctx, tx, r, in)
	if err != nil {
		return st, err
	}
	if model := asked(in, r); model != "" && in.kind() != askAnew {
		c.Model = model
	}
	if in.knowledge != nil || in.filter != nil {
		was := c.scope()
		if searches != nil {
			was = *searches
		}
		c.within(was.takes(in))
		searches = nil
	}
	switch in.kind() {
	case askNext:
		if st.question.Parent, err = follows(ctx, tx, r, in.parent, leaf); err != nil {
			return st, err
		}
		leaf, err = st.answer.ID, insertMessages(ctx, tx, r, position+1, st.question, st.answer)
	case askEdit:
		leaf, err = st.answer.ID, insertMessages(ctx, tx, r, position+1, st.question, st.answer)
	case askAnew:
		leaf, err = st.answer.ID, insertMessages(ctx, tx, r, position+1, st.answer)
	case askContinue:
		if leaf, err = leadsTo(ctx, tx, r, leaf); err == nil {
			err = reopen(ctx, tx, st.answer)
		}
	}
	if err != nil {
		return st, err
	}
	const update = `UPDATE conversation SET updated = max(updated + 1, ?), model = ?, knowledge = ?, leaf = ? WHERE id = ?`
	if _, err := tx.Exec(ctx, update, at, c.Model, c.scope().text(), leaf, c.ID); err != nil {
		return st, fmt.Errorf("update conversation: %w", err)
	}
	c.UpdatedAt = moment(at)
	if searches != nil {
		c.within(*searches)
	}
	st.conversation = c
	return st, nil
}

// asked is the model that an asking names, under its own name; "" where it
// names none.
func asked(in asking, r *run) string {
	if in.model != "" && in.model != KindExtractive {
		return r.choice.Name
	}
	return in.model
}

// standing is the conversation of a run as it is, the leaf of its shown path and
// the position of its newest message.
func standing(ctx context.Context, tx *sqlite.Tx, r *run) (c Conversation, leaf string, position int, err error) {
	const find = `SELECT title, model, knowledge, created, leaf, (SELECT coalesce(max(position), 0) FROM message WHERE conversation = conversation.id)
		FROM conversation WHERE id = ? AND workspace = ? AND owner = ?`
	var knowledge string
	var created int64
	c = Conversation{ID: r.conversation, Running: true}
	err = tx.QueryRow(ctx, find, c.ID, r.who.Workspace, r.who.ID).Scan(&c.Title, &c.Model, &knowledge, &created, &leaf, &position)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return c, "", 0, noConversation(c.ID)
	case err != nil:
		return c, "", 0, fmt.Errorf("find conversation: %w", err)
	}
	c.within(scopeOf(knowledge))
	c.CreatedAt = moment(created)
	return c, leaf, position, nil
}

// recheck looks again at the message an asking is about, now that nothing else
// is written, and says what its run searched.
func recheck(ctx context.Context, tx *sqlite.Tx, r *run, in asking) (searches *scope, err error) {
	if in.points() == "" {
		return nil, nil
	}
	const find = `SELECT m.run, m.state, EXISTS (SELECT 1 FROM run AS r WHERE r.question = m.id AND r.ended IS NULL)
		FROM message AS m WHERE m.id = ? AND m.conversation = ? AND m.workspace = ? AND m.owner = ?`
	var run, state string
	var answering bool
	err = tx.QueryRow(ctx, find, in.points(), r.conversation, r.who.Workspace, r.who.ID).Scan(&run, &state, &answering)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, noMessage(in.points())
	case err != nil:
		return nil, fmt.Errorf("find message: %w", err)
	case state == StateWriting || answering:
		return nil, stillWriting()
	case in.goOn != "" && run != in.seen:
		return nil, fault.New(fault.Conflict, "The answer was gone on with meanwhile.").Cure("Look at it again.").Code("answer-changed")
	}
	return searched(ctx, tx.Query, in.points(), r.who)
}

// searched is the scope of the newest run of a question or an answer.
func searched(ctx context.Context, query query, message string, who actor.Actor) (*scope, error) {
	const find = `SELECT knowledge FROM (
			SELECT knowledge, created, id FROM run WHERE question = ?1 AND workspace = ?2 AND owner = ?3
			UNION ALL SELECT knowledge, created, id FROM run WHERE answer = ?1 AND workspace = ?2 AND owner = ?3
		) ORDER BY created DESC, id DESC LIMIT 1`
	rows, err := query(ctx, find, message, who.Workspace, who.ID)
	if err != nil {
		return nil, fmt.Errorf("find run: %w", err)
	}
	defer rows.Close()
	knowledge := "[]"
	if rows.Next() {
		if err := rows.Scan(&knowledge); err != nil {
			return nil, fmt.Errorf("find run: %w", err)
		}
	}
	s := scopeOf(knowledge)
	return &s, rows.Err()
}

// follows is the message a new question follows: the one it names, which must be
// of the conversation, or the leaf.
func follows(ctx context.Context, tx *sqlite.Tx, r *run, parent, leaf string) (string, error) {
	if parent == "" {
		return leaf, nil
	}
	const find = `SELECT count(*) FROM message WHERE id = ? AND conversation = ? AND workspace = ? AND owner = ?`
	var n int
	if err := tx.QueryRow(ctx, find, parent, r.conversation, r.who.Workspace, r.who.ID).Scan(&n); err != nil {
		return "", fmt.Errorf("find parent: %w", err)
	}
	if n == 0 {
		return "", fault.New(fault.Invalid, "The parent is no message of this conversation.").
			With(fault.Detail{Field: "body.parent", Sentence: "This is no message of this conversation."})
	}
	return parent, nil
}

// leadsTo is the leaf of the path that shows an answer which is gone on with:
// the one there is where the answer is on its path.
func leadsTo(ctx context.Context, tx *sqlite.Tx, r *run, leaf string) (string, error) {
	path, err := pathOf(ctx, tx.Query, r.who, r.conversation, leaf, maxPath)
	if err != nil || slices.Contains(path, r.answer.ID) {
		return leaf, err
	}
	return newestUnder(ctx, tx, r.who, r.conversation, r.answer.ID)
}

// reopen makes an answer one that is being written: what it has so far is in the
// events of its run until that ends.
func reopen(ctx context.Context, tx *sqlite.Tx, a Message) error {
	const update = `UPDATE message SET run = ?, state = ?, kind = ?, model = ?, content = '', thinking = '', problem = NULL, truncated = 0, unsupported = 0
		WHERE id = ?`
	if _, err := tx.Exec(ctx, update, a.Run, a.State, a.Kind, a.Model, a.ID); err != nil {
		return fmt.Errorf("reopen answer: %w", err)
	}
	return nil
}

func insertMessages(ctx context.Context, tx *sqlite.Tx, r *run, position int, messages ...Message) error {
	const insert = `INSERT INTO message (id, workspace, owner, conversation, position, parent, role, kind, state, content, run, created, model)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	for i, m := range messages {
		if _, err := tx.Exec(ctx, insert, m.ID, r.who.Workspace, r.who.ID, r.conversation, position+i, m.Parent, m.Role, m.Kind, m.State,
			m.Content, m.Run, m.CreatedAt.UnixMilli(), m.Model); err != nil {
			return fmt.Errorf("insert message: %w", err)
		}
	}
	return nil
}

func insertRun(ctx context.Context, tx *sqlite.Tx, r *run, st started, in asking) error {
	const insert = `INSERT INTO run (id, workspace, owner, conversation, question, answer, model, knowledge, state, created, kind)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	if _, err := tx.Exec(ctx, insert, r.id, r.who.Workspace, r.who.ID, r.conversation, st.question.ID, st.answer.ID, r.choice.Name,
		st.conversation.scope().text(), StateWriting, r.began.UnixMilli(), in.kind()); err != nil {
		return fmt.Errorf("insert run: %w", err)
	}
	return nil
}
