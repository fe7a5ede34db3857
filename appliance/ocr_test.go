package appliance_test

import (
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scan adds a file of testdata/scans and waits until it is settled.
func (v *visitor) scan(t *testing.T, base, file string) answer {
	t.Helper()
	data, err := os.ReadFile("testdata/scans/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return v.settles(t, v.put(t, base, file, data))
}

func (v *visitor) put(t *testing.T, base, name string, data []byte) (id string) {
	t.Helper()
	got := v.ask(t, "POST", "/api/documents?knowledge="+url.QueryEscape(base)+"&name="+url.QueryEscape(name), "", string(data))
	if got.status != 202 {
		t.Fatalf("%s: got %d: %s", name, got.status, got.body)
	}
	return got.id()
}

func (v *visitor) settles(t *testing.T, id string) answer {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := v.must(t, "GET", "/api/documents/"+id, "", 200)
		if state := got.get("state"); state == "ready" || state == "failed" {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("the document does not settle: %s", got.body)
		}
	}
}

// ocrHouse is a house with the compiled PDF parser and a knowledge base.
func ocrHouse(t *testing.T) (h *house, olga *visitor, base string) {
	t.Helper()
	h = startReading(t)
	olga = h.setUp(t)
	return h, olga, olga.must(t, "POST", "/api/knowledge", `{"name":"Scans"}`, 201).id()
}

// TestScannedPages has the real tesseract read pages that hold no letters, and
// wants each fact on its page, with its place.
func TestScannedPages(t *testing.T) {
	t.Parallel()
	_, olga, base := ocrHouse(t)
	for _, tt := range []struct {
		file  string
		pages string
		facts map[string][2]string // question -> page and a text of the passage
	}{
		{"scan.pdf", "3", map[string][2]string{
			"How fast must the alarm of the infusion pump sound?":      {"1", "eleven seconds"},
			"Wann werden die Filter der Beatmungsgeräte gewechselt?":   {"2", "vierzehn Tage"},
			"How long are red cell concentrates kept at four degrees?": {"3", "four degrees"},
		}},
		{"all.tif", "3", map[string][2]string{
			"How fast must the alarm of the infusion pump sound?":   {"1", "eleven seconds"},
			"Which room reports every deviation to the laboratory?": {"3", "room B 214"},
		}},
		{"pumps.png", "1", map[string][2]string{"Which label does a pump that failed the test get?": {"1", "workshop on level two"}}},
		{"wartung.jpg", "1", map[string][2]string{"Welches Telefon hat die Medizintechnik für die Prüfung der Filter?": {"1", "Telefon 4711"}}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			base := olga.must(t, "POST", "/api/knowledge", `{"name":"`+tt.file+`"}`, 201).id()
			d := olga.scan(t, base, tt.file)
			if d.get("state") != "ready" || d.get("pages") != tt.pages || d.get("note") != "" {
				t.Fatalf("got %s", d.body)
			}
			for ask, want := range tt.facts {
				asked := olga.must(t, "POST", "/api/conversations", question(ask, base), 200)
				cited := false
				for i := 0; asked.get("answer", "citations", strconv.Itoa(i), "number") != ""; i++ {
					n := strconv.Itoa(i)
					cited = cited || asked.get("answer", "citations", n, "page") == want[0] && strings.Contains(asked.get("answer", "citations", n, "text"), want[1])
				}
				if !cited {
					t.Errorf("%s: want %v, got %.900s", ask, want, asked.body)
				}
			}
			content := olga.must(t, "GET", "/api/documents/"+d.id()+"/content", "", 200)
			if content.get("blocks", "0", "boxes", "0", "w") == "" {
				t.Errorf("the first block has no place: %.400s", content.body)
			}
			picture := olga.ask(t, "GET", "/api/documents/"+d.id()+"/pages/1?width=400", "", "")
			if want := map[bool]int{true: 404, false: 200}[tt.file == "all.tif"]; picture.status != want || want == 200 && !strings.HasPrefix(picture.body, "\xff\xd8\xff") {
				t.Errorf("the picture of page 1: got %d, want %d: %.200q", picture.status, want, picture.body)
			}
		})
	}
	t.Run("languages", func(t *testing.T) {
		olga.must(t, "PUT", "/api/settings/ocr.languages", `{"value":"eng+tlh"}`, 422)
		olga.must(t, "PUT", "/api/settings/ocr.languages", `{"value":"--help"}`, 422)
		olga.must(t, "PUT", "/api/settings/ocr.languages", `{"value":"deu"}`, 200)
	})
	t.Run("a picture without letters", func(t *testing.T) {
		blank := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9cc\xf8\x0f\x00\x01\x01\x01\x00\x1b\xb6\xeeV\x00\x00\x00\x00IEND\xaeB`\x82"
		if got := olga.settles(t, olga.put(t, base, "blank.png", []byte(blank))); got.get("state") != "failed" || got.get("code") != "file-scanned" && got.get("code") != "file-damaged" || got.get("cure") == "" {
			t.Errorf("got %s", got.body)
		}
		if got := olga.settles(t, olga.put(t, base, "broken.jpg", []byte("\xff\xd8\xff\xe0 nothing"))); got.get("code") != "file-damaged" {
			t.Errorf("got %s", got.body)
		}
		if got := olga.settles(t, olga.put(t, base, "loop.tif", []byte("II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00"))); got.get("code") != "file-damaged" {
			t.Errorf("got %s", got.body)
		}
		bomb := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x00\x00\x00\x00\xde\xad\xbe\xef"
		if got := olga.settles(t, olga.put(t, base, "bomb.png", []byte(bomb))); got.get("state") != "failed" || got.get("cure") == "" {
			t.Errorf("got %s", got.body)
		}
	})
}

// TestManyScannedPages wants a scan of 200 pages to tell how far it is, and to
// stop when it is told to.
func TestManyScannedPages(t *testing.T) {
	t.Parallel()
	_, olga, base := ocrHouse(t)
	page, err := os.ReadFile("testdata/scans/wartung.jpg")
	if err != nil {
		t.Fatal(err)
	}
	id := olga.put(t, base, "binder.pdf", binder(page, 200))
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := olga.must(t, "GET", "/api/documents/"+id, "", 200)
		if got.get("state") == "ready" || got.get("state") == "failed" || time.Now().After(deadline) {
			t.Fatalf("no progress was seen: %s", got.body)
		}
		if n, _ := strconv.Atoi(got.get("progress", "done")); n >= 2 {
			if got.get("progress", "total") != "200" || got.get("progress", "note") != "pages" || got.get("code") != "" {
				t.Errorf("got %s", got.body)
			}
			break
		}
	}
	olga.must(t, "POST", "/api/documents/"+id+"/cancel", "", 202)
	began := time.Now()
	if got := olga.settles(t, id); got.get("state") != "failed" || got.get("code") != "stopped" || time.Since(began) > 20*time.Second {
		t.Errorf("after %s: %s", time.Since(began), got.body)
	}
}

// binder is a PDF of so many pages, all the same JPEG.
func binder(picture []byte, pages int) []byte {
	var b strings.Builder
	var at []int
	object := func(text string) {
		at = append(at, b.Len())
		b.WriteString(strconv.Itoa(len(at)) + " 0 obj" + text + "endobj\n")
	}
	b.WriteString("%PDF-1.4\n")
	var kids strings.Builder
	for i := range pages {
		kids.WriteString(strconv.Itoa(5+i) + " 0 R ")
	}
	content := "q 595 0 0 842 0 0 cm /I Do Q"
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Kids[" + kids.String() + "]/Count " + strconv.Itoa(pages) + ">>")
	object("<</Type/XObject/Subtype/Image/Width 1239/Height 1754/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/DCTDecode/Length " + strconv.Itoa(len(picture)) + ">>stream\n" + string(picture) + "\nendstream ")
	object("<</Length " + strconv.Itoa(len(content)) + ">>stream\n" + content + "\nendstream ")
	for range pages {
		object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</I 3 0 R>>>>>>")
	}
	start := b.Len()
	b.WriteString("xref\n0 " + strconv.Itoa(len(at)+1) + "\n0000000000 65535 f \n")
	for _, n := range at {
		text := strconv.Itoa(n)
		b.WriteString(strings.Repeat("0", 10-len(text)) + text + " 00000 n \n")
	}
	b.WriteString("trailer<</Size " + strconv.Itoa(len(at)+1) + "/Root 1 0 R>>\nstartxref\n" + strconv.Itoa(start) + "\n%%EOF\n")
	return []byte(b.String())
}
