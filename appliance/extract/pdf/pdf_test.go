package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// file makes a PDF of pages; each is the content stream of one page.
func file(pages ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	object := func(text string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), text)
	}
	object("<</Type/Catalog/Pages 2 0 R>>")
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 6+2*i))
	}
	object(fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(pages), strings.Join(kids, " ")))
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>")
	object("<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>stream\nA\nendstream")
	for i, p := range pages {
		more := ""
		// A page may begin with entries of its own: "%/Rotate 90".
		if rest, found := strings.CutPrefix(p, "%"); found {
			more, p, _ = strings.Cut(rest, "\n")
		}
		object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R/B 4 0 R>>/XObject<</I 5 0 R>>>>/Contents %d 0 R%s>>", 7+2*i, more))
		object(fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(p), p))
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF", len(at)+1, start)
	return b.Bytes()
}

// say puts a text at a place.
func say(x, y, size int, text string) string {
	return fmt.Sprintf("BT /F %d Tf %d %d Td (%s) Tj ET\n", size, x, y, text)
}

func twoColumns() string {
	p := say(60, 720, 24, "A wide title over both columns of the page")
	for i, l := range []string{"the left column begins here with", "words and goes on to the hyphen-", "ated word in its third line and", "some more text that ends now."} {
		p += say(60, 600-14*i, 10, l)
	}
	for i, l := range []string{"The right column comes after the", "left one and holds its own words", "which nobody may mix with the", "others on this page at all."} {
		p += say(320, 600-14*i, 10, l)
	}
	return p
}

func threeRows() string {
	p := ""
	for i, r := range [][3]string{{"Part", "Number", "Price"}, {"Pump", "X-100", "12.50"}, {"Valve", "Y-200", "3.75"}} {
		for k, c := range r {
			p += say(60+150*k, 600-16*i, 10, c)
		}
	}
	return p
}

func TestReader(t *testing.T) {
	t.Parallel()
	r := open(t)
	framed := func(n int) string {
		return say(60, 770, 9, "Hospital manual") + say(60, 400, 10, fmt.Sprintf("Text of page %c alone.", 'a'+n)) + say(280, 20, 9, fmt.Sprintf("Page %d", n))
	}
	for _, tt := range []struct {
		name string
		data []byte
		want []string // kind, page, text
		code string
	}{
		{"columns", file(twoColumns()), []string{"heading 1 A wide title over both columns of the page",
			"paragraph 1 the left column begins here with words and goes on to the hyphenated word in its third line and some more text that ends now.",
			"paragraph 1 The right column comes after the left one and holds its own words which nobody may mix with the others on this page at all."}, ""},
		{"table", file(threeRows()), []string{"row 1 Part | Number | Price", "row 1 Pump | X-100 | 12.50", "row 1 Valve | Y-200 | 3.75"}, ""},
		{"headers and page numbers", file(framed(1), framed(2), framed(3)), []string{"paragraph 1 Text of page b alone.", "paragraph 2 Text of page c alone.", "paragraph 3 Text of page d alone."}, ""},
		{"only a picture", file("q 600 0 0 800 0 0 cm /I Do Q"), nil, "file-scanned"},
		{"truncated", file(twoColumns())[:200], nil, "file-damaged"},
		{"no pages", file(), nil, "file-damaged"},
		{"no PDF", []byte("hello"), nil, "file-damaged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := doc.NewBuilder(t.Context())
			err := r.Read(t.Context(), doc.Input{Data: tt.data}, b)
			if tt.code != "" {
				if err == nil || fault.Of(err).Code != tt.code {
					t.Fatalf("got %v, want the code %s", err, tt.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range b.Blocks() {
				got = append(got, fmt.Sprintf("%s %d %s", x.Kind, x.Page, x.Text))
				for _, box := range x.Boxes {
					if box.X < 0 || box.Y < 0 || box.W <= 0 || box.H <= 0 || box.X+box.W > 1 || box.Y+box.H > 1 || box.From >= box.To {
						t.Errorf("box %+v of %q", box, x.Text)
					}
				}
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
	if picture, err := r.Render(t.Context(), file(twoColumns()), "", 1, 400); err != nil || !bytes.HasPrefix(picture, []byte("\xff\xd8\xff")) {
		t.Errorf("render: %v", err)
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	b := doc.NewBuilder(t.Context())
	if err := Plain(t.Context(), doc.Input{Data: file(twoColumns())}, b); err != nil || len(b.Blocks()) == 0 || !strings.Contains(b.Blocks()[0].Text, "left column begins") {
		t.Errorf("got %v %v", err, b.Blocks())
	}
	if err := Plain(t.Context(), doc.Input{Data: []byte("%PDF-1.4 nothing")}, doc.NewBuilder(t.Context())); fault.Of(err).Code != "file-damaged" {
		t.Errorf("damaged: %v", err)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add(file(twoColumns()))
	f.Add(file(threeRows())[:300])
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Plain(t.Context(), doc.Input{Data: data}, doc.NewBuilder(t.Context()))
	})
}
