package extract_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatets/appliance/extract"
)

// structure writes what a reader needs besides kinds and text: roles, languages,
// files, where tables begin, and the columns of their cells.
func structure(d extract.Document) string {
	var b strings.Builder
	for _, block := range d.Blocks {
		mark := ""
		if block.First {
			mark = "+"
		}
		var cells []string
		for _, c := range block.Grid {
			cells = append(cells, fmt.Sprintf("%d=%s", c.Column, string([]rune(block.Text)[c.From:c.To])))
		}
		text := block.Text
		if len(cells) > 0 {
			text = strings.Join(cells, " ")
		}
		fmt.Fprintf(&b, "%s%s %s\n", mark, strings.Join(strings.Fields(strings.Join([]string{block.Kind, block.Role, block.Lang, block.File}, " ")), " "), text)
	}
	return b.String()
}

func TestStructure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, data, want string }{
		{"a table of Markdown", "a.md", "| | Max |\n|---|---|\n| P-1 | 7 |\n| | 8 |\n\n| B |\n|---|\n| x |\n",
			"+row head 2=Max\nrow 1=P-1 2=7\nrow 2=8\n+row head 1=B\nrow 1=x\n"},
		{"code of Markdown", "a.md", "```go title=x\nfunc a() {}\n```\n\n```<script>\nx\n```\n", "code go func a() {}\ncode x\n"},
		{"tables of a page", "a.html", "<table><thead><tr><th>A<th>B<tbody><tr><td>1<td>2</table><table><tr><th>C</th><th>D</th></tr><tr><td></td><td>4</td></tr></table><table><tr><td>plain</td></tr></table>",
			"+row head 1=A 2=B\nrow 1=1 2=2\n+row head 1=C 2=D\nrow 2=4\n+row 1=plain\n"},
		{"code of a page", "a.html", `<pre><code class="x language-Python">a = 1</code></pre><pre>b</pre>`, "code python a = 1\ncode b\n"},
		{"a table of values", "a.csv", "Part,,Place\nO-ring,x,\n,y,C7\n", "+row head 1=Part 3=Place\nrow 1=O-ring 2=x\nrow 2=y 3=C7\n"},
		{"source", "a.py", "x = 1\n", "code py x = 1\n"},
		{"a mail", "a.eml", "From: a@b.test\r\nSubject: S\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee.\r\n--x\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=n.csv\r\n\r\na,b\r\n--x--\r\n",
			"heading S\nparagraph header From: a@b.test\nAttachments: n.csv\nparagraph See.\nheading attachment n.csv\n+row n.csv 1=a 2=b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := extract.Parse(t.Context(), tt.file, []byte(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if got := structure(d); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
	for _, tt := range []struct {
		file  string
		lines []string
	}{
		{"report.docx", []string{"+row 1=Drug", "paragraph footnote Footnote 1: "}},
		{"report.odt", []string{"+row 1=Drug", "paragraph footnote Footnote 1: "}},
		{"talk.pptx", []string{"paragraph notes Notes: "}},
		{"talk.odp", []string{"paragraph notes Notes: "}},
		{"figures.xlsx", []string{"+row 1="}},
		{"figures.ods", []string{"+row 1="}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("office", "testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			d, err := extract.Parse(t.Context(), tt.file, data)
			if err != nil {
				t.Fatal(err)
			}
			got := structure(d)
			for _, want := range tt.lines {
				if !strings.Contains("\n"+got, "\n"+want) {
					t.Errorf("the structure lacks %q:\n%s", want, got)
				}
			}
		})
	}
}
