package sso

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/login"
	"chatets/appliance/sqlite"
)

// admitted is whom a provider's word has led to.
type admitted struct {
	person string
	made   bool
	linked bool // an account that was here before
}

// admit finds, links or makes the person of an identity and brings it in step,
// all of it or nothing. What may be used once is used up with it.
func (s store) admit(ctx context.Context, accounts *account.Accounts, p Provider, id Identity, w wanted) (admitted, error) {
	var a admitted
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) (err error) {
		if len(id.Mark) > 0 { // a SAML assertion was used up when it came
			if err := use(ctx, tx, p.ID, id.Mark, id.MarkExpires); err != nil {
				return err
			}
		}
		a, err = s.find(ctx, tx, accounts, p, id, w)
		if err != nil {
			return err
		}
		if _, err := accounts.PlaceFrom(ctx, tx, p.Source(), a.person, w.places); err != nil {
			return err
		}
		if err := s.group(ctx, tx, accounts, p, a.person, w.groups); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE sso_person SET seen = ? WHERE provider = ? AND subject = ?`, tx.Now.UnixMilli(), p.ID, id.Subject)
		return err
	})
	return a, err
}

// usedBefore is said of what must not be taken twice.
func usedBefore() error {
	return fault.New(fault.Forbidden, "What the provider sent was used before.").Code("sso-replay").
		Cure("Sign in again. If nobody pressed the back button, somebody has tried to use it a second time.")
}

// use notes that something was used, and refuses what was used already.
func use(ctx context.Context, tx *sqlite.Tx, provider string, mark []byte, until time.Time) error {
	if len(mark) == 0 {
		return errors.New("nothing marks what was used")
	}
	if _, err := tx.Exec(ctx, `DELETE FROM sso_used WHERE expires <= ?`, tx.Now.UnixMilli()); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `INSERT OR IGNORE INTO sso_used (provider, mark, expires) VALUES (?, ?, ?)`, provider, mark, until.UnixMilli())
	if err != nil {
		return fmt.Errorf("insert used: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, usedBefore())
	}
	return nil
}

// useUp uses something up by itself.
func (s store) useUp(ctx context.Context, provider string, mark []byte, until time.Time) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error { return use(ctx, tx, provider, mark, until) })
}

func (s store) find(ctx context.Context, tx *sqlite.Tx, accounts *account.Accounts, p Provider, id Identity, w wanted) (admitted, error) {
	var a admitted
	err := tx.QueryRow(ctx, `SELECT person, linked FROM sso_person WHERE provider = ? AND subject = ?`, p.ID, id.Subject).Scan(&a.person, &a.linked)
	switch {
	case err == nil:
		return a, s.follow(ctx, tx, accounts, p, id, w, a)
	case !errors.Is(err, sql.ErrNoRows):
		return a, err
	}
	if id.Email == "" {
		return a, noEmail()
	}
	held, err := byEmail(ctx, tx, id.Email)
	if err != nil {
		return a, err
	}
	if held.ID != "" {
		return s.link(ctx, tx, p, id, held)
	}
	if !p.Settings.Create {
		return a, fault.New(fault.Forbidden, "Nobody here belongs to this identity, and the provider may not make accounts.").Code("sso-unknown").
			Cure("Let the provider make accounts, or have the person made by a directory or SCIM and switch on linking.")
	}
	made, err := account.InsertPerson(ctx, tx, account.NewPerson{Email: id.Email, Name: nameOf(id), Source: p.Source(), ExternalID: id.Subject, Role: w.installation})
	if err != nil {
		return a, err
	}
	a.person, a.made = made.ID, true
	e := audit.Entry{Act: "person.add", ObjectKind: "person", Object: made.ID, Workspace: p.Workspace, Detail: map[string]any{"sso": p.ID, "role": string(w.installation)}}
	if err := s.audit.Record(ctx, tx, e); err != nil {
		return a, err
	}
	return a, bind(ctx, tx, p, id, made.ID, false)
}

func bind(ctx context.Context, tx *sqlite.Tx, p Provider, id Identity, person string, linked bool) error {
	const insert = `INSERT INTO sso_person (provider, subject, person, linked, created, seen) VALUES (?, ?, ?, ?, ?, ?)`
	_, err := tx.Exec(ctx, insert, p.ID, id.Subject, person, linked, tx.Now.UnixMilli(), tx.Now.UnixMilli())
	return err
}

func byEmail(ctx context.Context, tx *sqlite.Tx, email string) (account.Person, error) {
	var id string
	err := tx.QueryRow(ctx, `SELECT id FROM person WHERE email = ?`, account.FoldEmail(email)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Person{}, nil
	}
	if err != nil {
		return account.Person{}, err
	}
	return account.ReadPerson(ctx, tx, id)
}

// link gives the account of an e-mail address to an identity, where that is
// switched on. The account keeps its source, and with it its own way in.
func (s store) link(ctx context.Context, tx *sqlite.Tx, p Provider, id Identity, held account.Person) (admitted, error) {
	refuse := func(code, cure, format string, args ...any) (admitted, error) {
		return admitted{}, fault.New(fault.Forbidden, format, args...).Code(code).Cure("%s", cure)
	}
	switch {
	case !p.Settings.LinkByEmail:
		return refuse("sso-email-taken", "Change the address of one of them. Linking by verified e-mail can be switched on for the provider.",
			"An account here has the same e-mail address, and identities are not linked to it.")
	case !id.EmailVerified:
		return refuse("sso-email-unverified", "Let the provider verify the address and say so (email_verified).",
			"An account here has the same e-mail address, and the provider does not say that it has verified it.")
	case held.Role != actor.None:
		return refuse("sso-administrator", "Administrators sign in as before; give the person another address at the provider.",
			"The account with this e-mail address runs the installation, and such accounts are never linked.")
	case held.Source == p.Source():
		return refuse("sso-email-taken", "Change the address of one of them at the provider.",
			"Another person of the same provider has this e-mail address.")
	}
	e := audit.Entry{Act: "sso.link", ObjectKind: "person", Object: held.ID, Workspace: p.Workspace, Detail: map[string]any{"sso": p.ID}}
	if err := s.audit.Record(ctx, tx, e); err != nil {
		return admitted{}, err
	}
	return admitted{person: held.ID, linked: true}, bind(ctx, tx, p, id, held.ID, true)
}

// follow brings a person whom the provider made in step with it; an account that
// was linked keeps what it is.
func (s store) follow(ctx context.Context, tx *sqlite.Tx, accounts *account.Accounts, p Provider, id Identity, w wanted, a admitted) error {
	if a.linked {
		return nil
	}
	f := account.Followed{}
	if email, err := account.Email("email", id.Email); err == nil && id.Email != "" {
		f.Email = &email
	}
	if name, err := account.Name("name", id.Name); err == nil && id.Name != "" {
		f.Name = &name
	}
	if p.givesInstallationRoles() {
		f.Installation = &w.installation
	}
	_, err := accounts.Follow(ctx, tx, a.person, f)
	if fault.Of(err).Code == "email-taken" {
		f.Email = nil
		_, err = accounts.Follow(ctx, tx, a.person, f)
	}
	return err
}

// group puts the person into the groups of the provider, which are made where
// they are not there.
func (s store) group(ctx context.Context, tx *sqlite.Tx, accounts *account.Accounts, p Provider, person string, names []string) error {
	var list []string
	for _, name := range names {
		id, err := accounts.GroupFrom(ctx, tx, p.Workspace, p.Source(), name, name)
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
			continue // a name that nobody could read, or three that are taken
		}
		if err != nil {
			return err
		}
		list = append(list, id)
	}
	_, err := account.GroupsFrom(ctx, tx, p.Workspace, p.Source(), person, list)
	return err
}

// vouched notes which session the provider has vouched for; it is written
// together with the session.
func (s store) vouched(p Provider, id Identity, seal func(session string) ([]byte, error)) login.Also {
	return func(ctx context.Context, tx *sqlite.Tx, session string) error {
		hint, err := seal(session)
		if err != nil {
			return err
		}
		const over = `DELETE FROM sso_session WHERE id IN (SELECT s.id FROM sso_session AS s LEFT JOIN session AS t ON t.id = s.id WHERE t.id IS NULL LIMIT 100)`
		if _, err := tx.Exec(ctx, over); err != nil {
			return err
		}
		const insert = `INSERT INTO sso_session (id, provider, subject, outside, hint) VALUES (?, ?, ?, ?, ?)`
		_, err = tx.Exec(ctx, insert, session, p.ID, id.Subject, id.Outside, hint)
		return err
	}
}

// held is what a provider has vouched for.
type held struct {
	provider, subject, outside string
	hint                       []byte
}

// session is what is known of a session that a provider vouched for.
func (s store) session(ctx context.Context, session string) (held, error) {
	var h held
	err := s.db.Read().QueryRowContext(ctx, `SELECT provider, subject, outside, hint FROM sso_session WHERE id = ?`, session).Scan(&h.provider, &h.subject, &h.outside, &h.hint)
	if errors.Is(err, sql.ErrNoRows) {
		return held{}, noProvider()
	}
	return h, err
}

// end ends the sessions of a person, or of one session at the provider, and uses
// up what said so.
func (s store) end(ctx context.Context, logins *login.Logins, p Provider, subject string, outside []string, mark []byte, until time.Time) (int, error) {
	n := 0
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := use(ctx, tx, p.ID, mark, until); err != nil {
			return err
		}
		var list []string
		if len(outside) == 0 {
			outside = []string{""}
		}
		for _, one := range outside {
			// Who says only which session means that; who says only who, all of them.
			const find = `SELECT id FROM sso_session WHERE provider = ?1 AND (?2 = '' OR subject = ?2) AND (?3 = '' OR outside = ?3) AND (?2 <> '' OR ?3 <> '')`
			some, err := texts(ctx, tx, find, p.ID, subject, one)
			if err != nil {
				return err
			}
			list = append(list, some...)
		}
		n = len(list)
		for _, session := range list {
			if _, err := tx.Exec(ctx, `DELETE FROM sso_session WHERE id = ?`, session); err != nil {
				return err
			}
		}
		e := audit.Entry{Act: "sso.signout", ObjectKind: "sso", Object: p.ID, Workspace: p.Workspace, Detail: map[string]any{"sessions": n}}
		return logins.EndBy(ctx, tx, list, e)
	})
	return n, err
}

// fate says in words what would become of an identity, for a trial.
func (s store) fate(ctx context.Context, p Provider, id Identity) (string, error) {
	var person string
	var linked bool
	err := s.db.Read().QueryRowContext(ctx, `SELECT person, linked FROM sso_person WHERE provider = ? AND subject = ?`, p.ID, id.Subject).Scan(&person, &linked)
	switch {
	case err == nil && linked:
		return "is linked to an account that was here before", nil
	case err == nil:
		return "has an account here already", nil
	case !errors.Is(err, sql.ErrNoRows):
		return "", err
	}
	var taken bool
	if err := s.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM person WHERE email = ?)`, account.FoldEmail(id.Email)).Scan(&taken); err != nil {
		return "", err
	}
	switch {
	case taken && !p.Settings.LinkByEmail:
		return "", fault.New(fault.Conflict, "An account here has the same e-mail address, and identities are not linked to it.").Code("sso-email-taken").
			Cure("Change the address of one of them. Linking by verified e-mail can be switched on for the provider.")
	case taken && !id.EmailVerified:
		return "", fault.New(fault.Conflict, "An account here has the same e-mail address, and the provider does not say that it has verified it.").Code("sso-email-unverified").
			Cure("Let the provider verify the address and say so (email_verified).")
	case taken:
		return "would be linked to the account with this e-mail address, unless that runs the installation", nil
	case !p.Settings.Create:
		return "", fault.New(fault.Conflict, "Nobody here belongs to this identity, and the provider may not make accounts.").Code("sso-unknown").
			Cure("Let the provider make accounts.")
	}
	return "would get a new account", nil
}
