// Package archive reads files that hold others: ZIP archives and EPUB books.
//
// What a newcomer gets wrong: what an archive says about its sizes is a claim.
// Bytes are counted as they come out, over all archives inside each other.
package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

const (
	maxEntries = 100_000     // more is no archive of documents
	maxRead    = 5_000       // entries that are read, over all archives
	maxEntry   = 128_000_000 // bytes of one
	maxRatio   = 300         // bytes out for one in, once it is much
	muchBytes  = 32_000_000
)

// budget is what may still come out, shared by archives inside each other.
type budget struct{ bytes, entries int }

type budgetKey struct{}

func within(ctx context.Context) (context.Context, *budget) {
	if left, ok := ctx.Value(budgetKey{}).(*budget); ok {
		return ctx, left
	}
	left := &budget{doc.MaxUnpacked, maxRead}
	return context.WithValue(ctx, budgetKey{}, left), left
}

func bomb() error {
	return fault.New(fault.Invalid, "The archive unpacks to far more than it should.").Code("file-bomb").Cure("Unpack it yourself and add the files that matter.")
}

func open(data []byte) (*zip.Reader, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) || z == nil {
		return nil, fault.New(fault.Invalid, "The archive is damaged: its list of files cannot be read.").Code("file-damaged").Cure("Make it again, or fetch it again from where it came.").Because(err)
	}
	if len(z.File) > maxEntries {
		return nil, bomb()
	}
	return z, nil
}

// unpack is the content of an entry, counted.
func unpack(f *zip.File, left *budget) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	most := min(maxEntry, left.bytes)
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, int64(most)+1))
	left.bytes -= int(n)
	switch {
	case left.bytes < 0, n > muchBytes && n > maxRatio*int64(f.CompressedSize64):
		return nil, bomb()
	case n > int64(most):
		return nil, fault.New(fault.TooLarge, "It is larger than %d MB.", maxEntry/1_000_000)
	}
	return out.Bytes(), err
}

// ZIP reads each file of an archive under a heading with its path.
func ZIP(ctx context.Context, in doc.Input, b *doc.Builder) error {
	z, err := open(in.Data)
	if err != nil {
		return err
	}
	ctx, left := within(ctx)
	title := b.Title
	defer func() { b.Title = title }()
	seen := map[string]bool{}
	read, locked, files := 0, 0, 0
	var last error
	for _, f := range z.File {
		if err := b.Err(); err != nil {
			return err
		}
		name, note := entryName(f)
		if f.FileInfo().IsDir() || strings.HasSuffix(name, "/") || junk(name) {
			continue
		}
		files++
		if left.entries--; left.entries < 0 {
			b.Note("The archive holds very many files; only the first were read.")
			break
		}
		switch {
		case f.Flags&1 != 0:
			locked++
			b.Note("Files that are locked with a password inside the archive were not read.")
			continue
		case f.FileInfo().Mode()&^0o7777 != 0:
			b.Note("Links inside the archive were not followed.")
			continue
		case name == "":
			b.Note("A file without a name inside the archive was not read.")
			continue
		case seen[name]:
			b.Note(fmt.Sprintf("The archive holds %s twice; the first was read.", doc.First(name, 200)))
			continue
		}
		seen[name] = true
		if note != "" {
			b.Note(note)
		}
		err := entry(ctx, in, f, name, left, b)
		switch {
		case err == nil:
			read++
		case ctx.Err() != nil, doc.Full(err), fault.Of(err).Code == "file-bomb":
			return err
		default:
			last = err
			b.Note(doc.First(name, 200) + " was not read: " + sentence(err))
		}
	}
	switch {
	case read > 0 || b.Err() != nil:
		return b.Err()
	case locked > 0:
		return fault.New(fault.Invalid, "The archive is locked with a password.").Code("file-locked").Cure("Unpack it with its password and add the files themselves.")
	case files == 0:
		return fault.New(fault.Invalid, "There is no file in the archive.").Cure("Check it and add it again.")
	}
	return fault.New(fault.Unsupported, "No file of the archive could be read.").Cure("Unpack it and add the files themselves to see why.").Because(last)
}

func entry(ctx context.Context, in doc.Input, f *zip.File, name string, left *budget, b *doc.Builder) error {
	if in.Inner == nil {
		return fault.New(fault.Unsupported, "Files inside it are not read.")
	}
	data, err := unpack(f, left)
	if err != nil {
		return err
	}
	b.Add(doc.Block{Kind: doc.Heading, Level: 1, Role: doc.Attachment, Text: name})
	return b.Within(1, func() error { return in.Inner(ctx, name, data, b) })
}

// sentence says what is wrong with an entry.
func sentence(err error) string {
	switch {
	case errors.Is(err, zip.ErrAlgorithm):
		return "It is packed in a way that is not read."
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF):
		return "It is damaged."
	}
	if r := fault.Of(err); r.Kind != fault.Internal {
		return r.Sentence
	}
	return "It is damaged."
}

// entryName is the path of an entry inside the archive, in Unicode, and a note
// where it pointed elsewhere. Nothing is ever written under it.
func entryName(f *zip.File) (name, note string) {
	name = f.Name
	if !utf8.ValidString(name) {
		// The encoding of DOS, which old programs still write.
		if decoded, err := charmap.CodePage437.NewDecoder().String(name); err == nil {
			name = decoded
		}
	}
	raw := strings.ReplaceAll(doc.Clean(name), "\\", "/")
	raw = doc.OneLine(raw)
	clean := strings.TrimPrefix(path.Clean("/"+raw), "/")
	if strings.HasSuffix(raw, "/") && clean != "" {
		clean += "/"
	}
	outside := strings.HasPrefix(raw, "/") || len(raw) > 1 && raw[1] == ':'
	for piece := range strings.SplitSeq(raw, "/") {
		outside = outside || piece == ".."
	}
	if outside {
		note = "Names in the archive that point outside of it are shown without that."
	}
	return doc.First(clean, 1000), note
}

// junk reports what operating systems leave in archives.
func junk(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(name, "__MACOSX/") || base == ".DS_Store" || strings.EqualFold(base, "thumbs.db") || strings.EqualFold(base, "desktop.ini")
}
