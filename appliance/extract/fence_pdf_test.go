package extract

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"

	"chatets/appliance/fault"
)

// paper is a PDF with one line on one page.
func paper() []byte {
	var b bytes.Buffer
	var at []int
	object := func(text string) {
		at = append(at, b.Len())
		b.WriteString(text)
	}
	b.WriteString("%PDF-1.4\n")
	stream := "BT /F1 24 Tf 72 700 Td (The pump runs.) Tj ET"
	object("1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n")
	object("2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n")
	object("3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n")
	object("4 0 obj<</Length " + strconv.Itoa(len(stream)) + ">>stream\n" + stream + "\nendstream endobj\n")
	object("5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n")
	start := b.Len()
	b.WriteString("xref\n0 6\n0000000000 65535 f \n")
	for _, n := range at {
		b.WriteString(strings.Repeat("0", 10-len(strconv.Itoa(n))) + strconv.Itoa(n) + " 00000 n \n")
	}
	b.WriteString("trailer<</Size 6/Root 1 0 R>>\nstartxref\n" + strconv.Itoa(start) + "\n%%EOF\n")
	return b.Bytes()
}

// compiled is a folder with what the build compiled of the parser, if it did:
// under the race detector compiling takes minutes.
func compiled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if made := os.Getenv("CHATETS_TEST_PDF_CACHE"); made != "" {
		if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPDFInsideTheFence warms the folder of compiled code, then reads and draws
// with a child that can only read it.
func TestPDFInsideTheFence(t *testing.T) {
	t.Parallel()
	f, err := NewFence(FenceConfig{Command: []string{os.Args[0], Subcommand}, Cache: compiled(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	if err := f.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(f.cache)
	if err != nil || len(files) == 0 {
		t.Errorf("the folder of compiled code is empty: %v", err)
	}
	d, err := f.Read(t.Context(), Request{Name: "a.pdf"}, bytes.NewReader(paper()))
	if err != nil || !strings.Contains(texts(d), "The pump runs.") || d.Pages != 1 {
		t.Errorf("got %+v, %v", d, err)
	}
	picture, err := f.Render(t.Context(), Request{Name: "a.pdf"}, bytes.NewReader(paper()), 1, 400)
	if err != nil || !bytes.HasPrefix(picture, []byte("\xff\xd8\xff")) {
		t.Errorf("got %d bytes, %v", len(picture), err)
	}
	if _, err := f.Render(t.Context(), Request{Name: "a.txt"}, strings.NewReader("x"), 1, 400); !fault.Is(err, fault.Unsupported) {
		t.Errorf("a picture of a text: %v", err)
	}
}
