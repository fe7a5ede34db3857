// Package scim is a SCIM 2.0 service provider: identity systems create, change
// and remove people and groups here, by RFC 7643 and 7644 and as Entra and Okta
// speak it.
//
// What a newcomer gets wrong: a client sees and changes only what it
// provisioned itself. It can take over neither local people nor those of a
// directory or of another client.
package scim

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// Where the service is, and its limits.
const (
	base     = "/scim/v2"
	maxCount = 1000    // resources on one page
	maxBulk  = 1000    // operations of one bulk request
	maxBody  = 4 << 20 // bytes

	kindUser  = "User"
	kindGroup = "Group"
)

// Client is an identity system that may provision.
type Client struct {
	ID, Workspace, Owner, Name string
	Role                       actor.Role // of its people in the workspace
	Created, Used              time.Time
}

// Source is the source of the people of the client.
func (c Client) Source() string { return "scim:" + c.Name }

// Service is the SCIM service of the installation. Make it with New.
type Service struct {
	store    store
	accounts *account.Accounts
	notify   func(workspace, person, noun, id string)
	log      *slog.Logger
	now      func() time.Time

	mu   sync.Mutex
	used map[string]time.Time // when the last use of a client was written
}

// resource is a person or a group as a client sees it.
type resource struct {
	id, kind         string
	doc              map[string]any
	version          int64
	created, changed time.Time
	members          []reference // of a group
	groups           []reference // of a person
}

// reference is a member of a group, or a group of a person.
type reference struct{ id, display string }

// etag is the version as HTTP has it.
func (r resource) etag() string { return fmt.Sprintf(`W/"%d"`, r.version) }

func (r resource) location() string { return base + "/" + r.kind + "s/" + r.id }

// shown is the whole document as it is sent.
func (r resource) shown() map[string]any {
	doc := make(map[string]any, len(r.doc)+4)
	for k, v := range r.doc {
		doc[k] = v
	}
	doc["id"] = r.id
	doc["meta"] = map[string]any{"resourceType": r.kind, "created": r.created.Format(time.RFC3339Nano), "lastModified": r.changed.Format(time.RFC3339Nano),
		"location": r.location(), "version": r.etag()}
	list := func(refs []reference, kind string) []any {
		out := make([]any, 0, len(refs))
		for _, m := range refs {
			out = append(out, map[string]any{"value": m.id, "display": m.display, "$ref": base + "/" + kind + "s/" + m.id})
		}
		return out
	}
	if r.kind == kindGroup {
		doc["members"] = list(r.members, kindUser)
	} else {
		doc["groups"] = list(r.groups, kindGroup)
	}
	return doc
}

// problem is a refusal as RFC 7644 writes it.
type problem struct {
	status         int
	scimType, text string
}

func (p problem) Error() string { return p.text }

// problemOf makes a refusal of any error.
func problemOf(err error) problem {
	var p problem
	var patch patchError
	var syntax syntaxError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &patch):
		return problem{http.StatusBadRequest, patch.kind, patch.text}
	case errors.As(err, &syntax):
		return problem{http.StatusBadRequest, "invalidFilter", syntax.text}
	}
	told := fault.Of(err)
	text := strings.TrimSpace(told.Sentence + " " + told.Cure)
	switch told.Kind {
	case fault.NotFound:
		return problem{http.StatusNotFound, "", text}
	case fault.Conflict:
		return problem{http.StatusConflict, "uniqueness", text}
	case fault.Invalid, fault.Malformed:
		return problem{http.StatusBadRequest, "invalidValue", text}
	case fault.Forbidden:
		return problem{http.StatusForbidden, "", text}
	case fault.TooMany, fault.Unavailable:
		return problem{http.StatusServiceUnavailable, "", text}
	case fault.Full:
		return problem{http.StatusInsufficientStorage, "", text}
	}
	return problem{http.StatusInternalServerError, "", "The request could not be done. The log says why."}
}

func noResource(kind, id string) error {
	return problem{http.StatusNotFound, "", fmt.Sprintf("There is no %s %q.", strings.ToLower(kind), id)}
}

// enter is the client of an Authorization header.
func (s *Service) enter(ctx context.Context, header string) (Client, context.Context, error) {
	refused := problem{http.StatusUnauthorized, "", "The bearer token is missing or not known. Make one with: chatets scim add"}
	scheme, token, _ := strings.Cut(header, " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 512 {
		return Client{}, ctx, refused
	}
	c, err := s.store.byToken(ctx, digest(token))
	if fault.Is(err, fault.NotFound) {
		return Client{}, ctx, refused
	}
	if err != nil {
		return Client{}, ctx, err
	}
	s.touch(ctx, c)
	before := actor.From(ctx)
	return c, actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID, Workspace: c.Workspace, Address: before.Address, Request: before.Request}), nil
}

// touch notes the use of a client, at most once a minute.
func (s *Service) touch(ctx context.Context, c Client) {
	s.mu.Lock()
	due := s.now().Sub(s.used[c.ID]) >= time.Minute
	if due {
		s.used[c.ID] = s.now()
	}
	s.mu.Unlock()
	if !due {
		return
	}
	if err := s.store.touch(context.WithoutCancel(ctx), c.ID); err != nil {
		s.log.Warn("the last use of a SCIM client was not written", "client", c.ID, "error", err)
	}
}

func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// newToken is a token that nobody can guess.
func newToken() (string, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("draw a token: %w", err)
	}
	return "scim_" + base64.RawURLEncoding.EncodeToString(raw), nil
}

// object reads the body of a request.
func object(body []byte) (map[string]any, error) {
	var doc map[string]any
	if err := json.Unmarshal(body, &doc); err != nil || doc == nil {
		return nil, problem{http.StatusBadRequest, "invalidSyntax", "The body is no JSON object."}
	}
	return doc, nil
}

// create makes a person or a group.
func (s *Service) create(ctx context.Context, c Client, kind string, doc map[string]any) (resource, error) {
	members, doc, err := s.prepared(kind, doc)
	if err != nil {
		return resource{}, err
	}
	r, err := s.store.create(ctx, s.accounts, c, kind, doc, members)
	if err == nil {
		s.tell(c, kind)
	}
	return r, err
}

// prepared is a document in its one form, without the members of a group.
func (s *Service) prepared(kind string, doc map[string]any) ([]string, map[string]any, error) {
	if err := normal(doc, kind); err != nil {
		return nil, nil, err
	}
	if kind == kindUser {
		_, err := personOf(doc)
		return nil, doc, err
	}
	if textOf(doc, "displayName") == "" {
		return nil, nil, patchError{"invalidValue", "displayName is missing"}
	}
	var members []string
	for _, m := range listed(doc["members"]) {
		id, ok := mark(m)
		if !ok {
			return nil, nil, patchError{"invalidValue", "a member is an object with the id of a person as value"}
		}
		members = append(members, id)
	}
	delete(doc, "members")
	return members, doc, nil
}

// change changes a person or a group by what do makes of its document, unless
// its version is not the one that was asked for.
func (s *Service) change(ctx context.Context, c Client, kind, id, ifMatch string, do func(map[string]any) (map[string]any, error)) (resource, error) {
	r, err := s.store.change(ctx, s.accounts, c, kind, id, func(r resource) (map[string]any, []string, error) {
		if ifMatch != "" && ifMatch != "*" && !matches(ifMatch, r.etag()) {
			return nil, nil, problem{http.StatusPreconditionFailed, "", "The resource was changed by somebody else meanwhile. Read it again."}
		}
		doc, err := do(r.shown())
		if err != nil {
			return nil, nil, err
		}
		members, doc, err := s.prepared(kind, doc)
		return doc, members, err
	})
	if err == nil {
		s.tell(c, kind)
	}
	return r, err
}

// matches reports whether a list of entity tags has the one.
func matches(header, tag string) bool {
	for _, one := range strings.Split(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

func (s *Service) patch(ctx context.Context, c Client, kind, id, ifMatch string, body []byte) (resource, error) {
	var in struct {
		Operations []Operation `json:"Operations"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return resource{}, problem{http.StatusBadRequest, "invalidSyntax", "The body is no patch."}
	}
	if len(in.Operations) == 0 || len(in.Operations) > maxBulk {
		return resource{}, problem{http.StatusBadRequest, "invalidSyntax", "A patch has from 1 to 1000 operations."}
	}
	return s.change(ctx, c, kind, id, ifMatch, func(doc map[string]any) (map[string]any, error) {
		for _, o := range in.Operations {
			if err := apply(doc, o); err != nil {
				return nil, err
			}
		}
		return doc, nil
	})
}

// remove takes a person or a group away. A person is disabled at once and keeps
// what was made; the same person provisioned again comes back to it.
func (s *Service) remove(ctx context.Context, c Client, kind, id, ifMatch string) error {
	err := s.store.remove(ctx, s.accounts, c, kind, id, func(r resource) error {
		if ifMatch != "" && ifMatch != "*" && !matches(ifMatch, r.etag()) {
			return problem{http.StatusPreconditionFailed, "", "The resource was changed by somebody else meanwhile. Read it again."}
		}
		return nil
	})
	if err == nil {
		s.tell(c, kind)
	}
	return err
}

func (s *Service) tell(c Client, kind string) {
	if s.notify == nil {
		return
	}
	noun := "person"
	if kind == kindGroup {
		noun = "group"
	}
	s.notify(c.Workspace, "", noun, "")
}
