package appliance_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// with sends one request with headers of its own, "Name: value".
func (v *visitor) with(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, v.house.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{status: res.StatusCode, body: string(text), header: res.Header}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &got.fields); err != nil {
			t.Fatalf("%s %s: the answer is no JSON: %s", method, path, text)
		}
	}
	return got
}

// An event is one of a stream, as it was sent.
type event struct{ id, name, data string }

// events reads a stream to its end; its numbers must rise.
func (v *visitor) events(t *testing.T, method, path, body string, headers ...string) []event {
	t.Helper()
	got := v.with(t, method, path, body, headers...)
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%s %s: got %d %s: %s", method, path, got.status, got.header.Get("Content-Type"), got.body)
	}
	var all []event
	for part := range strings.SplitSeq(got.body, "\n\n") {
		var e event
		for line := range strings.SplitSeq(part, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data += value
			}
		}
		if e.name == "" {
			continue
		}
		if n := len(all); n > 0 && number(t, e.id) <= number(t, all[n-1].id) {
			t.Errorf("event %s follows event %s", e.id, all[n-1].id)
		}
		all = append(all, e)
	}
	return all
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// told is the answer that a stream of events told: what was said piece by piece
// must be what the last event sums up.
func told(t *testing.T, all []event) said {
	t.Helper()
	if len(all) < 4 || all[0].id != "1" || all[0].name != "phase" || all[len(all)-1].name != "done" {
		t.Fatalf("the events are not whole: %v", all)
	}
	var text strings.Builder
	cited := "[]"
	for i, e := range all {
		if e.id != strconv.Itoa(i+1) {
			t.Errorf("event %d has the number %s", i+1, e.id)
		}
		switch e.name {
		case "delta":
			var d struct{ Text string }
			if err := json.Unmarshal([]byte(e.data), &d); err != nil {
				t.Fatal(err)
			}
			text.WriteString(d.Text)
		case "citations":
			cited = e.data
		}
	}
	var last struct{ Citations json.RawMessage }
	end := all[len(all)-1].data
	if err := json.Unmarshal([]byte(end), &last); err != nil {
		t.Fatal(err)
	}
	var m said
	if err := json.Unmarshal([]byte(end), &m); err != nil {
		t.Fatal(err)
	}
	if text.String() != m.Content || string(last.Citations) != cited {
		t.Errorf("the pieces are not the whole: %q %s and %s", text.String(), cited, end)
	}
	return m
}

// A said is a message of the assistant, as far as these tests read it.
type said struct {
	ID, Content, Kind, State, Run string
	Citations                     []struct {
		Number     int
		Document   struct{ ID, Title string }
		Start, End int
		Text       string
		Withheld   bool
	}
}

func saidIn(t *testing.T, from any) said {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	var m said
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (a answer) field(name string) any {
	fields, _ := a.fields.(map[string]any)
	return fields[name]
}

// textOf is the whole text of a document, page by page, in which offsets count.
func textOf(t *testing.T, v *visitor, document string) []rune {
	t.Helper()
	var text []rune
	for from := "0"; from != ""; {
		got := v.must(t, "GET", "/api/documents/"+document+"/content?from="+from, "", 200)
		var page struct {
			Blocks []struct {
				Text       string
				Start, End int
			}
			Next *int
		}
		if err := json.Unmarshal([]byte(got.body), &page); err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Blocks {
			if len(text) > 0 {
				text = append(text, '\n')
			}
			if text = append(text, []rune(b.Text)...); b.Start != len(text)-len([]rune(b.Text)) || b.End != len(text) {
				t.Fatalf("block %q says %d to %d, but ends at %d", b.Text, b.Start, b.End, len(text))
			}
		}
		if from = ""; page.Next != nil {
			from = strconv.Itoa(*page.Next)
		}
	}
	return text
}

var (
	named   = regexp.MustCompile(`(?:^|[^\\])\[(\d+)\]`)
	escaped = regexp.MustCompile(`\\([!-/:-@\[-\x60{-~])`)
)

const noModel = "No language model is connected, so this answer is made of the documents' own words:"

// honest checks what every answer promises: each sentence is the document's own,
// word for word; each number names a citation and each citation is named; and
// each citation points at exactly its words.
func honest(t *testing.T, v *visitor, m said) {
	t.Helper()
	if m.State != "done" {
		t.Errorf("the answer is %s: %+v", m.State, m)
	}
	if m.Kind == "none" {
		if len(m.Citations) > 0 || named.MatchString(m.Content) || m.Content == "" {
			t.Errorf("nothing was found, yet it cites: %+v", m)
		}
		return
	}
	texts := map[string][]rune{}
	for i, c := range m.Citations {
		if texts[c.Document.ID] == nil {
			texts[c.Document.ID] = textOf(t, v, c.Document.ID)
		}
		text := texts[c.Document.ID]
		if c.Number != i+1 || c.Start < 0 || c.End > len(text) || string(text[c.Start:c.End]) != c.Text || c.Text == "" {
			t.Errorf("citation %d does not point at its words: %+v", i+1, c)
		}
	}
	lead, list, _ := strings.Cut(m.Content, "\n\n- ")
	if m.Kind != "extractive" || lead != noModel || list == "" {
		t.Fatalf("this is no extractive answer: %+v", m)
	}
	used := map[int]bool{}
	for item := range strings.SplitSeq(list, "\n- ") {
		marks := named.FindAllStringSubmatchIndex(item, -1)
		if len(marks) != 1 || marks[0][1] != len(item) {
			t.Errorf("%q does not end with its one number", item)
			continue
		}
		number, _ := strconv.Atoi(item[marks[0][2]:marks[0][3]])
		sentence := escaped.ReplaceAllString(item[:marks[0][2]-2], "$1")
		if used[number] = true; number < 1 || number > len(m.Citations) || !strings.Contains(m.Citations[number-1].Text, sentence) {
			t.Errorf("%q is not in the words of citation %d", sentence, number)
		}
	}
	if len(used) != len(m.Citations) {
		t.Errorf("%d citations, %d of them are named: %s", len(m.Citations), len(used), m.Content)
	}
}
