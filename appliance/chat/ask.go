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
	maxHistory   = 40     // earlier messages that a run knows of
	shortFollow  = 3      // words up to which a follow-up leans on the question before
)

// Kinds of asking, as they are recorded.
const (
	askNext     = "ask"
	askEdit     = "edit"
	askAnew     = "regenerate"
	askContinue = "continue"
)

// An asking is what a person wants answered, as it comes in. At most one of
// edit, regenerate and goOn is set; then the conversation is that message's.
type asking struct {
	conversation string // "" begins a new one
	text         string
	knowledge    []string        // nil keeps those there were
	filter       *library.Narrow // nil keeps the one there was
	model        string          // "" keeps the one there was
	temporary    bool            // a new one is not kept
	parent       string          // "" follows the newest message of the shown path

	edit       string // id of a question: the text is another version of it
	regenerate string // id of an answer: another version of it is wanted
	goOn       string // id of an answer that is to be gone on with
	seen       string // the run of that answer when it was read
}

func (in asking) kind() string {
	switch {
	case in.edit != "":
		return askEdit
	case in.regenerate != "":
		return askAnew
	case in.goOn != "":
		return askContinue
	}
	return askNext
}

// points is the message that an asking is about, "" where it is a new question.
func (in asking) points() string { return in.edit + in.regenerate + in.goOn }

// ask stores what is asked and puts its run into the queue. The run goes on
// whatever becomes of ctx.
func (c *Chat) ask(ctx context.Context, in asking) (*run, error) {
	c.open()
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return nil, err
	}
	aim, err := c.aim(ctx, &in)
	if err != nil {
		return nil, err
	}
	if in.text, err = check(in, aim.question.Content); err != nil {
		return nil, err
	}
	if err = c.mayName(ctx, library.ReachOf(a), &in); err != nil {
		return nil, err
	}
	choice, err := c.choose(ctx, a, in, aim)
	if err != nil {
		return nil, err
	}
	if err := c.fits(in.text, choice); err != nil {
		return nil, err
	}
	r := newRun(a, in.text, c.now())
	r.choice = choice
	aim.prepare(r, in)
	r.open()
	r.recite(aim)
	first := r.log.unsaved()
	// Its first events are stored with the question: until that is done the saver
	// must not store them too. The run is known before it is stored: whoever learns
	// of it from the database finds it living.
	r.save.Lock()
	c.live.put(r)
	if err = c.enter(r); err == nil {
		var st started
		if st, err = c.Store.begin(ctx, r, in, first); err == nil {
			r.context, r.question, r.answer = st.conversation, st.question, st.answer
			r.log.markKept(len(first))
			r.log.markSaved(len(first))
		} else {
			r.turn.Leave()
		}
	}
	if err != nil {
		c.live.remove(r)
	}
	r.save.Unlock()
	if err != nil {
		return nil, err
	}
	if len(r.log.unsaved()) > 0 { // its place, which the saver passed over meanwhile
		c.changed(r, true)
	}
	c.notify(a, r.conversation)
	c.launch(context.WithoutCancel(ctx), r)
	return r, nil
}

// launch hands a stored run to those who work.
func (c *Chat) launch(ctx context.Context, r *run) {
	err := c.recall(ctx, r)
	if err == nil && c.crew.add(r) {
		return
	}
	if err == nil {
		err = errInterrupted
	}
	c.finish(ctx, r, err)
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
		return c.refuse(ctx, err, "chat.stop", "run", id)
	}
	if r := c.live.find(id, a); r != nil {
		c.halt(r, errStopped)
	}
	return nil
}

func (c *Chat) halt(r *run, why error) { r.halt(why) }

// check says what is wrong with an asking, and cleans what is right. Where there
// is no new text, it is the question's.
func check(in asking, question string) (string, error) {
	text := strings.TrimSpace(in.text)
	if in.regenerate != "" || in.goOn != "" {
		text = question
	}
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
