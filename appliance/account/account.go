// Package account knows the people, the workspaces they are members of, the
// groups in a workspace and the roles in both scopes.
//
// What a newcomer gets wrong: there are two roles. The installation role (owner,
// admin, auditor) runs ChatETS and opens nobody's conversations; the workspace
// role (admin, editor, member, guest) says what a person does with the knowledge
// of one workspace. Neither implies the other.
package account

import (
	"context"
	"slices"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// Person is somebody who can be given access, as people and pages see them.
type Person struct {
	ID            string     `json:"id"`
	Email         string     `json:"email"`
	Name          string     `json:"name"`
	Source        string     `json:"source,omitempty" doc:"Where the person comes from: local, or the name of a directory."`
	ExternalID    string     `json:"-"`
	Role          actor.Role `json:"role" enum:"owner,admin,auditor," doc:"Role in the installation; empty for most people."`
	WorkspaceRole actor.Role `json:"workspaceRole" enum:"admin,editor,member,guest," doc:"Role in the workspace that was asked about; empty when not a member."`
	Disabled      bool       `json:"disabled"`
	CreatedAt     *time.Time `json:"createdAt,omitempty"`
	LastActive    *time.Time `json:"lastActive,omitempty"`
}

// Local is the source of people who sign in with a password of ChatETS.
const Local = "local"

// Workspace is a group of people with knowledge of their own; rows of one
// workspace do not exist for the people of another.
type Workspace struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Group is a set of members of one workspace, for sharing with all of them.
type Group struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Members int    `json:"members" doc:"How many people are in it."`
}

// Member is a person in a workspace. The zero Workspace is a person who is a
// member of none.
type Member struct {
	Person    Person // WorkspaceRole is the role in Workspace
	Workspace Workspace
	Groups    []string // ids of the person's groups in Workspace
}

// NewPerson is what InsertPerson needs to know.
type NewPerson struct {
	Email, Name string
	Source      string // "" means Local
	ExternalID  string // id in a directory, "" for Local
	Role        actor.Role
}

// Cursor is a place in a list sorted by name; the zero Cursor is its beginning.
type Cursor struct{ Fold, ID string }

// Accounts answers for people, groups, workspaces and roles. Make it with New.
type Accounts struct {
	store store
	audit *audit.Log
}

// FirstName is the name of the workspace that a new installation has.
const FirstName = "Main"

// First is the workspace that was there first; EnsureFirst made it.
func (a *Accounts) First(ctx context.Context) (Workspace, error) {
	return a.store.firstWorkspace(ctx)
}

// EnsureFirst makes the first workspace of a new installation.
func (a *Accounts) EnsureFirst(ctx context.Context) error {
	_, err := a.store.firstWorkspace(ctx)
	if fault.Is(err, fault.NotFound) {
		ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID})
		return a.store.ensureFirst(ctx, FirstName)
	}
	return err
}

// Owner is the owner who was there first, an enabled one if possible, and
// whether there is one at all.
func (a *Accounts) Owner(ctx context.Context) (Person, bool, error) {
	p, err := a.store.firstOwner(ctx)
	if fault.Is(err, fault.NotFound) {
		return Person{}, false, nil
	}
	return p, err == nil, err
}

// ByEmail is the person with that e-mail address, however it is written;
// fault.NotFound when there is none.
func (a *Accounts) ByEmail(ctx context.Context, email string) (Person, error) {
	return a.store.byEmail(ctx, FoldEmail(email))
}

// ByID is the person with that id; fault.NotFound when there is none.
func (a *Accounts) ByID(ctx context.Context, id string) (Person, error) { return a.store.byID(ctx, id) }

// Member is the person as a member of the workspace; fault.NotFound when the
// person is not one.
func (a *Accounts) Member(ctx context.Context, workspace, person string) (Member, error) {
	m, err := a.store.place(ctx, person, workspace)
	if err == nil && (m.Workspace.ID != workspace || workspace == "") {
		return Member{}, noPerson()
	}
	return m, err
}

// Place is the person in the wanted workspace, or, if the person is no member
// of it, in the workspace joined first; the zero Workspace when there is none.
func (a *Accounts) Place(ctx context.Context, person, wanted string) (Member, error) {
	return a.store.place(ctx, person, wanted)
}

// Workspaces lists the workspaces of a person in the order of joining.
func (a *Accounts) Workspaces(ctx context.Context, person string) ([]Workspace, error) {
	return a.store.workspacesOf(ctx, person)
}

// Names are the display names of people, groups and workspaces by id; an id
// that is not known has none. What no person made is ChatETS's own.
func (a *Accounts) Names(ctx context.Context, ids []string) (map[string]string, error) {
	names, err := a.store.names(ctx, ids)
	if err == nil && slices.Contains(ids, actor.SystemID) {
		names[actor.SystemID] = "ChatETS"
	}
	return names, err
}

// Share checks that people are enabled members of the workspace and groups are
// groups of it; otherwise fault.Invalid, the same for what does not exist and
// what belongs to another workspace.
func (a *Accounts) Share(ctx context.Context, workspace string, people, groups []string) error {
	return a.store.share(ctx, workspace, people, groups)
}

func noPerson() error { return fault.New(fault.NotFound, "There is no such person.") }

func noWorkspace() error { return fault.New(fault.NotFound, "There is no such workspace.") }

func noGroup() error { return fault.New(fault.NotFound, "There is no such group.") }
