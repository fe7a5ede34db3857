package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// NewID is an identifier of a message.
func NewID() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return "_" + hex.EncodeToString(b)
}

// instant writes a moment as the standard has it.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// message begins one of ours.
func (sp SP) message(tag, id, destination string) (*etree.Document, *etree.Element) {
	doc := etree.NewDocument()
	root := doc.CreateElement("samlp:" + tag)
	root.CreateAttr("xmlns:samlp", nsProtocol)
	root.CreateAttr("xmlns:saml", nsAssertion)
	root.CreateAttr("ID", id)
	root.CreateAttr("Version", "2.0")
	root.CreateAttr("IssueInstant", instant(sp.Now()))
	root.CreateAttr("Destination", destination)
	return doc, root
}

// SignIn is where the browser has to go to sign in, with a signed request of that
// id. again has the provider ask for the password although it knows the browser.
func (sp SP) SignIn(idp IdP, id string, again bool) (string, error) {
	doc, root := sp.message("AuthnRequest", id, idp.SSO)
	root.CreateAttr("ProtocolBinding", bindPost)
	root.CreateAttr("AssertionConsumerServiceURL", sp.ACS)
	if again {
		root.CreateAttr("ForceAuthn", "true")
	}
	root.CreateElement("saml:Issuer").SetText(sp.EntityID)
	root.CreateElement("samlp:NameIDPolicy").CreateAttr("AllowCreate", "true")
	return sp.redirect(idp.SSO, "SAMLRequest", doc, "")
}

// SignOut is where the browser has to go to end its session at the provider.
func (sp SP) SignOut(idp IdP, name Name, session string) (string, error) {
	doc, root := sp.message("LogoutRequest", NewID(), idp.SLO)
	root.CreateElement("saml:Issuer").SetText(sp.EntityID)
	who := root.CreateElement("saml:NameID")
	for _, a := range []struct{ key, value string }{{"Format", name.Format}, {"NameQualifier", name.NameQualifier}, {"SPNameQualifier", name.SPNameQualifier}} {
		if a.value != "" {
			who.CreateAttr(a.key, a.value)
		}
	}
	who.SetText(name.Value)
	if session != "" {
		root.CreateElement("samlp:SessionIndex").SetText(session)
	}
	return sp.redirect(idp.SLO, "SAMLRequest", doc, "")
}

// SignedOut is where the browser has to go to tell the provider that the sessions
// here are over.
func (sp SP) SignedOut(idp IdP, request, relay string) (string, error) {
	doc, root := sp.message("LogoutResponse", NewID(), idp.SLOResponse)
	root.CreateAttr("InResponseTo", request)
	root.CreateElement("saml:Issuer").SetText(sp.EntityID)
	root.CreateElement("samlp:Status").CreateElement("samlp:StatusCode").CreateAttr("Value", success)
	return sp.redirect(idp.SLOResponse, "SAMLResponse", doc, relay)
}

// redirect puts a message into an address, compressed and signed.
func (sp SP) redirect(address, kind string, doc *etree.Document, relay string) (string, error) {
	text, err := doc.WriteToBytes()
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(text); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	query := kind + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(b.Bytes()))
	if relay != "" {
		query += "&RelayState=" + url.QueryEscape(relay)
	}
	query += "&SigAlg=" + url.QueryEscape(sigRSA256)
	sum := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, sp.Key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	if strings.Contains(address, "?") {
		return address + "&" + query, nil
	}
	return address + "?" + query, nil
}

// inflate opens what the redirect binding has compressed.
func inflate(encoded string) ([]byte, error) {
	const cure = "Check what the provider sends."
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, refuse("saml-xml", cure, "The message cannot be read.")
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxXML+1))
	if err != nil || len(text) > maxXML {
		return nil, refuse("saml-xml", cure, "The message cannot be read, or is larger than 512 KB.")
	}
	return text, nil
}
