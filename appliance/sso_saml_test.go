package appliance_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"chatets/appliance/config"
)

// A forger is a SAML provider with a key of its own, which says and signs whatever
// a test wants.
type forger struct {
	t      *testing.T
	key    *rsa.PrivateKey
	cert   []byte // DER
	entity string
}

func newForger(t *testing.T) *forger {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &forger{t: t, key: key, cert: cert, entity: "https://idp.test/metadata"}
}

func (f *forger) metadata() string {
	return `<?xml version="1.0"?><!-- from the provider --><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="` + f.entity + `">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` +
		base64.StdEncoding.EncodeToString(f.cert) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.test/slo"/>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.test/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`
}

// statement is what a response says; tests change it before it is signed.
type statement struct {
	id, response, issuer, audience, recipient, destination, inResponseTo, nameID, format string
	confirmedTo                                                                          string // InResponseTo of the confirmation
	issued, notBefore, until                                                             time.Time
	status                                                                               string
	groups                                                                               []string
	noConditions, noConfirmation, noStatement                                            bool
}

func (f *forger) says(name, request, who string) statement {
	at := publicAddress + "/api/auth/saml/" + name
	now := time.Now()
	id := make([]byte, 8)
	_, _ = rand.Read(id)
	return statement{id: fmt.Sprintf("_a%x", id), response: fmt.Sprintf("_r%x", id), issuer: f.entity, audience: at + "/metadata", recipient: at + "/acs", destination: at + "/acs", inResponseTo: request, confirmedTo: request,
		nameID: who + "@corp.test", format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", issued: now, notBefore: now.Add(-time.Minute), until: now.Add(5 * time.Minute),
		status: "urn:oasis:names:tc:SAML:2.0:status:Success", groups: []string{"users"}}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func inXML(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

func attr(name, value string) string {
	if value == "" {
		return ""
	}
	return " " + name + `="` + inXML(value) + `"`
}

func (s statement) assertion() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="%s" Version="2.0" IssueInstant="%s"><saml:Issuer>%s</saml:Issuer>`, s.id, stamp(s.issued), s.issuer)
	fmt.Fprintf(&b, `<saml:Subject><saml:NameID%s>%s</saml:NameID>`, attr("Format", s.format), s.nameID)
	if !s.noConfirmation {
		fmt.Fprintf(&b, `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="%s"%s%s/></saml:SubjectConfirmation>`, stamp(s.until), attr("Recipient", s.recipient), attr("InResponseTo", s.confirmedTo))
	}
	b.WriteString(`</saml:Subject>`)
	if !s.noConditions {
		fmt.Fprintf(&b, `<saml:Conditions NotBefore="%s" NotOnOrAfter="%s">`, stamp(s.notBefore), stamp(s.until))
		if s.audience != "" {
			fmt.Fprintf(&b, `<saml:AudienceRestriction><saml:Audience>%s</saml:Audience></saml:AudienceRestriction>`, s.audience)
		}
		b.WriteString(`</saml:Conditions>`)
	}
	if !s.noStatement {
		fmt.Fprintf(&b, `<saml:AuthnStatement AuthnInstant="%s" SessionIndex="session-%s"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`, stamp(s.issued), s.id)
	}
	b.WriteString(`<saml:AttributeStatement><saml:Attribute Name="displayName"><saml:AttributeValue>Person of SAML</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups">`)
	for _, g := range s.groups {
		fmt.Fprintf(&b, `<saml:AttributeValue>%s</saml:AttributeValue>`, g)
	}
	b.WriteString(`</saml:Attribute></saml:AttributeStatement></saml:Assertion>`)
	return b.String()
}

func (s statement) wrap(inner string) string {
	return fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="%s" Version="2.0" IssueInstant="%s"%s%s><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">%s</saml:Issuer><samlp:Status><samlp:StatusCode Value="%s"/></samlp:Status>%s</samlp:Response>`,
		s.response, stamp(s.issued), attr("Destination", s.destination), attr("InResponseTo", s.inResponseTo), s.issuer, s.status, inner)
}

// sign signs an element, with the signature behind its issuer.
func (f *forger) sign(text string) string { return f.signBy(text, crypto.SHA256) }

func (f *forger) signBy(text string, hash crypto.Hash) string {
	f.t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		f.t.Fatal(err)
	}
	ctx, err := dsig.NewSigningContext(f.key, [][]byte{f.cert})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx.Hash = hash
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	sig, err := ctx.ConstructSignature(doc.Root(), true)
	if err != nil {
		f.t.Fatal(err)
	}
	doc.Root().InsertChildAt(1, sig)
	out, err := doc.WriteToString()
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// good is a response with a signed assertion.
func (f *forger) good(s statement) string { return s.wrap(f.sign(s.assertion())) }

// sealedFor encrypts an assertion for a certificate, as providers do.
func (f *forger) sealedFor(cert *x509.Certificate, assertion, transport string) string {
	f.t.Helper()
	key, nonce := make([]byte, 16), make([]byte, 16)
	_, _ = rand.Read(key)
	_, _ = rand.Read(nonce)
	pad := 16 - len(assertion)%16
	plain := append([]byte(assertion), bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		f.t.Fatal(err)
	}
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, nonce).CryptBlocks(out, plain)
	public := cert.PublicKey.(*rsa.PublicKey)
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public, key, nil)
	if strings.HasSuffix(transport, "rsa-1_5") {
		//lint:ignore SA1019 it is what must be refused
		wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, public, key)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	e := base64.StdEncoding.EncodeToString
	return `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element">
<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="` + transport + `"/>
<xenc:CipherData><xenc:CipherValue>` + e(wrapped) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>` + e(append(nonce, out...)) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>`
}

// requestOf reads the request that a browser is sent with, and checks that it is
// signed with the key that the metadata shows.
func requestOf(t *testing.T, at *url.URL, cert *x509.Certificate) string {
	t.Helper()
	q := at.Query()
	signed, signature, _ := strings.Cut(at.RawQuery, "&Signature=")
	raw, err := url.QueryUnescape(signature)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := base64.StdEncoding.DecodeString(raw)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(signed))
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], sig); err != nil {
		t.Errorf("the request is not signed: %v", err)
	}
	deflated, err := base64.StdEncoding.DecodeString(q.Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	if err != nil {
		t.Fatal(err)
	}
	var request struct {
		ID string `xml:"ID,attr"`
	}
	if err := xml.Unmarshal(text, &request); err != nil {
		t.Fatal(err)
	}
	return request.ID
}

// certificateOf is the certificate in the metadata of the house.
func certificateOf(t *testing.T, h *house, name string) *x509.Certificate {
	t.Helper()
	got := h.visitor().ask(t, "GET", "/api/auth/saml/"+name+"/metadata", "", "")
	_, rest, _ := strings.Cut(got.body, "<ds:X509Certificate>")
	text, _, _ := strings.Cut(rest, "</ds:X509Certificate>")
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("metadata: %d %s", got.status, got.body)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// post brings a response to the house and returns how the landing ends.
func (b *browser) post(t *testing.T, name, response string) answer {
	t.Helper()
	got := b.send(t, "POST", b.house.base+"/api/auth/saml/"+name+"/acs", url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(response))}, "RelayState": {"x"}})
	if got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if got.header.Get("Location") == "/signed-in#failed=1" { // the page says the one sentence then
		return answer{status: 303}
	}
	return b.land(t, got.header.Get("Location"))
}

// shut checks that a response led nowhere.
func shut(t *testing.T, got answer) {
	t.Helper()
	if got.status != 303 {
		t.Errorf("the answer was taken: %d %s", got.status, got.body)
	}
}

func TestSingleSignOnBySAML(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"config": "/dev/null", "data": dir + "/data", "key": dir + "/master.key", "listen": "127.0.0.1:0", "base-url": publicAddress}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := run(t, cfg)
	owner := h.setUp(t)
	f, other := newForger(t), newForger(t)
	id := owner.provider(t, "saml", "idp", "", map[string]any{"metadata": f.metadata(), "create": true, "groups": true})
	cert := certificateOf(t, h, "idp")
	var now statement
	begin := func(t *testing.T) *browser {
		b := h.browser(t)
		now = f.says("idp", requestOf(t, b.start(t, "idp", nil), cert), "sam")
		return b
	}
	var used string // a response that was taken
	for name, make := range map[string]func() string{
		"signed assertion":               func() string { return f.good(now) },
		"signed response":                func() string { return f.sign(now.wrap(now.assertion())) },
		"both signed":                    func() string { return f.sign(f.good(now)) },
		"signed and encrypted assertion": func() string { return now.wrap(f.sealedFor(cert, f.sign(now.assertion()), oaep)) },
		"encrypted in a signed response": func() string { return f.sign(now.wrap(f.sealedFor(cert, now.assertion(), oaep))) },
	} {
		t.Run("good: "+name, func(t *testing.T) {
			b := begin(t)
			used = make()
			got := b.post(t, "idp", used)
			if got.status != 200 || got.get("login", "person", "email") != "sam@corp.test" || got.get("login", "person", "name") != "Person of SAML" || got.get("login", "person", "source") != "saml:idp" {
				code, sentence, _ := owner.lastFailure(t, id)
				t.Fatalf("got %d %s: %s %s", got.status, got.body, code, sentence)
			}
			same(t, "signed in", b.signedIn(t), "sam@corp.test")
		})
	}

	evil := func() statement { // what an attacker would like to be statement
		s := now
		s.id, s.nameID = "_evil", "owner@house.test"
		return s
	}
	change := func(c func(*statement)) func() string {
		return func() string { s := now; c(&s); return f.good(s) }
	}
	for _, tt := range []struct {
		name, code string
		make       func() string
	}{
		{"replay", "sso-replay", func() string { return used }},
		{"unsigned", "saml-unsigned", func() string { return now.wrap(now.assertion()) }},
		{"another key", "saml-signature", func() string { return other.good(now) }},
		{"changed after signing", "saml-signature", func() string { return strings.Replace(f.good(now), "sam@corp.test", "owner@house.test", 1) }},
		{"SHA-1", "saml-sha1", func() string { return now.wrap(f.signBy(now.assertion(), crypto.SHA1)) }},
		{"SHA-1 digest", "saml-sha1", func() string {
			return strings.Replace(f.good(now), "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1", 1)
		}},
		{"HMAC", "saml-hmac", func() string {
			return strings.Replace(f.good(now), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", 1)
		}},
		{"XSLT transform", "saml-algorithm", func() string {
			return strings.Replace(f.good(now), `<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>`, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>`, 1)
		}},
		{"no audience", "saml-audience", change(func(s *statement) { s.audience = "" })},
		{"no conditions", "saml-audience", change(func(s *statement) { s.noConditions = true })},
		{"another audience", "saml-audience", change(func(s *statement) { s.audience = "https://other.test" })},
		{"no recipient", "saml-recipient", change(func(s *statement) { s.recipient = "" })},
		{"another recipient", "saml-recipient", change(func(s *statement) { s.recipient = "https://other.test/acs" })},
		{"no confirmation", "saml-recipient", change(func(s *statement) { s.noConfirmation = true })},
		{"no destination", "saml-destination", change(func(s *statement) { s.destination = "" })},
		{"another destination", "saml-destination", change(func(s *statement) { s.destination = "https://other.test/acs" })},
		{"no InResponseTo", "saml-in-response-to", change(func(s *statement) { s.inResponseTo, s.confirmedTo = "", "" })},
		{"another InResponseTo", "saml-in-response-to", change(func(s *statement) { s.inResponseTo, s.confirmedTo = "_x", "_x" })},
		{"InResponseTo of the confirmation", "saml-in-response-to", change(func(s *statement) { s.confirmedTo = "_x" })},
		{"another issuer", "saml-issuer", change(func(s *statement) { s.issuer = "https://other.test" })},
		{"expired", "saml-expired", change(func(s *statement) { s.until = time.Now().Add(-5 * time.Minute) })},
		{"made long ago", "saml-expired", change(func(s *statement) { s.issued = time.Now().Add(-time.Hour) })},
		{"made in the future", "saml-future", change(func(s *statement) { s.issued = time.Now().Add(time.Hour) })},
		{"good later", "saml-future", change(func(s *statement) { s.notBefore = time.Now().Add(time.Hour) })},
		{"a name that does not stay", "saml-transient", change(func(s *statement) { s.format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient" })},
		{"nobody signed in", "saml-answer", change(func(s *statement) { s.noStatement = true })},
		{"denied", "saml-denied", func() string { s := now; s.status = "urn:oasis:names:tc:SAML:2.0:status:Responder"; return s.wrap("") }},
		{"a comment in the name", "saml-comment", func() string { return strings.Replace(f.good(now), "sam@corp", "sam<!-- x -->@corp", 1) }},
		{"a comment that cuts the name", "saml-comment", func() string {
			s := now
			s.nameID = "owner@house.test.evil.test"
			return strings.Replace(f.good(s), "house.test.evil", "house.test<!-- -->.evil", 1)
		}},
		{"an element in the name", "saml-subject", change(func(s *statement) { s.nameID = "<b>owner</b>@house.test" })},
		{"a document type", "saml-doctype", func() string { return "<!DOCTYPE x [<!ENTITY e \"x\">]>" + f.good(now) }},
		{"a document type at the end", "saml-doctype", func() string { return f.good(now) + "<!DOCTYPE x>" }},
		{"a second root", "saml-xml", func() string { return f.good(now) + "<x/>" }},
		{"an instruction", "saml-xml", func() string { return strings.Replace(f.good(now), "<samlp:Status>", "<?php x?><samlp:Status>", 1) }},
		{"HTML", "saml-xml", func() string { return "<html><body>Log in<br></body>" }},
		{"deep", "saml-xml", func() string { return strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200) }},
		{"two assertions, the evil one first", "saml-wrapping", func() string { return now.wrap(evil().assertion() + f.sign(now.assertion())) }},
		{"two assertions, the evil one last", "saml-wrapping", func() string { return now.wrap(f.sign(now.assertion()) + evil().assertion()) }},
		{"two signed assertions", "saml-wrapping", func() string {
			s := now
			s.id = "_second"
			return now.wrap(f.sign(now.assertion()) + f.sign(s.assertion()))
		}},
		{"the signed one inside the evil one", "saml-wrapping", func() string {
			return now.wrap(strings.Replace(evil().assertion(), "</saml:Assertion>", f.sign(now.assertion())+"</saml:Assertion>", 1))
		}},
		{"the signed one in an object of the signature", "saml-wrapping", func() string {
			signed := f.sign(now.assertion())
			sig := signed[strings.Index(signed, "<ds:Signature"):strings.Index(signed, "</ds:Signature>")]
			forged := strings.Replace(evil().assertion(), "</saml:Issuer>", "</saml:Issuer>"+sig+"<ds:Object>"+signed+"</ds:Object></ds:Signature>", 1)
			return now.wrap(forged)
		}},
		{"the signature moved to the evil one", "saml-wrapping", func() string {
			signed := f.sign(now.assertion())
			sig := signed[strings.Index(signed, "<ds:Signature") : strings.Index(signed, "</ds:Signature>")+len("</ds:Signature>")]
			return now.wrap(strings.Replace(evil().assertion(), "</saml:Issuer>", "</saml:Issuer>"+sig, 1))
		}},
		{"one identifier for two", "saml-wrapping", func() string {
			s := evil()
			s.id = now.id
			return now.wrap(s.assertion() + f.sign(now.assertion()))
		}},
		{"the signed response inside another", "saml-wrapping", func() string {
			s := evil()
			s.response = "_evilresponse"
			return s.wrap("<samlp:Extensions>" + f.sign(now.wrap(now.assertion())) + "</samlp:Extensions>" + s.assertion())
		}},
		{"the signed assertion in the extensions", "saml-wrapping", func() string {
			return now.wrap("<samlp:Extensions>" + f.sign(now.assertion()) + "</samlp:Extensions>" + evil().assertion())
		}},
		{"signed twice", "saml-wrapping", func() string { return now.wrap(f.sign(f.sign(now.assertion()))) }},
		{"an encrypted and a clear one", "saml-wrapping", func() string {
			return now.wrap(f.sealedFor(cert, f.sign(now.assertion()), oaep) + evil().assertion())
		}},
		{"two in one encryption", "saml-wrapping", func() string {
			signed := f.sign(now.assertion())
			return now.wrap(f.sealedFor(cert, strings.Replace(evil().assertion(), "</saml:Assertion>", signed+"</saml:Assertion>", 1), oaep))
		}},
		{"encrypted and not signed", "saml-unsigned", func() string { return now.wrap(f.sealedFor(cert, now.assertion(), oaep)) }},
		{"a document type in the encryption", "saml-doctype", func() string { return now.wrap(f.sealedFor(cert, "<!DOCTYPE x>"+f.sign(now.assertion()), oaep)) }},
		{"encrypted with PKCS #1", "saml-decrypt", func() string {
			return now.wrap(f.sealedFor(cert, f.sign(now.assertion()), "http://www.w3.org/2001/04/xmlenc#rsa-1_5"))
		}},
		{"encrypted for another", "saml-decrypt", func() string {
			c, _ := x509.ParseCertificate(other.cert)
			return now.wrap(f.sealedFor(c, f.sign(now.assertion()), oaep))
		}},
		{"megabytes", "saml-xml", func() string {
			return strings.Replace(f.good(now), "<samlp:Status>", strings.Repeat(" ", 600<<10)+"<samlp:Status>", 1)
		}},
		{"thousands of groups", "saml-size", change(func(s *statement) { s.groups = strings.Split(strings.Repeat("g,", 1500), ",") })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := begin(t)
			got := b.post(t, "idp", tt.make())
			shut(t, got)
			code, sentence, cure := owner.lastFailure(t, id)
			if code != tt.code || sentence == "" || cure == "" {
				t.Errorf("the administrator reads %q %q %q, want the code %q", code, sentence, cure, tt.code)
			}
			if who := b.signedIn(t); who != "" {
				t.Errorf("signed in as %s", who)
			}
		})
	}

	t.Run("artifact", func(t *testing.T) {
		got := begin(t).send(t, "POST", h.base+"/api/auth/saml/idp/acs", url.Values{"SAMLart": {"AAQA"}})
		if code, _, _ := owner.lastFailure(t, id); got.header.Get("Location") != "/signed-in#failed=1" || code != "saml-artifact" {
			t.Errorf("got %s %s", got.header.Get("Location"), code)
		}
	})
	t.Run("another browser", func(t *testing.T) {
		begin(t)
		thief := h.browser(t)
		thief.start(t, "idp", nil)
		atTheDoor(t, thief.post(t, "idp", f.good(now)))
		if code, _, _ := owner.lastFailure(t, id); code != "saml-in-response-to" {
			t.Errorf("got %s", code)
		}
	})
	t.Run("unasked", func(t *testing.T) {
		settings := func(unasked bool) string {
			return fmt.Sprintf(`{"settings":{"metadata":%q,"create":true,"unasked":%v}}`, f.metadata(), unasked)
		}
		owner.must(t, "PATCH", "/api/sso/"+id, settings(true), 200)
		b := h.browser(t)
		s := f.says("idp", "", "sam")
		if got := b.post(t, "idp", f.good(s)); got.status != 200 || b.signedIn(t) != "sam@corp.test" {
			t.Errorf("got %d %s", got.status, got.body)
		}
		shut(t, h.browser(t).post(t, "idp", f.good(s)))
		if code, _, _ := owner.lastFailure(t, id); code != "sso-replay" {
			t.Errorf("the second time: %s", code)
		}
		owner.must(t, "PATCH", "/api/sso/"+id, settings(false), 200)
	})
	t.Run("sign-out", func(t *testing.T) {
		b := begin(t)
		s := now
		if got := b.post(t, "idp", f.good(s)); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		logout := func(by *forger, id, session string, signed bool) string {
			text := fmt.Sprintf(`<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="%s" Version="2.0" IssueInstant="%s" Destination="%s"><saml:Issuer>%s</saml:Issuer><saml:NameID>sam@corp.test</saml:NameID><samlp:SessionIndex>%s</samlp:SessionIndex></samlp:LogoutRequest>`,
				id, stamp(time.Now()), publicAddress+"/api/auth/saml/idp/slo", f.entity, session)
			var z bytes.Buffer
			w, _ := flate.NewWriter(&z, flate.BestSpeed)
			_, _ = w.Write([]byte(text))
			_ = w.Close()
			query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(z.Bytes())) + "&RelayState=r&SigAlg=" + url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
			if !signed {
				return query
			}
			sum := sha256.Sum256([]byte(query))
			sig, err := rsa.SignPKCS1v15(rand.Reader, by.key, crypto.SHA256, sum[:])
			if err != nil {
				t.Fatal(err)
			}
			return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(sig))
		}
		at := h.base + "/api/auth/saml/idp/slo?"
		for code, query := range map[string]string{"saml-unsigned": logout(f, "_l1", "session-"+s.id, false), "saml-signature": logout(other, "_l2", "session-"+s.id, true)} {
			h.browser(t).send(t, "GET", at+query, nil)
			if got, _, _ := owner.lastFailure(t, id); got != code || b.signedIn(t) == "" {
				t.Errorf("%s: got %s", code, got)
			}
		}
		h.browser(t).send(t, "GET", at+logout(f, "_l3", "of another", true), nil)
		if b.signedIn(t) == "" {
			t.Error("the sign-out of another session has ended this one")
		}
		got := h.browser(t).send(t, "GET", at+logout(f, "_l4", "session-"+s.id, true), nil)
		if b.signedIn(t) != "" || !strings.HasPrefix(got.header.Get("Location"), "https://idp.test/slo?SAMLResponse=") {
			t.Errorf("still signed in; the browser goes to %s", got.header.Get("Location"))
		}
		b = begin(t)
		b.post(t, "idp", f.good(now))
		out := b.send(t, "POST", "/api/auth/logout", map[string]any{})
		if to := mustURL(t, out.get("goTo")); !strings.HasPrefix(to.String(), "https://idp.test/slo?SAMLRequest=") {
			t.Errorf("the browser goes to %s", to)
		} else {
			requestOf(t, to, cert)
		}
	})
	t.Run("a replay after a restart", func(t *testing.T) {
		b := begin(t)
		taken, kept := f.good(now), b.client.Jar.Cookies(mustURL(t, h.base))
		if got := b.post(t, "idp", taken); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		fresh := begin(t)
		waits := f.good(now)
		h.stop()
		again := run(t, cfg)
		back := &visitor{house: again, email: "owner@house.test"}
		back.signIn(t)
		thief := again.browser(t)
		thief.client.Jar.SetCookies(mustURL(t, again.base), kept)
		shut(t, thief.post(t, "idp", taken))
		if code, _, _ := back.lastFailure(t, id); code != "sso-replay" {
			t.Errorf("got %q", code)
		}
		fresh.house = again // a sign-in that was at the provider meanwhile goes on
		if got := fresh.post(t, "idp", waits); got.status != 200 {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
}

// publicAddress is how people reach the house, whatever port it listens on.
const publicAddress = "http://chat.clinic.test"

const oaep = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
