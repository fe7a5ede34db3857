package lexical_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// shelf is an index with texts in it.
type shelf struct {
	db *sqlite.DB
	n  int64
}

func open(t testing.TB) *shelf {
	t.Helper()
	return &shelf{db: sqlitetest.Open(t, lexical.Migrations)}
}

// put adds a text as a document of its own, named by its number.
func (s *shelf) put(t testing.TB, base string, texts ...string) {
	t.Helper()
	var entries []lexical.Entry
	for _, text := range texts {
		s.n++
		heading := ""
		if h, rest, found := strings.Cut(text, " § "); found {
			heading, text = h, rest
		}
		entries = append(entries, lexical.Entry{Chunk: s.n, Base: base, Document: fmt.Sprint("d", s.n), Title: "Page", Heading: heading, Text: text})
	}
	if err := s.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error { return lexical.Add(ctx, tx, entries...) }); err != nil {
		t.Fatal(err)
	}
}

func (s *shelf) search(t testing.TB, q lexical.Query) []lexical.Hit {
	t.Helper()
	if q.K == 0 {
		q.K = 10
	}
	hits, err := lexical.Search(t.Context(), s.db.Read(), q)
	if err != nil {
		t.Fatalf("%.200q: %v", q.Text, err)
	}
	for i, h := range hits {
		if h.Coverage < 0 || h.Coverage > 1.000001 || i > 0 && h.Score > hits[i-1].Score {
			t.Fatalf("%.200q: hit %d is %+v after %+v", q.Text, i, h, hits[max(0, i-1)])
		}
	}
	return hits
}

// found are the chunk numbers for a question in one base.
func (s *shelf) found(t testing.TB, question string) []int64 {
	t.Helper()
	return numbers(s.search(t, lexical.Query{Text: question, Bases: []string{"k"}}))
}

func numbers(hits []lexical.Hit) []int64 {
	list := []int64{}
	for _, h := range hits {
		list = append(list, h.Chunk)
	}
	return list
}

func TestFinds(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.put(t, "k",
		"The emergency generators are tested monthly under load.",                         // 1
		"Pump P-101A has a mechanical seal MS-45-C and runs at 2,900 rpm.",                // 2
		"Pump P-101 was taken out of service; see MIL-STD-810 for the test method.",       // 3
		"Réglage du thermostat à 3.5 °C dans le dépôt de l'hôpital.",                      // 4
		"Der Prüfdruck beträgt 35 bar, das Gerät heißt Größe M.",                          // 5
		"应急发电机每月测试一次，记录保存五年。",                                                             // 6
		"非常用発電機は毎月テストします。記録は五年間保管してください。",                                                 // 7
		"비상발전기는 매월 시험합니다.",                                                                // 8
		"เครื่องกำเนิดไฟฟ้าฉุกเฉินต้องทดสอบทุกเดือน",                                      // 9
		"The fire alarm is tested every Monday. Alarm fire drills happen yearly.",         // 10
		"Contact ana@clinic.example or 10.0.0.7 on port 8080; the e-mail is read daily.",  // 11
		"Cold chain § Vaccines stay between 2 and 8 degrees.",                             // 12
		"The U.S. Navy doesn't use it; the operator's manual says so.",                    // 13
		"Аварийный генератор проверяется ежемесячно.",                                     // 14
		"يُختبر مولّد الطوارئ شهريًا",                                                     // 15
		"Naïve façade with ﬁne ligatures and ＦＵＬＬ width ½.",                               // 16
		"The base : (token) AND NOT \"quote\" near column: text* OR rowid",                // 17
		"Der Ventilator läuft. Le ventilateur tourne.",                                    // 18
		"1,000,000 units and 1.000 Nm; section 4.2.1 was revised on 2024-05-01 at 07:30.", // 19
		strings.Repeat("Q29weQ", 500)+" is a key",                                         // 20
		"東京の病院", "京都の病院", // 21, 22
	)
	for _, tt := range []struct {
		name, question string
		first          int64   // 0 = nothing is found
		never          []int64 // must not be found
	}{
		{"inflection", "generator test load", 1, nil},
		{"upper case", "EMERGENCY GENERATOR", 1, nil},
		{"a code beats its beginning", "What is P-101A?", 2, nil},
		{"a code without the hyphen", "p101a", 2, []int64{3}},
		{"a code in two words", `seal of "P 101A"`, 2, []int64{3}},
		{"the shorter code", "P-101", 3, nil},
		{"the shorter code alone", "Where is P-101?", 3, []int64{2}},
		{"a code of three parts", "mil-std-810", 3, []int64{2}},
		{"a code without hyphens", "MILSTD810", 3, []int64{2}},
		{"part of a code", "MIL-STD", 3, nil},
		{"a number with thousands", "2900 rpm", 2, nil},
		{"a million", "1000000", 19, nil},
		{"a decimal number", "3.5", 4, []int64{5}},
		{"a decimal comma", "3,5", 4, []int64{5}},
		{"accents left out", "reglage hopital depot", 4, nil},
		{"an elision", "hôpital", 4, nil},
		{"umlauts left out", "pruefdruck prufdruck gerat", 5, nil},
		{"a sharp s", "HEISST GRÖSSE", 5, nil},
		{"Chinese", "发电机多久测试一次？", 6, nil},
		{"Japanese", "発電機のテスト", 7, nil},
		{"Korean", "발전기를 언제 시험하나요", 8, nil},
		{"Thai", "ทดสอบเครื่องกำเนิดไฟฟ้า", 9, nil},
		{"one Chinese character", "录", 6, nil},
		{"the last character of a run", "年", 6, nil},
		{"a phrase", `"fire alarm"`, 10, nil},
		{"a phrase in another order is another phrase", `"monday every"`, 10, nil},
		{"a phrase of inflected words", `"generators are tested"`, 1, []int64{10}},
		{"an address", "ana@clinic.example", 11, nil},
		{"an IP address", "10.0.0.7", 11, nil},
		{"e-mail with or without its hyphen", "email", 11, nil},
		{"a word of the heading", "cold chain", 12, nil},
		{"an abbreviation with dots", "U.S. navy", 13, nil},
		{"a genitive", "operators manual", 13, nil},
		{"Russian", "генератор", 14, nil},
		{"Arabic without its marks", "مولد الطوارئ", 15, nil},
		{"ligatures and full width", "fine full naive facade", 16, nil},
		{"words of the query language", `column: text* NOT "quote" rowid`, 17, nil},
		{"an endless word", strings.Repeat("Q29weQ", 500), 20, nil},
		{"the beginning of an endless word is another word", "Q29weQ", 0, nil},
		{"a date", "2024-05-01", 19, nil},
		{"a time", "07:30", 19, nil},
		{"a section", "4.2.1", 19, nil},
		{"only glue", "the", 13, nil},
		{"nothing", "", 0, nil},
		{"signs", `"" ' * ^ ( ) : - + { } , ; \`, 0, nil},
		{"nothing of it is there", "xylophone quartet", 0, nil},
		{"two cities", "東京", 21, []int64{22}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := s.found(t, tt.question)
			if tt.first == 0 && len(got) > 0 || tt.first != 0 && (len(got) == 0 || got[0] != tt.first) {
				t.Errorf("%q finds %v, want %d first; terms %q", tt.question, got, tt.first, lexical.Terms(tt.question))
			}
			for _, n := range tt.never {
				if slices.Contains(got, n) {
					t.Errorf("%q finds %d", tt.question, n)
				}
			}
		})
	}
}

// TestPhrases holds that quotation marks mean word for word where there is such
// a passage, and that coverage tells where there is none.
func TestPhrases(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.put(t, "k", "The pumps are running dry.", "A pump that runs is warm. Running pumps are loud.", "The pump and the valve.")
	for _, tt := range []struct {
		question string
		want     []int64
	}{
		{`"running pumps"`, []int64{2}},
		{`„running pumps“`, []int64{2}},
		{`«running pumps»`, []int64{2}},
		{`"the pump"`, []int64{3}},
		{`is there a "pump" here`, []int64{3, 2}},
		{`"running dry" "pumps"`, []int64{1}},
	} {
		got := s.found(t, tt.question)
		slices.Sort(got)
		want := slices.Sorted(slices.Values(tt.want))
		if !slices.Equal(got, want) {
			t.Errorf("%s finds %v, want %v", tt.question, got, want)
		}
	}
	hits := s.search(t, lexical.Query{Text: `"pump dry valve" xylophone`, Bases: []string{"k"}})
	if len(hits) == 0 || hits[0].Coverage > 0.7 {
		t.Errorf("a phrase that is nowhere falls back to its words with a lower coverage: %+v", hits)
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i := range 30 {
		s.put(t, "k", fmt.Sprintf("The machine number %d is checked by two people.", i))
	}
	s.put(t, "k", "Insulin in use may be kept at room temperature for 28 days.")
	for _, tt := range []struct {
		question    string
		least, most float64
	}{
		{"insulin room temperature", 1, 1},
		{"How long may insulin be kept at room temperature?", 0.8, 1},
		{"Who invented the insulin pump?", 0.2, 0.6},
		{"the machine of people", 1, 1},
		{"quantum chromodynamics machine", 0, 0.2},
		{"What is the torque of P-999Z on machine 3?", 0, 0.5},
	} {
		best := 0.0
		for _, h := range s.search(t, lexical.Query{Text: tt.question, Bases: []string{"k"}, K: 40}) {
			best = max(best, h.Coverage)
		}
		if best < tt.least-1e-9 || best > tt.most+1e-9 {
			t.Errorf("%q is covered to %.3f, want %.2f to %.2f", tt.question, best, tt.least, tt.most)
		}
	}
}

// TestOverlong bounds the time of a question that is as long as one may be.
func TestOverlong(t *testing.T) {
	t.Parallel()
	s := open(t)
	var texts []string
	for i := range 500 {
		texts = append(texts, fmt.Sprintf("Passage %d about pump w%d and valve w%d.", i, i%250, (i*7)%250))
	}
	s.put(t, "k", texts...)
	var long strings.Builder
	for i := 0; long.Len() < 10_000; i++ {
		fmt.Fprintf(&long, "w%d pump ", i)
	}
	for _, q := range []string{long.String(), strings.Repeat(`"w1" `, 2500), strings.Repeat("应急", 5000), strings.Repeat("a-", 5000), strings.Repeat("w1", 5000), "w17 " + strings.Repeat("w1 w2 w3 ", 400_000)} {
		began := time.Now()
		if got := s.found(t, q); len(got) == 0 && strings.HasPrefix(q, "w") && strings.Contains(q, " ") {
			t.Errorf("%.40q finds nothing", q)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%.40q took %s", q, took)
		}
	}
}

// FuzzSearch holds that no question is an error, whatever is typed.
func FuzzSearch(f *testing.F) {
	s := open(f)
	s.put(f, "k", "The pump P-101A is checked 1,000 times by l'équipe.", "应急发电机 ทดสอบ 東京 \u0301", `"AND" OR NOT NEAR(x, 2) ^ *`)
	for _, q := range []string{`"`, `a"b"c`, "P-101A", "NEAR(", "base:x*", "-a +b", "\u0301", "ｆｕｌｌ", "l'", "''", "1,0", "a-b-c", "„x“", "東", "ก็", "\x00", "\xff", "·", "a·b", "３.５", "½", "ﬁ", "İ", "ẞ", "Å"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		hits := s.search(t, lexical.Query{Text: q, Bases: []string{"k"}})
		if again := s.search(t, lexical.Query{Text: q, Bases: []string{"k"}}); !slices.Equal(hits, again) {
			t.Errorf("%q finds %v, then %v", q, hits, again)
		}
		if len(s.search(t, lexical.Query{Text: q, Bases: []string{"other"}})) > 0 {
			t.Errorf("%q finds something in an empty base", q)
		}
		for _, term := range lexical.Terms(q) {
			if term == "" || strings.ContainsAny(term, " \"\n") {
				t.Errorf("%q has the term %q", q, term)
			}
		}
	})
}
