package office

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func par(text string) string { return `<w:p><w:r><w:t>` + text + `</w:t></w:r></w:p>` }

func TestRead(t *testing.T) {
	t.Parallel()
	tc := func(pr, body string) string { return `<w:tc><w:tcPr>` + pr + `</w:tcPr>` + body + `</w:tc>` }
	for _, tt := range []struct {
		name string
		read reader
		data []byte
		want string
	}{
		{"styles by localised name and outline", Docx, docxOf(t,
			`<w:p><w:pPr><w:pStyle w:val="berschrift2"/></w:pPr><w:r><w:t>Pumpen</w:t></w:r></w:p><w:p><w:pPr><w:pStyle w:val="Own"/></w:pPr><w:r><w:t>Third</w:t></w:r></w:p><w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>First</w:t></w:r></w:p>`,
			"word/styles.xml", `<w:styles><w:style w:styleId="berschrift2"><w:name w:val="Überschrift 2"/></w:style><w:style w:styleId="Base"><w:name w:val="base"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style><w:style w:styleId="Own"><w:name w:val="own"/><w:basedOn w:val="Base"/></w:style></w:styles>`),
			"heading 2: Pumpen\nheading 3: Third\nheading 1: First\n"},
		{"tracked changes", Docx, docxOf(t, `<w:p><w:r><w:t xml:space="preserve">Dose </w:t></w:r><w:del><w:r><w:delText>5</w:delText><w:t>6</w:t></w:r></w:del><w:ins><w:r><w:t>10</w:t></w:r></w:ins><w:r><w:t xml:space="preserve"> mg</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>`),
			"paragraph: Dose 10 mg\n"},
		{"deleted end of a paragraph", Docx, docxOf(t, `<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t xml:space="preserve">one </w:t></w:r></w:p>`+par("two")), "paragraph: one two\n"},
		{"numbered list", Docx, docxOf(t, strings.Repeat(`<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="4"/></w:numPr></w:pPr><w:r><w:t>a</w:t></w:r></w:p><w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="4"/></w:numPr></w:pPr><w:r><w:t>b</w:t></w:r></w:p>`, 2),
			"word/numbering.xml", `<w:numbering><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl></w:abstractNum><w:num w:numId="4"><w:abstractNumId w:val="1"/></w:num></w:numbering>`),
			"item 1: 1. a\nitem 2: 1.a) b\nitem 1: 2. a\nitem 2: 2.a) b\n"},
		{"table with merged cells and a table inside", Docx, docxOf(t, `<w:tbl><w:tr>`+tc(`<w:vMerge w:val="restart"/>`, par("Heparin"))+tc(`<w:gridSpan w:val="2"/>`, par("wide"))+tc("", par("x"))+`</w:tr><w:tr>`+tc(`<w:vMerge/>`, `<w:p/>`)+tc("", par("5 IU")+par("slowly"))+tc("", `<w:tbl><w:tr>`+tc("", par("in"))+tc("", par("side"))+`</w:tr></w:tbl>`)+tc("", par("y"))+`</w:tr></w:tbl>`),
			"row: Heparin | wide |  | x\nrow: Heparin | 5 IU slowly |  | y\nrow: in | side\n"},
		{"notes and a text box once", Docx, docxOf(t, `<w:p><w:r><w:t>Body</w:t><w:footnoteReference w:id="2"/></w:r><w:r><mc:AlternateContent><mc:Choice><w:drawing><w:txbxContent>`+par("boxed")+`</w:txbxContent></w:drawing></mc:Choice><mc:Fallback><w:pict><w:txbxContent>`+par("boxed")+`</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>`,
			"word/footnotes.xml", `<w:footnotes><w:footnote w:type="separator" w:id="0">`+par("-")+`</w:footnote><w:footnote w:id="2">`+par("at the foot")+`</w:footnote></w:footnotes>`),
			"paragraph: Body\nparagraph: Footnote 1: at the foot\nparagraph: boxed\n"},
		{"sheet", Xlsx, xlsxOf(t, `<sheetData><row r="2"><c r="B2" t="s"><v>0</v></c><c r="C2" t="inlineStr"><is><t>in</t></is></c></row><row r="3"><c r="C3" s="1"><v>46095</v></c><c r="D3" s="2"><f>1/8</f><v>0.125</v></c></row><row r="9"><c r="C9" t="b"><v>1</v></c></row></sheetData><mergeCells><mergeCell ref="B2:B3"/></mergeCells>`,
			"xl/worksheets/sheet2.xml", `<worksheet><sheetData><row><c t="str"><v>secret</v></c></row></sheetData></worksheet>`,
			"xl/sharedStrings.xml", `<sst><si><r><t>Pu</t></r><r><t>mp</t></r><rPh><t>sound</t></rPh></si></sst>`,
			"xl/styles.xml", `<styleSheet><numFmts><numFmt numFmtId="165" formatCode="dd.mm.yyyy"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="165"/><xf numFmtId="10"/></cellXfs></styleSheet>`),
			"heading 1 One!: One\nrow One!B2:C2: Pump | in\nrow One!B3:D3: Pump | 14.03.2026 | 12.50%\nrow One!C9: | TRUE\n"},
		{"slides in the order of the presentation", Pptx, pptxOf(t,
			`<p:sp><p:txBody><a:p><a:r><a:t>free</a:t></a:r></a:p></p:txBody></p:sp><p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>Last</a:t></a:r></a:p></p:txBody></p:sp>`,
			`<p:sp><p:nvSpPr><p:nvPr><p:ph idx="1"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:pPr lvl="1"/><a:r><a:t>point</a:t></a:r></a:p></p:txBody></p:sp><p:sp><p:nvSpPr><p:nvPr><p:ph type="sldNum"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:fld><a:t>7</a:t></a:fld></a:p></p:txBody></p:sp>`),
			"item 2 page 1: point\nheading 1 page 2: Last\nparagraph page 2: free\n"},
		{"text with repeats", Odt, odfOf(t, "text", `<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes><text:h text:outline-level="2">Head</text:h><text:p>a<text:s text:c="999999999"/>b</text:p>`), "heading 2: Head\nparagraph: a" + strings.Repeat(" ", 100) + "b\n"},
		{"sheet with repeats to its end", Ods, odfOf(t, "spreadsheet", `<table:table table:name="S"><table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="2"><text:p>v</text:p></table:table-cell><table:table-cell table:number-columns-repeated="99999999999"/></table:table-row><table:table-row table:number-rows-repeated="1048574"><table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>`),
			"heading 1 S!: S\nrow S!A1:B1: v | v\nrow S!A2:B2: v | v\n"},
		{"rich text", Rtf, []byte(`{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}{\stylesheet{\s1 heading 1;}}{\info{\title Ward rules}}{\header no}\pard\s1 Gr\'f6\'dfe\par\pard{\f1\'cf\'f0}\u8364\'80 {\*\unknown no}{\pict\bin4 }}}}x}done{\v hid}\par\trowd\intbl a\cell b\cell\row\pard\uc2\u20013??!\par}`),
			"heading 1: Größe\nparagraph: Пр€ done\nrow: a | b\nparagraph: 中!\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := readAll(t, tt.read, "x", tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(d); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestNumberFormats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code string
		n    float64
		want string
	}{
		{"", 0.1 + 0.2, "0.3"}, {"General", -12, "-12"}, {"#,##0.00", -1234567.891, "-1,234,567.89"}, {"0.00", 1.005, "1.01"},
		{"#,##0.00 [$€-407]", 12.5, "12.50 €"}, {`"No. "0000`, 42, "No. 0042"}, {"0%", 0.256, "26%"}, {"0;(0)", -3, "(3)"}, {"0;-0;\"none\"", 0, "none"},
		{"yyyy-mm-dd hh:mm", 46095.75, "2026-03-14 18:00"}, {"h:mm AM/PM", 0.5, "12:00 PM"}, {"[h]:mm", 1.5, "36:00"}, {"mm:ss", 0.001, "01:26"},
		{"d. mmmm yyyy", 1, "1. January 1900"}, {"0.0,\"k\"", 12345, "12.3k"}, {"0.00E+00", 12345, "1.23E+04"}, {"#.##", 0.5, ".5"},
	} {
		if got := parseFormat(tt.code).show(tt.n, false); got != tt.want {
			t.Errorf("%q of %v: got %q want %q", tt.code, tt.n, got, tt.want)
		}
	}
}

var update = flag.Bool("update", false, "write what is read of the documents in testdata as expected")

// TestRealFiles reads documents that LibreOffice wrote (testdata/make.sh).
func TestRealFiles(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]reader{"report.docx": Docx, "report.odt": Odt, "report.rtf": Rtf, "figures.xlsx": Xlsx, "figures.ods": Ods, "talk.pptx": Pptx, "talk.odp": Odp} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			d, err := readAll(t, read, name, data)
			if err != nil {
				t.Fatal(err)
			}
			got := "title: " + d.Title + "\n" + shown(d) + strings.Join(d.Notes, "\n")
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
