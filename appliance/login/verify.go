package login

import (
	"context"

	"chatets/appliance/account"
	"chatets/appliance/actor"
)

// Verifier checks the passwords that ChatETS does not keep: those of people of
// directories.
type Verifier interface {
	// Any reports whether there is a directory to ask.
	Any() bool
	// Down reports whether one does not answer.
	Down() bool
	// Verify finds out whose the name and the password are. known is the person
	// whom the name belongs to here, with an empty id where nobody has it.
	Verify(ctx context.Context, name, password string, known account.Person) (Verdict, error)
}

// Verdict is what the directories say of a sign-in.
type Verdict struct {
	Person string // id of who it is, whose account may just have been made; "" = nobody
	Why    string // a word for the record of what was wrong; "" with a person
	Down   bool   // a directory could not be asked
}

// UseVerifier says who checks passwords of directories; call it before the first
// request.
func (l *Logins) UseVerifier(v Verifier) { l.verifier = v }

// checkBy lets in whom a directory vouches for.
func (l *Logins) checkBy(ctx context.Context, a attempt, in credentials, name string, p account.Person) (opened, error) {
	v, err := l.verifier.Verify(ctx, name, in.password, p)
	// A directory that is away says nothing about the password, so nobody is slowed for it.
	a.settle(err == nil && v.Person == "" && !v.Down)
	if err != nil {
		return opened{}, err
	}
	if v.Person == "" {
		return opened{}, l.refuse(ctx, p.ID, v.Why)
	}
	if p, err = l.accounts.ByID(ctx, v.Person); err != nil {
		return opened{}, err
	}
	if p.Disabled {
		return opened{}, l.refuse(ctx, p.ID, "disabled")
	}
	from := network(actor.From(ctx).Address)
	return l.second(ctx, p, in, func(ctx context.Context, o opened) error {
		return l.store.beginBy(ctx, o.session, digest(o.token), from)
	})
}
