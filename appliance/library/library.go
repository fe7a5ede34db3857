// Package library keeps knowledge bases and their documents, and searches them.
//
// Who may do what:
//   - The owner of a knowledge base, and whoever was given the right to edit it,
//     adds and deletes documents and renames it; the right to read searches and
//     opens. Rights are given to people, groups or the whole workspace. A guest
//     only ever reads.
//   - The owner and the administrators of the workspace manage it: they see that
//     it exists, change who has access, and delete it. Managing opens nothing: an
//     administrator who wants to read gives themselves access, which is recorded.
//   - A deny wins over all that gives a right, ownership too; who is denied and
//     manages still manages.
//   - A document may have rules of its own: some are denied, or only some are
//     allowed. They narrow what its knowledge base gives and never add to it. Who
//     added a document, and may edit there, manages its rules, as does who manages
//     the knowledge base.
//   - The operator, on the command line of the server, reaches all knowledge bases.
//
// What a newcomer gets wrong: nothing is searched or opened without a Reach,
// which is made only from an actor and whose zero value finds nothing. And a
// chunk is not visible because it is in its table: a document's chunks and
// words are written in pieces and all become visible when its state turns ready.
package library

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/blob"
	"chatets/appliance/extract"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
)

// Accounts is what the library asks about people.
type Accounts interface {
	// Names are the display names of people, groups and workspaces by id.
	Names(ctx context.Context, ids []string) (map[string]string, error)
	// Share is an error unless people and groups belong to the workspace.
	Share(ctx context.Context, workspace string, people, groups []string) error
	// Member is a person with their role and groups in a workspace.
	Member(ctx context.Context, workspace, person string) (account.Member, error)
	// First is the first workspace.
	First(ctx context.Context) (account.Workspace, error)
}

// Reader turns files into text and pages into pictures, in a fence.
type Reader interface {
	Read(ctx context.Context, r extract.Request, body io.Reader) (extract.Document, error)
	Render(ctx context.Context, r extract.Request, body io.Reader, page, width int) ([]byte, error)
}

// Encoder makes a vector of each text.
type Encoder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// Library keeps knowledge bases and documents. Make it with New, then call Jobs
// before anything is added.
type Library struct {
	store    store
	blobs    *blob.Store
	accounts Accounts
	limit    *setting.Value[int]
	notify   func(workspace, person, noun, id string)
	log      *slog.Logger
	now      func() time.Time
	queue    queue
	reader   Reader
	encoder  Encoder
	tokens   func(text string) int // nil = not counted
	models   Models
	quiet    quiet
	away     absences
	toEncode chan struct{} // one token: passages wait for the encoder
	toRenew  chan struct{} // one token: documents wait to be read again
	readings readings
	guard    *guard
	letters  *setting.Value[string] // languages scanned pages are read in
	keys     *secret.Keyring

	// files is held shared while a document takes a blob that is there, and alone
	// while an unused blob is removed: between the two it must not vanish.
	files sync.RWMutex
}

// maxMegabytes is how far an administrator may raise the limit of an upload.
const maxMegabytes = 2000

// uploadLimit is the setting of how large a file may be.
func uploadLimit(s *setting.Settings) *setting.Value[int] {
	return setting.Declare(s, setting.Key[int]{
		Name: "upload.maxMegabytes", Default: 200, Check: setting.Between(1, maxMegabytes),
		Help: "How many megabytes a file may have that is added to a knowledge base.",
	})
}

// lettersOf is the setting of the languages that scanned pages are read in;
// installed are those there are.
func lettersOf(s *setting.Settings, installed []string) *setting.Value[string] {
	return setting.Declare(s, setting.Key[string]{
		Name: "ocr.languages", Default: "",
		Help: "The languages that scanned pages are read in, as tesseract names them, most frequent first: eng+deu. Each one costs time. Empty = the first three that are installed, English and German before others.",
		Check: func(v string) error {
			if v == "" {
				return nil
			}
			if !extract.IsLanguages(v) {
				return fault.New(fault.Invalid, "Give languages as tesseract names them, joined by a plus sign: eng+deu.")
			}
			for name := range strings.SplitSeq(v, "+") {
				if !slices.Contains(installed, name) {
					return fault.New(fault.Invalid, "The language %s is not installed for tesseract; installed are: %s.", name, cmp.Or(strings.Join(installed, ", "), "none"))
				}
			}
			return nil
		},
	})
}

// Reach is what an actor may read. The zero value finds nothing.
type Reach struct{ who actor.Actor }

// ReachOf is the reach of an actor.
func ReachOf(a actor.Actor) Reach { return Reach{who: a} }

// everything reports the operator's reach: all workspaces.
func (r Reach) everything() bool { return r.who.Kind == actor.Operator }

// manages reports whether the actor manages the knowledge bases of its workspace.
func (r Reach) manages() bool {
	return r.everything() || r.who.Kind == actor.Person && r.who.ManagesWorkspace()
}

// args are the first parameters of every query that asks for a right; see rightOf.
func (r Reach) args(more ...any) []any {
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	person := r.who.Kind == actor.Person && r.who.ID != "" && r.who.Workspace != ""
	workspace, id, groups := "", "", []string{}
	if person {
		workspace, id = r.who.Workspace, r.who.ID
		groups = append(groups, r.who.Groups...)
	}
	list, err := json.Marshal(groups)
	if err != nil { // a list of texts has a form
		list = []byte("[]")
	}
	return append([]any{
		flag(r.everything()), workspace, id, string(list), flag(person && r.who.WorkspaceRole != actor.None),
		flag(r.who.WorkspaceRole == actor.Guest), flag(r.manages()),
	}, more...)
}

// The rights to a knowledge base and its documents.
const (
	None = "none" // manages it, but reads nothing
	Read = "read"
	Edit = "edit"
)

// What an entry of an access list may say besides Read and Edit.
const (
	Deny  = "deny"  // has no right, whatever else gives one
	Allow = "allow" // to a restricted document: has the right that the knowledge base gives
)

// Knowledge is a knowledge base as one actor sees it.
type Knowledge struct {
	ID, Workspace, Owner, Name string
	Right                      string // None, Read or Edit
	Manages                    bool   // may change access and delete
	Documents, Working         int
	Indexing                   Indexing
	Size                       int64
	Created, Updated           time.Time
	fold                       string
}

// State is how far a document is.
type State string

// The states of a document.
const (
	Waiting    State = "waiting"
	Extracting State = "extracting"
	Embedding  State = "embedding"
	Ready      State = "ready"
	Failed     State = "failed"
	// Quarantined is a document in which the malware scanner found something: it
	// is neither read nor given out.
	Quarantined State = "quarantined"
)

// Working reports a document that is on its way to being ready.
func (s State) Working() bool { return s == Waiting || s == Extracting || s == Embedding }

// Document is one document of a knowledge base.
type Document struct {
	ID, Workspace, Owner, Knowledge string
	Title, Name, Type               string
	Size                            int64
	State                           State
	Reason, Cure, Code              string // of a failure, a quarantine, or of waiting for the scanner
	Verdict, Finding                string // of the malware scanner; see Clean
	Done, Total                     int64  // progress; Total 0 = unknown
	Note                            string
	Chunks, Pages, Characters       int
	Disabled                        int    // of the chunks
	Language                        string // two letters, "" = not known
	Version                         int
	Created, Updated                time.Time
	Folder                          string   // names with / between them, "" = in none
	Tags                            []string // in the order of their names
	Restricted                      bool     // only people its own rules allow may read it

	// What it is to the actor who asked.
	Right   string // None, Read or Edit
	Manages bool   // may change its access rules

	Renewal Renewal

	blob, content, job string
	edition            int  // of its passages that are found
	meant              bool // they have all the vectors they get
}

// Access gives a right to a person, a group or a workspace, or denies it; one of
// the three is set.
type Access struct {
	Person, Group, Workspace string
	Right                    string
}

func (a Access) subject() (kind, id string) {
	switch {
	case a.Person != "":
		return "person", a.Person
	case a.Group != "":
		return "group", a.Group
	}
	return "workspace", a.Workspace
}

// tell lets open pages ask again. It names no id, because the people of the
// workspace may not all know that the thing exists.
func (l *Library) tell(workspace string, nouns ...string) {
	if l.notify == nil {
		return
	}
	for _, noun := range nouns {
		l.notify(workspace, "", noun, "")
	}
}
