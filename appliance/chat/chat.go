// Package chat holds conversations: messages, the runs that answer them, and
// the citations that prove the answers.
//
// What a newcomer gets wrong: a run belongs to the server, not to the request
// that began it. The request may leave at any time; the run goes on, its events
// are numbered from 1, and any number of readers follow them from any number
// on, while it runs and after it ended. Whoever wants it to end calls Stop.
//
// What a run says comes from a Writer. The one here, Extractive, quotes the
// passages that were found. A model takes its place as another Writer: it gets
// the same Brief (question, conversation, numbered passages), says its text in
// pieces and cites the same numbers. Queue, events, storage, Stop and Recover
// know nothing of the difference.
package chat

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chatets/appliance/library"
)

// Searcher is what chat asks of the library.
type Searcher interface {
	Search(ctx context.Context, who library.Reach, q library.Question) ([]library.Passage, error)
	Readable(ctx context.Context, who library.Reach, knowledge []string) error
	ReadableDocuments(ctx context.Context, who library.Reach, documents []string) (map[string]bool, error)
}

// Chat answers questions. Fill the exported fields, call Recover once, then Run
// for as long as the server lives.
type Chat struct {
	Store   Store
	Library Searcher
	Writer  Writer // nil writes extractive answers
	Log     *slog.Logger
	Now     func() time.Time

	// Notify tells the pages of a person that a noun changed; nil tells nobody.
	Notify func(workspace, person, noun, id string)
	// Measure is told how long a phase of a run took; nil is told nothing. The
	// phases are those of the events, and "run" for the whole with its outcome.
	Measure func(phase, outcome string, took time.Duration)

	Runs int           // answered at the same time; 0 means 4
	Wait time.Duration // how long a POST waits for its answer; 0 means 100 s

	once  sync.Once
	queue *queue
	live  *registry
}

// Conversation is one thread of questions and answers of one person.
type Conversation struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Knowledge []string  `json:"knowledge" doc:"Knowledge bases that are searched; empty means all that may be read"`
	Model     string    `json:"model"`
	Running   bool      `json:"running" doc:"An answer is being written"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Roles, kinds and states of a message.
const (
	RoleUser      = "user"
	RoleAssistant = "assistant"

	KindQuestion   = "question"
	KindExtractive = "extractive" // verbatim sentences of passages
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
	Kind         string     `json:"kind" enum:"question,extractive,none"`
	State        string     `json:"state" enum:"writing,done,failed,stopped,interrupted"`
	Citations    []Citation `json:"citations"`
	Run          string     `json:"run,omitempty"`
	Problem      *Failure   `json:"problem,omitempty" doc:"Why a failed answer failed"`
	CreatedAt    time.Time  `json:"createdAt"`
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
	Title string `json:"title"`
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
	EventDelta     = "delta"
	EventCitations = "citations"
	EventDone      = "done"
	EventError     = "error"
)
