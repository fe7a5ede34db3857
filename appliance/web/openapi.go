package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

const schemaPrefix = "#/components/schemas/"

// intro is the first text of the API documentation.
const intro = "Everything the pages of ChatETS do goes through this API. Times are RFC 3339 in UTC, ids are UUIDs, lists page by cursor: " +
	"pass `next` of one page as `cursor` of the next. Every failure is a problem document (RFC 9457) with a `code` for programs, a sentence " +
	"for people and, where there is one, the cure."

// answers says which kinds of answer a route has.
type answers struct {
	body   *huma.Schema // JSON, nil without one
	events bool
	file   bool
	upload bool // the request body is a file
}

func newAPI(s *Server) *API {
	a := &API{s: s, ids: map[string]bool{}, registry: huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)}
	a.doc = &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "ChatETS", Description: intro, Version: version(s.config.Version)},
		Components: &huma.Components{Schemas: a.registry, SecuritySchemes: map[string]*huma.SecurityScheme{
			"bearer": {Type: "http", Scheme: "bearer", Description: "The token that `POST /api/auth/login` answers with."},
			"cookie": {Type: "apiKey", In: "cookie", Name: cookieName(s.secure),
				Description: "The session of a browser. Writing requests also carry the header X-CSRF-Token with the token `GET /api/session` answers with."},
		}},
		Paths: map[string]*huma.PathItem{},
	}
	a.registry.Schema(reflect.TypeFor[Problem](), true, "")
	return a
}

func version(v string) string {
	if v == "" {
		return "0"
	}
	return v
}

// ownRoutes are the few routes this package has itself.
func (a *API) ownRoutes() {
	document := a.add(Route{Method: "GET", Path: "/api/openapi.json", ID: "openapi", Tag: "About", Access: Public,
		Summary: "This document."})
	document.Status = http.StatusOK
	a.document(document, &plan{}, answers{body: &huma.Schema{Type: huma.TypeObject}})
	once := sync.OnceValues(a.s.OpenAPI) // nobody asks before the routes are complete
	a.serve(document, func(_ context.Context, c *fiber.Ctx, _ *scope) error {
		data, err := once()
		if err != nil {
			return err
		}
		c.Response().Header.SetContentType("application/json")
		c.Response().SetBodyRaw(data)
		return nil
	})
	a.s.Hub.route(a)
}

// document adds the route to the OpenAPI document and makes its request schemas
// ready to be checked against.
func (a *API) document(r *registered, p *plan, w answers) {
	a.tidy(w.body)
	a.tidy(p.schema)
	for _, q := range p.params {
		a.tidy(q.schema)
		a.checkable(q.schema, r.ID, map[string]bool{})
	}
	a.checkable(p.schema, r.ID, map[string]bool{})
	for _, s := range a.registry.Map() {
		a.tidy(s)
	}
	a.checkPath(r, p)
	if r.Access == Socket {
		return
	}
	op := &huma.Operation{
		Method: r.Method, Path: r.Path, OperationID: r.ID, Summary: r.Summary, Responses: map[string]*huma.Response{},
		Description: strings.TrimSpace(accessWords(r.Access) + " " + scopeWords(r.Route)),
	}
	if r.Tag != "" {
		op.Tags = []string{r.Tag}
	}
	for _, q := range p.params {
		if q.hidden || q.in == "header" && slices.Contains([]string{"accept", "authorization", "content-type", "cookie"}, strings.ToLower(q.name)) {
			continue
		}
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: q.name, In: q.in, Required: q.required, Schema: q.schema, Description: q.schema.Description,
		})
	}
	switch {
	case p.body != nil:
		op.RequestBody = &huma.RequestBody{Required: p.required, Content: content("application/json", p.schema)}
	case w.upload || p.raw != nil:
		op.RequestBody = &huma.RequestBody{Required: true, Content: content("application/octet-stream", binary()),
			Description: fmt.Sprintf("The file itself, at most %s.", size(r.BodyLimit))}
	}
	op.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
	if r.Access == Public {
		op.Security = []map[string][]string{}
	}
	a.answers(op, r, w)
	for _, status := range problemStatuses(r, p, w) {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: statusWords(status), Content: problemContent()}
	}
	op.Responses["default"] = &huma.Response{Description: "Any other failure", Content: problemContent()}
	a.doc.AddOperation(op)
}

func (a *API) answers(op *huma.Operation, r *registered, w answers) {
	ok := &huma.Response{Description: statusWords(r.Status)}
	const stream = "a stream of server-sent events whose data is JSON; their ids go into `Last-Event-ID` to go on after a lost connection, and `shutdown` asks to come back later."
	switch {
	case w.file:
		ok.Content = content("application/octet-stream", binary())
		ok.Description = "The file, with its own media type and its name in Content-Disposition."
	case w.body != nil:
		ok.Content = content("application/json", w.body)
	}
	if w.events {
		events := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: "Server-sent events."}}
		if w.body == nil {
			ok.Description = "The answer is " + stream
			ok.Content = map[string]*huma.MediaType{"text/event-stream": events}
		} else {
			ok.Description = "With `Accept: text/event-stream` the answer is " + stream + " Otherwise JSON."
			ok.Content["text/event-stream"] = events
		}
	}
	op.Responses[strconv.Itoa(r.Status)] = ok
	for status, example := range r.Also {
		schema := a.registry.Schema(reflect.TypeOf(example), true, title(r.ID)+strconv.Itoa(status))
		a.tidy(schema)
		for _, s := range a.registry.Map() {
			a.tidy(s)
		}
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: statusWords(status), Content: content("application/json", schema)}
	}
}

func content(media string, s *huma.Schema) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{media: {Schema: s}}
}

func binary() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "binary"} }

func problemContent() map[string]*huma.MediaType {
	return content("application/problem+json", &huma.Schema{Ref: schemaPrefix + "Problem"})
}

func accessWords(x Access) string {
	switch x {
	case Public:
		return "For everybody, signed in or not."
	case Administrator:
		return "For administrators."
	case Auditing:
		return "For administrators and auditors."
	}
	return ""
}

func scopeWords(r Route) string {
	switch {
	case r.Access == Public:
		return ""
	case r.Scope == "":
		return "Not with an API key."
	}
	return "API keys need the scope " + string(r.Scope) + "."
}

func statusWords(status int) string {
	if status == 499 {
		return "Stopped"
	}
	return http.StatusText(status)
}

// problemStatuses are the failures every route of this shape has, and its own.
func problemStatuses(r *registered, p *plan, w answers) []int {
	list := slices.Clone(r.Errors)
	if r.Access != Public {
		list = append(list, http.StatusUnauthorized)
	}
	if r.Access == Administrator || r.Access == Auditing {
		list = append(list, http.StatusForbidden)
	}
	if len(p.params) > 0 || p.body != nil {
		list = append(list, http.StatusUnprocessableEntity)
	}
	if p.body != nil || p.raw != nil || w.upload {
		list = append(list, http.StatusRequestEntityTooLarge)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// tidy corrects what huma's schemas say but our answers never do: a list is
// never null, see filler.
func (a *API) tidy(s *huma.Schema) {
	if s == nil || s.Ref != "" {
		return
	}
	if s.Type == huma.TypeArray || s.Type == huma.TypeObject {
		s.Nullable = false
	}
	a.tidy(s.Items)
	for _, p := range s.Properties {
		a.tidy(p)
	}
	if extra, ok := s.AdditionalProperties.(*huma.Schema); ok {
		a.tidy(extra)
	}
}

// checkable refuses rules in a request schema that nothing would check.
func (a *API) checkable(s *huma.Schema, id string, seen map[string]bool) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		if !seen[s.Ref] {
			seen[s.Ref] = true
			a.checkable(a.registry.SchemaFromRef(s.Ref), id, seen)
		}
		return
	}
	if _, ok := formats[s.Format]; s.Type == huma.TypeString && s.Format != "" && s.Format != "binary" && !ok {
		panic("web: nothing checks the format " + s.Format + " in " + id)
	}
	if s.OneOf != nil || s.AnyOf != nil || s.AllOf != nil || s.Not != nil || len(s.DependentRequired) > 0 {
		panic("web: " + id + " uses a rule of JSON Schema that is not checked")
	}
	if s.Pattern != "" {
		regexp.MustCompile(s.Pattern)
	}
	a.checkable(s.Items, id, seen)
	for _, p := range s.Properties {
		a.checkable(p, id, seen)
	}
	if extra, ok := s.AdditionalProperties.(*huma.Schema); ok {
		a.checkable(extra, id, seen)
	}
}

// checkPath holds the path parameters of the path and of the input together.
func (a *API) checkPath(r *registered, p *plan) {
	var inPath, inInput []string
	for _, s := range r.segments {
		if strings.HasPrefix(s, "{") {
			inPath = append(inPath, strings.Trim(s, "{}"))
		}
	}
	for _, q := range p.params {
		if q.in == "path" {
			inInput = append(inInput, q.name)
		}
	}
	slices.Sort(inPath)
	slices.Sort(inInput)
	if !slices.Equal(inPath, inInput) {
		panic(fmt.Sprintf("web: %s has the path parameters %v, its input %v", r.ID, inPath, inInput))
	}
}

// OpenAPI is the OpenAPI 3.1 document of all routes but those of the socket,
// the same bytes for the same routes.
func (s *Server) OpenAPI() ([]byte, error) {
	s.API.mu.Lock()
	defer s.API.mu.Unlock()
	raw, err := json.Marshal(s.API.doc)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	prune(doc)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil { // maps are written in the order of their keys
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return b.Bytes(), nil
}

// prune takes out the schemas that only routes of the socket use.
func prune(doc map[string]any) {
	components, _ := doc["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	used := map[string]bool{}
	var follow func(v any)
	follow = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				name := strings.TrimPrefix(ref, schemaPrefix)
				if !used[name] {
					used[name] = true
					follow(schemas[name])
				}
			}
			for _, x := range v {
				follow(x)
			}
		case []any:
			for _, x := range v {
				follow(x)
			}
		}
	}
	follow(doc["paths"])
	for name := range schemas {
		if !used[name] {
			delete(schemas, name)
		}
	}
}
