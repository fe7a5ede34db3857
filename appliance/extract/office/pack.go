package office

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

const (
	maxEntries = 20_000
	maxRatio   = 400       // times an entry may grow when it is unpacked, once it is large
	freeRatio  = 4_000_000 // bytes that any entry may unpack to
)

// pack is a ZIP file with one budget for all that is read out of it.
type pack struct {
	ctx     context.Context
	entries map[string]*zip.File
	left    int64
}

// open recognises what a file is by its content before it reads it.
func open(ctx context.Context, in doc.Input, what string) (*pack, error) {
	data := in.Data
	switch {
	case len(data) == 0:
		return nil, fault.New(fault.Invalid, "The file is empty.").Cure("Check it and add it again.")
	case bytes.HasPrefix(data, []byte(compoundMark)):
		inner, err := unlock(ctx, data, in.Password)
		if err != nil {
			return nil, err
		}
		data = inner
	case bytes.HasPrefix(data, []byte("%PDF-")):
		return nil, wrong(what, "a PDF document")
	case bytes.HasPrefix(data, []byte(`{\rtf`)):
		return nil, wrong(what, "an RTF document")
	case bytes.HasPrefix(data, []byte("<")):
		return nil, wrong(what, "a web page or XML")
	case !bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return nil, wrong(what, "something else")
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, damaged(err)
	}
	if len(z.File) > maxEntries {
		return nil, bomb("The file holds %d inner files, which no office document does.", len(z.File))
	}
	p := &pack{ctx: ctx, entries: make(map[string]*zip.File, len(z.File)), left: doc.MaxUnpacked}
	for _, f := range z.File {
		name := strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(f.Name, `\`, "/")), "/")
		// The first of two entries of one name counts, as in office programs.
		if _, twice := p.entries[strings.ToLower(name)]; !twice {
			p.entries[strings.ToLower(name)] = f
		}
	}
	return p, nil
}

func (p *pack) has(name string) bool { return p.entries[strings.ToLower(name)] != nil }

// reader opens an inner file; a missing one is nil without an error.
func (p *pack) reader(name string) (io.ReadCloser, error) {
	f := p.entries[strings.ToLower(name)]
	if f == nil {
		return nil, nil
	}
	if f.Flags&1 != 0 {
		return nil, sealedFile()
	}
	r, err := f.Open()
	if err != nil {
		return nil, damaged(fmt.Errorf("open %s: %w", name, err))
	}
	most := int64(freeRatio)
	if n := int64(min(f.CompressedSize64, doc.MaxUnpacked)) * maxRatio; n > most {
		most = n
	}
	return &entry{r: r, pack: p, most: most}, nil
}

// entry stops where it, or all entries together, grow too large.
type entry struct {
	r    io.ReadCloser
	pack *pack
	most int64
}

func (e *entry) Read(buf []byte) (int, error) {
	if err := e.pack.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := e.r.Read(buf)
	e.most -= int64(n)
	e.pack.left -= int64(n)
	switch {
	case e.most < 0:
		return 0, bomb("A part of the file unpacks to more than %d times its size.", maxRatio)
	case e.pack.left < 0:
		return 0, bomb("The file unpacks to more than %d MB.", doc.MaxUnpacked/1_000_000)
	case err != nil && !errors.Is(err, io.EOF):
		err = damaged(err)
	}
	return n, err
}

func (e *entry) Close() error { return e.r.Close() }

// walk opens an inner file as XML and visits the children of its root.
func (p *pack) walk(name string, visit func(w *walker, root element) error) error {
	r, err := p.reader(name)
	if err != nil || r == nil {
		return err
	}
	defer r.Close()
	w := newWalker(r)
	return w.document(func(root element) error { return visit(w, root) })
}

// link is a relation of one part of an Open XML file to another.
type link struct{ kind, target string }

// links reads the relations of a part, by their id. Links that lead out of the
// file are left out.
func (p *pack) links(part string) (map[string]link, error) {
	out := map[string]link{}
	dir, base := path.Split(part)
	err := p.walk(dir+"_rels/"+base+".rels", func(w *walker, _ element) error {
		return w.children(func(el element) error {
			if el.name == "Relationship" && !strings.EqualFold(el.attr("TargetMode"), "External") && len(out) < maxEntries {
				target := el.attr("Target")
				if !strings.HasPrefix(target, "/") {
					target = path.Join("/", dir, target)
				}
				kind := el.attr("Type")
				out[el.attr("Id")] = link{kind[strings.LastIndexByte(kind, '/')+1:], strings.TrimPrefix(path.Clean(target), "/")}
			}
			return nil
		}, nil)
	})
	return out, err
}

// first is the target of the first relation of a kind, otherwise the usual place.
func first(links map[string]link, kind, usual string) string {
	for _, l := range links {
		if l.kind == kind {
			return l.target
		}
	}
	return usual
}

// main finds the main part of an Open XML file, which a file of another family
// has under another folder.
func (p *pack) main(what, folder, usual string) (string, error) {
	links, err := p.links("")
	if err != nil {
		return "", err
	}
	part := first(links, "officeDocument", usual)
	if p.has(part) && (strings.HasPrefix(strings.ToLower(part), folder) || p.has(usual)) {
		return part, nil
	}
	if p.has(usual) {
		return usual, nil
	}
	for _, other := range []struct{ part, is string }{
		{"word/document.xml", "a Word document"}, {"ppt/presentation.xml", "a PowerPoint presentation"}, {"xl/workbook.xml", "an Excel workbook"},
		{"xl/workbook.bin", "a binary Excel workbook (.xlsb)"}, {"content.xml", "an OpenDocument file"}, {"meta-inf/container.xml", "an e-book"},
	} {
		if p.has(other.part) {
			return "", wrong(what, other.is)
		}
	}
	return "", wrong(what, "an archive of other files")
}

// title reads the title from the core properties; a broken one is none.
func (p *pack) title(name string) string {
	var title string
	err := p.walk(name, func(w *walker, _ element) error {
		return w.each(func(el element) error {
			if el.name == "title" && title == "" {
				text, err := w.text()
				title = text
				return err
			}
			return nil
		})
	})
	if err != nil {
		return ""
	}
	return title
}
