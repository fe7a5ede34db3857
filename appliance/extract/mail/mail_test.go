package mail_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/mail"
	"chatets/appliance/extract/prose"
	"chatets/appliance/fault"
)

type reader = func(ctx context.Context, in doc.Input, b *doc.Builder) error

func inner(ctx context.Context, name string, data []byte, b *doc.Builder) error {
	switch {
	case strings.HasSuffix(name, ".txt"):
		return prose.Text(ctx, doc.Input{Name: name, Data: data}, b)
	case strings.HasSuffix(name, ".eml"):
		return mail.EML(ctx, doc.Input{Name: name, Data: data, Inner: inner}, b)
	}
	return fault.New(fault.Unsupported, "Files of this type are not read.")
}

func parse(t testing.TB, read reader, source string) (doc.Document, error) {
	t.Helper()
	b := doc.NewBuilder(t.Context())
	if err := read(t.Context(), doc.Input{Name: "a.eml", Data: []byte(source), Inner: inner}, b); err != nil && !doc.Full(err) {
		return doc.Document{}, err
	}
	return b.Document("a.eml")
}

func show(d doc.Document) string {
	var b strings.Builder
	for _, block := range d.Blocks {
		fmt.Fprintf(&b, "%s%d %q\n", block.Kind, block.Level, block.Text)
	}
	return strings.ReplaceAll(b.String(), "0 ", " ")
}

const head = "From: =?utf-8?q?J=C3=BCrgen?= <j@house.test>\r\nTo: a@house.test\r\nSubject: =?iso-8859-1?q?Ger=E4t?=\r\nDate: Mon, 2 Mar 2026 10:11:12 +0100\r\nMIME-Version: 1.0\r\n"

func TestEML(t *testing.T) {
	t.Parallel()
	const top = "heading1 \"Gerät\"\nparagraph \"From: Jürgen <j@house.test>\\nTo: a@house.test\\nDate: Mon, 2 Mar 2026 10:11:12 +0100\"\n"
	for _, tt := range []struct{ name, source, want, note string }{
		{"text with history", head + "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nDie Pumpe l=E4uft.\r\n\r\n> Was ist\r\n> los?\r\n", top + "paragraph \"Die Pumpe läuft.\"\nquote \"Was ist\\nlos?\"\n", ""},
		{"only HTML", head + "Content-Type: text/html\r\n\r\n<style>p{}</style><p>It <b>runs</b>.</p><script>evil()</script>", top + "paragraph \"It runs.\"\n", ""},
		{"text before HTML", head + "Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nPlain.\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>Rich.</p>\r\n--x--\r\n", top + "paragraph \"Plain.\"\n", ""},
		{"attachments", head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee.\r\n--x\r\nContent-Type: text/plain; name=\"..\\\\..\\\\note.txt\"\r\nContent-Disposition: attachment; filename=\"../../note.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\nT25lIG5vdGUu\r\n--x\r\nContent-Type: application/x-odd; name=b.bin\r\nContent-Disposition: attachment; filename=b.bin\r\n\r\nzzz\r\n--x--\r\n",
			strings.Replace(top, "+0100", "+0100\\nAttachments: note.txt, b.bin", 1) + "paragraph \"See.\"\nheading2 \"note.txt\"\nparagraph \"One note.\"\nheading2 \"b.bin\"\n", "The attachment b.bin was not read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := parse(t, mail.EML, tt.source)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(d); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if notes := strings.Join(d.Notes, " "); d.Title != "Gerät" || (tt.note == "") != (notes == "") || !strings.Contains(notes, tt.note) {
				t.Errorf("got title %q, notes %q", d.Title, notes)
			}
		})
	}
}

func TestMBOX(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n", "\r\n"} {
		source := strings.ReplaceAll("From a@house.test Mon\nSubject: One\n\nFirst.\n>From here on.\n\nFrom b@house.test Tue\nSubject: Two\n\nSecond.\n", "\n", end)
		d, err := parse(t, mail.MBOX, source)
		if err != nil {
			t.Fatal(err)
		}
		want := "heading1 \"One\"\nparagraph \"First.\\nFrom here on.\"\nheading1 \"Two\"\nparagraph \"Second.\"\n"
		if got := show(d); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

func TestHostile(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"nesting": head + strings.Repeat("Content-Type: multipart/mixed; boundary=x\n\n--x\n", 5000),
		"parts":   head + "Content-Type: multipart/mixed; boundary=x\n\n" + strings.Repeat("--x\n", 500_000),
	} {
		began := time.Now()
		if _, err := parse(t, mail.EML, source); fault.Of(err).Code != "file-bomb" {
			t.Errorf("%s: got %v, want file-bomb", name, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
	if _, err := parse(t, mail.EML, "\x00\x01\x02"); err == nil || fault.Of(err).Kind == fault.Internal {
		t.Errorf("garbage gave %v", err)
	}
}

func FuzzEML(f *testing.F) {
	f.Add(head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--")
	f.Add("Subject: a\n\n> b\nc")
	f.Fuzz(func(t *testing.T, source string) { parse(t, mail.EML, source) })
}

func FuzzMBOX(f *testing.F) {
	f.Add("From a\nSubject: a\n\nb\n\nFrom c\n\nd")
	f.Fuzz(func(t *testing.T, source string) { parse(t, mail.MBOX, source) })
}
