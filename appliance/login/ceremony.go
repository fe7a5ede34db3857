package login

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"chatets/appliance/fault"
)

const (
	ceremonyLife    = 5 * time.Minute
	ceremonyPurpose = "passkey-ceremony"
)

// What a ceremony is for.
const (
	toAdd    = "add"    // a new passkey
	toEnter  = "enter"  // sign in by it alone
	toFinish = "finish" // the second step of a sign-in
	toProve  = "prove"  // the proof before what is dangerous
)

// ceremony is what has to be known again when a device answers. It travels
// sealed with the question, so that asking costs no memory here.
type ceremony struct {
	For    string               `json:"for"`
	Person string               `json:"person,omitempty"`
	Ticket string               `json:"ticket,omitempty"` // of the sign-in that waits
	Until  int64                `json:"until"`
	Data   webauthn.SessionData `json:"data"`
}

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// checkServerName refuses what passkeys cannot be bound to.
func checkServerName(name string) error {
	if name == "" || len(name) <= 253 && hostName.MatchString(name) {
		return nil
	}
	return fault.New(fault.Invalid, "This is no host name. Passkeys are bound to a name such as chat.clinic.example, in small letters; an IP address has none.")
}

// serverName is the name that passkeys are bound to: the setting, otherwise the
// name in the base address; "" where there is none.
func (l *Logins) serverName(ctx context.Context) string {
	if name := l.name.Get(ctx); name != "" {
		return name
	}
	u, err := url.Parse(l.base())
	if err != nil || checkServerName(strings.ToLower(u.Hostname())) != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// offers reports whether a page at the host can use passkeys.
func (l *Logins) offers(ctx context.Context, host string) bool {
	name := l.serverName(ctx)
	bare, _, _ := strings.Cut(host, ":")
	if _, err := netip.ParseAddr(strings.Trim(bare, "[]")); err == nil || name == "" {
		return false
	}
	return bare == name || strings.HasSuffix(bare, "."+name)
}

// party is the library with our name and the origins a page of ours has.
func (l *Logins) party(ctx context.Context, host string) (*webauthn.WebAuthn, error) {
	name := l.serverName(ctx)
	if !l.offers(ctx, host) {
		return nil, fault.New(fault.Conflict, "Passkeys are bound to the name of the server, and this page was not opened by it.").Code("passkey-needs-name").
			Cure("%s", needsName(name))
	}
	origins := []string{"https://" + host}
	if bare, _, _ := strings.Cut(host, ":"); bare == "localhost" {
		origins = append(origins, "http://"+host) // the one name that browsers trust without TLS
	}
	if u, err := url.Parse(l.base()); err == nil && u.Scheme == "https" {
		origins = append(origins, "https://"+strings.ToLower(u.Host))
	}
	return webauthn.New(&webauthn.Config{RPID: name, RPDisplayName: issuer, RPOrigins: origins, AttestationPreference: protocol.PreferNoAttestation})
}

func needsName(name string) string {
	if name == "" {
		return "An administrator sets server.name to the name people open ChatETS by; an IP address has none."
	}
	return "Open ChatETS by the name " + name + "."
}

// seal is a ceremony as it travels.
func (l *Logins) seal(c ceremony) (string, error) {
	c.Until = l.now().Add(ceremonyLife).UnixMilli()
	plain, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	sealed, err := l.keys.Seal(ceremonyPurpose, plain, l.process)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// unseal is the ceremony that an answer belongs to, if it is for one of the
// purposes and not too long ago.
func (l *Logins) unseal(text string, purposes ...string) (ceremony, error) {
	var c ceremony
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return c, ceremonyOver()
	}
	plain, err := l.keys.Open(ceremonyPurpose, sealed, l.process)
	if err != nil || json.Unmarshal(plain, &c) != nil || l.now().UnixMilli() > c.Until {
		return c, ceremonyOver()
	}
	if !slices.Contains(purposes, c.For) {
		return c, ceremonyOver()
	}
	return c, nil
}

// spend uses a ceremony up; false when it was used before.
func (l *Logins) spend(c ceremony) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now().UnixMilli()
	for challenge, until := range l.spent {
		if until < now {
			delete(l.spent, challenge)
		}
	}
	if _, before := l.spent[c.Data.Challenge]; before {
		return false
	}
	l.spent[c.Data.Challenge] = c.Until
	return true
}

func ceremonyOver() error {
	return fault.New(fault.Unauthenticated, "The question to the passkey is too long ago, or was answered before.").Code("passkey-expired").Cure("Begin again.")
}
