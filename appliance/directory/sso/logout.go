package sso

import (
	"context"
	"encoding/json"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// leaveTime is how long a sign-out may wait for the provider: nobody is kept
// signed in here because of it.
const leaveTime = 4 * time.Second

// Leave is called before a session ends; it returns where the browser has to go
// so that it is signed out at the provider too, "" = nowhere.
func (s *Providers) Leave(ctx context.Context, session string) string {
	h, err := s.store.session(ctx, session)
	if err != nil {
		return ""
	}
	p, found := s.byID(h.provider)
	if !found {
		return ""
	}
	var hint []byte
	if len(h.hint) > 0 {
		if hint, err = s.keys.Open(hintPurpose, h.hint, []byte(session)); err != nil {
			s.log.Warn("what a sign-out has to show the provider cannot be opened", "provider", p.Name, "error", err)
			return ""
		}
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	to, err := s.leave(ctx, p, hint)
	if err != nil {
		s.log.Warn("a session at an identity provider stays open", "provider", p.Name, "error", err)
		return ""
	}
	return to
}

func (s *Providers) leave(ctx context.Context, p Provider, hint []byte) (string, error) {
	if p.Kind == SAML {
		sp, idp, err := s.party(p)
		if err != nil || idp.SLO == "" {
			return "", err
		}
		var h samlHint
		if err := json.Unmarshal(hint, &h); err != nil {
			return "", err
		}
		return sp.SignOut(idp, h.Name, h.Session)
	}
	c, err := s.client(p)
	if err != nil {
		return "", err
	}
	m, err := s.metadata(ctx, p, c)
	if err != nil {
		return "", err
	}
	return c.SignOut(m, string(hint), s.base()+"/sign-in"), nil
}

func (s *Providers) byID(id string) (Provider, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.known {
		if p.ID == id && p.Enabled {
			return p, true
		}
	}
	return Provider{}, false
}

// backChannel ends the sessions that an OpenID Connect provider says are over,
// straight from server to server.
func (s *Providers) backChannel(ctx context.Context, name, token string) error {
	who := actor.From(ctx)
	if err := s.limits.check(who.Address, s.now()); err != nil {
		return err
	}
	p, err := s.named(OIDC, name)
	if err != nil {
		return err
	}
	if err := s.endBy(ctx, p, token); err != nil {
		if fault.Is(err, fault.Cancelled) {
			return err
		}
		s.fail(p, who.Request, err)
		s.limits.failed(who.Address, s.now())
		// The provider is no person at the door: it is told what was wrong with its token.
		return fault.New(fault.Malformed, "%s", fault.Of(err).Sentence).Code(fault.Of(err).Code).Cure("%s", fault.Of(err).Cure)
	}
	return nil
}

func (s *Providers) endBy(ctx context.Context, p Provider, token string) error {
	c, err := s.client(p)
	if err != nil {
		return err
	}
	m, err := s.metadata(ctx, p, c)
	if err != nil {
		return err
	}
	claims, err := c.LogoutToken(ctx, &s.of(p).keys, m, token)
	if err != nil {
		return err
	}
	var sessions []string
	if sid := claims.Text("sid"); sid != "" {
		sessions = []string{sid}
	}
	_, err = s.store.end(system(ctx, p.Workspace), s.logins, p, claims.Text("sub"), sessions, mark("logout", claims.Text("jti")), s.now().Add(time.Hour))
	return err
}
