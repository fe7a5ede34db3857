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
