package appliance_test

import (
	"encoding/json"
	"io"
	"net/http"
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
