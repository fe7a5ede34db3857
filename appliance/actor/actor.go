// Package actor says who is asking: the person, the workspace, the roles and
// the address, carried in the context from the edge to the store.
//
// What a newcomer gets wrong: an actor is made only by the edge (a session, an
// operator's socket, a job). The zero value is nobody and may do nothing.
package actor

import (
	"context"

	"chatets/appliance/fault"
)

// Kind says how the actor got in.
type Kind string

// The kinds of actor.
const (
	Nobody   Kind = ""         // not signed in
	Person   Kind = "person"   // a session of a person
	Operator Kind = "operator" // the command line over the Unix socket
	System   Kind = "system"   // ChatETS itself: start-up and jobs
)

// Role is what a person may do, in one of two scopes.
type Role string

// Installation roles, then workspace roles.
const (
	None Role = "" // no role in that scope

	Owner   Role = "owner"   // installation: everything, cannot be taken away by an admin
	Admin   Role = "admin"   // installation or workspace: people, settings, knowledge
	Auditor Role = "auditor" // installation: reads audit and settings, nobody's conversations

	Editor Role = "editor" // workspace: makes knowledge bases, adds documents
	Member Role = "member" // workspace: asks; makes own knowledge bases
	Guest  Role = "guest"  // workspace: asks, in what was shared
)

// SystemID is the owner of rows that no person made, such as the sample base.
const SystemID = "system"

// Actor is who is asking. ID and Workspace go into every row that is written.
type Actor struct {
	Kind          Kind
	ID            string   // person id; SystemID for the system; for an operator the person rows belong to
	Workspace     string   // id of the workspace the act happens in
	Role          Role     // installation role
	WorkspaceRole Role     // role in Workspace
	Groups        []string // ids of the person's groups in Workspace
	Session       string   // id of the session, "" without one; streams end by it
	Key           string   // id of the API key that acts for the person, "" for a session
	Address       string   // remote IP address, "" on the socket
	UID           int      // Unix uid of an operator, otherwise 0
	Request       string   // request id, for the audit record and the log
}

type key struct{}

// With returns a context that carries a.
func With(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, key{}, a) }

// From is the actor of the context; the zero Actor where none is carried.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(key{}).(Actor)
	return a
}

// Known reports whether somebody is acting at all.
func (a Actor) Known() bool { return a.Kind != Nobody }

// Administers reports whether the actor runs the installation: an owner, an
// admin, an operator or the system.
func (a Actor) Administers() bool {
	return a.Kind == Operator || a.Kind == System || a.Kind == Person && (a.Role == Owner || a.Role == Admin)
}

// Audits reports whether the actor may read the audit record and settings.
func (a Actor) Audits() bool { return a.Administers() || a.Kind == Person && a.Role == Auditor }

// ManagesWorkspace reports whether the actor may manage people and all
// knowledge bases of its workspace.
func (a Actor) ManagesWorkspace() bool {
	return a.Administers() || a.Kind == Person && a.WorkspaceRole == Admin
}

// Converses reports whether the actor may have conversations: only people do.
func (a Actor) Converses() bool { return a.Kind == Person && a.Workspace != "" }

// Need returns nil when ok, and otherwise the refusal that fits: nobody is
// asked to sign in, somebody is told that the act is not theirs.
func (a Actor) Need(ok bool) error {
	switch {
	case ok:
		return nil
	case !a.Known():
		return fault.New(fault.Unauthenticated, "You are not signed in.").Cure("Sign in and try again.")
	}
	return fault.New(fault.Forbidden, "Your role does not allow this.").Cure("Ask an administrator for the role that does.")
}
