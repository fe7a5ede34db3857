package appliance_test

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatets/appliance/config"
)

// sampleFile is a document of the readers' own tests.
func sampleFile(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"extract"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// startReading runs a house that has the PDF parser compiled, if the build has it:
// under the race detector compiling takes minutes.
func startReading(t *testing.T) *house {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if made := os.Getenv("CHATETS_TEST_PDF_CACHE"); made != "" {
		if err := os.CopyFS(filepath.Join(data, "cache", "extract"), os.DirFS(made)); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(map[string]string{"data": data, "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, cfg)
}

// TestReadsDocuments adds a document of many kinds and asks for what is in it,
// over HTTP, through the fence.
func TestReadsDocuments(t *testing.T) {
	t.Parallel()
	house := startReading(t)
	owner := house.setUp(t)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Papers"}`, 201).id()
	office := func(name string) string { return sampleFile(t, "office", "testdata", name) }
	for _, tt := range []struct {
		name, data string
		holds      []string // of the text
	}{
		{"chromium.pdf", sampleFile(t, "pdf", "testdata", "chromium.pdf"), []string{`"page":1`, `"boxes":[{`}},
		{"report.docx", office("report.docx"), []string{`"kind":"heading"`}},
		{"report.odt", office("report.odt"), []string{`"kind":"heading"`}},
		{"report.rtf", office("report.rtf"), []string{`"text":`}},
		{"talk.pptx", office("talk.pptx"), []string{`"page":1`}},
		{"talk.odp", office("talk.odp"), []string{`"page":1`}},
		{"figures.xlsx", office("figures.xlsx"), []string{`"sheet":"`, `"cells":"A`, `"kind":"row"`}},
		{"figures.ods", office("figures.ods"), []string{`"sheet":"`, `"kind":"row"`}},
		{"stock.csv", "Part;Place\nO-ring 40x3;Shelf C7\n", []string{"O-ring 40x3", "Shelf C7"}},
		{"page.html", "<html><title>Lift</title><nav>Home</nav><h1>Lift</h1><p>The lift carries 630&nbsp;kg.</p></html>", []string{"The lift carries 630 kg."}},
		{"mail.eml", "From: a@b.test\r\nSubject: Valve\r\n\r\nThe valve V-7 leaks.\r\n", []string{"The valve V-7 leaks."}},
		{"unit.json", `{"pump":{"head":"42 m"}}`, []string{"42 m"}},
		{"boot.go", "package main\n\n// boot starts the pump.\nfunc boot() {}\n", []string{"boot starts the pump"}},
	} {
		document := owner.upload(t, base, tt.name, tt.data)
		got := owner.must(t, "GET", "/api/documents/"+document+"/content", "", 200)
		for _, want := range tt.holds {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s: the text lacks %s: %.600s", tt.name, want, got.body)
			}
		}
		picture := owner.ask(t, "GET", "/api/documents/"+document+"/pages/1?width=300", "", "")
		if !strings.HasSuffix(tt.name, ".pdf") {
			if picture.status != 404 || !strings.Contains(picture.body, "no-pages") {
				t.Errorf("%s: a picture of its page: got %d %s", tt.name, picture.status, picture.body)
			}
			continue
		}
		shown, err := jpeg.DecodeConfig(bytes.NewReader([]byte(picture.body)))
		if err != nil || picture.status != 200 || shown.Width != 300 || picture.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("the picture of a page: %d, %v, %v, %v", picture.status, err, shown, picture.header)
		}
		if got := owner.ask(t, "GET", "/api/documents/"+document+"/pages/99", "", ""); got.status != 404 || !strings.Contains(got.body, "from 1 to") {
			t.Errorf("a page that is not there: got %d %s", got.status, got.body)
		}
	}
	if got := owner.must(t, "POST", "/api/search", `{"question":"O-ring 40x3"}`, 200); !strings.Contains(got.body, "Shelf C7") {
		t.Errorf("the row of the table is not found: %s", got.body)
	}
}

// TestBadDocumentsAreTold adds files that cannot be read: each says why and what
// to do, and the house goes on.
func TestBadDocumentsAreTold(t *testing.T) {
	t.Parallel()
	house := startReading(t)
	owner := house.setUp(t)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Papers"}`, 201).id()
	locked := sampleFile(t, "pdf", "testdata", "locked.pdf")
	whole := sampleFile(t, "office", "testdata", "report.docx")
	for _, tt := range []struct{ name, data, reason string }{
		{"locked.pdf", locked, "password"},
		{"cut.docx", whole[:len(whole)/2], "damaged"},
		{"nothing.pdf", "%PDF-1.7\n", ""},
		{"empty.csv", "\n\n", "no text"},
		{"bomb.xml", "<!DOCTYPE a [<!ENTITY x \"y\"><!ENTITY z \"&x;&x;\">]><a>&z;</a>", ""},
	} {
		got := owner.ask(t, "POST", fmt.Sprintf("/api/documents?knowledge=%s&name=%s", base, tt.name), "", tt.data)
		if got.status != 202 {
			t.Errorf("%s: got %d %s", tt.name, got.status, got.body)
			continue
		}
		document := got.id()
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
			got = owner.must(t, "GET", "/api/documents/"+document, "", 200)
			if got.get("state") == "failed" || time.Now().After(deadline) {
				break
			}
		}
		if got.get("state") != "failed" || got.get("cure") == "" || !strings.Contains(got.get("reason"), tt.reason) {
			t.Errorf("%s: want a reason with %q and a cure: %s", tt.name, tt.reason, got.body)
		}
	}
	owner.upload(t, base, "fine.txt", "The house goes on.")
}
