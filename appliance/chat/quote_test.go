package chat

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"chatets/appliance/library"
)

// said collects what a Writer says.
type said struct {
	text      strings.Builder
	pieces    int
	citations []Citation
}

func (s *said) Say(text string) error {
	s.pieces++
	s.text.WriteString(text)
	return nil
}

func (s *said) Cite(c []Citation) error {
	s.citations = c
	return nil
}

func passage(n int, document, title, heading, text string) library.Passage {
	return library.Passage{Chunk: int64(n), Document: document, DocumentTitle: title, Knowledge: "k", Version: 1, Heading: heading,
		Start: 100, End: 100 + len([]rune(text)), Text: text, Score: 10 - float64(n), Coverage: 1}
}

func write(t *testing.T, question string, passages ...library.Passage) (*said, []string) {
	t.Helper()
	var s said
	if _, err := (Extractive{}).Write(t.Context(), Brief{Question: question, Passages: passages}, &s); err != nil {
		t.Fatal(err)
	}
	items := strings.Split(s.text.String(), "\n- ")
	return &s, items[1:]
}

func TestQuotes(t *testing.T) {
	t.Parallel()
	pump := passage(1, "d1", "Pump manual", "Pump manual\nMaintenance", "Maintenance\nThe bearing oil is changed every 4,000 hours. Use only oil of grade VG 46. "+
		"The pump was built in 1998. It has a red cover.")
	faq := passage(2, "d2", "Questions", "", "How do I reset my password?\nOpen the profile page and choose Reset. You get a message.\nWho pays for lunch?\nEverybody pays alone.")
	list := passage(3, "d3", "Packing", "", "For the journey you need:\n- a passport\n- two photographs\n- an umbrella\nThe train leaves at nine.")
	table := passage(4, "d4", "Alarms", "", "E-117 | Suction pressure too low | Open valve V-12\nE-121 | Bearing too hot | Stop the pump")
	wrapped := passage(5, "d5", "Letter", "", "The committee decided after a long discussion that the new\nregulation for parking applies from the first of May.\nNobody objected.")
	german := passage(6, "d6", "Technik", "", "Das Haus hat drei Stockwerke. Geprüft werden Löschanlagen alle zwei Jahre. Die Pumpenwartung findet im Mai statt. Der Parkplatz ist abends geschlossen.")
	for _, tt := range []struct {
		name, question string
		passages       []library.Passage
		want           []string
	}{
		{"the sentence that answers", "When is the bearing oil of the pump changed?", []library.Passage{pump}, []string{"The bearing oil is changed every 4,000 hours. [1]"}},
		{"what follows the question in the text", "How can I reset my password?", []library.Passage{faq}, []string{"How do I reset my password? [1]", "Open the profile page and choose Reset. [1]"}},
		{"the items of a lead-in", "What do I need for the journey?", []library.Passage{list},
			[]string{"For the journey you need: [1]", "a passport [1]", "two photographs [1]", "an umbrella [1]"}},
		{"a code in a table", "E-121", []library.Passage{table}, []string{"E-121 | Bearing too hot | Stop the pump [1]"}},
		{"a wrapped sentence", "From when does the parking regulation apply?", []library.Passage{wrapped},
			[]string{"The committee decided after a long discussion that the new\nregulation for parking applies from the first of May. [1]"}},
		{"the document that fits", "Which grade of oil does the pump need?", []library.Passage{faq, pump}, []string{"Use only oil of grade VG 46. [1]"}},
		{"only a heading matched", "maintenance", []library.Passage{pump}, []string{"The bearing oil is changed every 4,000 hours. [1]"}},
		{"the same sentence twice", "red cover", []library.Passage{pump, passage(9, "d9", "Copy", "", "It has a red cover.")}, []string{"It has a red cover. [1]"}},
		{"other forms of German words", "Wie oft muss man die Löschanlage prüfen?", []library.Passage{german}, []string{"Geprüft werden Löschanlagen alle zwei Jahre. [1]"}},
		{"the parts of a German compound", "Wann ist die Wartung der Pumpen?", []library.Passage{german}, []string{"Die Pumpenwartung findet im Mai statt. [1]"}},
		{"nothing", "anything", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, got := write(t, tt.question, tt.passages...)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
			if len(tt.want) == 0 && (s.text.String() != nothing || s.citations != nil) {
				t.Errorf("got %q %v", s.text.String(), s.citations)
			}
		})
	}
}

func TestQuotesAreFewAndNumberedInOrder(t *testing.T) {
	t.Parallel()
	var passages []library.Passage
	for i := range 9 {
		passages = append(passages, passage(i, "d"+strconv.Itoa(i%3), "T", "", strings.Repeat("The valve number "+strconv.Itoa(i)+" is open. The valve "+strconv.Itoa(i)+" leaks. A valve drips. ", 1)))
	}
	s, items := write(t, "valve", passages...)
	if len(items) == 0 || len(items) > maxQuotes || len(s.citations) > maxPassages || s.pieces != len(items)+1 {
		t.Fatalf("got %d sentences of %d passages in %d pieces", len(items), len(s.citations), s.pieces)
	}
	last := ""
	seen := map[string]bool{}
	highest := 0
	for _, item := range items {
		n, err := strconv.Atoi(strings.TrimSuffix(item[strings.LastIndexByte(item, '[')+1:], "]"))
		if err != nil || n < 1 || n > len(s.citations) || n > highest+1 {
			t.Fatalf("the marker of %q is out of order", item)
		}
		highest = max(highest, n)
		if d := s.citations[n-1].Document.ID; d != last {
			if seen[d] {
				t.Errorf("document %s comes twice", d)
			}
			seen[d], last = true, d
		}
	}
}

var finalMarker = regexp.MustCompile(` \[(\d+)\]$`)

// FuzzQuotesAreVerbatim holds the promise of the extractive answer for any text
// and any question: what Markdown shows of each item is, character by character,
// a piece of the text, at the place its citation names.
func FuzzQuotesAreVerbatim(f *testing.F) {
	for _, s := range []string{
		"The *dose* is 5_mg_ a day [1]. Take `it` <b>now</b> &amp; rest.", "1. first\n2. second dose", "# dose\n> dose\n---\ndose",
		"a | dose\n--|--\nx | y", "dose\\* of a ~~bad~~ thing", "![dose](http://x.test/a.png) and [dose](javascript:alert(1))", "剂量是五毫克。每天一次 dose。",
		"dose 3. Mai\n3. dose\n10) dose", "<script>dose</script>", "- dose\n- - dose", "dose  \ndose", "www.dose.test/a_b_c https://dose.test/*x*", "dose: 5\n\n\tdose code",
		"+dose\n=dose\n===", "&#35; dose &copy; &notanentity", "*dose\n*dose", "dose ```x``` dose", "    dose", "[^1]: dose\n[x]: /dose", "dose\u2028dose\u00a0dose", "<dose@x.test> <http://dose.test>", "<!-- dose -->", "dose\r\n- dose", ":---\ndose", "\u200b# dose",
	} {
		f.Add(s, "dose")
	}
	f.Fuzz(func(t *testing.T, document, question string) {
		p := passage(1, "d", "T", "H", document)
		s, items := write(t, question, p)
		for _, item := range items {
			m := finalMarker.FindStringSubmatchIndex(item)
			if m == nil {
				t.Fatalf("the item %q has no marker", item)
			}
			shown, extra := render(item[:m[0]])
			if extra != "" {
				t.Fatalf("%q is shown with a %s", item[:m[0]], extra)
			}
			if !strings.Contains(flat(document), flat(shown)) {
				t.Fatalf("shown is %q, which the text does not hold:\n%q", shown, document)
			}
		}
		for _, c := range s.citations {
			if c.End > p.End || c.Start < p.Start || string([]rune(document)[c.Start-100:c.End-100]) != c.Text {
				t.Fatalf("the citation %+v is not what stands at its place", c)
			}
		}
	})
}

// flat makes all white space one space: HTML shows it so.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// render is what CommonMark shows of an item of a list, and the first thing in
// it that is more than text.
func render(item string) (shown, extra string) {
	source := []byte("- " + item + "\n")
	var b strings.Builder
	_ = ast.Walk(goldmark.DefaultParser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Document, *ast.List, *ast.ListItem, *ast.TextBlock, *ast.Paragraph:
		case *ast.Text:
			b.WriteString(unescaped(string(n.Segment.Value(source))))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte('\n')
			}
		case *ast.String:
			b.Write(n.Value)
		default:
			if extra == "" {
				extra = n.Kind().String()
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String(), extra
}

var escaped = regexp.MustCompile("\\\\([!-/:-@\\[-`{-~])")

func unescaped(s string) string { return escaped.ReplaceAllString(s, "$1") }

func TestWithhold(t *testing.T) {
	t.Parallel()
	const content = noModel + "\n\n- One says [2\\]. [1]\n- Two\nlines. [2]\n- Three. [1]"
	for _, tt := range []struct {
		name          string
		content       string
		withheld      map[int]bool
		must, mustNot []string
	}{
		{"none", content, nil, []string{"One says", "Two\nlines", "Three"}, []string{"withheld"}},
		{"one", content, map[int]bool{1: true}, []string{"Two\nlines. [2]", withheldSentence + " [1]", noModel}, []string{"One", "Three"}},
		{"all", content, map[int]bool{1: true, 2: true}, []string{noModel, withheldSentence + " [2]"}, []string{"One", "Two", "lines", "Three"}},
		{"cut by a stop", content[:len(content)-10], map[int]bool{2: true}, []string{"One says"}, []string{"Two", "Thr"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := withhold(tt.content, tt.withheld)
			for _, want := range tt.must {
				if !strings.Contains(got, want) {
					t.Errorf("%q lacks %q", got, want)
				}
			}
			for _, not := range tt.mustNot {
				if strings.Contains(got, not) {
					t.Errorf("%q holds %q", got, not)
				}
			}
		})
	}
}
