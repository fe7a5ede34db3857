package scim

import (
	"fmt"
	"strings"

	"chatets/appliance/account"
)

// person is what a document of a user says of a person here.
type person struct {
	userName, externalID string
	email, name          string
	active               bool
}

// normal brings a document into its one form: known names as RFC 7643 spells
// them, active a boolean, nothing that only the server says, no password.
func normal(doc map[string]any, kind string) error {
	names := []string{"userName", "externalId", "displayName", "active", "name", "emails", "members", "schemas", "title", "nickName"}
	for _, name := range names {
		if key, v, found := lookup(doc, name); found && key != name {
			delete(doc, key)
			doc[name] = v
		}
	}
	for _, known := range schemaNames() {
		if key, v, found := lookup(doc, known); found && key != known {
			delete(doc, key)
			doc[known] = v
		}
	}
	for _, name := range []string{"id", "meta", "groups", "password"} {
		key, _, _ := lookup(doc, name)
		delete(doc, key)
	}
	for key, v := range doc {
		if v == nil {
			delete(doc, key) // null means that it has no value
		}
	}
	if v, found := doc["active"]; found {
		b, err := boolean(v)
		if err != nil {
			return err
		}
		doc["active"] = b
	}
	if kind == kindGroup {
		doc["schemas"] = []any{groupSchema}
		return nil
	}
	list := []any{userSchema}
	if _, found := doc[enterpriseSchema]; found {
		list = append(list, enterpriseSchema)
	}
	doc["schemas"] = list
	return nil
}

// boolean reads what clients send for a boolean.
func boolean(v any) (bool, error) {
	switch x := v.(type) {
	case bool:
		return x, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(x)) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	case []any: // seen from clients that wrap everything
		if len(x) == 1 {
			return boolean(x[0])
		}
	}
	return false, patchError{"invalidValue", fmt.Sprintf("active is true or false, not %v", v)}
}

func textOf(doc map[string]any, name string) string {
	_, v, _ := lookup(doc, name)
	s, _ := v.(string)
	return strings.TrimSpace(s)
}

// personOf reads a normal document of a user.
func personOf(doc map[string]any) (person, error) {
	p := person{userName: textOf(doc, "userName"), externalID: textOf(doc, "externalId"), active: true}
	if p.userName == "" {
		return p, patchError{"invalidValue", "userName is missing"}
	}
	if len(p.userName) > 254 {
		return p, patchError{"invalidValue", "userName is longer than 254 bytes"}
	}
	if v, found := doc["active"]; found {
		p.active, _ = v.(bool)
	}
	_, name, _ := lookup(doc, "name")
	parts, _ := name.(map[string]any)
	var err error
	for _, candidate := range []string{textOf(doc, "displayName"), textOf(parts, "formatted"), textOf(parts, "givenName") + " " + textOf(parts, "familyName"), p.userName} {
		if p.name, err = account.Name("displayName", candidate); err == nil {
			break
		}
	}
	if err != nil {
		return p, patchError{"invalidValue", "displayName, name and userName hold nothing that can be shown as a name"}
	}
	// The work address first, then the primary one, then any, then a user name that is one.
	var work, primary, first string
	for _, e := range objects(path{name: "emails"}, doc) {
		value := textOf(e, "value")
		if first == "" {
			first = value
		}
		if _, yes, _ := lookup(e, "primary"); yes == true {
			primary = value
		}
		if work == "" && strings.EqualFold(textOf(e, "type"), "work") {
			work = value
		}
	}
	for _, candidate := range []string{primary, work, first, p.userName} {
		if p.email, err = account.Email("emails", candidate); err == nil {
			return p, nil
		}
	}
	return p, patchError{"invalidValue", "neither emails nor userName hold an e-mail address"}
}
