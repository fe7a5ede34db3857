package directory

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"chatets/appliance/fault"
)

// each goes through all entries of a filter a page at a time, so that a directory
// of any size takes the memory of one page.
func (t *talk) each(ctx context.Context, base, filter string, attributes []string, do func(*ldap.Entry) error) error {
	paging := ldap.NewControlPaging(pageSize)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := t.search(base, ldap.ScopeWholeSubtree, 0, filter, attributes, paging)
		if err != nil {
			return err
		}
		for _, e := range got.Entries { // referrals are other directories, and are not followed
			if err := do(e); err != nil {
				return err
			}
		}
		next, ok := ldap.FindControl(got.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok || len(next.Cookie) == 0 {
			return nil
		}
		paging.SetCookie(next.Cookie)
	}
}

func (t *talk) search(base string, scope, most int, filter string, attributes []string, controls ...ldap.Control) (*ldap.SearchResult, error) {
	request := ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, most, int(answerTime.Seconds()), false, filter, attributes, controls)
	got, err := t.Conn.Search(request)
	if err == nil || most > 0 && ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		return got, nil
	}
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject), ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidDNSyntax):
		return nil, fault.New(fault.Conflict, "The directory has no %s.", shown(base)).Code("directory-base").Cure("Check the base DN.").Because(err)
	case ldap.IsErrorWithCode(err, ldap.ErrorFilterCompile), ldap.IsErrorWithCode(err, ldap.LDAPResultFilterError):
		return nil, fault.New(fault.Invalid, "The filter cannot be read: %s", shown(filter)).Code("directory-filter").
			Cure("Check its brackets; it looks like (&(objectClass=person)(mail=*)).").Because(err)
	case ldap.IsErrorWithCode(err, ldap.LDAPResultReferral):
		return nil, fault.New(fault.Conflict, "The server does not hold %s and refers to another.", shown(base)).Code("directory-referral").
			Cure("Give the address of a server that holds it; referrals are not followed.").Because(err)
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded), ldap.IsErrorWithCode(err, ldap.LDAPResultAdminLimitExceeded), ldap.IsErrorWithCode(err, ldap.LDAPResultTimeLimitExceeded):
		return nil, fault.New(fault.Conflict, "The directory ends the search before its end: a limit is set for this account.").Code("directory-limit").
			Cure("Raise the limit of the service account in the directory, or narrow the base or the filter.").Because(err)
	case ldap.IsErrorWithCode(err, ldap.LDAPResultInsufficientAccessRights), ldap.IsErrorWithCode(err, ldap.LDAPResultOperationsError):
		return nil, fault.New(fault.Conflict, "The service account may not look in %s.", shown(base)).Code("directory-rights").
			Cure("Give it the right to read people and groups there.").Because(err)
	}
	return nil, unanswered(err)
}

// shown is a text of the directory, short enough for a sentence.
func shown(text string) string {
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	return strconv.Quote(text)
}

// find is the one entry that what was typed means; nil where there is none, or
// more than one.
func (t *talk) find(typed string) (*ldap.Entry, error) {
	got, err := t.search(t.scheme.base, ldap.ScopeWholeSubtree, 2, t.scheme.find(typed), t.scheme.personAttributes())
	if err != nil || len(got.Entries) != 1 {
		return nil, err
	}
	return got.Entries[0], nil
}

// byKey is the entry with the key, wherever it was moved.
func (t *talk) byKey(key string) (*ldap.Entry, error) {
	value := ldap.EscapeFilter(key)
	if strings.EqualFold(t.scheme.key, "objectGUID") {
		var b strings.Builder
		for i := 0; i+1 < len(key); i += 2 {
			b.WriteString(`\` + key[i:i+2])
		}
		value = b.String()
	}
	got, err := t.search(t.scheme.base, ldap.ScopeWholeSubtree, 2, fmt.Sprintf("(&%s(%s=%s))", t.scheme.personFilter, t.scheme.key, value), t.scheme.personAttributes())
	if err != nil || len(got.Entries) != 1 {
		return nil, err
	}
	return got.Entries[0], nil
}
