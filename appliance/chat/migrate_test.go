package chat

import (
	"slices"
	"strings"
	"testing"

	"chatets/appliance/sqlite/sqlitetest"
)

// TestOlderConversationsGoOn opens a data directory as the tables were before
// there were versions: its conversations are read, asked on and branched.
func TestOlderConversationsGoOn(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, migrations()...)
	if err := db.Down(t.Context(), 8, migrations()...); err != nil {
		t.Fatal(err)
	}
	old := &rig{t: t, db: db}
	if n := old.count(`SELECT count(*) FROM pragma_table_info('message') WHERE name = 'thinking'`); n != 0 {
		t.Fatal("the older tables have newer columns")
	}
	old.exec(`INSERT INTO conversation (id, workspace, owner, title, model, knowledge, created, updated) VALUES
		('c-old', 'w1', 'ada', 'Old', '', '[]', 1, 5), ('c-tree', 'w1', 'ada', 'Tree', '', '[]', 1, 6), ('c-open', 'w1', 'ada', 'Open', '', '[]', 1, 7)`)
	old.exec(`INSERT INTO message (id, workspace, owner, conversation, position, parent, role, kind, state, content, run, problem, created) VALUES
		('q1', 'w1', 'ada', 'c-old', 1, '',   'user',      'question',   'done', 'visiting hours', '',   NULL, 1),
		('a1', 'w1', 'ada', 'c-old', 2, 'q1', 'assistant', 'extractive', 'done', 'The ward. [1]',  'r1', NULL, 2),
		('q2', 'w1', 'ada', 'c-old', 3, 'a1', 'user',      'question',   'done', 'and then',       '',   NULL, 3),
		('a2', 'w1', 'ada', 'c-old', 4, 'q2', 'assistant', 'extractive', 'failed', '',             'r2', '{"status":500,"detail":"It broke."}', 4),
		('t1', 'w1', 'ada', 'c-tree', 1, '',   'user',      'question', 'done', 'one',     '',   NULL, 1),
		('t2', 'w1', 'ada', 'c-tree', 2, 't1', 'assistant', 'none',     'done', 'nothing', 'r3', NULL, 1),
		('t3', 'w1', 'ada', 'c-tree', 3, 't2', 'user',      'question', 'done', 'two',     '',   NULL, 1),
		('t4', 'w1', 'ada', 'c-tree', 4, 't3', 'assistant', 'none',     'done', 'nothing', 'r4', NULL, 1),
		('t5', 'w1', 'ada', 'c-tree', 5, 't2', 'user',      'question', 'done', 'two b',   '',   NULL, 1),
		('t6', 'w1', 'ada', 'c-tree', 6, 't5', 'assistant', 'none',     'done', 'nothing', 'r5', NULL, 1),
		('o1', 'w1', 'ada', 'c-open', 1, '',   'user',      'question',   'done',    'visiting hours', '', NULL, 1),
		('o2', 'w1', 'ada', 'c-open', 2, 'o1', 'assistant', 'extractive', 'writing', '',               'r6', NULL, 1)`)
	old.exec(`INSERT INTO citation (message, number, workspace, owner, document, title, knowledge, version, page, heading, start, stop, text) VALUES
		('a1', 1, 'w1', 'ada', 'd-ward', 'Ward rules', 'k-ward', 1, 0, '', 0, 9, 'The ward.')`)
	old.exec(`INSERT INTO run (id, workspace, owner, conversation, question, answer, model, knowledge, state, created, ended) VALUES
		('r1', 'w1', 'ada', 'c-old', 'q1', 'a1', '', '["k-ward"]', 'done', 1, 2), ('r2', 'w1', 'ada', 'c-old', 'q2', 'a2', '', '[]', 'failed', 3, 4),
		('r6', 'w1', 'ada', 'c-open', 'o1', 'o2', '', '[]', 'writing', 1, NULL)`)
	old.exec(`INSERT INTO run_event (run, first, last, workspace, owner, name, data) VALUES
		('r6', 1, 1, 'w1', 'ada', 'phase', '{"phase":"queued","run":"r6"}'), ('r6', 2, 3, 'w1', 'ada', 'delta', '[{"text":"As far "},{"text":"as this"}]')`)
	if err := db.Migrate(t.Context(), migrations()...); err != nil {
		t.Fatal(err)
	}
	books := wardShelf()
	r := openOn(t, db, books, nil)
	ids := func(conversation string) (all []string) {
		t.Helper()
		for _, m := range r.transcript("ada", conversation).Messages {
			all = append(all, m.ID)
		}
		return all
	}
	for conversation, want := range map[string][]string{"c-old": {"q1", "a1", "q2", "a2"}, "c-tree": {"t1", "t2", "t5", "t6"}, "c-open": {"o1", "o2"}} {
		if got := ids(conversation); !slices.Equal(got, want) {
			t.Errorf("%s shows %v, want %v", conversation, got, want)
		}
	}
	got := r.transcript("ada", "c-old").Messages
	if got[1].Content != "The ward. [1]" || len(got[1].Citations) != 1 || got[3].Problem == nil || got[3].Problem.Detail != "It broke." || got[1].Versions.Index != 1 {
		t.Errorf("got %s", encode(got))
	}
	if got := r.transcript("ada", "c-open").Messages[1]; got.State != StateInterrupted || got.Content != "As far as this" {
		t.Errorf("got %+v", got)
	}
	if got := r.transcript("ada", "c-tree").Messages[2].Versions; !slices.Equal(got.IDs, []string{"t3", "t5"}) || got.Index != 2 {
		t.Errorf("got versions %+v", got)
	}
	r.show("ada", "c-tree", "t3", 200)
	if got := ids("c-tree"); !slices.Equal(got, []string{"t1", "t2", "t3", "t4"}) {
		t.Errorf("shown is %v", got)
	}
	again := must[Exchange](r, "ada", "POST", "/api/messages/a1/regenerate", "", 200)
	if !slices.Equal(again.Answer.Versions.IDs, []string{"a1", again.Answer.ID}) || !slices.Equal(books.asked[len(books.asked)-1].Knowledge, []string{"k-ward"}) {
		t.Errorf("got %+v, searched %+v", again.Answer, books.asked)
	}
	next := r.more("ada", "c-tree", "And visiting hours?")
	if next.Question.Parent != "t4" {
		t.Errorf("got parent %s", next.Question.Parent)
	}
	edited := r.edit("ada", "q2", "visiting hours then")
	if got := ids("c-old"); !slices.Equal(got, []string{"q1", "a1", edited.Question.ID, edited.Answer.ID}) {
		t.Errorf("shown is %v", got)
	}
	// Back to the older program: nothing but versions and receipts is lost.
	if err := db.Down(t.Context(), 8, migrations()...); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.texts(`SELECT content FROM message WHERE conversation = 'c-old' ORDER BY position LIMIT 3`), "|"); got != "visiting hours|The ward. [1]|and then" {
		t.Errorf("left is %s", got)
	}
}
