package chat

import (
	"slices"
	"strings"
	"testing"

	"chatets/appliance/library"
)

// written makes an answer one that a model wrote from its citations, with
// thoughts and a receipt.
func (r *rig) written(x Exchange) {
	r.t.Helper()
	r.exec(`UPDATE message SET kind = 'generated', model = 'small', content = 'mixed zebrafish text [1][2]', thinking = 'zebrafish thoughts', thinking_ms = 7,
		query = 'zebrafish query', usage = '{"outputTokens":3}', context = '{"limit":4096}' WHERE id = '` + x.Answer.ID + `'`)
	r.exec(`UPDATE run_event SET data = '{"phase":"searching","query":"zebrafish query"}' WHERE name = 'phase' AND first > 1 AND data LIKE '%searching%' AND run = '` + x.Answer.Run + `'`)
	r.exec(`UPDATE run_event SET data = replace(data, '14:00', 'zebrafish') WHERE name = 'delta' AND run = '` + x.Answer.Run + `'`)
	rc := Receipt{Run: x.Answer.Run, Message: x.Answer.ID, Model: "small", Prompt: []ReceiptMessage{{Role: "user", Content: "zebrafish prompt"}}, Query: "zebrafish query",
		Passages: []ReceiptPassage{{Number: 1, Document: "d-ward", Title: "Ward rules", Knowledge: "k-ward", Heading: "Ward rules", Text: "ward text"},
			{Number: 2, Document: "d-icu", Title: "Intensive unit", Knowledge: "k-icu", Heading: "zebrafish heading", Text: "zebrafish passage"}},
		Tokens: ReceiptTokens{Prompt: 12}}
	r.exec(`INSERT INTO receipt (run, workspace, owner, message, data, created) VALUES ('` + x.Answer.Run + `', 'w1', 'ada', '` + x.Answer.ID + `', '` + string(encode(rc)) + `', 1)`)
}

func twoShelves() *shelf {
	books := wardShelf()
	other := "The visiting hours of the intensive unit are agreed with the nurse on duty."
	books.passages = append(books.passages, library.Passage{Chunk: 2, Document: "d-icu", DocumentTitle: "Intensive unit", Knowledge: "k-icu", Version: 1,
		End: len([]rune(other)), Text: other})
	return books
}

func TestReceiptIsReadAndRecorded(t *testing.T) {
	t.Parallel()
	r := open(t, twoShelves(), nil)
	x := r.ask("ada", "visiting hours")
	if got := r.do("ada", "GET", "/api/messages/"+x.Answer.ID+"/receipt", ""); got.status != 404 || !strings.Contains(got.body, "no-receipt") {
		t.Errorf("without a model: got %d %s", got.status, got.body)
	}
	r.written(x)
	got := must[Receipt](r, "ada", "GET", "/api/messages/"+x.Answer.ID+"/receipt", "", 200)
	if got.Withheld || len(got.Prompt) != 1 || got.Prompt[0].Content != "zebrafish prompt" || got.Passages[1].Text != "zebrafish passage" || got.Tokens.Prompt != 12 {
		t.Errorf("got %+v", got)
	}
	if n := r.count(`SELECT count(*) FROM audit WHERE act = 'receipt.open' AND outcome = 'ok' AND object = ?`, x.Answer.ID); n != 1 {
		t.Errorf("the reading is recorded %d times", n)
	}
	must[struct{}](r, "ada", "DELETE", "/api/conversations/"+x.Conversation.ID, "", 204)
	if n := r.count(`SELECT count(*) FROM receipt`); n != 0 {
		t.Errorf("%d receipts are left of a conversation that was deleted", n)
	}
}

// TestAnAnswerOfAModelIsWithheldWhole wants nothing of an answer shown that was
// written from a document that may no longer be read, whichever way it is read.
func TestAnAnswerOfAModelIsWithheldWhole(t *testing.T) {
	t.Parallel()
	books := twoShelves()
	r := open(t, books, nil)
	x := r.ask("ada", "visiting hours")
	r.written(x)
	id := x.Conversation.ID
	before := r.follow("ada", x.Answer.Run, 0).rest()
	if !strings.Contains(wire(before), "zebrafish query") || !strings.Contains(textOf(t, before), "zebrafish") {
		t.Fatalf("the test shows nothing: %s", wire(before))
	}
	if got := r.transcript("ada", id).Messages[1]; got.Withheld || got.Thinking != "zebrafish thoughts" || got.Usage.OutputTokens != 3 || got.Context.Limit != 4096 || got.ThinkingMs != 7 {
		t.Fatalf("got %+v", got)
	}
	books.close("k-icu")
	m := r.transcript("ada", id)
	events := r.follow("ada", x.Answer.Run, 0).rest()
	rc := r.do("ada", "GET", "/api/messages/"+x.Answer.ID+"/receipt", "")
	for what, text := range map[string]string{"the conversation": string(encode(m)), "the events": wire(events), "the receipt": rc.body} {
		if strings.Contains(text, "zebrafish") || strings.Contains(text, "Intensive unit") {
			t.Errorf("%s shows: %s", what, text)
		}
		if !strings.Contains(text, `"withheld":true`) || !strings.Contains(text, withheldTitle) {
			t.Errorf("%s does not say what is withheld: %s", what, text)
		}
	}
	if got := m.Messages[1]; !got.Withheld || got.Content != withheldText || got.Thinking != "" || got.Query != "" || len(got.Citations) != 2 || got.Citations[0].Withheld {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(rc.body, "ward text") {
		t.Errorf("the receipt hides what may be read: %s", rc.body)
	}
	if first, last := events[0].ID, events[len(events)-1]; first != 1 || last.ID != before[len(before)-1].ID || last.Name != EventDone {
		t.Errorf("replayed: %s", wire(events))
	}
	if slices.ContainsFunc(events, func(e Event) bool { return e.Name == EventDelta }) {
		t.Errorf("pieces are replayed: %s", wire(events))
	}
	// What follows must not be told of it either.
	next := r.more("ada", id, "And for children?")
	rn := &run{who: people()["ada"], conversation: id, question: next.Question}
	if err := r.chat.recall(withActor(t, "ada"), rn); err != nil {
		t.Fatal(err)
	}
	if len(rn.history) != 2 || rn.history[0].Content != "visiting hours" || strings.Contains(string(encode(rn.history)), "zebrafish") || rn.before != "visiting hours" {
		t.Errorf("the run is told %s", encode(rn.history))
	}
	// Nor what the receipt of a later answer repeats of it.
	r.exec(`INSERT INTO receipt (run, workspace, owner, message, data, created) VALUES ('` + next.Answer.Run + `', 'w1', 'ada', '` + next.Answer.ID +
		`', '{"prompt":[{"role":"assistant","content":"zebrafish"}],"passages":[]}', 1)`)
	if got := r.do("ada", "GET", "/api/messages/"+next.Answer.ID+"/receipt", ""); got.status != 200 || strings.Contains(got.body, "zebrafish") || !strings.Contains(got.body, `"withheld":true`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
	// Nor may the model go on with it.
	r.exec(`UPDATE message SET state = 'stopped' WHERE id = '` + x.Answer.ID + `'`)
	if got := r.do("ada", "POST", "/api/messages/"+x.Answer.ID+"/continue", ""); got.status != 409 || !strings.Contains(got.body, "sources-withheld") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// TestWhatWasSearchedByWordsAloneIsSaid wants the readers of an answer told that
// meaning was not compared, while it is written and afterwards.
func TestWhatWasSearchedByWordsAloneIsSaid(t *testing.T) {
	t.Parallel()
	for _, noted := range []bool{true, false} {
		books := wardShelf()
		if noted {
			books.notes = []library.Note{{Knowledge: []string{"k-ward"}, Reason: "The index is being loaded.", Cure: "Wait a moment."}}
		}
		r := open(t, books, nil)
		x := r.ask("ada", "visiting hours")
		const want = `"phase":"searching","wordsOnly":[{"knowledge":["k-ward"],"reason":"The index is being loaded.","cure":"Wait a moment."}]`
		if got := wire(r.follow("ada", x.Answer.Run, 0).rest()); strings.Contains(got, want) != noted || strings.Contains(got, "wordsOnly") != noted {
			t.Errorf("noted %v: %s", noted, got)
		}

		m, _ := openModels(t, books, "fake:tokens=3")
		y := m.ask("ada", "visiting hours")
		if got := m.do("ada", "GET", "/api/messages/"+y.Answer.ID+"/receipt", ""); got.status != 200 || strings.Contains(got.body, "The index is being loaded.") != noted {
			t.Errorf("noted %v: %d %s", noted, got.status, got.body)
		}
	}
}
