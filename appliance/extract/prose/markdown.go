package prose

import (
	"html"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"chatets/appliance/extract/doc"
)

// markdown reads Markdown with tables. Markup, and HTML inside it, leaves only
// its text.
func (b *builder) markdown(source string) {
	source, b.Title = frontMatter(source)
	source = tame(source)
	bytes := []byte(source)
	root := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList)).Parser().Parse(text.NewReader(bytes))
	m := markdownReader{b: b, source: bytes}
	m.blocks(root, place{kind: doc.Paragraph})
	if b.Title != "" {
		return
	}
	for _, block := range b.Blocks() {
		if block.Kind == doc.Heading && (b.Title == "" || block.Level == 1) {
			b.Title = block.Text
			if block.Level == 1 {
				return
			}
		}
	}
}

// frontMatter takes the lines of key: value between two lines of --- off the
// beginning and returns the title they give.
func frontMatter(source string) (rest, title string) {
	body, found := strings.CutPrefix(source, "---\n")
	if !found {
		return source, ""
	}
	lines := strings.SplitN(body, "\n", 102)
	for i, line := range lines[:min(len(lines), 100)] {
		if line = strings.TrimRight(line, " \t"); line == "---" || line == "..." {
			return strings.Join(lines[i+1:], "\n"), title
		}
		key, value, found := strings.Cut(line, ":")
		switch {
		case found && strings.TrimSpace(key) == "title":
			title = strings.Trim(strings.TrimSpace(value), `"'`)
		case !found && line != "" && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "#"):
			return source, ""
		}
	}
	return source, ""
}

// place is where in the document a block stands.
type place struct {
	kind  string
	level int
}

type markdownReader struct {
	b      *builder
	source []byte
}

func (m *markdownReader) blocks(parent ast.Node, in place) {
	for n := parent.FirstChild(); n != nil && m.b.Err() == nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			m.b.add(doc.Heading, n.Level, doc.OneLine(m.inline(n)))
		case *ast.Paragraph, *ast.TextBlock:
			m.b.add(in.kind, in.level, tidy(m.inline(n)))
		case *ast.FencedCodeBlock:
			m.b.Add(doc.Block{Kind: doc.Code, Lang: langName(string(n.Language(m.source))), Text: strings.ReplaceAll(m.lines(n), "\t", "    ")})
		case *ast.CodeBlock:
			m.b.add(doc.Code, 0, strings.ReplaceAll(m.lines(n), "\t", "    "))
		case *ast.HTMLBlock:
			m.html(n, in)
		case *ast.Blockquote:
			m.blocks(n, place{kind: doc.Quote})
		case *ast.List:
			m.blocks(n, place{kind: doc.Item, level: in.level + 1})
		case *ast.ListItem:
			m.blocks(n, in)
		case *east.Table:
			for row := n.FirstChild(); row != nil; row = row.NextSibling() {
				var cells []string
				for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
					cells = append(cells, doc.OneLine(m.inline(cell)))
				}
				// Empty cells at the edges would leave a stroke without a meaning.
				block := doc.RowOf(doc.Inner(cells))
				block.First = row == n.FirstChild()
				if _, head := row.(*east.TableHeader); head {
					block.Role = doc.Head
				}
				m.b.Add(block)
			}
		}
	}
}

func (m *markdownReader) lines(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(m.source))
	}
	return b.String()
}

// inline is the text of a block: a soft line break is a space, a hard one a
// line feed.
func (m *markdownReader) inline(parent ast.Node) string {
	w := inlineWriter{source: m.source}
	w.children(parent)
	return w.String()
}

type inlineWriter struct {
	strings.Builder
	source []byte
	silent string // name of the element whose content is no text
}

func (w *inlineWriter) children(parent ast.Node) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if raw, ok := n.(*ast.RawHTML); ok {
			w.tag(raw)
			continue
		}
		if w.silent != "" {
			continue
		}
		switch n := n.(type) {
		case *ast.Text:
			value := string(n.Segment.Value(w.source))
			if n.IsRaw() {
				w.WriteString(value)
			} else {
				w.WriteString(unescape(value))
			}
			switch {
			case n.HardLineBreak():
				w.WriteByte('\n')
			case n.SoftLineBreak():
				w.WriteByte(' ')
			}
		case *ast.String:
			w.Write(n.Value)
		case *ast.CodeSpan:
			for t := n.FirstChild(); t != nil; t = t.NextSibling() {
				if t, ok := t.(*ast.Text); ok {
					w.WriteString(strings.ReplaceAll(string(t.Segment.Value(w.source)), "\n", " "))
				}
			}
		case *ast.AutoLink:
			w.Write(n.Label(w.source))
		default:
			w.children(n)
		}
	}
}

// tag handles an HTML tag in a line: a line break is one, what stands between
// <script> and </script> is no text, everything else leaves nothing.
func (w *inlineWriter) tag(raw *ast.RawHTML) {
	var b strings.Builder
	for i := range raw.Segments.Len() {
		segment := raw.Segments.At(i)
		b.Write(segment.Value(w.source))
	}
	name, closing := tagName(b.String())
	switch {
	case w.silent != "":
		if closing && name == w.silent {
			w.silent = ""
		}
	case closing:
	case silent(name) && closes(raw, name, w.source):
		w.silent = name
	case name == "br":
		w.WriteByte('\n')
	}
}

// closes reports whether a later tag of the same block ends the element. One
// that is never closed is a slip in a text about HTML, and hides nothing.
func closes(raw *ast.RawHTML, name string, source []byte) bool {
	for n := raw.NextSibling(); n != nil; n = n.NextSibling() {
		if r, ok := n.(*ast.RawHTML); ok && r.Segments.Len() > 0 {
			segment := r.Segments.At(0)
			if other, closing := tagName(string(segment.Value(source))); closing && other == name {
				return true
			}
		}
	}
	return false
}

// unescape resolves backslashes and entities, each character once.
func unescape(text string) string {
	if !strings.ContainsAny(text, `\&`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && punctuation(text[i+1]):
			i++
			b.WriteByte(text[i])
		case c == '&':
			end := strings.IndexByte(text[i:min(len(text), i+40)], ';')
			if end > 0 {
				b.WriteString(html.UnescapeString(text[i : i+end+1]))
				i += end
			} else {
				b.WriteByte(c)
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func punctuation(c byte) bool {
	return c >= '!' && c <= '/' || c >= ':' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= '~'
}

// tidy puts one space for each run of spaces and keeps hard line breaks.
func tidy(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = doc.OneLine(l)
	}
	return strings.Join(lines, "\n")
}
