package extract

import (
	"bytes"
	"context"
	"path"
	"strings"

	"chatets/appliance/extract/archive"
	"chatets/appliance/extract/data"
	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/mail"
	"chatets/appliance/extract/office"
	"chatets/appliance/extract/pdf"
	"chatets/appliance/extract/prose"
	"chatets/appliance/fault"
)

// Media types that other rooms name.
const (
	Text     = "text/plain"
	Markdown = "text/markdown"
	PDF      = "application/pdf"
	PNG      = "image/png"
	JPEG     = "image/jpeg"
	TIFF     = "image/tiff"
)

// maxBytes is the most a file may have whose text is only a part of it.
const maxBytes = 256_000_000

// Limit is how many bytes a file of a media type may have.
func Limit(media string) int64 {
	if strings.HasPrefix(media, "text/") || media == "application/json" || media == "application/xml" {
		return doc.MaxBytes
	}
	return maxBytes
}

// reader is what every reader of a format is.
type reader = func(ctx context.Context, in doc.Input, b *doc.Builder) error

// format is a way files are written, and its reader.
type format struct {
	media   string
	endings []string
	begins  []string // one of these, where the format has such a sign
	read    reader
}

const (
	zipped  = "PK\x03\x04"
	open    = "application/vnd.oasis.opendocument."
	office7 = "application/vnd.openxmlformats-officedocument."
	locked7 = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" // an Office file under a password
)

// sourceEndings are those of programs and configuration.
const sourceEndings = ".go .c .h .cc .cpp .hpp .cs .java .kt .scala .swift .rs .py .rb .php .pl .pm .lua .r .m .jl .js .mjs .jsx .ts .tsx .vue .css .scss .less" +
	" .sql .sh .bash .zsh .ps1 .bat .cmd .yaml .yml .toml .ini .cfg .conf .properties .env .tf .proto .graphql .gradle .cmake .mk .dockerfile .tex .bib .diff .patch .st .scl .awl .vb .vbs .bas .pas .f .f90 .asm .s .vhd .v"

func (o options) formats() []format {
	return []format{
		{media: Text, endings: []string{".txt", ".text", ".log", ""}, read: prose.Text},
		{media: Markdown, endings: []string{".md", ".markdown", ".mdown", ".mkd"}, read: prose.Markdown},
		{media: PDF, endings: []string{".pdf"}, begins: []string{"%PDF-"}, read: o.readPDF},
		{media: office7 + "wordprocessingml.document", endings: []string{".docx", ".docm", ".dotx"}, begins: []string{zipped, locked7}, read: office.Docx},
		{media: office7 + "presentationml.presentation", endings: []string{".pptx", ".pptm", ".ppsx"}, begins: []string{zipped, locked7}, read: office.Pptx},
		{media: office7 + "spreadsheetml.sheet", endings: []string{".xlsx", ".xlsm", ".xltx"}, begins: []string{zipped, locked7}, read: office.Xlsx},
		{media: open + "text", endings: []string{".odt", ".ott"}, begins: []string{zipped}, read: office.Odt},
		{media: open + "spreadsheet", endings: []string{".ods", ".ots"}, begins: []string{zipped}, read: office.Ods},
		{media: open + "presentation", endings: []string{".odp", ".otp"}, begins: []string{zipped}, read: office.Odp},
		{media: "application/rtf", endings: []string{".rtf"}, begins: []string{"{\\rtf"}, read: office.Rtf},
		{media: "text/html", endings: []string{".html", ".htm", ".xhtml"}, read: prose.HTML},
		{media: "text/csv", endings: []string{".csv"}, read: data.CSV},
		{media: "text/tab-separated-values", endings: []string{".tsv", ".tab"}, read: data.TSV},
		{media: "application/json", endings: []string{".json", ".jsonl", ".ndjson"}, read: data.JSON},
		{media: "application/xml", endings: []string{".xml"}, read: data.XML},
		{media: "message/rfc822", endings: []string{".eml"}, read: mail.EML},
		{media: "application/mbox", endings: []string{".mbox"}, read: mail.MBOX},
		{media: "application/epub+zip", endings: []string{".epub"}, begins: []string{zipped}, read: archive.EPUB},
		{media: "application/zip", endings: []string{".zip"}, begins: []string{zipped, "PK\x05\x06"}, read: archive.ZIP},
		{media: PNG, endings: []string{".png"}, begins: []string{"\x89PNG"}, read: pdf.Scan},
		{media: JPEG, endings: []string{".jpg", ".jpeg"}, begins: []string{"\xff\xd8\xff"}, read: pdf.Scan},
		{media: TIFF, endings: []string{".tif", ".tiff"}, begins: []string{"II*\x00", "MM\x00*"}, read: pdf.Scan},
		{media: "text/x-source", endings: strings.Fields(sourceEndings), read: prose.Source},
	}
}

// HasSlides reports a type whose pages are slides, each a matter of its own.
func HasSlides(media string) bool { return strings.Contains(media, "presentation") }

// MayHoldPDF reports a type whose files need the PDF parser, or may.
func MayHoldPDF(media string) bool {
	switch media {
	case PDF, "application/zip", "message/rfc822", "application/mbox":
		return true
	}
	return false
}

// HasPictures reports a type whose pages can be drawn as pictures.
func HasPictures(media string) bool { return media == PDF || media == PNG || media == JPEG }

// Type tells the media type of a file by its name and its first bytes; without
// bytes by its name alone. What cannot be read is fault.Unsupported, with a
// sentence that names what can.
func Type(name string, head []byte) (string, error) {
	f, err := (options{}).formatOf(name, head)
	return f.media, err
}

func (o options) formatOf(name string, head []byte) (format, error) {
	ending := strings.ToLower(path.Ext(name))
	f, found := o.ending(ending)
	what := magic(head)
	switch {
	case found && begins(f, head):
		return f, nil
	case what != "":
		return format{}, unreadable("This file is %s, whatever its name says.", what)
	case !found:
		return format{}, unreadable("Files of type %s are not read.", ending)
	}
	// A web page that was saved as a document is read as what it is.
	if start := bytes.ToLower(bytes.TrimSpace(head[:min(len(head), 512)])); bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html")) {
		f, _ = o.ending(".html")
		return f, nil
	}
	return format{}, fault.New(fault.Unsupported, "This file is no %s file, whatever its name says.", strings.ToUpper(strings.TrimPrefix(ending, "."))).
		Cure("It may be damaged or have been renamed: open it in its own program and save it again.")
}

func (o options) ending(ending string) (format, bool) {
	for _, f := range o.formats() {
		for _, e := range f.endings {
			if e == ending {
				return f, true
			}
		}
	}
	return format{}, false
}

// begins reports whether the bytes may be of the format.
func begins(f format, head []byte) bool {
	if len(head) == 0 {
		return true
	}
	if f.begins == nil {
		return magic(head) == ""
	}
	for _, b := range f.begins {
		// A PDF may have a line of something else before it.
		if bytes.HasPrefix(head, []byte(b)) || f.media == PDF && bytes.Contains(head[:min(len(head), 512)], []byte(b)) {
			return true
		}
	}
	return false
}

func unreadable(format string, args ...any) error {
	return fault.New(fault.Unsupported, format, args...).
		Cure("ChatETS reads PDF, Word, PowerPoint, Excel, OpenDocument, RTF, web pages, mails, EPUB, ZIP, scans (PNG, JPEG, TIFF), text, Markdown, CSV, JSON, XML and source code; save it as one of these.")
}

// magic names well-known binary files by how they begin.
func magic(head []byte) string {
	for _, m := range []struct{ begin, what string }{
		{"%PDF-", "a PDF document"}, {zipped, "a ZIP archive or an Office document"}, {locked7, "an old Office document, or one under a password"},
		{"{\\rtf", "an RTF document"}, {"\x89PNG", "a picture"}, {"\xff\xd8\xff", "a picture"}, {"II*\x00", "a picture"}, {"MM\x00*", "a picture"}, {"GIF8", "a picture"}, {"\x1f\x8b", "a compressed file"},
		{"\x7fELF", "a program"}, {"MZ\x90\x00", "a program"}, {"SQLite format 3\x00", "a database"},
	} {
		if strings.HasPrefix(string(head[:min(len(head), 32)]), m.begin) {
			return m.what
		}
	}
	return ""
}
