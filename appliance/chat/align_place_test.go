package chat

import (
	"testing"
	"unicode/utf8"

	"chatets/appliance/library"
)

// TestCitationsAreNarrowed wants what was stated marked in the passage it comes
// from, on the page it stands on.
func TestCitationsAreNarrowed(t *testing.T) {
	t.Parallel()
	text := "The plant has four pumps. Pump P-101A runs at 50 bar. Its bearing is greased every 500 hours. Die Dichtungen wurden im Mai 2024 getauscht."
	second := len("The plant has four pumps. Pump P-101A runs at 50 bar. ")
	p := library.Passage{Document: "d", DocumentTitle: "Handbook", Page: 3, Start: 1000, End: 1000 + utf8.RuneCountInString(text), Text: text,
		Parts: []library.Part{{At: 0, Kind: "paragraph"}, {At: second, Kind: "paragraph", Page: 4}}}
	other := p
	other.End++ // not the document's text at these characters
	for _, tt := range []struct {
		name, answer, want string
		passage            library.Passage
		page               int
	}{
		{"one sentence", "The pump P-101A runs at 50 bar.", "Pump P-101A runs at 50 bar.", p, 3},
		{"on the next page", "You grease the bearing every 500 hours [1].", "Its bearing is greased every 500 hours.", p, 4},
		{"from one page to the next", "P-101A runs at 50 bar. Its bearing is greased every 500 hours.", "Pump P-101A runs at 50 bar. Its bearing is greased every 500 hours.", p, 3},
		{"other forms of German words", "Der Tausch der Dichtung war im Mai 2024 [1].", "Die Dichtungen wurden im Mai 2024 getauscht.", p, 4},
		{"a passage that is not where it says", "The pump P-101A runs at 50 bar.", text, other, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, c := cited(t, []library.Passage{tt.passage}, tt.answer, 7)
			got := citationsAt([]library.Passage{tt.passage}, c.Places([]library.Passage{tt.passage}))[0]
			if got.Text != tt.want || got.Page != tt.page || got.End-got.Start != utf8.RuneCountInString(got.Text) && tt.name[0] != 'a' {
				t.Errorf("got page %d %q (%d to %d), want page %d %q", got.Page, got.Text, got.Start, got.End, tt.page, tt.want)
			}
		})
	}
}
