package login

import (
	"context"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// A passkey is a key pair whose private half never leaves a person's device. It
// is bound to the name of this server, so no page of another name can use it. It
// serves as the second step, as the proof before what is dangerous and, where the
// device checks its holder by finger, face or PIN, in place of name and password.

const (
	methodPasskey  = "passkey"
	maxPasskeys    = 20 // of one person
	maxPasskeyName = 60
)

// passkey is one that a person has.
type passkey struct {
	id, person, name string
	credential       webauthn.Credential
	created, used    time.Time
	copied           bool
}

// holder is a person as the library wants it.
type holder struct {
	account.Person
	passkeys []passkey
}

func (h holder) WebAuthnID() []byte          { return []byte(h.ID) }
func (h holder) WebAuthnName() string        { return h.Email }
func (h holder) WebAuthnDisplayName() string { return h.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential {
	var list []webauthn.Credential
	for _, p := range h.passkeys {
		if !p.copied {
			list = append(list, p.credential)
		}
	}
	return list
}

// hold is a person with its passkeys.
func (l *Logins) hold(ctx context.Context, p account.Person) (holder, error) {
	list, err := l.store.passkeys(ctx, p.ID)
	return holder{Person: p, passkeys: list}, err
}

// beginPasskey asks the device of whoever is signed in for a new passkey.
func (l *Logins) beginPasskey(ctx context.Context, host string) (string, any, error) {
	p, err := l.itself(ctx)
	if err != nil {
		return "", nil, err
	}
	w, err := l.party(ctx, host)
	if err != nil {
		return "", nil, err
	}
	h, err := l.hold(ctx, p)
	if err != nil {
		return "", nil, err
	}
	if len(h.passkeys) >= maxPasskeys {
		return "", nil, tooManyPasskeys()
	}
	options, data, err := w.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred}),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()))
	if err != nil {
		return "", nil, err
	}
	ticket, err := l.seal(ceremony{For: toAdd, Person: p.ID, Data: *data})
	return ticket, options.Response, err
}

// addPasskey keeps a new passkey. The recovery codes, where it is the first
// second step, are told this once.
func (l *Logins) addPasskey(ctx context.Context, host, ticket, name string, answer []byte) (passkey, []string, error) {
	p, err := l.itself(ctx)
	if err != nil {
		return passkey{}, nil, err
	}
	w, err := l.party(ctx, host)
	if err != nil {
		return passkey{}, nil, err
	}
	if name, err = passkeyName(name); err != nil {
		return passkey{}, nil, err
	}
	c, err := l.unseal(ticket, toAdd)
	if err != nil || c.Person != p.ID {
		return passkey{}, nil, ceremonyOver()
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return passkey{}, nil, notAccepted(err)
	}
	made, err := w.CreateCredential(holder{Person: p}, c.Data, parsed)
	if err != nil {
		return passkey{}, nil, notAccepted(err)
	}
	if !l.spend(c) {
		return passkey{}, nil, ceremonyOver()
	}
	made.Attestation = webauthn.CredentialAttestation{} // tells of the device, and is asked for nothing
	k := passkey{id: newID(), person: p.ID, name: name, credential: *made, created: l.now().UTC().Truncate(time.Millisecond)}
	codes, marks := l.drawRecovery(p.ID)
	first, err := l.store.addPasskey(ctx, k, actor.From(ctx).Session, marks)
	if err != nil || !first {
		codes = nil
	}
	return k, codes, err
}

// challenge asks for a passkey at the door: of whoever it is, or of the person
// whose sign-in waits for its second step.
func (l *Logins) challenge(ctx context.Context, host, ticket string) (string, any, error) {
	w, err := l.party(ctx, host)
	if err != nil {
		return "", nil, err
	}
	if ticket == "" {
		if !l.alone.Get(ctx) {
			return "", nil, fault.New(fault.Conflict, "Nobody signs in here by a passkey alone.").Code("passkey-not-alone").Cure("Sign in with name and password first.")
		}
		options, data, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
		if err != nil {
			return "", nil, err
		}
		sealed, err := l.seal(ceremony{For: toEnter, Data: *data})
		return sealed, options.Response, err
	}
	t := l.waiting(ticket)
	if t == nil {
		return "", nil, noTicket()
	}
	return l.ask(ctx, w, t.person, ceremony{For: toFinish, Ticket: ticket})
}

// proveByPasskey asks for a passkey of whoever is signed in.
func (l *Logins) proveByPasskey(ctx context.Context, host string) (string, any, error) {
	p, err := l.itself(ctx)
	if err != nil {
		return "", nil, err
	}
	w, err := l.party(ctx, host)
	if err != nil {
		return "", nil, err
	}
	return l.ask(ctx, w, p, ceremony{For: toProve})
}

// ask asks for a passkey of the person.
func (l *Logins) ask(ctx context.Context, w *webauthn.WebAuthn, p account.Person, c ceremony) (string, any, error) {
	h, err := l.hold(ctx, p)
	if err != nil {
		return "", nil, err
	}
	if len(h.WebAuthnCredentials()) == 0 {
		return "", nil, fault.New(fault.Conflict, "There is no passkey.").Code("no-passkey").Cure("Use a code instead.")
	}
	options, data, err := w.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return "", nil, err
	}
	c.Person, c.Data = p.ID, *data
	sealed, err := l.seal(c)
	return sealed, options.Response, err
}

// answered checks a device's answer and returns whose it is. Failures are counted
// like failed passwords.
func (l *Logins) answered(ctx context.Context, host, ticket string, answer []byte, purposes ...string) (ceremony, account.Person, passkey, error) {
	c, err := l.unseal(ticket, purposes...)
	if err != nil {
		return c, account.Person{}, passkey{}, err
	}
	w, err := l.party(ctx, host)
	if err != nil {
		return c, account.Person{}, passkey{}, err
	}
	counted := anybody
	if c.Person != "" {
		counted = "second step of " + c.Person
	}
	attempt, err := l.attempt(ctx, "login.passkey", c.Person, counted, c.Person == "")
	if err != nil {
		return c, account.Person{}, passkey{}, err
	}
	// One answer to a question: the same one sent twice would look like a counter
	// that stands still, and close the passkey.
	if !l.spend(c) {
		attempt.settle(false)
		return c, account.Person{}, passkey{}, ceremonyOver()
	}
	p, k, err := l.checkAnswer(ctx, w, c, answer)
	attempt.settle(fault.Is(err, fault.Unauthenticated))
	return c, p, k, err
}

func (l *Logins) checkAnswer(ctx context.Context, w *webauthn.WebAuthn, c ceremony, answer []byte) (account.Person, passkey, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return account.Person{}, passkey{}, notAccepted(err)
	}
	k, err := l.store.passkeyOf(ctx, parsed.RawID)
	if err != nil || c.Person != "" && k.person != c.Person {
		return account.Person{}, passkey{}, l.refusePasskey(ctx, c.Person, "unknown", err)
	}
	p, err := l.accounts.ByID(ctx, k.person)
	if err != nil {
		return account.Person{}, passkey{}, l.refusePasskey(ctx, k.person, "unknown", err)
	}
	if k.copied {
		return account.Person{}, passkey{}, l.copied(ctx, k)
	}
	h, err := l.hold(ctx, p)
	if err != nil {
		return account.Person{}, passkey{}, err
	}
	var found *webauthn.Credential
	if c.For == toEnter {
		_, found, err = w.ValidatePasskeyLogin(func(_, user []byte) (webauthn.User, error) { return h, nil }, c.Data, parsed)
	} else {
		found, err = w.ValidateLogin(h, c.Data, parsed)
	}
	if err != nil {
		return account.Person{}, passkey{}, l.refusePasskey(ctx, p.ID, "answer", err)
	}
	if found.Authenticator.CloneWarning {
		return account.Person{}, passkey{}, l.copied(ctx, k)
	}
	k.credential = *found
	return p, k, nil
}

// copied refuses a passkey whose counter went back, now and from now on.
func (l *Logins) copied(ctx context.Context, k passkey) error {
	if err := l.store.markCopied(ctx, k); err != nil {
		return err
	}
	return fault.New(fault.Forbidden, "The counter of this passkey went back, so there may be a copy of it. It is not accepted any more.").Code("passkey-copied").
		Cure("Sign in another way, take the passkey away on the profile page, and tell an administrator.")
}

// refusePasskey records why an answer was refused and says the one sentence.
func (l *Logins) refusePasskey(ctx context.Context, person, why string, cause error) error {
	if cause != nil && fault.Is(cause, fault.Unavailable) {
		return cause
	}
	e := audit.Entry{Act: "login.passkey", ObjectKind: "person", Object: person, Detail: map[string]any{"why": why}}
	if err := l.audit.Refused(ctx, e); err != nil {
		return err
	}
	return notAccepted(cause)
}

func notAccepted(cause error) error {
	return fault.New(fault.Unauthenticated, "The passkey was not accepted.").Code("wrong-passkey").Cure("Try again, or sign in another way.").Because(cause)
}

func tooManyPasskeys() error {
	return fault.New(fault.Conflict, "There are %d passkeys already.", maxPasskeys).Code("too-many-passkeys").Cure("Take one away that is not used any more.")
}

func passkeyName(name string) (string, error) {
	name, err := account.Name("body.name", name)
	if err == nil && len([]rune(name)) > maxPasskeyName {
		const sentence = "The name is too long: at most 60 characters."
		err = fault.New(fault.Invalid, sentence).With(fault.Detail{Field: "body.name", Sentence: sentence})
	}
	return name, err
}

// enterBy opens a session for whoever answered with a passkey, by it alone or as
// the second step.
func (l *Logins) enterBy(ctx context.Context, host, ticket string, answer []byte, trust bool, agent string) (opened, string, error) {
	c, p, k, err := l.answered(ctx, host, ticket, answer, toEnter, toFinish)
	if err != nil {
		return opened{}, "", err
	}
	if c.For == toFinish {
		t := l.redeem(c.Ticket)
		if t == nil || t.person.ID != p.ID {
			return opened{}, "", noTicket()
		}
		if err := l.store.usePasskey(ctx, k); err != nil {
			return opened{}, "", err
		}
		return l.openTicket(ctx, *t, trust)
	}
	if p.Disabled {
		return opened{}, "", l.refuse(ctx, p.ID, "disabled")
	}
	if !l.alone.Get(ctx) {
		return opened{}, "", ceremonyOver()
	}
	from := network(actor.From(ctx).Address)
	o, err := l.open(ctx, p, agent, func(ctx context.Context, o opened) error {
		return l.store.beginByPasskey(ctx, o.session, digest(o.token), from, k)
	})
	return o, "", err
}

// proveBy notes that the holder of the session proved with a passkey who it is.
func (l *Logins) proveBy(ctx context.Context, host, ticket string, answer []byte) error {
	who, err := l.itself(ctx)
	if err != nil {
		return err
	}
	_, p, k, err := l.answered(ctx, host, ticket, answer, toProve)
	if err != nil {
		return err
	}
	if p.ID != who.ID {
		return ceremonyOver()
	}
	if err := l.store.usePasskey(ctx, k); err != nil {
		return err
	}
	return l.store.proved(ctx, actor.From(ctx).Session, p.ID)
}

// namePasskey gives a passkey of the actor another name.
func (l *Logins) namePasskey(ctx context.Context, id, name string) error {
	p, err := l.itself(ctx)
	if err != nil {
		return err
	}
	if name, err = passkeyName(name); err != nil {
		return err
	}
	return l.store.namePasskey(ctx, p.ID, id, name)
}

// endPasskey takes a passkey of the actor away.
func (l *Logins) endPasskey(ctx context.Context, id string) error {
	p, err := l.itself(ctx)
	if err != nil {
		return err
	}
	return l.store.endPasskey(ctx, p.ID, id, actor.From(ctx).Session)
}
