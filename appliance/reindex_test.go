package appliance_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance"
	"chatets/appliance/config"
	"chatets/appliance/inference/inferencetest"
	"chatets/embed"
)

// encoding is a house with the built-in encoder.
func encoding(t *testing.T, dir string) *house {
	t.Helper()
	weights, made := embed.Weights()
	if !made {
		t.Fatal("the encoder's weights are not there: make weights")
	}
	cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return runWith(t, cfg, appliance.Assets{UI: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}, Samples: fstest.MapFS{}, Weights: weights})
}

// index waits until the index of a base is as wished.
func (v *visitor) index(t *testing.T, base, what string, is func(answer) bool) answer {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		got := v.must(t, "GET", "/api/knowledge/"+base+"/index", "", 200)
		if is(got) {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("never: %s: %s", what, got.body)
		}
	}
}

func still(got answer) bool {
	return got.get("build", "state") == "" && got.get("renewals", "total") == "0"
}

func answersBy(model string, vectors int) func(answer) bool {
	return func(got answer) bool {
		return still(got) && got.get("model") == model && got.get("vectors") == fmt.Sprint(vectors)
	}
}

func (v *visitor) search(t *testing.T, base, question string) answer {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"question": question, "knowledge": []string{base}})
	return v.must(t, "POST", "/api/search", string(body), 200)
}

// TestEmbeddingModelOfABase follows a base through its models: built in, one of a
// server, another one, and back, with the server away at bad moments.
func TestEmbeddingModelOfABase(t *testing.T) {
	t.Parallel()
	const first, second = "near:embed=16", "far:embed=24"
	server := inferencetest.New(t, first, second, "talk:tokens=3")
	dir := t.TempDir()
	h := encoding(t, dir)
	owner := h.setUp(t)
	reader := h.person(t, owner, "rita@house.test", "Rita Reader")
	stranger := h.person(t, owner, "sam@house.test", "Sam Stranger")
	owner.connect(t, "rig", "ollama", server.URL, 2, 3)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Clinic"}`, 201).id()
	owner.must(t, "PUT", "/api/knowledge/"+base+"/access", `{"entries":[{"person":"`+reader.id+`","right":"read"}]}`, 200)
	owner.upload(t, base, "a.txt", "The physician examines each patient in the morning.")
	owner.upload(t, base, "b.txt", "Die Pumpe wird jeden Montag von der Werkstatt geprüft und danach wieder mit Öl gefüllt.")
	at := "/api/knowledge/" + base

	got := owner.index(t, base, "the English passage has its vector", answersBy("built-in", 1))
	if got.get("english") != "true" || got.get("foreign") != "1" {
		t.Errorf("the page does not say that German is not compared: %s", got.body)
	}
	for _, want := range []string{`"built-in"`, `"` + first + `"`, `"` + second + `"`} {
		if !strings.Contains(got.body, `"model":`+want) {
			t.Errorf("%s cannot be chosen: %s", want, got.body)
		}
	}
	if strings.Contains(got.body, "talk:") {
		t.Errorf("a model that chats can be chosen: %s", got.body)
	}
	for _, tt := range []struct {
		name, body string
		who        *visitor
		status     int
	}{
		{"a reader", `{"model":"` + first + `"}`, reader, 403},
		{"a stranger", `{"model":"` + first + `"}`, stranger, 404},
		{"a model that chats", `{"model":"talk:tokens=3"}`, owner, 422},
		{"a model that is nowhere", `{"model":"none"}`, owner, 404},
	} {
		if got := tt.who.ask(t, "PUT", at+"/embedding", tt.body, ""); got.status != tt.status || got.get("cure") == "" {
			t.Errorf("%s: got %d %s, want %d with a cure", tt.name, got.status, got.body, tt.status)
		}
	}
	reader.must(t, "GET", at+"/index", "", 403)
	stranger.must(t, "POST", at+"/reindex", "", 404)

	// The server is away in the middle: the old index answers, and the page says why.
	server.Break("/api/embed", "error")
	owner.must(t, "PUT", at+"/embedding", `{"model":"`+first+`"}`, 202)
	got = owner.index(t, base, "the build says why it waits", func(a answer) bool { return a.get("build", "reason") != "" })
	if got.get("build", "state") != "building" || got.get("build", "cure") == "" || got.get("model") != "built-in" {
		t.Errorf("a build without its server: %s", got.body)
	}
	if found := owner.search(t, base, "When does a doctor look at sick people?"); !strings.Contains(found.body, "physician") || strings.Contains(found.body, `"notes"`) {
		t.Errorf("the old index does not answer while the new one is built: %s", found.body)
	}
	server.Break("/api/embed", "")
	owner.index(t, base, "the index is swapped when the server is back", answersBy(first, 2))

	server.Forget()
	found := owner.search(t, base, "Wann wird die Pumpe geprüft?")
	if len(asked(server)) != 1 || !strings.Contains(found.body, "Montag") {
		t.Errorf("a German question was not asked with the base's model: %v, %s", asked(server), found.body)
	}
	owner.upload(t, base, "c.txt", "The cook boils the soup for the whole ward.")
	owner.index(t, base, "a new document gets a vector of the base's model", answersBy(first, 3))

	server.Break("/api/embed", "error")
	found = reader.search(t, base, "Wer kocht: the cook boils soup?")
	if !strings.Contains(found.body, "soup") || found.get("notes", "0", "reason") == "" || found.get("notes", "0", "knowledge", "0") != base {
		t.Errorf("without the server: want words and a note, got %s", found.body)
	}
	server.Break("/api/embed", "")

	// Two bases of two models are asked separately and put in one order.
	other := owner.must(t, "POST", "/api/knowledge", `{"name":"Other"}`, 201).id()
	owner.upload(t, other, "d.txt", "The soup is boiled by nobody.")
	both, _ := json.Marshal(map[string]any{"question": "Who boils the soup?", "knowledge": []string{base, other}})
	if found := owner.must(t, "POST", "/api/search", string(both), 200); !strings.Contains(found.body, "by nobody") || !strings.Contains(found.body, "the whole ward") || strings.Contains(found.body, `"notes"`) {
		t.Errorf("two bases of two models: %s", found.body)
	}

	// Given up in the middle, and away with it.
	server.Break("/api/embed", "error")
	owner.must(t, "PUT", at+"/embedding", `{"model":"`+second+`"}`, 202)
	owner.index(t, base, "the build waits", func(a answer) bool { return a.get("build", "reason") != "" })
	reader.must(t, "DELETE", at+"/reindex", "", 403)
	owner.must(t, "DELETE", at+"/reindex", "", 200)
	owner.must(t, "DELETE", at+"/reindex", "", 409)
	server.Break("/api/embed", "")
	owner.index(t, base, "the old model stays", answersBy(first, 3))

	owner.must(t, "PUT", at+"/embedding", `{"model":"`+second+`"}`, 202)
	got = owner.index(t, base, "the second model answers", answersBy(second, 3))
	if got.get("dimension") != "24" {
		t.Errorf("the second model's vectors: %s", got.body)
	}

	// A restart keeps all of it.
	h.stop()
	h = encoding(t, dir)
	owner.house = h
	owner.index(t, base, "the second model answers after a restart", answersBy(second, 3))
	owner.must(t, "PUT", at+"/embedding", `{"model":"built-in"}`, 202)
	owner.index(t, base, "the built-in encoder answers again", answersBy("built-in", 2))
	if found := owner.search(t, base, "When does a doctor look at sick people?"); !strings.Contains(found.body, "physician") {
		t.Errorf("back at the built-in encoder: %s", found.body)
	}
	log := owner.must(t, "GET", "/api/audit?limit=200", "", 200).body
	for _, act := range []string{"knowledge.embedding", "knowledge.reindex-cancel"} {
		if !strings.Contains(log, act) {
			t.Errorf("%s is not in the record", act)
		}
	}
}

// asked are the texts that vectors were asked for.
func asked(s *inferencetest.Server) []string {
	var texts []string
	for _, r := range s.Requests() {
		if r.Path == "/api/embed" {
			texts = append(texts, r.Input...)
		}
	}
	return texts
}

// TestReindexAnswersMeanwhile reads a base again while somebody asks all the
// time: each document is found at every moment, and once.
func TestReindexAnswersMeanwhile(t *testing.T) {
	t.Parallel()
	h := encoding(t, t.TempDir())
	owner := h.setUp(t)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Ward"}`, 201).id()
	const documents = 6
	ids := make([]string, documents)
	for i := range documents {
		var text strings.Builder
		for part := range 15 {
			fmt.Fprintf(&text, "# Part %d\n\nThe marker%d stands in part %d of this page, which says how the pump is filled, cleaned and put back to work by whoever is on duty that night.\n\n", part, i, part)
		}
		ids[i] = owner.upload(t, base, fmt.Sprintf("page%d.md", i), text.String())
	}
	// One passage is off, and stays so.
	off := owner.must(t, "GET", "/api/documents/"+ids[0]+"/chunks?limit=1", "", 200)
	number, text := off.get("items", "0", "number"), off.get("items", "0", "text")
	owner.must(t, "PATCH", "/api/documents/"+ids[0]+"/chunks/"+number, `{"disabled":true}`, 200)
	before := owner.index(t, base, "all have vectors", func(a answer) bool {
		return a.get("vectors") != "0" && a.get("vectors") == a.get("passages")
	})

	var asking sync.WaitGroup
	var asked, ended atomic.Int64
	for i := range documents {
		asking.Go(func() {
			for ended.Load() == 0 {
				body, _ := json.Marshal(map[string]any{"question": fmt.Sprintf("marker%d", i), "knowledge": []string{base}, "limit": 50})
				got := owner.ask(t, "POST", "/api/search", string(body), "")
				if got.status != 200 || !strings.Contains(got.body, `"id":"`+ids[i]+`"`) {
					t.Errorf("document %d is not found: %s", i, got.body)
					return
				}
				seen := map[string]bool{}
				items, _ := got.fields.(map[string]any)["items"].([]any)
				for n := range items {
					place := got.get("items", fmt.Sprint(n), "document", "id") + " " + got.get("items", fmt.Sprint(n), "start")
					if seen[place] {
						t.Errorf("a passage is found twice: %s", place)
						return
					}
					seen[place] = true
				}
				asked.Add(1)
			}
		})
	}
	got := owner.must(t, "POST", "/api/knowledge/"+base+"/reindex", "", 202)
	if got.get("renewals", "total") != fmt.Sprint(documents) {
		t.Errorf("the page does not say how many are read again: %s", got.body)
	}
	owner.index(t, base, "all are read again", still)
	ended.Store(1)
	asking.Wait()
	after := owner.index(t, base, "all have vectors again", func(a answer) bool { return a.get("vectors") == before.get("vectors") })
	if after.get("passages") != before.get("passages") {
		t.Errorf("passages: %s before, %s after", before.get("passages"), after.get("passages"))
	}
	list := owner.must(t, "GET", "/api/documents/"+ids[0]+"/chunks?limit=1", "", 200)
	if list.get("items", "0", "number") == number || list.get("items", "0", "text") != text || list.get("items", "0", "disabled") != "true" {
		t.Errorf("the passage that was off: %s", list.body)
	}
	if asked.Load() == 0 {
		t.Error("nobody asked")
	}
	// One document alone; then what is deleted in the middle is gone.
	if got := owner.must(t, "POST", "/api/documents/"+ids[1]+"/reindex", "", 202); got.get("renewal", "state") != "waiting" && got.get("renewal", "state") != "" {
		t.Errorf("one document: %s", got.body)
	}
	owner.must(t, "POST", "/api/documents/"+ids[2]+"/reindex", "", 202)
	owner.must(t, "DELETE", "/api/documents/"+ids[2], "", 204)
	owner.index(t, base, "one is read again", still)
	if found := owner.search(t, base, "marker2"); strings.Contains(found.body, ids[2]) {
		t.Errorf("a deleted document is found: %s", found.body)
	}
	owner.must(t, "DELETE", "/api/documents/"+ids[1]+"/reindex", "", 409)
}
