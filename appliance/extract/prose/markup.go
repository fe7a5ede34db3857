package prose

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/html"

	"chatets/appliance/extract/doc"
)

// html reads a block of HTML: its text, cut where its elements break lines.
func (m *markdownReader) html(n *ast.HTMLBlock, in place) {
	source := m.lines(n)
	if n.HasClosure() {
		source += string(n.ClosureLine.Value(m.source))
	}
	tokens := html.NewTokenizer(strings.NewReader(source))
	tokens.SetMaxBuf(len(source) + 1)
	kind, level, text, hidden := in.kind, in.level, strings.Builder{}, ""
	flush := func() {
		m.b.add(kind, level, tidy(text.String()))
		text.Reset()
	}
	for m.b.Err() == nil {
		switch tokens.Next() {
		case html.ErrorToken:
			flush()
			return
		case html.TextToken:
			if hidden == "" {
				text.WriteString(strings.ReplaceAll(string(tokens.Text()), "\n", " "))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, attributes := tokens.TagName()
			tag := string(name)
			switch {
			case hidden != "":
			case silent(tag):
				hidden = tag
			case tag == "br":
				text.WriteByte('\n')
			case tag == "td" || tag == "th":
				text.WriteByte(' ')
			case tag == "img":
				for attributes {
					var key, value []byte
					if key, value, attributes = tokens.TagAttr(); string(key) == "alt" {
						text.WriteString(" " + string(value) + " ")
					}
				}
			case breaks(tag):
				flush()
				kind, level = in.kind, in.level
				if len(tag) == 2 && tag[0] == 'h' && tag[1] >= '1' && tag[1] <= '6' {
					kind, level = doc.Heading, int(tag[1]-'0')
				}
			}
		case html.EndTagToken:
			name, _ := tokens.TagName()
			tag := string(name)
			switch {
			case hidden != "":
				if tag == hidden {
					hidden = ""
				}
			case breaks(tag):
				flush()
				kind, level = in.kind, in.level
			}
		}
	}
}

// silent reports elements whose content is no text for a reader.
func silent(tag string) bool {
	switch tag {
	case "script", "style", "template", "noscript", "iframe", "object", "svg", "math", "head", "noembed", "noframes", "textarea", "select":
		return true
	}
	return false
}

// breaks reports elements that begin on a line of their own.
func breaks(tag string) bool {
	switch tag {
	case "p", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr", "thead", "tbody", "section", "article", "header", "footer", "nav", "aside", "main",
		"blockquote", "pre", "figure", "figcaption", "details", "summary", "hr", "form", "fieldset", "address", "h1", "h2", "h3", "h4", "h5", "h6", "center", "caption":
		return true
	}
	return false
}

// tagName is the element of a tag, and whether the tag closes it.
func tagName(tag string) (name string, closing bool) {
	tag = strings.TrimPrefix(tag, "<")
	if closing = strings.HasPrefix(tag, "/"); closing {
		tag = tag[1:]
	}
	end := strings.IndexFunc(tag, func(r rune) bool { return r == '>' || r == '/' || r == ' ' || r == '\t' || r == '\n' })
	if end >= 0 {
		tag = tag[:end]
	}
	return strings.ToLower(tag), closing
}

// Limits that keep hostile Markdown from costing more than its length.
const (
	maxLine    = 4 << 10  // bytes of a line
	maxRun     = 8 << 10  // bytes of lines without an empty one
	maxTable   = 64 << 10 // the same in tables and fenced code, where an empty line would do harm
	maxNesting = 24       // markers of quotes and lists before a line's text
)

// tame wraps endless lines, parts endless paragraphs and cuts absurd nesting,
// none of which changes what a person wrote: the time to find the ends of
// emphasis grows with the square of a paragraph.
func tame(source string) string {
	t := tamer{}
	t.out.Grow(len(source) + len(source)/64)
	for line := range strings.SplitSeq(source, "\n") {
		for len(line) > maxLine {
			var part string
			part, line = wrap(line)
			t.line(part)
		}
		t.line(line)
	}
	return t.out.String()
}

type tamer struct {
	out    strings.Builder
	run    int
	before string
	table  []string // head of the table the line may belong to
	fence  string
}

func (t *tamer) line(line string) {
	line = shallow(line)
	bare := strings.TrimSpace(line)
	switch {
	case t.fence != "":
		if strings.HasPrefix(bare, t.fence) {
			t.fence = ""
		}
	case bare == "":
		t.run, t.table = 0, nil
	case strings.HasPrefix(bare, "```") || strings.HasPrefix(bare, "~~~"):
		t.fence, t.table = bare[:3], nil
	case delimiter(bare) && cells(t.before) == cells(bare):
		t.table = []string{t.before, bare}
	case !strings.Contains(bare, "|"):
		t.table = nil
	}
	if most := maxRun; t.run > most {
		if t.table != nil || t.fence != "" {
			most = maxTable
		}
		if t.run > most {
			t.write("")
			for _, head := range t.table {
				t.write(head)
			}
			t.run = 0
		}
	}
	t.write(line)
	t.run += len(line) + 1
	t.before = bare
}

func (t *tamer) write(line string) {
	t.out.WriteString(line)
	t.out.WriteByte('\n')
}

// delimiter reports the second line of a table, such as |---|:-:|.
func delimiter(line string) bool {
	return strings.Contains(line, "-") && strings.Trim(line, "|-: \t") == ""
}

func cells(line string) int { return strings.Count(strings.Trim(line, "|"), "|") + 1 }

// wrap cuts a line at the last space that fits, or inside a word without one.
func wrap(line string) (part, rest string) {
	if i := strings.LastIndexByte(line[:maxLine], ' '); i > maxLine/2 {
		return line[:i], line[i+1:]
	}
	n := maxLine
	for n > 0 && line[n]&0xc0 == 0x80 {
		n--
	}
	return line[:n], line[n:]
}

// shallow drops the markers of quotes and lists beyond what nests sensibly.
func shallow(line string) string {
	markers := 0
	spaced := func(i int) bool { return i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t') }
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '>', (c == '-' || c == '*' || c == '+') && spaced(i), (c == '.' || c == ')') && spaced(i) && i > 0 && line[i-1] >= '0' && line[i-1] <= '9':
			markers++
		case c == ' ', c == '\t', c >= '0' && c <= '9':
		default:
			return line
		}
		if markers > maxNesting {
			return line[:i] + strings.TrimLeft(line[i:], "> \t")
		}
	}
	return line
}
