package scim

import (
	"fmt"
	"reflect"
	"strings"
)

// Operation is one step of a PATCH, by RFC 7644, section 3.5.2, and as Entra and
// Okta send it: with any case of op, and paths as keys of a value without path.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patchError is a step that cannot be done, with its scimType.
type patchError struct{ kind, text string }

func (e patchError) Error() string { return e.text }

// target is a parsed path of a PATCH: attribute, which of its values, and which part of them.
type target struct {
	path
	which filter // nil = all
	part  string // behind the bracket: emails[type eq "work"].value
}

func parseTarget(text string) (target, error) {
	if len(text) > maxFilter {
		return target{}, patchError{"invalidPath", "the path is too long"}
	}
	p := &parser{text: text}
	name, err := p.path()
	if err != nil {
		return target{}, patchError{"invalidPath", err.Error()}
	}
	t := target{path: name}
	if p.sign('[') {
		if t.which, err = p.or(); err != nil {
			return t, patchError{"invalidFilter", err.Error()}
		}
		if !p.sign(']') {
			return t, patchError{"invalidPath", "the bracket in the path is not closed"}
		}
		if p.sign('.') {
			part, err := p.path()
			if err != nil || part.sub != "" || part.schema != "" {
				return t, patchError{"invalidPath", "behind the bracket stands the name of a part"}
			}
			t.part = part.name
		}
	}
	if p.space(); p.at < len(p.text) {
		return t, patchError{"invalidPath", fmt.Sprintf("%q cannot be read as a path", text)}
	}
	return t, nil
}

// apply does one step on a document.
func apply(doc map[string]any, o Operation) error {
	op := strings.ToLower(strings.TrimSpace(o.Op))
	switch op {
	case "add", "replace", "remove":
	default:
		return patchError{"invalidSyntax", fmt.Sprintf("the operation %q is none of add, replace and remove", o.Op)}
	}
	if strings.TrimSpace(o.Path) == "" {
		if op == "remove" {
			return patchError{"noTarget", "remove needs a path"}
		}
		object, ok := o.Value.(map[string]any)
		if !ok {
			return patchError{"invalidValue", "an operation without path needs an object as value"}
		}
		for key, value := range object {
			if strings.EqualFold(key, "schemas") {
				continue
			}
			// Keys may be paths. A whole extension is merged attribute by attribute.
			if inner, ok := value.(map[string]any); ok && strings.HasPrefix(strings.ToLower(key), "urn:") {
				for name, v := range inner {
					if err := apply(doc, Operation{op, key + ":" + name, v}); err != nil {
						return err
					}
				}
				continue
			}
			if err := apply(doc, Operation{op, key, value}); err != nil {
				return err
			}
		}
		return nil
	}
	t, err := parseTarget(o.Path)
	if err != nil {
		return err
	}
	if readOnly(t.name) {
		return patchError{"mutability", fmt.Sprintf("%s cannot be changed", t.name)}
	}
	home := doc
	if t.schema != "" && !coreSchema(t.schema) {
		key, v, _ := lookup(doc, t.schema)
		inner, ok := v.(map[string]any)
		if !ok {
			if op == "remove" {
				return nil
			}
			inner = map[string]any{}
		}
		if t.name == "" {
			return whole(doc, key, inner, op, o.Value)
		}
		doc[key], home = inner, inner
	}
	return t.change(home, op, o.Value)
}

// whole changes an extension as a whole.
func whole(doc map[string]any, key string, inner map[string]any, op string, value any) error {
	if op == "remove" {
		delete(doc, key)
		return nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return patchError{"invalidValue", "the value of an extension is an object"}
	}
	if op == "replace" {
		inner = map[string]any{}
	}
	for name, v := range object {
		k, _, _ := lookup(inner, name)
		inner[k] = v
	}
	doc[key] = inner
	return nil
}

func (t target) change(home map[string]any, op string, value any) error {
	key, old, found := lookup(home, t.name)
	if t.which != nil {
		return t.changeSome(home, key, old, op, value)
	}
	if t.sub != "" {
		return t.changeSub(home, key, old, op, value)
	}
	list, many := old.([]any)
	switch {
	case op == "remove" && value != nil && many:
		home[key] = without(list, value) // as Entra and Okta take members out
	case op == "remove":
		delete(home, key)
	case op == "add" && (many || !found && multiValued(t.name)):
		here := setOf(list)
		for _, v := range listed(value) {
			if !here.has(v) {
				here.add(v)
				list = append(list, v)
			}
		}
		home[key] = unique(list)
	case multiValued(t.name):
		home[key] = unique(listed(value))
	default:
		if object, ok := value.(map[string]any); ok {
			if before, ok := old.(map[string]any); ok { // a part that is not named stays
				for name, v := range object {
					k, _, _ := lookup(before, name)
					before[k] = v
				}
				return nil
			}
		}
		home[key] = value
	}
	return nil
}

// changeSub changes one part of an object, or that part of all values of a list.
func (t target) changeSub(home map[string]any, key string, old any, op string, value any) error {
	switch x := old.(type) {
	case []any:
		for _, item := range x {
			if object, ok := item.(map[string]any); ok {
				setPart(object, t.sub, op, value)
			}
		}
	case map[string]any:
		setPart(x, t.sub, op, value)
	default:
		if op == "remove" {
			return nil
		}
		home[key] = map[string]any{t.sub: value}
	}
	return nil
}

func setPart(object map[string]any, name, op string, value any) {
	key, _, _ := lookup(object, name)
	if op == "remove" {
		delete(object, key)
	} else {
		object[key] = value
	}
}

// changeSome changes the values that fit the filter. Where none fits, add and
// replace make one of what the filter says, as Entra expects.
func (t target) changeSome(home map[string]any, key string, old any, op string, value any) error {
	list := listed(old)
	fits := 0
	kept := make([]any, 0, len(list))
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok || !t.which.holds(object) {
			kept = append(kept, item)
			continue
		}
		fits++
		switch {
		case op == "remove" && t.part == "":
			continue
		case t.part != "":
			setPart(object, t.part, op, value)
			kept = append(kept, object)
		default:
			next, ok := value.(map[string]any)
			if !ok {
				return patchError{"invalidValue", "the value is an object"}
			}
			for name, v := range next {
				k, _, _ := lookup(object, name)
				object[k] = v
			}
			kept = append(kept, object)
		}
	}
	if fits == 0 && op != "remove" {
		object, ok := described(t.which)
		if !ok {
			return patchError{"noTarget", "no value fits the filter of the path"}
		}
		if t.part != "" {
			object[t.part] = value
		} else if next, ok := value.(map[string]any); ok {
			for name, v := range next {
				object[name] = v
			}
		} else {
			return patchError{"invalidValue", "the value is an object"}
		}
		kept = append(kept, object)
	}
	if len(kept) == 0 {
		delete(home, key)
	} else {
		home[key] = unique(kept)
	}
	return nil
}

// described is the value that a filter of equalities describes.
func described(f filter) (map[string]any, bool) {
	switch x := f.(type) {
	case compare:
		if x.op == "eq" && x.path.sub == "" && x.path.schema == "" {
			return map[string]any{x.path.name: x.value}, true
		}
	case and:
		left, ok := described(x.left)
		right, too := described(x.right)
		for name, v := range right {
			if left != nil {
				left[name] = v
			}
		}
		return left, ok && too
	}
	return nil, false
}

func listed(v any) []any {
	switch x := v.(type) {
	case nil:
		return nil
	case []any:
		return x
	}
	return []any{v}
}

// mark is the text by which a value is found again in a long list; false where
// only a comparison tells.
func mark(v any) (string, bool) {
	object, ok := v.(map[string]any)
	if !ok {
		return "", false
	}
	_, value, _ := lookup(object, "value")
	text, ok := value.(string)
	return text, ok
}

// set is a list that is asked often what is in it.
type set struct {
	marks map[string]bool
	rest  []any
}

func setOf(list []any) *set {
	s := &set{marks: map[string]bool{}}
	for _, v := range list {
		s.add(v)
	}
	return s
}

func (s *set) add(v any) {
	if m, ok := mark(v); ok {
		s.marks[m] = true
	} else {
		s.rest = append(s.rest, v)
	}
}

func (s *set) has(v any) bool {
	if m, ok := mark(v); ok {
		return s.marks[m]
	}
	for _, item := range s.rest {
		if reflect.DeepEqual(item, v) {
			return true
		}
	}
	return false
}

func without(list []any, value any) []any {
	gone := setOf(listed(value))
	kept := []any{}
	for _, item := range list {
		if !gone.has(item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// unique keeps one primary value: the last that was set.
func unique(list []any) []any {
	last := -1
	for i, item := range list {
		if object, ok := item.(map[string]any); ok {
			if _, v, _ := lookup(object, "primary"); v == true {
				last = i
			}
		}
	}
	for i, item := range list {
		if object, ok := item.(map[string]any); ok && i != last {
			if key, v, _ := lookup(object, "primary"); v == true {
				object[key] = false
			}
		}
	}
	return list
}
