package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image/jpeg"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// deflate packs a stream for /FlateDecode.
func deflate(t testing.TB, piece string, times int) string {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	for range times {
		if _, err := z.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// objects makes a PDF of the objects 1, 2, and so on; the first is the catalogue.
func objects(list ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	at := make([]int, len(list))
	for i, o := range list {
		at[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(list)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF", len(list)+1, start)
	return b.Bytes()
}

func stream(entries, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", entries, len(data), data)
}

// onePage is a page with a box, resources and a content stream.
func onePage(box, resources, content string, more ...string) []byte {
	return objects(append([]string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[" + box + "]/Resources<<" + resources + ">>/Contents 4 0 R>>", content}, more...)...)
}

const helvetica = "/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"

// resident is how much memory this process holds, in megabytes.
func resident(t testing.TB) int {
	t.Helper()
	runtime.GC()
	figures, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(figures))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() >> 20
}

// TestHostile reads and draws files that were made to do harm: each ends with
// text or with an error that says what to do, in bounded memory.
func TestHostile(t *testing.T) {
	hello := say(60, 700, 10, "hello there")
	for _, tt := range []struct {
		name string
		data []byte
		want string // text, or the code of the error
	}{
		{"pages that hold themselves", objects("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 3/Kids[2 0 R 2 0 R 2 0 R]>>"), "file-damaged"},
		{"two billion pages", objects("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 2000000000/Kids[3 0 R]>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<<"+helvetica+">>/Contents 4 0 R>>", stream("", hello)), "hello there"},
		{"a form that draws itself", onePage("0 0 600 800", helvetica+"/XObject<</X 5 0 R>>", stream("", hello+"/X Do"), stream("/Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<</XObject<</X 5 0 R>>>>", "/X Do /X Do /X Do")), "file-damaged"},
		{"arrays in arrays", onePage("0 0 600 800", helvetica, stream("", hello+strings.Repeat("[", 200_000))), "hello there"},
		{"dictionaries in dictionaries", objects("<</Type/Catalog/Pages 2 0 R/X " + strings.Repeat("<</X ", 100_000)), "file-damaged"},
		{"states saved without end", onePage("0 0 600 800", helvetica, stream("", hello+strings.Repeat("q ", 500_000))), "hello there"},
		{"a giant page", onePage("0 0 1000000000 1000000000", helvetica, stream("", hello)), "hello there"},
		{"a page without size", onePage("0 0 0 0", helvetica, stream("", hello)), "hello there"},
		{"a huge image", onePage("0 0 600 800", helvetica+"/XObject<</I 5 0 R>>", stream("", hello+"q 100 0 0 100 0 0 cm /I Do Q"), stream("/Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode", deflate(t, strings.Repeat("\x00", 1<<20), 64))), "hello there"},
		{"a stream that unpacks to a gigabyte", onePage("0 0 600 800", helvetica, stream("/Filter/FlateDecode", deflate(t, strings.Repeat(" ", 1<<20), 1024))), ""},
		{"a million characters on a page", onePage("0 0 600 800", helvetica, stream("/Filter/FlateDecode", deflate(t, hello, 100_000))), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := open(t)
			before := resident(t)
			got, b, err := read(t, r, doc.Input{Data: tt.data})
			if _, err := r.Render(t.Context(), tt.data, "", 1, 800); err != nil && (fault.Of(err).Cure == "" || fault.Of(err).Code == "") {
				t.Errorf("draw: %v", err)
			}
			if grown := resident(t) - before; grown > 450 {
				t.Errorf("took %d MB", grown)
			}
			d, _ := b.Document("x") // for its notes
			t.Logf("%v %v %v, %d MB", got, d.Notes, err, resident(t)-before)
			switch {
			case tt.want == "":
			case err != nil:
				if f := fault.Of(err); f.Code != tt.want || f.Cure == "" {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			case !strings.Contains(strings.Join(got, "\n"), tt.want):
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestFullPage notes a page with more characters than are read.
func TestFullPage(t *testing.T) {
	got, b, err := read(t, open(t), doc.Input{Data: file(say(60, 700, 10, "This page can be read."), "BT /F 1 Tf 10 500 Td "+strings.Repeat("(abcdefghij) Tj ", maxChars/10+1)+"ET")})
	if err != nil || len(got) != 1 {
		t.Errorf("got %q, %v", got, err)
	}
	if d, err := b.Document("x"); err != nil || len(d.Notes) != 1 || d.Notes[0] != "1 page is too full of characters and not read." {
		t.Errorf("got %v, %v", d.Notes, err)
	}
}

// TestManyPages reads one more page than is read, and holds only some of them.
func TestManyPages(t *testing.T) {
	r := open(t)
	pages := make([]string, maxPages+1)
	for i := range pages {
		pages[i] = say(60, 700, 10, "The text of a page.") + say(60, 600, 10, fmt.Sprintf("Number %d of them.", i))
	}
	data := file(pages...)
	before := resident(t)
	got, b, err := read(t, r, doc.Input{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2*maxPages || got[len(got)-1] != "paragraph 5000 Number 4999 of them." {
		t.Errorf("got %d blocks, the last %q", len(got), got[len(got)-1])
	}
	if d, err := b.Document("x"); err != nil || d.Pages != maxPages || len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "5001 pages") {
		t.Errorf("got %d pages, %v, %v", d.Pages, d.Notes, err)
	}
	if grown := resident(t) - before; grown > 120 {
		t.Errorf("took %d MB", grown)
	}
}

// TestPictureOfATallPage sees that a page much higher than wide stays small.
func TestPictureOfATallPage(t *testing.T) {
	t.Parallel()
	picture, err := open(t).Render(t.Context(), onePage("0 0 10 14000", helvetica, stream("", "")), "", 1, 2400)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(picture)); err != nil || c.Width > 2400 || c.Height > 7200 {
		t.Errorf("got %d x %d, %v", c.Width, c.Height, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"chromium.pdf", "locked.pdf"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(file(twoColumns()))
	f.Add(file(ruledTable(60, 700), "%/Rotate 90\n"+threeRows()))
	f.Add(file("q 600 0 0 800 0 0 cm /I Do Q"))
	r := open(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		_, b, err := read(t, r, doc.Input{Data: data})
		if err != nil && (fault.Of(err).Cure == "" || fault.Of(err).Code == "") {
			t.Errorf("got %v without a cure", err)
		}
		boxed(t, b)
	})
}
