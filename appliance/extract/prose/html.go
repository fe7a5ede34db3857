package prose

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// HTML reads a page: the text of its main part, without navigation, scripts and
// what is hidden. It goes through the tags once and builds no tree, so that
// hostile markup costs no more than its length.
func HTML(ctx context.Context, in doc.Input, b *doc.Builder) error {
	if len(in.Data) > doc.MaxBytes {
		return fault.New(fault.TooLarge, "The page is larger than %d MB.", doc.MaxBytes/1_000_000).Cure("Split it into several documents.")
	}
	source, err := Declared(in.Data, b)
	if err != nil {
		return err
	}
	p := readPage(source, true, b.Err)
	if p.letters == 0 {
		// Everything was navigation: a page of links is read whole.
		p = readPage(source, false, b.Err)
	}
	if b.Title == "" {
		b.Title = p.title
	}
	// A main part that holds next to nothing is a slip in the markup.
	onlyMain := p.mainLetters > 200 || p.mainLetters*4 > p.letters
	for _, block := range p.blocks {
		if b.Err() != nil {
			break
		}
		if !onlyMain || block.main {
			b.Add(block.Block)
		}
	}
	return b.Err()
}

// declared finds the encoding a page names in its first bytes.
func declared(data []byte) string {
	form := regexp.MustCompile(`(?i)(?:charset|encoding)\s*=\s*["']?\s*([a-z0-9_:.-]+)`)
	if m := form.FindSubmatch(data[:min(len(data), 4096)]); m != nil {
		return string(m[1])
	}
	return ""
}

// Declared decodes a page or XML document. It believes a mark and valid UTF-8 before what the page says of
// itself: servers and editors change the one and not the other.
func Declared(data []byte, b *doc.Builder) (string, error) {
	marked := bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff})
	if name := declared(data); name != "" && !marked && (!utf8.Valid(data) || bytes.IndexByte(data, 0x1b) >= 0) && bytes.IndexByte(data, 0) < 0 {
		if e, canonical := charset.Lookup(name); e != nil && canonical != "utf-8" && canonical != "replacement" && !strings.HasPrefix(canonical, "utf-16") {
			text, err := e.NewDecoder().Bytes(data)
			if err == nil {
				return doc.Clean(string(text)), nil
			}
		}
	}
	text, notes, err := doc.Decode(data)
	for _, n := range notes {
		b.Note(n)
	}
	return text, err
}

type pageBlock struct {
	doc.Block
	main bool
}

// page is what the tags met so far made of a page.
type page struct {
	tidyUp bool // leave navigation out
	blocks []pageBlock
	title  string

	letters, mainLetters int

	text    bytes.Buffer
	kind    string
	level   int
	lang    string // of the code that is open
	pre     int
	quotes  int
	lists   int
	mains   int
	tables  []*table
	skip    string // the element whose content is left out
	skipped int    // how many of its name are open
	closers map[string]int
	raised  int // where a raised text began in text, -1 = nowhere
}

type table struct {
	cells []string
	open  bool // a cell is open
	begun bool
	head  bool // the row stands in the head of the table
	data  bool // a cell of the row is no name of a column
}

const (
	maxDeep  = 64 // lists and tables inside each other
	maxCells = 4096
)

func readPage(source string, tidyUp bool, stop func() error) *page {
	p := &page{tidyUp: tidyUp, kind: doc.Paragraph, closers: closers(source), raised: -1}
	tokens := html.NewTokenizer(strings.NewReader(source))
	tokens.SetMaxBuf(len(source) + 1)
	for n := 0; ; n++ {
		if n%1024 == 0 && stop() != nil || len(p.blocks) > doc.MaxBlocks {
			return p
		}
		switch tokens.Next() {
		case html.ErrorToken:
			p.flush()
			p.endTables()
			return p
		case html.TextToken:
			if p.skip == "" {
				p.write(string(tokens.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := tokens.TagName()
			tag := string(name)
			attributes := map[string]string{}
			for more && len(attributes) < 64 {
				var key, value []byte
				key, value, more = tokens.TagAttr()
				attributes[string(key)] = string(value)
			}
			p.start(tag, attributes)
			if tag == "title" && p.skip == "" {
				if tokens.Next() == html.TextToken && p.title == "" {
					p.title = doc.First(doc.OneLine(string(tokens.Text())), 200)
				}
			}
		case html.EndTagToken:
			name, _ := tokens.TagName()
			p.end(string(name))
		}
	}
}

// closers counts the end tags of each name: an element that nothing closes
// hides nothing.
func closers(source string) map[string]int {
	count := map[string]int{}
	for i := strings.Index(source, "</"); i >= 0; {
		rest := source[i+2:]
		n := 0
		for n < len(rest) && n < 16 && (rest[n]|0x20 >= 'a' && rest[n]|0x20 <= 'z' || rest[n] >= '0' && rest[n] <= '9') {
			n++
		}
		if n > 0 {
			count[strings.ToLower(rest[:n])]++
		}
		next := strings.Index(rest, "</")
		if next < 0 {
			break
		}
		i += 2 + next
	}
	return count
}

func (p *page) write(text string) {
	if p.pre == 0 {
		text = strings.NewReplacer("\n", " ", "\t", " ").Replace(text)
	}
	p.text.WriteString(text)
}

func (p *page) start(tag string, attributes map[string]string) {
	if p.skip != "" {
		if tag == p.skip {
			if impliedEnd(tag) {
				p.skip = ""
			} else {
				p.skipped++
				return
			}
		} else {
			return
		}
	}
	if p.leaveOut(tag, attributes) {
		if p.closers[tag] > 0 || rawText(tag) {
			if breaks(tag) {
				p.flushFor(tag)
			}
			p.skip, p.skipped = tag, 1
			return
		}
	}
	switch tag {
	case "br":
		if len(p.tables) > 0 && p.inCell() {
			p.text.WriteByte(' ')
		} else {
			p.text.WriteByte('\n')
		}
		return
	case "img":
		if alt := attributes["alt"]; alt != "" {
			p.write(" " + alt + " ")
		}
		return
	case "sup":
		p.raised = p.text.Len()
		return
	case "code":
		if p.pre > 0 && p.lang == "" {
			p.lang = langOf(attributes["class"])
		}
		return
	case "q":
		p.text.WriteByte('"')
		return
	}
	if !breaks(tag) && tag != "td" && tag != "th" && tag != "body" {
		return
	}
	p.flushFor(tag)
	switch {
	case len(tag) == 2 && tag[0] == 'h' && tag[1] >= '1' && tag[1] <= '6':
		p.kind, p.level = doc.Heading, int(tag[1]-'0')
	case tag == "ul", tag == "ol":
		p.lists = min(p.lists+1, maxDeep)
	case tag == "li":
		p.kind, p.level = doc.Item, min(max(p.lists, 1), 9)
	case tag == "dd":
		p.kind, p.level = doc.Item, min(p.lists+1, 9)
	case tag == "blockquote":
		p.quotes++
		p.rest()
	case tag == "pre":
		p.pre++
		p.kind, p.level, p.lang = doc.Code, 0, langOf(attributes["class"])
	case tag == "main" || attributes["role"] == "main":
		p.mains++
	case tag == "table":
		if len(p.tables) < maxDeep {
			p.tables = append(p.tables, &table{})
		}
	case tag == "tr":
		p.endRow()
	case (tag == "td" || tag == "th") && len(p.tables) > 0:
		t := p.tables[len(p.tables)-1]
		t.open, t.data = true, t.data || tag == "td"
	case (tag == "thead" || tag == "tbody" || tag == "tfoot") && len(p.tables) > 0:
		p.endRow()
		p.tables[len(p.tables)-1].head = tag == "thead"
	}
}

func (p *page) end(tag string) {
	if p.closers[tag] > 0 {
		p.closers[tag]--
	}
	if p.skip != "" {
		if tag == p.skip {
			if p.skipped--; p.skipped <= 0 {
				p.skip = ""
			}
		}
		return
	}
	switch tag {
	case "sup":
		p.raise()
		return
	case "q":
		p.text.WriteByte('"')
		return
	}
	if !breaks(tag) && tag != "td" && tag != "th" {
		return
	}
	if tag == "td" || tag == "th" {
		p.endCell()
		return
	}
	if tag == "table" {
		p.endRow()
	}
	p.flushFor(tag)
	switch tag {
	case "ul", "ol":
		p.lists = max(p.lists-1, 0)
		p.rest()
	case "li", "dd", "h1", "h2", "h3", "h4", "h5", "h6":
		p.rest()
	case "blockquote":
		p.quotes = max(p.quotes-1, 0)
		p.rest()
	case "pre":
		p.pre = max(p.pre-1, 0)
		p.rest()
	case "main":
		p.mains = max(p.mains-1, 0)
	case "tr":
		p.endRow()
	case "table":
		if n := len(p.tables); n > 0 {
			p.tables = p.tables[:n-1]
		}
	}
}

// rest is the kind of text that belongs to no block of its own.
func (p *page) rest() {
	p.kind, p.level = doc.Paragraph, 0
	if p.quotes > 0 {
		p.kind = doc.Quote
	}
}

func (p *page) inCell() bool { n := len(p.tables); return n > 0 && p.tables[n-1].open }

// flushFor ends the block before a tag; inside a cell of a table paragraphs
// are only a space.
func (p *page) flushFor(tag string) {
	if !p.inCell() {
		p.flush()
		return
	}
	switch tag {
	case "td", "th", "tr", "tbody", "thead":
		p.endCell()
	case "table":
		// A table inside a cell: the outer one only arranges the page.
		p.tables[len(p.tables)-1].open = false
		p.flush()
	default:
		p.text.WriteByte(' ')
	}
}

func (p *page) endCell() {
	if !p.inCell() {
		p.flush()
		return
	}
	t := p.tables[len(p.tables)-1]
	if len(t.cells) < maxCells {
		t.cells = append(t.cells, doc.OneLine(p.text.String()))
	}
	p.text.Reset()
	p.raised = -1
	t.open = false
}

func (p *page) endRow() {
	if len(p.tables) == 0 {
		return
	}
	if p.inCell() {
		p.endCell()
	}
	t := p.tables[len(p.tables)-1]
	block := doc.RowOf(doc.Inner(t.cells))
	if block.Text != "" {
		if block.First = !t.begun; t.head || block.First && !t.data {
			block.Role = doc.Head
		}
		t.begun = true
	}
	p.add(block)
	t.cells, t.data = t.cells[:0], false
}

func (p *page) endTables() {
	for len(p.tables) > 0 {
		p.endRow()
		p.tables = p.tables[:len(p.tables)-1]
	}
}

func (p *page) flush() {
	text := p.text.String()
	p.text.Reset()
	p.raised = -1
	switch {
	case p.pre > 0:
		text = strings.ReplaceAll(text, "\t", "    ")
	default:
		text = strings.TrimSpace(tidy(text))
	}
	block := doc.Block{Kind: p.kind, Level: p.level, Text: text}
	if p.kind == doc.Code {
		block.Lang = p.lang
	}
	p.add(block)
}

func (p *page) add(block doc.Block) {
	if strings.TrimSpace(block.Text) == "" {
		return
	}
	if block.Kind == doc.Heading {
		block.Text = doc.OneLine(block.Text)
		if p.title == "" && block.Level == 1 {
			p.title = doc.First(block.Text, 200)
		}
	}
	p.letters += len(block.Text)
	if p.mains > 0 {
		p.mainLetters += len(block.Text)
	}
	p.blocks = append(p.blocks, pageBlock{block, p.mains > 0})
}

// raise writes the digits of <sup> as raised digits: 10<sup>3</sup> is not 103.
func (p *page) raise() {
	if p.raised < 0 {
		return
	}
	from := p.raised
	p.raised = -1
	if from > p.text.Len() || p.text.Len()-from > 16 {
		return
	}
	up := strings.Map(func(r rune) rune {
		if i := strings.IndexRune("0123456789+-", r); i >= 0 {
			return []rune("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")[i]
		}
		return r
	}, string(p.text.Bytes()[from:]))
	p.text.Truncate(from)
	p.text.WriteString(up)
}

// leaveOut reports elements that are no text of the page.
func (p *page) leaveOut(tag string, attributes map[string]string) bool {
	if tag != "head" && tag != "math" && silent(tag) || rawText(tag) || tag == "button" || tag == "rt" || tag == "rp" || tag == "datalist" {
		return true
	}
	if void(tag) {
		return false
	}
	if _, hidden := attributes["hidden"]; hidden && tag != "html" && tag != "body" {
		return true
	}
	if style := strings.ReplaceAll(strings.ToLower(attributes["style"]), " ", ""); strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
		return tag != "html" && tag != "body"
	}
	if !p.tidyUp || tag == "html" || tag == "body" || tag == "main" || tag == "article" {
		return false
	}
	switch attributes["role"] {
	case "navigation", "search", "menu", "menubar", "contentinfo", "dialog", "alertdialog":
		return true
	}
	return tag == "nav" || tag == "footer" && p.mains == 0 || attributes["aria-hidden"] == "true" && tag != "span" || tag == "aside" && p.mains == 0 && attributes["role"] == "complementary"
}

func rawText(tag string) bool {
	switch tag {
	case "script", "style", "iframe", "noembed", "noframes", "textarea", "template", "object", "svg":
		return true
	}
	return false
}

func impliedEnd(tag string) bool {
	switch tag {
	case "p", "li", "tr", "td", "th", "dt", "dd", "option":
		return true
	}
	return false
}

func void(tag string) bool {
	switch tag {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr":
		return true
	}
	return false
}
