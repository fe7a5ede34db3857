package chat

import (
	"slices"
	"strings"
	"testing"

	"chatets/appliance/web"
)

func (r *rig) titles(path string) []string {
	r.t.Helper()
	var all []string
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page := must[web.Page[Conversation]](r, "ada", "GET", path+"&cursor="+cursor, "", 200)
		for _, c := range page.Items {
			all = append(all, c.Title)
		}
		if cursor = page.Next; pages > 20 {
			r.t.Fatal("the list has no end")
		}
	}
	return all
}

func TestPinsFoldersTagsAndTheArchive(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	ids := map[string]string{}
	for _, title := range []string{"one", "two", "three", "four", "five"} {
		ids[title] = r.ask("ada", title).Conversation.ID
	}
	set := func(title, body string) Conversation {
		t.Helper()
		return must[Conversation](r, "ada", "PATCH", "/api/conversations/"+ids[title], body, 200)
	}
	folder := must[ChatFolder](r, "ada", "POST", "/api/chat/folders", `{"name":"  Night  shift "}`, 201)
	if folder.Name != "Night shift" {
		t.Errorf("got %+v", folder)
	}
	if c := set("one", `{"pinned":true}`); !c.Pinned {
		t.Errorf("got %+v", c)
	}
	if c := set("two", `{"folder":"`+folder.ID+`","tags":["  Pager ","pager","ICU Two"]}`); c.Folder != folder.ID || !slices.Equal(c.Tags, []string{"icu two", "pager"}) {
		t.Errorf("got %+v", c)
	}
	set("three", `{"folder":"`+folder.ID+`","pinned":true}`)
	set("four", `{"archived":true}`)
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"loose=true&limit=1", []string{"three", "one", "five"}}, // the pinned ones first, whatever folder they lie in
		{"limit=2", []string{"five", "three", "two", "one"}},
		{"folder=" + folder.ID, []string{"three", "two"}},
		{"archived=true", []string{"four"}},
		{"tag=pager", []string{"two"}},
		{"pinned=true&limit=1", []string{"three", "one"}},
		{"pinned=false", []string{"five", "two"}},
	} {
		if got := r.titles("/api/conversations?" + tt.query); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.query, got, tt.want)
		}
	}
	folders := must[struct{ Items []ChatFolder }](r, "ada", "GET", "/api/chat/folders", "", 200)
	tags := must[struct{ Items []ChatTag }](r, "ada", "GET", "/api/chat/tags", "", 200)
	if len(folders.Items) != 1 || folders.Items[0].Conversations != 2 || !slices.Equal(tags.Items, []ChatTag{{"icu two", 1}, {"pager", 1}}) {
		t.Errorf("got %+v %+v", folders, tags)
	}
	path := "/api/chat/folders/" + folder.ID
	for _, tt := range []struct {
		who, method, path, body string
		want                    int
	}{
		{"ada", "POST", "/api/chat/folders", `{"name":"Night shift"}`, 409},
		{"ben", "POST", "/api/chat/folders", `{"name":"Night shift"}`, 201},
		{"ada", "POST", "/api/chat/folders", `{"name":" "}`, 422},
		{"ada", "POST", "/api/chat/folders", `{"name":"a\"b"}`, 422},
		{"ben", "PATCH", path, `{"name":"Mine"}`, 404},
		{"eve", "DELETE", path, "", 404},
		{"", "GET", "/api/chat/folders", "", 403},
		{"ada", "PATCH", "/api/conversations/" + ids["one"], `{"folder":"nowhere"}`, 422},
		{"ben", "PATCH", "/api/conversations/" + ids["one"], `{"pinned":false}`, 404},
		{"ada", "PATCH", "/api/conversations/" + ids["one"], `{"tags":["` + strings.Repeat("x", 41) + `"]}`, 422},
		{"ada", "PATCH", path, `{"name":"Day shift"}`, 200},
	} {
		if got := r.do(tt.who, tt.method, tt.path, tt.body); got.status != tt.want {
			t.Errorf("%s %s %s %s: got %d, want %d: %s", tt.who, tt.method, tt.path, tt.body, got.status, tt.want, got.body)
		}
	}
	must[struct{}](r, "ada", "DELETE", path, "", 204)
	if got := r.titles("/api/conversations?loose=true"); !slices.Equal(got, []string{"three", "one", "five", "two"}) {
		t.Errorf("without its folder: got %v", got)
	}
}

func TestUnreadUntilSomebodyLooked(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "visiting hours")
	path := "/api/conversations/" + x.Conversation.ID
	if got := r.transcript("ada", x.Conversation.ID).Conversation; !got.Unread {
		t.Errorf("an answer that nobody saw is read: %+v", got)
	}
	if got := must[Conversation](r, "ada", "PATCH", path, `{"unread":false}`, 200); got.Unread {
		t.Errorf("got %+v", got)
	}
	must[Exchange](r, "ada", "POST", path+"/messages", `{"message":"And the pager?"}`, 200)
	if got := r.transcript("ada", x.Conversation.ID).Conversation; !got.Unread {
		t.Errorf("the second answer is read: %+v", got)
	}
	must[Conversation](r, "ada", "PATCH", path, `{"unread":false}`, 200)
	if got := must[Conversation](r, "ada", "PATCH", path, `{"unread":true}`, 200); !got.Unread || got.UpdatedAt != r.transcript("ada", x.Conversation.ID).Conversation.UpdatedAt {
		t.Errorf("got %+v", got)
	}
}

func TestForkAndCut(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "visiting hours")
	path := "/api/conversations/" + x.Conversation.ID
	y := must[Exchange](r, "ada", "POST", path+"/messages", `{"message":"And the pager?"}`, 200)
	fork := must[Conversation](r, "ada", "POST", "/api/messages/"+x.Answer.ID+"/fork", "", 201)
	got := r.transcript("ada", fork.ID)
	if fork.Title != "visiting hours (2)" || len(got.Messages) != 2 || got.Messages[1].Content != x.Answer.Content || len(got.Messages[1].Citations) != len(x.Answer.Citations) ||
		got.Messages[1].ID == x.Answer.ID || got.Messages[1].Parent != got.Messages[0].ID {
		t.Errorf("got %+v %+v", fork, got.Messages)
	}
	// The copy of a run gives its readers the answer, and the fork goes on.
	if events := r.follow("ada", got.Messages[1].Run, 0).rest(); len(events) != 1 || events[0].Name != EventDone {
		t.Errorf("got %+v", events)
	}
	must[Exchange](r, "ada", "POST", "/api/messages/"+got.Messages[1].ID+"/regenerate", "{}", 200)
	must[Exchange](r, "ada", "POST", "/api/conversations/"+fork.ID+"/messages", `{"message":"And children?"}`, 200)
	if again := must[Conversation](r, "ada", "POST", "/api/messages/"+got.Messages[1].ID+"/fork", "", 201); again.Title != "visiting hours (3)" {
		t.Errorf("got %+v", again)
	}
	if got := r.transcript("ada", x.Conversation.ID).Messages; len(got) != 4 {
		t.Errorf("the fork changed what it was made of: %d messages", len(got))
	}
	for _, who := range []string{"ben", "eve", "root"} {
		for _, tt := range [][2]string{{"POST", "/api/messages/" + x.Answer.ID + "/fork"}, {"DELETE", "/api/messages/" + x.Answer.ID}} {
			if got := r.do(who, tt[0], tt[1], ""); got.status != 404 {
				t.Errorf("%s %v: got %d %s", who, tt, got.status, got.body)
			}
		}
	}

	edited := must[Exchange](r, "ada", "POST", "/api/messages/"+y.Question.ID+"/edit", `{"message":"And the alarm?"}`, 200)
	shown := func(want ...string) {
		t.Helper()
		var ids []string
		for _, m := range r.transcript("ada", x.Conversation.ID).Messages {
			ids = append(ids, m.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("shown %v, want %v", ids, want)
		}
	}
	shown(x.Question.ID, x.Answer.ID, edited.Question.ID, edited.Answer.ID)
	must[struct{}](r, "ada", "DELETE", "/api/messages/"+edited.Question.ID, "", 204)
	shown(x.Question.ID, x.Answer.ID, y.Question.ID, y.Answer.ID) // the version beside it
	must[struct{}](r, "ada", "DELETE", "/api/messages/"+x.Answer.ID, "", 204)
	shown(x.Question.ID)
	if n := r.count(`SELECT count(*) FROM run WHERE conversation = ?`, x.Conversation.ID); n != 0 {
		t.Errorf("%d runs are left", n)
	}
	if got := r.do("ada", "DELETE", "/api/messages/"+x.Answer.ID, ""); got.status != 404 {
		t.Errorf("got %d", got.status)
	}
	must[struct{}](r, "ada", "DELETE", "/api/messages/"+x.Question.ID, "", 204)
	shown()
	must[Exchange](r, "ada", "POST", path+"/messages", `{"message":"visiting hours once more"}`, 200)
	if acts := r.acts(); acts["conversation.fork ok"] != 2 || acts["message.delete ok"] != 3 {
		t.Errorf("recorded %v", acts)
	}
}

func TestAnAnswerThatIsWrittenIsNotCut(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer = p })
	a := r.begin("ada", "visiting hours")
	for _, tt := range [][2]string{{"DELETE", "/api/messages/" + a.Question.ID}, {"POST", "/api/messages/" + a.Answer.ID + "/fork"}} {
		if got := r.do("ada", tt[0], tt[1], ""); got.status != 409 {
			t.Errorf("%v: got %d %s", tt, got.status, got.body)
		}
	}
	close(p)
	r.follow("ada", a.Run.ID, 0).rest()
	must[struct{}](r, "ada", "DELETE", "/api/messages/"+a.Question.ID, "", 204)
}
