package sso

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/directory/sso/saml"
	"chatets/appliance/fault"
)

// ticket is a checked answer of a SAML provider that waits for its browser. A
// provider posts from its own pages, and to such requests the browser adds none of
// our cookies; so the answer waits here until a page of ours asks for it.
type ticket struct {
	provider  Provider
	assertion saml.Assertion
	unasked   bool
	expires   time.Time
}

const (
	ticketLife = 2 * time.Minute
	maxTickets = 20_000
)

// keep keeps an answer and returns what names it. Only answers with a signature
// of a provider come this far, so strangers cannot fill it.
func (s *Providers) keep(t ticket) string {
	name := draw()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for key, old := range s.tickets {
		if !now.Before(old.expires) || len(s.tickets) >= maxTickets {
			delete(s.tickets, key)
		}
	}
	t.expires = now.Add(ticketLife)
	s.tickets[name] = &t
	return name
}

// waiting is the answer of a ticket, nil where there is none.
func (s *Providers) waiting(name string) *ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tickets[name]
	if t == nil || !s.now().Before(t.expires) {
		return nil
	}
	return t
}

// take is waiting, once.
func (s *Providers) take(name string) *ticket {
	t := s.waiting(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tickets[name] != t {
		return nil
	}
	delete(s.tickets, name)
	return t
}

// party is this installation as the SAML provider sees it, and the provider.
func (s *Providers) party(p Provider) (saml.SP, saml.IdP, error) {
	idp, err := saml.ParseMetadata([]byte(p.Settings.Metadata))
	if err != nil {
		return saml.SP{}, idp, err
	}
	plain, err := s.secret(p)
	if err != nil {
		return saml.SP{}, idp, err
	}
	at := s.base() + "/api/auth/saml/" + url.PathEscape(p.Name)
	sp := saml.SP{EntityID: at + "/metadata", ACS: at + "/acs", SLO: at + "/slo", Now: s.now}
	if sp.Key, sp.Certificate, err = saml.ParseKey(plain, p.Settings.Certificate); err != nil {
		return sp, idp, fault.New(fault.Conflict, "The key of the provider cannot be read.").Code("sso-secret").Cure("Remove the provider and add it anew.").Because(err)
	}
	return sp, idp, nil
}

// requestID makes the id of a request that only we can have made, so that an
// answer to it is known without keeping a list that strangers could fill.
func (s *Providers) requestID(p Provider, until time.Time) string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	head := hex.EncodeToString(b) + fmt.Sprintf("%08x", until.Unix())
	return "_" + head + s.requestMAC(p, head)
}

func (s *Providers) requestMAC(p Provider, head string) string {
	m := hmac.New(sha256.New, s.keys.Sub("sso-request"))
	m.Write([]byte(p.ID + "\x00" + head))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// asked refuses answers to what was never asked, or too long ago.
func (s *Providers) asked(p Provider, id string) error {
	const cure = "Begin again at the sign-in page. A sign-in that begins at the provider has to be allowed for it."
	no := func(sentence string) error {
		return fault.New(fault.Forbidden, "%s", sentence).Code("saml-in-response-to").Cure("%s", cure)
	}
	if id == "" {
		if p.Settings.Unasked {
			return nil
		}
		return no("Nobody asked for this answer (InResponseTo is missing), and sign-ins that begin at the provider are not allowed.")
	}
	const head = 1 + 32 + 8
	if len(id) != head+32 || !hmac.Equal([]byte(id[head:]), []byte(s.requestMAC(p, id[1:head]))) {
		return no("The answer is to a request that was not made here (InResponseTo).")
	}
	until, err := strconv.ParseInt(id[33:head], 16, 64)
	if err != nil || s.now().Unix() >= until {
		return no("The answer is to a request that was made more than 15 minutes ago (InResponseTo).")
	}
	return nil
}

func (s *Providers) startSAML(_ context.Context, p Provider, f *flow) (string, error) {
	sp, idp, err := s.party(p)
	if err != nil {
		return "", err
	}
	f.Request = s.requestID(p, time.Unix(f.Expires, 0))
	return sp.SignIn(idp, f.Request, f.Trial != "")
}

// consume checks what a browser has brought from a SAML provider, and keeps it
// for the page of ours that asks for it next; its name is returned.
func (s *Providers) consume(ctx context.Context, name string, body []byte) (string, error) {
	who := actor.From(ctx)
	if err := s.limits.check(who.Address, s.now()); err != nil {
		return "", err
	}
	p, err := s.named(SAML, name)
	if err != nil {
		return "", err
	}
	t, err := s.checkResponse(ctx, p, body)
	if err != nil {
		return "", s.refuse(ctx, p, "", err)
	}
	return s.keep(t), nil
}

func (s *Providers) checkResponse(ctx context.Context, p Provider, body []byte) (ticket, error) {
	raw, err := saml.Form(body)
	if err != nil {
		return ticket{}, err
	}
	sp, idp, err := s.party(p)
	if err != nil {
		return ticket{}, err
	}
	a, err := sp.Response(raw, idp, func(request string) error { return s.asked(p, request) })
	if err != nil {
		return ticket{}, err
	}
	// Used up here and on disk: a second copy is refused for as long as its time
	// would let it in, after a restart too.
	if err := s.store.useUp(ctx, p.ID, mark("assertion", a.ID), a.Until); err != nil {
		return ticket{}, err
	}
	return ticket{provider: p, assertion: a, unasked: a.InResponseTo == ""}, nil
}

// samlHint is what a sign-out has to tell a SAML provider.
type samlHint struct {
	Name    saml.Name `json:"name"`
	Session string    `json:"session,omitempty"`
}

// identifySAML goes from a kept answer to an identity.
func (s *Providers) identifySAML(p Provider, f flow, in answered, note func(name, query, answer string, err error)) (Identity, error) {
	t := s.take(in.Ticket)
	var err error
	switch {
	case t == nil || t.provider.ID != p.ID:
		err = fault.New(fault.Forbidden, "The answer of the provider is gone: it waited too long, or was asked for twice.").Code("sso-begin").Cure("Begin again at the sign-in page.")
	case !t.unasked && !equal(f.Request, t.assertion.InResponseTo):
		err = fault.New(fault.Forbidden, "The answer belongs to a sign-in that was begun in another browser (InResponseTo).").Code("saml-in-response-to").
			Cure("Begin again at the sign-in page, in one tab.")
	}
	note("answer", "what the browser posted to "+s.base()+"/api/auth/saml/"+p.Name+"/acs", "signature, audience, recipient, destination, time and request are right", err)
	if err != nil {
		return Identity{}, err
	}
	a := t.assertion
	note("attributes", "NameID and attributes", saidBy(a), nil)
	hint, err := json.Marshal(samlHint{Name: a.Name, Session: a.Session})
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Subject: a.Name.Value, Outside: a.Session, Hint: hint, Groups: attribute(a, p.Settings.GroupsClaim, groupNames()),
		// SAML has no word for it: whoever switches linking on says with it that the provider's addresses are to be believed.
		EmailVerified: true}
	if list := attribute(a, p.Settings.EmailAttribute, emailNames()); len(list) > 0 {
		id.Email = cleanEmail(list[0])
	}
	if id.Email == "" && p.Settings.EmailAttribute == "" {
		id.Email = cleanEmail(a.Name.Value)
	}
	if list := attribute(a, p.Settings.NameAttribute, fullNames()); len(list) > 0 {
		id.Name = list[0]
	}
	if id.Email == "" {
		note("attributes", "an e-mail address", "", noEmail())
		return Identity{}, noEmail()
	}
	return id, nil
}

// attribute is the attribute that the settings name, or else the first of those
// that providers use for it.
func attribute(a saml.Assertion, named string, usual []string) []string {
	if named != "" {
		return a.Attributes[named]
	}
	for _, name := range usual {
		if list := a.Attributes[name]; len(list) > 0 {
			return list
		}
	}
	return nil
}

func emailNames() []string {
	return []string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "mail", "email", "emailAddress", "Email"}
}

func fullNames() []string {
	return []string{"http://schemas.microsoft.com/identity/claims/displayname", "urn:oid:2.16.840.1.113730.3.1.241", "displayName", "name", "cn", "urn:oid:2.5.4.3"}
}

func groupNames() []string {
	return []string{"http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", "http://schemas.xmlsoap.org/claims/Group", "groups", "memberOf",
		"http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "Role", "urn:oid:1.3.6.1.4.1.5923.1.5.1.1"}
}

// saidBy shows an assertion to an administrator.
func saidBy(a saml.Assertion) string {
	lines := []string{}
	for name, values := range a.Attributes {
		if len(lines) < 60 {
			lines = append(lines, shown(name+": "+strings.Join(values, ", ")))
		}
	}
	slices.Sort(lines)
	return strings.Join(append([]string{"NameID: " + shown(a.Name.Value), "format: " + shown(a.Name.Format)}, lines...), "\n")
}

// out ends the sessions that a SAML provider says are over, and returns where the
// browser goes with the answer; "" = to the sign-in page.
func (s *Providers) out(ctx context.Context, name, query string, body []byte) (string, error) {
	who := actor.From(ctx)
	if err := s.limits.check(who.Address, s.now()); err != nil {
		return "", err
	}
	p, err := s.named(SAML, name)
	if err != nil {
		return "", err
	}
	sp, idp, err := s.party(p)
	if err != nil {
		return "", err
	}
	var l saml.Logout
	var ok bool
	if body != nil {
		l, ok, err = sp.LogoutByPost(body, idp)
	} else {
		l, ok, err = sp.LogoutByRedirect(query, idp)
	}
	if err == nil && ok {
		_, err = s.store.end(system(ctx, p.Workspace), s.logins, p, l.Name.Value, l.Sessions, mark("logout", l.ID), l.Until)
	}
	if err != nil {
		return "", s.refuse(ctx, p, "", err)
	}
	if !ok || idp.SLOResponse == "" {
		return "", nil
	}
	return sp.SignedOut(idp, l.ID, l.Relay)
}

// Metadata is what a SAML provider has to know of this installation, as XML.
func (s *Providers) Metadata(_ context.Context, name string) ([]byte, error) {
	p, err := s.named(SAML, name)
	if err != nil {
		return nil, err
	}
	sp, _, err := s.party(p)
	if err != nil {
		return nil, err
	}
	return sp.Metadata()
}

// tokenOf reads the token of back-channel logout from a form.
func tokenOf(body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return form.Get("logout_token")
}
