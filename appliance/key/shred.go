package key

import (
	"context"
	"time"
)

// Eraser deletes what belongs to a workspace or a person.
type Eraser interface{}

// Shred is one thing that is made unreadable.
type Shred struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind" enum:"workspace,person"`
	Subject string     `json:"subject"`
	Asked   time.Time  `json:"asked"`
	Removed *time.Time `json:"removed,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
}

func (k *Keys) shreds(context.Context) ([]Shred, error) { return []Shred{}, nil }
func (k *Keys) removeShredded(context.Context) error    { return nil }
func (k *Keys) endShreds(context.Context) error         { return nil }
