package chat

import (
	"context"
	"strings"
	"unicode/utf8"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

const (
	newChat  = "new"   // the draft of a conversation that is still to begin
	maxDraft = 100_000 // characters
)

// Draft is what was typed in a chat and not sent yet. It is the same in every
// open page of the person.
type Draft struct {
	Text    string `json:"text"`
	Version int64  `json:"version" doc:"Grows with every change; 0 while there is none"`
}

// draft is the actor's draft of a conversation, or of a new one.
func (c *Chat) draft(ctx context.Context, chat string) (Draft, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return Draft{}, err
	}
	d, err := c.Store.draft(ctx, chat)
	if err != nil {
		err = c.refuse(ctx, err, "draft.open", "conversation", chat)
	}
	return d, err
}

// putDraft keeps a draft; d.Version is the one it was made from. Where there is
// another by now, nothing is changed: the page decides what becomes of the two.
func (c *Chat) putDraft(ctx context.Context, chat string, d Draft) (Draft, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return Draft{}, err
	}
	if utf8.RuneCountInString(d.Text) > maxDraft || strings.ContainsRune(d.Text, 0) {
		return Draft{}, invalid("text", "A draft has at most 100,000 characters, none of them NUL.")
	}
	kept, err := c.Store.putDraft(ctx, chat, d)
	if err != nil {
		return kept, c.refuse(ctx, err, "draft.change", "conversation", chat)
	}
	if c.Notify != nil {
		c.Notify(a.Workspace, a.ID, "draft", chat)
	}
	return kept, nil
}

func draftChanged() error {
	return fault.New(fault.Conflict, "The draft was changed on another page.").Cure("Read it again, and put yours behind it.").Code("draft-changed")
}
