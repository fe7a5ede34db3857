package scim

import (
	"context"
	"regexp"
	"slices"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

var clientName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func wrong(field, sentence string) error {
	return fault.New(fault.Invalid, "%s", sentence).With(fault.Detail{Field: field, Sentence: sentence})
}

func administers(ctx context.Context) (actor.Actor, error) {
	who := actor.From(ctx)
	return who, who.Need(who.Administers())
}

// AddClient makes a client and its token, which is told this once.
func (s *Service) AddClient(ctx context.Context, name string, role actor.Role) (Client, string, error) {
	who, err := administers(ctx)
	if err != nil {
		return Client{}, "", err
	}
	if !clientName.MatchString(name) {
		return Client{}, "", wrong("body.name", "The name of a client has small letters, digits, dots and dashes, at most 64.")
	}
	if role == actor.None {
		role = actor.Member
	}
	if !slices.Contains([]actor.Role{actor.Admin, actor.Editor, actor.Member, actor.Guest}, role) {
		return Client{}, "", wrong("body.role", "This is no role of a workspace.")
	}
	c := Client{ID: newID(), Workspace: who.Workspace, Owner: who.ID, Name: name, Role: role, Created: s.now().UTC()}
	if c.Workspace == "" {
		first, err := s.accounts.First(ctx)
		if err != nil {
			return Client{}, "", err
		}
		c.Workspace = first.ID
	}
	token, err := newToken()
	if err != nil {
		return Client{}, "", err
	}
	return c, token, s.store.addClient(ctx, c, digest(token))
}

// Clients lists the clients by name.
func (s *Service) Clients(ctx context.Context) ([]Client, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	return s.store.clients(ctx)
}

// RenewToken gives a client another token.
func (s *Service) RenewToken(ctx context.Context, id string) (Client, string, error) {
	if _, err := administers(ctx); err != nil {
		return Client{}, "", err
	}
	token, err := newToken()
	if err != nil {
		return Client{}, "", err
	}
	c, err := s.store.renew(ctx, id, digest(token))
	return c, token, err
}

// RemoveClient takes a client away; its people stay, disabled.
func (s *Service) RemoveClient(ctx context.Context, id string) (int, error) {
	if _, err := administers(ctx); err != nil {
		return 0, err
	}
	return s.store.removeClient(ctx, s.accounts, id)
}
