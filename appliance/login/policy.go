package login

import (
	"context"
	"net/netip"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/setting"
)

// What the house wants of passwords and sessions.

// Where a session may be used from.
const (
	anywhere    = "anywhere"
	sameNetwork = "network" // the address it began at; of IPv6 its /64
	sameRange   = "range"   // of IPv4 the /24 it began in, of IPv6 the /64
)

// declarePolicy adds the settings of passwords and of where sessions are used.
func (l *Logins) declarePolicy(s *setting.Settings) {
	l.least = setting.Declare(s, setting.Key[int]{Name: "login.passwordLength", Default: minPassword, Check: setting.Between(8, 64),
		Help: "How many characters a new password has at least."})
	l.past = setting.Declare(s, setting.Key[int]{Name: "login.passwordHistory", Default: 5, Check: setting.Between(0, 24),
		Help: "How many passwords that were before may not come back."})
	l.place = setting.Declare(s, setting.Key[string]{Name: "login.sessionPlace", Default: anywhere, Check: checkPlace,
		Help: "Where a session may be used from: anywhere, range (the IPv4 /24 or IPv6 /64 it began in) or network (the IPv4 address or IPv6 /64 it began at). Used elsewhere it ends."})
}

func checkPlace(place string) error {
	if place == anywhere || place == sameNetwork || place == sameRange {
		return nil
	}
	return fault.New(fault.Invalid, "Write anywhere, range or network.")
}

// inPlace is the part of an address that has to stay the same.
func inPlace(address, place string) string {
	if a, err := netip.ParseAddr(address); err == nil && place == sameRange {
		if a = a.Unmap(); a.Is4() {
			if p, err := a.Prefix(24); err == nil {
				return p.Masked().String()
			}
		}
	}
	return network(address)
}

// acceptable says why a new password of the person is refused: by the rules, or
// because it was one before.
func (l *Logins) acceptable(ctx context.Context, p account.Person, password string) error {
	if err := checkPassword("body.password", password, p.Email, p.Name, l.least.Get(ctx)); err != nil {
		return err
	}
	hashes, err := l.store.pastPasswords(ctx, p.ID, l.past.Get(ctx))
	if err != nil {
		return err
	}
	for _, hash := range hashes {
		same, _, err := l.hashes.verify(ctx, hash, password)
		if err != nil {
			return err
		}
		if same {
			const sentence = "This password was used before. Choose one that was not."
			return fault.New(fault.Invalid, sentence).Code("password-refused").With(fault.Detail{Field: "body.password", Sentence: sentence})
		}
	}
	return nil
}

// stays reports whether a session may be used from the address. One that is used
// elsewhere ends: whoever took its token has it no more.
func (l *Logins) stays(ctx context.Context, s session, address string) error {
	place := l.place.Get(ctx)
	if place == anywhere || address == s.address || inPlace(address, place) == inPlace(s.address, place) {
		return nil
	}
	who := actor.Actor{Kind: actor.Person, ID: s.owner, Workspace: s.workspace, Address: address, Request: actor.From(ctx).Request}
	e := audit.Entry{Act: "session.elsewhere", ObjectKind: "session", Object: s.id, Outcome: audit.Refused, Detail: map[string]any{"began": s.address}}
	if err := l.store.end(actor.With(ctx, who), s.owner, s.id, e); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return fault.New(fault.Unauthenticated, "Your session was used from another network and has ended.").Code("session-elsewhere").Cure("Sign in again here.")
}
