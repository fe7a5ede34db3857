package web

import (
	"slices"

	"chatets/appliance/fault"
)

// Scope is a part of the API that an API key is made for. A route without a
// scope is out of the reach of every key: sessions, second steps, passwords, the
// keys themselves, settings.
type Scope string

// The scopes of API keys.
const (
	Chat           Scope = "chat"            // ask, and read and keep one's own conversations
	KnowledgeRead  Scope = "knowledge.read"  // search and read knowledge bases and documents
	KnowledgeWrite Scope = "knowledge.write" // change knowledge bases, add and delete documents
	PeopleRead     Scope = "people.read"     // list people, groups and workspaces
	PeopleWrite    Scope = "people.write"    // add and change people, groups and workspaces
	AuditRead      Scope = "audit.read"      // read and check the audit record
	Operate        Scope = "operate"         // see model servers, jobs and backup targets; load models, stop and repeat jobs
)

// Scopes are all scopes, in the order they are shown in.
func Scopes() []Scope {
	return []Scope{Chat, KnowledgeRead, KnowledgeWrite, PeopleRead, PeopleWrite, AuditRead, Operate}
}

// Valid reports whether there is such a scope.
func (s Scope) Valid() bool { return slices.Contains(Scopes(), s) }

// scoped refuses a key what it was not made for. The refusal comes after the
// access check, so it tells of no route that its person may not know.
func (sc *scope) scoped(r Route) error {
	if sc.scopes == nil || r.Access == Public {
		return nil
	}
	if r.Scope == "" {
		return fault.New(fault.Forbidden, "This cannot be done with an API key.").Code("key-scope").Cure("Sign in and do it there.")
	}
	if !slices.Contains(sc.scopes, r.Scope) {
		return fault.New(fault.Forbidden, "The API key is not made for this: it lacks the scope %s.", r.Scope).Code("key-scope").
			Cure("Make a key with that scope on the profile page.")
	}
	return nil
}
