package extract

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// weighed is a document that tells how much memory its reader took at most.
func weighed(d Document) (Document, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	b := doc.NewBuilder(context.Background())
	b.Add(Block{Kind: Paragraph, Text: fmt.Sprintf("%d blocks, %d MB, %v", len(d.Blocks), u.Maxrss>>10, err)})
	return b.Document("x")
}

// TestGiantsAreBounded reads the largest mails, folders of mails and pages: each
// is read within what a child may occupy, so that none is killed in mid-work. A
// table of millions of rows may be refused for what it takes, and for no other
// reason. Without cgo the files are as large as they may be, which is the form
// that is shipped.
func TestGiantsAreBounded(t *testing.T) {
	t.Parallel()
	size := 31_000_000
	if !limitSpace {
		size = 2 << 20 // under the race detector everything takes many times the memory
	}
	line := strings.Repeat("The pump of the cold store is greased each week by the duty engineer. ", 14) + "\n"
	text := strings.Repeat(line, size/len(line))
	f := fence(t, nil)
	for _, tt := range []struct {
		name  string
		heavy bool // may take more than a child has
		make  func() string
	}{
		{"page.html", false, func() string { return "<html><body><p>" + strings.ReplaceAll(text, "\n", "</p>\n<p>") + "</p>" }},
		{"one.html", false, func() string { return "<html><body><p>" + strings.ReplaceAll(text, "\n", " ") + "</p>" }},
		{"rows.html", true, func() string { return "<table>" + strings.Repeat("<tr><td>a<td>b", size/14) + "</table>" }},
		{"mail.eml", false, func() string { return letter(text[:size/40], 45) }},
		{"one.eml", false, func() string { return letter(text, 1) }},
		{"box.mbox", false, func() string {
			return strings.Repeat("From a@b Mon Jan  1 00:00:00 2024\n"+letter(text[:size/40], 3)+"\n\n", 20)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := tt.make()
			d, err := read(t, f, "weigh."+tt.name, body)
			if err != nil {
				r := fault.Of(err)
				t.Logf("%d MB: %v %s", len(body)>>20, err, r.Code)
				if r.Kind != fault.TooLarge && r.Kind != fault.Invalid || r.Code == "file-too-heavy" && !tt.heavy || r.Code == "file-crashed" || r.Cure == "" {
					t.Errorf("refused: %+v", r)
				}
				return
			}
			var blocks, most int
			if _, err := fmt.Sscanf(texts(d), "%d blocks, %d MB, <nil>", &blocks, &most); err != nil {
				t.Fatalf("%q: %v", texts(d), err)
			}
			t.Logf("%d MB: %s", len(body)>>20, texts(d))
			if most < 1 || limitSpace && int64(most)<<20 > f.limits.memory {
				t.Errorf("%d MB", most)
			}
		})
	}
}

// letter is a mail with so many texts attached.
func letter(text string, files int) string {
	var b bytes.Buffer
	b.WriteString("From: a@house.test\r\nTo: b@house.test\r\nSubject: Giant\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n")
	code := base64.StdEncoding.EncodeToString([]byte(text))
	var lines strings.Builder
	for ; len(code) > 76; code = code[76:] {
		lines.WriteString(code[:76] + "\r\n")
	}
	lines.WriteString(code + "\r\n")
	for i := range files {
		fmt.Fprintf(&b, "--x\r\nContent-Type: text/plain; name=part%d.txt\r\nContent-Disposition: attachment; filename=part%d.txt\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", i, i, lines.String())
	}
	b.WriteString("--x--\r\n")
	return b.String()
}
