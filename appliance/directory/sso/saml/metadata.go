package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/beevik/etree"

	"chatets/appliance/fault"
)

// ParseMetadata reads the metadata of an identity provider.
func ParseMetadata(raw []byte) (IdP, error) {
	wrong := func(sentence, cure string) (IdP, error) {
		return IdP{}, fault.New(fault.Invalid, "%s", sentence).Code("saml-metadata").Cure("%s", cure)
	}
	const again = "Fetch the metadata from the provider again and enter it as it is."
	if len(raw) == 0 {
		return wrong("The metadata of the provider is missing.", "Enter the XML that the provider offers as its metadata.")
	}
	root, err := parseLoosely(raw)
	if err != nil {
		return IdP{}, err
	}
	entity := root
	if is(root, nsMetadata, "EntitiesDescriptor") {
		var found []*etree.Element
		for _, e := range all(root, nsMetadata, "EntityDescriptor") {
			if only(e, nsMetadata, "IDPSSODescriptor") != nil {
				found = append(found, e)
			}
		}
		if len(found) != 1 {
			return wrong("The metadata is of several providers.", "Enter the metadata of one of them.")
		}
		entity = found[0]
	}
	if !is(entity, nsMetadata, "EntityDescriptor") {
		return wrong("This is no metadata of SAML.", again)
	}
	idp := IdP{EntityID: entity.SelectAttrValue("entityID", "")}
	role := only(entity, nsMetadata, "IDPSSODescriptor")
	switch {
	case idp.EntityID == "" || len(idp.EntityID) > 1024:
		return wrong("The metadata does not say of whom it is (entityID).", again)
	case role == nil:
		return wrong("The metadata is not of an identity provider.", "Enter the metadata of the identity provider, not of a service provider.")
	case !strings.Contains(role.SelectAttrValue("protocolSupportEnumeration", ""), nsProtocol):
		return wrong("The provider does not speak SAML 2.0.", "Switch it on at the provider.")
	}
	for _, key := range all(role, nsMetadata, "KeyDescriptor") {
		if use := key.SelectAttrValue("use", ""); use != "" && use != "signing" {
			continue
		}
		each(key, func(e *etree.Element) {
			if !is(e, nsSignature, "X509Certificate") {
				return
			}
			value, _ := text(e)
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
			if err != nil {
				return
			}
			if cert, err := x509.ParseCertificate(der); err == nil && len(idp.Certificates) < 10 && strong(cert) {
				idp.Certificates = append(idp.Certificates, cert)
			}
		})
	}
	if len(idp.Certificates) == 0 {
		return wrong("The metadata holds no certificate that signatures can be checked with; RSA needs 2048 bits.", again)
	}
	idp.SSO, _ = place(role, "SingleSignOnService")
	if idp.SSO == "" {
		return wrong("The provider offers no sign-in by redirect (HTTP-Redirect).", "Switch that binding on at the provider.")
	}
	idp.SLO, idp.SLOResponse = place(role, "SingleLogoutService")
	for _, f := range all(role, nsMetadata, "NameIDFormat") {
		name, _ := text(f)
		idp.Formats = append(idp.Formats, name)
	}
	return idp, nil
}

// parseLoosely reads metadata, which an administrator enters and comments are no
// harm in.
func parseLoosely(raw []byte) (*etree.Element, error) {
	no := func() (*etree.Element, error) {
		return nil, fault.New(fault.Invalid, "This is no XML that can be read.").Code("saml-metadata").Cure("Enter the XML that the provider offers as its metadata, not a page about it.")
	}
	if len(raw) > 2*maxXML || strings.Contains(string(raw), "<!DOCTYPE") {
		return no()
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil || doc.Root() == nil {
		return no()
	}
	n := 0
	each(doc.Root(), func(*etree.Element) { n++ })
	if n > maxElements {
		return no()
	}
	return doc.Root(), nil
}

func strong(cert *x509.Certificate) bool {
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok {
		return key.N.BitLen() >= 2048
	}
	return cert.PublicKeyAlgorithm == x509.ECDSA
}

// place is the address of a service by redirect, and where answers to it go.
func place(role *etree.Element, tag string) (address, answers string) {
	for _, e := range all(role, nsMetadata, tag) {
		where := e.SelectAttrValue("Location", "")
		u, err := url.Parse(where)
		if e.SelectAttrValue("Binding", "") != bindRedirect || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			continue
		}
		return where, e.SelectAttrValue("ResponseLocation", where)
	}
	return "", ""
}

// Metadata is what a provider has to know of this installation, as XML.
func (sp SP) Metadata() ([]byte, error) {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	entity := doc.CreateElement("md:EntityDescriptor")
	entity.CreateAttr("xmlns:md", nsMetadata)
	entity.CreateAttr("xmlns:ds", nsSignature)
	entity.CreateAttr("entityID", sp.EntityID)
	role := entity.CreateElement("md:SPSSODescriptor")
	role.CreateAttr("AuthnRequestsSigned", "true")
	role.CreateAttr("WantAssertionsSigned", "true")
	role.CreateAttr("protocolSupportEnumeration", nsProtocol)
	for _, use := range []string{"signing", "encryption"} {
		key := role.CreateElement("md:KeyDescriptor")
		key.CreateAttr("use", use)
		key.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(sp.Certificate.Raw))
		if use == "encryption" {
			for _, method := range []string{"http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#aes256-cbc", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"} {
				key.CreateElement("md:EncryptionMethod").CreateAttr("Algorithm", method)
			}
		}
	}
	for _, binding := range []string{bindRedirect, bindPost} {
		out := role.CreateElement("md:SingleLogoutService")
		out.CreateAttr("Binding", binding)
		out.CreateAttr("Location", sp.SLO)
	}
	for _, format := range []string{"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"} {
		role.CreateElement("md:NameIDFormat").SetText(format)
	}
	acs := role.CreateElement("md:AssertionConsumerService")
	acs.CreateAttr("Binding", bindPost)
	acs.CreateAttr("Location", sp.ACS)
	acs.CreateAttr("index", "0")
	acs.CreateAttr("isDefault", "true")
	doc.Indent(2)
	return doc.WriteToBytes()
}
