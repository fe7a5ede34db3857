package login

import (
	"context"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// signOut ends the session of the actor, if there is one.
func (l *Logins) signOut(ctx context.Context) error {
	who := actor.From(ctx)
	if who.Kind != actor.Person || who.Session == "" {
		return nil
	}
	return l.store.end(ctx, who.ID, who.Session, audit.Entry{Act: "login.signout", ObjectKind: "session", Object: who.Session})
}

// sessions lists where the actor is signed in, newest first.
func (l *Logins) sessions(ctx context.Context, before string, limit int) ([]session, error) {
	who := actor.From(ctx)
	if err := who.Need(who.Kind == actor.Person); err != nil {
		return nil, err
	}
	list, err := l.store.list(ctx, who.ID, before, limit, l.now(), l.idle.Get(ctx))
	for i := range list {
		list[i].expires = l.end(ctx, list[i])
	}
	return list, err
}

// endOne ends one session of the actor.
func (l *Logins) endOne(ctx context.Context, id string) error {
	who := actor.From(ctx)
	if err := who.Need(who.Kind == actor.Person); err != nil {
		return err
	}
	return l.store.end(ctx, who.ID, id, audit.Entry{Act: "session.end", ObjectKind: "session", Object: id})
}

// endOthers ends all sessions of the actor but the one that asks.
func (l *Logins) endOthers(ctx context.Context) error {
	who := actor.From(ctx)
	if err := who.Need(who.Kind == actor.Person); err != nil {
		return err
	}
	return l.store.endOthers(ctx, who.ID, who.Session)
}

// enter moves the actor's session into another of its workspaces.
func (l *Logins) enter(ctx context.Context, workspace string) (account.Member, error) {
	who := actor.From(ctx)
	if err := who.Need(who.Kind == actor.Person && who.Session != ""); err != nil {
		return account.Member{}, err
	}
	m, err := l.accounts.Member(ctx, workspace, who.ID)
	if fault.Is(err, fault.NotFound) {
		return account.Member{}, fault.New(fault.NotFound, "There is no such workspace.")
	}
	if err != nil {
		return account.Member{}, err
	}
	return m, l.store.enter(ctx, who.ID, who.Session, workspace)
}
