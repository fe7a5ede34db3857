package chat

import (
	"chatets/appliance/inference"
	"chatets/appliance/library"
)

// promptIn is what a prompt is made of.
type promptIn struct {
	Question string
	History  []Message         // oldest first
	Passages []library.Passage // best first
	Prefix   string            // the beginning of an answer that is gone on with
	Limit    int               // tokens of the model's context; 0 = unknown
	Reply    int               // tokens of it that are kept for the answer
	Ratio    float64           // the server's count for ours, as learned; 0 = not yet
}

// composed is a prompt with what it says and what had no room in it.
type composed struct {
	Messages []inference.Message
	Passages []library.Passage // as they are numbered in the prompt, from 1
	Context  Context
}

// compose writes the prompt for a question.
func compose(in promptIn) (composed, error) {
	out := composed{Passages: in.Passages}
	out.Messages = append(out.Messages, inference.Message{Role: inference.RoleUser, Content: in.Question})
	return out, nil
}
