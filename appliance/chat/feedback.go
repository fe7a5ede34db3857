package chat

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"chatets/appliance/actor"
)

const maxComment = 2000 // characters

// Feedback is what the person thinks of an answer.
type Feedback struct {
	Rating  string   `json:"rating" enum:"up,down"`
	Reasons []string `json:"reasons,omitempty" maxItems:"10" doc:"Any of: correct, complete, clear, well-sourced, wrong, incomplete, unclear, wrong-source, outdated, slow, other"`
	Comment string   `json:"comment,omitempty" doc:"At most 2,000 characters; nobody but the person reads it"`
}

// reasons are why an answer is good or not.
func reasons() []string {
	return []string{"correct", "complete", "clear", "well-sourced", "wrong", "incomplete", "unclear", "wrong-source", "outdated", "slow", "other"}
}

// FeedbackCount is how often answers of a model were found good or not.
type FeedbackCount struct {
	Model   string         `json:"model" doc:"Empty for answers in the documents' own words"`
	Up      int            `json:"up"`
	Down    int            `json:"down"`
	Reasons map[string]int `json:"reasons"`
}

// rate keeps what the actor thinks of an answer; nil takes it back.
func (c *Chat) rate(ctx context.Context, message string, f *Feedback) error {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return err
	}
	if f != nil {
		f.Reasons, f.Comment = append([]string{}, unique(f.Reasons)...), strings.TrimSpace(f.Comment)
		for _, r := range f.Reasons {
			if !slices.Contains(reasons(), r) {
				return invalid("reasons", "This is none of the reasons.")
			}
		}
		if utf8.RuneCountInString(f.Comment) > maxComment || strings.ContainsRune(f.Comment, 0) {
			return invalid("comment", "A comment has at most 2,000 characters.")
		}
	}
	conversation, err := c.Store.rate(ctx, message, f)
	if err != nil {
		return c.refuse(ctx, err, "message.rate", "message", message)
	}
	c.notify(a, conversation)
	return nil
}

// rated counts what people thought of answers since a time.
func (c *Chat) rated(ctx context.Context, since time.Time) ([]FeedbackCount, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Administers()); err != nil {
		return nil, err
	}
	return c.Store.rated(ctx, since)
}
