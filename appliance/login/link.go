package login

import (
	"context"
	"encoding/base64"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// A password link lets one person set a password once: an invitation, or help
// for whoever forgot it. Nobody else ever knows the password.

// linkLife is how long a link is good.
const linkLife = 7 * 24 * time.Hour

// linkPath is the page that a link opens; the token stands behind the #, which
// no browser sends to a server.
const linkPath = "/set-password#"

// link makes a link for somebody; an older one ends. The person's password and
// sessions stay until the link is used.
func (l *Logins) link(ctx context.Context, id string) (string, time.Time, error) {
	who := actor.From(ctx)
	e := audit.Entry{Act: "person.password-link", ObjectKind: "person", Object: id}
	p, err := l.accounts.ByID(ctx, id)
	if err != nil {
		return "", time.Time{}, err
	}
	may := func(p account.Person) error {
		if err := account.MayChange(who, p); err != nil {
			return err
		}
		return changeable(p)
	}
	if err := may(p); err != nil {
		return "", time.Time{}, l.forbidden(ctx, err, e)
	}
	token := base64.RawURLEncoding.EncodeToString(random(32))
	until := l.now().Add(linkLife).UTC().Truncate(time.Second)
	if err := l.store.link(ctx, e, digest(token), until, may); err != nil {
		return "", time.Time{}, l.forbidden(ctx, err, e)
	}
	return l.base() + linkPath + token, until, nil
}

// setByLink sets the password of the person whom a link belongs to, uses the
// link up and signs the person out everywhere.
func (l *Logins) setByLink(ctx context.Context, token, password string) error {
	attempt, err := l.attempt(ctx, "login.link", "", anybody, true)
	if err != nil {
		return err
	}
	id, err := l.store.linked(ctx, digest(token), l.now())
	attempt.settle(fault.Is(err, fault.Forbidden))
	if err != nil {
		return err
	}
	p, err := l.accounts.ByID(ctx, id)
	if err != nil {
		return err
	}
	if err := l.acceptable(ctx, p, password); err != nil {
		return err
	}
	hash, err := l.hashes.hash(ctx, password)
	if err != nil {
		return err
	}
	who := actor.From(ctx)
	ctx = actor.With(ctx, actor.Actor{Kind: actor.Person, ID: p.ID, Address: who.Address, Request: who.Request})
	return l.store.useLink(ctx, audit.Entry{Act: "login.password", ObjectKind: "person", Object: p.ID}, digest(token), hash)
}

func linkOver() error {
	return fault.New(fault.Forbidden, "This link is not valid any more.").Code("link-over").Cure("Ask an administrator for a new one.")
}
