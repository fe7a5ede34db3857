package sso

import (
	"context"
	"encoding/pem"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/directory/sso/oidc"
	"chatets/appliance/directory/sso/saml"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

// Limits of what can be configured.
const (
	maxProviders = 50
	maxRules     = 200
	maxSecret    = 4096
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func wrong(field, sentence string) error {
	return fault.New(fault.Invalid, "%s", sentence).With(fault.Detail{Field: field, Sentence: sentence})
}

func administers(ctx context.Context) (actor.Actor, error) {
	who := actor.From(ctx)
	return who, who.Need(who.Administers())
}

const egressOwner = "sso"

// purposeOf is the purpose under which a provider is dialled.
func purposeOf(id string) string { return "sso:" + id }

// Open lets the providers be reached. Call it once, before anybody signs in.
func (s *Providers) Open(ctx context.Context) error {
	s.change.Lock()
	defer s.change.Unlock()
	return s.enforce(ctx)
}

// enforce puts what the table says in force; s.change is held.
func (s *Providers) enforce(ctx context.Context) error {
	all, err := s.store.all(ctx)
	if err != nil {
		return err
	}
	var rules []egress.Rule
	for _, p := range all {
		if !p.Enabled || p.Kind != OIDC {
			continue
		}
		for _, host := range append([]string{hostOf(p.Settings.Issuer)}, p.Settings.Hosts...) {
			name, port, err := net.SplitHostPort(host)
			if err != nil {
				return err
			}
			number, err := strconv.Atoi(port)
			if err != nil {
				return err
			}
			rules = append(rules, egress.Rule{Purpose: purposeOf(p.ID), Host: name, Port: number})
		}
		var ca []byte
		if p.Settings.CA != "" {
			ca = []byte(p.Settings.CA)
		}
		if err := s.gate.Trust(purposeOf(p.ID), ca); err != nil {
			return err
		}
	}
	if err := s.gate.Allow(egressOwner, rules); err != nil {
		return err
	}
	s.mu.Lock()
	s.known = all
	s.mu.Unlock()
	return nil
}

// hostOf is host:port of an address that was checked.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func (s *Providers) changed(ctx context.Context) error {
	if err := s.enforce(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if s.notify != nil {
		s.notify("", "", "sso", "")
	}
	return nil
}

// NewProvider is a provider to be added.
type NewProvider struct {
	Kind, Name, Secret string
	Settings           Settings
}

// Add adds a provider; its button is on the sign-in page from then on.
func (s *Providers) Add(ctx context.Context, n NewProvider) (Provider, error) {
	who, err := administers(ctx)
	if err != nil {
		return Provider{}, err
	}
	if !nameForm.MatchString(n.Name) {
		return Provider{}, wrong("body.name", "The name of a provider has small letters, digits, dots and dashes, at most 64.")
	}
	workspace := who.Workspace
	if workspace == "" { // the operator is in none
		first, err := s.accounts.First(ctx)
		if err != nil {
			return Provider{}, err
		}
		workspace = first.ID
	}
	p := Provider{ID: newID(), Workspace: workspace, Owner: who.ID, Kind: n.Kind, Name: n.Name, Enabled: true}
	if p.Settings, err = s.checked(ctx, n.Kind, n.Settings); err != nil {
		return Provider{}, err
	}
	plain := n.Secret
	if p.Kind == SAML {
		if plain != "" {
			return Provider{}, wrong("body.secret", "A SAML provider has no secret; the key is made here.")
		}
		if plain, p.Settings.Certificate, err = saml.NewKey(p.Name, s.now()); err != nil {
			return Provider{}, err
		}
	}
	if p.sealed, err = s.seal(p.ID, plain); err != nil {
		return Provider{}, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	if err := s.store.add(ctx, p); err != nil {
		return Provider{}, err
	}
	if err := s.changed(ctx); err != nil {
		return Provider{}, err
	}
	return s.store.one(ctx, p.ID)
}

// ChangeProvider is what changes of a provider; nil leaves it. Kind and name
// stay, because the accounts of its people carry them.
type ChangeProvider struct {
	Enabled  *bool
	Secret   *string
	Settings *Settings
}

// Change changes a provider.
func (s *Providers) Change(ctx context.Context, id string, c ChangeProvider) (Provider, error) {
	if _, err := administers(ctx); err != nil {
		return Provider{}, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	p, err := s.store.one(ctx, id)
	if err != nil {
		return Provider{}, err
	}
	before := p.Settings
	if c.Enabled != nil {
		p.Enabled = *c.Enabled
	}
	if c.Settings != nil {
		if p.Settings, err = s.checked(ctx, p.Kind, *c.Settings); err != nil {
			return Provider{}, err
		}
		p.Settings.Certificate = before.Certificate
	}
	switch {
	case c.Secret != nil && p.Kind == SAML:
		return Provider{}, wrong("body.secret", "A SAML provider has no secret; the key is made here.")
	case c.Secret != nil:
		if p.sealed, err = s.seal(id, *c.Secret); err != nil {
			return Provider{}, err
		}
	case p.Kind == OIDC && p.HasSecret && !sameDoor(before, p.Settings):
		// Whoever may change the address must not have the secret sent elsewhere.
		return Provider{}, wrong("body.secret", "The provider gets another address or another way to it, so the client's secret must be entered again.")
	}
	if err := s.store.put(ctx, p); err != nil {
		return Provider{}, err
	}
	if err := s.changed(ctx); err != nil {
		return Provider{}, err
	}
	return s.store.one(ctx, id)
}

// sameDoor reports whether a secret goes nowhere else than before, and no less protected.
func sameDoor(a, b Settings) bool {
	for _, h := range b.Hosts {
		if !slices.Contains(a.Hosts, h) {
			return false
		}
	}
	return a.Issuer == b.Issuer && a.CA == b.CA && (a.PlainHTTP || !b.PlainHTTP)
}

// Remove takes a provider away. The people it made stay, disabled and with all
// they made, their number is returned; linked accounts go on as they were.
func (s *Providers) Remove(ctx context.Context, id string) (int, error) {
	if _, err := administers(ctx); err != nil {
		return 0, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	p, err := s.store.one(ctx, id)
	if err != nil {
		return 0, err
	}
	n, err := s.store.remove(ctx, s.accounts, s.logins, p)
	if err != nil {
		return 0, err
	}
	return n, s.changed(ctx)
}

// List lists the providers by name.
func (s *Providers) List(ctx context.Context) ([]Provider, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	return s.store.all(ctx)
}

// Get is one provider.
func (s *Providers) Get(ctx context.Context, id string) (Provider, error) {
	if _, err := administers(ctx); err != nil {
		return Provider{}, err
	}
	return s.store.one(ctx, id)
}

const secretPurpose = "sso-provider"

func (s *Providers) seal(id, plain string) ([]byte, error) {
	if plain == "" {
		return nil, nil
	}
	if len(plain) > maxSecret {
		return nil, wrong("body.secret", "The secret is too long: at most 4096 bytes.")
	}
	return s.keys.Seal(secretPurpose, []byte(plain), []byte(id))
}

func (s *Providers) secret(p Provider) (string, error) {
	if len(p.sealed) == 0 {
		return "", nil
	}
	plain, err := s.keys.Open(secretPurpose, p.sealed, []byte(p.ID))
	if err != nil {
		return "", fault.New(fault.Conflict, "The secret of the provider cannot be opened with the key of this installation.").Code("sso-secret").
			Cure("Enter it again; for SAML, remove the provider and add it anew.").Because(err)
	}
	return string(plain), nil
}

// checked are settings whose values are right, in one form.
func (s *Providers) checked(ctx context.Context, kind string, in Settings) (Settings, error) {
	var err error
	switch kind {
	case OIDC:
		in, err = checkedOIDC(in)
	case SAML:
		in, err = s.checkedSAML(in)
	default:
		err = wrong("body.kind", "The kind is oidc or saml.")
	}
	if err != nil {
		return in, err
	}
	in.Certificate = ""
	in.Label = strings.Join(strings.Fields(in.Label), " ")
	if in.CA != "" {
		if block, _ := pem.Decode([]byte(in.CA)); block == nil || block.Type != "CERTIFICATE" {
			return in, wrong("body.settings.ca", "This is no certificate; it begins with -----BEGIN CERTIFICATE-----.")
		}
	}
	if in.Role == actor.None {
		in.Role = actor.Member
	}
	if !slices.Contains([]actor.Role{actor.Admin, actor.Editor, actor.Member, actor.Guest}, in.Role) {
		return in, wrong("body.settings.role", "This is no role of a workspace.")
	}
	return in, s.checkRules(ctx, in.Rules)
}

func (s *Providers) checkRules(ctx context.Context, rules []SignOnRule) error {
	if len(rules) > maxRules {
		return wrong("body.settings.rules", "There are too many rules: at most 200.")
	}
	for _, r := range rules {
		switch {
		case strings.TrimSpace(r.Group) == "" || r.Role == actor.None && r.Installation == actor.None:
			return wrong("body.settings.rules", "A rule names a group and the role that its members get.")
		case r.Installation != actor.None && r.Installation != actor.Admin && r.Installation != actor.Auditor:
			return wrong("body.settings.rules", "A provider makes administrators and auditors, no owners.")
		case r.Role != actor.None && !slices.Contains([]actor.Role{actor.Admin, actor.Editor, actor.Member, actor.Guest}, r.Role):
			return wrong("body.settings.rules", "This is no role of a workspace.")
		}
		if r.Workspace != "" {
			names, err := s.accounts.Names(ctx, []string{r.Workspace})
			if err != nil {
				return err
			}
			if names[r.Workspace] == "" {
				return wrong("body.settings.rules", "A rule names a workspace that does not exist.")
			}
		}
	}
	return nil
}

func checkedOIDC(in Settings) (Settings, error) {
	in.Metadata, in.EmailAttribute, in.NameAttribute, in.Unasked = "", "", "", false
	in.Issuer = strings.TrimSpace(in.Issuer)
	if err := oidc.CheckURL(in.Issuer, in.PlainHTTP); err != nil || strings.Contains(in.Issuer, "?") {
		return in, wrong("body.settings.issuer", "The issuer is an address that begins with https://, without a query.")
	}
	if strings.Contains(in.Issuer, "{") || strings.HasSuffix(strings.TrimRight(in.Issuer, "/"), "/common/v2.0") {
		return in, wrong("body.settings.issuer", "Enter the issuer of your own tenant: one for all tenants would let in anybody.")
	}
	if in.ClientID = strings.TrimSpace(in.ClientID); in.ClientID == "" {
		return in, wrong("body.settings.clientId", "Enter the client ID that the provider gave.")
	}
	if in.Scopes == nil {
		in.Scopes = []string{"profile", "email"}
	}
	if in.GroupsClaim = strings.TrimSpace(in.GroupsClaim); in.GroupsClaim == "" {
		in.GroupsClaim = "groups"
	}
	for _, scope := range in.Scopes {
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' }) {
			return in, wrong("body.settings.scopes", "A scope is one word.")
		}
	}
	for i, host := range in.Hosts {
		if !strings.Contains(host, ":") {
			host += ":443"
		}
		name, port, err := net.SplitHostPort(host)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 1 || n > 65535 || name == "" || strings.ContainsAny(name, "/*@ ") {
			return in, wrong("body.settings.hosts", "A further address is host or host:port.")
		}
		in.Hosts[i] = host
	}
	return in, nil
}

func (s *Providers) checkedSAML(in Settings) (Settings, error) {
	in.Issuer, in.ClientID, in.Scopes, in.Hosts, in.PlainHTTP = "", "", nil, nil, false
	if _, err := saml.ParseMetadata([]byte(in.Metadata)); err != nil {
		return in, fault.New(fault.Invalid, "%s", fault.Of(err).Sentence).Cure("%s", fault.Of(err).Cure).Code(fault.Of(err).Code).
			With(fault.Detail{Field: "body.settings.metadata", Sentence: fault.Of(err).Sentence})
	}
	return in, nil
}
