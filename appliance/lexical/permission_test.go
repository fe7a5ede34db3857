package lexical_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/lexical"
)

// TestPermission holds bases and documents apart, in both ways the query is
// asked and whatever the ids hold.
func TestPermission(t *testing.T) {
	t.Parallel()
	s := open(t)
	bases := []string{"a", "b", `x") OR base:("b`, `" OR *`, "base : b", "", "B", "a b", "ünï", strings.Repeat("z", 3000)}
	owner := map[int64]string{}
	for _, b := range bases {
		for range 3 {
			s.put(t, b, "The zirconium flange of this base.")
			owner[s.n] = b
		}
	}
	for _, b := range bases {
		got := numbers(s.search(t, lexical.Query{Text: "zirconium flange", Bases: []string{b}}))
		if len(got) != 3 {
			t.Errorf("base %.20q finds %v, want its 3", b, got)
		}
		for _, n := range got {
			if owner[n] != b {
				t.Errorf("base %.20q finds %d of %.20q", b, n, owner[n])
			}
		}
	}
	// Some of many, so few that they are asked for in the match and so many that they are not.
	for _, some := range [][]string{bases[:1], bases[2:4], bases[3:7], bases[1:]} {
		got := numbers(s.search(t, lexical.Query{Text: "zirconium flange", Bases: some, K: 100}))
		if len(got) != 3*len(some) || slices.ContainsFunc(got, func(n int64) bool { return !slices.Contains(some, owner[n]) }) {
			t.Errorf("%d bases find %v", len(some), got)
		}
	}
	for name, q := range map[string]lexical.Query{
		"no bases":            {Text: "zirconium"},
		"an empty list":       {Text: "zirconium", Bases: []string{}},
		"a base of nobody":    {Text: "zirconium", Bases: []string{"c"}},
		"a base by its token": {Text: "zirconium", Bases: []string{"bca978112ca1bbdcafac231b39a23dc4d"}},
		"syntax":              {Text: `" OR base : (b) OR "zirconium`, Bases: []string{"c"}},
	} {
		if got := s.search(t, q); len(got) != 0 {
			t.Errorf("%s finds %v", name, got)
		}
	}
	// Denied documents go before the cut, so that others take their places.
	all := numbers(s.search(t, lexical.Query{Text: "zirconium", Bases: bases, K: 100}))
	if len(all) != 3*len(bases) {
		t.Fatalf("all bases find %d", len(all))
	}
	var denied []string
	for _, n := range all[:20] {
		denied = append(denied, fmt.Sprint("d", n))
	}
	left := numbers(s.search(t, lexical.Query{Text: "zirconium", Bases: bases, Denied: denied, K: 10}))
	if len(left) != 10 || slices.ContainsFunc(left, func(n int64) bool { return slices.Contains(all[:20], n) }) {
		t.Errorf("without the denied 20 the first 10 are %v", left)
	}
	// So do passages that are left out.
	left = numbers(s.search(t, lexical.Query{Text: "zirconium", Bases: bases, Without: all[:20], K: 10}))
	if len(left) != 10 || slices.ContainsFunc(left, func(n int64) bool { return slices.Contains(all[:20], n) }) {
		t.Errorf("without 20 passages the first 10 are %v", left)
	}
	left = numbers(s.search(t, lexical.Query{Text: "zirconium", Bases: bases[:1], Without: all, K: 10}))
	if len(left) != 0 {
		t.Errorf("without any passage %v are found in one base", left)
	}
}

// TestWideAsNarrow wants the same answer whether the bases are asked for inside
// the match or passage by passage.
func TestWideAsNarrow(t *testing.T) {
	t.Parallel()
	s := open(t)
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("pump valve seal torque flange bearing motor shaft oil water steam pressure test month load alarm fuel tank door wheel")
	text := func() string {
		var b strings.Builder
		for range 30 {
			b.WriteString(words[random.IntN(len(words))] + " ")
		}
		return b.String()
	}
	for range 40 {
		s.put(t, "k", text())
	}
	ask := func(question string) []lexical.Hit {
		return s.search(t, lexical.Query{Text: question, Bases: []string{"k"}, K: 40})
	}
	questions := []string{"pump torque", "oil pressure alarm", `"fuel tank"`, "steam door wheel bearing motor shaft test"}
	var wide [][]lexical.Hit
	for _, q := range questions {
		wide = append(wide, ask(q)) // the base is all of the index
	}
	for range 400 {
		s.put(t, "other", text())
	}
	for i, q := range questions {
		narrow := ask(q) // now it is a tenth
		if len(narrow) != len(wide[i]) {
			t.Fatalf("%s: %d and %d hits", q, len(wide[i]), len(narrow))
		}
		for j := range narrow {
			if narrow[j] != wide[i][j] {
				t.Errorf("%s: hit %d is %+v and %+v: what others have in their bases shows", q, j, wide[i][j], narrow[j])
			}
		}
	}
}

// TestDocuments holds that a list of documents is all that is looked in, in both
// ways the query is asked, before the cut and together with what is denied.
func TestDocuments(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, base := range []string{"k", "other", "other", "other", "other"} {
		for range 20 {
			s.put(t, base, "The zirconium flange of this base has the number Z-77.")
		}
	}
	for name, tt := range map[string]struct {
		q    lexical.Query
		want []int64
	}{
		"three":           {lexical.Query{Documents: []string{"d18", "d19", "d20"}}, []int64{18, 19, 20}},
		"the last of all": {lexical.Query{Documents: []string{"d20"}, K: 1}, []int64{20}},
		"one is denied":   {lexical.Query{Documents: []string{"d18", "d19"}, Denied: []string{"d18"}}, []int64{19}},
		"of another base": {lexical.Query{Documents: []string{"d21"}}, nil},
		"both bases":      {lexical.Query{Documents: []string{"d20", "d21"}, Bases: []string{"k", "other"}}, []int64{20, 21}},
		"an empty list":   {lexical.Query{Documents: []string{}}, nil},
		"nobody's":        {lexical.Query{Documents: []string{"x') OR ('"}}, nil},
	} {
		for _, text := range []string{"zirconium", `"zirconium flange"`, "Z77"} {
			q := tt.q
			q.Text = text
			if q.Bases == nil {
				q.Bases = []string{"k"}
			}
			got := numbers(s.search(t, q))
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s, %s: found %v, want %v", name, text, got, tt.want)
			}
		}
	}
}

// TestDeniedDoNotCount wants every score and coverage as if the denied documents
// were not there, however their counts are taken.
func TestDeniedDoNotCount(t *testing.T) {
	t.Parallel()
	words := strings.Fields("pump valve seal torque flange bearing motor shaft oil water steam P-101A Druckprüfung test month load alarm fuel-tank door wheel")
	for name, passages := range map[string]int{"few that are denied": 60, "many that are denied": 4100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with, without := open(t), open(t)
			random := rand.New(rand.NewPCG(3, uint64(passages)))
			texts := make([]string, passages+40)
			var denied []string
			for i := range texts {
				var b strings.Builder
				for range 8 + random.IntN(8) {
					b.WriteString(words[random.IntN(len(words))] + " ")
				}
				if texts[i] = b.String(); i < passages {
					denied = append(denied, fmt.Sprint("d", i+1))
				}
			}
			with.put(t, "k", texts...)
			without.n = int64(passages) // the same numbers in both
			without.put(t, "k", texts[passages:]...)
			for _, q := range []string{"pump torque", "P101A alarm", `"oil water" steam`, "Druck door nowhere", "fuel tank motor shaft load test"} {
				got := with.search(t, lexical.Query{Text: q, Bases: []string{"k"}, Denied: denied, K: 100})
				want := without.search(t, lexical.Query{Text: q, Bases: []string{"k"}, K: 100})
				if len(got) != len(want) || len(want) == 0 {
					t.Fatalf("%s: %d hits, and %d where the denied are not there", q, len(got), len(want))
				}
				if passages < 4000 {
					if !slices.Equal(got, want) {
						t.Errorf("%s: %+v, and %+v where the denied are not there", q, got, want)
					}
					continue
				}
				// The average length of a passage is estimated here, all else is exact.
				byChunk := map[int64]lexical.Hit{}
				for _, h := range got {
					byChunk[h.Chunk] = h
				}
				for _, w := range want {
					if g := byChunk[w.Chunk]; g.Coverage != w.Coverage || math.Abs(g.Score-w.Score) > 0.05*w.Score {
						t.Errorf("%s: %+v, and %+v where the denied are not there", q, g, w)
					}
				}
			}
		})
	}
}
