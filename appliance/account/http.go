package account

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/web"
)

// Publisher tells open pages that something changed.
type Publisher interface{ Publish(web.Notice) }

// routes are the accounts as the API sees them.
type routes struct {
	accounts *Accounts
	hub      Publisher
}

// Routes adds people, workspaces and groups to the API. Adding people and
// setting passwords belongs to login.
func (a *Accounts) Routes(api *web.API, hub Publisher) {
	r := routes{accounts: a, hub: hub}
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/people", ID: "listPeople", Tag: "People", Access: web.SignedIn, Scope: web.PeopleRead,
		Summary: "List the people of the workspace by name"}, r.people)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/people/{id}", ID: "changePerson", Tag: "People", Access: web.SignedIn, Scope: web.PeopleWrite,
		Summary: "Change a person's name, roles, or whether the person may sign in", Errors: []int{403, 404, 409, 422}}, r.change)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/workspaces", ID: "listWorkspaces", Tag: "Workspaces", Access: web.SignedIn, Scope: web.PeopleRead,
		Summary: "List one's workspaces; administrators see all"}, r.workspaces)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/workspaces", ID: "addWorkspace", Tag: "Workspaces", Access: web.Administrator, Scope: web.PeopleWrite, Status: http.StatusCreated,
		Summary: "Make a workspace", Errors: []int{409, 422}}, r.addWorkspace)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/workspaces/{id}/members/{person}", ID: "setMember", Tag: "Workspaces", Access: web.SignedIn, Scope: web.PeopleWrite,
		Summary: "Give a person a role in a workspace", Errors: []int{403, 404, 422}}, r.setMember)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/workspaces/{id}/members/{person}", ID: "removeMember", Tag: "Workspaces", Access: web.SignedIn, Scope: web.PeopleWrite,
		Summary: "Take a person out of a workspace", Errors: []int{403, 404}}, r.removeMember)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/groups", ID: "listGroups", Tag: "Groups", Access: web.SignedIn, Scope: web.PeopleRead,
		Summary: "List the groups of the workspace by name"}, r.groups)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/groups", ID: "addGroup", Tag: "Groups", Access: web.SignedIn, Scope: web.PeopleWrite, Status: http.StatusCreated,
		Summary: "Make a group", Errors: []int{403, 409, 422}}, r.addGroup)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/groups/{id}/members", ID: "setGroup", Tag: "Groups", Access: web.SignedIn, Scope: web.PeopleWrite,
		Summary: "Say who is in a group", Errors: []int{403, 404, 422}}, r.setGroup)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/groups/{id}", ID: "removeGroup", Tag: "Groups", Access: web.SignedIn, Scope: web.PeopleWrite,
		Summary: "Delete a group", Errors: []int{403, 404}}, r.removeGroup)
}

func (r routes) tell(ctx context.Context, noun, id string) {
	r.hub.Publish(web.Notice{Workspace: actor.From(ctx).Workspace, Noun: noun, ID: id})
}

// none is the answer of a route that has nothing to say but that it was done.
type none struct{}

type pageIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"2000"`
}

type peopleIn struct {
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string `query:"cursor" maxLength:"2000"`
	Query    string `query:"q" maxLength:"200" doc:"Part of a name or an e-mail address."`
	Group    string `query:"group" maxLength:"64" doc:"Only the members of this group."`
	Everyone bool   `query:"everyone" doc:"People of all workspaces, for administrators and auditors."`
}

type peopleOut struct{ Body web.Page[Person] }

func (r routes) people(ctx context.Context, in *peopleIn) (*peopleOut, error) {
	after, err := openCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	// The operator's command line has no page to switch workspaces on.
	everyone := in.Everyone || actor.From(ctx).Kind == actor.Operator
	people, err := r.accounts.People(ctx, Filter{Query: in.Query, Group: in.Group, Everyone: everyone}, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &peopleOut{Body: page(people, in.Limit, func(p Person) Cursor { return Cursor{fold(p.Name), p.ID} })}, nil
}

type changeIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Name          *string     `json:"name,omitempty"`
		Disabled      *bool       `json:"disabled,omitempty" doc:"A disabled person is signed out at once and cannot sign in."`
		Role          *actor.Role `json:"role,omitempty" enum:"owner,admin,auditor," doc:"Role in the installation."`
		WorkspaceRole *actor.Role `json:"workspaceRole,omitempty" enum:"admin,editor,member,guest" doc:"Role in the current workspace."`
	}
}

type personOut struct{ Body Person }

func (r routes) change(ctx context.Context, in *changeIn) (*personOut, error) {
	p, err := r.accounts.Change(ctx, in.ID, Change{Name: in.Body.Name, Disabled: in.Body.Disabled, Role: in.Body.Role, WorkspaceRole: in.Body.WorkspaceRole})
	if err != nil {
		return nil, err
	}
	r.tell(ctx, "person", p.ID)
	return &personOut{Body: p}, nil
}

type workspacesOut struct{ Body web.Page[Workspace] }

func (r routes) workspaces(ctx context.Context, in *pageIn) (*workspacesOut, error) {
	after, err := openCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := r.accounts.ListWorkspaces(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &workspacesOut{Body: page(list, in.Limit, func(w Workspace) Cursor { return Cursor{fold(w.Name), w.ID} })}, nil
}

type nameIn struct {
	Body struct {
		Name string `json:"name"`
	}
}

type workspaceOut struct{ Body Workspace }

func (r routes) addWorkspace(ctx context.Context, in *nameIn) (*workspaceOut, error) {
	w, err := r.accounts.AddWorkspace(ctx, in.Body.Name)
	if err != nil {
		return nil, err
	}
	r.tell(ctx, "workspace", w.ID)
	return &workspaceOut{Body: w}, nil
}

type setMemberIn struct {
	ID     string `path:"id" maxLength:"64"`
	Person string `path:"person" maxLength:"64"`
	Body   struct {
		Role actor.Role `json:"role" enum:"admin,editor,member,guest"`
	}
}

func (r routes) setMember(ctx context.Context, in *setMemberIn) (*none, error) {
	if err := r.accounts.SetMember(ctx, in.ID, in.Person, in.Body.Role); err != nil {
		return nil, err
	}
	r.hub.Publish(web.Notice{Workspace: in.ID, Noun: "person", ID: in.Person})
	return &none{}, nil
}

type removeMemberIn struct {
	ID     string `path:"id" maxLength:"64"`
	Person string `path:"person" maxLength:"64"`
}

func (r routes) removeMember(ctx context.Context, in *removeMemberIn) (*none, error) {
	if err := r.accounts.RemoveMember(ctx, in.ID, in.Person); err != nil {
		return nil, err
	}
	r.hub.Publish(web.Notice{Workspace: in.ID, Noun: "person", ID: in.Person})
	return &none{}, nil
}

type groupsOut struct{ Body web.Page[Group] }

func (r routes) groups(ctx context.Context, in *pageIn) (*groupsOut, error) {
	after, err := openCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	groups, err := r.accounts.ListGroups(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &groupsOut{Body: page(groups, in.Limit, func(g Group) Cursor { return Cursor{fold(g.Name), g.ID} })}, nil
}

type groupOut struct{ Body Group }

func (r routes) addGroup(ctx context.Context, in *nameIn) (*groupOut, error) {
	g, err := r.accounts.AddGroup(ctx, in.Body.Name)
	if err != nil {
		return nil, err
	}
	r.tell(ctx, "group", g.ID)
	return &groupOut{Body: g}, nil
}

type setGroupIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		People []string `json:"people" maxItems:"5000" doc:"Ids of all people of the group."`
	}
}

func (r routes) setGroup(ctx context.Context, in *setGroupIn) (*none, error) {
	if err := r.accounts.SetGroup(ctx, in.ID, in.Body.People); err != nil {
		return nil, err
	}
	r.tell(ctx, "group", in.ID)
	return &none{}, nil
}

type groupIDIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (r routes) removeGroup(ctx context.Context, in *groupIDIn) (*none, error) {
	if err := r.accounts.RemoveGroup(ctx, in.ID); err != nil {
		return nil, err
	}
	r.tell(ctx, "group", in.ID)
	return &none{}, nil
}

// page cuts a list that was read one item too long.
func page[T any](items []T, limit int, place func(T) Cursor) web.Page[T] {
	p := web.Page[T]{Items: items}
	if len(items) > limit {
		p.Items = items[:limit]
		c := place(p.Items[limit-1])
		raw, err := json.Marshal([]string{c.Fold, c.ID})
		if err == nil { // texts always have JSON
			p.Next = base64.RawURLEncoding.EncodeToString(raw)
		}
	}
	if p.Items == nil {
		p.Items = []T{}
	}
	return p
}

func openCursor(cursor string) (Cursor, error) {
	if cursor == "" {
		return Cursor{}, nil
	}
	var parts []string
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(raw, &parts)
	}
	if err != nil || len(parts) != 2 {
		return Cursor{}, fault.New(fault.Invalid, "The place in the list is not known.").Cure("Start again from the first page.").
			With(fault.Detail{Field: "query.cursor", Sentence: "This is no cursor of this list."})
	}
	return Cursor{Fold: parts[0], ID: parts[1]}, nil
}
