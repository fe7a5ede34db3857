package chat

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// TestTokensAreNeverTooFew compares the estimate with the counts of real
// tokenisers, which were made once and stand beside the texts.
func TestTokensAreNeverTooFew(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/tokens.json")
	if err != nil {
		t.Fatal(err)
	}
	var texts []struct {
		Name, Text string
		Counts     map[string]int
	}
	if err := json.Unmarshal(data, &texts); err != nil {
		t.Fatal(err)
	}
	if len(texts) < 30 {
		t.Fatalf("only %d texts", len(texts))
	}
	for _, tt := range texts {
		most := 0
		for name, n := range tt.Counts {
			most = max(most, n)
			if got := Tokens(tt.Text); got < n {
				t.Errorf("%s: estimated %d, %s counts %d", tt.Name, got, name, n)
			}
		}
		// Too careful wastes the context; only a page of punctuation may be.
		if got := Tokens(tt.Text); tt.Name != "punctuation" && float64(got) > 1.6*float64(most) {
			t.Errorf("%s: estimated %d, the worst tokeniser counts %d", tt.Name, got, most)
		}
	}
}

func TestTokensGrowWithTheText(t *testing.T) {
	t.Parallel()
	if got := Tokens(""); got != 0 {
		t.Errorf("nothing is %d tokens", got)
	}
	for _, part := range []string{"a", " word", "中", "7", "\n", "\xff", "ü", "🚀", "WORD "} {
		if one, many := Tokens(part), Tokens(strings.Repeat(part, 1000)); one > 4 || many < 200 {
			t.Errorf("%q: %d, a thousand of it %d", part, one, many)
		}
	}
}

func TestALearnedRatioIsBelievedWithinReason(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ratio, want float64
	}{{0, 1}, {-1, 1}, {0.01, ratioLeast}, {0.8, 0.8 * ratioMargin}, {100, ratioMost}} {
		if got := newBudget(0, 0, tt.ratio); math.Abs(got.scale-tt.want) > 1e-9 || got.limit != contextUnknown {
			t.Errorf("ratio %v: scale %v, limit %d; want %v", tt.ratio, got.scale, got.limit, tt.want)
		}
	}
}
