package chat

import (
	"fmt"
	"testing"

	"chatets/appliance/library"
)

// TestProofsAreKeptWithinBounds holds that a passage is looked at once, that one
// whose words changed is another, and that what is long unused goes.
func TestProofsAreKeptWithinBounds(t *testing.T) {
	t.Parallel()
	var s proofs
	visits := library.Passage{DocumentTitle: "Ward", Heading: "Visits", Text: "Visiting hours are from 14 to 18."}
	first := s.of([]library.Passage{visits}).passages[0]
	if again := s.of([]library.Passage{visits}).passages[0]; again != first {
		t.Error("a passage is looked at twice")
	}
	changed := visits
	changed.Text = "Visiting hours are from 15 to 18."
	if other := s.of([]library.Passage{changed}).passages[0]; other == first || other.numbers["14"] || !other.numbers["15"] {
		t.Error("a passage that changed is taken for the old one")
	}
	fill := func(from int) {
		for i := range proofsMost {
			s.of([]library.Passage{{Text: fmt.Sprintf("Filler %d.", from+i)}})
		}
	}
	fill(0)
	if s.of([]library.Passage{visits}).passages[0] != first {
		t.Error("a passage that is still used was dropped")
	}
	fill(proofsMost)
	fill(2 * proofsMost)
	if n := len(s.young) + len(s.old); n > 2*proofsMost {
		t.Errorf("%d passages are kept", n)
	}
	if s.of([]library.Passage{visits}).passages[0] == first {
		t.Error("what nobody asked for any more is kept")
	}
}
