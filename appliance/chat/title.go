package chat

import (
	"context"
	"strings"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/inference"
	"chatets/appliance/model"
)

const (
	titlesWaiting = 100         // more are given up: the first words of the question do as well
	titleMost     = time.Minute // for one title, once it has its turn
)

// wantTitle asks for a title of the conversation that a run began.
func (c *Chat) wantTitle(r *run) {
	if c.Models == nil || !r.stored() {
		return
	}
	select {
	case c.titles <- r:
	default:
	}
}

// makeTitles lets the models name conversations, one after the other and only
// when nobody waits for an answer.
func (c *Chat) makeTitles(ctx context.Context) {
	for {
		select {
		case r := <-c.titles:
			if err := c.makeTitle(ctx, r); err != nil && ctx.Err() == nil {
				c.log().Warn("name a conversation", "conversation", r.conversation, "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (c *Chat) makeTitle(ctx context.Context, r *run) error {
	turn, err := c.Models.Enter(model.Ticket{Person: r.who.ID, Class: inference.Background, Choice: r.choice, Tell: func(model.Waiting) {}})
	if err != nil {
		return err
	}
	defer turn.Leave()
	if err := turn.Wait(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(actor.With(ctx, r.who), titleMost)
	defer cancel()
	request := titleRequest(r.question.Content, r.answer.Content)
	request.Thinks = r.choice.Thinking
	var reply strings.Builder
	_, err = turn.Generate(ctx, request, inference.Sink{Text: func(text string) error {
		reply.WriteString(text)
		return nil
	}})
	if err != nil {
		return err
	}
	title := titleOfReply(reply.String())
	if title == "" {
		return nil
	}
	changed, err := c.Store.retitle(ctx, r.conversation, titleOf(r.question.Content), title)
	if changed {
		c.notify(r.who, r.conversation)
	}
	return err
}
