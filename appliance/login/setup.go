package login

import (
	"context"
	"crypto/subtle"
	"encoding/base64"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// setup is the one-time way in to an installation without an owner. Its token
// lives in the memory of this process: whoever can read what the service prints
// runs the machine already.
type setup struct{ token string }

func newSetup() setup { return setup{token: base64.RawURLEncoding.EncodeToString(random(32))} }

// SetupToken is the token of the set-up link, BASE/setup#TOKEN, and whether it is
// needed: only until there is an owner. A restart makes another token.
func (l *Logins) SetupToken(ctx context.Context) (token string, needed bool, err error) {
	needed, err = l.setupNeeded(ctx)
	if err != nil || !needed {
		return "", false, err
	}
	return l.setup.token, true, nil
}

func (l *Logins) setupNeeded(ctx context.Context) (bool, error) {
	_, owned, err := l.accounts.Owner(ctx)
	return !owned && err == nil, err
}

// anybody is the account that attempts at the set-up link count against. It
// counts by address alone, so that nobody keeps the owner out from elsewhere.
const anybody = ""

// setUp makes the first owner, a member of the first workspace, and signs it in.
func (l *Logins) setUp(ctx context.Context, token string, n newcomer, agent string) (opened, error) {
	const act = "setup.finish"
	attempt, err := l.attempt(ctx, act, "", anybody, true)
	if err != nil {
		return opened{}, err
	}
	right := subtle.ConstantTimeCompare(digest(token), digest(l.setup.token)) == 1
	attempt.settle(!right)
	needed, err := l.setupNeeded(ctx)
	if err != nil {
		return opened{}, err
	}
	var refusal error
	switch {
	case !needed:
		refusal = setupDone()
	case !right:
		refusal = fault.New(fault.Forbidden, "This set-up link is not valid.").Code("setup-link-wrong").
			Cure("Use the link that ChatETS printed when it was last started.")
	}
	if refusal != nil {
		if err := l.audit.Refused(ctx, audit.Entry{Act: act, ObjectKind: "person"}); err != nil {
			return opened{}, err
		}
		return opened{}, refusal
	}
	if err := n.check(l.least.Get(ctx)); err != nil {
		return opened{}, err
	}
	hash, err := l.hashes.hash(ctx, n.password)
	if err != nil {
		return opened{}, err
	}
	o := l.fresh(ctx, "", "", agent)
	o.session, o.person, err = l.store.setUp(ctx, n, hash, o.session, digest(o.token), network(actor.From(ctx).Address))
	return o, err
}

// setupDone is the answer to a second use of the link.
func setupDone() *fault.Error {
	return fault.New(fault.Conflict, "ChatETS has been set up already.").Code("setup-done").Cure("Sign in instead.")
}

// Operator is the actor of the command line on the Unix socket: the rows it
// makes belong to the person of the e-mail address, or else to the first owner,
// or to the system while there is none.
func (l *Logins) Operator(ctx context.Context, uid int, ownerEmail string) (actor.Actor, error) {
	a := actor.Actor{Kind: actor.Operator, ID: actor.SystemID, UID: uid, Address: actor.From(ctx).Address, Request: actor.From(ctx).Request}
	first, err := l.accounts.First(ctx)
	if err != nil {
		return actor.Actor{}, err
	}
	a.Workspace = first.ID
	var p account.Person
	if ownerEmail != "" {
		p, err = l.accounts.ByEmail(ctx, ownerEmail)
		if fault.Is(err, fault.NotFound) {
			return actor.Actor{}, fault.New(fault.Invalid, "There is no person with the e-mail address %q.", ownerEmail).
				Cure("Look for it with: chatets user list")
		}
		if err != nil {
			return actor.Actor{}, err
		}
	} else {
		var owned bool
		p, owned, err = l.accounts.Owner(ctx)
		if err != nil || !owned {
			return a, err
		}
	}
	a.ID = p.ID
	if ownerEmail == "" {
		return a, nil
	}
	// Rows in a workspace that their owner cannot enter would be lost to them.
	m, err := l.accounts.Place(ctx, p.ID, first.ID)
	if err != nil {
		return actor.Actor{}, err
	}
	if m.Workspace.ID != "" {
		a.Workspace = m.Workspace.ID
	}
	return a, nil
}
