package web

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"chatets/appliance/actor"
)

// Route is one line of the route table.
type Route struct {
	Method    string // GET, POST, PUT, PATCH or DELETE
	Path      string // with {name} for path parameters
	ID        string // operationId, for example "listKnowledge"
	Summary   string // one sentence for the API documentation
	Tag       string // heading in the API documentation
	Access    Access
	Status    int         // status of success; 0 = 200, or 204 where Out has no Body
	BodyLimit int64       // bytes of the body; 0 = Config.BodyLimit
	RawBody   bool        // In has a field RawBody []byte that takes the body as it is
	Enrol     bool        // also for a session that has to set up its second step first
	Must      bool        // also for a session that has to set another password first
	StepUp    bool        // its caller has proved a short while ago who it is
	Scope     Scope       // what an API key must hold to call it; "" = no key may
	CrossSite bool        // pages of other sites send it: who is asking is not looked at, and what it does must stand on the body alone
	Also      map[int]any // further answers by status, for the document: {202: Accepted{}}
	MediaType string      // of a JSON answer; "" = application/json
	Errors    []int       // statuses of problem documents this route is known for
}

// API registers routes.
type API struct {
	s        *Server
	doc      *huma.OpenAPI
	registry huma.Registry
	patterns patterns

	mu     sync.Mutex
	ids    map[string]bool
	routes []*registered
	closed bool // the router has them
}

// registered is a route with what was made of it.
type registered struct {
	Route
	segments []string
	handler  fiber.Handler
}

var (
	pathForm = regexp.MustCompile(`^(/[A-Za-z0-9._-]+|/\{[A-Za-z][A-Za-z0-9]*\})+$`)
	idForm   = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)
)

// add checks a route and puts it into the table. What is wrong with it is a
// mistake in the program, hence the panics: they come at every start.
func (a *API) add(r Route) *registered {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed:
		panic("web: the route " + r.ID + " comes after the start")
	case r.Access < Public || r.Access > Socket:
		panic("web: the route " + r.Method + " " + r.Path + " does not say who may call it")
	case !pathForm.MatchString(r.Path):
		panic("web: the path " + r.Path + " is not one")
	case !idForm.MatchString(r.ID):
		panic("web: the route " + r.Method + " " + r.Path + " needs an ID like listKnowledge")
	case a.ids[r.ID]:
		panic("web: two routes have the ID " + r.ID)
	case r.Scope != "" && !r.Scope.Valid():
		panic("web: the route " + r.ID + " has the scope " + string(r.Scope))
	case r.CrossSite && r.Access != Public:
		panic("web: the route " + r.ID + " is for other sites and must be public")
	case r.Summary == "":
		panic("web: the route " + r.ID + " has no summary")
	}
	switch r.Method {
	case "GET", "POST", "PUT", "PATCH", "DELETE":
	default:
		panic("web: the route " + r.ID + " has the method " + r.Method)
	}
	for _, other := range a.routes {
		if other.Method == r.Method && other.Path == r.Path {
			panic("web: two routes are " + r.Method + " " + r.Path)
		}
	}
	if r.BodyLimit <= 0 {
		r.BodyLimit = a.s.config.BodyLimit
	}
	a.ids[r.ID] = true
	reg := &registered{Route: r, segments: strings.Split(r.Path, "/")}
	a.routes = append(a.routes, reg)
	return reg
}

// limitOf is the most a body of the request may hold; without a route it is
// what the route table has at most, and the router will refuse it anyway.
func (a *API) limitOf(method, uri string) int64 {
	path, _, _ := strings.Cut(uri, "?")
	segments := strings.Split(path, "/")
	most := a.s.config.BodyLimit
	for _, r := range a.routes {
		if r.Method == method && matches(r.segments, segments) {
			return r.BodyLimit
		}
		most = max(most, r.BodyLimit)
	}
	return most
}

func matches(pattern, path []string) bool {
	if len(pattern) != len(path) {
		return false
	}
	for i, p := range pattern {
		if p != path[i] && !(strings.HasPrefix(p, "{") && path[i] != "") {
			return false
		}
	}
	return true
}

// serve puts the layers every route has around answer: who is asking, the CSRF
// check, the access check. What answer gets in ctx is complete.
func (a *API) serve(r *registered, answer func(ctx context.Context, c *fiber.Ctx, sc *scope) error) {
	r.handler = func(c *fiber.Ctx) error {
		sc := c.Locals(scopeLocal).(*scope)
		sc.route = r.Path
		if r.Access == Socket && sc.peer == nil {
			return fiber.ErrNotFound
		}
		ctx, cancel := context.WithCancel(withScope(a.s.base, sc))
		defer func() {
			if !sc.lasts {
				cancel()
			}
		}()
		sc.cancel = cancel
		if r.CrossSite {
			return answer(actor.With(ctx, actor.Actor{Address: sc.address, Request: sc.request}), c, sc)
		}
		who, err := a.s.identify(ctx, c, sc, r.Access)
		if err != nil {
			return err
		}
		if err := a.s.checkCSRF(c, sc, who); err != nil {
			return err
		}
		if err := allow(r.Access, who); err != nil {
			return err
		}
		if err := sc.scoped(r.Route); err != nil {
			return err
		}
		if err := sc.proven(r.Route); err != nil {
			return err
		}
		return answer(actor.With(ctx, who), c, sc)
	}
}

// mount gives the routes to the router, those with a fixed word before those
// with a parameter in its place, whatever order they were registered in.
func (a *API) mount() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	slices.SortStableFunc(a.routes, func(x, y *registered) int { return slices.Compare(x.rank(), y.rank()) })
	braces := strings.NewReplacer("{", ":", "}", "")
	for _, r := range a.routes {
		path := braces.Replace(r.Path)
		a.s.app.Add(r.Method, path, r.handler)
		if r.Method == http.MethodGet {
			a.s.app.Add(http.MethodHead, path, r.handler)
		}
	}
}

// rank sorts parameters after all words.
func (r *registered) rank() []string {
	rank := slices.Clone(r.segments)
	for i, s := range rank {
		if strings.HasPrefix(s, "{") {
			rank[i] = "\xff"
		}
	}
	return rank
}

// Handle registers a route with a JSON answer. In carries huma tags (path,
// query, header) and a field Body; Out carries a field Body, header fields and
// a field Status. In and Out are structs. What fn returns belongs to the
// server from then on: nil lists in it become empty ones.
func Handle[In, Out any](a *API, r Route, fn func(context.Context, *In) (*Out, error)) {
	reg := a.add(r)
	in := planOf(structType[In](), a.registry, title(r.ID))
	if (in.raw != nil) != r.RawBody {
		panic("web: RawBody of route and input differ for " + r.ID)
	}
	out := replyPlanOf(structType[Out]())
	if reg.Status == 0 {
		reg.Status = http.StatusOK
		if out.body == nil {
			reg.Status = http.StatusNoContent
		}
	}
	a.document(reg, in, answers{body: bodySchema[Out](a, out, r.ID)})
	a.serve(reg, func(ctx context.Context, c *fiber.Ctx, sc *scope) error {
		var input In
		if err := a.s.bind(c, sc, in, reg.BodyLimit, reflect.ValueOf(&input).Elem()); err != nil {
			return err
		}
		output, err := fn(ctx, &input)
		if err != nil {
			return err
		}
		if err := out.write(c, reflect.ValueOf(output), reg.Status, a.s.secure); err != nil || reg.MediaType == "" {
			return err
		}
		c.Response().Header.SetContentType(reg.MediaType)
		return nil
	})
}

func structType[T any]() reflect.Type {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("web: %s must be a struct", t))
	}
	return t
}

func bodySchema[Out any](a *API, p *replyPlan, id string) *huma.Schema {
	if p.body == nil {
		return nil
	}
	return huma.SchemaFromField(a.registry, reflect.TypeFor[Out]().FieldByIndex(p.body), title(id)+"Response")
}

// title is the ID with its first letter large, as in names of schemas.
func title(id string) string {
	if id == "" {
		return ""
	}
	return strings.ToUpper(id[:1]) + id[1:]
}
