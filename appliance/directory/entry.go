package directory

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"chatets/appliance/account"
)

// entry is a person as the directory has it.
type entry struct {
	dn, key     string
	email, name string
	logins      []string // names to sign in with, folded
	why         string   // why the person may not sign in, "" when nothing keeps it from it
	memberOf    []string // DNs of the groups it says it is in
}

// foldDN is a DN in the one form that DNs are compared in.
func foldDN(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return strings.ToLower(dn)
	}
	return strings.ToLower(parsed.String())
}

// foldLogin is the form in which names to sign in with are compared.
func foldLogin(name string) string { return account.FoldEmail(name) }

// read makes an entry of what the directory said; a sentence says why it cannot
// be a person here.
func (c scheme) read(e *ldap.Entry, now time.Time) (entry, string) {
	p := entry{dn: e.DN, key: keyOf(e, c.key), email: e.GetEqualFoldAttributeValue(c.mail)}
	if p.key == "" {
		return p, "The entry has no " + c.key + ", by which it would be known again."
	}
	for _, name := range []string{e.GetEqualFoldAttributeValue(c.name), e.GetEqualFoldAttributeValue("cn"),
		strings.TrimSpace(e.GetEqualFoldAttributeValue("givenName") + " " + e.GetEqualFoldAttributeValue("sn")), e.GetEqualFoldAttributeValue(c.login)} {
		if clean, err := account.Name("name", name); err == nil {
			p.name = clean
			break
		}
	}
	if p.name == "" {
		return p, "The entry has no name that can be shown."
	}
	login := e.GetEqualFoldAttributeValue(c.login)
	for _, name := range []string{login, e.GetEqualFoldAttributeValue(c.principal)} {
		if name = foldLogin(name); name != "" && len(name) <= 254 && !slices.Contains(p.logins, name) {
			p.logins = append(p.logins, name)
		}
	}
	// Who has no mailbox is known by the name of the domain.
	for _, email := range []string{p.email, e.GetEqualFoldAttributeValue(c.principal), login + "@" + domainOf(c.base)} {
		clean, err := account.Email("email", email)
		if p.email = clean; err == nil {
			break
		}
	}
	if p.email == "" {
		return p, "The entry has neither an e-mail address nor a name to sign in with."
	}
	p.why = closed(e, now)
	p.memberOf = e.GetEqualFoldAttributeValues("memberOf")
	return p, ""
}

// keyOf is the unchanging key of an entry: text, or bytes as hexadecimal digits.
func keyOf(e *ldap.Entry, attribute string) string {
	if strings.EqualFold(attribute, "objectGUID") {
		return hex.EncodeToString(e.GetEqualFoldRawAttributeValue(attribute))
	}
	return strings.ToLower(e.GetEqualFoldAttributeValue(attribute))
}

// closed says why an account of a directory is closed, "" when it is open. A
// lock that ends by itself is none: the directory refuses meanwhile.
func closed(e *ldap.Entry, now time.Time) string {
	const accountDisable = 0x2
	if control, err := strconv.ParseInt(e.GetEqualFoldAttributeValue("userAccountControl"), 10, 64); err == nil && control&accountDisable != 0 {
		return "disabled"
	}
	if expires := filetime(e.GetEqualFoldAttributeValue("accountExpires")); !expires.IsZero() && !now.Before(expires) {
		return "expired"
	}
	if e.GetEqualFoldAttributeValue("pwdAccountLockedTime") == "000001010000Z" { // for ever, by the password policy draft
		return "locked"
	}
	if strings.EqualFold(e.GetEqualFoldAttributeValue("nsAccountLock"), "true") {
		return "disabled"
	}
	if days, err := strconv.ParseInt(e.GetEqualFoldAttributeValue("shadowExpire"), 10, 64); err == nil && days > 0 && !now.Before(time.Unix(days*86400, 0)) {
		return "expired"
	}
	return ""
}

// filetime is a moment as Active Directory writes it: 100 ns since 1601. 0 and
// the largest number are never.
func filetime(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	const never, epoch = 0x7FFFFFFFFFFFFFFF, 116444736000000000
	if err != nil || n <= 0 || n == never {
		return time.Time{}
	}
	return time.Unix(0, 0).Add(time.Duration((n-epoch)/10_000) * time.Millisecond)
}
