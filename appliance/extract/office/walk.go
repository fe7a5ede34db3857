package office

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"

	"chatets/appliance/fault"
)

// maxToken is the most bytes between two marks of XML; a longer run of text or
// attributes is made to fill memory.
const maxToken = 4_000_000

// element is an opened element; names are without their prefix.
type element struct {
	name  string
	space string // prefix
	attrs []xml.Attr
}

func (e element) attr(name string) string {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// prefixed is an attribute whose name alone is used twice, as r:id and id.
func (e element) prefixed(space, name string) string {
	for _, a := range e.attrs {
		if a.Name.Local == name && a.Name.Space == space {
			return a.Value
		}
	}
	return ""
}

// walker visits XML element by element, in memory that does not grow with it.
type walker struct {
	d     *xml.Decoder
	depth int
}

func newWalker(r io.Reader) *walker {
	buffered := bufio.NewReaderSize(&guard{r: r}, 64_000)
	r = buffered
	if head, _ := buffered.Peek(2); string(head) == "\xff\xfe" || string(head) == "\xfe\xff" {
		r = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(buffered)
	}
	d := xml.NewDecoder(r)
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	return &walker{d: d}
}

// guard refuses text without marks that is longer than maxToken.
type guard struct {
	r   io.Reader
	run int
}

func (g *guard) Read(buf []byte) (int, error) {
	n, err := g.r.Read(buf)
	if i := bytes.LastIndexByte(buf[:n], '<'); i >= 0 {
		g.run = n - i
	} else {
		g.run += n
	}
	if g.run > maxToken {
		return 0, bomb("A single piece of text in the file is larger than %d MB.", maxToken/1_000_000)
	}
	return n, err
}

// next is the next start, end or text; at the end of the file it is io.EOF.
func (w *walker) next() (xml.Token, error) {
	for {
		token, err := w.d.RawToken()
		if err != nil {
			var known *fault.Error
			switch {
			case errors.As(err, &known):
				return nil, err
			case errors.Is(err, io.EOF):
				return nil, io.EOF
			}
			return nil, damaged(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if w.depth++; w.depth > maxDepth {
				return nil, bomb("The file's parts lie more than %d deep inside each other.", maxDepth)
			}
			return t, nil
		case xml.EndElement:
			if w.depth--; w.depth < 0 {
				return nil, damaged(errors.New("end without start"))
			}
			return t, nil
		case xml.CharData:
			return t, nil
		case xml.Directive:
			if bytes.HasPrefix(bytes.ToUpper(t[:min(len(t), 8)]), []byte("DOCTYPE")) && bytes.Contains(t, []byte("<!ENTITY")) {
				return nil, bomb("The file defines entities of its own, which no office program does.")
			}
		}
	}
}

// document visits the root element and demands that it is closed.
func (w *walker) document(visit func(root element) error) error {
	seen := false
	for {
		token, err := w.next()
		if errors.Is(err, io.EOF) {
			if !seen {
				return damaged(errors.New("no root element"))
			}
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			seen = true
			if err := visit(opened(start)); err != nil {
				return err
			}
			if err := w.skip(0); err != nil {
				return err
			}
		}
	}
}

func opened(s xml.StartElement) element {
	return element{name: s.Name.Local, space: s.Name.Space, attrs: s.Attr}
}

// skip reads to where depth elements are open.
func (w *walker) skip(depth int) error {
	for w.depth > depth {
		if _, err := w.inside(); err != nil {
			return err
		}
	}
	return nil
}

// inside is next where the file must go on.
func (w *walker) inside() (xml.Token, error) {
	token, err := w.next()
	if errors.Is(err, io.EOF) {
		return nil, damaged(io.ErrUnexpectedEOF)
	}
	return token, err
}

// children calls visit for each child of the element just opened, and text for
// the text between them, until it closes. What visit leaves unread is skipped.
func (w *walker) children(visit func(el element) error, text func(s string)) error {
	depth := w.depth
	for {
		token, err := w.inside()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if visit != nil {
				if err := visit(opened(t)); err != nil {
					return err
				}
			}
			if err := w.skip(depth); err != nil {
				return err
			}
		case xml.EndElement:
			if w.depth < depth {
				return nil
			}
		case xml.CharData:
			if text != nil {
				text(string(t))
			}
		}
	}
}

// each visits all elements below the one just opened, at any depth.
func (w *walker) each(visit func(el element) error) error {
	depth := w.depth
	for w.depth >= depth {
		token, err := w.inside()
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			if err := visit(opened(start)); err != nil {
				return err
			}
		}
	}
	return nil
}

// text is all text below the element just opened.
func (w *walker) text() (string, error) {
	var out strings.Builder
	depth := w.depth
	for w.depth >= depth {
		token, err := w.inside()
		if err != nil {
			return "", err
		}
		if t, ok := token.(xml.CharData); ok && out.Len() < maxToken {
			out.Write(t)
		}
	}
	return out.String(), nil
}
