package inference

import "strings"

// thinker tells thinking from answer where a server sends both as one text, with
// the thinking in a tag at its beginning. Tags may be cut anywhere. In the middle
// of an answer a tag means nothing: somebody may have asked what it is.
//
// Some servers keep the opening tag for themselves, since it is the end of their
// prompt. Then only the closing one says that all before it was thinking, which
// has been shown as answer by then. lead says to expect that, and stray that it
// happened, so that the next answer of the model is read rightly.
type thinker struct {
	lead  bool
	stray bool

	state   thinkState
	held    string          // not given yet: it may belong to a tag
	closing string          // what ends the thinking; "" = any closing tag
	blocks  int             // of thinking that were opened by a tag
	guessed strings.Builder // the thinking that no tag opened
	inner   bool            // something of this block was given
	thought bool            // something of any block was given
	quoted  bool            // the answer itself speaks of tags
	prev    byte            // the last one given as answer
}

type thinkState int

const (
	thinkBefore thinkState = iota // before the answer or a block of thinking
	thinkInside
	thinkAnswer
)

const space = " \t\r\n"

// thinkTags are the names of the tags in use.
func thinkTags() []string { return []string{"think", "thinking", "thought", "reasoning"} }

// add takes the next piece and gives what is now known of it.
func (t *thinker) add(text string) (thinking, answer string) {
	if t.state == thinkAnswer && t.held == "" && text != "" && strings.IndexByte(text, '<') < 0 {
		t.prev = text[len(text)-1] // nearly always: no tag, and none begins
		return "", text
	}
	t.held += text
	var think, said strings.Builder
	for t.step(&think, &said) {
	}
	return think.String(), said.String()
}

// end gives what was held back. Where the thinking was only guessed and did not
// end although the model ended, it was the answer, and is given as that.
func (t *thinker) end(ended bool) (thinking, answer string) {
	rest := t.held
	t.held = ""
	switch {
	case t.state == thinkInside && t.guessing() && ended:
		return "", t.guessed.String() + rest
	case t.state == thinkInside:
		var think strings.Builder
		t.think(&think, strings.TrimRight(rest, space))
		return think.String(), ""
	case t.state == thinkBefore && (t.blocks > 0 || t.stray):
		return "", strings.TrimLeft(rest, space)
	}
	return "", rest
}

// guessing reports whether the thinking was opened by no tag.
func (t *thinker) guessing() bool { return t.blocks == 0 }

// step takes what it can from what is held, and reports whether there may be more.
func (t *thinker) step(think, said *strings.Builder) bool {
	if t.held == "" {
		return false
	}
	switch t.state {
	case thinkBefore:
		return t.before()
	case thinkInside:
		return t.inside(think)
	}
	return t.answer(said)
}

func (t *thinker) before() bool {
	start := strings.TrimLeft(t.held, space)
	if start == "" {
		return false
	}
	tag, open := tagAt(start, "<")
	switch {
	case tag != "":
		t.held, t.state, t.closing, t.inner = start[len(tag):], thinkInside, "</"+tag[1:], false
		t.blocks++
	case open:
		return false
	case t.lead && t.blocks == 0 && !t.stray:
		t.state, t.closing = thinkInside, ""
	default:
		if t.blocks > 0 || t.stray {
			t.held = start
		}
		t.state = thinkAnswer
	}
	return true
}

func (t *thinker) inside(think *strings.Builder) bool {
	for from := 0; ; {
		at := strings.IndexByte(t.held[from:], '<')
		if at < 0 {
			t.keep(think, len(t.held))
			return false
		}
		at += from
		tag, open := tagAt(t.held[at:], "</")
		if tag != "" && (t.closing == "" || tag == t.closing) {
			t.think(think, strings.TrimRight(t.held[:at], space))
			t.held, t.state = t.held[at+len(tag):], thinkBefore
			if t.guessing() {
				t.stray = true // as expected; the next answer will be alike
			}
			return true
		}
		if tag == "" && open {
			t.keep(think, at)
			return false
		}
		from = at + 1
	}
}

// keep gives the first n bytes of what is held as thinking, but for the space at
// their end, which is dropped where a tag follows.
func (t *thinker) keep(think *strings.Builder, n int) {
	n = len(strings.TrimRight(t.held[:n], space))
	t.think(think, t.held[:n])
	t.held = t.held[n:]
}

func (t *thinker) think(think *strings.Builder, text string) {
	if t.guessing() {
		t.guessed.WriteString(text) // with the space before it, should it be the answer
	}
	if !t.inner {
		text = strings.TrimLeft(text, space)
	}
	if text == "" {
		return
	}
	if !t.inner && t.thought {
		think.WriteString("\n\n")
	}
	t.inner, t.thought = true, true
	think.WriteString(text)
}

// answer gives text on. A closing tag in it is a stray one, unless the text speaks
// of tags: it named an opening one, or this one stands in quotes.
func (t *thinker) answer(said *strings.Builder) bool {
	for from := 0; t.blocks == 0 && !t.stray && !t.quoted; {
		at := strings.IndexByte(t.held[from:], '<')
		if at < 0 {
			break
		}
		at += from
		closing, half := tagAt(t.held[at:], "</")
		opening, open := tagAt(t.held[at:], "<")
		switch {
		case closing != "" && !t.inQuotes(at):
			t.say(said, at)
			t.stray, t.state, t.held = true, thinkBefore, t.held[len(closing):]
			return true
		case closing != "", opening != "":
			t.quoted = true
		case half || open:
			t.say(said, at)
			return false
		}
		from = at + 1
	}
	t.say(said, len(t.held))
	return false
}

// inQuotes reports whether a quote stands before that place of what is held.
func (t *thinker) inQuotes(at int) bool {
	before := t.prev
	if at > 0 {
		before = t.held[at-1]
	}
	return strings.IndexByte("`'\"", before) >= 0 && before != 0
}

// say gives the first n bytes of what is held as answer.
func (t *thinker) say(said *strings.Builder, n int) {
	if n > 0 {
		t.prev = t.held[n-1]
	}
	said.WriteString(t.held[:n])
	t.held = t.held[n:]
}

// tagAt gives the tag of thinking that text begins with, and reports whether text
// may yet become one.
func tagAt(text, bracket string) (tag string, open bool) {
	for _, name := range thinkTags() {
		tag := bracket + name + ">"
		if strings.HasPrefix(text, tag) {
			return tag, false
		}
		open = open || strings.HasPrefix(tag, text)
	}
	return "", open
}
