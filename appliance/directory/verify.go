package directory

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"chatets/appliance/account"
	"chatets/appliance/fault"
	"chatets/appliance/login"
)

// signInTime is how long all directories together may take over one sign-in.
const signInTime = 12 * time.Second

// Any reports whether a directory can be asked at all.
func (d *Directories) Any() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, dir := range d.known {
		if dir.Enabled {
			return true
		}
	}
	return false
}

// Verify asks the directories whose the name and the password are. known is the
// person that the name belongs to here, with an empty id where nobody has it.
// Why says what was wrong, for the record; it is empty when the answer is a
// person.
func (d *Directories) Verify(ctx context.Context, name, password string, known account.Person) (login.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	if password == "" {
		// An empty password binds as nobody, and directories call that a success.
		return login.Verdict{Why: "password"}, nil
	}
	d.mu.Lock()
	dirs := append([]Directory(nil), d.known...)
	d.mu.Unlock()
	verdict := login.Verdict{Why: "unknown"}
	for _, dir := range dirs {
		if !dir.Enabled || known.ID != "" && known.Source != dir.Source() {
			continue
		}
		v, err := d.ask(ctx, dir, name, password, known)
		d.answered(dir, err)
		if err != nil {
			d.log.Warn("a directory cannot be asked about a sign-in", "directory", dir.Name, "error", err)
			verdict.Why, verdict.Down = "directory-down", true
			continue
		}
		if v.Person != "" || v.Why != "unknown" {
			return v, nil
		}
	}
	return verdict, nil
}

// ask finds the entry with the service account, and proves the password by
// signing in as it, on a connection of its own.
func (d *Directories) ask(ctx context.Context, dir Directory, name, password string, known account.Person) (login.Verdict, error) {
	t, err := d.open(ctx, dir, nil)
	if err != nil {
		return login.Verdict{}, err
	}
	defer t.Close()
	var found *ldap.Entry
	if known.ID != "" {
		found, err = t.byKey(known.ExternalID)
	} else {
		found, err = t.find(withoutDomain(name, dir))
	}
	if err != nil {
		return login.Verdict{}, err
	}
	if found == nil {
		return login.Verdict{Why: "unknown"}, nil
	}
	why, err := d.prove(ctx, dir, found.DN, password)
	if err != nil || why != "" {
		return login.Verdict{Why: why}, err
	}
	p, problem := t.scheme.read(found, d.now())
	if problem != "" {
		d.log.Warn("a person of a directory cannot come in", "directory", dir.Name, "why", problem)
		return login.Verdict{Why: "not-admitted"}, nil
	}
	g, err := t.walk(p, nil)
	if err != nil {
		return login.Verdict{}, err
	}
	w, in := dir.want(p, g)
	if !in {
		return login.Verdict{Why: "not-admitted"}, nil
	}
	if w.why != "" {
		return login.Verdict{Why: w.why}, nil
	}
	id, err := d.store.admit(system(ctx, dir.Workspace), d.accounts, dir, g, w)
	if err != nil {
		return login.Verdict{}, err
	}
	if id == "" {
		return login.Verdict{Why: "email-taken"}, nil
	}
	return login.Verdict{Person: id}, nil
}

// prove signs in as the entry; why is what the directory has against it.
func (d *Directories) prove(ctx context.Context, dir Directory, dn, password string) (why string, err error) {
	t, err := d.reach(ctx, dir, nil)
	if err != nil {
		return "", err
	}
	defer t.Close()
	err = t.Bind(dn, password)
	switch {
	case err == nil:
		return "", nil
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInappropriateAuthentication,
		ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultConstraintViolation):
		if why = adReason(err); why == "" {
			why = "password"
		}
		return why, nil
	}
	return "", fault.New(fault.Unavailable, "The directory did not answer.").Code("directory-down").Because(err)
}

var adData = regexp.MustCompile(`data ([0-9a-fA-F]{3,4})\b`)

// adReason reads the sub-code that Active Directory writes into the text of a
// refused sign-in.
func adReason(err error) string {
	found := adData.FindStringSubmatch(err.Error())
	if found == nil {
		return ""
	}
	switch strings.ToLower(found[1]) {
	case "525", "52e":
		return "password"
	case "530", "531":
		return "not-now-or-not-here"
	case "532":
		return "password-expired"
	case "533":
		return "disabled"
	case "701":
		return "expired"
	case "773":
		return "password-must-change"
	case "775":
		return "locked"
	}
	return "refused"
}

// withoutDomain takes the NetBIOS domain from what was typed: CLINIC\anna is anna.
func withoutDomain(name string, dir Directory) string {
	if dir.Settings.Preset == ActiveDirectory {
		if _, rest, found := strings.Cut(name, `\`); found {
			return rest
		}
	}
	return name
}

// answered notes whether a directory answers, for pages that say so.
func (d *Directories) answered(dir Directory, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		delete(d.down, dir.ID)
	} else if _, noted := d.down[dir.ID]; !noted {
		d.down[dir.ID] = d.now()
	}
}

// Down reports whether a directory that is switched on did not answer when it
// was asked last.
func (d *Directories) Down() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, dir := range d.known {
		if _, down := d.down[dir.ID]; down && dir.Enabled {
			return true
		}
	}
	return false
}
