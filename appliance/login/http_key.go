package login

import (
	"context"
	"net/http"
	"slices"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/web"
)

// keyRoutes add API keys.
func (r routes) keyRoutes(api *web.API) {
	const tag = "API keys"
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/api-keys", ID: "listApiKeys", Tag: tag, Access: web.SignedIn,
		Summary: "List one's API keys, newest first"}, r.getKeys)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/api-keys", ID: "addApiKey", Tag: tag, Access: web.SignedIn, StepUp: true, Status: http.StatusCreated, BodyLimit: 16 << 10,
		Summary: "Make an API key; it is told this once", Errors: []int{403, 409, 422}}, r.postKey)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/api-keys/{id}", ID: "revokeApiKey", Tag: tag, Access: web.SignedIn,
		Summary: "Revoke an API key; what it has open ends at once", Errors: []int{404}}, r.deleteKey)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/people/{id}/api-keys", ID: "listApiKeysOf", Tag: tag, Access: web.Administrator,
		Summary: "List the API keys of a person", Errors: []int{403, 404}}, r.getKeysOf)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/people/{id}/api-keys/{key}", ID: "revokeApiKeyOf", Tag: tag, Access: web.Administrator,
		Summary: "Revoke an API key of a person", Errors: []int{403, 404}}, r.deleteKeyOf)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/operator/people/{id}/api-keys", ID: "addApiKeyFor", Tag: tag, Access: web.Socket, Status: http.StatusCreated,
		Summary: "Make an API key of a person"}, r.postKeyFor)
}

func scopeNames() []string {
	var names []string
	for _, s := range web.Scopes() {
		names = append(names, string(s))
	}
	return names
}

func scopeKnown(name string) bool { return web.Scope(name).Valid() }

// APIKey is a key without what opens with it.
type APIKey struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Scopes    []web.Scope `json:"scopes"`
	CreatedAt time.Time   `json:"createdAt"`
	ExpiresAt time.Time   `json:"expiresAt"`
	Expired   bool        `json:"expired"`
	LastUsed  *time.Time  `json:"lastUsed,omitempty" doc:"Exact to a minute; absent while it was never used."`
	Address   string      `json:"address,omitempty" doc:"Where from it was last used."`
	Workspace string      `json:"workspace" doc:"The one workspace it opens."`
}

func (r routes) wireKey(k apiKey) APIKey {
	out := APIKey{ID: k.id, Name: k.name, CreatedAt: k.created, ExpiresAt: k.expires, Expired: !r.now().Before(k.expires), Address: k.address, Workspace: k.workspace}
	for _, s := range k.scopes {
		out.Scopes = append(out.Scopes, web.Scope(s))
	}
	if k.used.UnixMilli() > 0 {
		out.LastUsed = &k.used
	}
	return out
}

type keysOut struct {
	Body struct {
		Items   []APIKey    `json:"items"`
		Scopes  []web.Scope `json:"scopes" doc:"All there are."`
		MaxDays int         `json:"maxDays" doc:"The longest a new key can live."`
	}
}

func (r routes) keys(ctx context.Context, person string) (*keysOut, error) {
	list, err := r.keysOf(ctx, person)
	if err != nil {
		return nil, err
	}
	out := &keysOut{}
	out.Body.Scopes, out.Body.MaxDays = web.Scopes(), r.keyDays.Get(ctx)
	for _, k := range list {
		out.Body.Items = append(out.Body.Items, r.wireKey(k))
	}
	return out, nil
}

func (r routes) getKeys(ctx context.Context, _ *struct{}) (*keysOut, error) {
	return r.keys(ctx, actor.From(ctx).ID)
}

type keysOfIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (r routes) getKeysOf(ctx context.Context, in *keysOfIn) (*keysOut, error) {
	return r.keys(ctx, in.ID)
}

// NewAPIKey is what an API key is made of.
type NewAPIKey struct {
	Name   string   `json:"name" doc:"What it is for."`
	Scopes []string `json:"scopes" maxItems:"50" doc:"chat, knowledge.read, knowledge.write, people.read, people.write, audit.read, operate"`
	Days   int      `json:"days" doc:"How long it lives."`
}

type newKeyIn struct{ Body NewAPIKey }

type newKeyOut struct {
	Body struct {
		APIKey
		Key string `json:"key" doc:"Send it as Authorization: Bearer. It is not shown again."`
	}
}

func (r routes) made(k apiKey, token string, err error) (*newKeyOut, error) {
	if err != nil {
		return nil, err
	}
	out := &newKeyOut{}
	out.Body.APIKey, out.Body.Key = r.wireKey(k), token
	return out, nil
}

func (n NewAPIKey) plain() newKey { return newKey{name: n.Name, scopes: n.Scopes, days: n.Days} }

func (r routes) postKey(ctx context.Context, in *newKeyIn) (*newKeyOut, error) {
	k, token, err := r.addKey(ctx, in.Body.plain())
	return r.made(k, token, err)
}

type newKeyForIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body NewAPIKey
}

func (r routes) postKeyFor(ctx context.Context, in *newKeyForIn) (*newKeyOut, error) {
	k, token, err := r.addKeyFor(ctx, in.ID, in.Body.plain())
	return r.made(k, token, err)
}

type keyIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (r routes) deleteKey(ctx context.Context, in *keyIn) (*none, error) {
	return &none{}, r.endKey(ctx, actor.From(ctx).ID, in.ID)
}

type keyOfIn struct {
	ID  string `path:"id" maxLength:"64"`
	Key string `path:"key" maxLength:"64"`
}

func (r routes) deleteKeyOf(ctx context.Context, in *keyOfIn) (*none, error) {
	return &none{}, r.endKey(ctx, in.ID, in.Key)
}

// byKey is who a key acts for.
func (l *Logins) byKey(ctx context.Context, token, address string) (web.Identity, error) {
	k, m, err := l.lookupKey(ctx, token, address)
	if err != nil {
		return web.Identity{}, err
	}
	a := actor.Actor{
		Kind: actor.Person, ID: m.Person.ID, Workspace: m.Workspace.ID, Role: m.Person.Role, WorkspaceRole: m.Person.WorkspaceRole,
		Groups: m.Groups, Session: keySession(k.id), Key: k.id, Address: address,
	}
	scopes := []web.Scope{} // never nil, which would be a session
	for _, s := range web.Scopes() {
		if slices.Contains(k.scopes, string(s)) {
			scopes = append(scopes, s)
		}
	}
	return web.Identity{Actor: a, Expires: k.expires, Scopes: scopes}, nil
}
