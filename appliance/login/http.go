package login

import (
	"context"
	"net/http"
	"strings"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/web"
)

// routes are the logins as the API sees them.
type routes struct {
	*Logins
	hub account.Publisher
}

// tell tells the open pages of a person that its sessions have changed.
func (r routes) tell(person, workspace, session string) {
	if person != "" {
		r.hub.Publish(web.Notice{Workspace: workspace, Person: person, Noun: "session", ID: session})
	}
}

// Routes adds sign-in, sessions, passwords and new people to the API.
func (l *Logins) Routes(api *web.API, hub account.Publisher) {
	r := routes{Logins: l, hub: hub}
	r.factorRoutes(api)
	r.passkeyRoutes(api)
	r.keyRoutes(api)
	const sessions, people = "Sessions", "People"
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/login", ID: "signIn", Tag: sessions, Access: web.Public,
		Summary: "Sign in with e-mail address and password", BodyLimit: 16 << 10, Errors: []int{401, 422, 429, 503}}, r.postLogin)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/logout", ID: "signOut", Tag: sessions, Access: web.Public,
		Summary: "Sign out; 204 where the browser need not go on to an identity provider"}, r.postLogout)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/setup", ID: "getSetup", Tag: "Setup", Access: web.Public,
		Summary: "Whether the first owner is still to be made"}, r.getSetup)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/setup", ID: "setUp", Tag: "Setup", Access: web.Public,
		Summary: "Make the first owner with the one-time token", BodyLimit: 16 << 10, Errors: []int{403, 409, 422, 503}}, r.postSetup)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/session", ID: "getSession", Tag: sessions, Access: web.SignedIn, Enrol: true, Must: true,
		Summary: "Who is signed in, and where"}, r.getSession)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/session/workspace", ID: "enterWorkspace", Tag: sessions, Access: web.SignedIn,
		Summary: "Switch to another workspace", Errors: []int{404}}, r.postWorkspace)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/sessions", ID: "listSessions", Tag: sessions, Access: web.SignedIn,
		Summary: "List where one is signed in, newest first"}, r.getSessions)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/sessions/{id}", ID: "endSession", Tag: sessions, Access: web.SignedIn,
		Summary: "Sign out one session", Errors: []int{404}}, r.deleteSession)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/sessions", ID: "endOtherSessions", Tag: sessions, Access: web.SignedIn,
		Summary: "Sign out all other sessions"}, r.deleteSessions)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/password", ID: "changePassword", Tag: sessions, Access: web.SignedIn, Must: true,
		Summary: "Change one's own password; other sessions end", BodyLimit: 16 << 10, Errors: []int{409, 422, 429, 503}}, r.putPassword)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/people", ID: "addPerson", Tag: people, Access: web.Administrator, Scope: web.PeopleWrite, Status: http.StatusCreated,
		Summary: "Add a person to the workspace", BodyLimit: 16 << 10, Errors: []int{409, 422, 503}}, r.postPerson)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/people/{id}/password-link", ID: "makePasswordLink", Tag: people, Access: web.Administrator, Status: http.StatusCreated,
		Summary: "Make a link with which a person sets a password; good once, for a week", Errors: []int{403, 404, 409}}, r.postLink)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/auth/password", ID: "setPasswordByLink", Tag: sessions, Access: web.Public,
		Summary: "Set one's password with a link; all sessions end", BodyLimit: 16 << 10, Errors: []int{403, 422, 429, 503}}, r.postByLink)
	web.Handle(api, web.Route{Method: http.MethodPut, Path: "/api/operator/people/{id}/password", ID: "setPassword", Tag: people, Access: web.Socket,
		Summary: "Give a person a new password; their sessions end", BodyLimit: 16 << 10}, r.putPersonPassword)
}

// none is the answer of a route that has nothing to say but that it was done.
type none struct{}

// Session is who is signed in, and where, as the pages see it.
type Session struct {
	Person     account.Person      `json:"person"`
	Workspace  account.Workspace   `json:"workspace" doc:"Empty id for a person who is a member of none."`
	Workspaces []account.Workspace `json:"workspaces"`
	MustChange bool                `json:"mustChange,omitempty" doc:"The session can only set another password."`
	Enrol      bool                `json:"enrol,omitempty" doc:"The session can only set up the second step that is overdue."`
	CSRF       string              `json:"csrf" doc:"Send it as X-CSRF-Token with every change."`
	ExpiresAt  time.Time           `json:"expiresAt"`
}

// Login is the answer to whoever has signed in.
type Login struct {
	Token         string          `json:"token,omitempty" doc:"Send it as Authorization: Bearer. Absent when a cookie was asked for."`
	ExpiresAt     *time.Time      `json:"expiresAt,omitempty"`
	Person        *account.Person `json:"person,omitempty"`
	CSRF          string          `json:"csrf,omitempty" doc:"With a cookie only: send it as X-CSRF-Token with every change."`
	Second        *Second         `json:"second,omitempty" doc:"Nobody is signed in yet: a second step follows."`
	DeviceToken   string          `json:"deviceToken,omitempty" doc:"Of a device that is trusted now."`
	SecondStepDue *time.Time      `json:"secondStepDue,omitempty" doc:"Until then a second step has to be set up; from then on nothing else can be done."`
}

type loginIn struct {
	Body struct {
		Email       string `json:"email" doc:"E-mail address, or the name in a directory."`
		Password    string `json:"password"`
		Code        string `json:"code,omitempty" maxLength:"64" doc:"Of the second step, where it is known already."`
		DeviceToken string `json:"deviceToken,omitempty" maxLength:"512" doc:"Of a trusted device; browsers send it as a cookie."`
		Cookie      bool   `json:"cookie,omitempty" doc:"Sets a cookie instead of giving the token."`
	}
}

type loginOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      Login
}

func (r routes) postLogin(ctx context.Context, in *loginIn) (*loginOut, error) {
	var missing []error
	for _, field := range []struct{ name, value, sentence string }{
		{"body.email", in.Body.Email, "Enter your e-mail address."},
		{"body.password", in.Body.Password, "Enter your password."},
	} {
		if field.value == "" {
			missing = append(missing, fault.New(fault.Invalid, "%s", field.sentence).With(fault.Detail{Field: field.name, Sentence: field.sentence}))
		}
	}
	if err := together(missing...); err != nil {
		return nil, err
	}
	device := in.Body.DeviceToken
	if device == "" {
		device = web.Device(ctx)
	}
	o, err := r.signIn(ctx, credentials{name: in.Body.Email, password: in.Body.Password, code: in.Body.Code, device: device, agent: web.Agent(ctx)})
	if err != nil {
		return nil, err
	}
	if o.ticket != "" {
		return &loginOut{Body: Login{Second: &Second{Ticket: o.ticket, Methods: o.methods}}}, nil
	}
	r.tell(o.owner, o.workspace, o.id)
	return o.answer(ctx, in.Body.Cookie), nil
}

// answer hands out the token once: in the cookie or in the body.
func (o opened) answer(ctx context.Context, cookie bool) *loginOut {
	out := &loginOut{Body: Login{ExpiresAt: &o.expires, Person: &o.person}}
	if !o.due.IsZero() {
		out.Body.SecondStepDue = &o.due
	}
	if !cookie {
		out.Body.Token = o.token
		return out
	}
	m := account.Member{Person: o.person, Workspace: account.Workspace{ID: o.workspace}}
	out.Body.CSRF = web.CSRF(actor.With(ctx, actorOf(ctx, o.session, m)))
	out.SetCookie = []http.Cookie{web.SessionCookie(o.token, o.expires)}
	return out
}

type logoutOut struct {
	ClearSiteData string      `header:"Clear-Site-Data"`
	SetCookie     http.Cookie `header:"Set-Cookie"`
	Status        int
	Body          struct {
		GoTo string `json:"goTo,omitempty" doc:"Where the browser has to go to sign out at the identity provider."`
	}
}

// postLogout answers everybody alike, so that a page whose session has ended
// already can still clear what it left in the browser. The directive "cookies"
// is not sent: it would take the cookies of other services of the same domain.
func (r routes) postLogout(ctx context.Context, _ *struct{}) (*logoutOut, error) {
	who := actor.From(ctx)
	out := &logoutOut{ClearSiteData: `"cache", "storage"`, SetCookie: web.ClearCookie(), Status: http.StatusNoContent}
	if r.providers != nil && who.Session != "" {
		if out.Body.GoTo = r.providers.Leave(ctx, who.Session); out.Body.GoTo != "" {
			out.Status = http.StatusOK
		}
	}
	if err := r.signOut(ctx); err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	r.tell(who.ID, who.Workspace, who.Session)
	return out, nil
}

// SetupState tells the pages whether to show set-up or sign-in.
type SetupState struct {
	Needed bool `json:"needed"`
}

type setupStateOut struct{ Body SetupState }

func (r routes) getSetup(ctx context.Context, _ *struct{}) (*setupStateOut, error) {
	needed, err := r.setupNeeded(ctx)
	return &setupStateOut{Body: SetupState{Needed: needed}}, err
}

type setupIn struct {
	Body struct {
		Token    string `json:"token" maxLength:"200"`
		Email    string `json:"email"`
		Name     string `json:"name"`
		Password string `json:"password"`
	}
}

func (r routes) postSetup(ctx context.Context, in *setupIn) (*loginOut, error) {
	o, err := r.setUp(ctx, in.Body.Token, newcomer{email: in.Body.Email, name: in.Body.Name, password: in.Body.Password}, web.Agent(ctx))
	if err != nil {
		return nil, err
	}
	return o.answer(ctx, true), nil
}

type sessionOut struct{ Body Session }

func (l *Logins) getSession(ctx context.Context, _ *struct{}) (*sessionOut, error) {
	who := actor.From(ctx)
	m, err := l.accounts.Place(ctx, who.ID, who.Workspace)
	if fault.Is(err, fault.NotFound) || who.Session == "" {
		return nil, fault.New(fault.NotFound, "There is no session on this connection.")
	}
	if err != nil {
		return nil, err
	}
	s, err := l.session(ctx, m)
	return &sessionOut{Body: s}, err
}

func (l *Logins) session(ctx context.Context, m account.Member) (Session, error) {
	workspaces, err := l.accounts.Workspaces(ctx, m.Person.ID)
	if err != nil {
		return Session{}, err
	}
	found, err := l.store.byID(ctx, actor.From(ctx).Session)
	if err != nil {
		return Session{}, err
	}
	return Session{Person: m.Person, Workspace: m.Workspace, Workspaces: workspaces, CSRF: web.CSRF(ctx), ExpiresAt: l.end(ctx, found), Enrol: found.enrol, MustChange: found.must}, nil
}

// Bootstrap is what a page is given at its load: the session of whoever is
// signed in, otherwise whether set-up is needed.
func (l *Logins) Bootstrap(ctx context.Context) any {
	if who := actor.From(ctx); who.Session != "" && who.Key == "" {
		if out, err := l.getSession(ctx, nil); err == nil {
			return out.Body
		}
	}
	needed, err := l.setupNeeded(ctx)
	if err != nil {
		l.log.Error("whether set-up is needed could not be read", "error", err)
	}
	state := DoorState{Setup: needed, Doors: l.doors()}
	state.Passkey = l.alone.Get(ctx) && l.offers(ctx, web.Host(ctx))
	return state
}

type workspaceIn struct {
	Body struct {
		ID string `json:"id" maxLength:"64"`
	}
}

func (r routes) postWorkspace(ctx context.Context, in *workspaceIn) (*sessionOut, error) {
	m, err := r.enter(ctx, in.Body.ID)
	if err != nil {
		return nil, err
	}
	s, err := r.session(ctx, m)
	return &sessionOut{Body: s}, err
}

// SessionItem is one place where the person is signed in.
type SessionItem struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
	LastSeen  time.Time `json:"lastSeen" doc:"Exact to a minute."`
	Address   string    `json:"address"`
	Agent     string    `json:"agent" doc:"What the browser or program called itself."`
	Current   bool      `json:"current" doc:"The session that asks."`
	ExpiresAt time.Time `json:"expiresAt"`
}

type sessionsIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"64"`
}

type sessionsOut struct{ Body web.Page[SessionItem] }

func (r routes) getSessions(ctx context.Context, in *sessionsIn) (*sessionsOut, error) {
	list, err := r.sessions(ctx, in.Cursor, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &sessionsOut{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = list[in.Limit-1].id
	}
	out.Body.Items = make([]SessionItem, 0, len(list))
	current := actor.From(ctx).Session
	for _, s := range list {
		out.Body.Items = append(out.Body.Items, SessionItem{ID: s.id, CreatedAt: s.created, LastSeen: s.seen, Address: s.address, Agent: s.agent,
			Current: s.id == current, ExpiresAt: s.expires})
	}
	return out, nil
}

type sessionIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (r routes) deleteSession(ctx context.Context, in *sessionIn) (*none, error) {
	return r.ended(ctx, in.ID, r.endOne(ctx, in.ID))
}

func (r routes) deleteSessions(ctx context.Context, _ *struct{}) (*none, error) {
	return r.ended(ctx, "", r.endOthers(ctx))
}

// ended answers whoever has ended sessions of its own.
func (r routes) ended(ctx context.Context, id string, err error) (*none, error) {
	if err != nil {
		return nil, err
	}
	who := actor.From(ctx)
	r.tell(who.ID, who.Workspace, id)
	return &none{}, nil
}

type passwordIn struct {
	Body struct {
		Current  string `json:"current"`
		Password string `json:"password"`
	}
}

func (r routes) putPassword(ctx context.Context, in *passwordIn) (*none, error) {
	return r.ended(ctx, "", r.changeOwn(ctx, in.Body.Current, in.Body.Password))
}

type personIn struct {
	Body struct {
		Email         string     `json:"email"`
		Name          string     `json:"name"`
		Password      string     `json:"password,omitempty" doc:"Nothing, where an invitation is asked for."`
		Invite        bool       `json:"invite,omitempty" doc:"Gives a link with which the person sets the password, in place of one that others know."`
		MustChange    bool       `json:"mustChange,omitempty" doc:"The person has to set another password before anything else."`
		Admin         bool       `json:"admin,omitempty" doc:"Makes an administrator; the first one of an installation becomes its owner."`
		WorkspaceRole actor.Role `json:"workspaceRole,omitempty" enum:"admin,editor,member,guest"`
	}
}

type personOut struct {
	Body struct {
		account.Person
		Link          string     `json:"link,omitempty" doc:"To set a password with, where an invitation was asked for. Give it to the person alone."`
		LinkExpiresAt *time.Time `json:"linkExpiresAt,omitempty"`
	}
}

func (r routes) postPerson(ctx context.Context, in *personIn) (*personOut, error) {
	b := in.Body
	p, err := r.add(ctx, newcomer{email: b.Email, name: b.Name, password: b.Password, must: b.MustChange, invite: b.Invite, admin: b.Admin, workspaceRole: b.WorkspaceRole})
	if err != nil {
		return nil, err
	}
	r.hub.Publish(web.Notice{Workspace: actor.From(ctx).Workspace, Noun: "person", ID: p.ID})
	out := &personOut{}
	out.Body.Person = p
	if b.Invite {
		link, until, err := r.link(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		out.Body.Link, out.Body.LinkExpiresAt = link, &until
	}
	return out, nil
}

type personPasswordIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Password   string `json:"password"`
		MustChange bool   `json:"mustChange,omitempty" doc:"The person has to set another one before anything else."`
	}
}

func (r routes) putPersonPassword(ctx context.Context, in *personPasswordIn) (*none, error) {
	return &none{}, r.give(ctx, in.ID, in.Body.Password, in.Body.MustChange)
}

type linkOut struct {
	Body struct {
		Link      string    `json:"link" doc:"Give it to the person alone: whoever has it sets the password."`
		ExpiresAt time.Time `json:"expiresAt"`
	}
}

func (r routes) postLink(ctx context.Context, in *factorsIn) (*linkOut, error) {
	link, until, err := r.link(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &linkOut{}
	out.Body.Link, out.Body.ExpiresAt = link, until
	return out, nil
}

type byLinkIn struct {
	Body struct {
		Token    string `json:"token" maxLength:"200"`
		Password string `json:"password"`
	}
}

func (r routes) postByLink(ctx context.Context, in *byLinkIn) (*none, error) {
	return &none{}, r.setByLink(ctx, in.Body.Token, in.Body.Password)
}

// Authenticate turns a session token into who it belongs to.
func (l *Logins) Authenticate(ctx context.Context, token, address string) (web.Identity, error) {
	if strings.HasPrefix(token, keyPrefix) {
		return l.byKey(ctx, token, address)
	}
	s, m, err := l.lookup(ctx, token, ofRequest(ctx))
	if err != nil {
		return web.Identity{}, err
	}
	if err := l.stays(ctx, s, address); err != nil {
		return web.Identity{}, err
	}
	a := actorOf(ctx, s, m)
	a.Address = address
	return web.Identity{Actor: a, Expires: s.expires, Enrol: s.enrol, Must: s.must, Fresh: l.now().Sub(s.proved) < freshFor}, nil
}

// ofRequest tells a request from an open stream whose session is asked about
// again: only a request has CSRF tokens. A page that was left open must not
// keep its session from being idle.
func ofRequest(ctx context.Context) bool {
	return web.CSRF(actor.With(ctx, actor.Actor{Session: "any"})) != ""
}

var _ web.Authenticator = (*Logins)(nil)
