// Package inference speaks with model servers: Ollama, everything that has
// OpenAI's interface (LM Studio, vLLM, llama.cpp) and everything that has
// Anthropic's. It streams answers, makes embeddings, finds out which models there
// are, and holds the fair queue in front of the servers.
//
// What a newcomer gets wrong: the end of a stream is no success. A server that
// crashes in mid-answer ends its stream like one that is done, so an answer is
// whole only when the server said so; everything else is an error, and what came
// until then is kept by whoever received it.
package inference

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// Kind is the language a server speaks.
type Kind string

// The kinds of server.
const (
	Ollama    Kind = "ollama"    // Ollama's own interface
	OpenAI    Kind = "openai"    // OpenAI's: LM Studio, vLLM, llama.cpp and others
	Anthropic Kind = "anthropic" // Anthropic's messages
)

// Server is where a client connects to. Make the client with New.
type Server struct {
	ID       string // of the row it comes from, for logs
	Kind     Kind
	URL      string       // "http://10.1.2.3:11434"; a path is kept, and "/v1" at its end may be left out
	Token    string       // bearer token or API key, "" for none; never logged
	HTTP     *http.Client // of egress
	Instance string       // sent as X-ChatETS-Instance, by which a server of ours knows itself
	Limits   Limits
}

// Limits bound how long a server may be silent. Zero fields have their default.
type Limits struct {
	Connect   time.Duration // until the connection stands; 5 s
	FirstByte time.Duration // until the first piece of an answer, loading and reading the prompt included; 300 s
	Idle      time.Duration // between two pieces; 60 s
	Short     time.Duration // of a whole request that is no generation; 30 s
}

// Client is one server.
type Client interface {
	// Probe asks whether the server is there. It is cheap and asks for no model.
	Probe(ctx context.Context) (Health, error)
	// Models lists the models the server could answer with, loaded or not.
	Models(ctx context.Context) ([]Model, error)
	// Loaded lists the models in memory; known is false where the server cannot tell.
	Loaded(ctx context.Context) (loaded []Loaded, known bool, err error)
	// Load brings a model into memory with a context of so many tokens (0 = the
	// server's choice); where a server cannot be told, it does nothing.
	Load(ctx context.Context, model string, context int) error
	// Unload takes a model out of memory, where the server can be told.
	Unload(ctx context.Context, model string) error
	// Chat streams an answer into out. It returns within a second after ctx ended
	// or out refused a piece, with the connection to the server closed. Result
	// holds what is known also where err is not nil.
	Chat(ctx context.Context, r Request, out Sink) (Result, error)
	// Embed gives one vector of length 1 for each text, in their order.
	Embed(ctx context.Context, model string, texts []string) ([][]float32, error)
}

// Shelf is a client whose server takes models without the internet (Ollama).
type Shelf interface {
	// Put brings a file to the server unless it has it already; told hears of the
	// bytes sent so far.
	Put(ctx context.Context, sha256 string, size int64, body io.Reader, told func(sent int64)) error
	// Create makes a model of files that were put.
	Create(ctx context.Context, n NewModel, told func(note string)) error
	// Delete takes a model off the server's disk.
	Delete(ctx context.Context, model string) error
}

// NewModel is a model to be made of files the server has.
type NewModel struct {
	Name     string
	Files    map[string]string // file name to sha256 in hex
	Template string            // "" = the file's own
	System   string
	Context  int // tokens; 0 = the server's choice
}

// Health is what a server says of itself.
type Health struct {
	Flavour string // "ollama", "lmstudio", "llamacpp", "vllm", "anthropic" or "openai" for any other
	Version string // "" where it does not say
	Busy    bool   // it answers, but is still loading
	Latency time.Duration
}

// Model is a model of a server.
type Model struct {
	Name         string // as requests name it
	Digest       string // "" where the server has none
	Family       string
	Parameters   string // "8.0B"
	Quantization string // "Q4_K_M"
	Size         int64  // bytes; 0 unknown
	Embedding    bool   // makes vectors, does not chat
	Vision       bool
	Thinking     bool
	Tools        bool
	MaxContext   int // tokens the model can take; 0 unknown
	Context      int // tokens this server gives it now; 0 unknown
	Slots        int // requests it works on at a time; 0 unknown
	Dimensions   int // of its vectors; 0 unknown
	Loaded       bool
}

// Loaded is a model in a server's memory.
type Loaded struct {
	Model   string
	Context int // tokens; 0 unknown
}

// Roles of a message.
const (
	RoleSystem    = "system"
	RoleUser      = "user"
	RoleAssistant = "assistant"
	RoleTool      = "tool" // the result of a call
)

// Message is one turn of a conversation.
type Message struct {
	Role     string   `json:"role"`
	Content  string   `json:"content"`
	Thinking string   `json:"thinking,omitempty"`
	Images   [][]byte `json:"images,omitempty"` // PNG or JPEG
	Calls    []Call   `json:"calls,omitempty"`  // of the assistant
	Call     string   `json:"call,omitempty"`   // of a tool: the id of the call it answers
	Tool     string   `json:"tool,omitempty"`   // of a tool: its name
}

// Tool is something a model may ask for.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage // JSON schema of an object
}

// Call is a model's wish to use a tool, whole: pieces were collected.
type Call struct {
	ID        string          `json:"id"` // made by us where the server gives none or repeats one
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"` // an object
}

// Think says whether a model should think before it answers.
type Think string

// The wishes about thinking.
const (
	ThinkDefault Think = ""    // as the model does; never sent
	ThinkOff     Think = "off" // sent only to models that can think
	ThinkOn      Think = "on"
)

// Request is what a model is asked.
type Request struct {
	Model       string
	Messages    []Message
	Context     int      // tokens; one value for a model, since another makes the server load it again
	MaxTokens   int      // of the answer; 0 = the server's choice
	Temperature *float64 // nil = the model's own
	Seed        *int
	Stop        []string
	Think       Think
	Thinks      bool // the model can think; without it Think is not sent
	Sees        bool // the model takes images; without it images are refused before anything is sent
	Tools       []Tool
	Prefix      bool // the last message is the beginning of the answer, to be gone on with
}

// Sink takes an answer piece by piece; nil fields are skipped. An error of one
// ends the answer and is returned by Chat.
type Sink struct {
	Loading  func(server string) // the model is being brought into memory
	Thinking func(text string) error
	Text     func(text string) error
	Call     func(c Call) error
	// Pace is called before more of an answer is fetched than has come, once there
	// was a piece of it, and returns when more is wanted, or with ctx. The server's
	// silence is not counted meanwhile.
	Pace func(ctx context.Context)
}

// Reasons for the end of an answer.
const (
	ReasonStop   = "stop"   // the model ended it
	ReasonLength = "length" // the limit of tokens was reached
	ReasonTools  = "tools"  // the model waits for the results of its calls
)

// Result is what is known of an answer at its end.
type Result struct {
	Server       string // id of the server
	Model        string
	Reason       string // "" where it did not end well
	Calls        []Call
	PromptTokens int           // as the server counted; 0 unknown
	OutputTokens int           // as the server counted, else pieces that came
	FirstToken   time.Duration // from the request to the first piece, thinking included
	Took         time.Duration
	Writing      time.Duration // from the first piece to the last
}
