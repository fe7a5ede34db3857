package pdf

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

const scanned = "q 600 0 0 800 0 0 cm /I Do Q\n"

// seen is tesseract's table for two paragraphs, the first of two lines.
const seen = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n" +
	"1\t1\t0\t0\t0\t0\t0\t0\t2000\t2600\t-1\t\n" +
	"5\t1\t1\t1\t1\t1\t200\t260\t200\t26\t96\tThe\n" +
	"5\t1\t1\t1\t1\t2\t420\t260\t180\t26\t96\tinfu-\n" +
	"5\t1\t1\t1\t2\t1\t200\t312\t300\t26\t96\tsion\n" +
	"5\t1\t2\t1\t1\t1\t200\t650\t100\t26\t40\tpump\n"

func TestScans(t *testing.T) {
	t.Parallel()
	r := open(t)
	text := say(60, 700, 10, "This page holds text enough to be one of its own.")
	see := func(tsv string, err error) func(context.Context, []byte) ([]byte, error) {
		return func(_ context.Context, picture []byte) ([]byte, error) {
			if !strings.HasPrefix(string(picture), "\xff\xd8\xff") {
				t.Error("no JPEG was shown")
			}
			return []byte(tsv), err
		}
	}
	nothing := strings.Join(strings.SplitAfter(seen, "\n")[:2], "")
	for _, tt := range []struct {
		name      string
		pages     []string
		recognise func(context.Context, []byte) ([]byte, error)
		want      string // blocks
		note      string
		cure      string // of the error
	}{
		{"no OCR", []string{scanned, scanned}, nil, "", "", "install tesseract"},
		{"OCR finds nothing", []string{scanned}, see(nothing, nil), "", "", "300 dots"},
		{"OCR fails", []string{scanned}, see("", errors.New("killed")), "", "", "300 dots"},
		{"OCR reads", []string{scanned}, see(seen, nil), "paragraph 1 The infusion\nparagraph 1 pump", "", ""},
		{"the stamp of a scanner is no text", []string{scanned + say(60, 20, 8, "Scanned by me")}, nil, "paragraph 1 Scanned by me", "", "install tesseract"},
		{"a scan between texts", []string{text, scanned}, nil, "paragraph 1 This page holds text enough to be one of its own.", "1 page is only a picture", ""},
		{"a picture in a text", []string{text + "q 200 0 0 200 60 60 cm /I Do Q"}, see(seen, nil), "paragraph 1 This page holds text enough to be one of its own.", "", ""},
		{"a blank page is no scan", []string{text, "", "60 60 100 100 re f"}, nil, "paragraph 1 This page holds text enough to be one of its own.", "", ""},
		{"a scan in strips", []string{"q 600 0 0 300 0 0 cm /I Do Q q 600 0 0 300 0 300 cm /I Do Q"}, nil, "", "", "install tesseract"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, b, err := read(t, r, doc.Input{Data: file(tt.pages...), Recognise: tt.recognise})
			if tt.cure != "" {
				if f := fault.Of(err); err == nil || f.Code != "file-scanned" || !strings.Contains(f.Cure, tt.cure) {
					t.Errorf("got %v, want the cure %q", err, tt.cure)
				}
				return
			}
			if err != nil || strings.Join(got, "\n") != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			d, err := b.Document("x")
			if err != nil || !strings.Contains(strings.Join(d.Notes, "\n"), tt.note) || tt.note == "" && len(d.Notes) > 0 {
				t.Errorf("got notes %v, %v", d.Notes, err)
			}
			boxed(t, b)
		})
	}
}

// TestPlacesOfScans looks at the boxes of a page that was read from its picture.
func TestPlacesOfScans(t *testing.T) {
	t.Parallel()
	p := fromTSV(seen, 3)
	if len(p.paragraphs) != 2 || p.words() != 3 {
		t.Fatalf("got %+v", p.paragraphs)
	}
	want := []doc.Box{{From: 0, To: 8, X: 0.1, Y: 0.1, W: 0.2, H: 0.01}, {From: 8, To: 12, X: 0.1, Y: 0.12, W: 0.15, H: 0.01}}
	b := p.paragraphs[0]
	if b.Text != "The infusion" || b.Page != 3 || len(b.Boxes) != 2 {
		t.Fatalf("got %+v", b)
	}
	near := func(a, b float32) bool { return a-b < 0.0001 && b-a < 0.0001 }
	for i, box := range b.Boxes {
		if w := want[i]; box.From != w.From || box.To != w.To || !near(box.X, w.X) || !near(box.Y, w.Y) || !near(box.W, w.W) || !near(box.H, w.H) {
			t.Errorf("got %+v, want %+v", box, w)
		}
	}
}

func FuzzTSV(f *testing.F) {
	f.Add(seen)
	f.Add("5\t1\t1\t1\t1\t1\t-9\tNaN\t1e99\t1\t0\tx-\n5\t1\t1\t1\t2\t1\t0\t0\t0\t0\t0\ty\n")
	f.Fuzz(func(t *testing.T, table string) {
		for _, b := range fromTSV(table, 1).paragraphs {
			n := len([]rune(b.Text))
			for _, box := range b.Boxes {
				if box.From < 0 || box.To > n || box.From > box.To || !(box.X >= 0 && box.X <= 1 && box.W >= 0 && box.X+box.W <= 1.0001) {
					t.Errorf("box %+v of %q", box, b.Text)
				}
			}
		}
	})
}

// TestWarmCacheIsOnlyRead opens with compiled code: nothing is written, so a
// process that may only read can do it.
func TestWarmCacheIsOnlyRead(t *testing.T) {
	t.Parallel()
	open(t)
	dir := os.Getenv(cacheOfTests)
	list := func() string {
		var b strings.Builder
		if err := walk(dir, func(path string, info os.FileInfo) { b.WriteString(path + " " + info.ModTime().String() + "\n") }); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	before := list()
	if strings.Count(before, "\n") < 2 {
		t.Fatalf("the cache is empty: %s", before)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(t, r, doc.Input{Data: file(twoColumns())}); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if after := list(); after != before {
		t.Errorf("got\n%swant\n%s", after, before)
	}
}

// TestPictures reads pictures that are no scans.
func TestPictures(t *testing.T) {
	t.Parallel()
	table := func(string) string { return seen }
	two := strings.ReplaceAll(seen, "1\t1\t0", "1\t2\t0")
	tiff := func(pages ...[2]int) string {
		var b strings.Builder
		b.WriteString("II*\x00\x08\x00\x00\x00")
		for i, p := range pages {
			next := 0
			if i+1 < len(pages) {
				next = 8 + 30*(i+1)
			}
			b.WriteString("\x02\x00")
			for k, tag := range []string{"\x00\x01", "\x01\x01"} {
				b.WriteString(tag + "\x04\x00\x01\x00\x00\x00" + little(p[k]))
			}
			b.WriteString(little(next))
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, data, tsv string
		pages           int
		code            string
	}{
		{"one page", tiff([2]int{2000, 2600}), table(""), 1, ""},
		{"two pages", tiff([2]int{2000, 2600}, [2]int{2000, 2600}), seen + two, 2, ""},
		{"no letters", tiff([2]int{2000, 2600}), strings.Join(strings.SplitAfter(seen, "\n")[:2], ""), 0, "file-scanned"},
		{"too many dots", tiff([2]int{200_000, 200_000}), seen, 0, "file-too-heavy"},
		{"nothing", "II*\x00", seen, 0, "file-damaged"},
		{"a page that is its own next", "II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00", seen, 0, "file-damaged"},
		{"a page behind the end", "II*\x00\xff\xff\xff\xff", seen, 0, "file-damaged"},
		{"no picture", "hello", seen, 0, "file-damaged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := doc.NewBuilder(t.Context())
			err := Scan(t.Context(), doc.Input{Data: []byte(tt.data), Recognise: func(context.Context, []byte) ([]byte, error) { return []byte(tt.tsv), nil }}, b)
			if code := fault.Of(err).Code; tt.code != "" && code != tt.code || tt.code == "" && err != nil {
				t.Fatalf("got %v, want %q", err, tt.code)
			}
			if b.Pages != tt.pages && tt.code == "" {
				t.Errorf("got %d pages, want %d", b.Pages, tt.pages)
			}
		})
	}
	if err := Scan(t.Context(), doc.Input{Data: []byte(tiff([2]int{9, 9}))}, doc.NewBuilder(t.Context())); fault.Of(err).Code != "file-scanned" || !strings.Contains(fault.Of(err).Cure, "install tesseract") {
		t.Errorf("without tesseract: %v", err)
	}
}

func little(n int) string { return string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}) }

func FuzzPicture(f *testing.F) {
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00"))
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\x00\x01"))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Scan(t.Context(), doc.Input{Data: data, Recognise: func(context.Context, []byte) ([]byte, error) { return []byte(seen), nil }}, doc.NewBuilder(t.Context()))
		if len(data) < 2000 {
			_, _ = DrawScan(data, 300)
		}
	})
}
