package chat

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/web"
)

func TestDraftsOfTwoPages(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "visiting hours")
	for _, chat := range []string{"new", x.Conversation.ID} {
		path := "/api/drafts/" + chat
		if d := must[Draft](r, "ada", "GET", path, "", 200); d != (Draft{}) {
			t.Errorf("got %+v", d)
		}
		first := must[Draft](r, "ada", "PUT", path, `{"text":"And the","version":0}`, 200)
		second := must[Draft](r, "ada", "PUT", path, string(encode(Draft{Text: "And the pager", Version: first.Version})), 200)
		if second.Version <= first.Version {
			t.Errorf("the version did not grow: %+v %+v", first, second)
		}
		if got := r.do("ada", "PUT", path, string(encode(Draft{Text: "Something else", Version: first.Version}))); got.status != 409 || !strings.Contains(got.body, "draft-changed") {
			t.Errorf("got %d %s", got.status, got.body)
		}
		if d := must[Draft](r, "ada", "GET", path, "", 200); d != second {
			t.Errorf("got %+v, want %+v", d, second)
		}
		must[Draft](r, "ada", "PUT", path, string(encode(Draft{Version: second.Version})), 200)
		if d := must[Draft](r, "ada", "GET", path, "", 200); d != (Draft{}) {
			t.Errorf("got %+v", d)
		}
		must[Draft](r, "ada", "PUT", path, `{"text":"Kept","version":0}`, 200)
	}
	if d := must[Draft](r, "ben", "GET", "/api/drafts/new", "", 200); d != (Draft{}) {
		t.Errorf("ben reads %+v", d)
	}
	for _, who := range []string{"ben", "eve", "root"} {
		for _, tt := range [][2]string{{"GET", ""}, {"PUT", `{"text":"x","version":0}`}} {
			if got := r.do(who, tt[0], "/api/drafts/"+x.Conversation.ID, tt[1]); got.status != 404 || strings.Contains(got.body, "Kept") {
				t.Errorf("%s %s: got %d %s", who, tt[0], got.status, got.body)
			}
		}
	}
	if got := r.do("ada", "PUT", "/api/drafts/new", string(encode(Draft{Text: strings.Repeat("x", maxDraft+1)}))); got.status != 422 {
		t.Errorf("got %d %s", got.status, got.body)
	}
	must[struct{}](r, "ada", "DELETE", "/api/conversations/"+x.Conversation.ID, "", 204)
	if n := r.count(`SELECT count(*) FROM chat_draft`); n != 1 {
		t.Errorf("%d drafts, want that of the new chat", n)
	}
}

func TestFeedbackIsCountedAndNotRead(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "visiting hours")
	path := "/api/messages/" + x.Answer.ID + "/feedback"
	must[struct{}](r, "ada", "PUT", path, `{"rating":"up"}`, 204)
	must[struct{}](r, "ada", "PUT", path, `{"rating":"down","reasons":["wrong","wrong-source"],"comment":" Mrs. Quill knows better "}`, 204)
	for _, tt := range []struct {
		who, path, body string
		want            int
	}{
		{"ada", path, `{"rating":"down","reasons":["because"]}`, 422}, {"ada", path, `{"rating":"sideways"}`, 422},
		{"ada", "/api/messages/" + x.Question.ID + "/feedback", `{"rating":"up"}`, 422}, {"ben", path, `{"rating":"up"}`, 404}, {"eve", path, `{"rating":"up"}`, 404},
	} {
		if got := r.do(tt.who, "PUT", tt.path, tt.body); got.status != tt.want {
			t.Errorf("%s %s: got %d, want %d: %s", tt.who, tt.body, got.status, tt.want, got.body)
		}
	}
	if f := r.transcript("ada", x.Conversation.ID).Messages[1].Feedback; f == nil || f.Rating != "down" || f.Comment != "Mrs. Quill knows better" || !slices.Equal(f.Reasons, []string{"wrong", "wrong-source"}) {
		t.Errorf("got %+v", f)
	}
	counts := r.do("root", "GET", "/api/feedback", "")
	var got struct{ Items []FeedbackCount }
	if err := json.Unmarshal([]byte(counts.body), &got); err != nil || len(got.Items) != 1 || got.Items[0].Up != 0 || got.Items[0].Down != 1 || got.Items[0].Reasons["wrong"] != 1 {
		t.Errorf("got %v %s", err, counts.body)
	}
	for _, never := range []string{"Quill", x.Answer.ID, x.Conversation.ID, "ada"} {
		if strings.Contains(counts.body, never) {
			t.Errorf("the counts hold %q: %s", never, counts.body)
		}
	}
	if got := r.do("ada", "GET", "/api/feedback", ""); got.status != 403 {
		t.Errorf("got %d", got.status)
	}
	must[struct{}](r, "ada", "DELETE", path, "", 204)
	if f := r.transcript("ada", x.Conversation.ID).Messages[1].Feedback; f != nil {
		t.Errorf("got %+v", f)
	}
}

func TestShareInsideTheWorkspace(t *testing.T) {
	t.Parallel()
	books := wardShelf()
	r := open(t, books, nil)
	x := r.ask("ada", "visiting hours")
	path := "/api/conversations/" + x.Conversation.ID
	link := must[ChatShare](r, "ada", "POST", path+"/share", "", 200)
	must[Exchange](r, "ada", "POST", path+"/messages", `{"message":"And zebrafish?"}`, 200)
	shared := "/api/shares/" + link.ID
	got := must[SharedChat](r, "ben", "GET", shared, "", 200)
	if got.Title != "visiting hours" || len(got.Messages) != 2 || !strings.Contains(got.Messages[1].Content, "14:00") || got.Messages[1].Run != "" {
		t.Errorf("got %+v", got)
	}
	page := must[SharedChat](r, "ben", "GET", shared+"?limit=1", "", 200)
	if page = must[SharedChat](r, "ben", "GET", shared+"?limit=1&cursor="+page.Next, "", 200); page.Next != "" || len(page.Messages) != 1 || page.Messages[0].ID != x.Question.ID {
		t.Errorf("got %+v", page)
	}
	own := must[struct{ Items []ChatShare }](r, "ada", "GET", "/api/shares?conversation="+x.Conversation.ID, "", 200)
	if len(own.Items) != 1 || own.Items[0].Current || !r.transcript("ada", x.Conversation.ID).Conversation.Shared {
		t.Errorf("got %+v", own)
	}
	for _, tt := range []struct {
		who, method, path string
		want              int
	}{
		{"eve", "GET", shared, 404}, {"", "GET", shared, 403}, {"ben", "GET", shared + "?cursor=nowhere", 422},
		{"ben", "GET", path, 404}, {"ben", "POST", path + "/share", 404}, {"ben", "DELETE", path + "/share", 404}, {"ben", "GET", path + "/export", 404},
	} {
		if got := r.do(tt.who, tt.method, tt.path, ""); got.status != tt.want || strings.Contains(got.body, "14:00") {
			t.Errorf("%s %s %s: got %d, want %d: %s", tt.who, tt.method, tt.path, got.status, tt.want, got.body)
		}
	}
	if again := must[ChatShare](r, "ada", "POST", path+"/share", "", 200); again.ID != link.ID || !again.Current {
		t.Errorf("got %+v", again)
	}
	if got := must[SharedChat](r, "ben", "GET", shared, "", 200); len(got.Messages) != 4 {
		t.Errorf("%d messages", len(got.Messages))
	}
	// The reader's own rights hold.
	books.close("k-ward")
	if got := r.do("ben", "GET", shared, ""); strings.Contains(got.body, "14:00") {
		t.Errorf("got %s", got.body)
	}
	must[struct{}](r, "ada", "DELETE", path+"/share", "", 204)
	if got := r.do("ben", "GET", shared, ""); got.status != 404 {
		t.Errorf("got %d", got.status)
	}
	if acts := r.acts(); acts["conversation.share ok"] != 2 || acts["conversation.unshare ok"] != 1 || acts["share.open ok"] < 3 || acts["share.open refused"] != 1 {
		t.Errorf("recorded %v", acts)
	}
}

func TestExports(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	x := r.ask("ada", "visiting hours: <b>all</b>?")
	path := "/api/conversations/" + x.Conversation.ID + "/export"
	md := r.do("ada", "GET", path+"?language=de", "")
	for _, want := range []string{"# visiting hours: <b>all</b>?\n", "## Frage\n", "## Antwort\n", "14:00", "**Quellen**\n\n- [1] Ward rules"} {
		if md.status != 200 || !strings.Contains(md.body, want) {
			t.Errorf("no %q in %d %s", want, md.status, md.body)
		}
	}
	file := r.do("ada", "GET", path+"?format=json", "")
	var e ExportedChat
	if err := json.Unmarshal([]byte(file.body), &e); err != nil || len(e.Messages) != 2 || e.Conversation.ID != x.Conversation.ID {
		t.Errorf("got %v %s", err, file.body)
	}
	if got := r.do("ada", "GET", path+"?format=exe", ""); got.status != 422 {
		t.Errorf("got %d", got.status)
	}
	if got := fileName(` a/b:"c"?. `); got != "a b c" {
		t.Errorf("got %q", got)
	}
}

func TestTemporaryChatsEnd(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	begin := func(who string) Exchange {
		t.Helper()
		return must[Exchange](r, who, "POST", "/api/conversations", `{"message":"visiting hours","temporary":true}`, 200)
	}
	x, bens := begin("ada"), begin("ben")
	if x.Conversation.ExpiresAt == nil || time.Until(*x.Conversation.ExpiresAt) > temporaryLasts || time.Until(*x.Conversation.ExpiresAt) < temporaryLasts-time.Hour {
		t.Errorf("got %+v", x.Conversation)
	}
	must[Exchange](r, "ada", "POST", "/api/conversations/"+x.Conversation.ID+"/messages", `{"message":"And the pager?"}`, 200)
	if list := must[web.Page[Conversation]](r, "ada", "GET", "/api/conversations", "", 200); len(list.Items) != 0 {
		t.Errorf("listed %+v", list.Items)
	}
	if got := r.do("ada", "POST", "/api/conversations/"+x.Conversation.ID+"/share", ""); got.status != 409 {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if n := r.count(`SELECT count(*) FROM chat_entry`); n != 0 {
		t.Errorf("%d entries in the index", n)
	}
	kept := must[Conversation](r, "ada", "POST", "/api/messages/"+x.Answer.ID+"/fork", "", 201)
	if kept.ExpiresAt != nil {
		t.Errorf("got %+v", kept)
	}
	r.chat.SessionEnded("s-ada")
	for deadline := time.Now().Add(2 * time.Minute); r.count(`SELECT count(*) FROM conversation WHERE expires > 0 AND owner = 'ada'`) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the conversation outlives its session")
		}
	}
	for id, want := range map[string]int{x.Conversation.ID: 404, kept.ID: 200} {
		if got := r.do("ada", "GET", "/api/conversations/"+id, ""); got.status != want {
			t.Errorf("got %d, want %d", got.status, want)
		}
	}
	if got := r.do("ben", "GET", "/api/conversations/"+bens.Conversation.ID, ""); got.status != 200 {
		t.Errorf("another's is gone too: %d", got.status)
	}
	if _, err := r.chat.Store.endTemporary(t.Context(), time.Now().Add(temporaryLasts+time.Minute), ""); err != nil {
		t.Fatal(err)
	}
	if n := r.count(`SELECT count(*) FROM message AS m JOIN conversation AS c ON c.id = m.conversation WHERE c.expires > 0`); n != 0 {
		t.Errorf("%d messages are left", n)
	}
	if acts := r.acts(); acts["conversation.expire ok"] != 2 {
		t.Errorf("recorded %v", acts)
	}
}
