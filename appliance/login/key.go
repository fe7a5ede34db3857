package login

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// An API key lets a program act for one person, in one workspace, within the
// scopes it was made for, until a day. It never has more than its person has at
// the moment, and is cut with it.

const (
	keyPrefix  = "chatets_" // by which a key is known from a session, and found where it was left lying
	maxKeys    = 50         // of one person
	maxKeyName = 100
)

// apiKey is a key without what opens with it.
type apiKey struct {
	id, workspace, owner, name string
	scopes                     []string
	created, expires, used     time.Time
	address                    string // of the last use
}

// newKey is what an API key is made of.
type newKey struct {
	name   string
	scopes []string
	days   int
}

// keySession is under what the streams of a key are opened, so that they end
// with it.
func keySession(id string) string { return "key-" + id }

func keyOver() error {
	return fault.New(fault.Unauthenticated, "This API key is not valid: it is unknown, revoked or expired, or its person is disabled.").Code("key-over").
		Cure("Make a new one on the profile page.")
}

// lookupKey is the key of a token and its person as it is now.
func (l *Logins) lookupKey(ctx context.Context, token, address string) (apiKey, account.Member, error) {
	k, err := l.store.keyByToken(ctx, digest(token))
	if err != nil {
		return apiKey{}, account.Member{}, err
	}
	now := l.now()
	if !now.Before(k.expires) {
		return apiKey{}, account.Member{}, keyOver()
	}
	m, err := l.accounts.Place(ctx, k.owner, k.workspace)
	switch {
	case fault.Is(err, fault.NotFound):
		return apiKey{}, account.Member{}, keyOver()
	case err != nil:
		return apiKey{}, account.Member{}, err
	case m.Person.Disabled, m.Workspace.ID != k.workspace: // a key does not wander into another workspace
		return apiKey{}, account.Member{}, keyOver()
	}
	if now.Sub(k.used) >= touchEvery || k.address != address {
		l.touchKey(ctx, k, address, now)
	}
	return k, m, nil
}

// touchKey notes that a key is in use. What fails here must not keep a program
// from reading.
func (l *Logins) touchKey(ctx context.Context, k apiKey, address string, now time.Time) {
	l.note(ctx, keySession(k.id), false, func(ctx context.Context) error { return l.store.touchKey(ctx, k.id, address, now) })
}

// addKey makes a key of the actor and returns it with what opens it, which
// nobody can learn again.
func (l *Logins) addKey(ctx context.Context, n newKey) (apiKey, string, error) {
	p, err := l.itself(ctx)
	if err != nil {
		return apiKey{}, "", err
	}
	return l.makeKey(ctx, p, actor.From(ctx).Workspace, n)
}

// addKeyFor makes a key of somebody else: the operator at the machine alone may.
func (l *Logins) addKeyFor(ctx context.Context, id string, n newKey) (apiKey, string, error) {
	who := actor.From(ctx)
	if err := who.Need(who.Kind == actor.Operator); err != nil {
		return apiKey{}, "", err
	}
	m, err := l.accounts.Place(ctx, id, "")
	if err != nil {
		return apiKey{}, "", err
	}
	return l.makeKey(ctx, m.Person, m.Workspace.ID, n)
}

func (l *Logins) makeKey(ctx context.Context, p account.Person, workspace string, n newKey) (apiKey, string, error) {
	name, named := account.Name("body.name", n.name)
	if named == nil && len([]rune(name)) > maxKeyName {
		const sentence = "The name is too long: at most 100 characters."
		named = fault.New(fault.Invalid, sentence).With(fault.Detail{Field: "body.name", Sentence: sentence})
	}
	if err := together(named, checkScopes(n.scopes), l.checkDays(ctx, n.days)); err != nil {
		return apiKey{}, "", err
	}
	if p.Disabled {
		return apiKey{}, "", fault.New(fault.Conflict, "This person is disabled.").Cure("Enable the person first.")
	}
	now := l.now().UTC().Truncate(time.Millisecond)
	k := apiKey{id: newID(), workspace: workspace, owner: p.ID, name: name, scopes: n.scopes, created: now, expires: now.AddDate(0, 0, n.days)}
	token := keyPrefix + base64.RawURLEncoding.EncodeToString(random(32))
	return k, token, l.store.addKey(ctx, k, digest(token))
}

func checkScopes(scopes []string) error {
	sentence := ""
	for i, s := range scopes {
		if !scopeKnown(s) {
			sentence = "There is no scope " + s + "."
		} else if slices.Contains(scopes[:i], s) {
			sentence = "The scope " + s + " is named twice."
		}
	}
	if len(scopes) == 0 {
		sentence = "Choose at least one scope."
	}
	if sentence == "" {
		return nil
	}
	return fault.New(fault.Invalid, "%s", sentence).Cure("Scopes: %s.", strings.Join(scopeNames(), ", ")).With(fault.Detail{Field: "body.scopes", Sentence: sentence})
}

func (l *Logins) checkDays(ctx context.Context, days int) error {
	if most := l.keyDays.Get(ctx); days < 1 || days > most {
		err := fault.New(fault.Invalid, "A key lives between 1 and %d days.", most)
		return err.With(fault.Detail{Field: "body.days", Sentence: fault.Of(err).Sentence})
	}
	return nil
}

// keysOf lists keys of a person: of oneself, or of somebody an administrator
// looks after.
func (l *Logins) keysOf(ctx context.Context, person string) ([]apiKey, error) {
	if err := l.looksAfter(ctx, person); err != nil {
		return nil, err
	}
	return l.store.keysOf(ctx, person)
}

// endKey revokes a key, of oneself or of somebody an administrator looks after.
func (l *Logins) endKey(ctx context.Context, person, id string) error {
	e := audit.Entry{Act: "key.revoke", ObjectKind: "key", Object: id}
	if err := l.looksAfter(ctx, person); err != nil {
		return l.forbidden(ctx, err, e)
	}
	return l.store.endKey(ctx, e, person)
}

// looksAfter reports whether the actor is the person, or may change it.
func (l *Logins) looksAfter(ctx context.Context, person string) error {
	who := actor.From(ctx)
	if who.Kind == actor.Person && who.ID == person && who.Key == "" {
		return nil
	}
	p, err := l.accounts.ByID(ctx, person)
	if err != nil {
		return err
	}
	return account.MayChange(who, p)
}
