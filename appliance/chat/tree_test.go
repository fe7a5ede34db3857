package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

// contents are the texts of a page, oldest first, answers cut to their kind.
func contents(messages []Message) string {
	var all []string
	for _, m := range messages {
		if m.Role == RoleUser {
			all = append(all, m.Content)
		} else {
			all = append(all, "("+m.Kind+")")
		}
	}
	return strings.Join(all, " ")
}

func (r *rig) more(token, conversation, question string) Exchange {
	r.t.Helper()
	return must[Exchange](r, token, "POST", "/api/conversations/"+conversation+"/messages", string(encode(map[string]string{"message": question})), 200)
}

func (r *rig) edit(token, message, text string) Exchange {
	r.t.Helper()
	return must[Exchange](r, token, "POST", "/api/messages/"+message+"/edit", string(encode(map[string]string{"message": text})), 200)
}

func (r *rig) show(token, conversation, message string, status int) reply {
	r.t.Helper()
	got := r.do(token, "PUT", "/api/conversations/"+conversation+"/leaf", string(encode(map[string]string{"message": message})))
	if got.status != status {
		r.t.Fatalf("show %s: got %d, want %d: %s", message, got.status, status, got.body)
	}
	return got
}

func TestAnswersHaveVersions(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "visiting hours")
	id := x.Conversation.ID
	path := "/api/messages/" + x.Answer.ID + "/regenerate"
	second := must[Exchange](r, "ada", "POST", path, "", 200)
	third := must[Exchange](r, "ada", "POST", path, `{"model":"extractive"}`, 200)
	want := []string{x.Answer.ID, second.Answer.ID, third.Answer.ID}
	if second.Question.ID != x.Question.ID || !slices.Equal(third.Answer.Versions.IDs, want) || third.Answer.Versions.Index != 3 || third.Answer.Parent != x.Question.ID {
		t.Errorf("got %+v", third.Answer)
	}
	got := r.transcript("ada", id).Messages
	if len(got) != 2 || got[1].ID != third.Answer.ID || string(encode(got[1])) != string(encode(third.Answer)) || !slices.Equal(got[0].Versions.IDs, []string{x.Question.ID}) {
		t.Errorf("shown is %s", encode(got))
	}
	// The next question follows the version that is shown.
	r.show("ada", id, second.Answer.ID, 200)
	next := r.more("ada", id, "cold store alarm")
	if next.Question.Parent != second.Answer.ID {
		t.Errorf("got parent %s, want %s", next.Question.Parent, second.Answer.ID)
	}
	for _, tt := range []struct {
		name, show string
		want       []string
	}{
		{"one without anything under it", x.Answer.ID, []string{x.Question.ID, x.Answer.ID}},
		{"one with more under it", second.Answer.ID, []string{x.Question.ID, second.Answer.ID, next.Question.ID, next.Answer.ID}},
		{"the first question leads to the newest", x.Question.ID, []string{x.Question.ID, second.Answer.ID, next.Question.ID, next.Answer.ID}},
		{"the last version", third.Answer.ID, []string{x.Question.ID, third.Answer.ID}},
	} {
		r.show("ada", id, tt.show, 200)
		var ids []string
		for _, m := range r.transcript("ada", id).Messages {
			ids = append(ids, m.ID)
			if m.Versions.IDs[m.Versions.Index-1] != m.ID {
				t.Errorf("%s: %s is version %+v", tt.name, m.ID, m.Versions)
			}
		}
		if !slices.Equal(ids, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, ids, tt.want)
		}
	}
	if got := r.show("ada", id, "nobody", 404); !strings.Contains(got.body, "nobody") {
		t.Errorf("got %s", got.body)
	}
	other := r.ask("ada", "visiting hours")
	r.show("ada", id, other.Answer.ID, 404) // of another conversation
}

func TestEditInTheMiddle(t *testing.T) {
	t.Parallel()
	books := wardShelf()
	r := open(t, books, nil)
	x := r.ask("ada", "visiting hours one")
	id := x.Conversation.ID
	second := r.more("ada", id, "cold store alarm two")
	r.more("ada", id, "visiting hours three")
	edited := r.edit("ada", second.Question.ID, "And the pager two b?")
	if edited.Question.Parent != x.Answer.ID || edited.Answer.Parent != edited.Question.ID || edited.Question.Versions.Index != 2 ||
		!slices.Equal(edited.Question.Versions.IDs, []string{second.Question.ID, edited.Question.ID}) {
		t.Errorf("got %+v", edited.Question)
	}
	if got := books.asked[len(books.asked)-1].Text; !strings.Contains(got, "pager two b") || strings.Contains(got, "cold store") || strings.Contains(got, "three") {
		t.Errorf("searched for %q", got)
	}
	if got := contents(r.transcript("ada", id).Messages); got != "visiting hours one (extractive) And the pager two b? (extractive)" {
		t.Errorf("shown is %s", got)
	}
	r.more("ada", id, "visiting hours four")
	r.show("ada", id, second.Question.ID, 200)
	if got := contents(r.transcript("ada", id).Messages); got != "visiting hours one (extractive) cold store alarm two (extractive) visiting hours three (extractive)" {
		t.Errorf("shown is %s", got)
	}
	r.show("ada", id, edited.Answer.ID, 200)
	if got := contents(r.transcript("ada", id).Messages); !strings.HasSuffix(got, "two b? (extractive) visiting hours four (extractive)") {
		t.Errorf("shown is %s", got)
	}
	first := r.edit("ada", x.Question.ID, "visiting hours one b")
	if first.Question.Parent != "" || first.Question.Versions.Index != 2 {
		t.Errorf("got %+v", first.Question)
	}
	for _, tt := range []struct {
		name, id, body string
		status         int
		must           string
	}{
		{"empty", x.Question.ID, `{"message":" "}`, 422, "empty"},
		{"an answer", x.Answer.ID, `{"message":"x"}`, 404, x.Answer.ID},
		{"another model", x.Question.ID, `{"message":"x","model":"gpt-oss:20b"}`, 422, "gpt-oss:20b"},
		{"unknown knowledge", x.Question.ID, `{"message":"x","knowledge":["k-none"]}`, 404, "k-none"},
	} {
		if got := r.do("ada", "POST", "/api/messages/"+tt.id+"/edit", tt.body); got.status != tt.status || !strings.Contains(got.body, tt.must) {
			t.Errorf("%s: got %d %s", tt.name, got.status, got.body)
		}
	}
	if n := r.count(`SELECT count(*) FROM message`); n != 12 {
		t.Errorf("%d messages are stored, want 12", n)
	}
}

// TestVersionsSearchWhatTheirFirstDid wants another version of an answer to come
// from the knowledge bases the first came from, whatever was asked since.
func TestVersionsSearchWhatTheirFirstDid(t *testing.T) {
	t.Parallel()
	books := wardShelf()
	other := books.passages[0]
	other.Document, other.Knowledge = "d-other", "k-other"
	books.passages = append(books.passages, other)
	r := open(t, books, nil)
	x := must[Exchange](r, "ada", "POST", "/api/conversations", `{"message":"visiting hours","knowledge":["k-ward"]}`, 200)
	must[Exchange](r, "ada", "POST", "/api/conversations/"+x.Conversation.ID+"/messages", `{"message":"visiting hours","knowledge":["k-other"]}`, 200)
	again := must[Exchange](r, "ada", "POST", "/api/messages/"+x.Answer.ID+"/regenerate", "{}", 200)
	if got := books.asked[len(books.asked)-1].Knowledge; !slices.Equal(got, []string{"k-ward"}) {
		t.Errorf("searched %v", got)
	}
	if !slices.Equal(again.Conversation.Knowledge, []string{"k-other"}) {
		t.Errorf("the conversation searches %v from now on", again.Conversation.Knowledge)
	}
	edited := must[Exchange](r, "ada", "POST", "/api/messages/"+x.Question.ID+"/edit", `{"message":"visiting hours","knowledge":["k-other","k-ward"]}`, 200)
	if got := books.asked[len(books.asked)-1].Knowledge; !slices.Equal(got, []string{"k-other", "k-ward"}) || !slices.Equal(edited.Conversation.Knowledge, got) {
		t.Errorf("searched %v, the conversation searches %v", got, edited.Conversation.Knowledge)
	}
}

func TestWhatIsBeingWrittenWaits(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer = p })
	a := r.begin("ada", "visiting hours")
	r.follow("ada", a.Run.ID, 0).until(called(EventPhase))
	for _, tt := range []struct{ path, body string }{
		{a.Answer.ID + "/regenerate", "{}"}, {a.Answer.ID + "/continue", "{}"}, {a.Question.ID + "/edit", `{"message":"x"}`},
	} {
		if got := r.do("ada", "POST", "/api/messages/"+tt.path, tt.body); got.status != 409 || !strings.Contains(got.body, "still-writing") {
			t.Errorf("%s: got %d %s", tt.path, got.status, got.body)
		}
	}
	close(p)
	r.follow("ada", a.Run.ID, 0).rest()
	for _, tt := range []struct {
		path, body, must string
		status           int
	}{
		{a.Answer.ID + "/continue", "", "complete", 409}, {a.Question.ID + "/continue", "{}", a.Question.ID, 404}, {a.Question.ID + "/regenerate", "", a.Question.ID, 404},
		{a.Answer.ID + "/regenerate", "", "", 200},
	} {
		if got := r.do("ada", "POST", "/api/messages/"+tt.path, tt.body); got.status != tt.status || !strings.Contains(got.body, tt.must) {
			t.Errorf("%s: got %d %s", tt.path, got.status, got.body)
		}
	}
}

// TestAnAnswerThatNeverBeganIsBegun goes on with what was stopped while it
// waited for its turn.
func TestAnAnswerThatNeverBeganIsBegun(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer, c.Runs = p, 1 })
	first := r.begin("ada", "cold store alarm")
	r.follow("ada", first.Run.ID, 0).until(func(e Event) bool { return strings.Contains(string(e.Data), "searching") })
	waits := r.begin("ada", "visiting hours")
	must[struct{}](r, "ada", "POST", "/api/runs/"+waits.Run.ID+"/stop", "", 202)
	r.follow("ada", waits.Run.ID, 0).rest()
	p <- "half of "
	must[struct{}](r, "ada", "POST", "/api/runs/"+first.Run.ID+"/stop", "", 202)
	r.follow("ada", first.Run.ID, 0).rest()
	// What was written without a model has no end that could be written on.
	if got := r.do("ada", "POST", "/api/messages/"+first.Answer.ID+"/continue", ""); got.status != 409 || !strings.Contains(got.body, "not-generated") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	close(p)
	x := must[Exchange](r, "ada", "POST", "/api/messages/"+waits.Answer.ID+"/continue", "", 200)
	if x.Answer.ID != waits.Answer.ID || x.Question.ID != waits.Question.ID || x.Answer.State != StateDone || x.Answer.Run == waits.Run.ID {
		t.Errorf("got %+v", x.Answer)
	}
	if got := r.transcript("ada", waits.Conversation.ID).Messages; len(got) != 2 || got[1].State != StateDone {
		t.Errorf("stored is %s", encode(got))
	}
	r.exec(`UPDATE message SET state = 'failed', content = '' WHERE id = '` + waits.Answer.ID + `'`)
	if got := r.do("ada", "POST", "/api/messages/"+waits.Answer.ID+"/continue", ""); got.status != 409 || !strings.Contains(got.body, "nothing-to-continue") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// TestThreeAnswersOfEach wants each way of asking to be waited for, streamed and
// followed, and named in the record.
func TestThreeAnswersOfEach(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), func(c *Chat) { c.Writer = halting{} })
	stopped := r.begin("ada", "visiting hours")
	r.follow("ada", stopped.Run.ID, 0).until(called(EventDelta))
	must[struct{}](r, "ada", "POST", "/api/runs/"+stopped.Run.ID+"/stop", "", 202)
	r.follow("ada", stopped.Run.ID, 0).rest()
	r.chat.Wait = 1
	for _, tt := range []struct{ name, path, body string }{
		{"regenerate", stopped.Answer.ID + "/regenerate", ""}, {"edit", stopped.Question.ID + "/edit", `{"message":"visiting hours"}`},
	} {
		path := "/api/messages/" + tt.path
		began := must[Accepted](r, "ada", "POST", path, tt.body, 202, "Prefer", "respond-async")
		waited := must[Accepted](r, "ada", "POST", path, tt.body, 202) // longer than a wait may take
		must[struct{}](r, "ada", "POST", "/api/runs/"+began.Run.ID+"/stop", "", 202)
		must[struct{}](r, "ada", "POST", "/api/runs/"+waited.Run.ID+"/stop", "", 202)
		streamed := r.stream("ada", "POST", path, tt.body).until(called(EventDelta))
		if streamed[0].ID != 1 || !strings.Contains(string(streamed[0].Data), stopped.Conversation.ID) {
			t.Errorf("%s: the first event is %s", tt.name, streamed[0].Data)
		}
		if n := r.count(`SELECT count(*) FROM audit WHERE act = 'chat.ask' AND detail LIKE '%"kind":"` + tt.name + `"%'`); n != 3 {
			t.Errorf("%s is recorded %d times", tt.name, n)
		}
		for _, id := range r.texts(`SELECT id FROM run WHERE ended IS NULL`) {
			must[struct{}](r, "ada", "POST", "/api/runs/"+id+"/stop", "", 202)
			r.follow("ada", id, 0).rest()
		}
	}
}

// texts reads a column.
func (r *rig) texts(query string, args ...any) []string {
	r.t.Helper()
	found, err := texts(r.db.Read().QueryContext(r.t.Context(), query, args...))
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

// TestLongPathsPageThroughVersions reads 300 messages with versions and side
// paths, page by page.
func TestLongPathsPageThroughVersions(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "visiting hours")
	id := x.Conversation.ID
	want := []string{x.Question.ID, x.Answer.ID}
	insert := `INSERT INTO message (id, workspace, owner, conversation, position, parent, role, kind, state, content, run, created)
		VALUES (?, 'w1', 'ada', ?, ?, ?, ?, 'question', 'done', 'text', '', 0)`
	err := r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		position := 2
		add := func(name, parent, role string) string {
			position++
			m := fmt.Sprintf("m-%s-%03d", name, position)
			if _, err := tx.Exec(ctx, insert, m, id, position, parent, role); err != nil {
				t.Error(err)
			}
			return m
		}
		for i := 1; i < 150; i++ {
			parent := want[len(want)-1]
			if i%7 == 0 { // a version of the question, with an answer of its own
				add("side", add("side", parent, RoleUser), RoleAssistant)
			}
			question := add("main", parent, RoleUser)
			want = append(want, question)
			if i%5 == 0 {
				add("side", question, RoleAssistant)
			}
			want = append(want, add("main", question, RoleAssistant))
		}
		_, err := tx.Exec(ctx, `UPDATE conversation SET leaf = ? WHERE id = ?`, want[len(want)-1], id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	two := 0
	cursor := ""
	for pages := 0; pages == 0 || cursor != ""; pages++ {
		page := must[Transcript](r, "ada", "GET", "/api/conversations/"+id+"?limit=37&cursor="+cursor, "", 200)
		var ids []string
		for _, m := range page.Messages {
			ids = append(ids, m.ID)
			if m.Versions.IDs[m.Versions.Index-1] != m.ID {
				t.Errorf("%s is version %+v", m.ID, m.Versions)
			}
			if len(m.Versions.IDs) == 2 {
				two++
			}
		}
		got = append(ids, got...)
		if cursor = page.Next; pages > 10 {
			t.Fatal("the conversation has no end")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d messages, want %d: %v", len(got), len(want), got)
	}
	if two != 149/7+149/5 {
		t.Errorf("%d messages have two versions, want %d", two, 149/7+149/5)
	}
	for _, bad := range []string{"4", "nobody", r.ask("ben", "visiting hours").Answer.ID} {
		if got := r.do("ada", "GET", "/api/conversations/"+id+"?cursor="+bad, ""); got.status != 422 {
			t.Errorf("cursor %s: got %d %s", bad, got.status, got.body)
		}
	}
}

func TestVersionsAreTheirOwnersAlone(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "visiting hours zebrafish")
	own := r.ask("ben", "visiting hours")
	r.exec(`INSERT INTO receipt (run, workspace, owner, message, data, created) SELECT run, workspace, owner, id, '{"query":"zebrafish"}', 1 FROM message WHERE run <> ''`)
	for _, token := range []string{"ben", "eve", "root", ""} {
		for _, tt := range []struct{ method, path, body string }{
			{"POST", "/api/messages/" + x.Answer.ID + "/regenerate", "{}"}, {"POST", "/api/messages/" + x.Answer.ID + "/continue", "{}"},
			{"POST", "/api/messages/" + x.Question.ID + "/edit", `{"message":"visiting hours"}`}, {"GET", "/api/messages/" + x.Answer.ID + "/receipt", ""},
			{"PUT", "/api/conversations/" + x.Conversation.ID + "/leaf", `{"message":"` + x.Question.ID + `"}`},
			{"GET", "/api/context?conversation=" + x.Conversation.ID, ""},
		} {
			want := 404
			if token == "" { // the operator has no conversations at all
				want = 403
			}
			if got := r.do(token, tt.method, tt.path, tt.body); got.status != want || strings.Contains(got.body, "zebrafish") {
				t.Errorf("%q %s %s: got %d, want %d: %s", token, tt.method, tt.path, got.status, want, got.body)
			}
		}
	}
	// A message of another in one's own conversation, and as parent.
	r.show("ben", own.Conversation.ID, x.Answer.ID, 404)
	if got := r.do("ben", "POST", "/api/conversations/"+own.Conversation.ID+"/messages", `{"message":"x","parent":"`+x.Answer.ID+`"}`); got.status != 422 {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if n := r.count(`SELECT count(*) FROM message WHERE conversation = ?`, x.Conversation.ID); n != 2 {
		t.Errorf("there are %d messages now", n)
	}
	if acts := r.acts(); acts["chat.ask refused"] != 12 || acts["receipt.open refused"] != 3 || acts["conversation.change refused"] != 4 {
		t.Errorf("recorded %v", acts)
	}
	// What does not exist is not recorded: its id could say anything.
	for _, tt := range []struct{ method, path, body string }{
		{"POST", "/api/messages/none/regenerate", ""}, {"POST", "/api/messages/none/continue", ""}, {"POST", "/api/messages/none/edit", `{"message":"x"}`},
		{"GET", "/api/messages/none/receipt", ""}, {"PUT", "/api/conversations/none/leaf", `{"message":"x"}`}, {"GET", "/api/context?conversation=none", ""},
	} {
		if got := r.do("ada", tt.method, tt.path, tt.body); got.status != 404 {
			t.Errorf("%s: got %d %s", tt.path, got.status, got.body)
		}
	}
	if acts := r.acts(); acts["chat.ask refused"] != 12 || acts["receipt.open refused"] != 3 {
		t.Errorf("recorded %v", acts)
	}
}

// withActor is a context as a request of a person has it.
func withActor(t testing.TB, token string) context.Context {
	return actor.With(t.Context(), people()[token])
}
