package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// space takes white space, and in a table the bars of cells with it.
func (c *citer) space(last bool) bool {
	table := c.tabular()
	n := 0
	for n < len(c.buf) && n < runMost {
		r, size := utf8.DecodeRuneInString(c.buf[n:])
		if r == '\n' && table || !unicode.IsSpace(r) && (r != '|' || !table) {
			break
		}
		n += size
	}
	if n >= runMost {
		c.pass(n) // models that have lost their way write line feeds without end
		return true
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
	c.sentence, c.since, c.kept, c.mark = c.sentence[:0], 0, 0, 0
	if kind == codeLine { // a fence
		run := runOf(c.buf[indent:], c.buf[indent])
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
		run = runOf(text, byte(r))
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
	if len(text) <= run && run < runMost && !last {
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
		indent := runOf(c.buf, ' ')
		line := c.buf[indent:]
		run := runOf(line, c.fence[0])
		if !last && run == len(line) && indent < runMost && run < runMost {
			return false
		}
		if run >= len(c.fence) {
			c.fence, c.line, c.atLine, c.before, c.blank = "", codeLine, false, plainLine, false
			c.pass(indent + run)
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
	if c.buf[0] != '`' && c.buf[0] != '\n' {
		_, n := utf8.DecodeRuneInString(c.buf)
		c.say(n)
		return true
	}
	if c.buf[0] == '\n' {
		c.ticks = 0 // was none
		return true
	}
	run := runOf(c.buf, '`')
	if run == len(c.buf) && run < runMost && !last {
		return false
	}
	if run == c.ticks {
		c.ticks = 0
	}
	c.say(run)
	return true
}
