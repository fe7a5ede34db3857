package login

import (
	"context"
	"encoding/base64"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/fault"
)

const (
	ticketLife  = 5 * time.Minute
	ticketTries = 5
	maxTickets  = 20_000
	trustDays   = 30
)

// ticket is a sign-in whose password was right and whose second step is to come.
// It lives in memory: after a restart one signs in again.
type ticket struct {
	person  account.Person
	agent   string
	write   func(context.Context, opened) error
	expires time.Time
	tries   int
}

// waitFor keeps a sign-in until its second step and returns what names it.
func (l *Logins) waitFor(t ticket) string {
	name := base64.RawURLEncoding.EncodeToString(random(32))
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for key, old := range l.tickets {
		if now.After(old.expires) || len(l.tickets) >= maxTickets {
			delete(l.tickets, key)
		}
	}
	t.expires, t.tries = now.Add(ticketLife), ticketTries
	l.tickets[name] = &t
	return name
}

func noTicket() error {
	return fault.New(fault.Unauthenticated, "The first step of signing in is too long ago.").Code("ticket-expired").Cure("Enter name and password again.")
}

// waiting is the sign-in that a ticket names, and counts a try at it; nil where
// there is none any more.
func (l *Logins) waiting(name string) *ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tickets[name]
	if t == nil {
		return nil
	}
	if l.now().After(t.expires) || t.tries <= 0 {
		delete(l.tickets, name)
		return nil
	}
	t.tries--
	return t
}

// redeem takes a ticket, which is good once.
func (l *Logins) redeem(name string) *ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tickets[name]
	delete(l.tickets, name)
	if t == nil || l.now().After(t.expires) {
		return nil
	}
	return t
}

// finish is the second step of a sign-in, by a code.
func (l *Logins) finish(ctx context.Context, name, code string, trust bool) (opened, string, error) {
	t := l.waiting(name)
	if t == nil {
		return opened{}, "", noTicket()
	}
	if err := l.prove(ctx, t.person, code); err != nil {
		return opened{}, "", err
	}
	if t = l.redeem(name); t == nil {
		return opened{}, "", noTicket()
	}
	return l.openTicket(ctx, *t, trust)
}

// openTicket opens the session of a sign-in whose second step was right, and
// makes the token of a device that is trusted from now on.
func (l *Logins) openTicket(ctx context.Context, t ticket, trust bool) (opened, string, error) {
	o, err := l.open(ctx, t.person, t.agent, t.write)
	if err != nil || !trust {
		return o, "", err
	}
	device := base64.RawURLEncoding.EncodeToString(random(32))
	err = l.store.trust(ctx, t.person.ID, digest(device), t.agent, l.now().AddDate(0, 0, trustDays))
	return o, device, err
}
