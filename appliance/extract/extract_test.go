package extract_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"chatets/appliance/extract"
	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// show is a document in short: kind, level and text of each block.
func show(d extract.Document) string {
	var b strings.Builder
	for _, block := range d.Blocks {
		fmt.Fprintf(&b, "%s%d %q\n", block.Kind, block.Level, block.Text)
	}
	return strings.ReplaceAll(b.String(), "0 ", " ")
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, source, title, want string }{
		{
			"headings, lists and emphasis", "a.md", "# The *main* page\n\nText with **bold**, `x<y` and a [link](http://e.example \"t\").\nSoft  \nhard\n\n- one\n  - two\n\n    more of two\n- [x] done\n\n1. first\n",
			"The main page", "heading1 \"The main page\"\nparagraph \"Text with bold, x<y and a link. Soft\\nhard\"\nitem1 \"one\"\nitem2 \"two\"\nitem2 \"more of two\"\nitem1 \"done\"\nitem1 \"first\"\n",
		},
		{
			"quotes, code and tables", "a.md", "> said\n> she\n\n```sh\necho 1\n\n\techo 2\n```\n\n| valve | torque |\n|:--|--:|\n| V-1 | *84* Nm |\n\n    indented\n",
			"a", "quote \"said she\"\ncode \"echo 1\\n\\n    echo 2\"\nrow \"valve | torque\"\nrow \"V-1 | 84 Nm\"\ncode \"indented\"\n",
		},
		{"entities and escapes", "a.md", `5 &lt; 6 \*not bold\* &amp;lt; \&lt; &#65; AT&T &nosuch; ` + "`&amp;`\n", "a", "paragraph \"5 < 6 *not bold* &lt; &lt; A AT&T &nosuch; &amp;\"\n"},
		{"front matter gives the title", "a.md", "---\ntitle: \"Night duty\"\ntags: [a]\n---\n\n# Other\n\nText\n", "Night duty", "heading1 \"Other\"\nparagraph \"Text\"\n"},
		{"a line of dashes is no front matter", "a.md", "---\n\nText of a page\n\n---\n", "a", "paragraph \"Text of a page\"\n"},
		{"a picture leaves its description", "a.md", "![The pump room](pump.png) and <!-- hidden --> more\n", "a", "paragraph \"The pump room and more\"\n"},
		{"scripts and styles leave nothing", "a.md", "<script>evil()</script>\n\n<style>\n\np { color: red }\n\n</style>\n\nBefore <script>alert('x')</script>after <b onclick=\"evil()\">bold</b>\n", "a", "paragraph \"Before after bold\"\n"},
		{"a block of HTML leaves its text", "a.md", "<div onmouseover=\"evil()\"><h2>Title</h2><p>One &amp; two<br>three</p><iframe src=x>evil</iframe><img alt=\"a map\" src=x></div>\n", "Title", "heading2 \"Title\"\nparagraph \"One & two\\nthree\"\nparagraph \"a map\"\n"},
		{"a tag that is never closed hides nothing", "a.md", "Write the <script> tag like this.\n\nNext.\n", "a", "paragraph \"Write the tag like this.\"\nparagraph \"Next.\"\n"},
		{"a text is not Markdown", "a.txt", "# not a heading\n*stars*\n<b>tags</b>\n", "a", "paragraph \"# not a heading\\n*stars*\\n<b>tags</b>\"\n"},
		{
			"a text with headings and items", "Pump manual.txt", "PUMP MANUAL\n\nOverview\n========\nFirst line\nsecond line.\n\n3.2 Torque values\n\n- one\n  more\n- two\n1) three\n\nThis ends with a stop.\n",
			"Pump manual", "heading2 \"PUMP MANUAL\"\nheading1 \"Overview\"\nparagraph \"First line\\nsecond line.\"\nheading2 \"3.2 Torque values\"\nitem1 \"- one more\"\nitem1 \"- two\"\nitem1 \"1) three\"\nparagraph \"This ends with a stop.\"\n",
		},
		{"Windows line ends and a mark", "a.txt", "\ufeffone\r\ntwo\r\n\r\nthree\rfour", "a", "paragraph \"one\\ntwo\"\nparagraph \"three\\nfour\"\n"},
		{"decomposed letters become one", "a.txt", "Gera\u0308t", "a", "paragraph \"Gerät\"\n"},
		{"no ending at all", "README", "Read me.", "README", "paragraph \"Read me.\"\n"},
		{"Chinese", "a.md", "# 应急发电机\n\n每月测试一次。\n", "应急发电机", "heading1 \"应急发电机\"\nparagraph \"每月测试一次。\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := extract.Parse(t.Context(), tt.file, []byte(tt.source))
			if err != nil {
				t.Fatal(err)
			}
			if got := show(d); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if d.Title != tt.title {
				t.Errorf("got title %q, want %q", d.Title, tt.title)
			}
			sound(t, d)
		})
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	utf16 := func(little bool, mark bool, text string) []byte {
		var out []byte
		if mark {
			text = "\ufeff" + text
		}
		for _, r := range text {
			if little {
				out = append(out, byte(r), byte(r>>8))
			} else {
				out = append(out, byte(r>>8), byte(r))
			}
		}
		return out
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
		note string
	}{
		{"UTF-8", []byte("Gerät prüfen"), "Gerät prüfen", ""},
		{"UTF-8 with a mark", []byte("\xef\xbb\xbfGerät"), "Gerät", ""},
		{"UTF-16 little endian", utf16(true, true, "Gerät prüfen"), "Gerät prüfen", ""},
		{"UTF-16 big endian", utf16(false, true, "Gerät prüfen"), "Gerät prüfen", ""},
		{"UTF-16 without a mark", utf16(true, false, "The pump is checked."), "The pump is checked.", ""},
		{"UTF-16 cut in the middle", append(utf16(true, true, "Gerät"), 'x'), "Gerät", ""},
		{"Windows-1252", []byte("Ger\xe4t pr\xfcfen \x80 5"), "Gerät prüfen € 5", "Windows-1252"},
		{"UTF-8 with a broken character", []byte("Gerät prüfen, f\xc3r alle Geräte"), "Gerät prüfen, f�r alle Geräte", "damaged"},
		{"a stray control character", []byte("The pump\x01 is checked every Monday at nine in the morning by two people."), "The pump is checked every Monday at nine in the morning by two people.", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := extract.Parse(t.Context(), "a.txt", tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Blocks[0].Text; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if notes := strings.Join(d.Notes, " "); (tt.note == "") != (notes == "") || !strings.Contains(notes, tt.note) {
				t.Errorf("got notes %q, want %q in them", notes, tt.note)
			}
			sound(t, d)
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file, data string
		kind             fault.Kind
		sentence         string
	}{
		{"an empty file", "a.txt", "", fault.Invalid, "empty"},
		{"white space", "a.md", " \n\t\n", fault.Invalid, "no text"},
		{"only a comment", "a.md", "<!-- nothing -->\n", fault.Invalid, "no text"},
		{"a type that is not read", "a.xyz", "text", fault.Unsupported, ".xyz"},
		{"a text named document", "a.docx", "text", fault.Unsupported, "no DOCX file"},
		{"a picture named document", "a.pdf", "\x89PNG\r\n", fault.Unsupported, "a picture"},
		{"an old document", "a.doc", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", fault.Unsupported, "old Office"},
		{"a PDF named text", "a.txt", "%PDF-1.7\n...", fault.Unsupported, "PDF"},
		{"zeros in a text", "a.txt", "abc\x00def", fault.Unsupported, "binary"},
		{"control characters everywhere", "a.txt", strings.Repeat("\x01\x02a", 100), fault.Unsupported, "binary"},
		{"too many bytes", "a.txt", strings.Repeat("word ", 32<<20/5+1), fault.TooLarge, "larger"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := extract.Parse(t.Context(), tt.file, []byte(tt.data))
			if !fault.Is(err, tt.kind) || !strings.Contains(fault.Of(err).Sentence, tt.sentence) || fault.Of(err).Cure == "" {
				t.Errorf("got %v (%v), want %v with %q and a cure", err, fault.KindOf(err), tt.kind, tt.sentence)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := extract.Parse(ctx, "a.md", []byte("# Text")); err == nil {
		t.Error("a cancelled parse gave a document")
	}
}

// TestHostile holds that a file ends, however it is written: what costs more
// than its length allows would not be done by the deadline on any machine.
func TestHostile(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{">", "> ", "- ", "1. ", "[", "![", "[a](", "*a_", "**a *b ", "`", "``a`", "<div>", "<!--", "<script>", "a word of a line without any end ", "[a]: b\n", "|a|b|\n|-|-|\n", "*a_|", "\\", "&#"} {
		t.Run(piece, func(t *testing.T) {
			t.Parallel()
			source := "x " + strings.Repeat(piece, 256<<10/len(piece))
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			d, err := extract.Parse(ctx, "a.md", []byte(source))
			if err != nil && !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			sound(t, d)
		})
	}
}

func TestOneEndlessLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, piece string }{
		{"words", "a.txt", "The pump runs. "}, {"words in Markdown", "a.md", "The pump runs. "}, {"no space at all", "a.txt", "Q29weQ"}, {"no space in Markdown", "a.md", "Q29weQ"}, {"Chinese", "a.txt", "每月测试一次。"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := strings.Repeat(tt.piece, 2<<20/len(tt.piece))
			d, err := extract.Parse(t.Context(), tt.file, []byte(source))
			if err != nil {
				t.Fatal(err)
			}
			sound(t, d)
			var all strings.Builder
			for _, b := range d.Blocks {
				all.WriteString(b.Text)
			}
			squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
			if squeeze(all.String()) != squeeze(source) {
				t.Errorf("the text of %d characters came back with %d", len(source), all.Len())
			}
			if tt.piece == "The pump runs. " && !strings.HasSuffix(d.Blocks[0].Text, ".") {
				t.Errorf("the first block ends inside a sentence: %q", d.Blocks[0].Text[len(d.Blocks[0].Text)-40:])
			}
		})
	}
}

// sound holds what every document promises.
func sound(t *testing.T, d extract.Document) {
	t.Helper()
	at := 0
	for i, b := range d.Blocks {
		n := utf8.RuneCountInString(b.Text)
		switch {
		case b.Start != at || b.End != at+n:
			t.Fatalf("block %d stands at %d-%d, want %d-%d", i, b.Start, b.End, at, at+n)
		case b.Text == "" || !utf8.ValidString(b.Text):
			t.Fatalf("block %d is %q", i, b.Text)
		case !norm.NFC.IsNormalString(b.Text):
			t.Fatalf("block %d is not NFC: %q", i, b.Text)
		case n > 2*2000:
			t.Fatalf("block %d has %d characters", i, n)
		case strings.ContainsFunc(b.Text, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }):
			t.Fatalf("block %d holds control characters: %q", i, b.Text)
		}
		at = b.End + 1
	}
	if d.Characters() != max(at-1, 0) {
		t.Fatalf("got %d characters, want %d", d.Characters(), at-1)
	}
}

// TestLargest reads as much as there may be, in one line, in bounded time.
func TestLargest(t *testing.T) {
	t.Parallel()
	source := strings.Repeat("The pump runs. ", doc.MaxBytes/15)
	began := time.Now()
	d, err := extract.Parse(t.Context(), "a.txt", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("%d MB in one line took %s", doc.MaxBytes/1_000_000, took)
	}
	sound(t, d)
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"# a\n\n- b\n  - c\n\n|a|b|\n|-|-|\n|1|2|\n", "<div><script>x</script>y", "---\ntitle: x\n---\n> q\n```\ncode", "a\u0301\u0301\r\n\u2028&#0;&#x1f;\\*"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := extract.Parse(t.Context(), "a.md", data); err == nil {
			sound(t, d)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"A\n\nB\n===\n- c\n", "\xff\xfea\x00b\x00", "\xe4\xf6", "a\x00b", "\u0e01\u0e33\u0300"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := extract.Parse(t.Context(), "a.txt", data); err == nil {
			sound(t, d)
		}
	})
}

func BenchmarkMarkdown(b *testing.B) {
	page := "# Monthly test\n\nThe generator is started **without load** and runs for ten minutes; the operator reads the\noil pressure and writes it down. See `P-101A`.\n\n- Start\n- Stop\n\n"
	source := []byte(strings.Repeat(page, 2<<20/len(page)))
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := extract.Parse(b.Context(), "a.md", source); err != nil {
			b.Fatal(err)
		}
	}
}
