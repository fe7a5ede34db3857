package login

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// The second step of a sign-in: a code of an authenticator app, a passkey, or one
// of the recovery codes that were printed for the day both are lost.

const (
	issuer        = "ChatETS"
	period        = 30 // seconds a code is good for
	recoveryCodes = 10
	freshFor      = 10 * time.Minute // a proof is good for what is dangerous
)

// The methods of the second step, as the wire names them.
const (
	methodTOTP     = "totp"
	methodRecovery = "recovery"
)

// factors are what a person can prove itself with beside the password.
type factors struct {
	totp     bool
	passkeys int       // that were not copied
	since    time.Time // of totp
	recovery int       // codes that are left
	devices  int       // that are trusted
}

func (f factors) any() bool { return f.totp || f.passkeys > 0 }

func (f factors) methods() []string {
	var list []string
	if f.totp {
		list = append(list, methodTOTP)
	}
	if f.passkeys > 0 {
		list = append(list, methodPasskey)
	}
	if f.recovery > 0 {
		list = append(list, methodRecovery)
	}
	return list
}

// second is asked once the first step was right: it opens the session, or
// returns one that still waits for the second step.
func (l *Logins) second(ctx context.Context, p account.Person, in credentials, write func(context.Context, opened) error) (opened, error) {
	f, err := l.store.factors(ctx, p.ID, l.now())
	if err != nil {
		return opened{}, err
	}
	if !f.any() {
		return l.openOrEnrol(ctx, p, in.agent, write)
	}
	if in.device != "" {
		trusted, err := l.store.trusted(ctx, p.ID, digest(in.device), l.now())
		if err != nil {
			return opened{}, err
		}
		if trusted {
			return l.open(ctx, p, in.agent, write)
		}
	}
	if in.code == "" {
		return opened{person: p, ticket: l.waitFor(ticket{person: p, agent: in.agent, write: write}), methods: f.methods()}, nil
	}
	if err := l.prove(ctx, p, in.code); err != nil {
		return opened{}, err
	}
	return l.open(ctx, p, in.agent, write)
}

// prove takes a code of the app or a recovery code, once. Failures are counted
// like failed passwords, apart from them.
func (l *Logins) prove(ctx context.Context, p account.Person, code string) error {
	attempt, err := l.attempt(ctx, "login.factor", p.ID, "second step of "+p.ID, false)
	if err != nil {
		return err
	}
	used, err := l.take(ctx, p, code)
	attempt.settle(err == nil && used == "")
	if err != nil {
		return err
	}
	if used != "" {
		return nil
	}
	e := audit.Entry{Act: "login.factor", ObjectKind: "person", Object: p.ID, Detail: map[string]any{"why": "code"}}
	if err := l.audit.Refused(ctx, e); err != nil {
		return err
	}
	return fault.New(fault.Unauthenticated, "The code is not right, or it was used before.").Code("wrong-code").
		Cure("Wait for the next code of the app and enter that one. Check that the clock of the phone is right.")
}

// take uses a code up and returns the method it belongs to, "" where it is none.
func (l *Logins) take(ctx context.Context, p account.Person, code string) (string, error) {
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(code)))
	if len(code) == 6 {
		sealed, last, err := l.store.secretOf(ctx, p.ID, true)
		if err != nil || sealed == nil {
			return "", err
		}
		secret, err := l.keys.Open(totpPurpose, sealed, []byte(p.ID))
		if err != nil {
			return "", err
		}
		step := l.step(string(secret), code)
		if step <= last {
			return "", nil
		}
		ok, err := l.store.useStep(ctx, p.ID, step)
		if err != nil || !ok {
			return "", err
		}
		return methodTOTP, nil
	}
	if len(code) == recoveryLength {
		ok, err := l.store.useRecovery(ctx, p.ID, l.recoveryMark(p.ID, code))
		if err != nil || !ok {
			return "", err
		}
		return methodRecovery, nil
	}
	return "", nil
}

const (
	totpPurpose    = "totp"
	recoveryLength = 16 // characters of base32: 80 bits
)

// step is the time step of a code, this one or the one before or after it, 0
// where it is of none of them.
func (l *Logins) step(secret, code string) int64 {
	now := l.now()
	options := totp.ValidateOpts{Period: period, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
	for _, shift := range []int64{0, -1, 1} {
		at := now.Add(time.Duration(shift) * period * time.Second)
		ok, err := totp.ValidateCustom(code, secret, at, options)
		if err == nil && ok {
			return at.Unix() / period
		}
	}
	return 0
}

// recoveryMark is what is kept of a recovery code.
func (l *Logins) recoveryMark(person, code string) []byte {
	h := hmac.New(sha256.New, l.keys.Sub("recovery-code"))
	h.Write([]byte(person + "\x00" + code))
	return h.Sum(nil)
}

// Enrolment is a secret that an app is to take over, by picture or by hand.
type Enrolment struct {
	Secret string `json:"secret" doc:"To be typed into the app where the picture cannot be taken."`
	URI    string `json:"uri" doc:"The same as otpauth:// address."`
	QR     string `json:"qr" doc:"The same as a picture, SVG."`
}

// itself is the person who acts, with a session.
func (l *Logins) itself(ctx context.Context) (account.Person, error) {
	who := actor.From(ctx)
	if err := who.Need(who.Kind == actor.Person && who.Session != ""); err != nil {
		return account.Person{}, err
	}
	return l.accounts.ByID(ctx, who.ID)
}

// beginTOTP draws a secret; it is in force once a first code of it was right.
func (l *Logins) beginTOTP(ctx context.Context) (Enrolment, error) {
	p, err := l.itself(ctx)
	if err != nil {
		return Enrolment{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: p.Email, Period: period, SecretSize: 20, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return Enrolment{}, err
	}
	sealed, err := l.keys.Seal(totpPurpose, []byte(key.Secret()), []byte(p.ID))
	if err != nil {
		return Enrolment{}, err
	}
	if err := l.store.beginTOTP(ctx, p.ID, sealed); err != nil {
		return Enrolment{}, err
	}
	picture, err := qrCode(key.URL())
	return Enrolment{Secret: key.Secret(), URI: key.URL(), QR: picture}, err
}

// confirmTOTP puts the secret in force. Where it is the first second step it
// makes the recovery codes, which are told this once.
func (l *Logins) confirmTOTP(ctx context.Context, code string) ([]string, error) {
	p, err := l.itself(ctx)
	if err != nil {
		return nil, err
	}
	sealed, _, err := l.store.secretOf(ctx, p.ID, false)
	if err != nil {
		return nil, err
	}
	if sealed == nil {
		return nil, fault.New(fault.Conflict, "No app is being set up.").Cure("Begin again.")
	}
	secret, err := l.keys.Open(totpPurpose, sealed, []byte(p.ID))
	if err != nil {
		return nil, err
	}
	step := l.step(string(secret), strings.ReplaceAll(strings.TrimSpace(code), " ", ""))
	if step == 0 {
		const sentence = "The code is not right."
		return nil, fault.New(fault.Invalid, "%s", sentence).Code("wrong-code").Cure("Enter the code that the app shows now, and check that the clock of the phone is right.").
			With(fault.Detail{Field: "body.code", Sentence: sentence})
	}
	codes, marks := l.drawRecovery(p.ID)
	first, err := l.store.confirmTOTP(ctx, p.ID, actor.From(ctx).Session, step, marks)
	if err != nil || !first {
		codes = nil
	}
	return codes, err
}

// drawRecovery makes fresh recovery codes and what is kept of them.
func (l *Logins) drawRecovery(person string) (codes []string, marks [][]byte) {
	for range recoveryCodes {
		plain := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random(10))
		marks = append(marks, l.recoveryMark(person, plain))
		codes = append(codes, plain[:4]+"-"+plain[4:8]+"-"+plain[8:12]+"-"+plain[12:])
	}
	return codes, marks
}

// newRecovery replaces the recovery codes.
func (l *Logins) newRecovery(ctx context.Context) ([]string, error) {
	p, err := l.itself(ctx)
	if err != nil {
		return nil, err
	}
	f, err := l.store.factors(ctx, p.ID, l.now())
	if err != nil {
		return nil, err
	}
	if !f.any() {
		return nil, fault.New(fault.Conflict, "Recovery codes belong to a second step, and there is none.").Cure("Set up an app or a passkey first.")
	}
	codes, marks := l.drawRecovery(p.ID)
	return codes, l.store.putRecovery(ctx, p.ID, marks)
}

// endTOTP takes the app away. Passkeys stay, and with them the recovery codes.
func (l *Logins) endTOTP(ctx context.Context) error {
	p, err := l.itself(ctx)
	if err != nil {
		return err
	}
	return l.store.endTOTP(ctx, p.ID, actor.From(ctx).Session)
}

// resetFactors takes all factors of somebody away and signs them out: for the
// day phone and codes are lost.
func (l *Logins) resetFactors(ctx context.Context, id string) error {
	who := actor.From(ctx)
	e := audit.Entry{Act: "factor.reset", ObjectKind: "person", Object: id}
	p, err := l.accounts.ByID(ctx, id)
	if err != nil {
		return err
	}
	if err := account.MayChange(who, p); err != nil {
		return l.forbidden(ctx, err, e)
	}
	return l.store.endFactors(ctx, e)
}

// reprove proves once more who holds the session, before what is dangerous: with
// a code where there is a second step, otherwise with the password.
func (l *Logins) reprove(ctx context.Context, password, code string) error {
	p, err := l.itself(ctx)
	if err != nil {
		return err
	}
	f, err := l.store.factors(ctx, p.ID, l.now())
	if err != nil {
		return err
	}
	if f.any() {
		if err := l.prove(ctx, p, code); err != nil {
			return err
		}
		return l.store.proved(ctx, actor.From(ctx).Session, p.ID)
	}
	if p.Source == account.Local {
		stored, known, err := l.store.secret(ctx, p.ID, network(actor.From(ctx).Address))
		if err != nil {
			return err
		}
		attempt, err := l.attempt(ctx, "login.prove", p.ID, p.Email, known)
		if err != nil {
			return err
		}
		ok, _, err := l.verify(ctx, attempt, stored, password)
		if err != nil {
			return err
		}
		if !ok {
			return l.refuse(ctx, p.ID, "password")
		}
		return l.store.proved(ctx, actor.From(ctx).Session, p.ID)
	}
	if l.verifier == nil {
		return l.refuse(ctx, p.ID, "unknown")
	}
	attempt, err := l.attempt(ctx, "login.prove", p.ID, p.Email, true)
	if err != nil {
		return err
	}
	v, err := l.verifier.Verify(ctx, p.Email, password, p)
	attempt.settle(err == nil && v.Person == "" && !v.Down)
	if err != nil {
		return err
	}
	if v.Person != p.ID {
		return l.refuse(ctx, p.ID, v.Why)
	}
	return l.store.proved(ctx, actor.From(ctx).Session, p.ID)
}

// required reports whether the settings want a second step of the member.
func (l *Logins) required(ctx context.Context, m account.Member) bool {
	want := l.factorFor.Get(ctx)
	return slices.ContainsFunc(want, func(rule string) bool {
		kind, id, _ := strings.Cut(rule, ":")
		switch kind {
		case "everyone":
			return true
		case "admins":
			return m.Person.Role == actor.Owner || m.Person.Role == actor.Admin || m.Person.WorkspaceRole == actor.Admin
		case "workspace":
			return m.Workspace.ID == id
		case "group":
			return slices.Contains(m.Groups, id)
		}
		return false
	})
}

// checkFactorFor refuses rules that are none.
func checkFactorFor(rules []string) error {
	for _, rule := range rules {
		kind, id, named := strings.Cut(rule, ":")
		switch {
		case (kind == "everyone" || kind == "admins") && !named:
		case (kind == "workspace" || kind == "group") && id != "":
		default:
			return fault.New(fault.Invalid, "%q is no rule. Write everyone, admins, workspace:ID or group:ID.", rule)
		}
	}
	return nil
}

// openOrEnrol opens the session of a person without a second factor. Where one
// is required and the grace is over, the session can only set it up.
func (l *Logins) openOrEnrol(ctx context.Context, p account.Person, agent string, write func(context.Context, opened) error) (opened, error) {
	m, err := l.accounts.Place(ctx, p.ID, "")
	if err != nil {
		return opened{}, err
	}
	if !l.required(ctx, m) {
		return l.open(ctx, p, agent, write)
	}
	since, err := l.store.due(ctx, p.ID)
	if err != nil {
		return opened{}, err
	}
	over := since.AddDate(0, 0, l.factorGrace.Get(ctx))
	o, err := l.open(ctx, p, agent, func(ctx context.Context, o opened) error {
		o.enrol = !l.now().Before(over)
		return write(ctx, o)
	})
	o.due, o.enrol = over, !l.now().Before(over)
	return o, err
}
