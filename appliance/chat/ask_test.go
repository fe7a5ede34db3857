package chat

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAskAnswersWithTheDocumentsOwnWords(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	for _, tt := range []struct {
		name, question string
		kind           string
		must, mustNot  []string
	}{
		{"exact", "visiting hours", KindExtractive, []string{noModel, "Visiting hours are from 14:00 to 18:00 every day. [1]"}, []string{"Brandt", "Ward rules ["}},
		{"a whole sentence", "Who answers when the cold store alarm goes off?", KindExtractive,
			[]string{"The cold store alarm is answered by Dr. Brandt, pager 4471. [1]"}, []string{"Visiting", "Children"}},
		{"without a source", "How do I file my tax return in Portugal?", KindNone, []string{nothing}, []string{"[1]", "Visiting", "Brandt", noModel}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := r.ask("ada", tt.question)
			if x.Answer.Kind != tt.kind || x.Answer.State != StateDone {
				t.Errorf("got kind %q state %q, want %q done", x.Answer.Kind, x.Answer.State, tt.kind)
			}
			for _, want := range tt.must {
				if !strings.Contains(x.Answer.Content, want) {
					t.Errorf("the answer lacks %q:\n%s", want, x.Answer.Content)
				}
			}
			for _, not := range tt.mustNot {
				if strings.Contains(x.Answer.Content, not) {
					t.Errorf("the answer holds %q:\n%s", not, x.Answer.Content)
				}
			}
			if (len(x.Answer.Citations) == 0) != (tt.kind == KindNone) {
				t.Errorf("got %d citations for kind %s", len(x.Answer.Citations), tt.kind)
			}
			for _, c := range x.Answer.Citations {
				if got := string([]rune(ward)[c.Start:c.End]); got != c.Text {
					t.Errorf("the citation says %q, its place in the document holds %q", c.Text, got)
				}
			}
			stored := r.transcript("ada", x.Conversation.ID)
			if got, want := string(encode(stored.Messages)), string(encode([]Message{x.Question, x.Answer})); got != want {
				t.Errorf("stored\n%s\nanswered\n%s", got, want)
			}
		})
	}
}

func TestThreeAnswersOfPost(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	body := `{"message":"What are the visiting hours?"}`
	waited := must[Exchange](r, "ada", "POST", "/api/conversations", body, 200)
	if waited.Answer.Run == "" || waited.Question.Content == "" || waited.Conversation.Title != "What are the visiting hours?" {
		t.Errorf("got %+v", waited)
	}
	events := r.stream("ada", "POST", "/api/conversations", body).rest()
	if got := strings.Join(phasesOf(t, events), " "); got != "queued searching writing done" {
		t.Errorf("got phases %s", got)
	}
	for i, e := range events {
		if e.ID != int64(i+1) {
			t.Errorf("event %d has the number %d", i+1, e.ID)
		}
	}
	var first phase
	if err := json.Unmarshal(events[0].Data, &first); err != nil || first.Run == "" || first.Conversation == "" || first.Question == "" || first.Answer == "" {
		t.Errorf("the first event does not name everything: %s", events[0].Data)
	}
	var done Message
	if err := json.Unmarshal(events[len(events)-1].Data, &done); err != nil || done.ID != first.Answer || done.Content != textOf(t, events) {
		t.Errorf("done says %q, the deltas said %q", done.Content, textOf(t, events))
	}
	later := r.begin("ada", "What are the visiting hours?")
	if got := textOf(t, r.follow("ada", later.Run.ID, 0).rest()); got != waited.Answer.Content {
		t.Errorf("the followed run says %q, want %q", got, waited.Answer.Content)
	}
}

func TestAWaitThatIsTooLongBecomesARun(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer, c.Wait = p, 1 })
	got := must[Accepted](r, "ada", "POST", "/api/conversations", `{"message":"visiting hours"}`, 202)
	if got.Run.ID == "" || got.Answer.ID == "" {
		t.Errorf("got %+v", got)
	}
	close(p)
}

func TestBadQuestions(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	mine := r.ask("ada", "visiting hours")
	for _, tt := range []struct {
		name, token, path, body string
		status                  int
		must                    string
	}{
		{"empty", "ada", "", `{"message":""}`, 422, "empty"},
		{"white space", "ada", "", `{"message":" \n\t "}`, 422, "empty"},
		{"NUL", "ada", "", `{"message":"a\u0000b"}`, 422, "NUL"},
		{"too long", "ada", "", `{"message":"` + strings.Repeat("é", maxQuestion+1) + `"}`, 422, "32,000"},
		{"another model", "ada", "", `{"message":"x","model":"gpt-oss:20b"}`, 422, "gpt-oss:20b"},
		{"unknown field", "ada", "", `{"message":"x","temperature":1}`, 422, "temperature"},
		{"unknown knowledge", "ada", "", `{"message":"x","knowledge":["k-ward","k-none"]}`, 404, "k-none"},
		{"no message", "ada", "", `{}`, 422, "message"},
		{"unknown parent", "ada", "/" + mine.Conversation.ID + "/messages", `{"message":"x","parent":"nobody"}`, 422, "parent"},
		{"unknown conversation", "ada", "/nope/messages", `{"message":"x"}`, 404, "nope"},
		{"another's conversation", "ben", "/" + mine.Conversation.ID + "/messages", `{"message":"x"}`, 404, "conversation"},
		{"an owner in another's conversation", "root", "/" + mine.Conversation.ID + "/messages", `{"message":"x"}`, 404, "conversation"},
		{"nobody", "wrong", "", `{"message":"x"}`, 401, "session"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := r.do(tt.token, "POST", "/api/conversations"+tt.path, tt.body)
			if got.status != tt.status || !strings.Contains(got.body, tt.must) {
				t.Errorf("got %d, want %d with %q: %s", got.status, tt.status, tt.must, got.body)
			}
		})
	}
	t.Run("as long as it may be", func(t *testing.T) {
		t.Parallel()
		if got := r.do("ada", "POST", "/api/conversations", `{"message":"`+strings.Repeat("é", maxQuestion)+`"}`); got.status != 200 {
			t.Errorf("got %d: %.300s", got.status, got.body)
		}
	})
	t.Run("a person without workspace", func(t *testing.T) {
		t.Parallel()
		if got := r.do("", "POST", "/api/conversations", `{"message":"x"}`); got.status != 403 {
			t.Errorf("the operator has conversations: %d %s", got.status, got.body)
		}
	})
}

func TestTitleOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, question, want string }{
		{"short", "Visiting hours?", "Visiting hours?"},
		{"first line", "First line \n second", "First line"},
		{"cut at a word", "Which of the many forms do I have to fill in when a patient leaves early?", "Which of the many forms do I have to fill in when a patient…"},
		{"one long word", strings.Repeat("x", 100), strings.Repeat("x", 60) + "…"},
		{"no spaces", strings.Repeat("药", 100), strings.Repeat("药", 60) + "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := titleOf(tt.question); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFollowUpsLeanOnTheQuestionBefore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		question string
		want     bool
	}{
		{"And on Sundays?", true},
		{"It does not work, why?", true},
		{"How long?", true},
		{"What are the visiting hours on Sundays?", false},
		{"Who answers the cold store alarm?", false},
		{"这个药的剂量是多少", false},
		{"???", false},
	} {
		t.Run(tt.question, func(t *testing.T) {
			t.Parallel()
			if got := leans(tt.question); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	books := wardShelf()
	r := open(t, books, nil)
	x := r.ask("ada", "Who answers the cold store alarm?")
	path := "/api/conversations/" + x.Conversation.ID + "/messages"
	next := must[Exchange](r, "ada", "POST", path, `{"message":"And his pager?"}`, 200)
	if next.Question.Parent != x.Answer.ID || !strings.Contains(next.Answer.Content, "pager 4471") {
		t.Errorf("got parent %s and %q", next.Question.Parent, next.Answer.Content)
	}
	if got := books.asked[len(books.asked)-1].Text; !strings.Contains(got, "And his pager?") || !strings.Contains(got, "cold store alarm") {
		t.Errorf("searched for %q", got)
	}
	must[Exchange](r, "ada", "POST", path, `{"message":"What are the visiting hours for children?"}`, 200)
	if got := books.asked[len(books.asked)-1].Text; strings.Contains(got, "pager") {
		t.Errorf("searched for %q", got)
	}
	// A branch leans on its own past.
	branch := must[Exchange](r, "ada", "POST", path, `{"message":"And his pager?","parent":"`+x.Answer.ID+`"}`, 200)
	if branch.Question.Parent != x.Answer.ID {
		t.Errorf("got parent %s, want %s", branch.Question.Parent, x.Answer.ID)
	}
	if got := books.asked[len(books.asked)-1].Text; !strings.Contains(got, "cold store") || strings.Contains(got, "children") {
		t.Errorf("searched for %q", got)
	}
}
