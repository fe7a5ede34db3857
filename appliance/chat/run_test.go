package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/fault"
)

func TestEveryNumberResumesToTheSameText(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer = p })
	run := r.begin("ada", "visiting hours").Run.ID
	early := r.follow("ada", run, 0)
	var want strings.Builder
	for i := range 40 {
		piece := fmt.Sprintf("piece %d, ünï \"quoted\"\n", i)
		want.WriteString(piece)
		p <- piece
		if i%4 == 3 { // pieces between two savings are one event
			eventually(t, "shown pieces", func() bool {
				shown, _, _ := r.chat.live.find(run, people()["ada"]).log.after(0)
				return len(shown) > 0 && strings.Contains(string(shown[len(shown)-1].Data), fmt.Sprintf("piece %d,", i))
			})
		}
		if i == 20 {
			// Some of the events are on disk by now, some in memory only.
			eventually(t, "saved events", func() bool { return r.count(`SELECT count(*) FROM run_journal WHERE data LIKE '%	delta	%'`) > 0 })
		}
	}
	live := make([]*reader, 0, 8)
	for after := range int64(8) {
		live = append(live, r.follow("ada", run, after*2))
	}
	close(p)
	all := early.rest()
	if got := textOf(t, all); got != want.String() {
		t.Fatalf("got %q, want %q", got, want.String())
	}
	same := func(name string, got []Event, after int64) {
		t.Helper()
		i := slices.IndexFunc(all, func(e Event) bool { return e.ID > after })
		if wire(got) != wire(all[i:]) {
			t.Errorf("%s after %d: got\n%.500s\nwant\n%.500s", name, after, wire(got), wire(all[i:]))
		}
	}
	for i, rd := range live {
		same("live", rd.rest(), int64(i*2))
	}
	for _, e := range all[:len(all)-1] {
		same("from disk", r.follow("ada", run, e.ID).rest(), e.ID)
	}
	if got := r.follow("ada", run, all[len(all)-1].ID).rest(); len(got) != 0 {
		t.Errorf("after the last event come %s", wire(got))
	}
}

// count runs a query of one number.
func (r *rig) count(query string, args ...any) int {
	r.t.Helper()
	var n int
	if err := r.db.Read().QueryRowContext(r.t.Context(), query, args...).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// passed are the phases a living run went through so far.
func (r *rig) passed(token, run string) []string {
	r.t.Helper()
	events, _, _ := r.chat.live.find(run, people()[token]).log.after(0)
	return phasesOf(r.t, events)
}

func TestReadersComeAndGo(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer = p })
	asking := r.stream("ada", "POST", "/api/conversations", `{"message":"visiting hours"}`)
	var first phase
	if err := json.Unmarshal(asking.until(called(EventPhase))[0].Data, &first); err != nil {
		t.Fatal(err)
	}
	slow := r.follow("ada", first.Run, 0) // reads nothing until the end
	quick := r.follow("ada", first.Run, 0)
	p <- "one "
	quick.until(called(EventDelta))
	asking.until(called(EventDelta))
	asking.leave() // whoever asked leaves
	piece := strings.Repeat("a long piece of the answer ", 40)
	for range 400 { // more than any buffer between the two holds
		p <- piece
	}
	p <- "two"
	close(p)
	want := "one " + strings.Repeat(piece, 400) + "two"
	if got := textOf(t, quick.rest()); got != strings.TrimPrefix(want, "one ") {
		t.Errorf("the quick reader got %d bytes, want %d", len(got), len(want))
	}
	if got := textOf(t, slow.rest()); got != want {
		t.Errorf("the slow reader got %d bytes, want %d", len(got), len(want))
	}
	m := r.transcript("ada", first.Conversation).Messages
	if got := m[1]; got.State != StateDone || got.Content != want {
		t.Errorf("stored is %s with %d bytes, want %d", got.State, len(got.Content), len(want))
	}
}

func TestStopKeepsWhatWasShown(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer, c.Runs = p, 1 })
	a := r.begin("ada", "visiting hours")
	rd := r.follow("ada", a.Run.ID, 0)
	p <- "shown "
	rd.until(called(EventDelta))
	waits := r.begin("ada", "cold store alarm")
	for _, tt := range []struct{ name, token string }{{"a colleague", "ben"}, {"an owner", "root"}, {"another workspace", "eve"}} {
		if got := r.do(tt.token, "POST", "/api/runs/"+a.Run.ID+"/stop", ""); got.status != 404 {
			t.Errorf("%s stops it: %d %s", tt.name, got.status, got.body)
		}
		if got := r.do(tt.token, "GET", "/api/runs/"+a.Run.ID+"/events", ""); got.status != 404 || strings.Contains(got.body, "shown") {
			t.Errorf("%s follows it: %d %s", tt.name, got.status, got.body)
		}
	}
	// One that still waits stops without its turn.
	must[struct{}](r, "ada", "POST", "/api/runs/"+waits.Run.ID+"/stop", "", 202)
	if got := phasesOf(t, r.follow("ada", waits.Run.ID, 0).rest()); got[len(got)-1] != "stopped" || slices.Contains(got, "searching") {
		t.Errorf("the waiting run went through %v", got)
	}
	began := time.Now()
	must[struct{}](r, "ada", "POST", "/api/runs/"+a.Run.ID+"/stop", "", 202)
	rest := rd.rest()
	if took := time.Since(began); took > 5*time.Second { // one second on a quiet machine
		t.Errorf("the stop took %v", took)
	}
	var done Message
	if err := json.Unmarshal(rest[len(rest)-1].Data, &done); err != nil || done.State != StateStopped || done.Content != "shown " {
		t.Errorf("got %+v, %v", done, err)
	}
	if got := r.transcript("ada", a.Conversation.ID); got.Messages[1].State != StateStopped || got.Messages[1].Content != "shown " || got.Conversation.Running {
		t.Errorf("stored: %+v", got)
	}
	must[struct{}](r, "ada", "POST", "/api/runs/"+a.Run.ID+"/stop", "", 202) // nothing left to stop
	acts := r.acts()
	if acts["chat.stop ok"] != 2 || acts["chat.ask ok"] != 2 || acts["chat.answer ok"] != 2 {
		t.Errorf("recorded %v", acts)
	}
}

func TestFailureIsTold(t *testing.T) {
	t.Parallel()
	books := wardShelf()
	for _, tt := range []struct {
		name    string
		fail    error
		detail  string
		mustNot string
	}{
		{"a fault", fault.New(fault.Unavailable, "The index is being rebuilt.").Cure("Wait a minute."), "The index is being rebuilt.", ""},
		{"a bug", errors.New("SQL logic error near secret_table"), "Something in ChatETS failed.", "secret_table"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			books := &shelf{passages: books.passages, closed: map[string]bool{}, fail: tt.fail}
			r := open(t, books, nil)
			x := r.ask("ada", "visiting hours")
			if x.Answer.State != StateFailed || x.Answer.Problem == nil || x.Answer.Problem.Detail != tt.detail {
				t.Fatalf("got %+v", x.Answer)
			}
			events := r.follow("ada", x.Answer.Run, 0).rest()
			last := events[len(events)-1]
			if last.Name != EventError || !strings.Contains(string(last.Data), tt.detail) {
				t.Errorf("the last event is %s %s", last.Name, last.Data)
			}
			all := string(encode(r.transcript("ada", x.Conversation.ID))) + wire(events)
			if tt.mustNot != "" && strings.Contains(all, tt.mustNot) {
				t.Errorf("shown: %s", all)
			}
			if acts := r.acts(); acts["chat.answer failed"] != 1 {
				t.Errorf("recorded %v", acts)
			}
		})
	}
}

// mad panics.
type mad struct{}

func (mad) Write(context.Context, Brief, Out) (string, error) { panic("no more ink") }

func TestAPanicIsTheFailureOfOneRun(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), func(c *Chat) { c.Writer = mad{} })
	for range 6 { // more than there are slots
		if x := r.ask("ada", "visiting hours"); x.Answer.State != StateFailed || strings.Contains(string(encode(x)), "ink") {
			t.Fatalf("got %+v", x.Answer)
		}
	}
}

func TestRestartKeepsTheTextThatWasShown(t *testing.T) {
	t.Parallel()
	t.Run("a stop of the server", func(t *testing.T) {
		t.Parallel()
		p := make(pen)
		r := open(t, wardShelf(), func(c *Chat) { c.Writer, c.Runs = p, 1 })
		a, waits := r.begin("ada", "visiting hours"), r.begin("ada", "cold store")
		rd := r.follow("ada", a.Run.ID, 0)
		p <- "shown"
		rd.until(called(EventDelta))
		r.stop()
		<-r.ended
		next := openOn(t, r.db, wardShelf(), nil)
		for _, tt := range []struct {
			at   Accepted
			text string
		}{{a, "shown"}, {waits, ""}} {
			m := next.transcript("ada", tt.at.Conversation.ID).Messages[1]
			if m.State != StateInterrupted || m.Content != tt.text {
				t.Errorf("got %s %q, want interrupted %q", m.State, m.Content, tt.text)
			}
			if got := next.follow("ada", tt.at.Run.ID, 0).rest(); textOf(t, got) != tt.text || got[len(got)-1].Name != EventDone {
				t.Errorf("replayed: %s", wire(got))
			}
		}
	})
	t.Run("a crash", func(t *testing.T) {
		t.Parallel()
		r := open(t, wardShelf(), func(c *Chat) { c.Writer = halting{} })
		a := r.begin("ada", "visiting hours")
		rd := r.follow("ada", a.Run.ID, 0)
		shown := rd.until(called(EventDelta))
		last := shown[len(shown)-1].ID
		eventually(t, "saved text", func() bool { return r.count(`SELECT count(*) FROM run_journal WHERE data LIKE '%	delta	%'`) == 1 })
		// The first server still holds the run; a second one on the same tables sees
		// what a crash would have left.
		next := openOn(t, r.db, wardShelf(), nil)
		got := next.transcript("ada", a.Conversation.ID)
		m := got.Messages[1]
		if m.State != StateInterrupted || m.Content != "It is open. [1]" || len(m.Citations) != 1 || got.Conversation.Running {
			t.Errorf("got %+v", m)
		}
		for _, after := range []int64{0, last, last + 500} { // also past what was saved
			events := next.follow("ada", a.Run.ID, after).rest()
			if len(events) < 2 || events[len(events)-1].Name != EventDone || !strings.Contains(string(events[len(events)-1].Data), "It is open. [1]") {
				t.Errorf("after %d: %s", after, wire(events))
			}
		}
		if acts := next.acts(); acts["chat.answer failed"] != 1 {
			t.Errorf("recorded %v", acts)
		}
		if n := next.count(`SELECT count(*) FROM run_event WHERE name = 'citations' AND data <> ''`); n != 0 {
			t.Error("the citations are kept twice")
		}
		if n := next.count(`SELECT count(*) FROM run_journal`); n != 0 {
			t.Errorf("%d rows stay in the journal", n)
		}
	})
}

// halting cites twice, names one of the two and goes on until it is stopped.
type halting struct{}

func (halting) Write(ctx context.Context, b Brief, out Out) (string, error) {
	p := b.Passages[0]
	c := Citation{Number: 1, Document: CitedDocument{ID: p.Document, Title: p.DocumentTitle}, Knowledge: p.Knowledge, Text: "words"}
	d := c
	d.Number = 2
	if err := errors.Join(out.Cite([]Citation{c, d}), out.Say("It is open. [1]")); err != nil {
		return KindExtractive, err
	}
	<-ctx.Done()
	return KindExtractive, ctx.Err()
}

func TestTheQueueIsFair(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer, c.Runs = p, 1 })
	var adas []Accepted
	for range 5 {
		adas = append(adas, r.begin("ada", "visiting hours"))
	}
	eventually(t, "the first works", func() bool {
		return slices.Contains(r.passed("ada", adas[0].Run.ID), "searching")
	})
	ben := r.begin("ben", "visiting hours")
	// Ben came last and is next or second: one of Ada's was before him in the ring.
	var place phase
	rd := r.follow("ben", ben.Run.ID, 1)
	if err := json.Unmarshal(rd.until(called(EventPhase))[0].Data, &place); err != nil || place.Phase != "queued" || place.Place < 1 || place.Place > 2 {
		t.Errorf("got %+v, %v", place, err)
	}
	var ended sync.WaitGroup
	for _, a := range append(slices.Clone(adas), ben) {
		token := "ada"
		if a == ben {
			token = "ben"
		}
		follow := r.follow(token, a.Run.ID, 0)
		ended.Go(func() { follow.rest() })
	}
	close(p)
	ended.Wait()
	// The readers hear of the ends side by side; the record has their order.
	order := r.texts(`SELECT json_extract(detail, '$.run') FROM audit WHERE act = 'chat.answer' ORDER BY row`)
	if at := slices.Index(order, ben.Run.ID); at > 3 {
		t.Errorf("Ben was answered as number %d of 6", at+1)
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer, c.Runs = p, 1 })
	const most = 20 // of one person; one works, the others wait
	first := r.begin("ada", "visiting hours")
	eventually(t, "one works", func() bool { return slices.Contains(r.passed("ada", first.Run.ID), "searching") })
	for range most {
		r.begin("ada", "visiting hours")
	}
	got := r.do("ada", "POST", "/api/conversations", `{"message":"visiting hours"}`, "Prefer", "respond-async")
	if got.status != 429 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "waiting") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	r.begin("ben", "visiting hours") // is not held up
	close(p)
}

func TestRunsOfOneConversationFollowEachOther(t *testing.T) {
	t.Parallel()
	p := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer = p })
	a := r.begin("ada", "visiting hours")
	rd := r.follow("ada", a.Run.ID, 0)
	p <- "first"
	rd.until(called(EventDelta))
	next := must[Accepted](r, "ada", "POST", "/api/conversations/"+a.Conversation.ID+"/messages", `{"message":"And for children?"}`, 202, "Prefer", "respond-async")
	other := r.begin("ada", "cold store alarm")
	p <- "second" // goes to the first or to the other conversation, never to the next one
	if got := r.passed("ada", next.Run.ID); slices.Contains(got, "searching") {
		t.Errorf("the next question went through %v while the one before it is being answered", got)
	}
	close(p)
	for _, run := range []string{next.Run.ID, other.Run.ID} {
		if got := phasesOf(t, r.follow("ada", run, 0).rest()); got[len(got)-1] != "done" {
			t.Errorf("got %v", got)
		}
	}
}

func TestOperatorAsksAndKeepsNothing(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	if got := r.do("root", "POST", "/api/operator/ask", `{"question":"visiting hours"}`); got.status != 404 && got.status != 403 {
		t.Errorf("an owner over TCP: got %d %s", got.status, got.body)
	}
	events := r.stream("", "POST", "/api/operator/ask", `{"question":"visiting hours","knowledge":["k-ward"]}`).rest()
	if got := textOf(t, events); !strings.Contains(got, "from 14:00 to 18:00 every day. [1]") {
		t.Errorf("got %q", got)
	}
	for _, table := range []string{"conversation", "message", "run", "run_event", "run_journal", "citation"} {
		if n := r.count(`SELECT count(*) FROM ` + table); n != 0 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	if acts := r.acts(); acts["chat.ask ok"] != 1 || acts["chat.answer ok"] != 1 {
		t.Errorf("recorded %v", acts)
	}
	if got := r.do("", "POST", "/api/operator/ask", `{"question":"x","knowledge":["k-none"]}`); got.status != 404 || !strings.Contains(got.body, "k-none") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if got := r.do("", "POST", "/api/operator/ask", `{"question":" "}`); got.status != 422 {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
