package directory

import (
	"context"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"

	"chatets/appliance/actor"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

// Limits of what can be configured.
const (
	maxDirectories = 50
	maxServers     = 10
	maxRules       = 200
	maxPassword    = 1024
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Defaults of a new directory.
func defaults(s Settings) Settings {
	if s.Role == actor.None {
		s.Role = actor.Member
	}
	return s
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func noDirectory() error {
	return fault.New(fault.NotFound, "There is no such directory.").Cure("It may have been removed; look at the list again.")
}

func wrong(field, sentence string) error {
	return fault.New(fault.Invalid, "%s", sentence).With(fault.Detail{Field: field, Sentence: sentence})
}

func administers(ctx context.Context) (actor.Actor, error) {
	who := actor.From(ctx)
	return who, who.Need(who.Administers())
}

// Open lets the directories be reached. Call it once, before anybody signs in.
func (d *Directories) Open(ctx context.Context) error {
	d.change.Lock()
	defer d.change.Unlock()
	return d.enforce(ctx)
}

// enforce puts what the table says in force; d.change is held.
func (d *Directories) enforce(ctx context.Context) error {
	all, err := d.store.all(ctx)
	if err != nil {
		return err
	}
	var rules []egress.Rule
	for _, dir := range all {
		if !dir.Enabled {
			continue
		}
		more, err := rulesOf(purposeOf(dir.ID), dir.Settings.URLs)
		if err != nil {
			return err
		}
		rules = append(rules, more...)
	}
	if err := d.gate.Allow(egressOwner, rules); err != nil {
		return err
	}
	d.mu.Lock()
	d.known = all
	d.mu.Unlock()
	return nil
}

// changed puts a change in force and lets open pages ask again.
func (d *Directories) changed(ctx context.Context) error {
	if err := d.enforce(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	d.tell()
	return nil
}

func (d *Directories) tell() {
	if d.notify != nil {
		d.notify("", "", "directories", "")
	}
}

// NewDirectory is a directory to be added.
type NewDirectory struct {
	Name, Password string
	Settings       Settings
}

// Add adds a directory. Nothing is read from it until it is asked to.
func (d *Directories) Add(ctx context.Context, n NewDirectory) (Directory, error) {
	who, err := administers(ctx)
	if err != nil {
		return Directory{}, err
	}
	if !nameForm.MatchString(n.Name) {
		return Directory{}, wrong("body.name", "The name of a directory has small letters, digits, dots and dashes, at most 64.")
	}
	workspace := who.Workspace
	if workspace == "" { // the operator is in none
		first, err := d.accounts.First(ctx)
		if err != nil {
			return Directory{}, err
		}
		workspace = first.ID
	}
	dir := Directory{ID: newID(), Workspace: workspace, Owner: who.ID, Name: n.Name, Enabled: true, Settings: defaults(n.Settings)}
	if dir.Settings, err = checked(dir.Settings); err != nil {
		return Directory{}, err
	}
	if dir.sealed, err = d.seal(dir.ID, n.Password); err != nil {
		return Directory{}, err
	}
	dir.HasPassword = n.Password != ""
	d.change.Lock()
	defer d.change.Unlock()
	if err := d.store.add(ctx, dir); err != nil {
		return Directory{}, err
	}
	if err := d.changed(ctx); err != nil {
		return Directory{}, err
	}
	return d.store.one(ctx, dir.ID)
}

// ChangeDirectory is what changes of a directory; nil leaves it. The name stays, because
// the accounts of its people carry it.
type ChangeDirectory struct {
	Enabled  *bool
	Password *string
	Settings *Settings
}

// Change changes a directory.
func (d *Directories) Change(ctx context.Context, id string, c ChangeDirectory) (Directory, error) {
	if _, err := administers(ctx); err != nil {
		return Directory{}, err
	}
	d.change.Lock()
	defer d.change.Unlock()
	dir, err := d.store.one(ctx, id)
	if err != nil {
		return Directory{}, err
	}
	before := dir.Settings
	if c.Enabled != nil {
		dir.Enabled = *c.Enabled
	}
	if c.Settings != nil {
		if dir.Settings, err = checked(defaults(*c.Settings)); err != nil {
			return Directory{}, err
		}
	}
	switch {
	case c.Password != nil:
		if dir.sealed, err = d.seal(id, *c.Password); err != nil {
			return Directory{}, err
		}
	case dir.HasPassword && !sameDoor(before, dir.Settings):
		// Whoever may change the address must not have the password sent elsewhere.
		return Directory{}, wrong("body.password", "The directory gets another server or another way to it, so the password of its service account must be entered again.")
	}
	dir.HasPassword = len(dir.sealed) > 0
	if err := d.store.put(ctx, dir); err != nil {
		return Directory{}, err
	}
	if err := d.changed(ctx); err != nil {
		return Directory{}, err
	}
	return d.store.one(ctx, id)
}

// sameDoor reports whether a password goes nowhere else than before, and no less protected.
func sameDoor(a, b Settings) bool {
	for _, u := range b.URLs {
		if !slices.Contains(a.URLs, u) {
			return false
		}
	}
	return a.CA == b.CA && a.Pin == b.Pin && (a.ClearText || !b.ClearText)
}

// Remove takes a directory away. Its people stay, disabled and with all they
// made; the number of them is returned.
func (d *Directories) Remove(ctx context.Context, id string) (int, error) {
	if _, err := administers(ctx); err != nil {
		return 0, err
	}
	d.change.Lock()
	defer d.change.Unlock()
	dir, err := d.store.one(ctx, id)
	if err != nil {
		return 0, err
	}
	n, err := d.store.remove(ctx, d.accounts, dir)
	if err != nil {
		return 0, err
	}
	return n, d.changed(ctx)
}

// List lists the directories by name.
func (d *Directories) List(ctx context.Context) ([]Directory, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	return d.store.all(ctx)
}

// Get is one directory.
func (d *Directories) Get(ctx context.Context, id string) (Directory, error) {
	if _, err := administers(ctx); err != nil {
		return Directory{}, err
	}
	return d.store.one(ctx, id)
}

const passwordPurpose = "directory-password"

func (d *Directories) seal(id, password string) ([]byte, error) {
	if password == "" {
		return nil, nil
	}
	if len(password) > maxPassword {
		return nil, wrong("body.password", "The password is too long: at most 1024 bytes.")
	}
	return d.keys.Seal(passwordPurpose, []byte(password), []byte(id))
}

func (d *Directories) password(dir Directory) (string, error) {
	if len(dir.sealed) == 0 {
		return "", nil
	}
	plain, err := d.keys.Open(passwordPurpose, dir.sealed, []byte(dir.ID))
	if err != nil {
		return "", fault.New(fault.Conflict, "The password of the service account cannot be opened with the key of this installation.").Code("directory-bind").
			Cure("Enter it again.").Because(err)
	}
	return string(plain), nil
}

// checked are settings whose values are right, in one form.
func checked(s Settings) (Settings, error) {
	if s.Preset != ActiveDirectory && s.Preset != OpenLDAP {
		return s, wrong("body.settings.preset", "The preset is openldap or ad.")
	}
	if len(s.URLs) == 0 || len(s.URLs) > maxServers {
		return s, wrong("body.settings.urls", "Give the address of at least one server, and of ten at most.")
	}
	urls := make([]string, 0, len(s.URLs))
	for _, u := range s.URLs {
		parsed, err := parseServer(u)
		if err != nil {
			return s, wrong("body.settings.urls", fault.Of(err).Sentence+" "+fault.Of(err).Cure)
		}
		if s.ClearText && parsed.tls {
			return s, wrong("body.settings.clearText", "ldaps:// is encrypted; clear text belongs to ldap://.")
		}
		urls = append(urls, parsed.url)
	}
	s.URLs = urls
	if _, err := tlsConfig(s, ""); err != nil {
		return s, wrong("body.settings.ca", fault.Of(err).Sentence)
	}
	if s.Pin != "" {
		s.Pin = strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(s.Pin))
		if raw, err := hex.DecodeString(s.Pin); err != nil || len(raw) != 32 {
			return s, wrong("body.settings.pin", "The pin is the SHA-256 fingerprint of the server's certificate: 64 hexadecimal digits.")
		}
	}
	for _, dn := range []struct {
		field, value string
		needed       bool
	}{{"base", s.Base, true}, {"groupBase", s.GroupBase, false}} {
		if parsed, err := ldap.ParseDN(dn.value); err != nil || dn.needed && len(parsed.RDNs) == 0 {
			return s, wrong("body.settings."+dn.field, "This is no DN; it looks like dc=clinic,dc=example.")
		}
	}
	for _, f := range []struct{ field, value string }{{"personFilter", s.PersonFilter}, {"groupFilter", s.GroupFilter}} {
		if f.value == "" {
			continue
		}
		if _, err := ldap.CompileFilter(f.value); err != nil {
			return s, wrong("body.settings."+f.field, "The filter cannot be read; it looks like (&(objectClass=person)(mail=*)).")
		}
	}
	for _, a := range []struct{ field, value string }{{"key", s.Key}, {"login", s.Login}, {"mail", s.Mail}, {"fullName", s.FullName}} {
		if a.value != "" && !attributeForm.MatchString(a.value) {
			return s, wrong("body.settings."+a.field, "This is no name of an attribute.")
		}
	}
	if !slices.Contains([]actor.Role{actor.Admin, actor.Editor, actor.Member, actor.Guest}, s.Role) {
		return s, wrong("body.settings.role", "This is no role of a workspace.")
	}
	if len(s.Rules) > maxRules {
		return s, wrong("body.settings.rules", "There are too many rules: at most 200.")
	}
	for _, r := range s.Rules {
		if strings.TrimSpace(r.Group) == "" || r.Role == actor.None && r.Installation == actor.None {
			return s, wrong("body.settings.rules", "A rule names a group and the role that its members get.")
		}
		if r.Installation != actor.None && r.Installation != actor.Admin && r.Installation != actor.Auditor {
			return s, wrong("body.settings.rules", "A directory makes administrators and auditors, no owners.")
		}
		if r.Role != actor.None && !slices.Contains([]actor.Role{actor.Admin, actor.Editor, actor.Member, actor.Guest}, r.Role) {
			return s, wrong("body.settings.rules", "This is no role of a workspace.")
		}
	}
	switch {
	case s.EveryMinutes < 0 || s.EveryMinutes > 10080:
		return s, wrong("body.settings.everyMinutes", "Give minutes from 0 to 10080; 0 synchronises only when asked.")
	case s.GraceDays < 0 || s.GraceDays > 365:
		return s, wrong("body.settings.graceDays", "Give days from 0 to 365.")
	case s.BrakePercent < 0 || s.BrakePercent > 100:
		return s, wrong("body.settings.brakePercent", "Give a share from 0 to 100 percent; 0 and 100 switch the brake off.")
	}
	return s, nil
}

var attributeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}(;[A-Za-z0-9-]+)*$`)
