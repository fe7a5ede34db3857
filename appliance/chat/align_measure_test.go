package chat

import (
	"bufio"
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/lexical"
	"chatets/appliance/library"
)

// A trial is one statement beside the passages of an answer.
type trial struct {
	text     string
	passages []library.Passage
	right    int // number of the passage it comes from; 0 for none
}

// outcome counts what became of trials, in percent.
type outcome struct {
	kept    float64 // supported statements with the marker of their passage
	wrong   float64 // supported statements with the marker of another
	foreign float64 // statements of nothing with a marker
	all     float64 // markers of the wrong passage that a model that cites all is left with, for a statement
}

func measure(t testing.TB, trials []trial) outcome {
	t.Helper()
	var o outcome
	supported, others := 0.0, 0.0
	for _, tr := range trials {
		_, c := cited(t, tr.passages, tr.text, 0)
		got := c.Cited()
		if tr.right == 0 {
			if others++; len(got) > 0 {
				o.foreign++
			}
			continue
		}
		supported++
		if slices.Contains(got, tr.right) {
			o.kept++
		} else if len(got) > 0 {
			o.wrong++
		}
		var every strings.Builder
		for i := range tr.passages {
			every.WriteString(marker(i + 1))
		}
		_, c = cited(t, tr.passages, tr.text+" "+every.String(), 0)
		for _, n := range c.Cited() {
			if n != tr.right {
				o.all++
			}
		}
	}
	o.kept, o.wrong, o.all = 100*o.kept/max(supported, 1), 100*o.wrong/max(supported, 1), o.all/max(supported, 1)
	o.foreign = 100 * o.foreign / max(others, 1)
	return o
}

// TestTheFloorsOfCitationsHold holds the floors to statements of our own: as a
// model would say it, and what no passage says.
func TestTheFloorsOfCitationsHold(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/citations.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets []struct {
		Language   string
		Passages   []struct{ Title, Text string }
		Statements []struct {
			Text    string
			Passage int
		}
	}
	if err := json.Unmarshal(data, &sets); err != nil {
		t.Fatal(err)
	}
	for _, set := range sets {
		var passages []library.Passage
		for _, p := range set.Passages {
			passages = append(passages, library.Passage{DocumentTitle: p.Title, Text: p.Text})
		}
		var trials []trial
		for _, s := range set.Statements {
			trials = append(trials, trial{text: s.Text, passages: passages, right: s.Passage})
		}
		o := measure(t, trials)
		t.Logf("%s, %d statements: kept %.1f %%, wrong passage %.1f %%, foreign cited %.1f %%, %.2f wrong of all", set.Language, len(trials), o.kept, o.wrong, o.foreign, o.all)
		if len(trials) < 40 || o.kept < 95 || o.wrong > 2 || o.foreign > 2 || o.all > 0.1 {
			t.Errorf("%s: %+v of %d", set.Language, o, len(trials))
		}
	}
}

// BenchmarkCitations measures the floors on the collections of IR_DATA, if it is
// set, and the time that one statement beside eight passages takes.
func BenchmarkCitations(b *testing.B) {
	passages := handbook()
	text := "The bearing of the pump must be greased every 500 hours with lithium grease, and it runs at 50 bar."
	b.Run("statement", func(b *testing.B) {
		p := newProver(passages)
		for b.Loop() {
			p.support(claimOf(text))
		}
	})
	b.Run("passages", func(b *testing.B) {
		for b.Loop() {
			newProver(passages)
		}
	})
	dir := os.Getenv("IR_DATA")
	if dir == "" {
		return
	}
	xquad, cranfield := collection(b, filepath.Join(dir, "xquad-en")), collection(b, filepath.Join(dir, "cranfield"))
	for _, set := range []struct {
		name       string
		own, other []library.Passage
	}{{"xquad-en", xquad, cranfield}, {"cranfield", cranfield, xquad}} {
		for _, kind := range trialsOf(set.own, set.other) {
			o := measure(b, kind.trials)
			b.Run(set.name+"/"+kind.name, func(b *testing.B) {
				for b.Loop() {
					claimOf(text)
				}
				b.ReportMetric(float64(len(kind.trials)), "statements")
				if kind.trials[0].right == 0 {
					b.ReportMetric(o.foreign, "%cited")
					return
				}
				b.ReportMetric(o.kept, "%kept")
				b.ReportMetric(o.wrong, "%wrong")
				b.ReportMetric(o.all, "wrong-of-all")
			})
		}
	}
}

type trialKind struct {
	name   string
	trials []trial
}

// trialsOf makes statements of sentences of a collection, each beside the eight
// passages that are most like it.
func trialsOf(own, other []library.Passage) []trialKind {
	random := rand.New(rand.NewPCG(1, 2))
	kinds := []trialKind{{name: "supported"}, {name: "supported, reworded"}, {name: "other collection"}, {name: "other topic"}, {name: "its passage taken away"}}
	terms := make([]map[string]bool, len(own))
	for i, p := range own {
		terms[i] = lexical.Hold(p.Text)
	}
	sentences, foreign := pick(own, random), pick(other, random)
	for k, s := range sentences {
		near := nearest(terms, s.text, s.passage)
		passages := []library.Passage{own[s.passage]}
		for _, i := range near[:7] {
			passages = append(passages, own[i])
		}
		passages[0], passages[3] = passages[3], passages[0]
		strange := foreign[k%len(foreign)]
		add := func(kind int, text string, passages []library.Passage, right int) {
			kinds[kind].trials = append(kinds[kind].trials, trial{text, passages, right})
		}
		add(0, reworded(s.text, "", 0.2, random), passages, 4)
		add(1, reworded(s.text, strange.text, 0.3, random), passages, 4)
		add(2, strange.text, passages, 0)
		for {
			o := sentences[random.IntN(len(sentences))]
			if o.passage != s.passage && !slices.Contains(near[:7], o.passage) && own[o.passage].DocumentTitle != own[s.passage].DocumentTitle {
				add(3, o.text, passages, 0)
				break
			}
		}
		without := slices.Clone(passages)
		without[3] = own[near[7]]
		add(4, reworded(s.text, "", 0.2, random), without, 0)
	}
	return kinds
}

type sentenceOf struct {
	text    string
	passage int
}

// pick takes up to 400 sentences of a collection.
func pick(passages []library.Passage, random *rand.Rand) []sentenceOf {
	var list []sentenceOf
	for i, p := range passages {
		for _, s := range Sentences(p.Text) {
			if n := len(strings.Fields(s)); n >= 7 && n <= 40 && !strings.Contains(s, "?") && !strings.Contains(s, "\n") {
				list = append(list, sentenceOf{strings.TrimSpace(s), i})
			}
		}
	}
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(len(list), 400)]
}

// nearest lists the passages that share most words with a text, but for its own.
func nearest(terms []map[string]bool, text string, own int) []int {
	content := lexical.Content(text)
	shared := make([]int, len(terms))
	var list []int
	for i := range terms {
		for _, t := range content {
			if terms[i][t] {
				shared[i]++
			}
		}
		if i != own {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(shared[b], shared[a]) })
	return list
}

// reworded drops words of a sentence, turns its halves round and adds three words
// of another.
func reworded(sentence, other string, drop float64, random *rand.Rand) string {
	var kept []string
	for _, w := range strings.Fields(strings.TrimRight(sentence, ". ")) {
		if random.Float64() >= drop {
			kept = append(kept, w)
		}
	}
	kept = append(kept[len(kept)/2:], kept[:len(kept)/2]...)
	added := 0
	for _, w := range lexical.Content(other) {
		if added < 3 && !strings.ContainsAny(w, "0123456789") {
			kept = append(kept, w)
			added++
		}
	}
	return strings.Join(kept, " ") + "."
}

func collection(b *testing.B, dir string) []library.Passage {
	b.Helper()
	file, err := os.Open(filepath.Join(dir, "corpus.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var list []library.Passage
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p struct{ Title, Text string }
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			b.Fatal(err)
		}
		if len(p.Text) > 100 {
			list = append(list, library.Passage{DocumentTitle: strings.ReplaceAll(p.Title, "_", " "), Text: strings.TrimPrefix(p.Text, p.Title)})
		}
	}
	if err := lines.Err(); err != nil {
		b.Fatal(err)
	}
	return list[:min(len(list), 600)]
}
