package chat

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
