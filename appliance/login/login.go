// Package login lets people in: passwords, sessions that can be revoked at once,
// the one-time link that makes the first owner, and the operator on the Unix
// socket.
//
// What a newcomer gets wrong: why somebody is not let in is told to nobody but
// the audit record. Unknown address, wrong password and disabled person get the
// same sentence after the same work.
package login

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"
	"unicode"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
)

// Logins answers who somebody is. Make it with New.
type Logins struct {
	store     store
	accounts  *account.Accounts
	audit     *audit.Log
	log       *slog.Logger
	now       func() time.Time
	hashes    *hasher
	throttle  *throttle
	setup     setup
	keys      *secret.Keyring
	base      func() string
	verifier  Verifier  // nil = no directories
	providers Providers // nil = no single sign-on
	hours     *setting.Value[int]
	idle      *setting.Value[int]
	keyDays   *setting.Value[int]

	factorFor   *setting.Value[[]string]
	factorGrace *setting.Value[int]
	least, past *setting.Value[int]    // of passwords: characters, and how many that were may not come back
	place       *setting.Value[string] // where a session may be used from
	name        *setting.Value[string] // of this server, for passkeys
	alone       *setting.Value[bool]   // passkeys sign in without a password

	process []byte // of this process, so that no ceremony outlives it

	mu       sync.Mutex
	touching map[string]bool // sessions whose last use is being written
	tickets  map[string]*ticket
	spent    map[string]int64 // challenges that were answered, until when they could be again
}

// touchEvery is how exact the last use of a session is: writing it for every
// request would cost a commit each.
const touchEvery = time.Minute

// declare adds the settings of this room.
func (l *Logins) declare(s *setting.Settings) {
	l.hours = setting.Declare(s, setting.Key[int]{Name: "login.sessionHours", Default: 12, Check: setting.Between(1, 720),
		Help: "After how many hours everybody has to sign in again."})
	l.idle = setting.Declare(s, setting.Key[int]{Name: "login.idleMinutes", Default: 120, Check: setting.Between(5, 1440),
		Help: "After how many minutes without use a session ends."})
	l.declarePolicy(s)
	l.keyDays = setting.Declare(s, setting.Key[int]{Name: "login.keyDays", Default: 365, Check: setting.Between(1, 3650),
		Help: "How many days an API key may live at most; keys that are there keep their day."})
	l.factorFor = setting.Declare(s, setting.Key[[]string]{Name: "login.secondStepFor", Default: []string{}, Check: checkFactorFor,
		Help: "Who needs a second step to sign in: everyone, admins, workspace:ID, group:ID."})
	l.name = setting.Declare(s, setting.Key[string]{Name: "server.name", Default: "", Check: checkServerName,
		Help: "The name people open ChatETS by, such as chat.clinic.example. Passkeys are bound to it: with another name they are lost. Empty takes the name of the base address."})
	l.alone = setting.Declare(s, setting.Key[bool]{Name: "login.passkeyAlone", Default: true,
		Help: "Whether a passkey signs in without name and password, where the device checks its holder by finger, face or PIN."})
	l.factorGrace = setting.Declare(s, setting.Key[int]{Name: "login.secondStepGraceDays", Default: 7, Check: setting.Between(0, 365),
		Help: "For how many days somebody who needs a second step may still sign in without one, before it has to be set up."})
}

// session is one place where a person is signed in.
type session struct {
	id, owner, workspace   string
	created, seen, expires time.Time
	address, agent         string
	proved                 time.Time // when its holder last proved who it is
	enrol                  bool      // it may only set up the second step that is overdue
	must                   bool      // it may only set another password
}

// opened is a session whose token has just been made; nobody can learn the
// token again.
type opened struct {
	session
	token  string
	person account.Person

	ticket  string    // of a sign-in that waits for its second step; there is no session then
	methods []string  // of that step
	due     time.Time // when a second step has to be set up at the latest; zero = never
}

// credentials are what somebody signs in with.
type credentials struct {
	name, password string
	code           string // of the second step, where it is sent at once
	device         string // token of a trusted device
	agent          string
}

func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func notSignedIn() error {
	return fault.New(fault.Unauthenticated, "You are not signed in.").Cure("Sign in and try again.")
}

// lookup is the session of a token, as long as it is alive: within its hours,
// not idle for too long, its person not disabled. It reads the tables each
// time, so what was revoked is gone with the next request. used tells that the
// session is in use by this, and not only asked about.
func (l *Logins) lookup(ctx context.Context, token string, used bool) (session, account.Member, error) {
	s, err := l.store.byToken(ctx, digest(token))
	if err != nil {
		return session{}, account.Member{}, err
	}
	now := l.now()
	s.expires = l.end(ctx, s)
	if !now.Before(s.expires) || now.Sub(s.seen) > time.Duration(l.idle.Get(ctx))*time.Minute {
		return session{}, account.Member{}, notSignedIn()
	}
	m, err := l.accounts.Place(ctx, s.owner, s.workspace)
	switch {
	case fault.Is(err, fault.NotFound):
		return session{}, account.Member{}, notSignedIn()
	case err != nil:
		return session{}, account.Member{}, err
	case m.Person.Disabled:
		return session{}, account.Member{}, notSignedIn()
	}
	if idle := now.Sub(s.seen); used && idle >= touchEvery {
		// What would soon end the session is written before it is used any further.
		l.touch(ctx, s, now, idle > time.Duration(l.idle.Get(ctx))*time.Minute/2)
	}
	return s, m, nil
}

// end is when a session ends at the latest: a shorter setting ends old sessions
// too, a longer one does not prolong them.
func (l *Logins) end(ctx context.Context, s session) time.Time {
	end := s.created.Add(time.Duration(l.hours.Get(ctx)) * time.Hour)
	if s.expires.Before(end) {
		return s.expires
	}
	return end
}

// touch notes that a session is in use. Nobody waits for it unless it is asked
// for: of people who read, one request in a minute would take as long as a
// commit. What fails here, such as a full disk, must not keep anybody from reading.
func (l *Logins) touch(ctx context.Context, s session, now time.Time, wait bool) {
	l.note(ctx, s.id, wait, func(ctx context.Context) error { return l.store.touch(ctx, s.id, s.owner, now) })
}

// note writes the last use of a session or key beside the request, unless that is
// being done already.
func (l *Logins) note(ctx context.Context, session string, wait bool, write func(context.Context) error) {
	if !l.touches(session) {
		return
	}
	ctx = context.WithoutCancel(ctx) // whoever leaves meanwhile was here all the same
	work := func() {
		defer l.touched(session)
		err := write(ctx)
		if err != nil && !fault.Is(err, fault.Unavailable) { // the service stops
			l.log.Warn("a last use was not written", "session", session, "error", err)
		}
	}
	if wait {
		work()
		return
	}
	go work()
}

// touches reports whether nobody is noting the last use of the session already;
// then the caller does.
func (l *Logins) touches(session string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.touching[session] {
		return false
	}
	l.touching[session] = true
	return true
}

func (l *Logins) touched(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.touching, session)
}

// actorOf is the actor of a session.
func actorOf(ctx context.Context, s session, m account.Member) actor.Actor {
	before := actor.From(ctx)
	return actor.Actor{
		Kind: actor.Person, ID: m.Person.ID, Workspace: m.Workspace.ID, Role: m.Person.Role, WorkspaceRole: m.Person.WorkspaceRole,
		Groups: m.Groups, Session: s.id, Address: before.Address, Request: before.Request,
	}
}

// signIn checks a name and a password and opens a session. The name is an
// e-mail address, or what a directory calls the person.
func (l *Logins) signIn(ctx context.Context, in credentials) (opened, error) {
	if l.verifier == nil || !l.verifier.Any() {
		return l.check(ctx, in)
	}
	// Directories answer fast or slowly, depending on what they know. Nobody may
	// learn from the time of a refusal what it was about.
	begun := l.now()
	o, err := l.check(ctx, in)
	if fault.Is(err, fault.Unauthenticated) {
		l.even(ctx, l.now().Sub(begun))
	}
	return o, err
}

// even waits until a refusal has taken a whole number of steps.
func (l *Logins) even(ctx context.Context, taken time.Duration) {
	const step = 500 * time.Millisecond
	wait := time.NewTimer(step - taken%step)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

func (l *Logins) check(ctx context.Context, in credentials) (opened, error) {
	name := account.FoldEmail(in.name)
	address := actor.From(ctx).Address
	p, err := l.accounts.ByLogin(ctx, name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return opened{}, err
	}
	unknown := err != nil
	stored, known, err := l.store.secret(ctx, p.ID, network(address))
	if err != nil {
		return opened{}, err
	}
	// A person of a directory has several names; failures count together.
	counted := name
	if !unknown {
		counted = p.Email
	}
	attempt, err := l.attempt(ctx, "login.signin", p.ID, counted, known)
	if err != nil {
		return opened{}, err
	}
	if l.verifier != nil && l.verifier.Any() && (unknown || p.Source != account.Local) {
		return l.checkBy(ctx, attempt, in, name, p)
	}
	ok, stale, err := l.verify(ctx, attempt, stored, in.password)
	switch {
	case err != nil:
		return opened{}, err
	case unknown:
		return opened{}, l.refuse(ctx, p.ID, "unknown")
	case !ok:
		return opened{}, l.refuse(ctx, p.ID, "password")
	case p.Disabled:
		return opened{}, l.refuse(ctx, p.ID, "disabled")
	}
	rehashed := ""
	if stale {
		if rehashed, err = l.hashes.hash(ctx, in.password); err != nil {
			rehashed = "" // the old hash still serves; the next sign-in tries again
		}
	}
	return l.second(ctx, p, in, func(ctx context.Context, o opened) error {
		return l.store.begin(ctx, o.session, digest(o.token), begin{hash: rehashed, stored: stored, network: network(address)})
	})
}

// attempt asks the throttle for an attempt at an account's password, or at what
// is guessed like one.
func (l *Logins) attempt(ctx context.Context, act, person, email string, known bool) (attempt, error) {
	a, wait, first, err := l.throttle.begin(ctx, email, network(actor.From(ctx).Address), known)
	if err != nil || wait == 0 {
		return a, err
	}
	if first { // one row per wait: whoever hammers on must not fill the record
		e := audit.Entry{Act: act, ObjectKind: "person", Object: person, Outcome: audit.Refused, Detail: map[string]any{"why": "throttled"}}
		if err := l.audit.Refused(ctx, e); err != nil {
			return attempt{}, err
		}
	}
	seconds := int(math.Ceil(wait.Seconds()))
	return attempt{}, fault.New(fault.TooMany, "There were too many failed attempts to sign in.").Code("throttled").
		Cure("Wait %d seconds and try again.", seconds).RetryAfter(seconds)
}

// verify checks a password and settles the attempt, whatever happens.
func (l *Logins) verify(ctx context.Context, a attempt, stored, password string) (ok, stale bool, err error) {
	failed := false
	defer func() { a.settle(failed) }()
	ok, stale, err = l.hashes.verify(ctx, stored, password)
	failed = err == nil && !ok
	return ok, stale, err
}

// refuse records why somebody was not let in and says the one sentence.
func (l *Logins) refuse(ctx context.Context, person, why string) error {
	e := audit.Entry{Act: "login.signin", ObjectKind: "person", Object: person, Detail: map[string]any{"why": why}}
	if err := l.audit.Refused(ctx, e); err != nil {
		return err
	}
	if l.verifier != nil && l.verifier.Down() { // told to everybody, so that it tells of nobody
		return fault.New(fault.Unauthenticated, "The name or the password is not right, or the directory could not be asked: it does not answer at the moment.").Code("directory-down").
			Cure("Local accounts can sign in. Try again later, or ask an administrator.")
	}
	return fault.New(fault.Unauthenticated, "The name or the password is not right.").Code("wrong-credentials").
		Cure("Try again, or ask an administrator for a new password.")
}

// open makes a session for a person whom write then stores, recorded as the
// person's own act.
func (l *Logins) open(ctx context.Context, p account.Person, agent string, write func(context.Context, opened) error) (opened, error) {
	m, err := l.accounts.Place(ctx, p.ID, "")
	if err != nil {
		return opened{}, err
	}
	o := l.fresh(ctx, m.Person.ID, m.Workspace.ID, agent)
	o.person = m.Person
	return o, write(actor.With(ctx, actorOf(ctx, o.session, m)), o)
}

// fresh makes a session and its token.
func (l *Logins) fresh(ctx context.Context, person, workspace, agent string) opened {
	now := l.now().UTC().Truncate(time.Millisecond)
	return opened{
		session: session{
			id: newID(), owner: person, workspace: workspace, created: now, seen: now,
			expires: now.Add(time.Duration(l.hours.Get(ctx)) * time.Hour), address: actor.From(ctx).Address, agent: readable(agent),
		},
		token: base64.RawURLEncoding.EncodeToString(random(32)),
	}
}

// readable is a User-Agent fit to be shown in a list.
func readable(agent string) string {
	agent = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(agent, ""))
	if r := []rune(agent); len(r) > 300 {
		return string(r[:300])
	}
	return agent
}

// changeOwn changes the password of whoever is signed in, who must know the
// present one; a session left open at a ward's computer is not enough.
func (l *Logins) changeOwn(ctx context.Context, current, next string) error {
	who := actor.From(ctx)
	if err := who.Need(who.Kind == actor.Person); err != nil {
		return err
	}
	p, err := l.accounts.ByID(ctx, who.ID)
	if err != nil {
		return err
	}
	if err := changeable(p); err != nil {
		return err
	}
	if err := l.acceptable(ctx, p, next); err != nil {
		return err
	}
	stored, known, err := l.store.secret(ctx, p.ID, network(who.Address))
	if err != nil {
		return err
	}
	attempt, err := l.attempt(ctx, "login.password", p.ID, p.Email, known)
	if err != nil {
		return err
	}
	ok, _, err := l.verify(ctx, attempt, stored, current)
	if err != nil {
		return err
	}
	if !ok {
		const sentence = "The present password is not right."
		e := audit.Entry{Act: "login.password", ObjectKind: "person", Object: p.ID, Detail: map[string]any{"why": "password"}}
		if err := l.audit.Refused(ctx, e); err != nil {
			return err
		}
		return fault.New(fault.Invalid, sentence).With(fault.Detail{Field: "body.current", Sentence: sentence})
	}
	if subtle.ConstantTimeCompare([]byte(current), []byte(next)) == 1 {
		const sentence = "The new password is the present one."
		return fault.New(fault.Invalid, sentence).With(fault.Detail{Field: "body.password", Sentence: sentence})
	}
	hash, err := l.hashes.hash(ctx, next)
	if err != nil {
		return err
	}
	e := audit.Entry{Act: "login.password", ObjectKind: "person", Object: p.ID}
	return l.store.setPassword(ctx, e, hash, false, who.Session, network(who.Address), func(account.Person) error { return nil })
}

// changeable refuses a password for people who sign in through a directory.
func changeable(p account.Person) error {
	if p.Source == account.Local {
		return nil
	}
	return fault.New(fault.Conflict, "This person signs in through a directory or an identity provider.").Cure("Change the password there.")
}

// Verified is how many password hashes were computed since the start.
func (l *Logins) Verified() int64 { return l.hashes.done.Load() }
