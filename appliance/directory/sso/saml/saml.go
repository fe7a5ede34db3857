// Package saml is the service provider's half of SAML 2.0: metadata, requests,
// and the checks of what an identity provider sends through a browser.
//
// What a newcomer gets wrong: XML that is signed somewhere is not signed. The only
// element that is ever read is the one that the verified signature covers, in the
// form that was digested, and a document with more than one assertion, response
// or signature place is refused before anything is checked.
package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"time"

	"chatets/appliance/fault"
)

// Namespaces, bindings and words of the standard.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsEncrypted = "http://www.w3.org/2001/04/xmlenc#"

	bindRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	bindPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"

	bearer    = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	success   = "urn:oasis:names:tc:SAML:2.0:status:Success"
	transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"

	sigRSA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
)

// Leeway is how far the clocks of the provider and of this server may differ.
const Leeway = 2 * time.Minute

// maxAge is how old a message may be when it arrives.
const maxAge = 10 * time.Minute

// SP is this installation as a provider sees it.
type SP struct {
	EntityID, ACS, SLO string
	Key                *rsa.PrivateKey
	Certificate        *x509.Certificate
	Now                func() time.Time
}

// IdP is an identity provider, out of its metadata.
type IdP struct {
	EntityID     string
	SSO          string // by redirect
	SLO          string // by redirect, "" = none
	SLOResponse  string // where answers to its sign-outs go
	Certificates []*x509.Certificate
	Formats      []string // of names
}

// Name is somebody as the provider calls it.
type Name struct {
	Value, Format, NameQualifier, SPNameQualifier string
}

// Assertion is what a provider says of somebody, out of the signed element.
type Assertion struct {
	ID           string
	Name         Name
	Session      string // the provider's
	InResponseTo string // "" = nobody asked
	Attributes   map[string][]string
	Until        time.Time // it is refused from then on anyway
}

// refuse is why a message is not believed.
func refuse(code, cure, format string, args ...any) error {
	return fault.New(fault.Forbidden, format, args...).Code(code).Cure("%s", cure)
}

// shown is text of a provider as it may stand in a sentence.
func shown(text string) string {
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
