package library

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/extract"
)

// The size of a passage in words: full ends one where a block ends, most ends
// one inside a block, least keeps short sections from becoming crumbs.
const (
	leastWords = 25
	fullWords  = 120
	mostWords  = 180
	backWords  = 40 // a longer sentence is not said twice
)

// chunk is a passage before it has a number. Its text is the document's text
// from start to end.
type chunk struct {
	page       int
	heading    string
	start, end int
	text       string
	parts      []Part
}

// unit is the smallest piece a passage is made of: a sentence, or a block that
// is not cut.
type unit struct {
	start, end int // bytes in the whole text
	words      int
	block      int
	path       string // of a heading inside a passage: the headings from there on
}

// chunker packs units into passages.
type chunker struct {
	text   string
	blocks []extract.Block
	at     []int // byte offset of each block

	out      []chunk
	path     []extract.Block // headings above
	units    []unit
	words    int
	page     int
	heading  string
	overlaps bool // the first unit was the last one of the passage before
	slides   bool // pages are slides
}

// chunks cuts a document into passages of about 120 to 180 words. A passage
// respects blocks and headings where it can, carries the path of headings, and
// one that goes on in the middle of a section begins with the last sentence of
// the one before, so that what belongs together is found together.
func chunks(d extract.Document, slides bool) []chunk {
	c := chunker{blocks: d.Blocks, slides: slides}
	var b strings.Builder
	for i, block := range d.Blocks {
		if i > 0 {
			b.WriteByte('\n')
		}
		c.at = append(c.at, b.Len())
		b.WriteString(block.Text)
	}
	c.text = b.String()
	for i := range d.Blocks {
		c.block(i)
	}
	c.flush(false)
	return c.out
}

func (c *chunker) block(i int) {
	block := c.blocks[i]
	if len(c.units) > 0 && c.apart(block) {
		c.flush(false)
	}
	if block.Kind == extract.Heading {
		if c.words >= leastWords {
			c.flush(false)
		}
		for len(c.path) > 0 && c.path[len(c.path)-1].Level >= block.Level {
			c.path = c.path[:len(c.path)-1]
		}
		c.path = append(c.path, block)
		switch {
		case len(c.units) > 0: // a crumb goes on into the next section
			c.add(unit{start: c.at[i], end: c.at[i] + len(block.Text), words: words(block.Text), block: i, path: c.headings(i + 1)})
		case i+1 == len(c.blocks) || c.blocks[i+1].Kind == extract.Heading && c.blocks[i+1].Level <= block.Level:
			// A heading without anything under it is found as a passage of its own.
			c.add(unit{start: c.at[i], end: c.at[i] + len(block.Text), words: words(block.Text), block: i})
			c.flush(false)
		}
		return
	}
	units := c.cut(i)
	total := 0
	for _, u := range units {
		total += u.words
	}
	// What fits into no passage as a whole goes on in this one, up to a sentence.
	fits := total <= mostWords && c.words+total > mostWords
	if c.words >= fullWords/2 && fits || c.words >= fullWords && c.words+total > mostWords-fullWords/4 {
		c.flush(block.Kind == extract.Paragraph || block.Kind == extract.Quote)
	}
	for _, u := range units {
		if c.words > 0 && c.words+u.words > mostWords {
			c.flush(true)
		}
		c.add(u)
	}
	if c.words >= fullWords+fullWords/4 {
		c.flush(block.Kind == extract.Paragraph || block.Kind == extract.Quote)
	}
}

// apart reports a block that may not share a passage with what is collected:
// another file of a mail or an archive, another sheet, another slide. Each of
// them is cited by itself.
func (c *chunker) apart(block extract.Block) bool {
	before := c.blocks[c.units[len(c.units)-1].block]
	return block.File != before.File || block.Role == extract.Attachment || block.Sheet != before.Sheet || c.slides && block.Page != before.Page
}

func (c *chunker) add(u unit) {
	if len(c.units) == 0 {
		c.page = c.pageOf(u)
		c.heading = c.headings(u.block)
	}
	c.units = append(c.units, u)
	c.words += u.words
}

// headings is the path above a block, or above the end, one line each.
func (c *chunker) headings(block int) string {
	var lines []string
	for _, h := range c.path {
		if block == len(c.blocks) || h.Start < c.blocks[block].Start {
			lines = append(lines, h.Text)
		}
	}
	return strings.Join(lines, "\n")
}

// flush ends the passage. When it goes on, its last sentence begins the next.
func (c *chunker) flush(goesOn bool) {
	if len(c.units) == 0 || c.overlaps && len(c.units) == 1 {
		c.units, c.words, c.overlaps = nil, 0, false
		return
	}
	first, last := c.units[0], c.units[len(c.units)-1]
	text := c.text[first.start:last.end]
	start := c.position(first)
	c.out = append(c.out, chunk{page: c.page, heading: c.heading, start: start, end: start + utf8.RuneCountInString(text), text: text, parts: c.parts()})
	several := len(c.units) > 1
	c.units, c.words, c.overlaps = nil, 0, false
	if kind := c.blocks[last.block].Kind; goesOn && several && last.words <= backWords && (kind == extract.Paragraph || kind == extract.Quote) {
		c.add(last)
		c.overlaps = true
	}
}

// parts are the blocks of the passage, and where one goes on to another page
// what stands on each.
func (c *chunker) parts() []Part {
	var parts []Part
	before := 0
	for i, u := range c.units {
		page := c.pageOf(u)
		if i == 0 || u.block != c.units[i-1].block || page != before {
			part := Part{At: u.start - c.units[0].start, Kind: c.blocks[u.block].Kind, Heading: u.path}
			if page != c.page {
				part.Page = page
			}
			parts = append(parts, part)
		}
		before = page
	}
	return parts
}

// pageOf is the page that a unit begins on.
func (c *chunker) pageOf(u unit) int {
	block := c.blocks[u.block]
	if len(block.Boxes) == 0 || block.Boxes[len(block.Boxes)-1].Page == 0 {
		return block.Page // all of it stands on one page
	}
	page, at := block.Page, utf8.RuneCountInString(c.text[c.at[u.block]:u.start])
	for _, box := range block.Boxes {
		if box.From > at {
			break
		}
		if box.Page > 0 {
			page = box.Page
		}
	}
	return page
}

// position is the character a unit begins at.
func (c *chunker) position(u unit) int {
	return c.blocks[u.block].Start + utf8.RuneCountInString(c.text[c.at[u.block]:u.start])
}

// cut parts a block into units: prose and whatever is too long into sentences,
// code into lines, everything else stays whole.
func (c *chunker) cut(i int) []unit {
	block := c.blocks[i]
	prose := block.Kind == extract.Paragraph || block.Kind == extract.Quote
	if !prose && words(block.Text) <= fullWords {
		return []unit{{start: c.at[i], end: c.at[i] + len(block.Text), words: words(block.Text), block: i}}
	}
	next := sentence
	if block.Kind == extract.Code {
		next = line
	}
	var units []unit
	for at := 0; at < len(block.Text); {
		n := next(block.Text[at:])
		text := strings.TrimRightFunc(block.Text[at:at+n], unicode.IsSpace)
		lead := len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
		if lead < len(text) {
			start := c.at[i] + at + lead
			units = append(units, unit{start: start, end: c.at[i] + at + len(text), words: words(text[lead:]), block: i})
		}
		at += n
	}
	return units
}

// line is the length of the first line with its end.
func line(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

// sentence is the length of the first sentence with the space behind it, at
// most about fullWords words.
func sentence(text string) int {
	whole := extract.Sentence(text)
	n, before := 0, ' '
	for i, r := range text[:whole] {
		if unicode.IsSpace(r) && !unicode.IsSpace(before) {
			n++
		}
		if n > fullWords && unicode.IsSpace(before) || i > 16*fullWords && (unicode.IsSpace(before) || i > 24*fullWords) {
			return i
		}
		before = r
	}
	return whole
}

// words counts words; where there are no spaces two characters count as one,
// and a line of signs without any counts by its length.
func words(text string) int {
	n, dense, inside := 0, 0, false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			inside = false
		case r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			dense++
			inside = false
		case !inside:
			n++
			inside = true
		}
	}
	return max(n+dense/2, utf8.RuneCountInString(text)/16, 1)
}
