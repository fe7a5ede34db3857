package appliance_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance"
	"chatets/appliance/config"
	"chatets/appliance/inference/inferencetest"
	"chatets/embed"
)

// leastRight is how many of the 60 questions must be answered with the right
// place first, each way of asking by itself.
const leastRight = 57

// A fact is a question with the one place that holds the answer.
type fact struct {
	Document  string // name of the file
	Place     string // "page 2", "slide 3", "sheet X", "cells A5", "x.pdf page 2" in a mail, otherwise a heading
	Question  string
	Statement string // the answer as a model would say it
	Must      string // words that stand there and nowhere else in the answer's place
}

// library of the 20 documents, read through the door.
type shelf struct {
	owner     *visitor
	base      string
	documents map[string]string // name -> id
	facts     []fact
}

func fillShelf(t *testing.T) *shelf {
	t.Helper()
	weights, made := embed.Weights()
	if !made {
		t.Fatal("the encoder's weights are not there: make weights")
	}
	data := filepath.Join(t.TempDir(), "data")
	if made := os.Getenv("CHATETS_TEST_PDF_CACHE"); made != "" {
		if err := os.CopyFS(filepath.Join(data, "cache", "extract"), os.DirFS(made)); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(map[string]string{"data": data, "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := runWith(t, cfg, appliance.Assets{UI: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}, Samples: fstest.MapFS{}, Weights: weights})
	s := &shelf{owner: h.setUp(t), documents: map[string]string{}}
	s.base = s.owner.must(t, "POST", "/api/knowledge", `{"name":"House"}`, 201).id()
	const folder = "testdata/citation"
	list, err := os.ReadFile(filepath.Join(folder, "questions.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(list, &s.facts); err != nil {
		t.Fatal(err)
	}
	for _, f := range s.facts {
		if s.documents[f.Document] != "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, f.Document))
		if err != nil {
			t.Fatal(err)
		}
		s.documents[f.Document] = s.owner.upload(t, s.base, f.Document, string(data))
	}
	if len(s.facts) != 60 || len(s.documents) != 20 {
		t.Fatalf("%d questions over %d documents", len(s.facts), len(s.documents))
	}
	// Vectors come in the order of the documents: when those of the last are there,
	// all are.
	s.owner.upload(t, s.owner.must(t, "POST", "/api/knowledge", `{"name":"Last"}`, 201).id(), "last.txt", "The physician examines each patient in the morning.")
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if strings.Contains(s.owner.must(t, "POST", "/api/search", `{"question":"When does a doctor look at sick people?"}`, 200).body, "physician") {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal("the passages get no vectors")
		}
	}
}

// source is what was found or cited first.
type source struct {
	document, heading, text string
	start, end, page        int
}

func sourceAt(a answer, path ...string) source {
	at := func(more ...string) string { return a.get(append(append([]string{}, path...), more...)...) }
	number := func(name string) int { n, _ := strconv.Atoi(at(name)); return n }
	return source{at("document", "id"), at("heading"), at("text"), number("start"), number("end"), number("page")}
}

// wrong says what is wrong with a source of a fact; "" is nothing.
func (s *shelf) wrong(t *testing.T, f fact, got source) string {
	t.Helper()
	if got.document != s.documents[f.Document] {
		for name, id := range s.documents {
			if id == got.document {
				return "document " + name
			}
		}
		return "no document"
	}
	if !strings.Contains(strings.Join(strings.Fields(got.text), " "), f.Must) {
		return fmt.Sprintf("the text lacks %q: %q", f.Must, got.text)
	}
	// The place is that of the block with the words, as the reader shows it.
	content := s.owner.must(t, "GET", "/api/documents/"+got.document+"/content?from="+strconv.Itoa(got.start), "", 200)
	var body struct {
		Blocks []struct {
			Page              int
			Sheet, Cells      string
			File, Text        string
			Start, End, Level int
		}
	}
	if err := json.Unmarshal([]byte(content.body), &body); err != nil {
		t.Fatal(err)
	}
	for _, b := range body.Blocks {
		if b.Start >= got.end || !strings.Contains(strings.Join(strings.Fields(b.Text), " "), f.Must) {
			continue
		}
		kind, name, _ := strings.Cut(f.Place, " ")
		ok := strings.Contains(got.heading, f.Place)
		switch {
		case kind == "page", kind == "slide":
			ok = strconv.Itoa(b.Page) == name && b.File == "" && got.page == b.Page
		case kind == "sheet":
			ok = b.Sheet == name
		case kind == "cells":
			ok = strings.HasPrefix(b.Cells, name+":")
		case strings.Contains(f.Place, ".pdf page "):
			ok = fmt.Sprintf("%s page %d", b.File, b.Page) == f.Place && got.page == b.Page
		case strings.Contains(f.Place, ".csv"):
			ok = b.File == f.Place
		}
		if ok {
			return ""
		}
		return fmt.Sprintf("place: cited page %d, block page %d, sheet %q, cells %q, file %q, heading %q", got.page, b.Page, b.Sheet, b.Cells, b.File, got.heading)
	}
	return fmt.Sprintf("%q is in no block of the stretch", f.Must)
}

// TestSixtyQuestions asks 60 questions over 20 documents of ten formats in English
// and German, three ways: the search, the documents' own words, and a model that
// states the answer without citing anything. The first source must be the right
// document at the right page, slide, sheet, cell, file or heading.
func TestSixtyQuestions(t *testing.T) {
	t.Parallel()
	s := fillShelf(t)
	const model = "states:say=echo"
	s.owner.connect(t, "gpu", "ollama", inferencetest.New(t, model).URL, 4, 1)
	ways := []struct {
		name  string
		first func(f fact) source
	}{
		{"search", func(f fact) source {
			body, _ := json.Marshal(map[string]any{"question": f.Question, "limit": 5})
			return sourceAt(s.owner.must(t, "POST", "/api/search", string(body), 200), "items", "0")
		}},
		{"own words", func(f fact) source {
			return sourceAt(s.owner.must(t, "POST", "/api/conversations", asks(f.Question, "extractive"), 200), "answer", "citations", "0")
		}},
		{"model", func(f fact) source {
			return sourceAt(s.owner.must(t, "POST", "/api/conversations", asks(f.Statement, model), 200), "answer", "citations", "0")
		}},
	}
	right := map[string]map[string]int{}
	var table strings.Builder
	for _, way := range ways {
		n := 0
		right[way.name] = map[string]int{}
		for _, f := range s.facts {
			what := s.wrong(t, f, way.first(f))
			if what == "" {
				n++
				right[way.name][f.Document]++
				continue
			}
			t.Logf("%s: %s (%s, %s): %s", way.name, f.Question, f.Document, f.Place, what)
		}
		fmt.Fprintf(&table, "%-10s %d of %d\n", way.name, n, len(s.facts))
		if n < leastRight {
			t.Errorf("%s: only %d of %d questions lead to the right place first, want %d", way.name, n, len(s.facts), leastRight)
		}
	}
	asked := map[string]int{}
	for _, f := range s.facts {
		asked[f.Document]++
	}
	for name, n := range asked {
		fmt.Fprintf(&table, "%-18s %d asked", name, n)
		for _, way := range ways {
			fmt.Fprintf(&table, ", %s %d", way.name, right[way.name][name])
		}
		table.WriteByte('\n')
	}
	t.Log("\n" + table.String())

	// A mail keeps its own title whatever is attached, and has no pages of its own.
	mail := s.owner.must(t, "GET", "/api/documents/"+s.documents["visit.eml"], "", 200)
	if mail.get("title") != "Visit of the auditors" || mail.get("pages") != "0" {
		t.Errorf("the mail with two PDF files: %s", mail.body)
	}
}

// TestOrdersInDocumentsAreData asks about a document that gives orders: what it
// says is quoted at most, never done, and its own passages stay cited.
func TestOrdersInDocumentsAreData(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"House"}`, 201).id()
	data, err := os.ReadFile("testdata/citation/orders.md")
	if err != nil {
		t.Fatal(err)
	}
	orders := owner.upload(t, base, "orders.md", string(data))
	owner.upload(t, base, "canteen.md", "# Canteen\n\nThe canteen closes at 14:45. Der Kantine gehört der Garten.\n")
	const model = "cites:say=cite"
	fake := inferencetest.New(t, model)
	owner.connect(t, "gpu", "ollama", fake.URL, 4, 1)
	for _, tt := range []struct{ question, model, must, mustNot string }{
		{"When does the van collect the used linen?", "extractive", "7:15", "banana"},
		{"When does the canteen close?", "extractive", "14:45", "geschlossen"},
		{"What does a kilogram of washed linen cost?", model, "", "banana"},
	} {
		got := owner.must(t, "POST", "/api/conversations", asks(tt.question, tt.model), 200)
		content := got.get("answer", "content")
		if !strings.Contains(content, tt.must) || strings.HasPrefix(strings.ToLower(content), tt.mustNot) || got.get("answer", "citations", "0", "number") == "" {
			t.Errorf("%s: %s", tt.question, got.get("answer"))
		}
	}
	// What looks like a passage inside of one is none: the prompt has one boundary.
	for _, r := range fake.Requests() {
		for _, m := range r.Messages {
			if n := strings.Count(m.Content, "</passage>"); strings.Contains(m.Content, "Die Kantine ist geschlossen.") && n != strings.Count(m.Content, "\n</passage>") {
				t.Errorf("a document closes the passage it stands in: %s", m.Content)
			}
		}
	}
	got := owner.must(t, "GET", "/api/documents/"+orders+"/content?from="+url.QueryEscape("0"), "", 200)
	if !strings.Contains(got.body, "Ignore previous instructions") {
		t.Errorf("the reader does not show what the document says: %s", got.body)
	}
}
