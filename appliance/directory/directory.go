// Package directory takes people and groups over from LDAP directories, lets
// them sign in with the password of the directory, and keeps both in step.
//
// What a newcomer gets wrong: a directory never takes over an account that is
// here already. Entry and person are bound by the directory's own key of the
// entry (objectGUID, entryUUID) and by nothing else, so a renamed entry keeps
// its account, and an entry with the e-mail address of a local account is left
// out and reported.
package directory

import (
	"log/slog"
	"sync"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/egress"
	"chatets/appliance/login"
	"chatets/appliance/secret"
)

// The presets: what kind of directory it is.
const (
	ActiveDirectory = "ad"
	OpenLDAP        = "openldap"
)

// Directory is one configured directory, which may have several servers.
type Directory struct {
	ID, Workspace, Owner, Name string
	Enabled                    bool
	Settings                   Settings
	HasPassword                bool
	Created, Changed           time.Time
	Synced, Complete           time.Time  // the last synchronisation, and the last through everything; zero = never
	Result                     SyncResult // of the last one

	sealed []byte // the password of the service account
}

// Source is the source of the people of the directory.
func (d Directory) Source() string { return "ldap:" + d.Name }

// Settings are how a directory is asked and what is made of its answers.
// Attributes and filters that are empty are the preset's.
type Settings struct {
	Preset    string   `json:"preset"`
	URLs      []string `json:"urls"` // asked in this order until one answers
	CA        string   `json:"ca,omitempty"`
	Pin       string   `json:"pin,omitempty"` // SHA-256 of the server's certificate, hexadecimal
	ClearText bool     `json:"clearText,omitempty"`
	BindDN    string   `json:"bindDn,omitempty"`

	Base         string `json:"base"`
	GroupBase    string `json:"groupBase,omitempty"`
	PersonFilter string `json:"personFilter,omitempty"`
	GroupFilter  string `json:"groupFilter,omitempty"`
	Key          string `json:"key,omitempty"`   // attribute that never changes
	Login        string `json:"login,omitempty"` // attribute people sign in with
	Mail         string `json:"mail,omitempty"`
	FullName     string `json:"fullName,omitempty"`

	Only   string      `json:"only,omitempty"` // group whose members, nested ones too, are let in; "" = everybody
	Role   actor.Role  `json:"role"`           // in the workspace
	Groups bool        `json:"groups"`         // groups become groups of the workspace
	Rules  []GroupRule `json:"rules,omitempty"`

	EveryMinutes int `json:"everyMinutes"` // 0 = only when asked
	GraceDays    int `json:"graceDays"`    // between an entry's vanishing and the disabling of its person
	BrakePercent int `json:"brakePercent"` // more than that vanishing at once is taken for a mistake
}

// GroupRule gives the members of a group of the directory, nested ones too, a role.
// The highest role wins.
type GroupRule struct {
	Group        string     `json:"group"`                  // DN or common name
	Workspace    string     `json:"workspace,omitempty"`    // id; "" = the directory's
	Role         actor.Role `json:"role,omitempty"`         // in the workspace
	Installation actor.Role `json:"installation,omitempty"` // admin or auditor
}

// SyncResult is what a synchronisation came to. With DryRun nothing was written.
type SyncResult struct {
	People   int          `json:"people" doc:"Entries of people that were found."`
	Added    int          `json:"added"`
	Changed  int          `json:"changed"`
	Disabled int          `json:"disabled" doc:"People who are disabled or gone in the directory."`
	Enabled  int          `json:"enabled" doc:"People who are back."`
	Missing  int          `json:"missing" doc:"Entries that are gone and whose grace is not over yet."`
	Skipped  int          `json:"skipped" doc:"Entries that cannot be taken over; problems says why."`
	Groups   int          `json:"groups"`
	DryRun   bool         `json:"dryRun"`
	Full     bool         `json:"full" doc:"It went through everything, not only through what changed."`
	Problems []LeftOut    `json:"problems" doc:"At most 100."`
	Changes  []SyncChange `json:"changes,omitempty" doc:"Of a dry run: what would be done; at most 1000."`
	Error    string       `json:"error,omitempty" doc:"Why it did not come to an end."`
	Cure     string       `json:"cure,omitempty"`
}

// LeftOut is an entry that cannot be taken over.
type LeftOut struct {
	DN  string `json:"dn"`
	Why string `json:"why"`
}

// SyncChange is what a synchronisation does to one person.
type SyncChange struct {
	Act  string   `json:"act" enum:"add,change,disable,enable,miss"`
	DN   string   `json:"dn"`
	Name string   `json:"name"`
	What []string `json:"what,omitempty"`
}

// Directories are the directories of the installation. Make them with New.
type Directories struct {
	store    store
	accounts *account.Accounts
	logins   *login.Logins
	keys     *secret.Keyring
	gate     *egress.Gate
	notify   func(workspace, person, noun, id string)
	log      *slog.Logger
	now      func() time.Time

	mu     sync.Mutex
	known  []Directory          // all of them, so that a sign-in need not ask the table
	down   map[string]time.Time // since when a directory does not answer
	change sync.Mutex           // held by whoever changes the configuration
	taking sync.Mutex           // one synchronisation writes at a time
}
