package directory

import (
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// scheme is how one directory names things: its preset with what its settings
// say otherwise.
type scheme struct {
	preset                            string
	base, groupBase                   string
	personFilter, groupFilter         string
	key, login, mail, name, groupName string
	principal                         string // second name to sign in with, "" = none
	changed                           string // attribute of the last change
	member                            string // attribute of groups; "" where people say which groups they are in
}

func schemeOf(s Settings) scheme {
	c := scheme{
		preset: OpenLDAP, base: s.Base, groupBase: s.Base,
		personFilter: "(|(objectClass=inetOrgPerson)(objectClass=posixAccount))",
		groupFilter:  "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
		key:          "entryUUID", login: "uid", mail: "mail", name: "cn", groupName: "cn", changed: "modifyTimestamp", member: "member",
	}
	if s.Preset == ActiveDirectory {
		c = scheme{
			preset: ActiveDirectory, base: s.Base, groupBase: s.Base,
			// Computers are people to Active Directory; trust accounts and contacts have no objectSid and cannot sign in.
			personFilter: "(&(objectCategory=person)(objectClass=user)(sAMAccountName=*))",
			groupFilter:  "(objectCategory=group)",
			key:          "objectGUID", login: "sAMAccountName", mail: "mail", name: "displayName", groupName: "cn",
			principal: "userPrincipalName", changed: "whenChanged",
		}
	}
	for _, o := range []struct {
		to   *string
		from string
	}{
		{&c.groupBase, s.GroupBase}, {&c.personFilter, s.PersonFilter}, {&c.groupFilter, s.GroupFilter}, {&c.key, s.Key}, {&c.login, s.Login},
		{&c.mail, s.Mail}, {&c.name, s.FullName},
	} {
		if o.from != "" {
			*o.to = o.from
		}
	}
	return c
}

// personAttributes are what is asked of an entry of a person.
func (c scheme) personAttributes() []string {
	list := []string{c.key, c.login, c.mail, c.name, "cn", "givenName", "sn", c.changed}
	if c.preset == ActiveDirectory {
		return append(list, c.principal, "userAccountControl", "accountExpires", "memberOf")
	}
	return append(list, "pwdAccountLockedTime", "nsAccountLock", "shadowExpire")
}

// groupAttributes are what is asked of an entry of a group.
func (c scheme) groupAttributes() []string {
	list := []string{c.key, c.groupName, c.changed}
	if c.member == "" {
		return append(list, "memberOf")
	}
	return append(list, "member", "uniqueMember", "memberUid")
}

// find is the filter of the entries that a person may mean with what was typed.
func (c scheme) find(typed string) string {
	names := []string{c.login, c.mail}
	if c.principal != "" {
		names = append(names, c.principal)
	}
	value := ldap.EscapeFilter(typed)
	var b strings.Builder
	for _, name := range names {
		b.WriteString("(" + name + "=" + value + ")")
	}
	return "(&" + c.personFilter + "(|" + b.String() + "))"
}

// inChain is the rule of Active Directory that follows nested groups by itself.
const inChain = "1.2.840.113556.1.4.1941"

// domainOf is the domain that a base names by its dc parts, "" without any.
func domainOf(base string) string {
	dn, err := ldap.ParseDN(base)
	if err != nil {
		return ""
	}
	var parts []string
	for _, rdn := range dn.RDNs {
		for _, a := range rdn.Attributes {
			if strings.EqualFold(a.Type, "dc") {
				parts = append(parts, a.Value)
			}
		}
	}
	return strings.ToLower(strings.Join(parts, "."))
}
