package prose_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/prose"
)

type reader = func(ctx context.Context, in doc.Input, b *doc.Builder) error

func parse(t testing.TB, read reader, name, data string) (doc.Document, error) {
	t.Helper()
	b := doc.NewBuilder(t.Context())
	if err := read(t.Context(), doc.Input{Name: name, Data: []byte(data)}, b); err != nil && !doc.Full(err) {
		return doc.Document{}, err
	}
	return b.Document(name)
}

func show(d doc.Document) string {
	var b strings.Builder
	for _, block := range d.Blocks {
		fmt.Fprintf(&b, "%s%d %q\n", block.Kind, block.Level, block.Text)
	}
	return strings.ReplaceAll(b.String(), "0 ", " ")
}

func TestHTML(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, source, title, want string }{
		{"headings, lists and a table", "<!doctype html><title>Pump &amp; valve</title><body><h1>The <b>pump</b></h1><p>One\ntwo<br>three<ul><li>a<ol><li>b</ol><li>c</ul><table><tr><th>Valve<th>Torque<tr><td>V-1<td><p>84 <i>Nm</i></p></table>after", "Pump & valve",
			"heading1 \"The pump\"\nparagraph \"One two\\nthree\"\nitem1 \"a\"\nitem2 \"b\"\nitem1 \"c\"\nrow \"Valve | Torque\"\nrow \"V-1 | 84 Nm\"\nparagraph \"after\"\n"},
		{"code, quotes and powers", "<pre>if x {\n\ty()\n}</pre><blockquote><p>said</p></blockquote><p>10<sup>3</sup> m, H<sub>2</sub>O", "a",
			"code \"if x {\\n    y()\\n}\"\nquote \"said\"\nparagraph \"10³ m, H2O\"\n"},
		{"navigation and hidden text go", "<nav><a>Home</a></nav><script>evil('</p>')</script><style>p{}</style><div hidden>one</div><p style='display: none'>two</p><div role=navigation><div>x</div>y</div><p>Text</p><footer>Imprint</footer>", "a", "paragraph \"Text\"\n"},
		{"only the main part", "<header>Site</header><main><h1>Title</h1><p>Text of the page</p></main><div>Related</div>", "Title", "heading1 \"Title\"\nparagraph \"Text of the page\"\n"},
		{"an empty main part keeps the rest", "<main></main><p>Text of the page that counts</p>", "a", "paragraph \"Text of the page that counts\"\n"},
		{"what is never closed hides nothing", "<nav><p>One<div hidden>Two", "a", "paragraph \"One\"\nparagraph \"Two\"\n"},
		{"a page of links stays", "<nav><a>Home</a></nav>", "a", "paragraph \"Home\"\n"},
		{"a layout table", "<table><tr><td>Left<table><tr><td>a<td>b</table>right</table>", "a", "paragraph \"Left\"\nrow \"a | b\"\nparagraph \"right\"\n"},
		{"Windows-1251 by its declaration", "<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2", "a", "paragraph \"Привет\"\n"},
		{"Shift-JIS by its declaration", "<meta http-equiv=Content-Type content='text/html; charset=Shift_JIS'><p>\x93\xfa\x96{", "a", "paragraph \"日本\"\n"},
		{"a wrong declaration", "<meta charset=iso-8859-1><p>Gerät", "a", "paragraph \"Gerät\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := parse(t, prose.HTML, "a.html", tt.source)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(d); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if d.Title != tt.title {
				t.Errorf("got title %q, want %q", d.Title, tt.title)
			}
		})
	}
}

func TestHTMLHostile(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"<div>", "<table><tr><td>", "<b a=1><p>", "<sup>1</sup>", "<ul><li>", "<nav>", "<p hidden>", "&amp", "<!--", "<a ", "</", "<pre>\n", "<svg>"} {
		t.Run(piece, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			if d, err := parse(t, prose.HTML, "a.html", "x "+strings.Repeat(piece, 4<<20/len(piece))); err == nil && len(d.Blocks) == 0 {
				t.Error("no text and no error")
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("4 MB took %s", took)
			}
		})
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	function := "// Open opens the valve %d.\nfunc Open%d() {\n\tturn()\n\n\twait()\n}\n\n"
	var source strings.Builder
	for i := range 100 {
		fmt.Fprintf(&source, function, i, i)
	}
	d, err := parse(t, prose.Source, "a.go", source.String())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Blocks) < 5 || len(d.Blocks) > 20 {
		t.Errorf("got %d blocks", len(d.Blocks))
	}
	for i, b := range d.Blocks {
		if b.Kind != doc.Code || !strings.HasPrefix(b.Text, "// Open opens") || !strings.HasSuffix(b.Text, "}") {
			t.Errorf("block %d is cut inside a function: %q … %q", i, b.Text[:20], b.Text[len(b.Text)-20:])
		}
	}
	long, err := parse(t, prose.Source, "a.min.js", strings.Repeat("var a=1;", 1<<20))
	if err != nil || long.Characters() < 8<<20 {
		t.Errorf("an endless line gave %d characters, error %v", long.Characters(), err)
	}
}

func FuzzHTML(f *testing.F) {
	for _, s := range []string{"<title>a</title><p>b<table><tr><td>c<table><tr><td>d", "<pre>\t<sup>2</sup>", "<nav><li hidden>x</nav>y", "<meta charset=gbk>\xc4\xe3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if d, err := parse(t, prose.HTML, "a.html", source); err == nil {
			for _, b := range d.Blocks {
				if b.Text == "" || !utf8.ValidString(b.Text) {
					t.Fatalf("block %q", b.Text)
				}
			}
		}
	})
}

func FuzzSource(f *testing.F) {
	f.Add("// a\nfunc b() {\n\n}\n")
	f.Fuzz(func(t *testing.T, source string) {
		if d, err := parse(t, prose.Source, "a.go", source); err == nil && len(d.Blocks) == 0 {
			t.Fatal("no blocks and no error")
		}
	})
}
