package library

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatets/appliance/extract"
)

func parse(t testing.TB, name, source string) (extract.Document, []rune) {
	t.Helper()
	d, err := extract.Parse(t.Context(), name, []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, b := range d.Blocks {
		texts = append(texts, b.Text)
	}
	return d, []rune(strings.Join(texts, "\n"))
}

// holds checks what every cutting promises: a passage is the document's own
// text, passages follow each other, and no word outside of headings is lost.
func holds(t testing.TB, d extract.Document, text []rune, cut []chunk) {
	t.Helper()
	covered := make([]bool, len(text))
	before := -1
	for i, c := range cut {
		if c.start < 0 || c.end > len(text) || c.start >= c.end || string(text[c.start:c.end]) != c.text {
			t.Fatalf("passage %d at %d-%d is not the document's text: %.80q", i, c.start, c.end, c.text)
		}
		if c.start <= before {
			t.Fatalf("passage %d starts at %d, not after %d", i, c.start, before)
		}
		before = c.start
		if strings.TrimSpace(c.text) == "" {
			t.Fatalf("passage %d is empty", i)
		}
		for at := c.start; at < c.end; at++ {
			covered[at] = true
		}
	}
	for _, b := range d.Blocks {
		if b.Kind == extract.Heading {
			continue
		}
		for at := b.Start; at < b.End; at++ {
			if !covered[at] && !strings.ContainsRune(" \n\t", text[at]) {
				t.Fatalf("the text at %d is in no passage: %.60q", at, string(text[at:min(at+60, b.End)]))
			}
		}
	}
}

func TestChunks(t *testing.T) {
	t.Parallel()
	sentence := func(n int) string {
		return fmt.Sprintf("Sentence %d says that the pump runs and the valve is open today.", n)
	}
	prose := func(from, to int) string {
		var list []string
		for i := from; i < to; i++ {
			list = append(list, sentence(i))
		}
		return strings.Join(list, " ")
	}
	for _, tt := range []struct {
		name, file, source string
		want               func(t *testing.T, cut []chunk)
	}{
		{"a short page is one passage", "a.md", "# Page\n\nOne sentence.\n\nAnother one.\n", func(t *testing.T, cut []chunk) {
			if len(cut) != 1 || cut[0].heading != "Page" || cut[0].text != "One sentence.\nAnother one." {
				t.Errorf("got %+v", cut)
			}
		}},
		{"the path of headings", "a.md", "# A\n\n" + prose(0, 4) + "\n\n## B\n\n" + prose(4, 8) + "\n\n### C\n\n" + prose(8, 12) + "\n\n## D\n\n" + prose(12, 16) + "\n", func(t *testing.T, cut []chunk) {
			var paths []string
			for _, c := range cut {
				paths = append(paths, strings.ReplaceAll(c.heading, "\n", ">"))
			}
			if got := strings.Join(paths, " "); got != "A A>B A>B>C A>D" {
				t.Errorf("got %s", got)
			}
		}},
		{"a crumb goes into the next section", "a.md", "# A\n\nTiny.\n\n# B\n\n" + prose(0, 4) + "\n", func(t *testing.T, cut []chunk) {
			if len(cut) != 1 || !strings.HasPrefix(cut[0].text, "Tiny.\nB\nSentence 0") {
				t.Errorf("got %+v", cut)
			}
		}},
		{"long prose overlaps by one sentence", "a.md", prose(0, 60) + "\n", func(t *testing.T, cut []chunk) {
			if len(cut) < 4 {
				t.Fatalf("%d passages", len(cut))
			}
			for i := 1; i < len(cut); i++ {
				sentences := strings.SplitAfter(cut[i-1].text, ".")
				last := strings.TrimSpace(sentences[len(sentences)-2])
				if rest, found := strings.CutPrefix(cut[i].text, last); !found || strings.TrimLeft(rest, " \n") == rest {
					t.Errorf("passage %d begins with %.70q, the one before ends with %q", i, cut[i].text, last)
				}
			}
		}},
		{"paragraphs are not cut while they fit", "a.md", strings.Repeat(prose(0, 7)+"\n\n", 6), func(t *testing.T, cut []chunk) {
			for i, c := range cut {
				if !strings.HasSuffix(c.text, sentence(6)) {
					t.Errorf("passage %d ends inside a paragraph: %q", i, c.text[len(c.text)-60:])
				}
			}
		}},
		{"a list stays whole items without overlap", "a.md", strings.Repeat("- An item of the list that has about ten words in it.\n", 60), func(t *testing.T, cut []chunk) {
			total := 0
			for _, c := range cut {
				total += strings.Count(c.text, "An item")
			}
			if total != 60 {
				t.Errorf("60 items are in passages %d times", total)
			}
		}},
		{"a heading without text is found by itself", "a.md", "# A\n\n" + prose(0, 4) + "\n\n# Appendix of zebras\n", func(t *testing.T, cut []chunk) {
			if last := cut[len(cut)-1]; last.text != "Appendix of zebras" {
				t.Errorf("got %+v", last)
			}
		}},
		{"code is cut at lines", "a.md", "```\n" + strings.Repeat("set valve open and wait for the pump\n", 80) + "```\n", func(t *testing.T, cut []chunk) {
			for i, c := range cut {
				if !strings.HasPrefix(c.text, "set") || !strings.HasSuffix(c.text, "pump") {
					t.Errorf("passage %d is %.40q", i, c.text)
				}
			}
		}},
		{"Chinese is cut at its full stops", "a.md", strings.Repeat("应急发电机每月必须在负载下测试三十分钟。", 60), func(t *testing.T, cut []chunk) {
			if len(cut) < 3 {
				t.Errorf("%d passages", len(cut))
			}
			for i, c := range cut {
				if !strings.HasSuffix(c.text, "。") {
					t.Errorf("passage %d ends inside a sentence", i)
				}
			}
		}},
		{"abbreviations end no sentence", "a.md", strings.Repeat("Dr. Brown (see Fig. 3, i.e. the pump) signed it. ", 60), func(t *testing.T, cut []chunk) {
			for i, c := range cut {
				if !strings.HasPrefix(c.text, "Dr. Brown") || !strings.HasSuffix(c.text, "signed it.") {
					t.Errorf("passage %d is %q … %q", i, c.text[:20], c.text[len(c.text)-20:])
				}
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, text := parse(t, tt.file, tt.source)
			cut := chunks(d, false)
			holds(t, d, text, cut)
			tt.want(t, cut)
		})
	}
}

// TestChunkSizes cuts real documents and looks at how long passages are.
func TestChunkSizes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../embed/samples/[0-9]*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	files = append(files, "../../docs/architecture.md")
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, text := parse(t, filepath.Base(name), string(source))
		cut := chunks(d, false)
		holds(t, d, text, cut)
		for i, c := range cut {
			if n := len(strings.Fields(c.text)); n > mostWords+backWords {
				t.Errorf("%s: passage %d has %d words", name, i, n)
			}
		}
	}
	d, text := parse(t, "long.txt", strings.Repeat("The pump of the plant runs for hours. It is checked by two people who write down what they see. ", 2000))
	cut := chunks(d, false)
	holds(t, d, text, cut)
	for i, c := range cut[:len(cut)-1] {
		if n := len(strings.Fields(c.text)); n < fullWords-20 || n > mostWords {
			t.Errorf("passage %d of long prose has %d words", i, n)
		}
	}
}

func FuzzChunks(f *testing.F) {
	for _, s := range []string{"# a\n\nb. C d. E\n\n- f\n\n# g\n", "|a|b|\n|-|-|\n|1|2|\n", "あ。い。う", "## x\n# y\n### z\n", "a\n\n" + strings.Repeat("word ", 500), "```\na\n\nb\n```\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		d, err := extract.Parse(t.Context(), "a.md", []byte(source))
		if err != nil {
			return
		}
		var texts []string
		for _, b := range d.Blocks {
			texts = append(texts, b.Text)
		}
		holds(t, d, []rune(strings.Join(texts, "\n")), chunks(d, false))
	})
}
