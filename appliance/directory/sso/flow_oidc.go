package sso

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"chatets/appliance/directory/sso/oidc"
	"chatets/appliance/fault"
)

// metadataLife is how long what a provider says of itself is believed.
const metadataLife = time.Hour

// client is the OpenID Connect client of a provider.
func (s *Providers) client(p Provider) (oidc.Config, error) {
	secret, err := s.secret(p)
	return oidc.Config{Issuer: p.Settings.Issuer, ClientID: p.Settings.ClientID, ClientSecret: secret, Plain: p.Settings.PlainHTTP,
		HTTP: s.gate.Client(purposeOf(p.ID)), Now: s.now}, err
}

// metadata is what a provider says of itself, asked for again each hour. One that
// does not answer then is believed for what it said last.
func (s *Providers) metadata(ctx context.Context, p Provider, c oidc.Config) (oidc.Metadata, error) {
	l := s.of(p)
	s.mu.Lock()
	m, fetched := l.metadata, l.fetched
	s.mu.Unlock()
	if !fetched.IsZero() && s.now().Sub(fetched) < metadataLife {
		return m, nil
	}
	fresh, err := c.Discover(ctx)
	if err != nil {
		if !fetched.IsZero() && s.now().Sub(fetched) < 24*time.Hour {
			s.log.Warn("an identity provider does not describe itself; what it said before is believed", "provider", p.Name, "error", err)
			return m, nil
		}
		return oidc.Metadata{}, err
	}
	if err := p.endpoints(fresh); err != nil {
		return oidc.Metadata{}, err
	}
	s.mu.Lock()
	l.metadata, l.fetched = fresh, s.now()
	s.mu.Unlock()
	return fresh, nil
}

// endpoints refuses addresses on hosts that nobody has allowed; the gate would
// refuse them too, but later and without saying which setting it is about.
func (p Provider) endpoints(m oidc.Metadata) error {
	allowed := append([]string{hostOf(p.Settings.Issuer)}, p.Settings.Hosts...)
	for _, address := range []string{m.Token, m.Keys, m.UserInfo} {
		if address != "" && !slices.Contains(allowed, hostOf(address)) {
			return fault.New(fault.Conflict, "The provider answers also from %s, which is not allowed.", hostOf(address)).Code("oidc-host").
				Cure("Add %s to the further addresses of the provider, if it belongs to it.", hostOf(address))
		}
	}
	return nil
}

// redirectOf is where the provider sends the browser back to; an address of its
// own for each provider keeps an answer from being taken for another's.
func (s *Providers) redirectOf(p Provider) string {
	return s.base() + "/api/auth/oidc/" + url.PathEscape(p.Name) + "/callback"
}

func (s *Providers) startOIDC(ctx context.Context, p Provider, f *flow) (string, error) {
	c, err := s.client(p)
	if err != nil {
		return "", err
	}
	m, err := s.metadata(ctx, p, c)
	if err != nil {
		return "", err
	}
	f.State, f.Nonce, f.Verifier = draw(), draw(), draw()
	return c.Authorize(m, oidc.Begin{Redirect: s.redirectOf(p), State: f.State, Nonce: f.Nonce, Verifier: f.Verifier, Scopes: p.Settings.Scopes, Again: f.Trial != ""})
}

// identifyOIDC goes from the answer in the browser to an identity; each step is
// noted.
func (s *Providers) identifyOIDC(ctx context.Context, p Provider, f flow, in answered, note func(name, query, answer string, err error)) (Identity, error) {
	c, err := s.client(p)
	if err != nil {
		return Identity{}, err
	}
	m, err := s.metadata(ctx, p, c)
	note("discovery", "GET "+c.Discovery(), "token endpoint "+m.Token, err)
	if err != nil {
		return Identity{}, err
	}
	err = checkAnswer(p, m, f, in)
	note("answer", "what the browser brought back to "+s.redirectOf(p), "state and issuer are right", err)
	if err != nil {
		return Identity{}, err
	}
	t, err := c.Exchange(ctx, m, in.Code, s.redirectOf(p), f.Verifier)
	note("exchange", "POST "+m.Token, "an ID token", err)
	if err != nil {
		return Identity{}, err
	}
	claims, err := c.IDToken(ctx, &s.of(p).keys, m, t.ID, oidc.Expected{Nonce: f.Nonce, AccessToken: t.Access})
	note("token", "signature, issuer, audience, time, nonce", said(claims), err)
	if err != nil {
		return Identity{}, err
	}
	subject, err := oidc.Subject(claims)
	if err != nil {
		note("claims", "sub", "", err)
		return Identity{}, err
	}
	groups, overflow := groupsOf(claims, p.Settings.GroupsClaim)
	if m.UserInfo != "" && t.Access != "" && (claims.Text("email") == "" || groups == nil) && !overflow {
		more, err := c.UserInfo(ctx, m, t.Access, subject)
		note("userinfo", "GET "+m.UserInfo, said(more), err)
		if err != nil {
			return Identity{}, err
		}
		for name, value := range more {
			if _, has := claims[name]; !has {
				claims[name] = value
			}
		}
		groups, overflow = groupsOf(claims, p.Settings.GroupsClaim)
	}
	if overflow {
		err := fault.New(fault.Forbidden, "The person is in so many groups that the provider does not name them.").Code("oidc-groups").
			Cure("Let the provider send only the groups that are assigned to the application, or application roles instead.")
		note("claims", p.Settings.GroupsClaim, "", err)
		return Identity{}, err
	}
	id := Identity{Subject: subject, Email: cleanEmail(claims.Text("email")), Name: fullName(claims), EmailVerified: claims.True("email_verified"), Groups: groups,
		Outside: claims.Text("sid"), Hint: []byte(t.ID), Mark: mark("nonce", f.Nonce), MarkExpires: time.Unix(f.Expires, 0)}
	if id.Email == "" { // Entra sends the user principal name only
		id.Email, id.EmailVerified = cleanEmail(claims.Text("preferred_username")), false
	}
	if id.Email == "" {
		note("claims", "email, preferred_username", "", noEmail())
		return Identity{}, noEmail()
	}
	return id, nil
}

// checkAnswer refuses what does not belong to the flow: another's answer, or
// another provider's.
func checkAnswer(p Provider, m oidc.Metadata, f flow, in answered) error {
	switch {
	case in.Name != p.Name:
		return fault.New(fault.Forbidden, "The answer came to the address of another provider.").Code("oidc-mix-up").
			Cure("Sign in again. If it stays, give each provider its own redirect address: one of them may be trying to be the other.")
	case !equal(f.State, in.State):
		return fault.New(fault.Forbidden, "The answer does not belong to the sign-in that was begun in this browser (state).").Code("oidc-state").
			Cure("Begin again at the sign-in page, in one tab.")
	case in.Issuer != "" && in.Issuer != m.Issuer || in.Issuer == "" && m.NamesItself:
		return fault.New(fault.Forbidden, "The answer comes from %q, and not from %s (iss).", shown(in.Issuer), shown(m.Issuer)).Code("oidc-mix-up").
			Cure("Sign in again. If it stays, somebody is passing off the answers of one provider as another's.")
	case in.Error != "":
		text := shown(in.Error)
		if in.Description != "" {
			text = fmt.Sprintf("%s (%s)", text, shown(in.Description))
		}
		return fault.New(fault.Forbidden, "The provider did not sign the person in: %s.", text).Code("oidc-denied").
			Cure("Check that the person is assigned to the application, and that client and redirect address are registered.")
	case in.Code == "":
		return fault.New(fault.Forbidden, "The answer of the provider holds no code.").Code("oidc-answer").Cure("Let the client at the provider use the authorization code flow.")
	}
	return nil
}

// groupsOf reads the groups of a person; nil where the provider names none.
// overflow is Entra's way to say that there are too many.
func groupsOf(claims oidc.Claims, path string) (groups []string, overflow bool) {
	if names, ok := claims["_claim_names"].(map[string]any); ok {
		if _, elsewhere := names[path]; elsewhere {
			return nil, true
		}
	}
	at := claims
	if _, plain := claims[path]; !plain { // realm_access.roles
		parts := strings.Split(path, ".")
		for _, part := range parts[:len(parts)-1] {
			inner, ok := at[part].(map[string]any)
			if !ok {
				return nil, false
			}
			at = inner
		}
		path = parts[len(parts)-1]
	}
	return at.List(path), false
}

func fullName(claims oidc.Claims) string {
	if name := claims.Text("name"); name != "" {
		return name
	}
	return strings.TrimSpace(claims.Text("given_name") + " " + claims.Text("family_name"))
}

// said shows claims to an administrator, without what could be used.
func said(claims oidc.Claims) string {
	var lines []string
	for name, value := range claims {
		if slices.Contains([]string{"nonce", "at_hash", "c_hash", "s_hash", "jti", "sid"}, name) {
			continue
		}
		lines = append(lines, shown(fmt.Sprintf("%s: %v", name, value)))
		if len(lines) == 60 {
			break
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
