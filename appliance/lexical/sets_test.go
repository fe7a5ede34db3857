package lexical_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/lexical"
)

// TestSets holds what was measured on sets of questions whose one right passage
// is known: how often it comes first, is among the first ten and is covered
// enough to be answered from.
func TestSets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                   string
		first, tenth, answered float64
	}{
		{"german", 0.97, 1, 0.92},
		{"mixed", 1, 1, 0.95},
	} {
		s := open(t)
		s.put(t, "k", texts(t, tt.name, "corpus")...)
		questions := texts(t, tt.name, "queries")
		var first, tenth, answered float64
		for i, q := range questions {
			hits := s.search(t, lexical.Query{Text: q, Bases: []string{"k"}})
			at := slices.Index(numbers(hits), int64(i+1))
			if at == 0 {
				first++
			} else {
				t.Logf("%s: %q finds %v, want %d first", tt.name, q, numbers(hits), i+1)
			}
			if at >= 0 {
				tenth++
				if hits[at].Coverage >= lexical.Floor {
					answered++
				} else {
					t.Logf("%s: %q is covered to %.2f", tt.name, q, hits[at].Coverage)
				}
			}
		}
		n := float64(len(questions))
		t.Logf("%s: %.3f first, %.3f among ten, %.3f answered of %.0f", tt.name, first/n, tenth/n, answered/n, n)
		if n < 40 || first/n < tt.first || tenth/n < tt.tenth || answered/n < tt.answered {
			t.Errorf("%s: %.3f first, %.3f among ten, %.3f answered of %.0f", tt.name, first/n, tenth/n, answered/n, n)
		}
	}
}

// texts reads a file of a set. Question n asks for passage n.
func texts(t *testing.T, set, file string) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + set + "/" + file + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(data)) {
		var row struct{ Text string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		list = append(list, row.Text)
	}
	return list
}
