package library

import (
	"context"
	"fmt"
	"unicode/utf8"

	"chatets/appliance/extract"
	"chatets/appliance/fault"
)

// Chunk is a passage of a document as whoever looks after it sees it.
type Chunk struct {
	Number     int64
	Page       int // 0 where the format has no pages
	Heading    string
	Start, End int // characters in the document's text
	Text       string
	Tokens     int    // about; 0 = not counted
	Language   string // two letters, "" = not known
	Disabled   bool
}

// Chunks says which passages of a document are listed.
type Chunks struct {
	After    int64 // passages behind this number
	Before   int64 // the last ones before this number; 0 = not asked
	From     int   // passages that end behind this character
	Page     int   // passages that begin on this page; 0 = all
	Disabled bool  // only those that are switched off
	Limit    int
}

// Chunks lists passages of a document that who may read, in the order of its
// text, and records who reads it, as Open does.
func (l *Library) Chunks(ctx context.Context, who Reach, id string, c Chunks) (Document, []Chunk, error) {
	d, err := l.documentFor(ctx, who, id, Read, "document.open")
	if err != nil {
		return Document{}, nil, err
	}
	if d.State != Ready {
		return Document{}, nil, notReady(d)
	}
	list, err := l.store.chunks(ctx, d.ID, c)
	if err != nil {
		return Document{}, nil, err
	}
	for i := range list {
		l.describe(d, &list[i])
	}
	return d, list, l.noteOpening(ctx, d)
}

// describe adds what no column holds. A passage that is too short to tell is in
// the language of its document.
func (l *Library) describe(d Document, c *Chunk) {
	if c.Language = extract.Language(c.Text); c.Language == "" {
		c.Language = d.Language
	}
	if l.tokens != nil {
		c.Tokens = l.tokens(c.Text)
	}
}

// SetChunk switches a passage of a document that who may edit off or on again,
// with all others of the document that have the same text. Reading the document
// again does not change it. Where start is given the passage must begin there.
func (l *Library) SetChunk(ctx context.Context, who Reach, id string, number int64, start *int, disabled bool) (Document, Chunk, error) {
	act := "passage.enable"
	if disabled {
		act = "passage.disable"
	}
	d, err := l.documentFor(ctx, who, id, Edit, act)
	if err != nil {
		return Document{}, Chunk{}, err
	}
	if d.State != Ready {
		return Document{}, Chunk{}, notReady(d)
	}
	c, err := l.store.setChunk(ctx, who, d, number, start, disabled)
	if err != nil {
		return Document{}, Chunk{}, err
	}
	l.describe(d, &c)
	l.tell(d.Workspace, "document")
	d, err = l.store.document(ctx, who, id)
	return d, c, err
}

// size is how many characters a passage has.
func (c Chunk) size() int { return utf8.RuneCountInString(c.Text) }

func noChunk(number int64) error {
	return fault.New(fault.NotFound, "The document has no passage %d.", number).
		Cure("It may have been read again meanwhile, which numbers passages anew; list them again.").Because(fmt.Errorf("passage %d", number))
}
