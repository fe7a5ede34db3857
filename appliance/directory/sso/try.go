package sso

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/directory/sso/oidc"
	"chatets/appliance/directory/sso/saml"
	"chatets/appliance/fault"
)

// Test asks a provider all that can be asked without a person, and stops at the
// first step that goes wrong.
func (s *Providers) Test(ctx context.Context, id string) ([]SignOnStep, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	p, err := s.store.one(ctx, id)
	if err != nil {
		return nil, err
	}
	if !p.Enabled {
		return nil, fault.New(fault.Conflict, "The provider is switched off.").Cure("Switch it on first.")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	list := []SignOnStep{}
	note := stepper(&list, s.now)
	s.lookBase(note)
	if len(list) == 1 && list[0].OK {
		if p.Kind == OIDC {
			s.lookOIDC(ctx, p, note)
		} else {
			s.lookSAML(p, note)
		}
	}
	ok := list[len(list)-1].OK
	e := audit.Entry{Act: "sso.test", ObjectKind: "sso", Object: p.ID, Detail: map[string]any{"steps": len(list), "ok": ok}}
	return list, s.store.acted(ctx, e)
}

// lookBase shows the public address, which providers send browsers back to.
func (s *Providers) lookBase(note func(name, query, answer string, err error)) {
	base := s.base()
	var err error
	if base == "" {
		err = fault.New(fault.Conflict, "The public address of this installation is not known.").Code("sso-base").
			Cure("Set base-url to the address that people type, for example https://chat.clinic.example.")
	}
	answer := base
	if strings.HasPrefix(base, "http://") {
		answer += "\nnot https: providers other than test servers refuse it; set base-url to the public address"
	}
	note("address", "the public address (base-url)", answer, err)
}

func (s *Providers) lookOIDC(ctx context.Context, p Provider, note func(name, query, answer string, err error)) {
	c, err := s.client(p)
	var m oidc.Metadata
	if err == nil {
		m, err = c.Discover(ctx)
	}
	if err == nil {
		err = p.endpoints(m)
	}
	note("discovery", "GET "+c.Discovery(), fmt.Sprintf("issuer %s\nsign-in %s\ntoken %s\nkeys %s\nsign-out %s", m.Issuer, m.Authorization, m.Token, m.Keys, m.EndSession), err)
	if err != nil {
		return
	}
	keys, err := c.FetchKeys(ctx, m.Keys)
	var lines []string
	for _, k := range keys {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("key %s %s", shown(k.KeyID), shown(k.Algorithm))))
	}
	note("keys", "GET "+m.Keys, strings.Join(lines, "\n"), err)
	if err != nil {
		return
	}
	answer, err := c.Probe(ctx, m, s.redirectOf(p))
	note("client", "POST "+m.Token+" with a code that does not exist, as client "+shown(p.Settings.ClientID), "the client is known; the made-up code is refused: "+answer, err)
	if err != nil {
		return
	}
	out := "register at the provider:\nredirect address " + s.redirectOf(p) + "\naddress after sign-out " + s.base() + "/sign-in\nback-channel sign-out " + s.base() + "/api/auth/oidc/" + p.Name + "/logout"
	note("register", "what the provider has to know", out, nil)
}

func (s *Providers) lookSAML(p Provider, note func(name, query, answer string, err error)) {
	sp, idp, err := s.party(p)
	if err != nil {
		note("metadata", "the metadata of the provider", "", err)
		return
	}
	lines := []string{"entity ID " + shown(idp.EntityID), "sign-in " + shown(idp.SSO), "sign-out " + shown(idp.SLO)}
	now, valid := s.now(), 0
	for _, cert := range idp.Certificates {
		lines = append(lines, fmt.Sprintf("certificate %s, from %s until %s", shown(cert.Subject.CommonName), cert.NotBefore.Format(time.DateOnly), cert.NotAfter.Format(time.DateOnly)))
		if now.After(cert.NotBefore) && now.Before(cert.NotAfter) {
			valid++
		}
	}
	if valid == 0 {
		err = fault.New(fault.Conflict, "No certificate of the provider is valid now.").Code("saml-certificate").Cure("Enter the provider's present metadata.")
	}
	note("metadata", "the metadata of the provider", strings.Join(lines, "\n"), err)
	if err != nil {
		return
	}
	_, err = sp.SignIn(idp, saml.NewID(), false)
	note("request", "a signed request to sign in", "made for "+shown(idp.SSO), err)
	if err != nil {
		return
	}
	note("register", "what the provider has to know", "register at the provider:\nmetadata "+sp.EntityID+"\nentity ID "+sp.EntityID+"\nanswers (ACS, POST) "+sp.ACS+"\nsign-out "+sp.SLO, nil)
}
