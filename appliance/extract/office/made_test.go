package office

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"chatets/appliance/extract/doc"
)

type reader func(context.Context, doc.Input, *doc.Builder) error

// zipped makes an archive of names and contents, in this order.
func zipped(t testing.TB, parts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(parts[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const wNS = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="urn:mc" xmlns:r="urn:r"`

func docxOf(t testing.TB, body string, more ...string) []byte {
	return zipped(t, append([]string{"[Content_Types].xml", "<Types/>", "word/document.xml", `<w:document ` + wNS + `><w:body>` + body + `</w:body></w:document>`}, more...)...)
}

func xlsxOf(t testing.TB, rows string, more ...string) []byte {
	return zipped(t, append([]string{
		"xl/workbook.xml", `<workbook xmlns:r="urn:r"><sheets><sheet name="One" r:id="rId1"/><sheet name="Gone" state="hidden" r:id="rId2"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="x/worksheet" Target="worksheets/sheet2.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml", `<worksheet>` + rows + `</worksheet>`}, more...)...)
}

func pptxOf(t testing.TB, slides ...string) []byte {
	list, rels := "", ""
	var parts []string
	for i := range slides {
		// The order of the presentation is not the order of the names.
		list = fmt.Sprintf(`<p:sldId id="%d" r:id="rId%d"/>`, 256+i, i) + list
		rels += fmt.Sprintf(`<Relationship Id="rId%d" Type="x/slide" Target="slides/slide%d.xml"/>`, i, i+1)
		parts = append(parts, fmt.Sprintf("ppt/slides/slide%d.xml", i+1), `<p:sld><p:cSld><p:spTree>`+slides[i]+`</p:spTree></p:cSld></p:sld>`)
	}
	return zipped(t, append(parts, "ppt/presentation.xml", `<p:presentation><p:sldIdLst>`+list+`</p:sldIdLst></p:presentation>`,
		"ppt/_rels/presentation.xml.rels", `<Relationships>`+rels+`</Relationships>`)...)
}

func odfOf(t testing.TB, kind, body string) []byte {
	return zipped(t, "mimetype", "application/vnd.oasis.opendocument."+kind, "content.xml",
		`<office:document-content><office:body><office:`+kind+`>`+body+`</office:`+kind+`></office:body></office:document-content>`)
}

// shown is what was read, one block a line.
func shown(d doc.Document) string {
	var out strings.Builder
	for _, b := range d.Blocks {
		fmt.Fprintf(&out, "%s", b.Kind)
		if b.Level > 0 {
			fmt.Fprintf(&out, " %d", b.Level)
		}
		if b.Page > 0 {
			fmt.Fprintf(&out, " page %d", b.Page)
		}
		if b.Sheet != "" {
			fmt.Fprintf(&out, " %s!%s", b.Sheet, b.Cells)
		}
		fmt.Fprintf(&out, ": %s\n", strings.ReplaceAll(b.Text, "\n", "⏎"))
	}
	return out.String()
}

func readAll(t testing.TB, read reader, name string, data []byte) (doc.Document, error) {
	t.Helper()
	b := doc.NewBuilder(t.Context())
	if err := read(t.Context(), doc.Input{Name: name, Data: data}, b); err != nil && !doc.Full(err) {
		return doc.Document{}, err
	}
	return b.Document(name)
}

// TestHeadRows tells the rows that name columns from the others, and where one
// table ends and the next begins.
func TestHeadRows(t *testing.T) {
	t.Parallel()
	row := func(pr string, cells ...string) string {
		out := `<w:tr>` + pr
		for _, c := range cells {
			out += `<w:tc><w:p><w:r><w:t>` + c + `</w:t></w:r></w:p></w:tc>`
		}
		return out + `</w:tr>`
	}
	slide := func(first string) string {
		return `<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tblPr firstRow="` + first + `"/><a:tr><a:tc><a:txBody><a:p><a:r><a:t>A</a:t></a:r></a:p></a:txBody></a:tc></a:tr>` +
			`<a:tr><a:tc><a:txBody><a:p><a:r><a:t>1</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></a:graphicData></a:graphic></p:graphicFrame>`
	}
	cell := func(text string) string { return `<table:table-cell><text:p>` + text + `</text:p></table:table-cell>` }
	for _, tt := range []struct {
		name string
		read reader
		data []byte
		want string
	}{
		{"marked in Word", Docx, docxOf(t, `<w:tbl>`+row(`<w:trPr><w:tblHeader/></w:trPr>`, "A", "B")+row("", "1", "2")+`</w:tbl><w:tbl>`+row("", "x")+`</w:tbl>`), "+head A | B; 1 | 2; + x; "},
		{"by the look in Word", Docx, docxOf(t, `<w:tbl><w:tblPr><w:tblLook w:firstRow="1"/></w:tblPr>`+row("", "A")+row("", "1")+`</w:tbl>`), "+head A; 1; "},
		{"in OpenDocument", Odt, odfOf(t, "text", `<table:table><table:table-header-rows><table:table-row>`+cell("A")+`</table:table-row></table:table-header-rows><table:table-row>`+cell("1")+`</table:table-row></table:table>`), "+head A; 1; "},
		{"on a slide", Pptx, pptxOf(t, slide("1")), "+head A; 1; "},
		{"not on a slide", Pptx, pptxOf(t, slide("0")), "+ A; 1; "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := readAll(t, tt.read, "a", tt.data)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, b := range d.Blocks {
				if b.Kind != doc.Row {
					continue
				}
				if b.First {
					got += "+" + b.Role + " "
				}
				got += b.Text + "; "
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
