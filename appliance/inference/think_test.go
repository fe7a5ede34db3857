package inference

import (
	"strings"
	"testing"
)

// split runs text through a thinker in pieces of so many bytes.
func split(text string, size int, lead, ended bool) (thinking, answer string, t *thinker) {
	t = &thinker{lead: lead}
	var think, said strings.Builder
	take := func(a, b string) { think.WriteString(a); said.WriteString(b) }
	for len(text) > 0 {
		n := min(size, len(text))
		take(t.add(text[:n]))
		text = text[n:]
	}
	take(t.end(ended))
	return think.String(), said.String(), t
}

func TestThinker(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in         string
		lead             bool
		thinking, answer string
		stray            bool
	}{
		{name: "no tag", in: "An answer.", answer: "An answer."},
		{name: "space is kept before a plain answer", in: " goes on", answer: " goes on"},
		{name: "a block", in: "<think>\nHm.\n</think>\n\nYes.", thinking: "Hm.", answer: "Yes."},
		{name: "space before the tag", in: "\n <think>Hm.</think>Yes.", thinking: "Hm.", answer: "Yes."},
		{name: "another name", in: "<thinking>Hm.</thinking> Yes.", thinking: "Hm.", answer: "Yes."},
		{name: "a name that begins like another", in: "<think>a</thinking>b</think>c", thinking: "a</thinking>b", answer: "c"},
		{name: "an empty block", in: "<think>\n\n</think>\n\nYes.", answer: "Yes."},
		{name: "two blocks", in: "<think>a</think>\n<think>b</think>\nYes.", thinking: "a\n\nb", answer: "Yes."},
		{name: "comparisons in thinking", in: "<think>a < b, </b> and 1<2</think>Yes.", thinking: "a < b, </b> and 1<2", answer: "Yes."},
		{name: "lines in thinking", in: "<think>a\n\n b\n</think>Yes.", thinking: "a\n\n b", answer: "Yes."},
		{name: "never ended", in: "<think>a and b \n", thinking: "a and b"},
		{name: "ends within the tag", in: "<think>a</thi", thinking: "a</thi"},
		{name: "ends within the first tag", in: "<thi", answer: "<thi"},
		{name: "only space", in: " \n", answer: " \n"},
		{name: "only a block", in: "<think>a</think>\n", thinking: "a"},
		{name: "another tag", in: "<table>1</table>", answer: "<table>1</table>"},
		{name: "a tag in the answer", in: "Use <think> and </think>.", answer: "Use <think> and </think>."},
		{name: "a block in the answer", in: "So:\n<think>\nx\n</think>\nDone.", answer: "So:\n<think>\nx\n</think>\nDone."},
		{name: "tags after a block", in: "<think>a</think>Say\n</think>\nso.", thinking: "a", answer: "Say\n</think>\nso."},
		{name: "a closing tag in quotes", in: "End with `</think>`, or \"</think>\".\n</think>", answer: "End with `</think>`, or \"</think>\".\n</think>"},
		{name: "without its beginning, in one line", in: "Hm.</think>Yes </think>.", answer: "Hm.Yes </think>.", stray: true},
		{name: "without its beginning", in: "Hm.\n</think>\n\nYes.", answer: "Hm.\nYes.", stray: true},
		{name: "led", in: "Hm.\n</think>\n\nYes.", lead: true, thinking: "Hm.", answer: "Yes.", stray: true},
		{name: "led, in one line", in: "Hm.</think>Yes.", lead: true, thinking: "Hm.", answer: "Yes.", stray: true},
		{name: "led, with its tag", in: "<think>Hm.</think>Yes.", lead: true, thinking: "Hm.", answer: "Yes."},
		{name: "led, but an answer", in: " Yes. \nNo.", lead: true, thinking: "Yes. \nNo.", answer: " Yes. \nNo."},
		{name: "nothing", in: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 2, 3, 5, 7, 1000} {
				thinking, answer, th := split(tt.in, size, tt.lead, true)
				if thinking != tt.thinking || answer != tt.answer || th.stray != tt.stray {
					t.Errorf("in pieces of %d: got thinking %q, answer %q, stray %v; want %q, %q, %v", size, thinking, answer, th.stray, tt.thinking, tt.answer, tt.stray)
				}
			}
		})
	}
}

// What was guessed to be thinking is no answer where the answer was only cut.
func TestThinkerCut(t *testing.T) {
	t.Parallel()
	if thinking, answer, _ := split("Hm, so", 2, true, false); thinking != "Hm, so" || answer != "" {
		t.Errorf("got %q, %q", thinking, answer)
	}
}

// Nothing of a plain answer waits for more, but for what may be a tag.
func TestThinkerHoldsNothing(t *testing.T) {
	t.Parallel()
	var th thinker
	for _, piece := range []string{"A", " few ", "words < ", "3\n", "and", " <b>", "> more < less"} {
		if thinking, answer := th.add(piece); thinking != "" || answer != piece {
			t.Errorf("%q: got %q, %q", piece, thinking, answer)
		}
	}
}

func FuzzThinker(f *testing.F) {
	for _, seed := range []string{"An answer.", "<think>\nHm.\n</think>\n\nYes.", "Hm.</think>Yes", "<think>a</think><think>b</think>", "x\n</think>\ny", "<", "</", "<thinking>ä</think></thinking>ö"} {
		f.Add(seed, uint8(3), false)
		f.Add(seed, uint8(1), true)
	}
	f.Fuzz(func(t *testing.T, text string, size uint8, lead bool) {
		n := int(size%16) + 1
		thinking, answer, _ := split(text, n, lead, true)
		oneThinking, oneAnswer, th := split(text, len(text)+1, lead, true)
		if thinking != oneThinking || answer != oneAnswer {
			t.Fatalf("in pieces of %d: %q, %q; in one: %q, %q", n, thinking, answer, oneThinking, oneAnswer)
		}
		if th.held != "" {
			t.Fatalf("%q is held back", th.held)
		}
		if !strings.Contains(text, "think") && !strings.Contains(text, "thought>") && !strings.Contains(text, "reasoning>") && answer != text {
			t.Fatalf("without a tag: got %q, want %q", answer, text)
		}
		if len(thinking)+len(answer) > 2*len(text)+2*strings.Count(text, "<") {
			t.Fatalf("more came out than went in: %q, %q", thinking, answer)
		}
	})
}
