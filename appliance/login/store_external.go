package login

import (
	"context"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

// Also is what a provider writes together with a session, by its id.
type Also func(ctx context.Context, tx *sqlite.Tx, session string) error

// beginFor stores a session that an identity provider has vouched for.
func (s store) beginFor(ctx context.Context, n session, digest []byte, network string, x External) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		p, err := account.ReadPerson(ctx, tx, n.owner)
		if err != nil {
			return err
		}
		if p.Disabled {
			return notSignedIn()
		}
		e := audit.Entry{Act: "login.signin", ObjectKind: "person", Object: n.owner, Detail: map[string]any{"by": x.By}}
		if err := s.insert(ctx, tx, n, digest, network, e); err != nil {
			return err
		}
		if x.Also == nil {
			return nil
		}
		return x.Also(ctx, tx, n.id)
	})
}

// EndBy ends sessions inside the caller's transaction, because their provider
// says that they are over, and records it.
func (l *Logins) EndBy(ctx context.Context, tx *sqlite.Tx, sessions []string, e audit.Entry) error {
	if err := l.store.remove(ctx, tx, sessions); err != nil {
		return err
	}
	return l.store.audit.Record(ctx, tx, e)
}
