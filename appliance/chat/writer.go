package chat

import (
	"context"

	"chatets/appliance/library"
)

// Writer writes the answer of a run. It returns soon after ctx ends; what it
// said until then is kept.
type Writer interface {
	Write(ctx context.Context, b Brief, out Out) (kind string, err error)
}

// Brief is what a Writer knows.
type Brief struct {
	Question string
	Before   string            // the question before, where this one leans on it
	Passages []library.Passage // above the floor, best first; none where nothing was found
}

// Out takes what a Writer says. The answer is what was said, piece by piece;
// nothing can be taken back.
type Out interface {
	// Say adds to the answer. An error means that the answer has ended.
	Say(text string) error
	// Cite gives the citations that the text names by number. Said again, it
	// replaces them.
	Cite(c []Citation) error
}
