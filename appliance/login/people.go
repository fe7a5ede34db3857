package login

import (
	"context"
	"errors"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// newcomer is a person to be added with a first password.
type newcomer struct {
	email, name, password string
	admin                 bool
	invite                bool       // a link to set the password with, in place of one
	must                  bool       // another password has to be set first
	workspaceRole         actor.Role // "" means member, or admin of an administrator
}

// add makes a person, a member of the actor's workspace. The first administrator
// of an installation becomes its owner.
func (l *Logins) add(ctx context.Context, n newcomer) (account.Person, error) {
	who := actor.From(ctx)
	role := actor.None
	if n.admin {
		role = actor.Admin
	}
	if err := account.MayGive(who, role); err != nil {
		return account.Person{}, l.forbidden(ctx, err, audit.Entry{Act: "person.add", ObjectKind: "person"})
	}
	if n.workspaceRole == actor.None {
		n.workspaceRole = actor.Member
		if n.admin {
			n.workspaceRole = actor.Admin
		}
	}
	if err := n.check(l.least.Get(ctx)); err != nil {
		return account.Person{}, err
	}
	hash := ""
	if n.password != "" {
		var err error
		if hash, err = l.hashes.hash(ctx, n.password); err != nil {
			return account.Person{}, err
		}
	}
	return l.store.add(ctx, who, n, role, hash)
}

// check looks at everything before a hash is computed, so that one answer names
// all wrong fields.
func (n newcomer) check(least int) error {
	_, email := account.Email("body.email", n.email)
	_, name := account.Name("body.name", n.name)
	if n.invite && n.password == "" {
		return together(email, name)
	}
	return together(email, name, checkPassword("body.password", n.password, n.email, n.name, least))
}

// together is one fault of several wrong fields, with the sentence of the first.
func together(errs ...error) error {
	var first *fault.Error
	for _, err := range errs {
		if err == nil {
			continue
		}
		var f *fault.Error
		if !errors.As(err, &f) {
			return err
		}
		if first == nil {
			first = f
			continue
		}
		first = first.With(fault.Of(f).Details...)
	}
	if first == nil {
		return nil
	}
	return first
}

// give sets the password of somebody and signs them out everywhere. The operator
// at the machine alone may: an administrator makes a link instead, and never knows
// a password.
func (l *Logins) give(ctx context.Context, id, password string, must bool) error {
	who := actor.From(ctx)
	if err := who.Need(who.Kind == actor.Operator); err != nil {
		return err
	}
	e := audit.Entry{Act: "person.password", ObjectKind: "person", Object: id}
	p, err := l.accounts.ByID(ctx, id)
	if err != nil {
		return err
	}
	may := func(p account.Person) error {
		if err := account.MayChange(who, p); err != nil {
			return err
		}
		return changeable(p)
	}
	if err := may(p); err != nil {
		return l.forbidden(ctx, err, e)
	}
	if err := l.acceptable(ctx, p, password); err != nil {
		return err
	}
	hash, err := l.hashes.hash(ctx, password)
	if err != nil {
		return err
	}
	return l.forbidden(ctx, l.store.setPassword(ctx, e, hash, must, "", "", may), e)
}

// forbidden records a refusal and returns it; other errors pass unrecorded.
func (l *Logins) forbidden(ctx context.Context, err error, e audit.Entry) error {
	if !fault.Is(err, fault.Forbidden) {
		return err
	}
	return errors.Join(err, l.audit.Refused(ctx, e))
}
