package appliance_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The library of a small hospital with its own plant. The texts hold what
// breaks careless offsets and markup: characters beyond the basic plane, marks
// that combine, brackets with numbers, tables, lists and code.
const (
	pumpText = `# Feed water pump P-204

Manual of the boiler house, edition 7. 🛠️ Read the safety chapter first.

## Maintenance

Change the bearing oil of the pump every 4,000 operating hours, at the latest after twelve months. Use only oil of the grade ISO VG 46; 1.8 litres are needed. Let the pump cool below 40 °C before the drain plug is opened.

The mechanical seal is replaced as a whole. Its part number is 4711-0815-B [1]. Never re-use the O-ring of the old seal.

## Alarms

| Code | Meaning | What to do |
|------|---------|------------|
| E-117 | Suction pressure too low | Open valve V-12 and vent the suction line |
| E-121 | Bearing temperature above 95 °C | Stop the pump and call the mechanic |

## Starting

1. Open the suction valve completely.
2. Vent the casing until no bubbles leave the vent screw.
3. Start the motor against the closed discharge valve, then open it slowly within 30 seconds.

## Decommissioning

Before any work on the pump:

- Switch off the isolator Q-7 in the electrical cabinet and lock it with your own padlock
- Close the steam valve V-9 and hang the red tag on its hand wheel so that nobody opens it
- Wait until the manometer shows zero and the interlock releases the door of the enclosure

## Bolts

The tightening torque of the casing bolts is 84 N·m, in *three* passes and crosswise.
`
	hygieneText = `# Hygiene plan of ward 3B

## Hand disinfection

Rub the hands with 3 ml of disinfectant for at least 30 seconds. Rings, watches and artificial nails are not allowed on the ward.

## Norovirus

Patients with norovirus are isolated in a single room with a toilet of their own. The isolation ends 48 hours after the last symptom. Disinfectants against norovirus must be labelled "virucidal"; "limited virucidal" is not enough.

Visitors report to the nursing station before they enter the room. Soiled linen goes into the yellow bag <b>at the bedside</b> and is never sorted on the ward.

## Needlestick injury

Let the wound bleed for one minute, then rinse it with disinfectant for ten minutes. Report to the occupational physician within two hours; the telephone number is 4-4471. Post-exposure prophylaxis against HIV is most effective within two hours & loses its effect after 72 hours.
`
	boilerText = `# Betriebsanweisung Dampfkessel 2

## Kesselwasser

Der pH-Wert des Kesselwassers muss zwischen 10,5 und 12,0 liegen. Die Leitfähigkeit wird einmal je Schicht gemessen und darf 5.000 µS/cm nicht überschreiten. Bei Überschreitung ist abzuschlämmen.

## Wassermangel

Spricht der Wasserstandsbegrenzer an, so schaltet der Brenner sofort ab. Der Kessel darf erst nach einer Prüfung durch den Kesselwärter wieder angefahren werden. Niemals kaltes Wasser in den überhitzten Kessel speisen!

## Prüfungen

Das Sicherheitsventil wird alle sechs Monate durch Anlüften geprüft. Die innere Prüfung findet alle drei Jahre statt, die Festigkeitsprüfung alle neun Jahre.
`
	infusionText = `# 输液泵操作手册

## 报警

气泡报警响起时，应立即关闭流量夹，并检查输液管路中是否有气泡。阻塞报警的压力阈值为60千帕。电池电量低于百分之二十时，必须连接电源。

## 清洁

每次使用后，用百分之七十的酒精擦拭外壳。不得将设备浸入水中。传感器每周清洁一次。
`
)

// A record is the reading room of these tests: who may read what.
type record struct {
	owner, reader *visitor
	plant, ward   string            // knowledge bases
	documents     map[string]string // name -> id
}

func fillHouse(t *testing.T) *record {
	t.Helper()
	h := start(t)
	r := &record{owner: h.setUp(t), documents: map[string]string{}}
	r.reader = h.person(t, r.owner, "rita@house.test", "Rita Reader")
	r.plant = r.owner.must(t, "POST", "/api/knowledge", `{"name":"Plant"}`, 201).id()
	r.ward = r.owner.must(t, "POST", "/api/knowledge", `{"name":"Ward"}`, 201).id()
	for _, d := range []struct{ base, name, text string }{
		{r.plant, "pump.md", pumpText}, {r.ward, "hygiene.md", hygieneText}, {r.plant, "kessel.md", boilerText}, {r.ward, "infusion.md", infusionText},
	} {
		r.documents[d.name] = r.owner.upload(t, d.base, d.name, d.text)
	}
	return r
}

// grant sets who may read the plant: nobody but its owner, or the reader too.
func (r *record) grant(t *testing.T, reader bool) {
	t.Helper()
	entries := `{"entries":[]}`
	if reader {
		entries = `{"entries":[{"person":"` + r.reader.id + `","right":"read"}]}`
	}
	r.owner.must(t, "PUT", "/api/knowledge/"+r.plant+"/access", entries, 200)
}

func question(text string, knowledge ...string) string {
	body, _ := json.Marshal(map[string]any{"message": text, "knowledge": knowledge})
	if len(knowledge) == 0 {
		body, _ = json.Marshal(map[string]any{"message": text})
	}
	return string(body)
}

// scenario is a question with what its answer must hold and must not.
type scenario struct {
	name, question, first string // first is the document that must be cited first; "" means that nothing is found
	must, mustNot         []string
}

var scenarios = []scenario{
	{"exact", "Change the bearing oil of the pump every 4,000 operating hours", "pump.md", []string{"every 4,000 operating hours"}, []string{"norovirus", "O-ring"}},
	{"whole sentence", "After how many operating hours do we have to change the oil in the bearing?", "pump.md", []string{"every 4,000 operating hours"}, []string{"disinfectant", "Sicherheitsventil"}},
	{"whole sentence, other forms of the words", "When does the isolation of a patient end who had norovirus symptoms?", "hygiene.md", []string{"48 hours after the last symptom"}, []string{"pump", "needle"}},
	{"part number", "4711-0815-B", "pump.md", []string{"4711-0815-B"}, []string{"4-4471", "norovirus"}},
	{"part number in a sentence", "What is the part with the number 4711-0815-B?", "pump.md", []string{"4711-0815-B"}, []string{"4-4471"}},
	{"code of a table", "What does alarm E-117 mean?", "pump.md", []string{"E-117", "Suction pressure too low"}, []string{"E-121", "norovirus"}},
	{"quoted phrase", `Which disinfectant is "limited virucidal"?`, "hygiene.md", []string{"limited virucidal"}, []string{"pump"}},
	{"numbered step", "How do I vent the casing of the pump?", "pump.md", []string{"Vent the casing until no bubbles leave"}, []string{"yellow bag"}},
	{"a list with its lead-in, whole", "What has to be done before any work on the pump?", "pump.md", []string{"Before any work on the pump: [1]\n- Switch off the isolator Q-7", "padlock [1]\n- Close the steam valve V-9", "opens it [1]\n- Wait until"}, []string{"norovirus"}},
	{"only a heading names it", "decommissioning", "pump.md", []string{"Before any work on the pump: [1]\n- Switch off", "\n- Close the steam valve", "\n- Wait until"}, []string{"\n- Locking out", "norovirus"}},
	{"torque", "What is the tightening torque of the casing bolts?", "pump.md", []string{"84 N·m"}, []string{"norovirus"}},
	{"within a time", "How soon must a needlestick injury be reported to the occupational physician?", "hygiene.md", []string{"within two hours"}, []string{"pump"}},
	{"German", "Wie oft wird das Sicherheitsventil geprüft?", "kessel.md", []string{"alle sechs Monate"}, []string{"pump", "酒精"}},
	{"German, a value", "Welcher pH-Wert gilt für das Kesselwasser?", "kessel.md", []string{"zwischen 10,5 und 12,0"}, []string{"Brenner"}},
	{"German without umlauts", "Wann darf der Kessel nach einer Pruefung wieder angefahren werden?", "kessel.md", []string{"wieder angefahren"}, []string{"pump"}},
	{"Chinese", "气泡报警响起时应该怎么办？", "infusion.md", []string{"应立即关闭流量夹"}, []string{"酒精", "pump"}},
	{"Chinese, a value", "阻塞报警的压力阈值是多少？", "infusion.md", []string{"60千帕"}, []string{"酒精", "norovirus"}},
	{"no source", "Who won the football world championship in 1998?", "", nil, []string{"France", "Brazil", "pump", "norovirus"}},
	{"no source, near words", "Which pump delivers insulin to diabetic children?", "", nil, []string{"P-204", "输液泵"}},
	{"no source, German", "Wie wird das Wetter morgen in Hamburg?", "", nil, []string{"Kessel"}},
	{"no source, Chinese", "明天北京的天气怎么样？", "", nil, []string{"报警"}},
	{"no source, a part that is not there", "9999-1234-X", "", nil, []string{"4711"}},
	{"no words", "??? !!!", "", nil, []string{"pump"}},
}

// TestAnswers asks a filled house, the three ways there are to get an answer.
func TestAnswers(t *testing.T) {
	t.Parallel()
	r := fillHouse(t)
	for _, tt := range scenarios {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			waited := r.owner.must(t, "POST", "/api/conversations", question(tt.question), 200)
			m := saidIn(t, waited.field("answer"))
			r.check(t, tt, m)
			t.Logf("%s\n%s", tt.question, m.Content)

			streamed := r.owner.events(t, "POST", "/api/conversations", question(tt.question), "Accept: text/event-stream")
			r.check(t, tt, told(t, streamed))

			async := r.owner.with(t, "POST", "/api/conversations", question(tt.question), "Prefer: respond-async")
			if async.status != http.StatusAccepted || async.get("conversation", "id") == "" {
				t.Fatalf("got %d: %s", async.status, async.body)
			}
			r.check(t, tt, told(t, r.owner.events(t, "GET", "/api/runs/"+async.get("run", "id")+"/events", "")))
			kept := r.owner.must(t, "GET", "/api/conversations/"+async.get("conversation", "id"), "", 200)
			messages, _ := kept.field("messages").([]any)
			if len(messages) != 2 || kept.get("messages", "0", "content") != tt.question {
				t.Fatalf("the conversation is kept as %s", kept.body)
			}
			if again := saidIn(t, messages[1]); again.Content != m.Content || len(again.Citations) != len(m.Citations) {
				t.Errorf("three ways, two answers: %q and %q", m.Content, again.Content)
			}
		})
	}
}

func (r *record) check(t *testing.T, tt scenario, m said) {
	t.Helper()
	honest(t, r.owner, m)
	if tt.first == "" {
		if m.Kind != "none" {
			t.Errorf("found where nothing is: %s", m.Content)
		}
	} else if len(m.Citations) == 0 || m.Citations[0].Document.ID != r.documents[tt.first] {
		t.Errorf("the first source is not %s: %+v", tt.first, m)
	}
	plain := escaped.ReplaceAllString(m.Content, "$1")
	for _, word := range tt.must {
		if !strings.Contains(plain, word) {
			t.Errorf("lacks %q: %s", word, plain)
		}
	}
	for _, word := range tt.mustNot {
		if strings.Contains(strings.ToLower(plain), strings.ToLower(word)) {
			t.Errorf("holds %q: %s", word, plain)
		}
	}
}

// TestEventsReplayFromEveryNumber reads a run while it lives, and again from
// each of its events on.
func TestEventsReplayFromEveryNumber(t *testing.T) {
	t.Parallel()
	r := fillHouse(t)
	all := r.owner.events(t, "POST", "/api/conversations", question("What does alarm E-117 mean?"), "Accept: text/event-stream")
	m := told(t, all)
	for i := range len(all) + 1 {
		after := strconv.Itoa(i)
		for way, got := range map[string][]event{
			"Last-Event-ID": r.owner.events(t, "GET", "/api/runs/"+m.Run+"/events", "", "Last-Event-ID: "+after),
			"after":         r.owner.events(t, "GET", "/api/runs/"+m.Run+"/events?after="+after, ""),
		} {
			if !slices.Equal(got, all[i:]) {
				t.Errorf("%s %d: got %v, want %v", way, i, got, all[i:])
			}
		}
	}
	for _, odd := range []string{"x", "-1", "1.5", strings.Repeat("9", 30)} {
		if got := r.owner.with(t, "GET", "/api/runs/"+m.Run+"/events", "", "Last-Event-ID: "+odd); got.status != 422 || got.get("detail") == "" {
			t.Errorf("Last-Event-ID %s: got %d: %s", odd, got.status, got.body)
		}
	}
}

// TestFollowUp asks on in a conversation: a short question leans on the one
// before, and the conversation keeps to its knowledge bases.
func TestFollowUp(t *testing.T) {
	t.Parallel()
	r := fillHouse(t)
	first := r.owner.must(t, "POST", "/api/conversations", question("How much oil does the bearing of the pump need?", r.plant), 200)
	id := first.get("conversation", "id")
	for _, tt := range []scenario{
		{"leans on the question before", "And which grade?", "pump.md", []string{"ISO VG 46"}, []string{"virucidal"}},
		{"stands for itself", "Wie oft wird die Leitfähigkeit gemessen?", "kessel.md", []string{"einmal je Schicht"}, []string{"ISO VG 46"}},
		{"keeps to its knowledge bases", "When does the isolation of norovirus patients end?", "", nil, []string{"48 hours"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := r.owner.must(t, "POST", "/api/conversations/"+id+"/messages", question(tt.question), 200)
			r.check(t, tt, saidIn(t, got.field("answer")))
			t.Logf("%s\n%s", tt.question, got.get("answer", "content"))
		})
	}
	elsewhere := r.owner.must(t, "POST", "/api/conversations/"+id+"/messages", question("When does the isolation of norovirus patients end?", r.ward), 200)
	r.check(t, scenario{first: "hygiene.md", must: []string{"48 hours"}}, saidIn(t, elsewhere.field("answer")))
	kept := r.owner.must(t, "GET", "/api/conversations/"+id, "", 200)
	messages, _ := kept.field("messages").([]any)
	before := ""
	for i := range messages {
		at := strconv.Itoa(i)
		if kept.get("messages", at, "parent") != before || kept.get("messages", at, "role") != []string{"user", "assistant"}[i%2] {
			t.Errorf("message %d hangs in the wrong place: %s", i, kept.body)
		}
		before = kept.get("messages", at, "id")
	}
	if len(messages) != 10 {
		t.Errorf("got %d messages: %s", len(messages), kept.body)
	}
}

// TestAccessDecidesEveryAnswer asks as somebody without access, gives it, and
// takes it away again: also what was answered meanwhile is withheld then.
func TestAccessDecidesEveryAnswer(t *testing.T) {
	t.Parallel()
	r := fillHouse(t)
	ask := "What is the tightening torque of the casing bolts?"
	// Before access not even a title may be told; after it, what was told then
	// may stay named, but its words may not be read again.
	passage := []string{"84 N", "crosswise", "Bolts"}
	words := append([]string{"Feed water", "P-204", "pump.md", r.documents["pump.md"]}, passage...)
	refuses := func(t *testing.T, what string, got answer, words ...string) {
		t.Helper()
		for _, word := range words {
			if strings.Contains(got.body, word) {
				t.Errorf("%s holds %q: %s", what, word, got.body)
			}
		}
	}
	blind := func(t *testing.T) {
		t.Helper()
		got := r.reader.must(t, "POST", "/api/conversations", question(ask), 200)
		honest(t, r.reader, saidIn(t, got.field("answer")))
		if refuses(t, "the answer", got, words...); got.get("answer", "kind") != "none" {
			t.Errorf("found without access: %s", got.body)
		}
		refuses(t, "the naming of a knowledge base", r.reader.must(t, "POST", "/api/conversations", question(ask, r.plant), 404), words...)
		refuses(t, "the search", r.reader.must(t, "POST", "/api/search", `{"question":"tightening torque casing bolts"}`, 200), words...)
		refuses(t, "the list", r.reader.must(t, "GET", "/api/knowledge", "", 200), append(words, r.plant)...)
		for _, path := range []string{"", "/content", "/file"} {
			r.reader.must(t, "GET", "/api/documents/"+r.documents["pump.md"]+path, "", 404)
		}
	}
	blind(t)

	r.grant(t, true)
	got := r.reader.must(t, "POST", "/api/conversations", question(ask), 200)
	m := saidIn(t, got.field("answer"))
	r.check(t, scenario{first: "pump.md", must: []string{"84 N·m"}}, m)
	honest(t, r.reader, m)
	conversation := "/api/conversations/" + got.get("conversation", "id")

	r.grant(t, false)
	blind(t)
	old := r.reader.must(t, "GET", conversation, "", 200)
	refuses(t, "the old conversation", old, passage...)
	messages, _ := old.field("messages").([]any)
	if held := saidIn(t, messages[1]); len(held.Citations) != len(m.Citations) || !held.Citations[0].Withheld || !strings.Contains(held.Content, "withheld") {
		t.Errorf("the passage is not withheld with a word about it: %+v", held)
	}
	for _, e := range r.reader.events(t, "GET", "/api/runs/"+m.Run+"/events", "") {
		refuses(t, "event "+e.id+" of the old run", answer{body: e.data}, passage...)
	}
	if got := r.reader.must(t, "POST", conversation+"/messages", question(ask), 200); got.get("answer", "kind") != "none" {
		t.Errorf("the old conversation still finds: %s", got.body)
	}

	r.grant(t, true)
	if back := r.reader.must(t, "GET", conversation, "", 200); !strings.Contains(back.body, "84 N·m") {
		t.Errorf("access is back, the passage is not: %s", back.body)
	}
	r.owner.must(t, "DELETE", "/api/documents/"+r.documents["pump.md"], "", 204)
	for name, v := range map[string]*visitor{"reader": r.reader, "owner": r.owner} {
		if got := v.must(t, "POST", "/api/conversations", question(ask), 200); got.get("answer", "kind") != "none" {
			t.Errorf("the %s still finds the deleted document: %s", name, got.body)
		}
	}
	if gone := r.reader.must(t, "GET", conversation, "", 200); strings.Contains(gone.body, "84 N") {
		t.Errorf("the words of the deleted document are still shown: %s", gone.body)
	}
}
