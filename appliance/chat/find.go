package chat

import (
	"context"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"chatets/appliance/actor"
)

const (
	maxFindWords = 20
	snippetRunes = 160 // of a text around what was found
	indexStep    = 100 // older texts whose words are indexed in one transaction
	indexPause   = 50 * time.Millisecond
)

// FoundConversation is a conversation that a search found, and where.
type FoundConversation struct {
	Conversation Conversation `json:"conversation"`
	Message      string       `json:"message,omitempty" doc:"The newest message that holds the words; absent where only the title does"`
	Snippet      string       `json:"snippet,omitempty" doc:"Its words around them"`
}

// A quest is a search as it was typed, taken apart.
type quest struct {
	words  []string
	wanted wanted
}

// questOf reads what was typed: words, and the prefixes tag: folder: pinned: and
// archived:, whose values may stand in quotation marks.
func questOf(typed string) quest {
	var q quest
	for _, part := range parts(typed) {
		name, value, is := strings.Cut(part, ":")
		value = strings.TrimSpace(strings.Trim(value, `"`))
		switch {
		case is && strings.EqualFold(name, "tag"):
			q.wanted.tag = value
		case is && strings.EqualFold(name, "folder"):
			q.wanted.named = value
		case is && strings.EqualFold(name, "pinned"):
			on := affirms(value)
			q.wanted.pinned = &on
		case is && strings.EqualFold(name, "archived"):
			q.wanted.archived = affirms(value)
		default:
			for _, w := range wordsOf(part) {
				if len(q.words) < maxFindWords {
					q.words = append(q.words, w)
				}
			}
		}
	}
	return q
}

// affirms reads the value of a prefix that is on or off; alone it is on.
func affirms(value string) bool {
	switch strings.ToLower(value) {
	case "no", "false", "off", "0", "nein", "non":
		return false
	}
	return true
}

// parts cuts a text at spaces that stand outside of quotation marks.
func parts(typed string) []string {
	inside := false
	return strings.FieldsFunc(typed, func(r rune) bool {
		if r == '"' {
			inside = !inside
		}
		return unicode.IsSpace(r) && !inside
	})
}

// wordsOf cuts a text into the words that the index knows, folded as there.
func wordsOf(text string) []string {
	return strings.FieldsFunc(foldText(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

// foldText takes away case and the marks on letters.
func foldText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(text))
}

// findConversations is a page of the actor's conversations whose title or
// messages hold what was typed, the newest first.
func (c *Chat) findConversations(ctx context.Context, typed, cursor string, limit int) ([]FoundConversation, string, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return nil, "", err
	}
	after, err := cursorPlace(cursor)
	if err != nil {
		return nil, "", err
	}
	q := questOf(typed)
	found, err := c.Store.findConversations(ctx, q, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(found) > limit {
		found = found[:limit]
		next = cursorAt(found[limit-1].Conversation)
	}
	shown := found[:0]
	for _, f := range found {
		keep, err := c.glimpse(ctx, q, &f)
		if err != nil {
			return nil, "", err
		}
		if keep {
			shown = append(shown, f)
		}
	}
	return shown, next, nil
}

// glimpse fills in the words around what was found. What the person may no
// longer read is not found: neither its words nor that they are there.
func (c *Chat) glimpse(ctx context.Context, q quest, f *FoundConversation) (bool, error) {
	if len(q.words) == 0 || f.Message == "" {
		return true, nil
	}
	messages, err := c.Store.holding(ctx, f.Conversation.ID, q.words)
	if err != nil {
		return false, err
	}
	if err := c.withholdFrom(ctx, messages); err != nil {
		return false, err
	}
	for _, m := range messages {
		if text, ok := around(m.Content, q.words); ok && !m.Withheld {
			f.Message, f.Snippet = m.ID, text
			return true, nil
		}
	}
	f.Message = ""
	return holds(f.Conversation.Title, q.words), nil
}

// holds reports whether each of the words begins a word of the text.
func holds(text string, words []string) bool {
	in := wordsOf(text)
	for _, w := range words {
		there := false
		for _, t := range in {
			there = there || strings.HasPrefix(t, w)
		}
		if !there {
			return false
		}
	}
	return true
}

// around is the part of a text around the first of the words; false where the
// text does not hold them all.
func around(text string, words []string) (string, bool) {
	if !holds(text, words) {
		return "", false
	}
	runes := []rune(strings.Join(strings.Fields(text), " "))
	at := 0
	for i := range runes {
		begins := i == 0 || !unicode.IsLetter(runes[i-1]) && !unicode.IsNumber(runes[i-1])
		if begins && strings.HasPrefix(foldText(string(runes[i:min(len(runes), i+2*len([]rune(words[0]))+4)])), words[0]) {
			at = i
			break
		}
	}
	from := max(0, at-snippetRunes/6)
	if to := from + snippetRunes; to < len(runes) {
		return cutAt(runes, from, to), true
	}
	return cutAt(runes, max(0, min(from, len(runes)-snippetRunes)), len(runes)), true
}

// cutAt is a part of a text, with dots where it goes on.
func cutAt(runes []rune, from, to int) string {
	for from > 0 && from < to && runes[from-1] != ' ' {
		from++
	}
	part := strings.TrimSpace(string(runes[from:to]))
	if to < len(runes) {
		part += "…"
	}
	if from > 0 {
		part = "…" + part
	}
	return part
}

// indexOld indexes the words of what was said before there was an index, a
// little at a time.
func (c *Chat) indexOld(ctx context.Context) {
	for ctx.Err() == nil {
		done, err := c.Store.indexSome(ctx, indexStep)
		wait := indexPause
		switch {
		case err != nil && ctx.Err() == nil:
			c.log().Warn("index the words of messages", "error", err)
			wait = time.Minute
		case done == 0:
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}
