package chat

import (
	"context"

	"chatets/appliance/actor"
)

// Room is how much of a model's context is taken, and what there is room for, in
// tokens as they are estimated. All is 0 where no model answers.
type Room struct {
	Limit      int `json:"limit" doc:"Tokens the model takes in all"`
	Used       int `json:"used" doc:"Tokens of the instructions and of the conversation as far as it would be sent"`
	Reserved   int `json:"reserved" doc:"Tokens kept for passages and for the answer"`
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
	if err != nil || choice.Name == "" || choice.Context <= 0 {
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
	return roomOf(choice.Context, path), nil
}
