package data_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"chatets/appliance/extract/data"
	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

type reader = func(ctx context.Context, in doc.Input, b *doc.Builder) error

func parse(t testing.TB, read reader, source string) (doc.Document, error) {
	t.Helper()
	b := doc.NewBuilder(t.Context())
	if err := read(t.Context(), doc.Input{Name: "a", Data: []byte(source)}, b); err != nil && !doc.Full(err) {
		return doc.Document{}, err
	}
	return b.Document("a")
}

func show(d doc.Document) string {
	var b strings.Builder
	for _, block := range d.Blocks {
		fmt.Fprintf(&b, "%s%s %s\n", block.Kind, block.Cells, block.Text)
	}
	return b.String()
}

func TestReaders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		read   reader
		source string
		want   string
	}{
		{"commas with names", data.CSV, "Valve,Torque,Note\nV-1,84,\"first, \"\"new\"\"\nline\"\nV-2,,x\n", "rowA1:C1 Valve | Torque | Note\nrowA2:C2 Valve: V-1 | Torque: 84 | Note: first, \"new\" line\nrowA3:C3 Valve: V-2 | Note: x\n"},
		{"semicolons and commas in numbers", data.CSV, "Gerät;Preis\nPumpe;1,50\nRohr;2,75\n", "rowA1:B1 Gerät | Preis\nrowA2:B2 Gerät: Pumpe | Preis: 1,50\nrowA3:B3 Gerät: Rohr | Preis: 2,75\n"},
		{"no names", data.CSV, "2026-01-01,4\n2026-01-02,5\n", "rowA1:B1 2026-01-01 | 4\nrowA2:B2 2026-01-02 | 5\n"},
		{"a separator that is said", data.CSV, "sep=|\na|b\nc|d\n", "rowA1:B1 a | b\nrowA2:B2 a: c | b: d\n"},
		{"a stray quotation mark", data.CSV, "size,name\n\"5 inch,pipe\n7,\"rod\"\n", "rowA1:B1 size | name\nrowA2:B2 size: \"5 inch | name: pipe\nrowA3:B3 size: 7 | name: rod\n"},
		{"tabs", data.TSV, "a\tb, c\n1\t\"x\ty\"\n", "rowA1:B1 a | b, c\nrowA2:B2 a: 1 | b, c: x y\n"},
		{"objects", data.JSON, `{"site":"North","pumps":[{"id":"P-1","tags":["a","b"],"at":{"x":1.50,"y":null}},{"id":"P-2","on":true}]}`,
			"row site: North\nheading pumps\nrow id: P-1 | tags: a, b\nheading pumps › at\nrow x: 1.50\nheading pumps\nrow id: P-2 | on: true\n"},
		{"JSON lines", data.JSON, "{\"a\":1}\n{\"a\":2,\"b\":\"x\"}\n", "row a: 1\nrow a: 2 | b: x\n"},
		{"settings with comments", data.JSON, "{\n  // the port\n  \"port\": 1\n}\n", "code {\n  // the port\n  \"port\": 1\n}\n"},
		{"elements", data.XML, `<?xml version="1.0"?><list xmlns="urn:x"><pump id="P-1"><name>Main &amp; spare</name><flow unit="l">5</flow></pump><pump id="P-2"/></list>`,
			"heading list › pump\nrow id: P-1 | name: Main & spare | flow: 5, unit: l\nheading list\nrow pump: id: P-2\n"},
		{"running text", data.XML, `<doc><p>The <b>main</b> pump.</p><p>Next.</p></doc>`, "heading doc › p\nparagraph The main pump.\nheading doc\nrow p: Next.\n"},
		{"entities of its own", data.XML, `<!DOCTYPE d [<!ENTITY firm "Pumps Ltd">]><d><a>&firm;</a></d>`, "heading d\nrow a: Pumps Ltd\n"},
		{"entities from elsewhere stay outside", data.XML, `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d><a>one</a></d>`, "heading d\nrow a: one\n"},
		{"Latin letters by declaration", data.XML, "<?xml version='1.0' encoding='ISO-8859-2'?><d><a>\xb3\xf3d\xbc</a></d>", "heading d\nrow a: łódź\n"},
		{"a document that is cut", data.XML, "<d><a>one</a><a>tw", "heading d\nrow a: one, tw\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := parse(t, tt.read, tt.source)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(d); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestXMLRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, source string }{
		{"a billion laughs", `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>`},
		{"parameters", `<!DOCTYPE l [<!ENTITY % p "<!ENTITY a 'x'>">%p;]><l>&a;</l>`},
		{"one long entity very often", `<!DOCTYPE l [<!ENTITY a "` + strings.Repeat("x", 900) + `">]><l>` + strings.Repeat("&a;", 40_000) + `</l>`},
		{"endless nesting", strings.Repeat("<a>", 100_000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, data.XML, tt.source)
			if r := fault.Of(err); err == nil || r.Code != "file-bomb" || r.Cure == "" {
				t.Errorf("got %v, want file-bomb", err)
			}
		})
	}
}

func TestHostile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, piece string
		read        reader
	}{
		{"open quotes", "\"a,", data.CSV}, {"commas", ",", data.CSV}, {"newlines", "\n", data.CSV}, {"half quotes", "\"\"\"x", data.CSV},
		{"brackets", "[", data.JSON}, {"numbers", "1 ", data.JSON}, {"objects", `{"a":[[{"b":1}]]}`, data.JSON},
		{"ends", "</a>", data.XML}, {"pairs", "<a>x</a>", data.XML}, {"comments", "<!--", data.XML}, {"ampersands", "<a>&x;&#0;", data.XML},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			d, err := parse(t, tt.read, strings.Repeat(tt.piece, 2<<20/len(tt.piece)))
			if err == nil && len(d.Blocks) == 0 {
				t.Error("no text and no error")
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("2 MB took %s", took)
			}
		})
	}
}

func fuzz(f *testing.F, read reader, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if d, err := parse(t, read, source); err == nil && len(d.Blocks) == 0 {
			t.Fatal("no text and no error")
		}
	})
}

func FuzzCSV(f *testing.F)  { fuzz(f, data.CSV, "a,b\n1,\"x\"\"y\"\n", "sep=;\na;b", "\"a\nb\";c\n\"") }
func FuzzJSON(f *testing.F) { fuzz(f, data.JSON, `{"a":[1,{"b":"c"}]}`, "[1]\n[2]", "{//x\n}") }
func FuzzXML(f *testing.F) {
	fuzz(f, data.XML, "<a b='c'>d<e/>f</a>", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, "<a></b><c>")
}
