package chat

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSentences(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", nil},
		{"one without an end", "Only words", []string{"Only words"}},
		{"two", "One is here. Two is there.", []string{"One is here.", "Two is there."}},
		{"marks", "Really? Yes! Well… No.", []string{"Really?", "Yes!", "Well…", "No."}},
		{"decimals and versions", "Give 2.5 mg of v1.2.3 daily. Then 3,5 ml.", []string{"Give 2.5 mg of v1.2.3 daily.", "Then 3,5 ml."}},
		{"abbreviations", "Dr. Meyer and Prof. Li met, e.g. on Monday. They left approx. Five stayed.",
			[]string{"Dr. Meyer and Prof. Li met, e.g. on Monday.", "They left approx. Five stayed."}},
		{"number words", "See No. 5 and Fig. 3 for it. The answer is no. Good.", []string{"See No. 5 and Fig. 3 for it.", "The answer is no.", "Good."}},
		{"initials", "J. R. Smith wrote it. She agreed.", []string{"J. R. Smith wrote it.", "She agreed."}},
		{"German", "Am 3. Mai kam z.B. Herr Dr. Kurz. Danach ging er bzw. Frau Lang.", []string{"Am 3. Mai kam z.B. Herr Dr. Kurz.", "Danach ging er bzw. Frau Lang."}},
		{"a number at the end", "It is on page 3. The rest follows.", []string{"It is on page 3.", "The rest follows."}},
		{"an address of the web", "See www.example.org for more. Or call.", []string{"See www.example.org for more.", "Or call."}},
		{"quotes and brackets", `He said "Stop." Then (really.) He left.`, []string{`He said "Stop."`, `Then (really.)`, "He left."}},
		{"wrapped lines", "This is a line that was wrapped by an editor at eighty columns\nand goes on here. Next one.",
			[]string{"This is a line that was wrapped by an editor at eighty columns\nand goes on here.", "Next one."}},
		{"paragraphs", "A heading\n\nA paragraph without end\n\nAnother", []string{"A heading", "A paragraph without end", "Another"}},
		{"list", "You need:\n- one cup\n- two spoons\n3. third thing. Yes.", []string{"You need:", "- one cup", "- two spoons", "3. third thing.", "Yes."}},
		{"heading line", "Dosage\nAdults take two tablets a day.", []string{"Dosage", "Adults take two tablets a day."}},
		{"rows of a table", "E-117 | Suction pressure too low | Open the valve and vent the line\nE-121 | Bearing too hot | Stop the pump",
			[]string{"E-117 | Suction pressure too low | Open the valve and vent the line", "E-121 | Bearing too hot | Stop the pump"}},
		{"Chinese", "药物应冷藏。不要冷冻！为什么？因为。", []string{"药物应冷藏。", "不要冷冻！", "为什么？", "因为。"}},
		{"Japanese quote", "彼は「はい。」と言った。次。", []string{"彼は「はい。」", "と言った。", "次。"}},
		{"Thai", strings.Repeat("ยา", 20) + " " + strings.Repeat("น้ำ", 20), []string{strings.Repeat("ยา", 20), strings.Repeat("น้ำ", 20)}},
		{"Hindi", "यह एक है। यह दो है।", []string{"यह एक है।", "यह दो है।"}},
		{"Arabic", "هل هذا صحيح؟ نعم. حسنا", []string{"هل هذا صحيح؟", "نعم.", "حسنا"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range Sentences(tt.text) {
				got = append(got, strings.TrimSpace(s))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzSentences(f *testing.F) {
	for _, s := range []string{"", "One. Two.", "a\xffb. C", "1. x\n\n- y", "。」x", strings.Repeat("long ", 500), strings.Repeat("x", 3000), "\n.\n", "ยา ยา"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pieces := Sentences(text)
		if got := strings.Join(pieces, ""); got != text {
			t.Fatalf("joined %q, want %q", got, text)
		}
		for _, p := range pieces {
			if p == "" {
				t.Fatal("an empty piece")
			}
			if utf8.ValidString(text) && !utf8.ValidString(p) {
				t.Fatalf("a torn character in %q", p)
			}
		}
	})
}
