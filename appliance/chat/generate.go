package chat

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/library"
)

const (
	rewriteMost = 15 * time.Second // a question that takes longer to rewrite is searched as it stands
	replyLeast  = 256              // tokens kept for an answer
	replyMost   = 2048
	answerMost  = 8192 // tokens an answer may have where the context would allow more
)

// generate lets a model answer from the passages that are found.
func (c *Chat) generate(ctx context.Context, r *run, who library.Reach, d *desk) error {
	r.draft.kind = KindGenerated
	prompt, passages, err := c.prepare(ctx, r, who, d)
	if err != nil {
		return err
	}
	if err := d.cite(citationsOf(passages)); err != nil {
		return err
	}
	// The receipt is brought to disk with the next saving, and so before the first
	// word is shown or together with it.
	r.owe(r.draft.receipt)
	c.changed(r, false)
	citer := newCiter(c.proofs.of(passages), d.Say)
	if r.prefix != "" {
		citer.Resume(r.prefix)
	}
	pace := c.pace()
	defer pace.end()
	var thinkingFrom time.Time
	began := c.now()
	result, err := r.turn.Generate(ctx, c.request(r, prompt), inference.Sink{
		Loading: d.loading(c.now),
		Pace: func(ctx context.Context) {
			if r.stored() && r.draft.text.Len()+r.draft.thinking.Len() > len(r.prefix) { // the first word is waited for
				pace.wait(ctx)
			}
		},
		Thinking: func(text string) error {
			if thinkingFrom.IsZero() {
				thinkingFrom = c.now()
			}
			d.loaded(c.now())
			r.draft.thought = c.now().Sub(thinkingFrom)
			return d.think(text)
		},
		Text: func(text string) error {
			d.loaded(c.now())
			return citer.Write(text)
		},
	})
	end := citer.Close
	if err != nil || result.Reason == inference.ReasonLength {
		end = citer.Break // in mid-sentence
	}
	if ended := end(); err == nil {
		err = ended
	}
	r.draft.unsupported = err == nil && citer.Unsupported()
	if places := citer.Places(passages); len(places) > 0 {
		r.draft.citations = citationsAt(passages, places)
	}
	c.account(r, result, c.now().Sub(began))
	c.counts.learn(r.choice.Name, prompt, result.PromptTokens)
	if err == nil && strings.TrimSpace(r.draft.text.String()) == "" {
		err = fault.New(fault.Unavailable, "The model ended its answer without a word.").
			Cure("Ask again, or choose another model.").Code("answer-empty")
	}
	return err
}

// prepare finds the passages and writes the prompt; an answer that is gone on
// with has both already.
func (c *Chat) prepare(ctx context.Context, r *run, who library.Reach, d *desk) ([]inference.Message, []library.Passage, error) {
	if r.base != nil {
		return c.resume(ctx, r, who)
	}
	began := c.now()
	d.phase(phase{Phase: "searching"})
	query := c.rewrite(ctx, r, d)
	if query != r.question.Content {
		r.draft.query = query
		d.phase(phase{Phase: "searching", Query: query})
	}
	found, err := c.search(ctx, who, query, d)
	if err != nil {
		return nil, nil, fmt.Errorf("search: %w", err)
	}
	searching := c.now().Sub(began)
	c.measure("searching", "", searching)
	made, err := compose(promptIn{Question: r.question.Content, History: r.history, Passages: found,
		Limit: r.choice.Context, Reply: replyOf(r.choice.Context), Ratio: c.counts.ratio(r.choice.Name)})
	if err != nil {
		return nil, nil, err
	}
	r.draft.context = &made.Context
	r.draft.receipt = c.receiptOf(r, query, made.Messages, made.Passages, made.Context.Used, searching)
	return made.Messages, made.Passages, nil
}

// replyOf is how many tokens of a context are kept for the answer.
func replyOf(limit int) int { return min(max(limit/4, replyLeast), replyMost) }

// rewrite makes of a follow-up question one that can be searched by itself.
// What goes wrong here is no failure of the answer.
func (c *Chat) rewrite(ctx context.Context, r *run, d *desk) string {
	if len(r.history) == 0 {
		return r.question.Content
	}
	short, cancel := context.WithTimeout(ctx, rewriteMost)
	defer cancel()
	var reply strings.Builder
	request := rewriteRequest(r.question.Content, r.history)
	request.Thinks = r.choice.Thinking
	_, err := r.turn.Generate(short, request, inference.Sink{
		Loading: d.loading(c.now),
		Text: func(text string) error {
			reply.WriteString(text)
			return nil
		},
	})
	if err != nil {
		if ctx.Err() == nil {
			c.log().Warn("rewrite a follow-up question", "run", r.id, "error", err)
		}
		if leans(r.question.Content) && r.before != "" {
			return r.question.Content + "\n" + r.before
		}
		return r.question.Content
	}
	return rewritten(r.question.Content, reply.String())
}

// request is the prompt with what the model is to know about it.
func (c *Chat) request(r *run, prompt []inference.Message) inference.Request {
	most := answerMost
	if used := r.draft.context; used != nil && used.Limit > 0 {
		most = min(most, max(used.Limit-used.Used, replyLeast))
	}
	return inference.Request{Messages: prompt, MaxTokens: most, Thinks: r.choice.Thinking, Sees: r.choice.Vision, Temperature: r.choice.Temperature, Prefix: r.prefix != ""}
}

// account notes what the answer took.
func (c *Chat) account(r *run, result inference.Result, took time.Duration) {
	usage := &Usage{PromptTokens: result.PromptTokens, OutputTokens: result.OutputTokens,
		FirstTokenMs: result.FirstToken.Milliseconds(), TotalMs: took.Milliseconds()}
	if seconds := result.Writing.Seconds(); seconds > 0 {
		usage.TokensPerSecond = float64(result.OutputTokens) / seconds
	}
	r.draft.usage = usage
	r.draft.truncated = result.Reason == inference.ReasonLength
	if r.draft.context != nil {
		r.draft.context.Counted = result.PromptTokens
	}
	c.complete(r, result, took)
	if result.FirstToken > 0 {
		c.measure("first-token", "", result.FirstToken)
		c.measure("writing", "", took-result.FirstToken)
	}
}

// citationsOf are passages under the numbers the prompt gave them.
func citationsOf(passages []library.Passage) []Citation {
	citations := make([]Citation, len(passages))
	for i, p := range passages {
		citations[i] = Citation{Number: i + 1, Document: CitedDocument{ID: p.Document, Title: p.DocumentTitle}, Knowledge: p.Knowledge,
			Version: p.Version, Page: p.Page, Heading: p.Heading, Start: p.Start, End: p.End, Text: p.Text}
	}
	return citations
}
