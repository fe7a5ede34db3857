package scim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// query is a search as GET parameters or the body of .search say it.
type query struct {
	Filter             string   `json:"filter"`
	SortBy             string   `json:"sortBy"`
	SortOrder          string   `json:"sortOrder"`
	StartIndex         int      `json:"startIndex"`
	Count              *int     `json:"count"`
	Attributes         []string `json:"attributes"`
	ExcludedAttributes []string `json:"excludedAttributes"`
}

// names are the attributes of a comma-separated parameter.
func names(list string) []string {
	var out []string
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// list answers a search with a ListResponse.
func (s *Service) list(ctx context.Context, c Client, kind string, q query) (map[string]any, error) {
	start, count := max(q.StartIndex, 1), 100
	if q.Count != nil {
		count = min(max(*q.Count, 0), maxCount)
	}
	var f filter
	if strings.TrimSpace(q.Filter) != "" {
		var err error
		if f, err = parseFilter(q.Filter); err != nil {
			return nil, err
		}
	}
	ids, total, err := s.found(ctx, c, kind, f, q, start, count)
	if err != nil {
		return nil, err
	}
	refs := !excludes(q, "members") && !excludes(q, "groups")
	page, err := s.store.some(ctx, c, kind, ids, refs)
	if err != nil {
		return nil, err
	}
	items := make([]any, 0, len(page))
	for _, r := range page {
		items = append(items, project(r.shown(), q))
	}
	return map[string]any{"schemas": []string{listSchema}, "totalResults": total, "startIndex": start, "itemsPerPage": len(items), "Resources": items}, nil
}

// found are the ids of a page and how many there are in all. A filter that is
// one equality of a name is asked of the table; any other is asked of each
// document in turn, and only ids are kept.
func (s *Service) found(ctx context.Context, c Client, kind string, f filter, q query, start, count int) ([]string, int, error) {
	if f == nil && q.SortBy == "" {
		return s.store.page(ctx, c, kind, start-1, count)
	}
	column, value := indexed(f, kind)
	type match struct{ id, key string }
	var all []match
	by := path{}
	if q.SortBy != "" {
		var err error
		if by, err = pathOf(q.SortBy); err != nil {
			return nil, 0, problem{http.StatusBadRequest, "invalidPath", err.Error()}
		}
	}
	refs := mentions(f, "members") || mentions(f, "groups")
	err := s.store.each(ctx, c, kind, column, value, refs, func(r resource) error {
		doc := r.shown()
		if f != nil && !f.holds(doc) {
			return nil
		}
		key := ""
		if values := by.values(doc); len(values) > 0 {
			key = strings.ToLower(fmt.Sprint(values[0]))
		}
		all = append(all, match{r.id, key})
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	if q.SortBy != "" {
		slices.SortStableFunc(all, func(a, b match) int { return strings.Compare(a.key, b.key) })
		if strings.EqualFold(q.SortOrder, "descending") {
			slices.Reverse(all)
		}
	}
	total := len(all)
	all = all[min(start-1, total):min(start-1+count, total)]
	ids := make([]string, len(all))
	for i, m := range all {
		ids[i] = m.id
	}
	return ids, total, nil
}

// indexed is the column that narrows a filter, "" where none does.
func indexed(f filter, kind string) (column, value string) {
	switch x := f.(type) {
	case compare:
		text, ok := x.value.(string)
		if !ok || x.op != "eq" || x.path.sub != "" || x.path.schema != "" && !coreSchema(x.path.schema) {
			return "", ""
		}
		switch {
		case strings.EqualFold(x.path.name, "id"):
			return "id", text
		case strings.EqualFold(x.path.name, "externalId"):
			return "external_id", text
		case kind == kindUser && strings.EqualFold(x.path.name, "userName"), kind == kindGroup && strings.EqualFold(x.path.name, "displayName"):
			return "name", strings.ToLower(text)
		}
	case and:
		if column, value = indexed(x.left, kind); column == "" {
			column, value = indexed(x.right, kind)
		}
	}
	return column, value
}

// mentions reports whether a filter asks about an attribute.
func mentions(f filter, name string) bool {
	switch x := f.(type) {
	case compare:
		return strings.EqualFold(x.path.name, name)
	case within:
		return strings.EqualFold(x.path.name, name)
	case and:
		return mentions(x.left, name) || mentions(x.right, name)
	case or:
		return mentions(x.left, name) || mentions(x.right, name)
	case not:
		return mentions(x.inner, name)
	}
	return false
}

func excludes(q query, name string) bool {
	for _, e := range q.ExcludedAttributes {
		if strings.EqualFold(e, name) {
			return true
		}
	}
	if len(q.Attributes) == 0 {
		return false
	}
	for _, a := range q.Attributes {
		if p, err := pathOf(a); err == nil && strings.EqualFold(p.name, name) {
			return false
		}
	}
	return true
}

// project keeps what was asked for. Schemas, id and meta are always returned
// with attributes, and can be excluded but for id and schemas.
func project(doc map[string]any, q query) map[string]any {
	if len(q.Attributes) > 0 {
		out := map[string]any{"schemas": doc["schemas"], "id": doc["id"]}
		for _, text := range q.Attributes {
			p, err := pathOf(text)
			if err != nil {
				continue
			}
			home, into := p.home(doc), out
			if p.schema != "" && !coreSchema(p.schema) {
				if home == nil {
					continue
				}
				if p.name == "" {
					out[p.schema] = home
					continue
				}
				inner, _ := out[p.schema].(map[string]any)
				if inner == nil {
					inner = map[string]any{}
				}
				out[p.schema], into = inner, inner
			}
			key, v, found := lookup(home, p.name)
			if !found {
				continue
			}
			if p.sub != "" {
				v = part(v, p.sub, into[key])
			}
			into[key] = v
		}
		return out
	}
	for _, text := range q.ExcludedAttributes {
		p, err := pathOf(text)
		if err != nil || strings.EqualFold(p.name, "id") || strings.EqualFold(p.name, "schemas") {
			continue
		}
		home := p.home(doc)
		key, v, found := lookup(home, p.name)
		switch {
		case !found:
		case p.sub == "":
			delete(home, key)
		default:
			for _, item := range listed(v) {
				if object, ok := item.(map[string]any); ok {
					k, _, _ := lookup(object, p.sub)
					delete(object, k)
				}
			}
		}
	}
	return doc
}

// part keeps one part of a value or of each value of a list, beside what is kept already.
func part(v any, name string, kept any) any {
	one := func(v, kept any) any {
		object, _ := v.(map[string]any)
		out, _ := kept.(map[string]any)
		if out == nil {
			out = map[string]any{}
		}
		if key, inner, found := lookup(object, name); found {
			out[key] = inner
		}
		return out
	}
	items, many := v.([]any)
	if !many {
		return one(v, kept)
	}
	before, _ := kept.([]any)
	out := make([]any, len(items))
	for i, item := range items {
		var k any
		if i < len(before) {
			k = before[i]
		}
		out[i] = one(item, k)
	}
	return out
}

func number(text string, absent int) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return absent
	}
	return n
}
