package chat

import (
	"context"
	"fmt"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/library"
)

// Receipt is how an answer of a model came about: what the model was sent, word
// for word, what it was made of, and how long each step took.
type Receipt struct {
	Run        string            `json:"run"`
	Message    string            `json:"message"`
	Model      string            `json:"model"`
	Digest     string            `json:"digest" doc:"Of the model's weights; empty where the server has none"`
	Server     string            `json:"server" doc:"Id of the model server that answered"`
	Parameters ReceiptParameters `json:"parameters"`
	Prompt     []ReceiptMessage  `json:"prompt" doc:"As it was sent; empty when withheld"`
	Query      string            `json:"query" doc:"What was searched for; empty when withheld"`
	Passages   []ReceiptPassage  `json:"passages"`
	Times      ReceiptTimes      `json:"times"`
	Tokens     ReceiptTokens     `json:"tokens"`
	WordsOnly  []WordsOnly       `json:"wordsOnly,omitempty" doc:"Knowledge bases whose passages were compared by their words alone, and why"`
	Withheld   bool              `json:"withheld,omitempty" doc:"Documents of it may no longer be read, so the prompt is left out"`
}

// ReceiptParameters are what the model was told besides the prompt; what is
// absent was left to the model.
type ReceiptParameters struct {
	Context     int      `json:"context"`
	MaxTokens   int      `json:"maxTokens"`
	Temperature *float64 `json:"temperature,omitempty"`
	Seed        *int     `json:"seed,omitempty"`
	Think       string   `json:"think,omitempty"`
	Prefix      bool     `json:"prefix,omitempty" doc:"The last message is the beginning of the answer"`
}

// ReceiptMessage is one message of a prompt.
type ReceiptMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// ReceiptPassage is a passage as the prompt numbered it.
type ReceiptPassage struct {
	Number    int     `json:"number"`
	Document  string  `json:"document"`
	Title     string  `json:"title"`
	Knowledge string  `json:"knowledge"`
	Version   int     `json:"version"`
	Chunk     int64   `json:"chunk"`
	Page      int     `json:"page"`
	Heading   string  `json:"heading"`
	Start     int     `json:"start"`
	End       int     `json:"end"`
	Score     float64 `json:"score"`
	Coverage  float64 `json:"coverage"`
	Text      string  `json:"text" doc:"Empty when withheld"`
	Withheld  bool    `json:"withheld,omitempty" doc:"The document may no longer be read, or is gone"`
}

// ReceiptTimes are the steps of a run in milliseconds; 0 is a step there was
// none of, or that the run did not come to.
type ReceiptTimes struct {
	QueuedMs     int64 `json:"queuedMs"`
	LoadingMs    int64 `json:"loadingMs"`
	SearchingMs  int64 `json:"searchingMs"`
	FirstTokenMs int64 `json:"firstTokenMs"`
	WritingMs    int64 `json:"writingMs"`
	TotalMs      int64 `json:"totalMs"`
}

// ReceiptTokens are the tokens of a run: as the server counted them, and as they
// were estimated before the prompt was sent.
type ReceiptTokens struct {
	Prompt    int `json:"prompt"`
	Output    int `json:"output"`
	Estimated int `json:"estimated"`
}

// openReceipt is the receipt of an answer of the actor, without what may no
// longer be read.
func (c *Chat) openReceipt(ctx context.Context, id string) (Receipt, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return Receipt{}, err
	}
	m, rc, err := c.Store.receipt(ctx, id)
	if err != nil {
		return Receipt{}, c.refuse(ctx, err, "receipt.open", "message", id)
	}
	if rc == nil {
		return Receipt{}, fault.New(fault.NotFound, "This message has no receipt: no model wrote it.").Code("no-receipt")
	}
	if err := c.withholdReceipt(ctx, m, rc); err != nil {
		return Receipt{}, err
	}
	return *rc, c.noted(ctx, c.Store.openedReceipt(ctx, id), "receipt.open", id)
}

// withholdReceipt takes the words of documents that may no longer be read out of
// a receipt. They may stand anywhere in the prompt: among its passages, and in
// the answers that went before.
func (c *Chat) withholdReceipt(ctx context.Context, m Message, rc *Receipt) error {
	earlier, err := c.Store.path(ctx, m.Conversation, m.ID, maxHistory+2)
	if err != nil {
		return err
	}
	var documents []string
	for _, e := range earlier {
		for _, cited := range e.Citations {
			documents = append(documents, cited.Document.ID)
		}
	}
	for _, p := range rc.Passages {
		documents = append(documents, p.Document)
	}
	documents = unique(documents)
	may, err := c.Library.ReadableDocuments(ctx, library.ReachOf(actor.From(ctx)), documents)
	if err != nil {
		return fmt.Errorf("documents of a receipt: %w", err)
	}
	if !slices.ContainsFunc(documents, func(id string) bool { return !may[id] }) {
		return nil
	}
	rc.Withheld, rc.Prompt, rc.Query = true, []ReceiptMessage{}, ""
	for i := range rc.Passages {
		if p := &rc.Passages[i]; !may[p.Document] {
			p.Text, p.Heading, p.Title, p.Withheld = "", "", withheldTitle, true
		}
	}
	return nil
}
