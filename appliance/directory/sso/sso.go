// Package sso lets people in for whom an identity provider vouches, by OpenID
// Connect (package oidc below) or SAML 2.0 (package saml).
//
// What a newcomer gets wrong: what a provider says of an e-mail address makes
// nobody the holder of an account that is here. Whoever comes from a provider is
// known by the provider's own name for the person and by nothing else, unless
// linking is switched on for that provider in so many words.
package sso

import (
	"log/slog"
	"sync"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/directory/sso/oidc"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/login"
	"chatets/appliance/secret"
)

// The kinds of provider.
const (
	OIDC = "oidc"
	SAML = "saml"
)

// Provider is one identity provider.
type Provider struct {
	ID, Workspace, Owner, Kind, Name string
	Enabled                          bool
	Settings                         Settings
	HasSecret                        bool
	People                           int // who have come from it
	Created, Changed                 time.Time

	sealed []byte // client secret, or private key
}

// Source is the source of the people whom the provider made.
func (p Provider) Source() string { return p.Kind + ":" + p.Name }

// Settings are how a provider is asked and what is made of its answers.
type Settings struct {
	Label string `json:"label,omitempty"` // of the button; "" = the name
	CA    string `json:"ca,omitempty"`

	// OpenID Connect.
	Issuer      string   `json:"issuer,omitempty"`
	ClientID    string   `json:"clientId,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`      // beside openid
	Hosts       []string `json:"hosts,omitempty"`       // further host:port that the provider answers from
	GroupsClaim string   `json:"groupsClaim,omitempty"` // also the attribute of SAML
	PlainHTTP   bool     `json:"plainHttp,omitempty"`

	// SAML.
	Metadata       string `json:"metadata,omitempty"` // of the provider, XML
	Certificate    string `json:"certificate,omitempty"`
	EmailAttribute string `json:"emailAttribute,omitempty"`
	NameAttribute  string `json:"nameAttribute,omitempty"`
	Unasked        bool   `json:"unasked,omitempty"` // sign-ins that begin at the provider

	// What becomes of the people.
	Create          bool         `json:"create"`
	LinkByEmail     bool         `json:"linkByEmail,omitempty"`
	TrustSecondStep bool         `json:"trustSecondStep,omitempty"`
	Only            string       `json:"only,omitempty"` // group whose members are let in; "" = everybody
	Role            actor.Role   `json:"role"`           // in the workspace
	Groups          bool         `json:"groups"`         // groups become groups of the workspace
	Rules           []SignOnRule `json:"rules,omitempty"`
}

// SignOnRule gives the members of a group of the provider a role. The highest role wins.
type SignOnRule struct {
	Group        string     `json:"group"`
	Workspace    string     `json:"workspace,omitempty"`    // id; "" = the provider's
	Role         actor.Role `json:"role,omitempty"`         // in the workspace
	Installation actor.Role `json:"installation,omitempty"` // admin or auditor
}

// Providers are the identity providers of the installation. Make them with New.
type Providers struct {
	store    store
	accounts *account.Accounts
	logins   *login.Logins
	keys     *secret.Keyring
	gate     *egress.Gate
	notify   func(workspace, person, noun, id string)
	base     func() string
	log      *slog.Logger
	now      func() time.Time

	mu      sync.Mutex
	known   []Provider
	live    map[string]*live
	tickets map[string]*ticket
	limits  limiter
	change  sync.Mutex // held by whoever changes the configuration
}

// live is what is remembered of a provider while the process runs.
type live struct {
	changed  time.Time // of the settings it belongs to
	keys     oidc.Keys
	metadata oidc.Metadata
	fetched  time.Time

	failures []SignOnFailure // newest first
	try      *SignOnTrial
}

// SignOnFailure is a sign-in that came to nothing, for administrators.
type SignOnFailure struct {
	At       time.Time `json:"at"`
	Code     string    `json:"code"`
	Sentence string    `json:"sentence"`
	Cure     string    `json:"cure,omitempty"`
	Request  string    `json:"request,omitempty" doc:"The same in the log."`
}

// SignOnStep is one step of a test or of a sign-in on trial, and what came back.
type SignOnStep struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Query  string `json:"query"`
	Answer string `json:"answer"`
	Error  string `json:"error,omitempty"`
	Cure   string `json:"cure,omitempty"`
	Millis int64  `json:"millis"`
}

// SignOnTrial is a sign-in on trial: everything is done but letting in.
type SignOnTrial struct {
	At    time.Time    `json:"at"`
	OK    bool         `json:"ok"`
	Steps []SignOnStep `json:"steps"`
}

// Identity is somebody for whom a provider has vouched.
type Identity struct {
	Subject       string
	Email, Name   string
	EmailVerified bool
	Groups        []string
	Outside       string // the provider's own session
	Hint          []byte // for a sign-out
	Mark          []byte // of what may be used once
	MarkExpires   time.Time
}

// refused is the one sentence for the person at the door.
func refused() error {
	return fault.New(fault.Unauthenticated, "You could not be signed in this way.").Code("sso-refused").
		Cure("Try again. If it stays, ask an administrator: the reason is in the log and on the page of single sign-on.")
}

func noProvider() error {
	return fault.New(fault.NotFound, "There is no such identity provider.").Cure("It may have been removed; look at the list again.")
}

const maxFailures = 20

// of is what is remembered of a provider; its settings having changed, nothing is.
func (s *Providers) of(p Provider) *live {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.live[p.ID]
	if l == nil || !l.changed.Equal(p.Changed) {
		fresh := &live{changed: p.Changed}
		if l != nil {
			fresh.failures = l.failures
		}
		s.live[p.ID], l = fresh, fresh
	}
	return l
}

// named is a provider that is switched on, by its name.
func (s *Providers) named(kind, name string) (Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.known {
		if p.Name == name && p.Enabled && (kind == "" || p.Kind == kind) {
			return p, nil
		}
	}
	return Provider{}, noProvider()
}

// Doors lists the providers that are switched on, for the sign-in page.
func (s *Providers) Doors() []login.Door {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []login.Door
	for _, p := range s.known {
		if !p.Enabled {
			continue
		}
		label := p.Settings.Label
		if label == "" {
			label = p.Name
		}
		list = append(list, login.Door{Name: p.Name, Label: label, Kind: p.Kind})
	}
	return list
}

// fail notes why a sign-in came to nothing.
func (s *Providers) fail(p Provider, request string, err error) {
	r := fault.Of(err)
	s.log.Warn("a sign-in through an identity provider was refused", "provider", p.Name, "kind", p.Kind, "code", r.Code, "sentence", r.Sentence, "cure", r.Cure, "request", request, "error", err)
	l := s.of(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	l.failures = append([]SignOnFailure{{At: s.now().UTC(), Code: r.Code, Sentence: r.Sentence, Cure: r.Cure, Request: request}}, l.failures...)
	if len(l.failures) > maxFailures {
		l.failures = l.failures[:maxFailures]
	}
}

// remembered are the failures and the last trial of a provider.
func (s *Providers) remembered(p Provider) ([]SignOnFailure, *SignOnTrial) {
	l := s.of(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]SignOnFailure(nil), l.failures...), l.try
}
