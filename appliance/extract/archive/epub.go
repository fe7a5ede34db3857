package archive

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/html"

	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/prose"
	"chatets/appliance/fault"
)

const (
	maxPlan     = 8_000_000 // bytes of a file that says how the book is made
	maxChapters = 20_000
)

type book struct {
	Titles   []string `xml:"metadata>title"`
	Manifest []struct {
		ID         string `xml:"id,attr"`
		Href       string `xml:"href,attr"`
		Media      string `xml:"media-type,attr"`
		Properties string `xml:"properties,attr"`
	} `xml:"manifest>item"`
	Spine []struct {
		Ref string `xml:"idref,attr"`
	} `xml:"spine>itemref"`
}

// EPUB reads a book in the order of its spine; a chapter without a heading gets
// the one of the table of contents.
func EPUB(ctx context.Context, in doc.Input, b *doc.Builder) error {
	z, err := open(in.Data)
	if err != nil {
		return err
	}
	ctx, left := within(ctx)
	files := map[string]*zip.File{}
	for _, f := range z.File {
		if name, _ := entryName(f); files[name] == nil {
			files[name] = f
		}
	}
	damaged := fault.New(fault.Invalid, "The book is damaged: it does not say what its chapters are.").Code("file-damaged").Cure("Fetch it again from where it came.")
	load := func(name string) ([]byte, error) {
		f := files[name]
		if f == nil || f.UncompressedSize64 > maxPlan {
			return nil, damaged
		}
		return unpack(f, left)
	}
	if rights, err := load("META-INF/encryption.xml"); err == nil && locked(string(rights)) {
		return fault.New(fault.Invalid, "The book is locked by its seller.").Code("file-locked").Cure("Add a copy without copy protection.")
	}
	var container struct {
		Roots []struct {
			Path string `xml:"full-path,attr"`
		} `xml:"rootfiles>rootfile"`
	}
	if err := plan(load, "META-INF/container.xml", &container); err != nil || len(container.Roots) == 0 {
		return orBomb(err, damaged)
	}
	root := path.Clean(container.Roots[0].Path)
	var k book
	if err := plan(load, root, &k); err != nil || len(k.Spine) == 0 {
		return orBomb(err, damaged)
	}
	paths := map[string]string{}
	titles := map[string]string{}
	for _, item := range k.Manifest {
		name := resolve(root, item.Href)
		paths[item.ID] = name
		if strings.Contains(item.Properties, "nav") || item.Media == "application/x-dtbncx+xml" {
			if data, err := load(name); err == nil {
				contents(string(data), name, titles)
			}
		}
	}
	title := b.Title
	if title == "" && len(k.Titles) > 0 {
		title = doc.OneLine(k.Titles[0])
	}
	defer func() { b.Title = title }()
	for i, ref := range k.Spine {
		if b.Err() != nil || i >= maxChapters {
			break
		}
		name := paths[ref.Ref]
		f := files[name]
		if f == nil {
			b.Note("A chapter of the book is missing.")
			continue
		}
		data, err := unpack(f, left)
		if err == nil {
			err = chapter(ctx, name, titles[name], data, b)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil, doc.Full(err), fault.Of(err).Code == "file-bomb":
			return err
		default:
			b.Note("A chapter of the book was not read: " + sentence(err))
		}
	}
	return b.Err()
}

// chapter adds the heading of the table of contents unless the text has it.
func chapter(ctx context.Context, name, title string, data []byte, b *doc.Builder) error {
	if title != "" {
		probe := doc.NewBuilder(ctx)
		if err := prose.HTML(ctx, doc.Input{Name: name, Data: data}, probe); err != nil {
			return err
		}
		blocks := probe.Blocks()
		if len(blocks) > 0 && blocks[0].Kind != doc.Heading {
			b.Add(doc.Block{Kind: doc.Heading, Level: 1, Text: title})
		}
	}
	return prose.HTML(ctx, doc.Input{Name: name, Data: data}, b)
}

func orBomb(err, otherwise error) error {
	if err != nil && fault.Of(err).Code == "file-bomb" {
		return err
	}
	return otherwise
}

func plan(load func(string) ([]byte, error), name string, into any) error {
	data, err := load(name)
	if err != nil {
		return err
	}
	decoder := xml.NewDecoder(strings.NewReader(strings.ToValidUTF8(string(data), "")))
	decoder.Strict = false
	return decoder.Decode(into)
}

// resolve is the path inside the archive that a reference of another file means.
func resolve(from, href string) string {
	href, _, _ = strings.Cut(href, "#")
	if plain, err := url.PathUnescape(href); err == nil {
		href = plain
	}
	return strings.TrimPrefix(path.Clean("/"+path.Join(path.Dir(from), href)), "/")
}

// locked reports content that is encrypted; fonts may be veiled.
func locked(rights string) bool {
	for uri := range strings.SplitSeq(rights, "CipherReference") {
		for _, ending := range []string{".xhtml\"", ".html\"", ".htm\"", ".xml\""} {
			if head, _, _ := strings.Cut(uri, ">"); strings.Contains(strings.ToLower(head), ending) && strings.Contains(head, "URI=") {
				return true
			}
		}
	}
	return false
}

// contents reads both forms of a table of contents: links with their text, or
// text followed by its target.
func contents(source, name string, titles map[string]string) {
	tokens := html.NewTokenizer(strings.NewReader(source))
	tokens.SetMaxBuf(len(source) + 1)
	var text strings.Builder
	href := ""
	put := func(target string) {
		key := resolve(name, target)
		if label := doc.First(doc.OneLine(text.String()), 200); label != "" && titles[key] == "" && len(titles) < maxChapters {
			titles[key] = label
		}
		text.Reset()
	}
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return
		case html.TextToken:
			text.Write(tokens.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			tag, more := tokens.TagName()
			kind := string(tag)
			for more {
				var key, value []byte
				key, value, more = tokens.TagAttr()
				switch {
				case kind == "a" && string(key) == "href":
					href = string(value)
					text.Reset()
				case kind == "content" && string(key) == "src":
					put(string(value))
				}
			}
			if kind == "navlabel" {
				text.Reset()
			}
		case html.EndTagToken:
			if tag, _ := tokens.TagName(); string(tag) == "a" && href != "" {
				put(href)
				href = ""
			}
		}
	}
}
