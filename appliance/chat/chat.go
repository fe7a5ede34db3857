// Package chat holds conversations: messages, the runs that answer them, and
// the citations that prove the answers.
//
// What a newcomer gets wrong: a run belongs to the server, not to the request
// that began it. The request may leave at any time; the run goes on, its events
// are numbered from 1, and any number of readers follow them from any number
// on, while it runs and after it ended. Whoever wants it to end calls Stop.
//
// A conversation is a tree. What is shown of it is one path: from its leaf up
// through the parents. Messages with the same parent and role are versions of
// each other; asking anew, editing and showing another version move the leaf.
package chat

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/inference"
	"chatets/appliance/library"
	"chatets/appliance/model"
)

// Searcher is what chat asks of the library.
type Searcher interface {
	Find(ctx context.Context, who library.Reach, q library.Question) (library.Result, error)
	Readable(ctx context.Context, who library.Reach, knowledge []string) error
	ReadableDocuments(ctx context.Context, who library.Reach, documents []string) (map[string]bool, error)
}

// Models is what chat asks of the model room.
type Models interface {
	// Choose finds the model of a name that the person may use; "" is the default
	// one, and a Choice without a name means that no model answers.
	Choose(ctx context.Context, who actor.Actor, name string) (model.Choice, error)
	Enter(model.Ticket) (*model.Turn, error)
	Idle() bool
}

// Chat answers questions. Fill the exported fields, call Recover once, then Run
// for as long as the server lives.
type Chat struct {
	Store   Store
	Library Searcher
	Models  Models // nil: there is no model, every answer is extractive
	Writer  Writer // of answers without a model; nil writes extractive ones
	Log     *slog.Logger
	Now     func() time.Time

	// Notify tells the pages of a person that a noun changed; nil tells nobody.
	Notify func(workspace, person, noun, id string)
	// Measure is told how long a phase of a run took; nil is told nothing. The
	// phases are those of the events, and "run" for the whole with its outcome.
	Measure func(phase, outcome string, took time.Duration)

	// Fresh is the actor with the rights it has now; a run that waited for long
	// searches with those. nil leaves the rights as they were when it was asked.
	Fresh func(ctx context.Context, who actor.Actor) (actor.Actor, error)

	// Names are the names of people; nil knows none.
	Names func(ctx context.Context, ids []string) (map[string]string, error)

	Runs int           // answered at the same time without Models; 0 means 4
	Wait time.Duration // how long a POST waits for its answer; 0 means 100 s

	once     sync.Once
	local    *inference.Queue // of a chat without Models
	crew     *crew
	titles   chan *run
	sessions chan string // that ended
	counts   counts
	live     *registry
	journal  *journal
	proofs   proofs
}

// Conversation is one thread of questions and answers of one person.
type Conversation struct {
	ID        string         `json:"id"`
	Title     string         `json:"title"`
	Knowledge []string       `json:"knowledge" doc:"Knowledge bases that are searched; empty means all that may be read"`
	Filter    library.Narrow `json:"filter,omitzero" doc:"Of them, the documents that are searched; absent means all"`
	Model     string         `json:"model"`
	Running   bool           `json:"running" doc:"An answer is being written"`
	Pinned    bool           `json:"pinned,omitempty"`
	Archived  bool           `json:"archived,omitempty"`
	Folder    string         `json:"folder,omitempty" doc:"Folder of chats it lies in; absent in none"`
	Tags      []string       `json:"tags,omitempty"`
	Unread    bool           `json:"unread,omitempty" doc:"An answer ended that nobody has looked at"`
	Shared    bool           `json:"shared,omitempty" doc:"There is a link to it for the members of the workspace"`
	ExpiresAt *time.Time     `json:"expiresAt,omitempty" doc:"A temporary conversation: it is in no list and no search, and gone at this time"`
	CreatedAt time.Time      `json:"createdAt"`
	UpdatedAt time.Time      `json:"updatedAt"`
}

// Roles, kinds and states of a message.
const (
	RoleUser      = "user"
	RoleAssistant = "assistant"

	KindQuestion   = "question"
	KindExtractive = "extractive" // verbatim sentences of passages
	KindGenerated  = "generated"  // written by a model
	KindNone       = "none"       // nothing was found

	StateWriting     = "writing"
	StateDone        = "done"
	StateFailed      = "failed"
	StateStopped     = "stopped"     // by the person
	StateInterrupted = "interrupted" // by a stop or crash of the server
)

// Message is a question or an answer.
type Message struct {
	ID           string     `json:"id"`
	Conversation string     `json:"conversation"`
	Parent       string     `json:"parent" doc:"The message this one follows; empty for the first"`
	Role         string     `json:"role" enum:"user,assistant"`
	Content      string     `json:"content"`
	Kind         string     `json:"kind" enum:"question,extractive,generated,none"`
	State        string     `json:"state" enum:"writing,done,failed,stopped,interrupted"`
	Citations    []Citation `json:"citations"`
	Run          string     `json:"run,omitempty"`
	Problem      *Failure   `json:"problem,omitempty" doc:"Why an answer failed or broke off"`
	CreatedAt    time.Time  `json:"createdAt"`
	Versions     Versions   `json:"versions" doc:"The messages that stand for each other at this place"`

	Model       string    `json:"model,omitempty" doc:"The model that wrote the answer"`
	Thinking    string    `json:"thinking,omitempty" doc:"What the model said to itself before"`
	ThinkingMs  int64     `json:"thinkingMs,omitempty" doc:"How long it thought"`
	Query       string    `json:"query,omitempty" doc:"What was searched for, where it is not the question itself"`
	Usage       *Usage    `json:"usage,omitempty"`
	Context     *Context  `json:"context,omitempty"`
	Unsupported bool      `json:"unsupported,omitempty" doc:"No source supports the answer"`
	Truncated   bool      `json:"truncated,omitempty" doc:"It ended because it grew too long; it can be gone on with"`
	Feedback    *Feedback `json:"feedback,omitempty" doc:"What you think of the answer"`
	Withheld    bool      `json:"withheld,omitempty" doc:"The answer rests on documents that may no longer be read, so its text is left out"`
}

// Versions are the messages with the same parent and role, in the order they
// were made.
type Versions struct {
	Index int      `json:"index" doc:"Which of them this message is, from 1"`
	IDs   []string `json:"ids"`
}

// Usage is what an answer took.
type Usage struct {
	PromptTokens    int     `json:"promptTokens" doc:"As the model server counted them"`
	OutputTokens    int     `json:"outputTokens"`
	TokensPerSecond float64 `json:"tokensPerSecond"`
	FirstTokenMs    int64   `json:"firstTokenMs"`
	TotalMs         int64   `json:"totalMs"`
}

// Context is how much of the model's context an answer was given.
type Context struct {
	Limit           int `json:"limit" doc:"Tokens the model takes"`
	Used            int `json:"used" doc:"Tokens of the prompt as estimated before it was sent"`
	Counted         int `json:"counted" doc:"Tokens of the prompt as the model server counted them; 0 while it is not known"`
	DroppedTurns    int `json:"droppedTurns" doc:"Earlier messages that had no room"`
	DroppedPassages int `json:"droppedPassages" doc:"Passages that were found and had no room"`
}

// Citation is the place in a document that proves a sentence of an answer. Its
// number stands in the answer's text as [1].
type Citation struct {
	Number    int           `json:"number"`
	Document  CitedDocument `json:"document"`
	Knowledge string        `json:"knowledge"`
	Version   int           `json:"version"`
	Page      int           `json:"page"`
	Heading   string        `json:"heading"`
	Start     int           `json:"start" doc:"Offset in characters of the document's text"`
	End       int           `json:"end"`
	Text      string        `json:"text" doc:"The document's own words; empty when withheld"`
	Withheld  bool          `json:"withheld,omitempty" doc:"The document may no longer be read, or is gone"`
}

// CitedDocument names the document of a citation.
type CitedDocument struct {
	ID    string `json:"id"`
	Title string `json:"title" doc:"A neutral word when withheld: titles tell as much as texts"`
}

// WordsOnly says that knowledge bases were searched by their words alone, and why.
type WordsOnly struct {
	Knowledge []string `json:"knowledge"`
	Reason    string   `json:"reason"`
	Cure      string   `json:"cure,omitempty"`
}

// Exchange is a question with its answer.
type Exchange struct {
	Conversation Conversation `json:"conversation"`
	Question     Message      `json:"question"`
	Answer       Message      `json:"answer"`
}

// Event is one numbered step of a run. Data is JSON.
type Event struct {
	ID   int64
	Name string
	Data []byte
}

// Names of events.
const (
	EventPhase     = "phase"
	EventThinking  = "thinking"
	EventDelta     = "delta"
	EventCitations = "citations"
	EventDone      = "done"
	EventError     = "error"
)
