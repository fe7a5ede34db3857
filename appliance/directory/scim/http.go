package scim

import (
	"context"
	"encoding/json"
	"net/http"

	"chatets/appliance/actor"
	"chatets/appliance/web"
)

const tag = "SCIM"

// mediaType is what SCIM answers are, by RFC 7644.
const mediaType = "application/scim+json"

// Routes adds the SCIM service and the clients' administration to the API.
func (s *Service) Routes(api *web.API) {
	for _, kind := range []string{kindUser, kindGroup} {
		at := base + "/" + kind + "s"
		add := func(method, path, id, summary string, body bool) web.Route {
			r := web.Route{Method: method, Path: path, ID: id, Tag: tag, Access: web.Public, Status: http.StatusOK, Summary: summary, MediaType: mediaType}
			if body {
				r.RawBody, r.BodyLimit = true, maxBody
			}
			return r
		}
		web.Handle(api, add(http.MethodGet, at, "scimList"+kind+"s", "Search "+kind+"s", false), s.getList(kind))
		web.Handle(api, add(http.MethodPost, at, "scimAdd"+kind, "Make a "+kind, true), s.post(kind))
		web.Handle(api, add(http.MethodPost, at+"/.search", "scimSearch"+kind+"s", "Search "+kind+"s by a body", true), s.postSearch(kind))
		web.Handle(api, add(http.MethodGet, at+"/{id}", "scimGet"+kind, "Read a "+kind, false), s.get(kind))
		web.Handle(api, add(http.MethodPut, at+"/{id}", "scimPut"+kind, "Replace a "+kind, true), s.put(kind))
		web.Handle(api, add(http.MethodPatch, at+"/{id}", "scimPatch"+kind, "Change a "+kind, true), s.patchRoute(kind))
		web.Handle(api, add(http.MethodDelete, at+"/{id}", "scimDelete"+kind, "Remove a "+kind, false), s.delete(kind))
	}
	web.Handle(api, web.Route{Method: http.MethodPost, Path: base + "/Bulk", ID: "scimBulk", Tag: tag, Access: web.Public, RawBody: true, BodyLimit: maxBody,
		Summary: "Do many operations at once", MediaType: mediaType}, s.postBulk)
	fixed := func(path, id, summary string, answer func() any) {
		web.Handle(api, web.Route{Method: http.MethodGet, Path: base + path, ID: id, Tag: tag, Access: web.Public, Summary: summary, MediaType: mediaType},
			func(context.Context, *struct{}) (*reply, error) { return ok(answer()) })
	}
	fixed("/ServiceProviderConfig", "scimConfig", "What this service can do", func() any { return providerConfig() })
	fixed("/Schemas", "scimSchemas", "The schemas", func() any { return asList(schemas()) })
	fixed("/ResourceTypes", "scimResourceTypes", "The kinds of resources", func() any { return asList(resourceTypes()) })
	named := func(path, id, summary string, all func() []map[string]any) {
		web.Handle(api, web.Route{Method: http.MethodGet, Path: base + path + "/{id}", ID: id, Tag: tag, Access: web.Public, Summary: summary, MediaType: mediaType},
			func(_ context.Context, in *idIn) (*reply, error) {
				for _, one := range all() {
					if one["id"] == in.ID {
						return ok(one)
					}
				}
				return refuse(noResource("resource", in.ID))
			})
	}
	named("/Schemas", "scimSchema", "One schema", schemas)
	named("/ResourceTypes", "scimResourceType", "One kind of resources", resourceTypes)
	s.clientRoutes(api)
}

func asList(items []map[string]any) map[string]any {
	return map[string]any{"schemas": []string{listSchema}, "totalResults": len(items), "startIndex": 1, "itemsPerPage": len(items), "Resources": items}
}

// reply is an answer of SCIM.
type reply struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     json.RawMessage
}

func ok(body any) (*reply, error) {
	text, err := json.Marshal(body)
	return &reply{Status: http.StatusOK, Body: text}, err
}

// refuse answers with SCIM's form of a refusal; what is a bug of ours goes on as
// an error, so that it is logged.
func refuse(err error) (*reply, error) {
	p := problemOf(err)
	if p.status == http.StatusInternalServerError {
		return nil, err
	}
	out, e := ok(p.document())
	if e == nil {
		out.Status = p.status
	}
	return out, e
}

func (r resource) reply(status int, q query) (*reply, error) {
	out, err := ok(project(r.shown(), q))
	if err == nil {
		out.Status, out.ETag, out.Location = status, r.etag(), r.location()
	}
	return out, err
}

type idIn struct {
	ID string `path:"id" maxLength:"200"`
}

type listIn struct {
	Authorization string `header:"Authorization"`
	Filter        string `query:"filter"`
	SortBy        string `query:"sortBy"`
	SortOrder     string `query:"sortOrder"`
	StartIndex    string `query:"startIndex"`
	Count         string `query:"count"`
	Attributes    string `query:"attributes"`
	Excluded      string `query:"excludedAttributes"`
}

func (s *Service) getList(kind string) func(context.Context, *listIn) (*reply, error) {
	return func(ctx context.Context, in *listIn) (*reply, error) {
		c, ctx, err := s.enter(ctx, in.Authorization)
		if err != nil {
			return refuse(err)
		}
		q := query{Filter: in.Filter, SortBy: in.SortBy, SortOrder: in.SortOrder, StartIndex: number(in.StartIndex, 1),
			Attributes: names(in.Attributes), ExcludedAttributes: names(in.Excluded)}
		if in.Count != "" {
			n := number(in.Count, 100)
			q.Count = &n
		}
		return s.answerList(ctx, c, kind, q)
	}
}

func (s *Service) answerList(ctx context.Context, c Client, kind string, q query) (*reply, error) {
	list, err := s.list(ctx, c, kind, q)
	if err != nil {
		return refuse(err)
	}
	return ok(list)
}

type bodyIn struct {
	Authorization string `header:"Authorization"`
	Attributes    string `query:"attributes"`
	Excluded      string `query:"excludedAttributes"`
	RawBody       []byte
}

func (in bodyIn) query() query {
	return query{Attributes: names(in.Attributes), ExcludedAttributes: names(in.Excluded)}
}

func (s *Service) postSearch(kind string) func(context.Context, *bodyIn) (*reply, error) {
	return func(ctx context.Context, in *bodyIn) (*reply, error) {
		c, ctx, err := s.enter(ctx, in.Authorization)
		if err != nil {
			return refuse(err)
		}
		var q query
		if err := json.Unmarshal(in.RawBody, &q); err != nil {
			return refuse(problem{http.StatusBadRequest, "invalidSyntax", "The body is no search request."})
		}
		return s.answerList(ctx, c, kind, q)
	}
}

func (s *Service) post(kind string) func(context.Context, *bodyIn) (*reply, error) {
	return func(ctx context.Context, in *bodyIn) (*reply, error) {
		c, ctx, err := s.enter(ctx, in.Authorization)
		if err != nil {
			return refuse(err)
		}
		doc, err := object(in.RawBody)
		if err != nil {
			return refuse(err)
		}
		r, err := s.create(ctx, c, kind, doc)
		if err != nil {
			return refuse(err)
		}
		return r.reply(http.StatusCreated, in.query())
	}
}

type oneIn struct {
	ID            string `path:"id" maxLength:"200"`
	Authorization string `header:"Authorization"`
	IfMatch       string `header:"If-Match"`
	IfNoneMatch   string `header:"If-None-Match"`
	Attributes    string `query:"attributes"`
	Excluded      string `query:"excludedAttributes"`
}

func (s *Service) get(kind string) func(context.Context, *oneIn) (*reply, error) {
	return func(ctx context.Context, in *oneIn) (*reply, error) {
		c, ctx, err := s.enter(ctx, in.Authorization)
		if err != nil {
			return refuse(err)
		}
		r, err := s.store.one(ctx, c, kind, in.ID)
		if err != nil {
			return refuse(err)
		}
		if in.IfNoneMatch != "" && matches(in.IfNoneMatch, r.etag()) {
			return &reply{Status: http.StatusNotModified, ETag: r.etag()}, nil
		}
		return r.reply(http.StatusOK, query{Attributes: names(in.Attributes), ExcludedAttributes: names(in.Excluded)})
	}
}

func (s *Service) delete(kind string) func(context.Context, *oneIn) (*reply, error) {
	return func(ctx context.Context, in *oneIn) (*reply, error) {
		c, ctx, err := s.enter(ctx, in.Authorization)
		if err != nil {
			return refuse(err)
		}
		if err := s.remove(ctx, c, kind, in.ID, in.IfMatch); err != nil {
			return refuse(err)
		}
		return &reply{Status: http.StatusNoContent}, nil
	}
}

type changeIn struct {
	ID            string `path:"id" maxLength:"200"`
	Authorization string `header:"Authorization"`
	IfMatch       string `header:"If-Match"`
	Attributes    string `query:"attributes"`
	Excluded      string `query:"excludedAttributes"`
	RawBody       []byte
}

func (s *Service) put(kind string) func(context.Context, *changeIn) (*reply, error) {
	return func(ctx context.Context, in *changeIn) (*reply, error) {
		c, ctx, err := s.enter(ctx, in.Authorization)
		if err != nil {
			return refuse(err)
		}
		if _, err := object(in.RawBody); err != nil {
			return refuse(err)
		}
		r, err := s.change(ctx, c, kind, in.ID, in.IfMatch, func(map[string]any) (map[string]any, error) { return object(in.RawBody) })
		if err != nil {
			return refuse(err)
		}
		return r.reply(http.StatusOK, query{Attributes: names(in.Attributes), ExcludedAttributes: names(in.Excluded)})
	}
}

func (s *Service) patchRoute(kind string) func(context.Context, *changeIn) (*reply, error) {
	return func(ctx context.Context, in *changeIn) (*reply, error) {
		c, ctx, err := s.enter(ctx, in.Authorization)
		if err != nil {
			return refuse(err)
		}
		r, err := s.patch(ctx, c, kind, in.ID, in.IfMatch, in.RawBody)
		if err != nil {
			return refuse(err)
		}
		return r.reply(http.StatusOK, query{Attributes: names(in.Attributes), ExcludedAttributes: names(in.Excluded)})
	}
}

type bulkIn struct {
	Authorization string `header:"Authorization"`
	RawBody       []byte
}

func (s *Service) postBulk(ctx context.Context, in *bulkIn) (*reply, error) {
	c, ctx, err := s.enter(ctx, in.Authorization)
	if err != nil {
		return refuse(err)
	}
	done, err := s.bulk(ctx, c, in.RawBody)
	if err != nil {
		return refuse(err)
	}
	return ok(done)
}

// scimClient is a client on the wire.
type scimClient struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Workspace string     `json:"workspace"`
	Role      actor.Role `json:"role" enum:"admin,editor,member,guest"`
	CreatedAt string     `json:"createdAt"`
	LastUsed  string     `json:"lastUsed,omitempty"`
	Token     string     `json:"token,omitempty" doc:"Told once, when it is made."`
	URL       string     `json:"url" doc:"What to enter in the identity system, behind the address of this server."`
}

func showClient(c Client, token string) scimClient {
	out := scimClient{ID: c.ID, Name: c.Name, Workspace: c.Workspace, Role: c.Role, CreatedAt: c.Created.Format("2006-01-02T15:04:05Z"), Token: token, URL: base}
	if !c.Used.IsZero() {
		out.LastUsed = c.Used.Format("2006-01-02T15:04:05Z")
	}
	return out
}
