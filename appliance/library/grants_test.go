package library_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/library"
)

// TestRandomGrants gives people random rights to random documents and holds what
// they find, list and count against a model: never more, never less, and no
// figure that tells of what they may not read.
func TestRandomGrants(t *testing.T) {
	t.Parallel()
	const worlds, rounds, questions = 3, 9, 3
	for seed := range uint64(worlds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 16))
			w := newWorld(t, random)
			cases, found, kept := 0, 0, 0
			for round := range rounds {
				w.shuffle(t, random)
				for _, p := range w.people {
					w.listed(t, fmt.Sprintf("round %d, %s in %s", round, p.ID, p.Workspace), random, p)
					for range questions {
						f, k := w.searched(t, fmt.Sprintf("round %d, %s in %s", round, p.ID, p.Workspace), random, p)
						cases, found, kept = cases+1, found+f, kept+k
					}
					if t.Failed() {
						return
					}
				}
			}
			if found < cases/2 || kept < cases {
				t.Errorf("%d cases found %d and were kept from %d: the world is too dull to show anything", cases, found, kept)
			}
			t.Logf("%d searches, %d passages found, %d kept away", cases, found, kept)
		})
	}
}

// filter draws a filter, and the model of it.
func (w *world) filter(random *rand.Rand, p worldPerson) (library.Narrow, func(*worldDocument) bool) {
	var n library.Narrow
	tests := []func(*worldDocument) bool{}
	if random.IntN(5) == 0 {
		for _, d := range w.documents {
			if p.rightToDocument(d) != "none" && random.IntN(2) == 0 {
				n.Documents = append(n.Documents, d.id)
			}
		}
		if len(n.Documents) > 0 {
			tests = append(tests, func(d *worldDocument) bool { return slices.Contains(n.Documents, d.id) })
		}
	}
	if random.IntN(4) == 0 {
		n.Folders = []string{[]string{"ward", "/Ward/Night/", "OL", "Ward 2", "nowhere"}[random.IntN(5)]}
		if random.IntN(2) == 0 {
			n.Folders = append(n.Folders, "Öl/Süd")
		}
		tests = append(tests, func(d *worldDocument) bool {
			return slices.ContainsFunc(n.Folders, func(f string) bool {
				want := strings.ToLower(strings.NewReplacer("Ö", "O", "ü", "u").Replace(strings.Trim(f, "/")))
				have := strings.ToLower(strings.NewReplacer("Ö", "O", "ü", "u").Replace(d.folder))
				return have == want || strings.HasPrefix(have, want+"/")
			})
		})
	}
	if random.IntN(4) == 0 {
		n.Tags = []string{[]string{"Urgent", "entwurfe", "2026", "none"}[random.IntN(4)], "#2026"}
		real := map[string]string{"Urgent": "urgent", "entwurfe": "Entwürfe", "2026": "2026", "#2026": "2026"}
		tests = append(tests, func(d *worldDocument) bool {
			return slices.ContainsFunc(n.Tags, func(tag string) bool { return slices.Contains(d.tags, real[tag]) })
		})
	}
	if random.IntN(4) == 0 {
		n.Types = []string{[]string{"md", "text/plain", ".TXT", "pdf"}[random.IntN(4)]}
		media := map[string]string{"md": "text/markdown", "text/plain": "text/plain", ".TXT": "text/plain"}[n.Types[0]]
		tests = append(tests, func(d *worldDocument) bool { return d.media == media })
	}
	if random.IntN(4) == 0 {
		from := time.Date(2026, 1, 1+random.IntN(15), 0, 0, 0, 0, time.UTC)
		to := from.AddDate(0, 0, random.IntN(8))
		n.From, n.To = from.Format(time.DateOnly), to.Format(time.DateOnly)
		tests = append(tests, func(d *worldDocument) bool { return !d.created.Before(from) && d.created.Before(to.AddDate(0, 0, 1)) })
	}
	return n, func(d *worldDocument) bool {
		for _, test := range tests {
			if !test(d) {
				return false
			}
		}
		return true
	}
}

// searched asks one question and returns how many passages were found, and how
// many would have been but for rights.
func (w *world) searched(t *testing.T, who string, random *rand.Rand, p worldPerson) (found, kept int) {
	t.Helper()
	ctx := actor.With(context.Background(), p.Actor)
	var asked []string
	for _, c := range random.Perm(concepts)[:1+random.IntN(4)] {
		asked = append(asked, conceptWord(c, random.IntN(2)))
	}
	narrow, lets := w.filter(random, p)
	filter, err := narrow.Filter("")
	check(t, err)
	q := library.Question{Text: strings.Join(asked, " "), Filter: filter, K: 100}
	in := func(b *worldBase) bool { return p.rightTo(b) != "none" }
	if random.IntN(2) == 0 {
		for _, b := range w.bases {
			if random.IntN(3) == 0 && (in(b) || random.IntN(10) == 0) {
				q.Knowledge = append(q.Knowledge, b.id)
			}
		}
	}
	for _, b := range w.bases {
		if slices.Contains(q.Knowledge, b.id) && !in(b) {
			if _, err := w.library.Search(ctx, library.ReachOf(p.Actor), q); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s searches a base that is not theirs: %v", who, err)
			}
			return 0, 0
		}
	}
	chosen := func(d *worldDocument) bool { return len(q.Knowledge) == 0 || slices.Contains(q.Knowledge, d.base.id) }
	want := map[string]*worldDocument{}
	read, holding := 0.0, map[string]float64{} // of all that may be read where it is looked
	for _, d := range w.documents {
		words := slices.ContainsFunc(asked, func(s string) bool { return slices.Contains(d.words, s) })
		fits := words || near(asked, d.words) >= 0.46
		switch {
		case p.rightToDocument(d) != "none" && chosen(d):
			read++
			for _, s := range d.words {
				holding[s]++
			}
			if fits && lets(d) {
				want[d.id] = d
			}
		case fits && p.Workspace == d.base.workspace:
			kept++
		}
	}
	passages, err := w.library.Search(ctx, library.ReachOf(p.Actor), q)
	check(t, err)
	for i, h := range passages {
		d := want[h.Document]
		if d == nil {
			t.Errorf("%s asks %q with %+v and finds %s, which is not theirs to find", who, q.Text, narrow, h.Document)
			continue
		}
		delete(want, h.Document)
		if got := coverage(asked, d.words, read, holding); math.Abs(got-h.Coverage) > 1e-9 {
			t.Errorf("%s asks %q: coverage %v of what may be read, and %v is told", who, q.Text, got, h.Coverage)
		}
		if i > 0 && h.Score > passages[i-1].Score {
			t.Errorf("%s: out of order", who)
		}
	}
	for id, d := range want {
		t.Errorf("%s asks %q with %+v in %v and does not find %s %v", who, q.Text, narrow, q.Knowledge, id, d.words)
	}
	q.K = 1 + random.IntN(4)
	few, err := w.library.Search(ctx, library.ReachOf(p.Actor), q)
	check(t, err)
	if len(few) != min(q.K, len(passages)) {
		t.Errorf("%s: %d of %d passages after the cut to %d", who, len(few), len(passages), q.K)
	}
	for i := range few {
		if few[i].Chunk != passages[i].Chunk {
			t.Errorf("%s: passage %d after the cut is another", who, i)
		}
	}
	if len(q.Filter.Documents) == 0 {
		for _, d := range w.documents {
			if p.rightToDocument(d) == "none" && random.IntN(8) == 0 {
				q.Filter.Documents = []string{d.id}
				if _, err := w.library.Search(ctx, library.ReachOf(p.Actor), q); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s names a document that is not theirs: %v", who, err)
				}
			}
		}
	}
	return len(passages), kept
}

// coverage is the share of the question that a document holds, weighted by how
// rare its words are among so many documents.
func coverage(asked, words []string, read float64, holding map[string]float64) float64 {
	have, all := 0.0, 0.0
	for _, s := range asked {
		weight := math.Log(1 + (read-holding[s]+0.5)/(holding[s]+0.5))
		all += weight
		if slices.Contains(words, s) {
			have += weight
		}
	}
	return have / all
}

// listed holds lists, counts and single documents against the model.
func (w *world) listed(t *testing.T, who string, random *rand.Rand, p worldPerson) {
	t.Helper()
	ctx, reach := actor.With(context.Background(), p.Actor), library.ReachOf(p.Actor)
	for _, managed := range []bool{false, true} {
		bases, err := w.library.ListKnowledge(ctx, reach, managed, library.Place{}, 100)
		check(t, err)
		got := map[string]library.Knowledge{}
		for _, k := range bases {
			got[k.ID] = k
		}
		for _, b := range w.bases {
			k, listed := got[b.id]
			if want := managed && p.managesBase(b) || !managed && p.rightTo(b) != "none"; listed != want {
				t.Errorf("%s: a base is listed: %v, want %v (managed %v)", who, listed, want, managed)
			}
			count := 0
			for _, d := range w.documents {
				if d.base == b && (p.rightToDocument(d) != "none" || p.managesDocument(d)) {
					count++
				}
			}
			if listed && (k.Documents != count || k.Right != p.rightTo(b) || k.Manages != p.managesBase(b)) {
				t.Errorf("%s: %d documents are counted, want %d; right %s, want %s", who, k.Documents, count, k.Right, p.rightTo(b))
			}
		}
	}
	narrow, lets := w.filter(random, p)
	filter, err := narrow.Filter("")
	check(t, err)
	for _, b := range w.bases {
		for _, managed := range []bool{false, true} {
			list, err := w.library.Documents(ctx, reach, library.Listing{Knowledge: b.id, Filter: filter, Managed: managed, Limit: 100})
			if p.rightTo(b) == "none" {
				if fault.Is(err, fault.Forbidden) != p.managesBase(b) || !p.managesBase(b) && !fault.Is(err, fault.NotFound) {
					t.Errorf("%s lists a base that is not theirs: %v", who, err)
				}
				continue
			}
			check(t, err)
			listed := map[string]bool{}
			for _, d := range list {
				listed[d.ID] = true
			}
			for _, d := range w.documents {
				want := d.base == b && lets(d) && (p.rightToDocument(d) != "none" || managed && p.managesDocument(d))
				if listed[d.id] != want {
					t.Errorf("%s, %+v: a document is listed: %v, want %v", who, narrow, listed[d.id], want)
				}
			}
		}
		if p.rightTo(b) == "none" {
			continue
		}
		outline, err := w.library.Outline(ctx, reach, b.id)
		check(t, err)
		folders, tags := map[string]int{}, map[string]int{}
		for _, d := range w.documents {
			if d.base == b && p.rightToDocument(d) != "none" {
				if d.folder != "" {
					folders[d.folder]++
				}
				for _, tag := range d.tags {
					tags[tag]++
				}
			}
		}
		for _, part := range []struct {
			got  []library.Count
			want map[string]int
		}{{outline.Folders, folders}, {outline.Tags, tags}} {
			if len(part.got) != len(part.want) {
				t.Errorf("%s: outline %v, want %v", who, part.got, part.want)
			}
			for _, c := range part.got {
				if part.want[c.Name] != c.Documents {
					t.Errorf("%s: outline %v, want %v", who, part.got, part.want)
				}
			}
		}
	}
	var ids []string
	for _, d := range w.documents {
		ids = append(ids, d.id)
		got, err := w.library.Document(ctx, reach, d.id)
		right, manages := p.rightToDocument(d), p.managesDocument(d)
		switch {
		case right == "none" && manages && !fault.Is(err, fault.Forbidden), right == "none" && !manages && !fault.Is(err, fault.NotFound):
			t.Errorf("%s opens a document that is not theirs (manages %v): %v", who, manages, err)
		case right != "none" && (err != nil || got.Right != right || got.Manages != manages):
			t.Errorf("%s cannot open a document as they may, %s: %+v, %v", who, right, got, err)
		}
		if random.IntN(10) == 0 {
			operator, all := w.operator(d.base.workspace)
			why, err := w.library.WhyDocument(operator, all, d.id, p.ID)
			check(t, err)
			here := p
			for _, same := range w.people { // in the workspace of the document
				if same.ID == p.ID && same.Workspace == d.base.workspace {
					here = same
				}
			}
			if shut := slices.Contains([]string{library.ByNothing, library.ByDeny, library.ByRestricted}, why.By); why.Right != here.rightToDocument(d) || shut != (why.Right == "none") {
				t.Errorf("%s: explained as %+v, want %s", who, why, here.rightToDocument(d))
			}
		}
	}
	may, err := w.library.ReadableDocuments(ctx, reach, ids)
	check(t, err)
	for _, d := range w.documents {
		if may[d.id] != (p.rightToDocument(d) != "none") {
			t.Errorf("%s: readable %v, want the right %s", who, may[d.id], p.rightToDocument(d))
		}
	}
}
