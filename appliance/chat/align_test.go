package chat

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/library"
)

// handbook is what the answers of these tests come from.
func handbook() []library.Passage {
	return []library.Passage{
		{DocumentTitle: "Pump handbook", Text: "The pump P-101A runs at 50 bar. The bearing must be greased every 500 hours with lithium grease."},
		{DocumentTitle: "Vacation policy", Text: "Employees accrue 1.75 days of paid leave per month. Unused days may be carried over until the end of March."},
		{DocumentTitle: "Visitors", Text: "Visitors must sign in at reception and wear a badge at all times. A member of staff accompanies them."},
		{DocumentTitle: "Brandschutz", Text: "Der Feueralarm wird jeden ersten Montag im Monat um zwölf Uhr geprüft. Im Ernstfall sammeln sich alle auf dem Parkplatz."},
		{DocumentTitle: "离心泵", Text: "严禁在出口阀门关闭的情况下启动离心泵。每次启动前必须检查油位。"},
	}
}

// cited gives an answer to a citer in pieces of so many bytes; 0 is one piece.
func cited(t testing.TB, passages []library.Passage, answer string, size int) (string, *citer) {
	t.Helper()
	var b strings.Builder
	c := newCiter(newProver(passages), func(text string) error {
		b.WriteString(text)
		return nil
	})
	if size == 0 {
		size = max(len(answer), 1)
	}
	for i := 0; i < len(answer); i += size {
		if err := c.Write(answer[i:min(i+size, len(answer))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), c
}

type answerCase struct{ name, answer, want string }

func answerCases() []answerCase {
	return []answerCase{
		{"never marks", "The pump P-101A runs at 50 bar. Visitors must wear a badge at all times.\n",
			"The pump P-101A runs at 50 bar. [1] Visitors must wear a badge at all times. [3]\n"},
		{"invents", "The pump P-101A runs at 50 bar [9]. Visitors must wear a badge at all times. [99]",
			"The pump P-101A runs at 50 bar. [1] Visitors must wear a badge at all times. [3]"},
		{"cites all", "The pump P-101A runs at 50 bar [1][2][3][4][5]. Visitors must wear a badge at all times [1, 2, 3, 4, 5].",
			"The pump P-101A runs at 50 bar [1]. Visitors must wear a badge at all times [3]."},
		{"after the full stop", "The pump P-101A runs at 50 bar. [1] Visitors must wear a badge.[3]",
			"The pump P-101A runs at 50 bar. [1] Visitors must wear a badge. [3]"},
		{"wrong passage", "The pump P-101A runs at 50 bar [2].", "The pump P-101A runs at 50 bar. [1]"},
		{"wrong number", "The pump P-101A runs at 60 bar.", "The pump P-101A runs at 60 bar."},
		{"nothing to do with them", "Mozart was born in Salzburg and died in Vienna [2].", "Mozart was born in Salzburg and died in Vienna."},
		{"forms", "The pump P-101A runs at 50 bar 【1】. Visitors wear a badge [^3]. Unused days may be carried over until March [Passage 2]. Employees accrue 1.75 days of leave [1-3].",
			"The pump P-101A runs at 50 bar [1]. Visitors wear a badge [3]. Unused days may be carried over until March [2]. Employees accrue 1.75 days of leave [2]."},
		{"openai form", "The pump P-101A runs at 50 bar【1†source】.", "The pump P-101A runs at 50 bar [1]."},
		{"no markers", "Step (1) and array [x] and [2024] and [ ] stay.", "Step (1) and array [x] and [2024] and [ ] stay."},
		{"two in one sentence", "The pump P-101A runs at 50 bar [1], and visitors must wear a badge [3].",
			"The pump P-101A runs at 50 bar [1], and visitors must wear a badge [3]."},
		{"german", "Der Feueralarm wird an jedem ersten Montag geprüft. Das steht so im Plan.", "Der Feueralarm wird an jedem ersten Montag geprüft. [4] Das steht so im Plan."},
		{"other language", "Die Pumpe P-101A ist mit 50 bar zu betreiben [1].", "Die Pumpe P-101A ist mit 50 bar zu betreiben [1]."},
		{"chinese", "严禁在出口阀门关闭的情况下启动离心泵。每次启动前必须检查油位。", "严禁在出口阀门关闭的情况下启动离心泵。 [5]每次启动前必须检查油位。 [5]"},
		{"question", "Does the pump P-101A run at 50 bar?", "Does the pump P-101A run at 50 bar?"},
		{"heading", "## The pump P-101A runs at 50 bar\n\nYes.", "## The pump P-101A runs at 50 bar\n\nYes."},
		{"bold heading", "**The pump P-101A at 50 bar**\n\nYes.", "**The pump P-101A at 50 bar**\n\nYes."},
		{"bold sentence", "**The pump P-101A runs at 50 bar.** Yes.", "**The pump P-101A runs at 50 bar.** [1] Yes."},
		{"list", "The pump P-101A at 50 bar needs:\n\n- greasing of the bearing every 500 hours\n- **Grease:** lithium grease for the bearing\n",
			"The pump P-101A at 50 bar needs:\n\n- greasing of the bearing every 500 hours [1]\n- **Grease:** lithium grease for the bearing [1]\n"},
		{"table", "| Pump | Pressure |\n|---|---|\n| Pump P-101A | 50 bar |\n| Mozart | Salzburg |\n",
			"| Pump | Pressure |\n|---|---|\n| Pump P-101A | 50 bar [1] |\n| Mozart | Salzburg |\n"},
		{"table with a column of sources", "| Pump | Pressure | Source |\n|---|---|---|\n| Pump P-101A | 50 bar | [1] |\n",
			"| Pump | Pressure | Source |\n|---|---|---|\n| Pump P-101A | 50 bar | [1] |\n"},
		{"code block", "```go\nx := a[1] // The pump P-101A runs at 50 bar. Next.\n```\nThe pump P-101A runs at 50 bar.",
			"```go\nx := a[1] // The pump P-101A runs at 50 bar. Next.\n```\nThe pump P-101A runs at 50 bar. [1]"},
		{"code span", "Use `a[9]` and ``b`[9]``.", "Use `a[9]` and ``b`[9]``."},
		{"indented code", "Yes.\n\n    a[9] = 1\n\nNo.", "Yes.\n\n    a[9] = 1\n\nNo."},
		{"link", "See [1](https://a.example/[9]) and [The pump P-101A runs. At 50 bar](/x.y).", "See [1](https://a.example/[9]) and [The pump P-101A runs. At 50 bar](/x.y)."},
		{"according to", "According to [1], the pump P-101A runs at 50 bar.", "According to [1], the pump P-101A runs at 50 bar."},
		{"according to the wrong one", "According to [2], the pump P-101A runs at 50 bar.", "According to, the pump P-101A runs at 50 bar. [1]"},
		{"marker first", "[1] The pump P-101A runs at 50 bar.\n[9] Visitors must wear a badge at all times.", "[1] The pump P-101A runs at 50 bar.\nVisitors must wear a badge at all times. [3]"},
		{"a definition would make links", "[1]: https://evil.example\n", "https://evil.example\n"},
		{"refusal", "The passages do not contain the pressure of the pump P-101A bearing grease.", "The passages do not contain the pressure of the pump P-101A bearing grease."},
		{"abbreviation", "The pump runs at approx. 50 bar, see Fig. 3 of the pump handbook P-101A.", "The pump runs at approx. 50 bar, see Fig. 3 of the pump handbook P-101A."},
		{"wrapped", "The pump P-101A\nruns at 50 bar.\n", "The pump P-101A\nruns at 50 bar. [1]\n"},
		{"escaped", `The array \[9\] stays.`, `The array \[9\] stays.`},
		{"number words", "The fire alarm is checked at 12.", "The fire alarm is checked at 12."},
		{"empty", "", ""},
		{"broken bytes", "a\xff\xfe [9", "a\xff\xfe [9"},
	}
}

func TestCitationsAreChecked(t *testing.T) {
	t.Parallel()
	for _, tt := range answerCases() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := cited(t, handbook(), tt.answer, 0); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestCitationsDoNotDependOnTheCuts(t *testing.T) {
	t.Parallel()
	for _, tt := range answerCases() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want, _ := cited(t, handbook(), tt.answer, 0)
			for size := 1; size < min(len(tt.answer), 24); size++ {
				if got, _ := cited(t, handbook(), tt.answer, size); got != want {
					t.Errorf("in pieces of %d\ngot  %q\nwant %q", size, got, want)
				}
			}
			for cut := range tt.answer {
				var b strings.Builder
				c := newCiter(newProver(handbook()), func(text string) error { b.WriteString(text); return nil })
				if c.Write(tt.answer[:cut]) != nil || c.Write(tt.answer[cut:]) != nil || c.Close() != nil || b.String() != want {
					t.Errorf("cut at %d\ngot  %q\nwant %q", cut, b.String(), want)
				}
			}
		})
	}
}

// FuzzCitations holds that no text breaks the citer, that it never adds anything
// but markers, and that the cuts do not matter.
func FuzzCitations(f *testing.F) {
	for _, tt := range answerCases() {
		f.Add(tt.answer, 3)
	}
	f.Add("- a\n  | b [1] |\n|-\n```\n[9]", 1)
	f.Add("**x**. `[1] y.\n\n\t- [1](a [2] 【3†】。\\", 2)
	f.Fuzz(func(t *testing.T, answer string, size int) {
		if size < 1 || size > 64 || len(answer) > 2000 {
			return
		}
		want, c := cited(t, handbook(), answer, 0)
		if got, _ := cited(t, handbook(), answer, size); got != want {
			t.Errorf("in pieces of %d\ngot  %q\nwant %q", size, got, want)
		}
		for _, n := range c.Cited() {
			if !strings.Contains(want, marker(n)) {
				t.Errorf("[%d] is said to be cited in %q", n, want)
			}
		}
		letters := func(s string) string {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz", r) {
					return r
				}
				return -1
			}, s)
		}
		if !strings.Contains(answer, "[") && !strings.Contains(answer, "【") && letters(answer) != letters(want) {
			t.Errorf("the words of %q became %q", answer, want)
		}
	})
}

func TestTextGoesThroughAtOnce(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	c := newCiter(newProver(handbook()), func(text string) error { got.WriteString(text); return nil })
	for _, step := range []struct{ piece, want string }{
		{"The pump", "The pump"}, {" P-101A runs at 5", "The pump P-101A runs at 5"}, {"0 bar", "The pump P-101A runs at 50 bar"},
		{".", "The pump P-101A runs at 50 bar."}, {" ", "The pump P-101A runs at 50 bar."},
		{"V", "The pump P-101A runs at 50 bar. [1] V"}, {"isitors [", "The pump P-101A runs at 50 bar. [1] Visitors"},
		{"see", "The pump P-101A runs at 50 bar. [1] Visitors [see"},
	} {
		if err := c.Write(step.piece); err != nil {
			t.Fatal(err)
		}
		if got.String() != step.want {
			t.Fatalf("after %q\ngot  %q\nwant %q", step.piece, got.String(), step.want)
		}
	}
}

func TestWhatIsCitedIsKnown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, answer string
		cited        []int
		unsupported  bool
	}{
		{"supported", "Visitors must wear a badge at all times. The pump P-101A runs at 50 bar [1].", []int{1, 3}, false},
		{"not supported", "Mozart was born in Salzburg [2].", nil, true},
		{"nothing stated", "The passages do not mention the pump's colour.", nil, false},
		{"a question back", "Which pump do you mean?", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, c := cited(t, handbook(), tt.answer, 0)
			if got := c.Cited(); !slices.Equal(got, tt.cited) || c.Unsupported() != tt.unsupported {
				t.Errorf("got %v, unsupported %v; want %v, %v", got, c.Unsupported(), tt.cited, tt.unsupported)
			}
		})
	}
	if _, c := cited(t, nil, "The earth is round [1].", 0); !c.Unsupported() {
		t.Error("an answer without passages must be unsupported")
	}
}

func TestAnAnswerIsGoneOnWithWhereItBroke(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, first, second, want string }{
		{"in a sentence", "The pump P-101A runs ", "at 50 bar.", "The pump P-101A runs at 50 bar. [1]"},
		{"in a word", "The pump P-101A ru", "ns at 50 bar. Yes.", "The pump P-101A runs at 50 bar. [1] Yes."},
		{"after a sentence", "The pump P-101A runs at 50 bar.", " Visitors must wear a badge at all times.",
			"The pump P-101A runs at 50 bar. [1] Visitors must wear a badge at all times. [3]"},
		{"in a code block", "```\na[9]\n", "b[9]\n```\nNo [9].", "```\na[9]\nb[9]\n```\nNo."},
		{"in a list", "- lithium grease for the", " bearing\n- x", "- lithium grease for the bearing [1]\n- x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			out := func(text string) error { b.WriteString(text); return nil }
			c := newCiter(newProver(handbook()), out)
			if err := c.Write(tt.first); err != nil {
				t.Fatal(err)
			}
			if err := c.Break(); err != nil {
				t.Fatal(err)
			}
			next := newCiter(newProver(handbook()), out)
			next.Resume(b.String())
			if err := next.Write(tt.second); err != nil {
				t.Fatal(err)
			}
			if err := next.Close(); err != nil {
				t.Fatal(err)
			}
			if b.String() != tt.want {
				t.Errorf("got  %q\nwant %q", b.String(), tt.want)
			}
			if strings.Contains(b.String(), "[1]") && !slices.Contains(next.Cited(), 1) {
				t.Errorf("cited: %v", next.Cited())
			}
		})
	}
}

func TestTheReaderEndsTheAnswer(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	c := newCiter(newProver(handbook()), func(string) error { return gone })
	if err := c.Write("The pump"); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

// TestAModelThatHasLostItsWayHoldsNothingBack gives what never ends and means
// nothing: it goes through, and its time does not grow with what came before.
func TestAModelThatHasLostItsWayHoldsNothingBack(t *testing.T) {
	t.Parallel()
	for _, part := range []string{" ", "\n", "`", "#", "~", "[", "[1]", "[1], ", "[9]", "word ", "x", "| ", "|\n", "- ", "1. ", "。", ".", "![", "](", "\\", "```\n", "    ", "中", "[1", "\t|"} {
		text := strings.Repeat(part, 14_000/len(part))
		for _, before := range []string{"", "The pump P-101A. ", "| a |\n|"} {
			var got strings.Builder
			c := newCiter(newProver(handbook()), func(text string) error { got.WriteString(text); return nil })
			for i := 0; i < len(before+text); i += 11 {
				if err := c.Write((before + text)[i:min(i+11, len(before+text))]); err != nil {
					t.Fatal(err)
				}
			}
			if len(c.buf) > 2*runMost || len(c.sentence) > 3*keptMost {
				t.Errorf("%q after %q: %d bytes wait, %d are kept", part, before, len(c.buf), len(c.sentence))
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if whole, _ := cited(t, handbook(), before+text, 0); whole != got.String() {
				t.Errorf("%q after %q: the cuts matter", part, before)
			}
		}
	}
}

func TestAMarkerNeedsHalfOfTheBestSupport(t *testing.T) {
	t.Parallel()
	passages := []library.Passage{
		{Text: "The pump holds its pressure at full speed and takes grease through a nipple."},
		{Text: "The pump is stopped when the pressure falls."},
	}
	answer := "The pump holds pressure at full speed"
	for i, s := range newProver(passages).support(claimOf(answer)) {
		if s.share < citedFloor {
			t.Fatalf("passage %d is below the floor already: %.2f", i+1, s.share)
		}
	}
	if got, _ := cited(t, passages, answer+" [1][2].", 0); got != answer+" [1]." {
		t.Errorf("got %q", got)
	}
}
