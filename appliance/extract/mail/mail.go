// Package mail reads e-mails with what is attached to them.
//
// What a newcomer gets wrong: a mail is a file of a stranger in which parts may
// nest and repeat without end, so its marks are counted before it is parsed.
package mail

import (
	"bytes"
	"context"
	"path"
	"strings"

	"github.com/jhillyerd/enmime/v2"

	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/prose"
	"chatets/appliance/fault"
)

const (
	// Bytes. What reads a mail holds up to six times its size at once, and a child
	// is killed at 600 MB.
	maxMail        = 50_000_000
	maxBoundaries  = 100
	maxParts       = 20_000
	maxAttachments = 500
	maxMails       = 50_000
)

// EML reads one mail: subject, sender and receivers, the text, and what is
// attached.
func EML(ctx context.Context, in doc.Input, b *doc.Builder) error {
	title := b.Title
	subject, err := message(ctx, in, in.Data, b)
	if b.Title = title; b.Title == "" {
		b.Title = subject
	}
	return err
}

// MBOX reads a folder of mails, one after the other.
func MBOX(ctx context.Context, in doc.Input, b *doc.Builder) error {
	title := b.Title
	defer func() { b.Title = title }()
	rest := in.Data
	read := 0
	for n := 0; len(rest) > 0; n++ {
		if err := b.Err(); err != nil {
			return err
		}
		if n >= maxMails {
			b.Note("The folder holds very many mails; only its first part was read.")
			break
		}
		var one []byte
		one, rest = cut(rest)
		if len(bytes.TrimSpace(one)) == 0 {
			continue
		}
		if bytes.Contains(one, []byte("\n>From ")) {
			one = bytes.ReplaceAll(one, []byte("\n>From "), []byte("\nFrom "))
		}
		_, err := message(ctx, in, one, b)
		switch {
		case err == nil:
			read++
		case doc.Full(err), ctx.Err() != nil:
			return err
		default:
			b.Note("A mail of the folder was not read: " + fault.Of(err).Sentence)
		}
	}
	if read == 0 {
		return fault.New(fault.Invalid, "There is no mail in the file that can be read.").Code("file-damaged").Cure("Export the folder from the mail program again.")
	}
	return b.Err()
}

// cut takes the first mail off a folder: up to a line that begins with From
// behind an empty one.
func cut(data []byte) (one, rest []byte) {
	if bytes.HasPrefix(data, []byte("From ")) {
		if _, after, found := bytes.Cut(data, []byte("\n")); found {
			data = after
		} else {
			data = nil
		}
	}
	end := len(data)
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte("\nFrom "))
		if i < 0 {
			break
		}
		at += i + 1
		if head := bytes.TrimSuffix(data[:at-1], []byte("\r")); len(head) == 0 || head[len(head)-1] == '\n' {
			end = at
			break
		}
	}
	return data[:end], data[end:]
}

// message reads one mail and returns its subject.
func message(ctx context.Context, in doc.Input, data []byte, b *doc.Builder) (string, error) {
	switch {
	case len(data) > maxMail:
		return "", fault.New(fault.TooLarge, "The mail is larger than %d MB.", maxMail/1_000_000).Cure("Save its attachments and add them themselves.")
	case boundaries(data) > maxBoundaries, bytes.Count(data, []byte("\n--")) > maxParts:
		return "", fault.New(fault.Invalid, "The mail is made of more parts than any mail has.").Code("file-bomb").Cure("Save the text and the attachments that matter and add them themselves.")
	}
	parser := enmime.NewParser(enmime.SkipMalformedParts(true), enmime.DisableTextConversion(true), enmime.MaxStoredPartErrors(20),
		enmime.SetReadPartErrorPolicy(enmime.AllowCorruptTextPartErrorPolicy))
	e, err := parser.ReadEnvelope(bytes.NewReader(data))
	if err != nil || e.Root == nil || len(e.GetHeaderKeys()) == 0 {
		return "", fault.New(fault.Invalid, "The mail is damaged: its parts cannot be told apart.").Code("file-damaged").Cure("Save it again in the mail program.").Because(err)
	}
	subject := doc.OneLine(e.GetHeader("Subject"))
	if subject == "" {
		subject = "(no subject)"
	}
	b.Add(doc.Block{Kind: doc.Heading, Level: 1, Text: subject})
	var lines []string
	for _, name := range []string{"From", "To", "Cc", "Date"} {
		if value := doc.OneLine(e.GetHeader(name)); value != "" {
			lines = append(lines, name+": "+doc.First(value, 1500))
		}
	}
	files := attached(in, e)
	var names []string
	for _, f := range files[:min(len(files), 50)] {
		names = append(names, f.name)
	}
	if len(names) > 0 {
		lines = append(lines, "Attachments: "+doc.First(strings.Join(names, ", "), 1500))
	}
	b.Add(doc.Block{Kind: doc.Paragraph, Role: doc.Header, Text: strings.Join(lines, "\n")})
	if err := b.Within(1, func() error { return body(ctx, e, b) }); err != nil {
		return subject, err
	}
	return subject, attachments(ctx, in, files, b)
}

// boundaries counts the marks that say where the parts of a mail end, without a
// second copy of it.
func boundaries(data []byte) int {
	mark := []byte("boundary=")
	n := 0
	for {
		i := bytes.IndexByte(data, '=')
		if i < 0 {
			return n
		}
		if i+1 >= len(mark) && bytes.EqualFold(data[i+1-len(mark):i+1], mark) {
			n++
		}
		data = data[i+1:]
	}
}

func body(ctx context.Context, e *enmime.Envelope, b *doc.Builder) error {
	plain := strings.TrimSpace(e.Text)
	// "This mail has no text version" is no text.
	if plain == "" || e.HTML != "" && len(plain) < 80 && len(e.HTML) > 20*len(plain) && !strings.Contains(e.HTML, plain) {
		if e.HTML != "" {
			err := prose.HTML(ctx, doc.Input{Name: "mail.html", Data: []byte(e.HTML)}, b)
			return lenient(ctx, err, b, "The text of a mail was not read: ")
		}
	}
	if plain == "" {
		return b.Err()
	}
	for _, part := range history(doc.Clean(e.Text)) {
		if part.quoted {
			for text := range strings.SplitSeq(part.text, "\n\n") {
				b.Add(doc.Block{Kind: doc.Quote, Text: text})
			}
			continue
		}
		if strings.TrimSpace(part.text) == "" {
			continue
		}
		if err := lenient(ctx, prose.Text(ctx, doc.Input{Data: []byte(part.text)}, b), b, "The text of a mail was not read: "); err != nil {
			return err
		}
	}
	return b.Err()
}

type part struct {
	quoted bool
	text   string
}

// history tells what was written from what an answer quotes.
func history(text string) []part {
	var parts []part
	var lines []string
	quoted, old := false, false
	end := func() {
		if len(lines) > 0 {
			parts = append(parts, part{quoted, strings.Join(lines, "\n")})
		}
		lines = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		bare := strings.TrimSpace(line)
		old = old || strings.HasPrefix(bare, "-----Original Message-----") || strings.HasPrefix(bare, "-----Ursprüngliche Nachricht-----") || strings.HasPrefix(bare, "-----Message d'origine-----")
		is := old || strings.HasPrefix(bare, ">")
		if is != quoted && (bare != "" || is) {
			end()
			quoted = is
		}
		if is {
			line = strings.TrimLeft(bare, "> ")
		}
		lines = append(lines, line)
	}
	end()
	return parts
}

// file is what is attached to a mail.
type file struct {
	name string
	data []byte
}

// attached lists the files of a mail that are read: pictures in its text are not.
func attached(in doc.Input, e *enmime.Envelope) []file {
	var parts []*enmime.Part
	parts = append(append(append(parts, e.Attachments...), e.Inlines...), e.OtherParts...)
	var files []file
	for _, p := range parts {
		name := fileName(p)
		picture := strings.HasPrefix(p.ContentType, "image/") && p.Disposition != "attachment"
		if name == "" || picture || len(p.Content) == 0 || in.Inner == nil {
			continue
		}
		files = append(files, file{name, p.Content})
	}
	return files
}

// attachments reads each file of a mail under a heading with its name.
func attachments(ctx context.Context, in doc.Input, files []file, b *doc.Builder) error {
	for i, f := range files {
		if err := b.Err(); err != nil {
			return err
		}
		if i >= maxAttachments {
			b.Note("A mail has very many attachments; only the first were read.")
			break
		}
		title := b.Title
		b.Add(doc.Block{Kind: doc.Heading, Level: 2, Role: doc.Attachment, Text: f.name})
		err := b.Within(2, func() error { return in.Inner(ctx, f.name, f.data, b) })
		b.Title = title
		if err := lenient(ctx, err, b, "The attachment "+f.name+" was not read: "); err != nil {
			return err
		}
	}
	return b.Err()
}

// fileName is the attachment's name without any path.
func fileName(p *enmime.Part) string {
	name := doc.OneLine(strings.ReplaceAll(doc.Clean(p.FileName), "\\", "/"))
	if name = path.Base(name); name == "." || name == "/" || name == ".." {
		name = ""
	}
	switch {
	case p.ContentType == "message/rfc822" && !strings.HasSuffix(strings.ToLower(name), ".eml"):
		return strings.TrimSpace(name + " message.eml")
	case name == "" && p.ContentType == "text/html":
		return "attachment.html"
	case name == "" && p.ContentType == "text/plain":
		return "attachment.txt"
	}
	return doc.First(name, 200)
}

// lenient makes a note of what one file could not be read for. Only what ends
// the whole document goes on as an error.
func lenient(ctx context.Context, err error, b *doc.Builder, what string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, doc.Full(err), fault.Of(err).Code == "file-bomb":
		return err
	}
	b.Note(what + fault.Of(err).Sentence)
	return nil
}
