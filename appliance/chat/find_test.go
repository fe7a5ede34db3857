package chat

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/web"
)

func (r *rig) find(who, query string) []FoundConversation {
	r.t.Helper()
	return must[web.Page[FoundConversation]](r, who, "POST", "/api/search/conversations", string(encode(map[string]any{"query": query})), 200).Items
}

func foundTitles(found []FoundConversation) []string {
	all := []string{}
	for _, f := range found {
		all = append(all, f.Conversation.Title)
	}
	return all
}

func TestFindsConversationsByTheirWords(t *testing.T) {
	t.Parallel()
	books := wardShelf()
	r := open(t, books, nil)
	hours := r.ask("ada", "visiting hours")
	pager := r.ask("ada", "Pager für die Kältekammer")
	r.ask("ben", "visiting hours zebrafish")
	folder := must[ChatFolder](r, "ada", "POST", "/api/chat/folders", `{"name":"Night shift"}`, 201)
	must[Conversation](r, "ada", "PATCH", "/api/conversations/"+pager.Conversation.ID, `{"folder":"`+folder.ID+`","tags":["on call"]}`, 200)
	must[Conversation](r, "ada", "PATCH", "/api/conversations/"+hours.Conversation.ID, `{"pinned":true,"title":"Ward times"}`, 200)
	old := r.ask("ada", "old pager")
	must[Conversation](r, "ada", "PATCH", "/api/conversations/"+old.Conversation.ID, `{"archived":true}`, 200)
	hidden := must[Exchange](r, "ada", "POST", "/api/conversations", `{"message":"secret pager","temporary":true}`, 200)

	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"VISITING", []string{"Ward times"}}, // its message, for its title is another by now
		{"ward times", []string{"Ward times"}},
		{"kalte", []string{"Pager für die Kältekammer"}},
		{"pag kält", []string{"Pager für die Kältekammer"}},
		{"zebrafish", nil},
		{"pager", []string{"Pager für die Kältekammer"}},
		{"pager archived:", []string{"old pager"}},
		{"archived:true", []string{"old pager"}},
		{`tag:"on call"`, []string{"Pager für die Kältekammer"}},
		{"tag:call", nil},
		{"folder:night pager", []string{"Pager für die Kältekammer"}},
		{"pinned:", []string{"Ward times"}},
		{"pinned:no", []string{"Pager für die Kältekammer"}},
		{"pinned: pager", nil},
		{"14:00", []string{"Ward times"}},
		{`"* OR NEAR( -) AND`, nil},
		{"", []string{"Pager für die Kältekammer", "Ward times"}},
		{"'); DROP TABLE message; --", nil},
	} {
		if got := foundTitles(r.find("ada", tt.query)); !slices.Equal(got, append([]string{}, tt.want...)) {
			t.Errorf("%q: got %q, want %q", tt.query, got, tt.want)
		}
	}
	if got := r.find("ada", "every day"); len(got) != 1 || got[0].Message != hours.Answer.ID || !strings.Contains(got[0].Snippet, "every day") {
		t.Errorf("got %+v", got)
	}
	for _, who := range []string{"eve", "root"} {
		if got := r.find(who, "visiting"); len(got) != 0 {
			t.Errorf("%s found %+v", who, got)
		}
	}
	if got := r.do("", "POST", "/api/search/conversations", `{"query":"visiting"}`); got.status != 403 {
		t.Errorf("the operator: got %d %s", got.status, got.body)
	}
	if got := r.do("ada", "GET", "/api/conversations/"+hidden.Conversation.ID, ""); got.status != 200 {
		t.Errorf("the temporary one: got %d", got.status)
	}

	// What was written from a document is not found any more once that may not be read.
	books.close("k-ward")
	if got := r.find("ada", "every day"); len(got) != 0 {
		t.Errorf("found %+v", got)
	}
	if got := foundTitles(r.find("ada", "visiting")); !slices.Equal(got, []string{"Ward times"}) { // their own question
		t.Errorf("found %q", got)
	}
	must[struct{}](r, "ada", "DELETE", "/api/conversations/"+hours.Conversation.ID, "", 204)
	must[struct{}](r, "ada", "DELETE", "/api/messages/"+pager.Question.ID, "", 204)
	if got := foundTitles(r.find("ada", "visiting")); len(got) != 0 {
		t.Errorf("found %q", got)
	}
	// Integrity: the index holds what the tables do, and nothing else.
	if n := r.count(`SELECT count(*) FROM chat_entry WHERE message <> '' AND message NOT IN (SELECT id FROM message)`); n != 0 {
		t.Errorf("%d entries of messages that are gone", n)
	}
	if n := r.count(`SELECT count(*) FROM chat_word WHERE chat_word MATCH 'visiting'`); n != 3 { // those of ben: title, question, answer
		t.Errorf("%d texts hold the word", n)
	}
}

func TestFindPagesByKey(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	var want, got []string
	for i := range 5 {
		want = append(want, r.ask("ada", fmt.Sprintf("visiting number%d", i)).Conversation.ID)
	}
	slices.Reverse(want)
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page := must[web.Page[FoundConversation]](r, "ada", "POST", "/api/search/conversations", `{"query":"visit","limit":2,"cursor":"`+cursor+`"}`, 200)
		for _, f := range page.Items {
			got = append(got, f.Conversation.ID)
		}
		if cursor = page.Next; pages > 5 {
			t.Fatal("the list has no end")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestOlderMessagesAreIndexed opens a database from before there was an index.
func TestOlderMessagesAreIndexed(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, migrations()...)
	if err := db.Down(t.Context(), 37, migrations()...); err != nil {
		t.Fatal(err)
	}
	old := &rig{t: t, db: db}
	old.exec(`INSERT INTO conversation (id, workspace, owner, title, model, knowledge, created, updated, leaf) VALUES ('c-old', 'w1', 'ada', 'Old chat', '', '[]', 1, 5, 'q1')`)
	for i := range indexStep + 5 {
		old.exec(fmt.Sprintf(`INSERT INTO message (id, workspace, owner, conversation, position, parent, role, kind, state, content, run, created) VALUES
			('q%d', 'w1', 'ada', 'c-old', %d, '', 'user', 'question', 'done', 'lantern number%d', '', %d)`, i, i+1, i, i))
	}
	if err := db.Migrate(t.Context(), migrations()...); err != nil {
		t.Fatal(err)
	}
	r := openOn(t, db, wardShelf(), nil)
	last := fmt.Sprintf("number%d", indexStep+4)
	for deadline := time.Now().Add(2 * time.Minute); len(r.find("ada", last)) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the older messages are not found")
		}
	}
	if got := r.find("ada", "old lantern"); len(got) != 0 { // in no single text
		t.Errorf("got %+v", got)
	}
	if got := foundTitles(r.find("ada", "old")); !slices.Equal(got, []string{"Old chat"}) {
		t.Errorf("got %q", got)
	}
	if n := r.count(`SELECT count(*) FROM chat_entry WHERE indexed = 0`); n != 0 {
		t.Errorf("%d are left", n)
	}
	// A row that was indexed in the background leaves the index like any other.
	must[struct{}](r, "ada", "DELETE", "/api/conversations/c-old", "", 204)
	if n := r.count(`SELECT count(*) FROM chat_word WHERE chat_word MATCH 'lantern OR old'`); n != 0 {
		t.Errorf("%d texts are left in the index", n)
	}
}

func FuzzQuest(f *testing.F) {
	for _, s := range []string{`tag:"on call" pinned: wörter`, `folder:"open`, `""`, "tag:", "archived:no\x00", "a:b:c", strings.Repeat("x ", 50)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		q := questOf(typed)
		if len(q.words) > maxFindWords {
			t.Errorf("%d words", len(q.words))
		}
		for _, w := range q.words {
			if w == "" || strings.ContainsAny(w, "\"* \x00") {
				t.Errorf("the word %q", w)
			}
		}
		if len(q.words) == 0 {
			return
		}
		if text, ok := around(typed, q.words); ok && len([]rune(text)) > snippetRunes+2 {
			t.Errorf("%d characters around it", len([]rune(text)))
		}
	})
}
