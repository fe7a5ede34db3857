package chat

import (
	"context"
	"time"

	"chatets/appliance/actor"
)

const (
	temporaryLasts = 8 * time.Hour   // after the last thing that was said
	temporaryEvery = 5 * time.Minute // between two looks for what is over
)

// SessionEnded ends the temporary conversations that were begun in a session. It
// returns at once; what a crash forgets ends with its time.
func (c *Chat) SessionEnded(session string) {
	c.open()
	select {
	case c.sessions <- session:
	default:
	}
}

// endTemporary deletes temporary conversations whose time or session is over.
func (c *Chat) endTemporary(ctx context.Context) {
	tick := time.NewTicker(temporaryEvery)
	defer tick.Stop()
	session := ""
	for ctx.Err() == nil {
		ended, err := c.Store.endTemporary(ctx, c.now(), session)
		if err != nil && ctx.Err() == nil {
			c.log().Warn("end temporary conversations", "error", err)
		}
		for _, e := range ended {
			if r := c.live.find(e.run, actor.Actor{Kind: actor.Person, ID: e.owner, Workspace: e.workspace}); r != nil {
				c.halt(r, errStopped)
			}
		}
		select {
		case session = <-c.sessions:
		case <-tick.C:
			session = ""
		case <-ctx.Done():
		}
	}
}
