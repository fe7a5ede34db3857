package appliance_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatets/appliance/inference/inferencetest"
)

// connect adds a model server and waits until its models can be used.
func (v *visitor) connect(t *testing.T, name, kind, url string, slots, models int) string {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"name": name, "kind": kind, "url": url, "slots": slots})
	id := v.must(t, "POST", "/api/servers", string(body), 201).id()
	v.must(t, "POST", "/api/servers/"+id+"/refresh", "", 200)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got := v.must(t, "GET", "/api/models", "", 200)
		items, _ := got.fields.(map[string]any)["items"].([]any)
		usable := 0
		for i := range items {
			if got.get("items", strconv.Itoa(i), "available") == "true" {
				usable++
			}
		}
		if usable >= models {
			return id
		}
		if time.Now().After(deadline) {
			t.Fatalf("the models of %s cannot be used: %s", url, got.body)
		}
	}
}

// asks is a question for a model.
func asks(text, model string, knowledge ...string) string {
	body := map[string]any{"message": text, "model": model}
	if len(knowledge) > 0 {
		body["knowledge"] = knowledge
	}
	data, _ := json.Marshal(body)
	return string(data)
}

// reply is an answer of the API as these tests look at it.
type reply struct {
	ID, Content, Kind, State, Model, Thinking, Query, Run string
	Unsupported, Truncated                                bool
	Citations                                             []struct {
		Number   int
		Document struct{ ID, Title string }
		Text     string
	}
	Problem  *struct{ Detail, Cure, Code string }
	Versions struct {
		Index int
		IDs   []string
	}
	Usage   *struct{ PromptTokens, OutputTokens int }
	Context *struct{ Limit, Used, Counted, DroppedTurns, DroppedPassages int }
}

func replyOf(t *testing.T, data string) reply {
	t.Helper()
	var r reply
	if err := json.Unmarshal([]byte(data), &r); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return r
}

// asked asks a question in a new conversation and waits for the answer.
func (v *visitor) asked(t *testing.T, body string) (conversation string, answer reply) {
	t.Helper()
	got := v.must(t, "POST", "/api/conversations", body, 200)
	return got.get("conversation", "id"), replyOf(t, got.get("answer"))
}

// TestModelsCiteRightly asks models that cite well, never, wrongly and without
// end: the markers of the answer are right in each case.
func TestModelsCiteRightly(t *testing.T) {
	t.Parallel()
	r := fillHouse(t)
	fake := inferencetest.New(t, "good:say=cite", "after:say=cite,marker=after", "never:say=plain", "invents:say=invent", "everything:say=all", "alien:say=foreign")
	r.owner.connect(t, "gpu", "ollama", fake.URL, 4, 6)
	const ask = "How long are patients with norovirus isolated in a single room?"
	for _, model := range []string{"good:say=cite", "after:say=cite,marker=after", "never:say=plain", "invents:say=invent", "everything:say=all"} {
		t.Run(model, func(t *testing.T) {
			_, got := r.owner.asked(t, asks(ask, model))
			if got.Kind != "generated" || got.State != "done" || got.Model != model || got.Unsupported {
				t.Fatalf("got %+v", got)
			}
			if len(got.Citations) == 0 {
				t.Fatalf("nothing is cited: %q", got.Content)
			}
			for _, c := range got.Citations {
				if !strings.Contains(got.Content, "["+strconv.Itoa(c.Number)+"]") {
					t.Errorf("citation %d is not in the text: %q", c.Number, got.Content)
				}
			}
			if strings.Contains(got.Content, "[9]") || strings.Contains(got.Content, "[99]") {
				t.Errorf("an invented source is shown: %q", got.Content)
			}
			// Each sentence of the fake is taken from a passage: the source right behind
			// it must hold it.
			for sentence := range strings.SplitSeq(got.Content, "]") {
				text, number, found := strings.Cut(sentence, "[")
				n, err := strconv.Atoi(number)
				if !found || err != nil {
					continue
				}
				text = strings.Trim(strings.TrimSpace(text), ". ")
				if len(text) < 12 {
					continue // a second marker at the same sentence
				}
				i := slices.IndexFunc(got.Citations, func(c struct {
					Number   int
					Document struct{ ID, Title string }
					Text     string
				}) bool {
					return c.Number == n
				})
				if i < 0 || !strings.Contains(squeeze(got.Citations[i].Text), squeeze(text)) {
					t.Errorf("%q is not in source %d", text, n)
				}
			}
			if got.Usage == nil || got.Usage.OutputTokens == 0 || got.Context == nil || got.Context.Limit == 0 || got.Context.Counted == 0 {
				t.Errorf("usage %+v, context %+v", got.Usage, got.Context)
			}
		})
	}
	t.Run("alien:say=foreign", func(t *testing.T) {
		_, got := r.owner.asked(t, asks(ask, "alien:say=foreign"))
		if !got.Unsupported || len(got.Citations) != 0 || got.State != "done" || got.Content == "" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("without access", func(t *testing.T) {
		fake.Forget()
		_, got := r.reader.asked(t, asks(ask, "good:say=cite"))
		for _, sent := range fake.Asked() {
			if text, _ := json.Marshal(sent); strings.Contains(string(text), "Let the wound bleed") {
				t.Errorf("the model was given what the person may not read: %s", text)
			}
		}
		if strings.Contains(got.Content, "Let the wound bleed") {
			t.Errorf("got %q", got.Content)
		}
	})
}

func squeeze(text string) string {
	text = strings.NewReplacer("*", "", "`", "", "|", " ", "\\", "", "#", " ").Replace(text)
	return strings.ToLower(strings.Join(strings.Fields(text), " "))
}

// TestEachDialectAnswers takes the same question through the three languages
// that model servers speak.
func TestEachDialectAnswers(t *testing.T) {
	t.Parallel()
	r := fillHouse(t)
	for i, kind := range []string{"ollama", "openai", "anthropic"} {
		model := fmt.Sprintf("m%d:think=6,say=cite,tokens=40,rate=400", i)
		fake := inferencetest.New(t, model)
		r.owner.connect(t, kind, kind, fake.URL, 4, i+1)
		events := r.owner.events(t, "POST", "/api/conversations", asks("How long are patients with norovirus isolated?", model), "Accept: text/event-stream")
		phases, thinking, text := []string{}, "", ""
		for _, e := range events {
			var d struct{ Phase, Text string }
			_ = json.Unmarshal([]byte(e.data), &d)
			switch e.name {
			case "phase":
				phases = append(phases, d.Phase)
			case "thinking":
				thinking += d.Text
			case "delta":
				text += d.Text
			}
		}
		last := events[len(events)-1]
		got := replyOf(t, last.data)
		if last.name != "done" || got.Content != text || got.Thinking != thinking || (thinking == "") != (kind == "anthropic") || got.State != "done" || len(got.Citations) == 0 {
			t.Errorf("%s: got %s %+v, thinking %q, text %q", kind, last.name, got, thinking, text)
		}
		want := []string{"queued", "searching", "thinking", "writing", "done"}
		if kind == "anthropic" { // thinks only when it is asked to
			want = []string{"queued", "searching", "writing", "done"}
		}
		at := 0
		for _, p := range phases {
			if at < len(want) && p == want[at] {
				at++
			}
		}
		if at != len(want) {
			t.Errorf("%s: the phases are %v", kind, phases)
		}
	}
}

// TestFaultsOfServersAreTold breaks the server in each way: what came is kept,
// and the sentence says what happened and what to do.
func TestFaultsOfServersAreTold(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ollama", "openai", "anthropic"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := fillHouse(t)
			table := []struct {
				fault, state string
				kept         bool
			}{
				{"cut@5", "interrupted", true}, {"midstream@5", "interrupted", true}, {"nodone@5", "interrupted", true},
				{"zero", "failed", false}, {"error200", "failed", false}, {"html", "failed", false}, {"redirect", "failed", false},
				{"error-object", "failed", false}, {"giant", "failed", true},
				{"crlf", "done", true}, {"splitutf8", "done", true},
			}
			names := []string{}
			for i, tt := range table {
				names = append(names, fmt.Sprintf("f%d:say=word=20,fault=%s", i, tt.fault))
			}
			fake := inferencetest.New(t, names...)
			id := r.owner.connect(t, "gpu", kind, fake.URL, 4, len(names))
			for i, tt := range table {
				_, got := r.owner.asked(t, asks("How long are patients with norovirus isolated?", names[i]))
				if got.State != tt.state || (got.Content != "") != tt.kept {
					t.Errorf("%s: got %s %q %+v, want %s", tt.fault, got.State, got.Content, got.Problem, tt.state)
				}
				if tt.state != "done" && (got.Problem == nil || got.Problem.Detail == "" || got.Problem.Cure == "" || strings.Contains(got.Problem.Detail, "<html")) {
					t.Errorf("%s: the problem is %+v", tt.fault, got.Problem)
				}
				// Three failures in a row would make the server wait: looking at it again ends that.
				r.owner.must(t, "POST", "/api/servers/"+id+"/refresh", "", 200)
			}
		})
	}
}

// TestStopFreesTheServer stops an answer without end: the model server hears of
// it within a second, and what was shown stays.
func TestStopFreesTheServer(t *testing.T) {
	t.Parallel()
	r := fillHouse(t)
	fake := inferencetest.New(t, "long:say=word=100000,rate=200")
	r.owner.connect(t, "gpu", "ollama", fake.URL, 1, 1)
	run := r.owner.with(t, "POST", "/api/conversations", asks("Count", "long:say=word=100000,rate=200"), "Prefer: respond-async").get("run", "id")
	until(t, "it writes", func() bool { return fake.Running() == 1 })
	until(t, "words are shown", func() bool {
		return strings.Contains(r.owner.snapshot(t, run, 0), "w10 ")
	})
	began := time.Now()
	r.owner.must(t, "POST", "/api/runs/"+run+"/stop", "", 202)
	until(t, "the server is free", func() bool { return fake.Running() == 0 })
	if took := time.Since(began); took > 5*time.Second { // one second on a quiet machine
		t.Errorf("it took %v", took)
	}
	events := r.owner.events(t, "GET", "/api/runs/"+run+"/events", "", "Accept: text/event-stream")
	got := replyOf(t, events[len(events)-1].data)
	if got.State != "stopped" || !strings.Contains(got.Content, "w10 ") {
		t.Errorf("got %+v", got)
	}
}

// until polls for what must become true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// TestEightPeopleShareFourSlots lets eight people ask ten questions each while
// the slots are taken: then everybody is begun with in the second round at the
// latest, however much the first ones asked.
func TestEightPeopleShareFourSlots(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	const slow, quick = "gpu:say=word=100000,rate=50", "gpu:say=word=5"
	fake := inferencetest.New(t, slow, quick)
	owner.connect(t, "gpu", "ollama", fake.URL, 4, 2)
	later := "Prefer: respond-async"
	var blockers []string
	for range 4 {
		blockers = append(blockers, owner.with(t, "POST", "/api/conversations", asks("Hold the slot", slow), later).get("run", "id"))
	}
	until(t, "the slots are taken", func() bool { return fake.Running() == 4 })
	var last []string
	var people []*visitor
	for i := range 8 {
		p := h.person(t, owner, fmt.Sprintf("p%d@house.test", i), fmt.Sprintf("Person %d", i))
		people = append(people, p)
		for k := range 10 {
			got := p.with(t, "POST", "/api/conversations", asks(fmt.Sprintf("Person %d asks %d", i, k), quick), later)
			if got.status != http.StatusAccepted {
				t.Fatalf("got %d: %s", got.status, got.body)
			}
			if k == 9 {
				last = append(last, got.get("run", "id"))
			}
		}
	}
	for _, run := range blockers {
		owner.must(t, "POST", "/api/runs/"+run+"/stop", "", 202)
	}
	for i, p := range people {
		events := p.events(t, "GET", "/api/runs/"+last[i]+"/events", "", "Accept: text/event-stream")
		told := false
		for _, e := range events {
			told = told || e.name == "phase" && strings.Contains(e.data, `"place":`)
		}
		if !told || events[len(events)-1].name != "done" {
			t.Errorf("person %d: the wait was not told, or it did not end well: %v", i, events)
		}
	}
	var order []string
	for _, sent := range fake.Asked() {
		text, _ := json.Marshal(sent)
		for i := range people {
			if strings.Contains(string(text), fmt.Sprintf("Person %d asks", i)) {
				order = append(order, strconv.Itoa(i))
			}
		}
	}
	if len(order) < 80 {
		t.Fatalf("the server was asked %d times", len(order))
	}
	// Four at a time reach the server in another order than they got their slots:
	// the last of the second round may come three places late.
	const latest = 8 + 3
	if first := slices.Compact(slices.Sorted(slices.Values(order[:latest]))); len(first) != 8 {
		t.Errorf("the first answers went to %v", order[:latest])
	}
	if most := fake.Most(); most > 4 {
		t.Errorf("%d answers were written at the same time on 4 slots", most)
	}
}

// snapshot is the text of a run as far as it was shown.
func (v *visitor) snapshot(t *testing.T, run string, after int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", v.house.base+"/api/runs/"+run+"/events?after="+strconv.Itoa(after), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+v.token)
	stream := openStream(t, req)
	defer stream.close()
	text := ""
	// A quick model is never silent: what came in a quarter of a second is enough.
	for end := time.Now().Add(250 * time.Millisecond); ; {
		e, ok := stream.next(50 * time.Millisecond)
		if !ok || time.Now().After(end) {
			return text
		}
		if e.name == "delta" {
			var d struct{ Text string }
			if err := json.Unmarshal([]byte(e.data), &d); err != nil {
				t.Fatal(err)
			}
			text += d.Text
		}
	}
}
