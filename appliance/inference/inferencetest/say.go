package inferencetest

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// What a model says, by say=:
//
//	cite      the first sentences of two passages, each with its marker
//	plain     the same without markers
//	invent    the same with the markers [9] and [99]
//	all       the same with every marker after each sentence
//	echo      the last text of the person, without the passages in it
//	foreign   a sentence that no passage has
//	word=N    "w1 w2 … wN"
//	prefix    the same; goes on where an answer that was begun ends (all do)
//	markdown  headings, a table, code and a list

const noSource = "I have no source for this."

const foreign = "Penguins of the southern shelf prefer polished granite on Wednesdays."

const markdown = "## Overview\n\nThe steps are **short** and *clear*:\n\n1. Open the page.\n2. Choose `Save`.\n\n" +
	"| part | amount |\n|---|---:|\n| water | 250 ml |\n| salt | 5 g |\n\n" +
	"```go\nfunc main() {\n\tfmt.Println(\"hello\")\n}\n```\n\n> Keep it cool.\n\n- one\n- two\n  - three\n\n[A link](https://example.org/) ends it.\n"

// torn is added where an answer to be torn within characters has none to tear.
const torn = " – größer als 3 €, 日本語 😀"

var (
	passageForm = regexp.MustCompile(`(?s)<passage\s+number\s*=\s*["']?(\d+)["']?(?:\s+\w+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*>(.*?)</passage>`)
	wordForm    = regexp.MustCompile(`w(\d+)\s*$`)
	sentenceEnd = regexp.MustCompile(`[.!?…](\s|$)`)
	pieceForm   = regexp.MustCompile(`\s*(?:[\[\]]|[^\s\[\]]+)|\s+`)
)

// A passage is a numbered one of the prompt.
type passage struct {
	number int
	text   string
}

// passages are those of the last message that has any.
func passages(messages []Message) []passage {
	for i := len(messages) - 1; i >= 0; i-- {
		var found []passage
		for _, m := range passageForm.FindAllStringSubmatch(messages[i].Content, -1) {
			number, err := strconv.Atoi(m[1])
			if text := strings.TrimSpace(html.UnescapeString(m[2])); err == nil && text != "" {
				found = append(found, passage{number, text})
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// sentence is the first one of a text that reads as one, without its full stop.
func sentence(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "|") || len(strings.Fields(line)) < 4 {
			continue
		}
		line = strings.TrimLeft(line, "-*> ")
		if end := sentenceEnd.FindStringIndex(line); end != nil {
			line = line[:end[0]]
		}
		return strings.TrimSpace(line)
	}
	return strings.TrimRight(strings.Join(strings.Fields(text), " "), ".!? ")
}

// answer is the whole text a model says to a request.
func (m *model) answer(r Request) string {
	if text, is := task(r); is {
		return text
	}
	switch m.say {
	case "echo":
		return strings.TrimSpace(passageForm.ReplaceAllString(r.User(), ""))
	case "foreign":
		return foreign
	case "markdown":
		return markdown
	case "word", "prefix":
		return words(1, m.words)
	}
	found := passages(r.Messages)
	if len(found) == 0 {
		return noSource
	}
	var every strings.Builder
	for _, p := range found {
		fmt.Fprintf(&every, "[%d]", p.number)
	}
	var said []string
	for i, p := range found[:min(2, len(found))] {
		marker := fmt.Sprintf("[%d]", p.number)
		switch m.say {
		case "plain":
			marker = ""
		case "invent":
			marker = []string{"[9]", "[99]"}[i]
		case "all":
			marker = every.String()
		}
		text := sentence(p.text)
		switch {
		case marker == "":
			text += "."
		case m.after:
			text += ". " + marker
		default:
			text += " " + marker + "."
		}
		said = append(said, text)
	}
	return strings.Join(said, " ")
}

// task recognises what is asked beside answers, by what its system text names: a
// query that can be searched by itself, and a title. A text that begins with
// "You answer" wants an answer, whatever else it names.
func task(r Request) (string, bool) {
	system := strings.ToLower(r.System())
	before, last, found := strings.Cut(r.User(), "Last question: ")
	if !found {
		before, last = "", before
	}
	asked := func(text string) string { // the first question of a history
		_, text, _ = strings.Cut(text, "Question: ")
		text, _, _ = strings.Cut(text, "\n")
		return text
	}
	switch {
	case strings.HasPrefix(system, "you answer"):
		return "", false
	case strings.Contains(system, "search query"), strings.Contains(system, "rewrite"):
		return "What is said of " + strings.TrimSpace(topic(last)+" "+topic(asked(before))) + "?", true
	case strings.Contains(system, "title"):
		if question := asked(last); question != "" {
			last = question
		}
		return "About " + topic(last), true
	}
	return "", false
}

// topic is the long words of a text, at most six.
func topic(text string) string {
	fields := strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	var kept []string
	for _, f := range fields {
		if len(f) > 4 && len(kept) < 6 {
			kept = append(kept, f)
		}
	}
	return strings.Join(kept, " ")
}

// words are "wFROM … wTO".
func words(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		if i > from {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "w%d", i)
	}
	return b.String()
}

// rest is what is left to say of a text where an answer was begun.
func rest(text, begun string) string {
	if begun == "" {
		return text
	}
	if left, is := strings.CutPrefix(text, begun); is {
		return left
	}
	// What was kept of an answer is not always letter by letter what was said:
	// its last words place it.
	tail := strings.TrimRightFunc(begun, unicode.IsSpace)
	for _, n := range []int{40, 20, 10} {
		if len(tail) < n {
			continue
		}
		if i := strings.Index(text, tail[len(tail)-n:]); i >= 0 {
			left := text[i+n:]
			if len(tail) < len(begun) {
				left = strings.TrimLeftFunc(left, unicode.IsSpace)
			}
			return left
		}
	}
	if m := wordForm.FindStringSubmatch(begun); m != nil {
		last, _ := strconv.Atoi(m[1])
		left := words(last+1, max(last+1, strings.Count(text, " ")+1))
		if len(tail) == len(begun) {
			left = " " + left
		}
		return left
	}
	return text
}

// pieces cuts a text as a model's tokens would: words with the space before
// them, brackets by themselves.
func pieces(text string) []string { return pieceForm.FindAllString(text, -1) }
