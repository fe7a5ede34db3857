package saml

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"chatets/appliance/fault"
)

const sample = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0" IssueInstant="2026-11-25T10:00:00Z" Destination="https://chat.test/acs" InResponseTo="_q">
<saml:Issuer>https://idp.test</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion ID="_a" Version="2.0" IssueInstant="2026-11-25T10:00:00Z"><saml:Issuer>https://idp.test</saml:Issuer>
<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
<ds:Reference URI="#_a"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>
<saml:Subject><saml:NameID>anna@corp.test</saml:NameID></saml:Subject></saml:Assertion></samlp:Response>`

// parties are this installation and a provider whose private key nobody has.
func parties(t testing.TB) (SP, IdP) {
	t.Helper()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	key, cert, err := NewKey("sp", now)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := NewKey("idp", now)
	if err != nil {
		t.Fatal(err)
	}
	sp := SP{EntityID: "https://chat.test/metadata", ACS: "https://chat.test/acs", SLO: "https://chat.test/slo", Now: func() time.Time { return now }}
	if sp.Key, sp.Certificate, err = ParseKey(key, cert); err != nil {
		t.Fatal(err)
	}
	_, idpCert, err := ParseKey(key, other)
	if err != nil {
		t.Fatal(err)
	}
	idp := IdP{EntityID: "https://idp.test", SSO: "https://idp.test/sso", SLO: "https://idp.test/slo", SLOResponse: "https://idp.test/slo"}
	idp.Certificates = append(idp.Certificates, idpCert)
	return sp, idp
}

// Nobody has the key, so whatever the fuzzer writes is refused, with a reason.
func FuzzResponse(f *testing.F) {
	sp, idp := parties(f)
	for _, seed := range []string{sample, "", "<a/>", "<!DOCTYPE a><a/>", strings.Replace(sample, "anna", "an<!-- -->na", 1), strings.Replace(sample, `ID="_a"`, `ID="_r"`, 1),
		strings.ReplaceAll(sample, "saml:Assertion", "saml:EncryptedAssertion"), strings.Replace(sample, "sha256", "sha1", 1), "\xff\xfe<\x00a\x00/\x00>\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := sp.Response(raw, idp, func(string) error { return nil })
		if err == nil {
			t.Fatalf("taken: %+v", a)
		}
		if r := fault.Of(err); r.Kind != fault.Forbidden || r.Sentence == "" || r.Cure == "" {
			t.Errorf("refused without a reason: %v", err)
		}
	})
}

func FuzzLogout(f *testing.F) {
	sp, idp := parties(f)
	f.Add("SAMLRequest=fVE&SigAlg=x&Signature=AAAA", []byte("SAMLRequest="+base64.StdEncoding.EncodeToString([]byte(sample))))
	f.Add("SAMLRequest=%zz", []byte("%zz"))
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		if _, ok, err := sp.LogoutByRedirect(query, idp); ok && err == nil {
			t.Fatal("taken by redirect")
		}
		if _, ok, err := sp.LogoutByPost(body, idp); ok && err == nil {
			t.Fatal("taken by post")
		}
	})
}

func FuzzMetadata(f *testing.F) {
	sp, _ := parties(f)
	own, err := sp.Metadata()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte(sample))
	f.Fuzz(func(t *testing.T, raw []byte) {
		idp, err := ParseMetadata(raw)
		if err == nil && (idp.EntityID == "" || idp.SSO == "" || len(idp.Certificates) == 0) {
			t.Fatalf("taken: %+v", idp)
		}
	})
}
