package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"chatets/appliance/web"
)

// thoughtsOf is what a page shows of the thinking in events.
func thoughtsOf(t testing.TB, events []Event) string {
	t.Helper()
	var b strings.Builder
	for _, e := range events {
		if e.Name == EventThinking {
			var d struct{ Text string }
			if err := json.Unmarshal(e.Data, &d); err != nil {
				t.Fatal(err)
			}
			b.WriteString(d.Text)
		}
	}
	return b.String()
}

// words are the first n of what a model with say=word says.
func words(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("w%d", i+1))
	}
	return strings.Join(all, " ")
}

func (r *rig) askModel(token, model, question string) Accepted {
	r.t.Helper()
	return must[Accepted](r, token, "POST", "/api/conversations", string(encode(map[string]string{"message": question, "model": model})), 202, "Prefer", "respond-async")
}

// stopAt lets a run go on until so much of its text was shown, then stops it.
func (r *rig) stopAt(token string, a Accepted, n int) []Event {
	r.t.Helper()
	rd := r.follow(token, a.Run.ID, 0)
	var shown []Event
	for len(textOf(r.t, shown)) < n {
		e, ok := rd.next()
		if !ok {
			r.t.Fatalf("the run ended too soon: %s", wire(shown))
		}
		shown = append(shown, e)
	}
	must[struct{}](r, token, "POST", "/api/runs/"+a.Run.ID+"/stop", "", 202)
	return append(shown, rd.rest()...)
}

const slow = "slow:rate=60,think=6,say=word=60"

func TestAStoppedAnswerIsGoneOnWith(t *testing.T) {
	t.Parallel()
	r, fake := openModels(t, wardShelf(), slow)
	a := r.askModel("ada", slow, "visiting hours")
	before := r.stopAt("ada", a, 30)
	kept := r.transcript("ada", a.Conversation.ID).Messages[1]
	if kept.State != StateStopped || kept.Kind != KindGenerated || kept.Model != slow || kept.Content != textOf(t, before) || kept.Thinking == "" || kept.Thinking != thoughtsOf(t, before) {
		t.Fatalf("kept is %+v", kept)
	}
	next := must[Accepted](r, "ada", "POST", "/api/messages/"+a.Answer.ID+"/continue", "{}", 202, "Prefer", "respond-async")
	if next.Answer != a.Answer || next.Question != a.Question || next.Run == a.Run {
		t.Errorf("got %+v, was %+v", next, a)
	}
	rd := r.follow("ada", next.Run.ID, 0)
	begin := rd.until(called(EventDelta))
	if len(begin) != 2 || begin[0].ID != 1 || textOf(t, begin) != kept.Content {
		t.Errorf("the run begins with %s", wire(begin))
	}
	// Who reads the conversation meanwhile follows the run, which has all of it.
	if m := r.transcript("ada", a.Conversation.ID).Messages[1]; m.State != StateWriting || m.Content != "" || m.Run != next.Run.ID {
		t.Errorf("while it is written it is %+v", m)
	}
	all := append(begin, rd.rest()...)
	if got := textOf(t, all); got != words(60) {
		t.Errorf("got %q", got)
	}
	if got := thoughtsOf(t, all[:3]); got != kept.Thinking || len(thoughtsOf(t, all)) <= len(got) {
		t.Errorf("begins with the thoughts %q, kept were %q", got, kept.Thinking)
	}
	m := r.transcript("ada", a.Conversation.ID).Messages[1]
	if m.State != StateDone || m.Content != words(60) || m.Thinking != thoughtsOf(t, all) || m.Problem != nil || m.Model != slow || len(m.Versions.IDs) != 1 || !m.CreatedAt.Equal(kept.CreatedAt) {
		t.Errorf("stored is %+v", m)
	}
	// Sources are replayed as the answer names them in the end; all else as it was.
	other := func(events []Event) string {
		return wire(slices.DeleteFunc(slices.Clone(events), called(EventCitations)))
	}
	if got := r.follow("ada", next.Run.ID, 0).rest(); other(got) != other(all) {
		t.Errorf("replayed\n%s\nwas\n%s", wire(got), wire(all))
	}
	if got := textOf(t, r.follow("ada", a.Run.ID, 0).rest()); got != kept.Content {
		t.Errorf("the first run says %q now", got)
	}
	sent := fake.Asked()
	last := sent[len(sent)-1].Messages
	if m := last[len(last)-1]; m.Role != "assistant" || m.Content != kept.Content {
		t.Errorf("the model was sent %+v", m)
	}
	if n := r.count(`SELECT count(*) FROM audit WHERE act = 'chat.ask' AND detail LIKE '%"kind":"continue"%'`); n != 1 {
		t.Errorf("recorded %d times", n)
	}
	if got := r.do("ada", "POST", "/api/messages/"+a.Answer.ID+"/continue", "{}"); got.status != 409 || !strings.Contains(got.body, "answer-complete") {
		t.Errorf("a whole answer: got %d %s", got.status, got.body)
	}
	if n := r.count(`SELECT count(*) FROM run_event WHERE name = 'thinking' AND last > first`); n == 0 {
		t.Error("thoughts are stored one by one")
	}
}

func TestAnAnswerIsGoneOnWithOnce(t *testing.T) {
	t.Parallel()
	r, _ := openModels(t, wardShelf(), slow)
	a := r.askModel("ada", slow, "visiting hours")
	r.stopAt("ada", a, 20)
	var asked sync.WaitGroup
	status := make([]int, 6)
	for i := range status {
		asked.Go(func() {
			status[i] = r.do("ada", "POST", "/api/messages/"+a.Answer.ID+"/continue", "", "Prefer", "respond-async").status
		})
	}
	asked.Wait()
	slices.Sort(status)
	if !slices.Equal(status, []int{202, 409, 409, 409, 409, 409}) {
		t.Errorf("got %v", status)
	}
}

// TestAContinuedAnswerKeepsItsSources stops an answer behind its first source and
// goes on twice.
func TestAContinuedAnswerKeepsItsSources(t *testing.T) {
	t.Parallel()
	const cites = "cites:rate=40,say=cite"
	r, _ := openModels(t, twoShelves(), cites, slow)
	a := r.askModel("ada", cites, "visiting hours")
	rd := r.follow("ada", a.Run.ID, 0)
	var shown []Event
	for !strings.Contains(textOf(t, shown), "[1]") {
		e, ok := rd.next()
		if !ok {
			t.Fatalf("the run ended too soon: %s", wire(shown))
		}
		shown = append(shown, e)
	}
	must[struct{}](r, "ada", "POST", "/api/runs/"+a.Run.ID+"/stop", "", 202)
	rd.rest()
	kept := r.transcript("ada", a.Conversation.ID).Messages[1]
	if len(kept.Citations) != 1 {
		t.Fatalf("kept is %+v", kept)
	}
	for range 2 {
		next := must[Accepted](r, "ada", "POST", "/api/messages/"+a.Answer.ID+"/continue", "{}", 202, "Prefer", "respond-async")
		events := r.stopAt("ada", next, len(kept.Content))
		if events[2].Name != EventCitations || !strings.Contains(string(events[2].Data), kept.Citations[0].Document.ID) {
			t.Errorf("the sources are not told again behind the text: %s", wire(events))
		}
		m := r.transcript("ada", a.Conversation.ID).Messages[1]
		if len(m.Citations) == 0 || string(encode(m.Citations[0])) != string(encode(kept.Citations[0])) || !strings.HasPrefix(m.Content, kept.Content) {
			t.Fatalf("got %+v", m)
		}
		kept = m
	}
	// Stopped again before its turn came, it is what it was.
	for range 4 {
		busy := r.askModel("ben", slow, "visiting hours")
		r.follow("ben", busy.Run.ID, 0).until(called(EventThinking))
	}
	r.exec(`UPDATE message SET state = 'stopped' WHERE id = '` + a.Answer.ID + `'`)
	next := must[Accepted](r, "ada", "POST", "/api/messages/"+a.Answer.ID+"/continue", "{}", 202, "Prefer", "respond-async")
	must[struct{}](r, "ada", "POST", "/api/runs/"+next.Run.ID+"/stop", "", 202)
	if got := phasesOf(t, r.follow("ada", next.Run.ID, 0).rest()); slices.Contains(got, "writing") {
		t.Errorf("it went through %v", got)
	}
	m := r.transcript("ada", a.Conversation.ID).Messages[1]
	if m.State != StateStopped || m.Content != kept.Content || string(encode(m.Citations)) != string(encode(kept.Citations)) || m.Kind != KindGenerated || m.Model != cites {
		t.Errorf("got %+v, was %+v", m, kept)
	}
}

func TestARestartOffersToGoOn(t *testing.T) {
	t.Parallel()
	r, fake := openModels(t, wardShelf(), slow)
	a := r.askModel("ada", slow, "visiting hours")
	waits := r.askModel("ada", slow, "cold store")
	rd := r.follow("ada", a.Run.ID, 0)
	shown := rd.until(func(e Event) bool { return e.Name == EventDelta && strings.Contains(string(e.Data), "w9") })
	must[struct{}](r, "ada", "POST", "/api/runs/"+waits.Run.ID+"/stop", "", 202)
	r.follow("ada", waits.Run.ID, 0).rest()
	r.stop()
	<-r.ended
	shown = append(shown, rd.rest()...)
	m := modelsOn(t, r.db, fake.URL+"/", slow)
	next := openOn(t, r.db, wardShelf(), func(c *Chat) { c.Models = m })
	kept := next.transcript("ada", a.Conversation.ID).Messages[1]
	if kept.State != StateInterrupted || !strings.HasPrefix(kept.Content, textOf(t, shown)) || kept.Thinking == "" {
		t.Fatalf("kept is %+v, shown was %q", kept, textOf(t, shown))
	}
	x := must[Exchange](next, "ada", "POST", "/api/messages/"+a.Answer.ID+"/continue", "", 200)
	if x.Answer.State != StateDone || x.Answer.Content != words(60) || x.Answer.ID != a.Answer.ID || x.Question.ID != a.Question.ID {
		t.Errorf("got %+v", x.Answer)
	}
}

// TestACrashWhileGoingOnLosesNothing leaves a continued run without its end, as
// a crash does.
func TestACrashWhileGoingOnLosesNothing(t *testing.T) {
	t.Parallel()
	r, _ := openModels(t, wardShelf(), slow)
	a := r.askModel("ada", slow, "visiting hours")
	r.stopAt("ada", a, 20)
	kept := r.transcript("ada", a.Conversation.ID).Messages[1]
	began := must[Accepted](r, "ada", "POST", "/api/messages/"+a.Answer.ID+"/continue", "", 202, "Prefer", "respond-async")
	rd := r.follow("ada", began.Run.ID, 0)
	shown := rd.until(func(e Event) bool { return e.Name == EventDelta && e.ID > 8 })
	next := openOn(t, r.db, wardShelf(), nil)
	m := next.transcript("ada", a.Conversation.ID).Messages[1]
	if m.State != StateInterrupted || !strings.HasPrefix(m.Content, textOf(t, shown)) || len(m.Content) <= len(kept.Content) || !strings.HasPrefix(m.Thinking, kept.Thinking) ||
		m.Model != slow || m.Kind != KindGenerated {
		t.Errorf("restored is %+v, shown was %q", m, textOf(t, shown))
	}
}

func TestVersionsOfSeveralModels(t *testing.T) {
	t.Parallel()
	r, _ := openModels(t, wardShelf(), "alpha:say=cite", "beta:say=foreign")
	x := must[Exchange](r, "ada", "POST", "/api/conversations", `{"message":"visiting hours","model":"alpha:say=cite"}`, 200)
	regenerate := func(body string) Message {
		t.Helper()
		return must[Exchange](r, "ada", "POST", "/api/messages/"+x.Answer.ID+"/regenerate", body, 200).Answer
	}
	same, other, none := regenerate("{}"), regenerate(`{"model":"beta:say=foreign"}`), regenerate(`{"model":"extractive"}`)
	for _, tt := range []struct {
		name        string
		got         Message
		model, kind string
	}{{"the first", x.Answer, "alpha:say=cite", KindGenerated}, {"the same model", same, "alpha:say=cite", KindGenerated},
		{"another model", other, "beta:say=foreign", KindGenerated}, {"without a model", none, "", KindExtractive}} {
		if tt.got.Model != tt.model || tt.got.Kind != tt.kind || tt.got.State != StateDone {
			t.Errorf("%s: got %q %s %s", tt.name, tt.got.Model, tt.got.Kind, tt.got.State)
		}
	}
	if !slices.Equal(none.Versions.IDs, []string{x.Answer.ID, same.ID, other.ID, none.ID}) || !other.Unsupported || same.Unsupported {
		t.Errorf("got %+v", none.Versions)
	}
	if again := must[Exchange](r, "ada", "POST", "/api/messages/"+other.ID+"/regenerate", "", 200).Answer; again.Model != other.Model {
		t.Errorf("another version of an answer of %s is of %s", other.Model, again.Model)
	}
	// The conversation keeps the model it was begun with, until another is named.
	if next := r.more("ada", x.Conversation.ID, "cold store alarm"); next.Answer.Model != "alpha:say=cite" || next.Conversation.Model != "alpha:say=cite" {
		t.Errorf("got %+v", next)
	}
	path := "/api/conversations/" + x.Conversation.ID + "/messages"
	must[Exchange](r, "ada", "POST", path, `{"message":"visiting hours","model":"beta:say=foreign"}`, 200)
	if next := r.more("ada", x.Conversation.ID, "cold store alarm"); next.Answer.Model != "beta:say=foreign" {
		t.Errorf("got %+v", next.Answer)
	}
	must[Exchange](r, "ada", "POST", path, `{"message":"visiting hours","model":"extractive"}`, 200)
	if next := r.more("ada", x.Conversation.ID, "cold store alarm"); next.Answer.Model != "" || next.Answer.Kind != KindExtractive {
		t.Errorf("got %+v", next.Answer)
	}
	for _, tt := range []struct {
		name, path, body string
		status           int
		must             string
	}{
		{"unknown model", "/api/conversations", `{"message":"x","model":"gamma"}`, 404, "gamma"},
		{"unknown model of a version", "/api/messages/" + x.Answer.ID + "/regenerate", `{"model":"gamma"}`, 404, "gamma"},
	} {
		if got := r.do("ada", "POST", tt.path, tt.body); got.status != tt.status || !strings.Contains(got.body, tt.must) || !strings.Contains(got.body, "no-model") {
			t.Errorf("%s: got %d %s", tt.name, got.status, got.body)
		}
	}
	// A model that is kept from before and is gone gives way to one there is.
	r.exec(`UPDATE conversation SET model = 'gone' WHERE id = '` + x.Conversation.ID + `'`)
	if next := r.more("ada", x.Conversation.ID, "visiting hours"); next.Answer.Model != "alpha:say=cite" || next.Answer.State != StateDone {
		t.Errorf("got %+v", next.Answer)
	}
}

func TestTheReceiptIsWhole(t *testing.T) {
	t.Parallel()
	r, _ := openModels(t, wardShelf(), "alpha:say=cite")
	x := must[Exchange](r, "ada", "POST", "/api/conversations", `{"message":"visiting hours","model":"alpha:say=cite"}`, 200)
	rc := must[Receipt](r, "ada", "GET", "/api/messages/"+x.Answer.ID+"/receipt", "", 200)
	if rc.Run != x.Answer.Run || rc.Message != x.Answer.ID || rc.Model != "alpha:say=cite" || rc.Server == "" || len(rc.Prompt) != 2 || len(rc.Passages) != 1 ||
		!strings.Contains(rc.Prompt[1].Content, "14:00") || rc.Passages[0].Text != ward || rc.Passages[0].Score == 0 || rc.Tokens.Prompt == 0 || rc.Tokens.Output == 0 ||
		rc.Tokens.Estimated == 0 || rc.Query != "visiting hours" || rc.Parameters.Context == 0 || rc.Digest == "" {
		t.Errorf("got %s", encode(rc))
	}
	if m := r.transcript("ada", x.Conversation.ID).Messages[1]; m.Usage == nil || m.Usage.OutputTokens != rc.Tokens.Output || m.Context == nil || m.Context.Counted != rc.Tokens.Prompt {
		t.Errorf("got %+v %+v", m.Usage, m.Context)
	}
	// Who has no claim to a document has none to a receipt of an answer from it.
	if got := r.do("ben", "GET", "/api/messages/"+x.Answer.ID+"/receipt", ""); got.status != 404 || strings.Contains(got.body, "14:00") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestTheOperatorMayAskAModel(t *testing.T) {
	t.Parallel()
	r, _ := openModels(t, wardShelf(), "alpha:say=cite")
	for _, tt := range []struct {
		name, body, kind string
	}{{"the default", `{"question":"visiting hours"}`, KindGenerated}, {"by name", `{"question":"visiting hours","model":"alpha:say=cite"}`, KindGenerated},
		{"without one", `{"question":"visiting hours","model":"extractive"}`, KindExtractive}} {
		events := r.stream("", "POST", "/api/operator/ask", tt.body).rest()
		var m Message
		if err := json.Unmarshal(events[len(events)-1].Data, &m); err != nil || m.Kind != tt.kind || m.State != StateDone || m.Content == "" {
			t.Errorf("%s: %v: %s", tt.name, err, wire(events))
		}
	}
	if n := r.count(`SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM run) + (SELECT count(*) FROM receipt)`); n != 0 {
		t.Errorf("%d rows are kept", n)
	}
	if got := r.do("", "POST", "/api/operator/ask", `{"question":"x","model":"gamma"}`); got.status != 404 || !strings.Contains(got.body, "gamma") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestTheContextIsMeasured(t *testing.T) {
	t.Parallel()
	const small = "small:ctx=1500,say=cite"
	r, _ := openModels(t, wardShelf(), small)
	empty := must[Room](r, "ada", "GET", "/api/context?model="+small, "", 200)
	if empty.Limit != 1500 || empty.Used <= 0 || empty.Reserved <= 0 || empty.MaxMessage <= 0 || empty.MaxMessage > 1500 {
		t.Errorf("got %+v", empty)
	}
	if none := must[Room](r, "ada", "GET", "/api/context?model=extractive", "", 200); none != (Room{}) {
		t.Errorf("without a model: got %+v", none)
	}
	if got := r.do("ada", "GET", "/api/context?model=gamma", ""); got.status != 404 {
		t.Errorf("got %d %s", got.status, got.body)
	}
	x := must[Exchange](r, "ada", "POST", "/api/conversations", `{"message":"visiting hours","model":"`+small+`"}`, 200)
	empty = must[Room](r, "ada", "GET", "/api/context?model="+small, "", 200) // the estimate learns from what was counted
	if next := must[Room](r, "ada", "GET", "/api/context?conversation="+x.Conversation.ID, "", 200); next.Used <= empty.Used || next.Limit != 1500 {
		t.Errorf("got %+v after %+v", next, empty)
	}
	long := strings.Repeat("A long message of common words. ", 400)
	for _, path := range []string{"/api/conversations", "/api/conversations/" + x.Conversation.ID + "/messages", "/api/messages/" + x.Question.ID + "/edit"} {
		got := r.do("ada", "POST", path, string(encode(map[string]string{"message": long, "model": small})))
		var p web.Problem
		if err := json.Unmarshal([]byte(got.body), &p); err != nil || got.status != 422 || p.Code != "message-too-long" {
			t.Fatalf("%s: got %d %s", path, got.status, got.body)
		}
		var has, most int
		if n, err := fmt.Sscanf(p.Detail, "The message has about %d tokens; the model takes at most %d", &has, &most); n != 2 || has <= most || most <= 0 || most > 1500 {
			t.Errorf("%v: %s", err, p.Detail)
		}
	}
	if n := r.count(`SELECT count(*) FROM message`); n != 2 {
		t.Errorf("%d messages are stored", n)
	}
}
