package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/inference"
)

// What a model is told when it writes no answer. The texts are constant.
const (
	rewriteSystem = `You turn the last question of a conversation into one search query that can be understood without the conversation. ` +
		`Put in the names and things that its words point back to, keep numbers and codes as they are, and keep the language of the question. ` +
		`Where it can be understood already, repeat it. Do not answer it. Reply with the query alone, on one line.`
	titleSystem = `You name conversations. Reply with a title of three to six words for the one that begins so, in the language of the question: ` +
		`the title alone, without quotation marks, full stop or label.`
)

const (
	rewriteTokens = 80
	titleTokens   = 40
	rewriteTurns  = 3   // of the history that a query may lean on
	pastQuestion  = 400 // characters of a question in it
	pastText      = 500 // and of an answer
	queryMost     = 400 // characters of a query; more is no query
	titleWords    = 10
)

// rewriteRequest asks for a query that finds what a question means that comes
// after others.
func rewriteRequest(question string, history []Message) inference.Request {
	var b strings.Builder
	turns := turnsOf(history)
	for _, t := range turns[max(0, len(turns)-rewriteTurns):] {
		b.WriteString("Question: " + short(t.question, pastQuestion) + "\nAnswer: " + short(t.answer, pastText) + "\n\n")
	}
	b.WriteString("Last question: " + short(tame(question), queryMost*4))
	return bidding(rewriteSystem, b.String(), rewriteTokens)
}

// titleRequest asks for a title of the conversation that begins so.
func titleRequest(question, answer string) inference.Request {
	return bidding(titleSystem, "Question: "+short(tame(question), pastQuestion)+"\n\nAnswer: "+short(tame(unmarked(answer)), pastText), titleTokens)
}

func bidding(system, text string, tokens int) inference.Request {
	cold := 0.0
	return inference.Request{
		Messages:  []inference.Message{{Role: inference.RoleSystem, Content: system}, {Role: inference.RoleUser, Content: text}},
		MaxTokens: tokens, Temperature: &cold, Think: inference.ThinkOff,
	}
}

// short is a text on one line, cut at a word after so many characters.
func short(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	cut := string([]rune(text)[:most])
	if at := strings.LastIndexByte(cut, ' '); at > len(cut)/2 {
		cut = cut[:at]
	}
	return cut + " …"
}

// rewritten is the query in a model's reply. What is no query is not searched
// for: then the question is.
func rewritten(question, reply string) string {
	query := lineOf(reply)
	if query == "" || utf8.RuneCountInString(query) > max(queryMost, 2*utf8.RuneCountInString(question)) ||
		strings.IndexFunc(query, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0 {
		return question
	}
	if strings.EqualFold(query, strings.TrimSpace(question)) {
		return question
	}
	return query
}

// titleOfReply is the title in a model's reply; "" where there is none.
func titleOfReply(reply string) string {
	title := strings.TrimRightFunc(lineOf(reply), func(r rune) bool {
		return strings.ContainsRune(".。!！,;:…", r) || unicode.IsSpace(r)
	})
	if len(strings.Fields(title)) > titleWords || utf8.RuneCountInString(title) < 2 || utf8.RuneCountInString(title) > maxTitle ||
		strings.IndexFunc(title, unicode.IsLetter) < 0 {
		return ""
	}
	return title
}

// lineOf is the first line of a reply that says something, without what models
// put around it: thinking, labels, quotation marks, emphasis.
func lineOf(reply string) string {
	if at := strings.LastIndex(reply, "</think>"); at >= 0 {
		reply = reply[at+len("</think>"):]
	} else if at := strings.Index(reply, "<think>"); at >= 0 {
		reply = reply[:at] // cut in the middle of its thoughts
	}
	for line := range strings.Lines(reply) {
		line = strings.Join(strings.Fields(unmarked(line)), " ")
		for before := ""; line != before; {
			before = line
			line = strings.Trim(line, " *_`#>")
			line = unlabelled(unquoted(line))
			if n := itemMark(line); n > 0 {
				line = line[n:]
			}
		}
		if strings.IndexFunc(line, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) >= 0 {
			return line
		}
	}
	return ""
}

// unlabelled takes a label such as "Query:" off a line. A line that is nothing
// else is empty.
func unlabelled(line string) string {
	at := strings.IndexAny(line, ":：")
	if at < 0 || at > 40 {
		return line
	}
	switch strings.ToLower(strings.Trim(line[:at], " *_")) {
	case "query", "search query", "standalone query", "standalone question", "standalone search query", "rewritten query", "rewritten question",
		"search", "question", "last question", "title", "here is the query", "here is the search query", "here is the title", "here's the query",
		"suchanfrage", "suchbegriff", "anfrage", "frage", "titel", "requête", "requête de recherche", "question autonome", "titre", "查询", "标题":
		_, size := utf8.DecodeRuneInString(line[at:])
		return strings.TrimSpace(line[at+size:])
	}
	return line
}

// unquoted takes quotation marks off that stand around the whole line.
func unquoted(line string) string {
	for _, pair := range []string{`""`, "''", "“”", "„“", "„”", "«»", "»«", "‘’", "‚‘", "「」", "《》"} {
		opening, size := utf8.DecodeRuneInString(pair)
		closing := pair[size:]
		inner, ok := strings.CutPrefix(line, string(opening))
		if inner, end := strings.CutSuffix(inner, closing); ok && end && !strings.Contains(inner, string(opening)) && !strings.Contains(inner, closing) {
			return strings.TrimSpace(inner)
		}
	}
	return line
}
