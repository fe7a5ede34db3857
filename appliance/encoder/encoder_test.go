package encoder

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"chatets/appliance/fault"
)

const weightsFile = "../../embed/weights/use-lite.bin"

func open(t testing.TB) *Encoder {
	t.Helper()
	data, err := os.ReadFile(weightsFile)
	if err != nil {
		t.Fatalf("no weights (make weights): %v", err)
	}
	e, err := New(data)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

type reference struct {
	text   string
	pieces []int32
	vector []float32
}

func references(t testing.TB) []reference {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][3]json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	out := make([]reference, len(rows))
	for i, row := range rows {
		var coded string
		for j, into := range []any{&out[i].text, &out[i].pieces, &coded} {
			if err := json.Unmarshal(row[j], into); err != nil {
				t.Fatal(err)
			}
		}
		raw, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			t.Fatal(err)
		}
		for ; len(raw) > 0; raw = raw[4:] {
			out[i].vector = append(out[i].vector, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
	}
	return out
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

func TestOriginal(t *testing.T) {
	t.Parallel()
	e, refs := open(t), references(t)
	compared, least := 0, 1.0
	for _, r := range refs {
		if got := e.pieces.encode(r.text); !slices.Equal(got, r.pieces) {
			t.Errorf("%.40q: pieces %v, the original's are %v", r.text, got, r.pieces)
		}
		if len(r.vector) == 0 || len(r.pieces) > window {
			continue
		}
		got, err := e.Embed(t.Context(), []string{r.text})
		if err != nil {
			t.Fatal(err)
		}
		c := cosine(got[0], r.vector)
		if !(c >= 0.999) {
			t.Errorf("%.40q: cosine to the original %.6f, want at least 0.999", r.text, c)
		}
		compared, least = compared+1, min(least, c)
	}
	if compared < 60 {
		t.Errorf("%d vectors were compared, want at least 60", compared)
	}
	t.Logf("%d vectors, least cosine %.6f", compared, least)
}

func TestEmbed(t *testing.T) {
	t.Parallel()
	e := open(t)
	long := strings.Repeat("Valves, seals and gauges are inspected every year. ", 40)
	texts := []string{"", "pump", long, "\xff\xfe broken", "pump"}
	got, err := e.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		want := 1.0
		if texts[i] == "" {
			want = 0
		}
		var sum float64
		for _, x := range v {
			sum += float64(x) * float64(x)
		}
		if len(v) != Dimension || !(math.Abs(sum-want) < 1e-4) {
			t.Errorf("text %d: %d numbers with square sum %v, want %d and %v", i, len(v), sum, Dimension, want)
		}
	}
	if !slices.Equal(got[1], got[4]) {
		t.Error("the same text has two vectors")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			again, err := e.Embed(context.Background(), texts)
			if err != nil || !slices.Equal(again[2], got[2]) || !slices.Equal(again[1], got[1]) {
				t.Errorf("beside others the vectors differ (%v)", err)
			}
		})
	}
	wg.Wait()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Embed(ended, texts); !fault.Is(err, fault.Cancelled) {
		t.Errorf("after the caller left: %v", err)
	}
}

func TestWindows(t *testing.T) {
	t.Parallel()
	for n := range 2000 {
		count, covered := windows(n), 0
		for w := range count {
			from, to := span(n, count, w)
			if to-from > window || from > covered || (w > 0 && covered-from < overlap) || to > n {
				t.Fatalf("%d pieces, window %d of %d: %d to %d after %d", n, w, count, from, to, covered)
			}
			covered = to
		}
		if covered != n {
			t.Fatalf("%d pieces: %d are read", n, covered)
		}
	}
}

func TestBadWeights(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(weightsFile)
	if err != nil {
		t.Fatal(err)
	}
	wrong := slices.Clone(whole)
	wrong[0] ^= 1
	nan := slices.Clone(whole)
	copy(nan[16+embedded*narrow:], []byte{0xc0, 0x7f})
	for _, tt := range []struct {
		name, code string
		data       []byte
	}{
		{"none", "encoder-missing", nil},
		{"short head", "encoder-damaged", whole[:10]},
		{"cut", "encoder-damaged", whole[:len(whole)-1]},
		{"longer", "encoder-damaged", append(slices.Clone(whole), 0)},
		{"other magic", "encoder-damaged", wrong},
		{"no number", "encoder-damaged", nan},
	} {
		e, err := New(tt.data)
		if r := fault.Of(err); e != nil || err == nil || r.Code != tt.code || r.Cure == "" {
			t.Errorf("%s: %v, code %q, cure %q; want code %q and a cure", tt.name, err, r.Code, r.Cure, tt.code)
		}
	}
}

func FuzzEncode(f *testing.F) {
	for _, r := range references(f) {
		f.Add(r.text)
	}
	f.Add("\xff\xfe\xed\xa0\x80")
	e := open(f)
	f.Fuzz(func(t *testing.T, text string) {
		ids := e.pieces.encode(text)
		for i, id := range ids {
			if id != 0 && (id < reserved || int(id) >= len(e.pieces.scores)) || i > 0 && id == 0 && ids[i-1] == 0 {
				t.Fatalf("%q: pieces %v", text, ids)
			}
		}
	})
}

func BenchmarkPassage(b *testing.B) {
	e := open(b)
	text := strings.Repeat("the ", window)
	for b.Loop() {
		if _, err := e.Embed(b.Context(), []string{text}); err != nil {
			b.Fatal(err)
		}
	}
}
