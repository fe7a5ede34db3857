package extract

import (
	"context"
	"path"
	"strings"

	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/prose"
	"chatets/appliance/fault"
)

// The media types that are read.
const (
	Text     = "text/plain"
	Markdown = "text/markdown"
)

// MaxBytes is the most a file may have.
const MaxBytes = doc.MaxBytes

// format is a way files are written, and its reader.
type format struct {
	media   string
	endings []string
	read    func(ctx context.Context, in doc.Input, b *doc.Builder) error
}

func formats() []format {
	return []format{
		{Text, []string{".txt", ".text", ".log", ""}, prose.Text},
		{Markdown, []string{".md", ".markdown", ".mdown", ".mkd"}, prose.Markdown},
	}
}

// Type tells the media type of a file by its name and its first bytes. What
// cannot be read is fault.Unsupported, with a sentence that names what can.
func Type(name string, head []byte) (string, error) {
	f, err := formatOf(name, head)
	return f.media, err
}

func formatOf(name string, head []byte) (format, error) {
	ending := strings.ToLower(path.Ext(name))
	if what := magic(head); what != "" {
		return format{}, unreadable("This file is %s, whatever its name says.", what)
	}
	for _, f := range formats() {
		for _, e := range f.endings {
			if e == ending {
				return f, nil
			}
		}
	}
	return format{}, unreadable("Files of type %s are not read yet.", ending)
}

func unreadable(format string, args ...any) error {
	return fault.New(fault.Unsupported, format, args...).Cure("Add it as plain text (.txt) or Markdown (.md); these are read today.")
}

// magic names well-known binary files by how they begin.
func magic(head []byte) string {
	for _, m := range []struct{ begin, what string }{
		{"%PDF-", "a PDF document"}, {"PK\x03\x04", "a ZIP archive or an Office document"}, {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"},
		{"{\\rtf", "an RTF document"}, {"\x89PNG", "a picture"}, {"\xff\xd8\xff", "a picture"}, {"GIF8", "a picture"}, {"\x1f\x8b", "a compressed file"},
		{"\x7fELF", "a program"}, {"MZ\x90\x00", "a program"}, {"SQLite format 3\x00", "a database"},
	} {
		if strings.HasPrefix(string(head[:min(len(head), 32)]), m.begin) {
			return m.what
		}
	}
	return ""
}
