package chat

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/library"
	"chatets/appliance/web"
)

func TestConversationsAreTheirOwnersAlone(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "visiting hours zebrafish")
	path := "/api/conversations/" + x.Conversation.ID
	for _, token := range []string{"ben", "eve", "root", ""} {
		for _, tt := range []struct{ method, path, body string }{
			{"GET", path, ""}, {"PATCH", path, `{"title":"mine"}`}, {"DELETE", path, ""}, {"POST", path + "/messages", `{"message":"hours"}`},
			{"GET", "/api/runs/" + x.Answer.Run + "/events", ""}, {"POST", "/api/runs/" + x.Answer.Run + "/stop", ""},
			{"GET", "/api/conversations", ""}, {"GET", "/api/conversations?q=zebrafish", ""},
		} {
			got := r.do(token, tt.method, tt.path, tt.body)
			want := 404
			if strings.HasPrefix(tt.path, "/api/conversations?") || tt.path == "/api/conversations" {
				want = 200
			}
			if token == "" { // the operator has no conversations at all
				want = 403
			}
			if tt.path[:9] == "/api/runs" && token == "" {
				want = got.status // 403 or 404: neither says anything
			}
			if got.status != want || strings.Contains(got.body, "zebrafish") || strings.Contains(got.body, "14:00") {
				t.Errorf("%q %s %s: got %d, want %d: %s", token, tt.method, tt.path, got.status, want, got.body)
			}
		}
	}
	if got := r.transcript("ada", x.Conversation.ID); got.Conversation.Title != "visiting hours zebrafish" || len(got.Messages) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestListsPageByKey(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	var want []string
	for i := range 7 {
		want = append(want, r.ask("ada", fmt.Sprintf("visiting hours 50%% number_%d", i)).Conversation.ID)
	}
	slices.Reverse(want)
	var got []string
	cursor := ""
	for pages := 0; pages == 0 || cursor != ""; pages++ {
		page := must[web.Page[Conversation]](r, "ada", "GET", "/api/conversations?limit=3&cursor="+cursor, "", 200)
		for _, c := range page.Items {
			got = append(got, c.ID)
		}
		if cursor = page.Next; pages > 5 {
			t.Fatal("the list has no end")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, tt := range []struct {
		q    string
		want int
	}{{"NUMBER_3", 1}, {"number_", 7}, {"numberX", 0}, {"50%25+number", 7}, {"5%25number", 0}} {
		if page := must[web.Page[Conversation]](r, "ada", "GET", "/api/conversations?q="+tt.q, "", 200); len(page.Items) != tt.want || page.Items == nil {
			t.Errorf("q=%s: got %d, want %d", tt.q, len(page.Items), tt.want)
		}
	}
	if got := r.do("ada", "GET", "/api/conversations?cursor=%21%21", ""); got.status != 422 {
		t.Errorf("a broken cursor: got %d %s", got.status, got.body)
	}
}

func TestMessagesPageFromTheNewestBackwards(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "question 0 about visiting hours")
	path := "/api/conversations/" + x.Conversation.ID
	for i := 1; i < 5; i++ {
		must[Exchange](r, "ada", "POST", path+"/messages", fmt.Sprintf(`{"message":"question %d about visiting hours"}`, i), 200)
	}
	var all []Message
	cursor := ""
	for pages := 0; pages == 0 || cursor != ""; pages++ {
		page := must[Transcript](r, "ada", "GET", path+"?limit=4&cursor="+cursor, "", 200)
		all = append(page.Messages, all...)
		if cursor = page.Next; pages > 5 {
			t.Fatal("the conversation has no end")
		}
	}
	if len(all) != 10 || all[0].Content != "question 0 about visiting hours" || all[8].Content != "question 4 about visiting hours" {
		t.Fatalf("got %d messages from %q", len(all), all[0].Content)
	}
	for i := 1; i < len(all); i++ {
		if all[i].Parent != all[i-1].ID {
			t.Errorf("message %d has the parent %q, want %q", i, all[i].Parent, all[i-1].ID)
		}
	}
	if acts := r.acts(); acts["conversation.open ok"] != 1 {
		t.Errorf("reading on is recorded again: %v", acts)
	}
}

func TestRenameAndDelete(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer = p })
	a := r.begin("ada", "visiting hours")
	path := "/api/conversations/" + a.Conversation.ID
	rd := r.follow("ada", a.Run.ID, 0)
	p <- "shown"
	rd.until(called(EventDelta))
	if got := must[Conversation](r, "ada", "PATCH", path, `{"title":"  My\n title "}`, 200); got.Title != "My title" || !got.Running {
		t.Errorf("got %+v", got)
	}
	for _, body := range []string{`{"title":" "}`, `{"title":"` + strings.Repeat("x", 201) + `"}`, `{}`} {
		if got := r.do("ada", "PATCH", path, body); got.status != 422 {
			t.Errorf("%s: got %d", body, got.status)
		}
	}
	must[struct{}](r, "ada", "DELETE", path, "", 204)
	rd.rest() // ends although nobody closed the pen
	if got := r.do("ada", "GET", path, ""); got.status != 404 {
		t.Errorf("got %d %s", got.status, got.body)
	}
	for _, table := range []string{"conversation", "message", "run", "run_event", "run_journal", "citation"} {
		if n := r.count(`SELECT count(*) FROM ` + table); n != 0 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	if got := r.do("ada", "DELETE", path, ""); got.status != 404 {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if acts := r.acts(); acts["conversation.delete ok"] != 1 {
		t.Errorf("recorded %v", acts)
	}
	r.told.mu.Lock()
	defer r.told.mu.Unlock()
	for _, n := range r.told.list {
		if n != "w1 ada conversation "+a.Conversation.ID && n != "w1 ada shelf "+a.Conversation.ID {
			t.Errorf("told %q", n)
		}
	}
	if len(r.told.list) < 3 {
		t.Errorf("told only %v", r.told.list)
	}
}

func TestWhatMayNoLongerBeReadIsWithheld(t *testing.T) {
	t.Parallel()
	books := wardShelf()
	other := "The visiting hours of the intensive unit are agreed with the nurse on duty."
	books.passages = append(books.passages, library.Passage{Chunk: 2, Document: "d-icu", DocumentTitle: "Intensive unit", Knowledge: "k-icu", Version: 1,
		Heading: "Visiting secretly", End: len([]rune(other)), Text: other})
	r := open(t, books, nil)
	x := r.ask("ada", "visiting hours")
	if len(x.Answer.Citations) != 2 || !strings.Contains(x.Answer.Content, "nurse on duty") {
		t.Fatalf("got %+v", x.Answer)
	}
	events := r.follow("ada", x.Answer.Run, 0).rest()
	books.close("k-icu")
	got := r.transcript("ada", x.Conversation.ID)
	replayed := r.follow("ada", x.Answer.Run, 0).rest()
	for what, text := range map[string]string{"the conversation": string(encode(got)), "the events": wire(replayed)} {
		for _, not := range []string{"nurse on duty", "intensive unit are", "Visiting secretly", "Intensive unit"} {
			if strings.Contains(text, not) {
				t.Errorf("%s shows %q: %s", what, not, text)
			}
		}
		for _, want := range []string{withheldTitle, `"withheld":true`, "from 14:00 to 18:00", "withheld: you may no longer"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q: %s", what, want, text)
			}
		}
	}
	if first, last := replayed[0].ID, replayed[len(replayed)-1].ID; first != 1 || last != events[len(events)-1].ID {
		t.Errorf("numbered %d to %d, were 1 to %d", first, last, events[len(events)-1].ID)
	}
	for _, c := range got.Messages[1].Citations {
		if c.Withheld != (c.Knowledge == "k-icu") || (c.Text == "") != c.Withheld || c.Document.Title == "" {
			t.Errorf("got %+v", c)
		}
	}
}

// wire is what a reader got, to look for words in.
func wire(events []Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%d %s %s\n", e.ID, e.Name, e.Data)
	}
	return b.String()
}

func TestALostKnowledgeBaseIsLeftOut(t *testing.T) {
	t.Parallel()
	books := wardShelf()
	books.strict = true
	other := "The boiler is vented by the night shift."
	books.passages = append(books.passages, library.Passage{Chunk: 2, Document: "d-boiler", DocumentTitle: "Boiler", Knowledge: "k-boiler", Version: 1,
		End: len([]rune(other)), Text: other})
	r := open(t, books, nil)
	body := `{"message":"What are the visiting hours?","knowledge":["k-ward","k-boiler"]}`
	both := must[Exchange](r, "ada", "POST", "/api/conversations", body, 200)
	alone := must[Exchange](r, "ada", "POST", "/api/conversations", strings.Replace(body, `,"k-boiler"`, "", 1), 200)
	books.close("k-ward")
	next := must[Exchange](r, "ada", "POST", "/api/conversations/"+both.Conversation.ID+"/messages", `{"message":"Who vents the boiler of the house?"}`, 200)
	if !strings.Contains(next.Answer.Content, "night shift") {
		t.Errorf("got %+v", next.Answer)
	}
	for _, question := range []string{"What are the visiting hours?", "Who vents the boiler of the house?"} {
		// The only base is lost: nothing is found, and nothing else is searched.
		next = must[Exchange](r, "ada", "POST", "/api/conversations/"+alone.Conversation.ID+"/messages", string(encode(map[string]string{"message": question})), 200)
		if next.Answer.Kind != KindNone || next.Answer.State != StateDone {
			t.Errorf("got %+v", next.Answer)
		}
	}
	if got := r.do("ada", "POST", "/api/conversations", body); got.status != 404 || !strings.Contains(got.body, "k-ward") {
		t.Errorf("named anew: got %d %s", got.status, got.body)
	}
	if acts := r.acts(); acts["chat.ask refused"] != 1 {
		t.Errorf("recorded %v", acts)
	}
}
