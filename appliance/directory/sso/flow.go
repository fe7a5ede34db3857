package sso

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/mail"
	"strings"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/login"
)

// flowLife is how long somebody may take at the provider.
const flowLife = 15 * time.Minute

// flow is a sign-in that is at the provider. It lives sealed in a cookie of the
// browser that began it, so that strangers can neither fill our memory nor bring
// a sign-in to its end in somebody else's browser.
type flow struct {
	Provider string `json:"p"`
	State    string `json:"s,omitempty"`
	Nonce    string `json:"n,omitempty"`
	Verifier string `json:"v,omitempty"`
	Request  string `json:"q,omitempty"` // of SAML
	Return   string `json:"r,omitempty"`
	Expires  int64  `json:"e"`
	Trial    string `json:"t,omitempty"` // the administrator who tries it out
}

const flowPurpose = "sso-flow"

func draw() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}

func (s *Providers) wrap(f flow) (string, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	sealed, err := s.keys.Seal(flowPurpose, text, nil)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

func (s *Providers) unwrap(cookie string) (flow, error) {
	gone := fault.New(fault.Forbidden, "The sign-in was not begun in this browser, or it took longer than 15 minutes.").Code("sso-begin").
		Cure("Begin again at the sign-in page. If it stays, check that the browser keeps cookies and that the public address (base-url) is the one people use.")
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || cookie == "" {
		return flow{}, gone
	}
	text, err := s.keys.Open(flowPurpose, sealed, nil)
	if err != nil {
		return flow{}, gone
	}
	var f flow
	if err := json.Unmarshal(text, &f); err != nil || s.now().Unix() >= f.Expires {
		return flow{}, gone
	}
	return f, nil
}

// started is where the browser has to go, and the cookie it takes along.
type started struct {
	URL     string
	Cookie  string
	Expires time.Time
}

// start begins a sign-in at a provider. With trial an administrator tries it out.
func (s *Providers) start(ctx context.Context, name, back string, trial bool) (started, error) {
	who := actor.From(ctx)
	if err := s.limits.check(who.Address, s.now()); err != nil {
		return started{}, err
	}
	p, err := s.named("", name)
	if err != nil {
		return started{}, err
	}
	end := s.now().Add(flowLife)
	f := flow{Provider: p.ID, Return: inside(back), Expires: end.Unix()}
	if trial {
		if err := who.Need(who.Kind == actor.Person && who.Administers()); err != nil {
			return started{}, err
		}
		f.Trial = who.ID
	}
	out := started{Expires: end}
	if p.Kind == OIDC {
		out.URL, err = s.startOIDC(ctx, p, &f)
	} else {
		out.URL, err = s.startSAML(ctx, p, &f)
	}
	if err != nil {
		s.fail(p, who.Request, err)
		s.limits.failed(who.Address, s.now())
		if trial {
			return started{}, err
		}
		return started{}, fault.New(fault.Unavailable, "The identity provider cannot be used at the moment.").Code("sso-down").
			Cure("Try again in a moment, or ask an administrator: the reason is in the log and on the page of single sign-on.")
	}
	out.Cookie, err = s.wrap(f)
	return out, err
}

// inside is a path of ours to go to after signing in, "" where it is none.
func inside(path string) string {
	if len(path) > 500 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return ""
	}
	return path
}

// answer is what came back through the browser.
type answered struct {
	Name, State, Code, Issuer string // OpenID Connect; Name is the provider that the address of the answer names
	Error, Description        string
	Ticket                    string // SAML
}

// finished is what a sign-in came to: a session, a second step to come, or a trial.
type finished struct {
	provider Provider
	enter    *login.External
	back     string
	trial    bool
}

// finish brings a sign-in to its end: whom the provider has vouched for is let in.
func (s *Providers) finish(ctx context.Context, cookie string, in answered) (finished, error) {
	who := actor.From(ctx)
	if err := s.limits.check(who.Address, s.now()); err != nil {
		return finished{}, err
	}
	f, p, err := s.begun(cookie, in)
	if err != nil {
		s.limits.failed(who.Address, s.now())
		if p.ID != "" {
			s.fail(p, who.Request, err)
		} else {
			s.log.Info("a sign-in through an identity provider could not be brought to its end", "request", who.Request, "error", err)
		}
		return finished{}, refused()
	}
	if f.Trial != "" {
		return s.tried(ctx, p, f, in)
	}
	var id Identity
	if p.Kind == OIDC {
		id, err = s.identifyOIDC(ctx, p, f, in, func(string, string, string, error) {})
	} else {
		id, err = s.identifySAML(p, f, in, func(string, string, string, error) {})
	}
	var a admitted
	if err == nil {
		a, err = s.admit(ctx, p, id)
	}
	if err != nil {
		return finished{}, s.refuse(ctx, p, a.person, err)
	}
	seal := func(session string) ([]byte, error) {
		if len(id.Hint) == 0 {
			return nil, nil
		}
		return s.keys.Seal(hintPurpose, id.Hint, []byte(session))
	}
	return finished{provider: p, back: f.Return, enter: &login.External{Person: a.person, By: p.Kind, SecondStep: p.Settings.TrustSecondStep, Also: s.store.vouched(p, id, seal)}}, nil
}

const hintPurpose = "sso-hint"

// admit finds or makes the person of an identity.
func (s *Providers) admit(ctx context.Context, p Provider, id Identity) (admitted, error) {
	w, err := p.want(id)
	if err != nil {
		return admitted{}, err
	}
	ctx = system(ctx, p.Workspace)
	a, err := s.store.admit(ctx, s.accounts, p, id, w)
	if err == nil && a.made && s.notify != nil {
		s.notify(p.Workspace, "", "person", a.person)
	}
	return a, err
}

// system acts for the provider: what it changes was decided by its rules.
func system(ctx context.Context, workspace string) context.Context {
	who := actor.From(ctx)
	return actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID, Workspace: workspace, Address: who.Address, Request: who.Request})
}

// begun finds the flow that an answer belongs to.
func (s *Providers) begun(cookie string, in answered) (flow, Provider, error) {
	f, err := s.unwrap(cookie)
	if err != nil {
		// Where the provider allows it, a sign-in by SAML may begin there.
		if t := s.waiting(in.Ticket); t != nil && t.unasked {
			return flow{Provider: t.provider.ID}, t.provider, nil
		}
		return flow{}, Provider{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.known {
		if p.ID == f.Provider && p.Enabled {
			return f, p, nil
		}
	}
	return flow{}, Provider{}, noProvider()
}

// refuse records why somebody was not let in and says the one sentence.
func (s *Providers) refuse(ctx context.Context, p Provider, person string, err error) error {
	who := actor.From(ctx)
	if fault.Is(err, fault.Cancelled) {
		return err
	}
	s.fail(p, who.Request, err)
	s.limits.failed(who.Address, s.now())
	e := audit.Entry{Act: "login.signin", ObjectKind: "person", Object: person, Workspace: p.Workspace, Detail: map[string]any{"why": fault.Of(err).Code, "sso": p.ID}}
	if err := s.store.audit.Refused(ctx, e); err != nil {
		return err
	}
	return refused()
}

// tried is the end of a trial: all steps are gone but the last, and shown to the
// administrator who began it.
func (s *Providers) tried(ctx context.Context, p Provider, f flow, in answered) (finished, error) {
	who := actor.From(ctx)
	if who.ID != f.Trial || !who.Administers() {
		return finished{}, refused()
	}
	t := &SignOnTrial{At: s.now().UTC(), Steps: []SignOnStep{}}
	note := stepper(&t.Steps, s.now)
	var id Identity
	var err error
	if p.Kind == OIDC {
		id, err = s.identifyOIDC(ctx, p, f, in, note)
	} else {
		id, err = s.identifySAML(p, f, in, note)
	}
	if err == nil && len(id.Mark) > 0 {
		err = s.store.useUp(ctx, p.ID, id.Mark, id.MarkExpires)
		if err != nil {
			note("replay", "whether it was used before", "", err)
		}
	}
	if err == nil {
		s.foresee(ctx, p, id, note)
	}
	t.OK = len(t.Steps) > 0 && t.Steps[len(t.Steps)-1].OK
	l := s.of(p)
	s.mu.Lock()
	l.try = t
	s.mu.Unlock()
	e := audit.Entry{Act: "sso.test", ObjectKind: "sso", Object: p.ID, Detail: map[string]any{"steps": len(t.Steps), "ok": t.OK}}
	return finished{trial: true, back: "/admin/sso"}, s.store.acted(ctx, e)
}

// stepper notes steps with the time each took.
func stepper(list *[]SignOnStep, now func() time.Time) func(name, query, answer string, err error) {
	begun := now()
	return func(name, query, answer string, err error) {
		step := SignOnStep{Name: name, OK: err == nil, Query: query, Answer: answer, Millis: now().Sub(begun).Milliseconds()}
		if err != nil {
			step.Error, step.Cure = fault.Of(err).Sentence, fault.Of(err).Cure
		}
		*list, begun = append(*list, step), now()
	}
}

// foresee says what would become of an identity.
func (s *Providers) foresee(ctx context.Context, p Provider, id Identity, note func(name, query, answer string, err error)) {
	const query = "what would become of the person"
	w, err := p.want(id)
	if err != nil {
		note("account", query, "", err)
		return
	}
	lines := []string{"subject: " + shown(id.Subject), "name: " + shown(nameOf(id)), "e-mail: " + shown(id.Email)}
	if p.Kind == OIDC {
		verified := "the provider does not say that it has verified it"
		if id.EmailVerified {
			verified = "verified by the provider"
		}
		lines[2] += " (" + verified + ")"
	}
	lines = append(lines, "groups: "+shown(strings.Join(id.Groups, ", ")))
	for _, role := range w.places {
		lines = append(lines, "workspace role: "+string(role))
	}
	if w.installation != "" {
		lines = append(lines, "role in the installation: "+string(w.installation))
	}
	fate, err := s.store.fate(ctx, p, id)
	if fate != "" {
		lines = append(lines, fate)
	}
	note("account", query, strings.Join(lines, "\n"), err)
}

// noEmail is said of an identity without an address that can be one.
func noEmail() error {
	return fault.New(fault.Forbidden, "The provider sends no e-mail address of the person.").Code("sso-email").
		Cure("Let it send one: the scope or claim email of OpenID Connect, an attribute of SAML.")
}

// cleanEmail is an address as accounts have it, "" where it is none.
func cleanEmail(text string) string {
	text = strings.TrimSpace(text)
	if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
		return ""
	}
	email, err := account.Email("email", text)
	if err != nil {
		return ""
	}
	return email
}

// nameOf is the name of somebody, made from the address where there is none.
func nameOf(id Identity) string {
	if name := strings.Join(strings.Fields(id.Name), " "); name != "" {
		if r := []rune(name); len(r) > 100 {
			name = string(r[:100])
		}
		return name
	}
	local, _, _ := strings.Cut(id.Email, "@")
	return local
}

func equal(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func mark(kind, value string) []byte {
	sum := sha256.Sum256([]byte(kind + "\x00" + value))
	return sum[:]
}

// shut records that whom a provider vouched for is not let in here.
func (s *Providers) shut(ctx context.Context, done finished, err error) error {
	if fault.Is(err, fault.Internal) || fault.Is(err, fault.Full) || fault.Is(err, fault.Unavailable) {
		return err
	}
	return s.refuse(ctx, done.provider, done.enter.Person, err)
}
