package appliance_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func (v *visitor) explain(t *testing.T, question, base, document, phrase string, limit int) answer {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"question": question, "knowledge": []string{base}, "document": document, "phrase": phrase, "limit": limit})
	return v.must(t, "POST", "/api/explain", string(body), 200)
}

func reasons(got answer) string {
	var codes []string
	list, _ := got.fields.(map[string]any)["expected"].(map[string]any)["reasons"].([]any)
	for i := range list {
		codes = append(codes, got.get("expected", "reasons", strconv.Itoa(i), "code"))
	}
	return " " + strings.Join(codes, " ") + " "
}

// TestExplain asks why documents are found and are not, in each way that happens.
func TestExplain(t *testing.T) {
	t.Parallel()
	h := encoding(t, t.TempDir())
	owner := h.setUp(t)
	reader := h.person(t, owner, "rita@house.test", "Rita Reader")
	editor := h.person(t, owner, "emil@house.test", "Emil Editor")
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Clinic"}`, 201).id()
	other := owner.must(t, "POST", "/api/knowledge", `{"name":"Secret"}`, 201).id()
	owner.must(t, "PUT", "/api/knowledge/"+base+"/access", `{"entries":[{"person":"`+reader.id+`","right":"read"},{"person":"`+editor.id+`","right":"edit"}]}`, 200)
	doctor := owner.upload(t, base, "a.txt", "The physician examines each patient in the morning.")
	pump := owner.upload(t, base, "pump.txt", "Die Pumpe wird jeden Montag von der Werkstatt geprüft und danach wieder mit Öl gefüllt, damit sie nicht trocken läuft.")
	off := owner.upload(t, base, "off.txt", "The canteen closes at seven in the evening.")
	number := owner.must(t, "GET", "/api/documents/"+off+"/chunks", "", 200).get("items", "0", "number")
	owner.must(t, "PATCH", "/api/documents/"+off+"/chunks/"+number, `{"disabled":true}`, 200)
	for i := range 4 {
		owner.upload(t, base, fmt.Sprintf("soup%d.txt", i), fmt.Sprintf("Soup is served in ward %d when the bell rings.", i))
	}
	last := owner.upload(t, base, "soup9.txt", "Somewhere far away there is soup, as everybody in the long corridor of the eastern wing knows well enough.")
	secret := owner.upload(t, other, "secret.txt", "The treasure lies under the oak.")
	broken := owner.ask(t, "POST", "/api/documents?knowledge="+base+"&name=broken.docx", "", "PK\x03\x04nothing of a document").id()
	until(t, "the broken document fails", func() bool {
		return owner.must(t, "GET", "/api/documents/"+broken, "", 200).get("state") == "failed"
	})
	owner.index(t, base, "all have vectors", func(a answer) bool { return a.get("vectors") != "0" && still(a) })
	until(t, "the English passages have vectors", func() bool {
		return strings.Contains(owner.search(t, base, "When does a doctor look at sick people?").body, "physician")
	})

	for _, tt := range []struct {
		name, question, document, phrase string
		limit                            int
		want, not                        []string
	}{
		{"found by meaning alone", "When does a doctor look at sick people?", doctor, "", 10, []string{"found", "no-words"}, []string{"below-floor"}},
		{"found by words", "Which physician examines?", doctor, "", 10, []string{"found"}, []string{"no-words", "below-answer"}},
		{"in German", "Wann wird die Pumpe geprüft?", pump, "", 10, []string{"found", "question-language"}, []string{"no-words"}},
		{"a German document", "When does the machine come to the workshop on Monday?", pump, "", 10, []string{"document-language"}, []string{"found"}},
		{"a passage that is off", "When does the canteen close?", off, "", 10, []string{"disabled"}, []string{"found"}},
		{"behind the cut", "Where is soup served in the ward when the bell rings?", last, "", 2, []string{"beyond-cut"}, []string{"found"}},
		{"a file that cannot be read", "document", broken, "", 10, []string{"failed"}, []string{"found", "no-words"}},
		{"words it does not hold", "physician", doctor, "the moon", 10, []string{"no-phrase"}, []string{"found"}},
		{"not near enough", "zebra xylophone quantum", doctor, "", 10, []string{"below-floor", "no-words"}, []string{"found"}},
		{"another base", "treasure", secret, "", 10, []string{"other-base"}, []string{"found"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := owner.explain(t, tt.question, base, tt.document, tt.phrase, tt.limit)
			codes := reasons(got)
			for _, code := range tt.want {
				if !strings.Contains(codes, " "+code+" ") {
					t.Errorf("%s is not told: %s", code, got.body)
				}
			}
			for _, code := range tt.not {
				if strings.Contains(codes, " "+code+" ") {
					t.Errorf("%s is told: %s", code, got.body)
				}
			}
		})
	}

	got := owner.explain(t, "Which physician examines a zebra?", base, doctor, "", 10)
	for path, want := range map[string]string{"rank": "1", "wordRank": "1", "matched.0": "physician", "missing.0": "zebra", "document.id": doctor} {
		if have := got.get(append([]string{"passages", "0"}, strings.Split(path, ".")...)...); have != want {
			t.Errorf("%s of the first passage: %q, want %q: %s", path, have, want, got.body)
		}
	}
	if cosine, err := strconv.ParseFloat(got.get("passages", "0", "cosine"), 64); err != nil || cosine <= 0 || got.get("passages", "0", "nearRank") == "0" {
		t.Errorf("the meaning of the first passage: %s", got.body)
	}

	// Only who may edit asks, and never for what they may not read.
	ask := func(v *visitor, base, document string, status int) answer {
		body, _ := json.Marshal(map[string]any{"question": "treasure physician", "knowledge": []string{base}, "document": document})
		return v.must(t, "POST", "/api/explain", string(body), status)
	}
	ask(reader, base, "", 403)
	ask(editor, base, doctor, 200)
	for _, got := range []answer{ask(editor, base, secret, 404), ask(editor, other, "", 404), ask(h.person(t, owner, "sam@house.test", "Sam"), base, doctor, 404)} {
		if strings.Contains(got.body, "oak") || strings.Contains(got.body, "secret.txt") || strings.Contains(got.body, "Clinic") {
			t.Errorf("something is told of what may not be read: %s", got.body)
		}
	}
	owner.must(t, "PUT", "/api/documents/"+doctor+"/access", `{"restricted":true,"entries":[{"person":"`+owner.id+`","right":"allow"}]}`, 200)
	if got := ask(editor, base, "", 200); strings.Contains(got.body, "morning") {
		t.Errorf("an editor is told of a document that its rules keep from them: %s", got.body)
	}
	ask(editor, base, doctor, 404)
	if got := owner.explain(t, "physician", base, doctor, "", 10); !strings.Contains(reasons(got), " restricted ") {
		t.Errorf("that its rules keep others out is not told: %s", got.body)
	}
}
