package scim

import (
	"strings"
	"time"
)

// lookup finds an attribute of a document; names have no case.
func lookup(doc map[string]any, name string) (string, any, bool) {
	if v, found := doc[name]; found {
		return name, v, true
	}
	for key, v := range doc {
		if strings.EqualFold(key, name) {
			return key, v, true
		}
	}
	return name, nil, false
}

// home is the part of a document that a path's schema names.
func (p path) home(doc map[string]any) map[string]any {
	if p.schema == "" || coreSchema(p.schema) {
		return doc
	}
	_, v, _ := lookup(doc, p.schema)
	inner, _ := v.(map[string]any)
	return inner
}

// values are all values that a path names in a document, one level of lists
// opened. A list of objects asked for as a whole gives their "value".
func (p path) values(doc map[string]any) []any {
	doc = p.home(doc)
	if p.name == "" || doc == nil {
		return nil
	}
	_, v, found := lookup(doc, p.name)
	if !found {
		return nil
	}
	items, many := v.([]any)
	if !many {
		items = []any{v}
	}
	var out []any
	for _, item := range items {
		object, complex := item.(map[string]any)
		switch {
		case p.sub != "" && complex:
			if _, inner, found := lookup(object, p.sub); found {
				out = append(out, inner)
			}
		case p.sub != "":
		case complex && many:
			if _, inner, found := lookup(object, "value"); found {
				out = append(out, inner)
			}
		default:
			out = append(out, item)
		}
	}
	return out
}

func (f and) holds(doc map[string]any) bool { return f.left.holds(doc) && f.right.holds(doc) }

func (f or) holds(doc map[string]any) bool { return f.left.holds(doc) || f.right.holds(doc) }

func (f not) holds(doc map[string]any) bool { return !f.inner.holds(doc) }

func (f within) holds(doc map[string]any) bool {
	for _, item := range objects(f.path, doc) {
		if f.inner.holds(item) {
			return true
		}
	}
	return false
}

// objects are the values of an attribute that are objects.
func objects(p path, doc map[string]any) []map[string]any {
	_, v, _ := lookup(p.home(doc), p.name)
	items, many := v.([]any)
	if !many {
		items = []any{v}
	}
	var out []map[string]any
	for _, item := range items {
		if object, ok := item.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}

func (f compare) holds(doc map[string]any) bool {
	values := f.path.values(doc)
	switch f.op {
	case "pr":
		for _, v := range values {
			if present(v) {
				return true
			}
		}
		return len(objects(f.path, doc)) > 0 && f.path.sub == ""
	case "ne":
		for _, v := range values {
			if f.match("eq", v) {
				return false
			}
		}
		return len(values) > 0 || f.value != nil
	}
	if f.value == nil && f.op == "eq" {
		return len(values) == 0
	}
	for _, v := range values {
		if f.match(f.op, v) {
			return true
		}
	}
	return false
}

func present(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case string:
		return x != ""
	case []any:
		return len(x) > 0
	case map[string]any:
		return len(x) > 0
	}
	return true
}

// match compares one value. Texts have no case but for ids; moments are
// compared as such.
func (f compare) match(op string, v any) bool {
	switch want := f.value.(type) {
	case string:
		got, ok := v.(string)
		if !ok {
			if b, isBool := v.(bool); isBool { // active eq "true", as Entra writes it
				return op == "eq" && strings.EqualFold(want, text(b))
			}
			return false
		}
		if !f.exact() {
			got, want = strings.ToLower(got), strings.ToLower(want)
		}
		switch op {
		case "eq":
			return got == want
		case "co":
			return strings.Contains(got, want)
		case "sw":
			return strings.HasPrefix(got, want)
		case "ew":
			return strings.HasSuffix(got, want)
		}
		order := strings.Compare(got, want)
		if a, err := time.Parse(time.RFC3339, strings.ToUpper(got)); err == nil {
			if b, err := time.Parse(time.RFC3339, strings.ToUpper(want)); err == nil {
				order = a.Compare(b)
			}
		}
		return ordered(op, order)
	case bool:
		got, ok := v.(bool)
		return ok && op == "eq" && got == want
	case float64:
		got, ok := v.(float64)
		if !ok {
			return false
		}
		order := 0
		if got < want {
			order = -1
		} else if got > want {
			order = 1
		}
		return op == "eq" && order == 0 || ordered(op, order)
	}
	return false
}

func ordered(op string, order int) bool {
	switch op {
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	case "le":
		return order <= 0
	}
	return false
}

// exact are the attributes whose case counts, by RFC 7643.
func (f compare) exact() bool {
	return strings.EqualFold(f.path.name, "id") || strings.EqualFold(f.path.name, "externalId") ||
		strings.EqualFold(f.path.name, "members") && (f.path.sub == "" || strings.EqualFold(f.path.sub, "value"))
}

func text(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
