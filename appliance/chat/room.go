package chat

import (
	"context"
	"slices"

	"chatets/appliance/actor"
)

// Room is how much of a model's context is taken, and what there is room for, in
// tokens as they are estimated. All is 0 where no model answers.
type Room struct {
	Limit      int `json:"limit" doc:"Tokens the model takes in all"`
	Used       int `json:"used" doc:"Tokens of the instructions and of the conversation as far as it would be sent; more than limit when not all of it has room"`
	Reserved   int `json:"reserved" doc:"Tokens kept for the answer; passages take what is left"`
	MaxMessage int `json:"maxMessage" doc:"Tokens one message may have"`
}

// room measures what the next question of a conversation finds.
func (c *Chat) room(ctx context.Context, conversation, name string) (Room, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return Room{}, err
	}
	t, err := c.aim(ctx, &asking{conversation: conversation})
	if err != nil {
		return Room{}, err
	}
	choice, err := c.choose(ctx, a, asking{model: name}, t)
	if err != nil || choice.Name == "" {
		return Room{}, err
	}
	var path []Message
	if conversation != "" {
		if path, err = c.Store.shown(ctx, conversation, "", maxHistory); err != nil {
			return Room{}, err
		}
		if err := c.withholdFrom(ctx, path); err != nil {
			return Room{}, err
		}
	}
	slices.Reverse(path)
	return roomOf(choice.Context, c.counts.ratio(choice.Name), path), nil
}

// roomOf measures with the rules by which a prompt is composed.
func roomOf(limit int, ratio float64, history []Message) Room {
	reply := replyOf(limit)
	b := newBudget(limit, reply, ratio)
	b.used += b.cost(systemWithPassages)
	for _, t := range turnsOf(history) {
		b.used += b.cost(t.question, t.answer)
	}
	return Room{Limit: b.limit, Used: b.used, Reserved: b.reply, MaxMessage: questionMost(limit, reply, ratio)}
}
