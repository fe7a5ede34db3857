package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/library"
)

// The floors of support, measured with BenchmarkCitations; the numbers are in
// docs/adr/0009-citations-of-generated-answers.md.
const (
	alignFloor = 0.45 // of a passage that is cited where the model cites none
	citedFloor = 0.25 // of a passage that the model cites itself
	citedShare = 0.5  // of the best passage's support that it needs besides
	citedMost  = 3    // at one place

	claimLeast = 3    // content words and numbers of a sentence that is aligned
	claimMost  = 2000 // bytes before a marker that are compared
	waitMost   = 400  // bytes that are held back for one marker
)

// Kinds of line.
type lineKind int

const (
	plainLine lineKind = iota
	headingLine
	itemLine
	headLine // of a table
	rowLine
	codeLine
)

// A citer checks the citations of an answer while it is being written: markers
// of passages that do not exist or do not support their sentence are left out,
// and a sentence without a marker gets that of the passage it comes from. What
// it gives does not depend on how the answer is cut into pieces.
//
// Text goes through at once. Only what may begin a marker waits, white space
// waits for what follows it, and a sentence that begins with a marker waits for
// its words.
type citer struct {
	prover *prover
	number int // passages
	out    func(text string) error

	tail string // bytes of a character that is not whole
	buf  string // not looked at yet
	said strings.Builder

	atLine   bool
	line     lineKind
	before   lineKind // of the line before
	list     bool     // an item stands above
	blank    bool     // an empty line stands above
	fence    string   // that closes the code block; "" outside
	ticks    int      // that close the code span; 0 outside
	address  bool     // inside of a link's address
	bracket  bool     // inside of brackets that are no marker
	closed   bool     // "]" came right before
	sentence string   // as far as it has come, without markers
	since    int      // byte of it after the last marker
	kept     int      // markers at it
	mark     rune     // that may have ended it; 0 for none
	markAt   int      // byte of it
	late     *late

	cited map[int]bool
	spoke bool // something was stated
	cut   bool // the answer ends in the middle
}

// late is a marker whose sentence is not known yet.
type late struct {
	numbers []int
	space   string
	text    strings.Builder // after it
}

func newCiter(passages []library.Passage, out func(text string) error) *citer {
	return &citer{prover: newProver(passages), number: len(passages), out: out, atLine: true, cited: map[int]bool{}}
}

// Write takes the next piece of the answer.
func (c *citer) Write(piece string) error {
	piece = c.tail + piece
	whole := len(piece)
	for back := 1; back <= min(utf8.UTFMax-1, len(piece)); back++ {
		if b := piece[len(piece)-back]; utf8.RuneStart(b) {
			if !utf8.FullRuneInString(piece[len(piece)-back:]) {
				whole -= back
			}
			break
		}
	}
	c.buf, c.tail = c.buf+piece[:whole], piece[whole:]
	c.drain(false)
	return c.flush()
}

// Close ends the answer.
func (c *citer) Close() error {
	c.buf, c.tail = c.buf+strings.ToValidUTF8(c.tail, "\uFFFD"), ""
	c.drain(true)
	c.endSentence()
	return c.flush()
}

// Break ends an answer that was cut: nothing is added to a sentence that has no
// end yet.
func (c *citer) Break() error {
	c.tail, c.cut = "", true
	c.drain(true)
	if c.settle(); c.mark != 0 {
		c.endSentence()
	}
	return c.flush()
}

// Resume tells the citer what the answer that is gone on with holds already. It
// is not given again.
func (c *citer) Resume(prefix string) {
	c.buf, c.cut = prefix, true
	c.drain(true)
	c.late, c.cut = nil, false
	if strings.TrimRightFunc(prefix, unicode.IsSpace) != prefix && c.mark != 0 {
		c.endSentence()
	}
	c.said.Reset()
	c.cited = map[int]bool{}
	for n := 1; n <= c.number; n++ {
		if strings.Contains(prefix, marker(n)) {
			c.cited[n] = true
		}
	}
}

// Cited lists the numbers that stand in the answer.
func (c *citer) Cited() []int {
	numbers := make([]int, 0, len(c.cited))
	for n := range c.cited {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

// Unsupported reports whether the answer states something and no passage
// supports any of it.
func (c *citer) Unsupported() bool { return c.spoke && len(c.cited) == 0 }

func (c *citer) flush() error {
	if c.said.Len() == 0 {
		return nil
	}
	text := c.said.String()
	c.said.Reset()
	return c.out(text)
}

func (c *citer) emit(text string) {
	if c.late != nil {
		c.late.text.WriteString(text)
		if c.late.text.Len() > waitMost {
			c.settle()
		}
		return
	}
	c.said.WriteString(text)
}

// say gives the first n bytes of what was not looked at as a part of the
// sentence.
func (c *citer) say(n int) {
	c.emit(c.buf[:n])
	c.sentence += c.buf[:n]
	c.buf = c.buf[n:]
}

// pass gives them as no part of it.
func (c *citer) pass(n int) {
	c.emit(c.buf[:n])
	c.buf = c.buf[n:]
}

// drain looks at what has come until it needs more to know what it is.
func (c *citer) drain(last bool) {
	for c.buf != "" && c.step(last) {
	}
}

// step takes something off the buffer; false when it needs more to decide.
func (c *citer) step(last bool) bool {
	switch {
	case c.fence != "":
		return c.inFence(last)
	case c.line == codeLine && !c.atLine:
		n := strings.IndexByte(c.buf, '\n')
		if n < 0 {
			n = len(c.buf)
		}
		if n > 0 {
			c.pass(n)
			return true
		}
		return c.space(last)
	case c.ticks > 0:
		return c.inTicks(last)
	case c.address:
		r, n := utf8.DecodeRuneInString(c.buf)
		c.address = r != ')' && !unicode.IsSpace(r)
		if unicode.IsSpace(r) {
			return true
		}
		c.pass(n)
		return true
	}
	r, n := utf8.DecodeRuneInString(c.buf)
	if c.closed {
		if c.closed = false; r == '(' {
			c.address = true
			c.pass(1)
			return true
		}
	}
	switch {
	case unicode.IsSpace(r), r == '|' && c.tabular():
		return c.space(last)
	case c.atLine:
		return c.begin(r, last)
	case r == '[' || r == '【':
		numbers, size, is := markersAt(c.buf, last)
		switch is {
		case maybe:
			return false
		case isOne:
			return c.markers(0, numbers, size, last)
		}
	case r == '`':
		run := len(c.buf) - len(strings.TrimLeft(c.buf, "`"))
		if run == len(c.buf) && !last {
			return false
		}
		if done, wait := c.goesOn("", last); wait {
			return false
		} else if done {
			c.endSentence()
		}
		c.ticks, c.mark = run, 0
		c.say(run)
		return true
	case r == '\\':
		if len(c.buf) == 1 && !last {
			return false
		}
		if c.mark = 0; len(c.buf) > 1 && c.buf[1] < utf8.RuneSelf && unicode.IsPunct(rune(c.buf[1])) {
			n = 2
		}
		c.say(n)
		return true
	}
	if c.mark != 0 && !strings.ContainsRune(".!?…。！？\"'”’»›)]}」』）】》〉*_", r) {
		done, wait := c.goesOn("", last)
		if wait {
			return false
		}
		if done {
			c.endSentence()
		}
		c.mark = 0
	}
	switch r {
	case '[':
		c.bracket = true
	case ']':
		c.bracket, c.closed = false, c.bracket
	}
	if endMark(r) && !c.bracket && !c.tabular() && c.line != headingLine && c.mark == 0 {
		c.mark, c.markAt = r, len(c.sentence)
	}
	c.say(n)
	return true
}

func (c *citer) tabular() bool { return (c.line == rowLine || c.line == headLine) && !c.atLine }

// endMark reports what may end a sentence.
func endMark(r rune) bool {
	return full(r) || r == '.' || r == '!' || r == '?' || r == '…' || r == '؟' || r == '۔'
}

// goesOn decides, before what comes after the space, whether the sentence ended
// at its mark.
func (c *citer) goesOn(space string, last bool) (ended, wait bool) {
	if c.mark == 0 {
		return false, false
	}
	if full(c.mark) {
		return true, false
	}
	rest := c.buf[len(space):]
	if w := lastWord(c.sentence[:c.markAt]); isNumber(w) && len(w) <= 2 {
		// "3. Mai": the whole word tells.
		n := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) })
		if n < 0 && len(rest) < 24 && !last {
			return false, true
		}
	}
	return ends(c.sentence+space+rest[:min(len(rest), 32)], 0, c.markAt, len(c.sentence), c.mark), false
}

// space takes white space, and in a table the bars of cells with it.
func (c *citer) space(last bool) bool {
	table := c.tabular()
	n := 0
	for n < len(c.buf) {
		r, size := utf8.DecodeRuneInString(c.buf[n:])
		if r == '\n' && table || !unicode.IsSpace(r) && (r != '|' || !table) {
			break
		}
		n += size
	}
	if n == len(c.buf) && !last {
		return false
	}
	space, rest := c.buf[:n], c.buf[n:]
	feed := strings.Contains(space, "\n") || table && strings.HasPrefix(rest, "\n")
	if c.atLine {
		c.blank = c.blank || strings.Contains(space, "\n")
		return c.indent(n, last)
	}
	if !feed && rest != "" {
		if rest[0] == '[' || strings.HasPrefix(rest, "【") {
			switch numbers, size, is := markersAt(rest, last); is {
			case maybe:
				return false
			case isOne:
				return c.markers(n, numbers, size, last)
			}
		}
		done, wait := c.goesOn(space, last)
		if wait {
			return false
		}
		if done {
			c.endSentence()
			c.pass(n)
			return true
		}
		c.mark = 0
		c.say(n)
		return true
	}
	if rest == "" && !feed { // the end of the answer
		if !c.cut {
			c.endSentence()
		}
		c.say(n)
		return true
	}
	if table || c.breaks(space, rest) {
		c.endSentence()
		c.before, c.line = c.line, plainLine
		c.atLine, c.blank = true, strings.Count(space, "\n") > 1
		c.bracket = false
		if table {
			n++ // the line feed
		}
		c.lineBreak(n)
		return true
	}
	done, wait := c.goesOn(space, last) // a line that was only wrapped
	if wait {
		return false
	}
	if done {
		c.endSentence()
		c.pass(n)
		return true
	}
	c.mark = 0
	c.say(n)
	return true
}

// lineBreak gives white space up to the last line feed; what is after it is the
// next line's own.
func (c *citer) lineBreak(n int) {
	if at := strings.LastIndexByte(c.buf[:n], '\n'); at >= 0 {
		n = at + 1
	}
	c.pass(n)
}

// breaks reports whether a line feed ends the line's last sentence.
func (c *citer) breaks(space, rest string) bool {
	if rest == "" || c.line == headingLine || c.line == codeLine || strings.Count(space, "\n") > 1 {
		return true
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return !unicode.IsLower(r)
}

// indent takes the white space a line begins with.
func (c *citer) indent(n int, last bool) bool {
	if at := strings.LastIndexByte(c.buf[:n], '\n'); at >= 0 {
		c.before = plainLine
		c.pass(at + 1)
		return true
	}
	columns := 0
	for _, r := range c.buf[:n] {
		if columns++; r == '\t' {
			columns += 3
		}
	}
	if n == len(c.buf) {
		c.pass(n)
		return true
	}
	if columns >= 4 && (c.blank || c.before == codeLine) && !c.list {
		c.line, c.atLine = codeLine, false
		c.pass(n)
		return true
	}
	r, _ := utf8.DecodeRuneInString(c.buf[n:])
	kind, mark, wait := c.kindOf(c.buf[n:], r, last)
	if wait {
		return false
	}
	c.start(n, kind, mark)
	return true
}

// begin takes the mark a line begins with.
func (c *citer) begin(r rune, last bool) bool {
	kind, mark, wait := c.kindOf(c.buf, r, last)
	if wait {
		return false
	}
	if kind == plainLine && mark == 0 && (r == '[' || r == '【') {
		numbers, size, is := markersAt(c.buf, last)
		switch is {
		case maybe:
			return false
		case isOne:
			if size == len(c.buf) && !last {
				return false
			}
			if rest := c.buf[size:]; strings.HasPrefix(rest, ":") {
				c.buf = c.buf[:size] + rest[1:] // would define what [1] links to
			}
			c.list, c.atLine, c.line = c.list && c.blank, false, plainLine
			return c.markers(0, numbers, size, last)
		}
	}
	c.start(0, kind, mark)
	return true
}

// start gives the beginning of a line: its indent and its mark.
func (c *citer) start(indent int, kind lineKind, mark int) {
	c.line, c.atLine = kind, false
	switch {
	case kind == itemLine:
		c.list = true
	case indent == 0:
		c.list = false
	}
	c.sentence, c.since, c.kept, c.mark = "", 0, 0, 0
	if kind == codeLine { // a fence
		run := len(c.buf[indent:]) - len(strings.TrimLeft(c.buf[indent:], c.buf[indent:indent+1]))
		c.fence = c.buf[indent : indent+run]
		c.line = plainLine
		c.pass(indent + run)
		return
	}
	c.pass(indent + mark)
}

// kindOf tells what a line is by how it begins, and how long its mark is.
func (c *citer) kindOf(text string, r rune, last bool) (kind lineKind, mark int, wait bool) {
	run := 0
	switch {
	case r == '#', r == '`', r == '~':
		run = len(text) - len(strings.TrimLeft(text, string(r)))
	case r >= '0' && r <= '9':
		run = min(len(leadingNumber(text)), 4) + 1
	case strings.ContainsRune("-*+•‣–—·", r):
		run = utf8.RuneLen(r)
	case r == '|':
		if c.before == headLine || c.before == rowLine {
			return rowLine, 1, false
		}
		return headLine, 1, false
	default:
		return plainLine, 0, false
	}
	if len(text) <= run && !last {
		return plainLine, 0, true
	}
	switch {
	case r == '#' && run <= 6 && strings.HasPrefix(text[run:], " "):
		return headingLine, run, false
	case (r == '`' || r == '~') && run >= 3:
		return codeLine, run, false
	case r == '#', r == '`', r == '~':
		return plainLine, 0, false
	}
	if n := itemMark(text); n > 0 {
		return itemLine, n, false
	}
	return plainLine, 0, false
}

// inFence gives the lines of a code block.
func (c *citer) inFence(last bool) bool {
	if c.atLine {
		line := strings.TrimLeft(c.buf, " ")
		run := len(line) - len(strings.TrimLeft(line, c.fence[:1]))
		if !last && run == len(line) {
			return false
		}
		if run >= len(c.fence) {
			c.fence, c.line, c.atLine, c.before, c.blank = "", codeLine, false, plainLine, false
			c.pass(len(c.buf) - len(line) + run)
			return true
		}
		c.atLine = false
	}
	n := strings.IndexByte(c.buf, '\n') + 1
	if c.atLine = n > 0; n == 0 {
		n = len(c.buf)
	}
	c.pass(n)
	return true
}

// inTicks gives a code span.
func (c *citer) inTicks(last bool) bool {
	if n := strings.IndexAny(c.buf, "`\n"); n != 0 {
		if n < 0 {
			n = len(c.buf)
		}
		if c.late != nil { // which gives up after so many bytes, however they come
			_, n = utf8.DecodeRuneInString(c.buf)
		}
		c.say(n)
		return true
	}
	if c.buf[0] == '\n' {
		c.ticks = 0 // was none
		return true
	}
	run := len(c.buf) - len(strings.TrimLeft(c.buf, "`"))
	if run == len(c.buf) && !last {
		return false
	}
	if run == c.ticks {
		c.ticks = 0
	}
	c.say(run)
	return true
}
