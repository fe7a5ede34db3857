package chat

import (
	"context"
	"slices"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/library"
	"chatets/appliance/model"
)

// aim is what an asking points at, as it was read before anything is stored. The
// zero aim begins a new conversation.
type aim struct {
	conversation Conversation
	question     Message  // that is edited or answered again
	answer       Message  // that is gone on with or gets another version
	base         *Receipt // of the answer that is gone on with
}

// aim finds the conversation and the message that an asking is about, and says
// whether it may be done to them now.
func (c *Chat) aim(ctx context.Context, in *asking) (aim, error) {
	if in.points() == "" && in.conversation == "" {
		return aim{}, nil
	}
	if in.points() == "" {
		conversation, err := c.Store.conversation(ctx, in.conversation)
		return aim{conversation: conversation}, c.refuse(ctx, err, "chat.ask", "conversation", in.conversation)
	}
	t, err := c.Store.aim(ctx, *in)
	if err != nil {
		return aim{}, c.refuse(ctx, err, "chat.ask", "message", in.points())
	}
	in.conversation = t.conversation.ID
	if in.goOn == "" {
		return t, nil
	}
	if err := resumable(t); err != nil {
		return aim{}, err
	}
	in.seen = t.answer.Run
	return t, c.mayResume(ctx, t)
}

// resumable says why an answer cannot be gone on with.
func resumable(t aim) error {
	m := t.answer
	switch m.State {
	case StateWriting:
		return stillWriting()
	case StateInterrupted, StateStopped:
	case StateFailed:
		if m.Content == "" {
			return fault.New(fault.Conflict, "The answer failed before its first word, so there is nothing to go on with.").
				Cure("Ask for the answer again.").Code("nothing-to-continue")
		}
	case StateDone:
		if !m.Truncated {
			return fault.New(fault.Conflict, "The answer is complete.").Cure("Ask a further question, or for another answer.").Code("answer-complete")
		}
	}
	if m.Content != "" && (m.Kind != KindGenerated || t.base == nil) {
		return fault.New(fault.Conflict, "Only an answer that a model writes can be gone on with.").Cure("Ask for the answer again.").Code("not-generated")
	}
	return nil
}

func stillWriting() error {
	return fault.New(fault.Conflict, "The answer is still being written.").Cure("Wait for its end, or stop it.").Code("still-writing")
}

// mayResume refuses to give a model once more what the person may no longer read.
func (c *Chat) mayResume(ctx context.Context, t aim) error {
	var documents []string
	for _, cited := range t.answer.Citations {
		documents = append(documents, cited.Document.ID)
	}
	if t.base != nil {
		for _, p := range t.base.Passages {
			documents = append(documents, p.Document)
		}
	}
	documents = unique(documents)
	may, err := c.Library.ReadableDocuments(ctx, library.ReachOf(actor.From(ctx)), documents)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(documents, func(id string) bool { return !may[id] }) {
		return fault.New(fault.Conflict, "The answer was written from documents that you may no longer read.").
			Cure("Ask for the answer again; it is then written from what you may read now.").Code("sources-withheld")
	}
	return nil
}

// prepare makes a new run one of this aim, as far as its readers and the queue
// must know before it is stored.
func (t aim) prepare(r *run, in asking) {
	r.conversation = in.conversation
	if r.conversation == "" {
		r.conversation = newID()
	}
	r.question.Conversation, r.answer.Conversation = r.conversation, r.conversation
	switch in.kind() {
	case askEdit:
		r.question.Parent = t.question.Parent
	case askAnew:
		r.question = t.question
	case askContinue:
		id, began := r.id, r.answer
		r.question, r.answer = t.question, t.answer
		r.answer.Run, r.answer.State, r.answer.Kind, r.answer.Model = id, began.State, began.Kind, ""
		r.answer.Problem, r.answer.Usage, r.answer.Context = nil, nil, nil
		r.answer.Truncated, r.answer.Unsupported = false, false
		r.answerID = r.answer.ID
		r.prefix, r.base = t.answer.Content, t.base
	}
	r.signs()
}

// signs says in the answer who is to write it.
func (r *run) signs() {
	r.answer.Parent = r.question.ID
	if r.choice.Name != "" {
		r.answer.Kind, r.answer.Model = KindGenerated, r.choice.Name
	}
	r.draft.kind = r.answer.Kind
	r.question.Versions, r.answer.Versions = versionOf(r.question.ID, nil), versionOf(r.answer.ID, nil)
}

// recite says again what else was kept of an answer that is gone on with: its
// thoughts and the sources its text names.
func (r *run) recite(t aim) {
	if r.prefix == "" {
		return
	}
	r.draft.query, r.draft.thought = t.answer.Query, time.Duration(t.answer.ThinkingMs)*time.Millisecond
	if t.answer.Thinking != "" {
		r.draft.thinking.WriteString(t.answer.Thinking)
		r.log.say(EventThinking, t.answer.Thinking)
	}
	if len(t.answer.Citations) > 0 {
		r.draft.citations = t.answer.Citations
		r.log.add(EventCitations, encode(t.answer.Citations))
	}
}

// recall gives a run the path before its question, the oldest first, as the
// person may read it now. The messages before may still be written while the run
// waits for its turn; whoever takes it out of the queue calls this again.
func (c *Chat) recall(ctx context.Context, r *run) error {
	r.history, r.before = nil, ""
	if !r.stored() || r.question.Parent == "" {
		return nil
	}
	path, err := c.Store.path(ctx, r.conversation, r.question.Parent, maxHistory)
	if err != nil {
		return err
	}
	if err := c.withholdFrom(ctx, path); err != nil {
		return err
	}
	slices.Reverse(path)
	r.history = path
	for _, m := range path {
		if m.Role == RoleUser {
			r.before = m.Content
		}
	}
	return nil
}

// choose finds the model that answers. A name the asking gives must be one the
// person may use. One that is only kept from before gives way to the default
// where it cannot answer, unless its own text is to be gone on with; the answer
// names the model that wrote it.
func (c *Chat) choose(ctx context.Context, who actor.Actor, in asking, t aim) (model.Choice, error) {
	name, kept := in.model, t.conversation.Model
	switch {
	case in.goOn != "" && t.answer.Content != "":
		name = t.answer.Model
	case in.regenerate != "" && t.answer.Model != "":
		kept = t.answer.Model
	}
	if c.Models == nil {
		if name != "" && name != KindExtractive {
			sentence := "There is no model " + quoted(name) + "."
			return model.Choice{}, fault.New(fault.Invalid, "%s", sentence).Cure("Leave the model out; no language model is connected.").Code("no-model").
				With(fault.Detail{Field: "body.model", Sentence: sentence})
		}
		return model.Choice{}, nil
	}
	if name != "" {
		return c.Models.Choose(ctx, who, name)
	}
	choice, err := c.Models.Choose(ctx, who, kept)
	if kept != "" && (fault.Is(err, fault.NotFound) || fault.Is(err, fault.Unavailable)) {
		return c.Models.Choose(ctx, who, "")
	}
	return choice, err
}

// fits refuses a message that is longer than what the model can be given.
func (c *Chat) fits(text string, choice model.Choice) error {
	if choice.Name == "" {
		return nil
	}
	in := promptIn{Limit: choice.Context, Reply: replyOf(choice.Context), Ratio: c.counts.ratio(choice.Name)}
	return spendQuestion(newBudget(in.Limit, in.Reply, in.Ratio), in, tame(text))
}

// show moves a conversation to the path of another version.
func (c *Chat) show(ctx context.Context, conversation, message string) (Conversation, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return Conversation{}, err
	}
	shown, err := c.Store.conversation(ctx, conversation)
	if err != nil {
		return Conversation{}, c.refuse(ctx, err, "conversation.change", "conversation", conversation)
	}
	if err := c.Store.show(ctx, conversation, message); err != nil {
		return Conversation{}, c.refuse(ctx, err, "conversation.change", "message", message)
	}
	c.notify(a, conversation)
	return shown, nil
}
