package chat

import (
	"strings"

	"chatets/appliance/inference"
)

// rewriteRequest asks for a question that can be searched without the history.
func rewriteRequest(question string, history []Message) inference.Request {
	return inference.Request{Messages: []inference.Message{{Role: inference.RoleUser, Content: question}}, MaxTokens: 80, Think: inference.ThinkOff}
}

// rewritten is the query in a model's reply, or the question where there is none.
func rewritten(question, reply string) string {
	if reply = strings.TrimSpace(reply); reply == "" {
		return question
	}
	return reply
}

// titleRequest asks for a title of the conversation that begins so.
func titleRequest(question, answer string) inference.Request {
	return inference.Request{Messages: []inference.Message{{Role: inference.RoleUser, Content: question}}, MaxTokens: 24, Think: inference.ThinkOff}
}

// titleOfReply is the title in a model's reply; "" where there is none.
func titleOfReply(reply string) string { return strings.TrimSpace(reply) }
