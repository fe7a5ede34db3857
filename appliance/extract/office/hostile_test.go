package office

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// TestHostile gives readers what strangers may send: each gets a clear fault.
func TestHostile(t *testing.T) {
	t.Parallel()
	good := docxOf(t, par(strings.Repeat("text ", 2000)))
	zeros := strings.Repeat(" ", 80_000_000)
	for _, tt := range []struct {
		name string
		read reader
		data []byte
		code string
	}{
		{"empty", Docx, nil, "invalid"},
		{"no archive", Docx, []byte("hello"), "unsupported"},
		{"PDF by another name", Xlsx, []byte("%PDF-1.7"), "unsupported"},
		{"sheet by another name", Docx, xlsxOf(t, ""), "unsupported"},
		{"archive of other files", Pptx, zipped(t, "a.txt", "a"), "unsupported"},
		{"truncated archive", Docx, good[:len(good)/2], "file-damaged"},
		{"truncated XML", Docx, zipped(t, "word/document.xml", `<w:document><w:body><w:p><w:r><w:t>half`), "file-damaged"},
		{"entities", Docx, zipped(t, "word/document.xml", `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><w:document><w:body>&b;</w:body></w:document>`), "file-bomb"},
		{"deep", Docx, docxOf(t, strings.Repeat(`<w:tbl><w:tr><w:tc>`, 50_000)), "file-bomb"},
		{"deep ODF", Odt, odfOf(t, "text", strings.Repeat(`<text:list><text:list-item>`, 50_000)), "file-bomb"},
		{"unpacks to much", Docx, docxOf(t, zeros), "file-bomb"},
		{"one long text", Xlsx, xlsxOf(t, `<sheetData><row><c t="inlineStr"><is><t>`+strings.Repeat("ab1 ", 2_000_000)), "file-bomb"},
		{"deep groups", Rtf, []byte(`{\rtf1` + strings.Repeat("{", 100_000)), "file-bomb"},
		{"half an RTF", Rtf, []byte(`{\rtf1{\fonttbl`), "file-damaged"},
		{"old Word file", Docx, compound("WordDocument"), "unsupported"},
		{"locked file", Xlsx, compound("EncryptedPackage"), "file-locked"},
		{"locked ODF", Odt, zipped(t, "META-INF/manifest.xml", `<m:manifest><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>`, "content.xml", "x"), "file-lock-unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := readAll(t, tt.read, "x", tt.data)
			report := fault.Of(err)
			if err == nil || report.Code != tt.code || report.Cure == "" {
				t.Errorf("got %v (%s, cure %q), want %s", err, report.Code, report.Cure, tt.code)
			}
		})
	}
}

// compound is an old Office file of which only the name of a stream is real.
func compound(stream string) []byte {
	name := ""
	for _, c := range stream {
		name += string(c) + "\x00"
	}
	return append([]byte(compoundMark), append(make([]byte, 1528), name...)...)
}

// TestMany reads inner files beyond what an office document has.
func TestMany(t *testing.T) {
	t.Parallel()
	var parts []string
	for i := range maxEntries + 1 {
		parts = append(parts, strings.Repeat("a", i%50)+string(rune('a'+i%26)), "")
	}
	if _, err := readAll(t, Docx, "x", zipped(t, parts...)); fault.Of(err).Code != "file-bomb" {
		t.Errorf("got %v", err)
	}
}

// TestGiantSheet holds memory while a sheet of many rows is read, and stops at once.
func TestGiantSheet(t *testing.T) {
	rows := strings.Repeat(`<row><c t="inlineStr"><is><t>x</t></is></c><c><v>1</v></c></row>`, 600_000)
	data := xlsxOf(t, "<sheetData>"+rows+"</sheetData>")
	rows = ""
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b := doc.NewBuilder(t.Context())
	started := time.Now()
	err := Xlsx(t.Context(), doc.Input{Data: data}, b)
	runtime.ReadMemStats(&after)
	if !doc.Full(err) {
		t.Errorf("got %v", err)
	}
	t.Logf("%d blocks in %v, heap %d MB", len(b.Blocks()), time.Since(started), (after.HeapAlloc-before.HeapAlloc)>>20)
	if after.HeapSys > 900<<20 {
		t.Errorf("heap of %d MB", after.HeapSys>>20)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := Xlsx(ctx, doc.Input{Data: data}, doc.NewBuilder(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func FuzzDocx(f *testing.F) { fuzz(f, Docx, "report.docx", docxOf(f, par("seed"))) }
func FuzzPptx(f *testing.F) { fuzz(f, Pptx, "talk.pptx", pptxOf(f, `<p:sp/>`)) }
func FuzzXlsx(f *testing.F) { fuzz(f, Xlsx, "figures.xlsx", xlsxOf(f, `<sheetData/>`)) }
func FuzzOdt(f *testing.F)  { fuzz(f, Odt, "report.odt", odfOf(f, "text", "<text:p>a</text:p>")) }
func FuzzOds(f *testing.F)  { fuzz(f, Ods, "figures.ods", odfOf(f, "spreadsheet", "<table:table/>")) }
func FuzzOdp(f *testing.F)  { fuzz(f, Odp, "talk.odp", odfOf(f, "presentation", "<draw:page/>")) }
func FuzzRtf(f *testing.F) {
	fuzz(f, Rtf, "report.rtf", []byte(`{\rtf1 a\'e4\u-4\par\intbl b\cell\row}`))
}

// FuzzXML changes the XML itself: changes to a packed file seldom get through.
func FuzzXML(f *testing.F) {
	f.Add(par("a")+`<w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>`, byte(0))
	f.Add(`<sheetData><row r="9"><c r="B9" t="s"><v>1</v></c></row></sheetData><mergeCell ref="A1:B9"/>`, byte(1))
	f.Add(`<p:sp><p:txBody><a:p><a:r><a:t>x</a:t></a:r></a:p></p:txBody></p:sp>`, byte(2))
	f.Add(`<text:list><text:list-item><text:p>a<text:s text:c="9"/></text:p></text:list-item></text:list>`, byte(3))
	f.Add(`<table:table><table:table-row table:number-rows-repeated="9"><table:table-cell table:number-columns-repeated="9"><text:p>a</text:p></table:table-cell></table:table-row></table:table>`, byte(4))
	f.Fuzz(func(t *testing.T, body string, kind byte) {
		switch kind % 5 {
		case 0:
			check(t, Docx, docxOf(t, body))
		case 1:
			check(t, Xlsx, xlsxOf(t, body))
		case 2:
			check(t, Pptx, pptxOf(t, body))
		case 3:
			check(t, Odt, odfOf(t, "text", body))
		case 4:
			check(t, Ods, odfOf(t, "spreadsheet", body))
		}
	})
}

func fuzz(f *testing.F, read reader, name string, seed []byte) {
	if data, err := os.ReadFile(filepath.Join("testdata", name)); err == nil {
		f.Add(data)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) { check(t, read, data) })
}

// check reads a file: whatever it holds, the failure is classed and says a cure.
func check(t *testing.T, read reader, data []byte) {
	t.Helper()
	if _, err := readAll(t, read, "x", bytes.Clone(data)); err != nil {
		if r := fault.Of(err); r.Kind == fault.Internal || r.Cure == "" {
			t.Errorf("not classed: %v", err)
		}
	}
}
