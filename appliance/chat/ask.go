package chat

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/library"
)

const (
	maxQuestion  = 32_000 // characters of a message
	maxTitle     = 60     // characters of a title made from a question
	maxKnowledge = 100    // knowledge bases named in one question
	shortFollow  = 3      // words up to which a follow-up leans on the question before
)

// An asking is a question as it comes in.
type asking struct {
	conversation string // "" begins a new one
	text         string
	knowledge    []string // nil keeps the conversation's
	model        string   // "" keeps the conversation's
	parent       string   // "" follows the newest message
}

// ask stores a question and puts its run into the queue. The run goes on
// whatever becomes of ctx.
func (c *Chat) ask(ctx context.Context, in asking) (*run, error) {
	c.open()
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return nil, err
	}
	text, err := check(in)
	if err != nil {
		return nil, err
	}
	if len(in.knowledge) > 0 {
		in.knowledge = unique(in.knowledge)
		if err := c.Library.Readable(ctx, library.ReachOf(a), in.knowledge); err != nil {
			if fault.Is(err, fault.NotFound) {
				err = c.Store.refused(ctx, in.knowledge, err)
			}
			return nil, err
		}
	}
	if err := c.queue.reserve(a.ID); err != nil {
		return nil, err
	}
	r := newRun(a, text, c.now())
	// Known before it is stored: whoever learns of the run from the database finds
	// it living.
	r.conversation = in.conversation
	if r.conversation == "" {
		r.conversation = newID()
	}
	r.question.Conversation, r.answer.Conversation = r.conversation, r.conversation
	r.open()
	// Its first event is stored with the question: until that is done the saver
	// must not store it too.
	r.save.Lock()
	c.live.put(r)
	started, err := c.Store.begin(ctx, r, in)
	if err != nil {
		c.live.remove(r)
		r.save.Unlock()
		c.queue.unreserve(a.ID)
		return nil, err
	}
	r.context, r.before, r.question.Parent = started.conversation, started.before, started.parent
	r.log.markSaved(1)
	r.save.Unlock()
	c.notify(a, r.conversation)
	if !c.queue.push(r) {
		c.finish(ctx, r, errInterrupted)
	}
	return r, nil
}

// Stop ends a run of the person who asks; what was shown stays. A run that has
// ended is left as it is.
func (c *Chat) stop(ctx context.Context, id string) error {
	c.open()
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return err
	}
	running, err := c.Store.stop(ctx, id)
	if err != nil || !running {
		return err
	}
	if r := c.live.find(id, a); r != nil {
		c.halt(r, errStopped)
	}
	return nil
}

func (c *Chat) halt(r *run, why error) {
	r.halt(why)
	c.queue.halt(r)
}

// check says what is wrong with a question, and cleans what is right.
func check(in asking) (string, error) {
	text := strings.TrimSpace(in.text)
	wrong := func(field, sentence, cure string) error {
		return fault.New(fault.Invalid, "%s", sentence).Cure("%s", cure).With(fault.Detail{Field: "body." + field, Sentence: sentence})
	}
	switch {
	case text == "":
		return "", wrong("message", "The message is empty.", "Write a question.")
	case strings.ContainsRune(text, 0):
		return "", wrong("message", "The message holds a NUL character.", "Send text only.")
	case utf8.RuneCountInString(text) > maxQuestion:
		return "", wrong("message", "The message is longer than 32,000 characters.", "Shorten it, or add the text as a document and ask about it.")
	case in.model != "" && in.model != KindExtractive:
		return "", wrong("model", "There is no model "+quoted(in.model)+".", `Leave the model out; no language model is connected.`)
	case len(in.knowledge) > maxKnowledge:
		return "", wrong("knowledge", "More than 100 knowledge bases are named.", "Name fewer, or none to search all that you may read.")
	}
	return text, nil
}

// quoted shows a value that somebody sent, cut to a length that can be read.
func quoted(value string) string {
	value = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, value)
	if runes := []rune(value); len(runes) > 80 {
		value = string(runes[:80]) + "…"
	}
	return "“" + value + "”"
}

// titleOf is the first line of a question, cut at a word.
func titleOf(question string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(question), "\n")
	line = strings.Join(strings.Fields(line), " ")
	runes := []rune(line)
	if len(runes) <= maxTitle {
		return line
	}
	cut := string(runes[:maxTitle])
	if at := strings.LastIndexByte(cut, ' '); at > len(cut)/2 {
		cut = cut[:at]
	}
	return strings.TrimRightFunc(cut, func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSpace(r) }) + "…"
}

// leans reports whether a question cannot be understood without the one before:
// it is very short, or begins with a word that points back.
func leans(question string) bool {
	words := strings.FieldsFunc(strings.ToLower(question), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' })
	if len(words) == 0 {
		return false
	}
	switch words[0] {
	case "it", "its", "it's", "they", "them", "their", "this", "that", "that's", "these", "those", "he", "she", "his", "her",
		"and", "but", "there", "then",
		"es", "sie", "er", "dies", "diese", "dieser", "dieses", "und", "aber", "dort", "davon", "dazu", "damit",
		"elle", "ils", "elles", "ça", "cela", "ceci", "et", "mais":
		return true
	}
	// Scripts without spaces make one long word of a whole question.
	return len(words) <= shortFollow && utf8.RuneCountInString(question) <= 40 && !spaceless(question)
}

func spaceless(text string) bool {
	for _, r := range text {
		if wide(r) || thai(r) {
			return true
		}
	}
	return false
}

func unique(ids []string) []string {
	var out []string
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// waitFor waits for the end of a run, as long as a POST may; false when it goes
// on.
func (c *Chat) waitFor(ctx context.Context, r *run) (bool, error) {
	wait := c.Wait
	if wait <= 0 {
		wait = 100 * time.Second
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-r.done:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
