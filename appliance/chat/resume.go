package chat

import (
	"context"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/library"
)

// receiptOf is what is known of an answer before the model is asked.
func (c *Chat) receiptOf(r *run, query string, prompt []inference.Message, passages []library.Passage, estimated int, searching time.Duration) *Receipt {
	request := c.request(r, nil)
	rc := &Receipt{Run: r.id, Message: r.answerID, Model: r.choice.Name, Digest: r.choice.Digest, Query: query, WordsOnly: r.draft.wordsOnly,
		Parameters: ReceiptParameters{Context: r.choice.Context, MaxTokens: request.MaxTokens, Temperature: request.Temperature,
			Think: string(request.Think), Prefix: request.Prefix},
		Prompt: make([]ReceiptMessage, len(prompt)), Passages: make([]ReceiptPassage, len(passages))}
	for i, m := range prompt {
		rc.Prompt[i] = ReceiptMessage{Role: m.Role, Content: m.Content}
	}
	for i, p := range passages {
		rc.Passages[i] = ReceiptPassage{Number: i + 1, Document: p.Document, Title: p.DocumentTitle, Knowledge: p.Knowledge, Version: p.Version,
			Chunk: p.Chunk, Page: p.Page, Heading: p.Heading, Start: p.Start, End: p.End, Score: p.Score, Coverage: p.Coverage, Text: p.Text}
	}
	rc.Times.SearchingMs = searching.Milliseconds()
	rc.Tokens.Estimated = estimated
	return rc
}

// complete adds to the receipt what is known at the end.
func (c *Chat) complete(r *run, result inference.Result, took time.Duration) {
	rc := r.draft.receipt
	if rc == nil {
		return
	}
	done := *rc // the one before was handed to the store
	done.Server = result.Server
	done.Tokens.Prompt, done.Tokens.Output = result.PromptTokens, result.OutputTokens
	done.Times.QueuedMs = r.draft.queued.Milliseconds()
	done.Times.LoadingMs = r.draft.loading.Milliseconds()
	done.Times.FirstTokenMs, done.Times.WritingMs = result.FirstToken.Milliseconds(), result.Writing.Milliseconds()
	done.Times.TotalMs = (r.draft.queued + took).Milliseconds() + done.Times.SearchingMs
	r.draft.receipt = &done
}

// resume is the prompt of an answer that is gone on with: the same passages and
// messages, and behind them what the model has said already.
func (c *Chat) resume(ctx context.Context, r *run, who library.Reach) ([]inference.Message, []library.Passage, error) {
	var documents []string
	for _, p := range r.base.Passages {
		documents = append(documents, p.Document)
	}
	may, err := c.Library.ReadableDocuments(ctx, who, unique(documents))
	if err != nil {
		return nil, nil, err
	}
	passages := make([]library.Passage, len(r.base.Passages))
	for i, p := range r.base.Passages {
		if !may[p.Document] {
			return nil, nil, fault.New(fault.Conflict, "A document this answer rests on may no longer be read, or is gone.").
				Cure("Ask the question again.").Code("sources-changed")
		}
		passages[i] = library.Passage{Chunk: p.Chunk, Document: p.Document, DocumentTitle: p.Title, Knowledge: p.Knowledge, Version: p.Version,
			Page: p.Page, Heading: p.Heading, Start: p.Start, End: p.End, Text: p.Text, Score: p.Score, Coverage: p.Coverage}
	}
	prompt := make([]inference.Message, 0, len(r.base.Prompt)+1)
	for _, m := range r.base.Prompt {
		prompt = append(prompt, inference.Message{Role: m.Role, Content: m.Content})
	}
	if last := len(prompt) - 1; last >= 0 && prompt[last].Role == inference.RoleAssistant {
		prompt = prompt[:last] // the beginning as it was when the answer was gone on with before
	}
	prompt = append(prompt, inference.Message{Role: inference.RoleAssistant, Content: r.prefix})
	r.draft.query = ""
	if r.base.Query != r.question.Content {
		r.draft.query = r.base.Query
	}
	used := 0
	for _, m := range prompt {
		used += Tokens(m.Content)
	}
	r.draft.context = &Context{Limit: r.choice.Context, Used: used}
	if limit := r.choice.Context; limit > 0 && used+replyLeast > limit {
		return nil, nil, fault.New(fault.Invalid, "The answer has reached the end of what the model can take: %d of %d tokens.", used, limit).
			Cure("Ask a new question, or choose a model with a larger context.").Code("context-exceeded")
	}
	r.draft.receipt = c.receiptOf(r, r.base.Query, prompt, passages, used, 0)
	return prompt, passages, nil
}
