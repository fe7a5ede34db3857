package data

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"

	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/prose"
	"chatets/appliance/fault"
)

const (
	maxEntities = 300
	maxEntity   = 1000
	maxExpanded = 32_000_000
)

// XML reads any XML document: elements as rows of "name: value" under the path
// to them, running text as paragraphs. Entities that grow are refused.
func XML(ctx context.Context, in doc.Input, b *doc.Builder) error {
	if len(in.Data) > doc.MaxBytes {
		return fault.New(fault.TooLarge, "The file is larger than %d MB.", doc.MaxBytes/1_000_000).Cure("Split it into several documents.")
	}
	text, err := prose.Declared(in.Data, b)
	if err != nil {
		return err
	}
	own, err := entities(text)
	if err != nil {
		return err
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	decoder.Strict = false
	decoder.Entity = own
	decoder.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	t := &tree{b: b}
	for b.Err() == nil {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if len(b.Blocks()) == 0 && len(t.frames) == 0 {
				return fault.New(fault.Invalid, "The XML is damaged at its beginning.").Code("file-damaged").Cure("Open it in the program it comes from and save it again.").Because(err)
			}
			b.Note("The XML is damaged; it was read up to the damage.")
			break
		}
		if err := t.token(token); err != nil {
			return err
		}
	}
	for len(t.frames) > 0 && b.Err() == nil {
		t.close()
	}
	return b.Err()
}

func (t *tree) token(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		if len(t.frames) >= maxNested {
			return fault.New(fault.Invalid, "The XML nests more than %d deep.", maxNested).Code("file-bomb").Cure("Add the text of it as another format.")
		}
		t.open(token.Name.Local)
		for i, a := range token.Attr {
			if i < 100 && a.Name.Space != "xmlns" && a.Name.Local != "xmlns" && a.Name.Space != "xsi" {
				t.pair(a.Name.Local, doc.OneLine(a.Value))
			}
		}
	case xml.EndElement:
		// An end without its beginning ends nothing.
		for i := len(t.frames) - 1; i >= 0; i-- {
			if t.frames[i].name == doc.First(doc.OneLine(token.Name.Local), 100) {
				for len(t.frames) > i {
					t.close()
				}
				break
			}
		}
	case xml.CharData:
		t.write(string(token))
	}
	return nil
}

// entities are the short names a document defines for itself. One that is made
// of others, or comes from elsewhere, is how a small file becomes a huge one.
func entities(text string) (map[string]string, error) {
	head := text[:min(len(text), 256<<10)]
	if !strings.Contains(head, "<!ENTITY") {
		return nil, nil
	}
	bomb := fault.New(fault.Invalid, "The XML defines entities that grow when they are read.").Code("file-bomb").Cure("Save it without a document type definition.")
	own := map[string]string{}
	longest := 0
	form := regexp.MustCompile(`<!ENTITY\s+(%\s+)?(\S+)\s+(SYSTEM|PUBLIC|"[^"]*"|'[^']*')`)
	for _, m := range form.FindAllStringSubmatch(head, maxEntities+1) {
		value := strings.Trim(m[3], `"'`)
		switch {
		case m[1] != "" && !strings.Contains(value, "<!ENTITY"), m[3] == "SYSTEM", m[3] == "PUBLIC":
			continue // left out: nothing is fetched
		case len(own) >= maxEntities, len(value) > maxEntity, m[1] != "":
			return nil, bomb
		case strings.Contains(strings.ReplaceAll(value, "&#", ""), "&"):
			return nil, bomb
		}
		own[m[2]] = value
		longest = max(longest, len(value))
	}
	if strings.Count(text, "&")*longest > maxExpanded {
		return nil, bomb
	}
	return own, nil
}
