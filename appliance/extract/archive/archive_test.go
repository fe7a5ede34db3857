package archive_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"chatets/appliance/extract/archive"
	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/prose"
	"chatets/appliance/fault"
)

type reader = func(ctx context.Context, in doc.Input, b *doc.Builder) error

func inner(ctx context.Context, name string, data []byte, b *doc.Builder) error {
	switch {
	case strings.HasSuffix(name, ".txt"):
		return prose.Text(ctx, doc.Input{Name: name, Data: data}, b)
	case strings.HasSuffix(name, ".zip"):
		return archive.ZIP(ctx, doc.Input{Name: name, Data: data, Inner: inner}, b)
	}
	return fault.New(fault.Unsupported, "Files of this type are not read.")
}

func parse(t testing.TB, read reader, data []byte) (doc.Document, error) {
	t.Helper()
	b := doc.NewBuilder(t.Context())
	if err := read(t.Context(), doc.Input{Name: "a.zip", Data: data, Inner: inner}, b); err != nil && !doc.Full(err) {
		return doc.Document{}, err
	}
	return b.Document("a.zip")
}

func show(d doc.Document) string {
	var b strings.Builder
	for _, block := range d.Blocks {
		fmt.Fprintf(&b, "%s%d %q\n", block.Kind, block.Level, block.Text)
	}
	return strings.ReplaceAll(b.String(), "0 ", " ")
}

// pack makes an archive of pairs of name and content.
func pack(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(pairs); i += 2 {
		h := &zip.FileHeader{Name: pairs[i], Method: zip.Deflate}
		switch pairs[i] {
		case "link.txt":
			h.SetMode(fs.ModeSymlink | 0o777)
		case "locked.txt":
			h.Flags |= 1
		}
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(pairs[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestZIP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want, note string
		data             []byte
	}{
		{"files and folders", "heading1 \"a/one.txt\"\nparagraph \"One.\"\nheading1 \"two.txt\"\nparagraph \"Two.\"\n", "", pack(t, "a/", "", "a/one.txt", "One.", "two.txt", "Two.", "__MACOSX/x.txt", "junk")},
		{"names that point outside", "heading1 \"etc/passwd.txt\"\nparagraph \"x\"\nheading1 \"abs.txt\"\nparagraph \"y\"\nheading1 \"a/b.txt\"\nparagraph \"z\"\n", "outside", pack(t, "../../etc/passwd.txt", "x", "/abs.txt", "y", "a\\b.txt", "z")},
		{"an old name", "heading1 \"Gerät.txt\"\nparagraph \"x\"\n", "", pack(t, "Ger\x84t.txt", "x")},
		{"twice", "heading1 \"a.txt\"\nparagraph \"x\"\n", "twice", pack(t, "a.txt", "x", "a.txt", "y")},
		{"a link", "heading1 \"a.txt\"\nparagraph \"x\"\n", "Links", pack(t, "a.txt", "x", "link.txt", "/etc/passwd")},
		{"a locked file", "heading1 \"a.txt\"\nparagraph \"x\"\n", "password", pack(t, "a.txt", "x", "locked.txt", "secret")},
		{"an archive inside", "heading1 \"b.zip\"\nheading2 \"a.txt\"\nparagraph \"x\"\n", "", pack(t, "b.zip", string(pack(t, "a.txt", "x")))},
		{"a file that is not read", "heading1 \"b.bin\"\nheading1 \"a.txt\"\nparagraph \"x\"\n", "b.bin was not read", pack(t, "b.bin", "\x00", "a.txt", "x")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := parse(t, archive.ZIP, tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(d); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if notes := strings.Join(d.Notes, " "); (tt.note == "") != (notes == "") || !strings.Contains(notes, tt.note) {
				t.Errorf("got notes %q, want %q", notes, tt.note)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	zeros := pack(t, "a.txt", strings.Repeat("a", 40_000_000))
	for _, tt := range []struct {
		name, code string
		data       []byte
	}{
		{"far more than it should", "file-bomb", zeros},
		{"the same inside another", "file-bomb", pack(t, "b.zip", string(zeros))},
		{"all locked", "file-locked", pack(t, "locked.txt", "x")},
		{"damaged", "file-damaged", []byte("PK\x03\x04 nothing")},
		{"empty", "invalid", pack(t)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, archive.ZIP, tt.data)
			if r := fault.Of(err); err == nil || r.Code != tt.code || r.Cure == "" {
				t.Errorf("got %v, want %s", err, tt.code)
			}
		})
	}
}

func novel(t testing.TB, more ...string) []byte {
	return pack(t, append([]string{
		"META-INF/container.xml", `<container><rootfiles><rootfile full-path="O/b.opf"/></rootfiles></container>`,
		"O/b.opf", `<package xmlns:dc="u"><metadata><dc:title>The Book</dc:title></metadata><manifest><item id="one" href="c%201.xhtml"/><item id="two" href="c2.xhtml"/><item id="n" href="nav.xhtml" properties="nav"/></manifest><spine><itemref idref="two"/><itemref idref="one"/><itemref idref="gone"/></spine></package>`,
		"O/nav.xhtml", `<nav><a href="c%201.xhtml">First</a><a href="c2.xhtml#x">Second</a></nav>`,
		"O/c 1.xhtml", `<title>x</title><p>One.</p>`, "O/c2.xhtml", `<h2>Own</h2><p>Two.</p>`,
	}, more...)...)
}

func TestEPUB(t *testing.T) {
	t.Parallel()
	d, err := parse(t, archive.EPUB, novel(t))
	if err != nil {
		t.Fatal(err)
	}
	want := "heading2 \"Own\"\nparagraph \"Two.\"\nheading1 \"First\"\nparagraph \"One.\"\n"
	if got := show(d); got != want || d.Title != "The Book" || !strings.Contains(strings.Join(d.Notes, ""), "missing") {
		t.Errorf("got %q, %q\n%swant\n%s", d.Title, d.Notes, got, want)
	}
	_, err = parse(t, archive.EPUB, novel(t, "META-INF/encryption.xml", `<e><EncryptedData><CipherData><CipherReference URI="O/c2.xhtml"/></CipherData></EncryptedData></e>`))
	if fault.Of(err).Code != "file-locked" {
		t.Errorf("a protected book: %v", err)
	}
	if _, err = parse(t, archive.EPUB, pack(t, "a.txt", "x")); fault.Of(err).Code != "file-damaged" {
		t.Errorf("no book: %v", err)
	}
}

func FuzzZIP(f *testing.F) {
	f.Add(pack(f, "a.txt", "x", "../b.zip", string(pack(f, "c.txt", "y"))))
	f.Fuzz(func(t *testing.T, data []byte) { parse(t, archive.ZIP, data) })
}

func FuzzEPUB(f *testing.F) {
	f.Add(novel(f))
	f.Fuzz(func(t *testing.T, data []byte) { parse(t, archive.EPUB, data) })
}
