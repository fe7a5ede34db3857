package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
	validator "github.com/mattermost/xml-roundtrip-validator"
)

// Limits of a message.
const (
	maxXML      = 512 << 10
	maxDepth    = 64
	maxElements = 20_000
)

// parse reads a message that two readers cannot read differently: no document
// type, no comments, no instructions, nothing behind the root, no identifier
// twice, nothing that changes when it is written and read again.
func parse(raw []byte) (*etree.Element, error) {
	const cure = "Check what the provider sends; see its log."
	switch {
	case len(raw) > maxXML:
		return nil, refuse("saml-xml", "Let the provider send less, for example only the groups that matter here.", "The message is larger than 512 KB.")
	case !utf8.Valid(raw):
		return nil, refuse("saml-xml", cure, "The message is not UTF-8.")
	}
	if err := plain(raw); err != nil {
		return nil, err
	}
	if err := validator.Validate(bytes.NewReader(raw)); err != nil {
		return nil, refuse("saml-xml", cure, "The message is XML that can be read in two ways.")
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil || doc.Root() == nil {
		return nil, refuse("saml-xml", cure, "The message cannot be read as XML.")
	}
	return doc.Root(), unique(doc.Root())
}

// plain walks the tokens once, before any tree is made.
func plain(raw []byte) error {
	const cure = "Check what the provider sends; see its log."
	d := xml.NewDecoder(bytes.NewReader(raw))
	depth, elements, roots := 0, 0, 0
	for {
		at := d.InputOffset()
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return refuse("saml-xml", cure, "The message cannot be read as XML.")
		}
		switch t := token.(type) {
		case xml.Directive:
			return refuse("saml-doctype", "A provider never needs one; somebody is trying something.", "The message holds a document type (DOCTYPE).")
		case xml.Comment:
			return refuse("saml-comment", "A provider never needs one; somebody is trying something.", "The message holds a comment.")
		case xml.ProcInst:
			if at != 0 || t.Target != "xml" {
				return refuse("saml-xml", cure, "The message holds an instruction to whoever reads it.")
			}
		case xml.StartElement:
			if depth++; depth == 1 {
				roots++
			}
			if elements++; depth > maxDepth || elements > maxElements || len(t.Attr) > 100 {
				return refuse("saml-xml", cure, "The message is nested too deeply, or has too many elements.")
			}
			seen := map[xml.Name]bool{}
			for _, a := range t.Attr {
				if seen[a.Name] {
					return refuse("saml-xml", cure, "The message has an attribute twice.")
				}
				seen[a.Name] = true
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && strings.TrimSpace(string(t)) != "" {
				return refuse("saml-xml", cure, "The message has text outside of its root.")
			}
		}
	}
	if depth != 0 || roots != 1 {
		return refuse("saml-xml", cure, "The message has not exactly one root.")
	}
	return nil
}

// unique refuses a document in which one identifier means two elements.
func unique(root *etree.Element) error {
	seen := map[string]bool{}
	var twice bool
	each(root, func(e *etree.Element) {
		for _, a := range e.Attr {
			if !strings.EqualFold(a.Key, "id") {
				continue
			}
			twice = twice || seen[a.Value]
			seen[a.Value] = true
		}
	})
	if twice {
		return refuse("saml-wrapping", "Somebody has put parts of several messages together.", "One identifier is used for two elements.")
	}
	return nil
}

// each visits an element and all below it.
func each(e *etree.Element, visit func(*etree.Element)) {
	visit(e)
	for _, c := range e.ChildElements() {
		each(c, visit)
	}
}

func is(e *etree.Element, space, tag string) bool {
	return e != nil && e.Tag == tag && e.NamespaceURI() == space
}

// all are the children of that name.
func all(e *etree.Element, space, tag string) []*etree.Element {
	var list []*etree.Element
	for _, c := range e.ChildElements() {
		if is(c, space, tag) {
			list = append(list, c)
		}
	}
	return list
}

// only is the one child of that name; nil where there is none, or more.
func only(e *etree.Element, space, tag string) *etree.Element {
	if e == nil {
		return nil
	}
	if list := all(e, space, tag); len(list) == 1 {
		return list[0]
	}
	return nil
}

// count is how many elements of that name there are, at any depth.
func count(root *etree.Element, space, tag string) int {
	n := 0
	each(root, func(e *etree.Element) {
		if is(e, space, tag) {
			n++
		}
	})
	return n
}

// text is the text of an element that holds nothing else.
func text(e *etree.Element) (string, bool) {
	if e == nil {
		return "", false
	}
	var b strings.Builder
	for _, c := range e.Child {
		data, ok := c.(*etree.CharData)
		if !ok {
			return "", false
		}
		b.WriteString(data.Data)
	}
	return strings.TrimSpace(b.String()), true
}
