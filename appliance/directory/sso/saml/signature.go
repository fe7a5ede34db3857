package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// signatureMethods are those that are taken, with their hash.
func signatureMethods() map[string]crypto.Hash {
	return map[string]crypto.Hash{
		sigRSA256: crypto.SHA256,
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384":   crypto.SHA384,
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":   crypto.SHA512,
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": crypto.SHA256,
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": crypto.SHA384,
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": crypto.SHA512,
	}
}

func digestMethod(name string) bool {
	return name == "http://www.w3.org/2001/04/xmlenc#sha256" || name == "http://www.w3.org/2001/04/xmldsig-more#sha384" || name == "http://www.w3.org/2001/04/xmlenc#sha512"
}

const (
	excC14N         = "http://www.w3.org/2001/10/xml-exc-c14n#"
	excC14NComments = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
	enveloped       = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)

// checkMethod refuses weak and keyed signatures, each with its own reason.
func checkMethod(name string) error {
	lower := strings.ToLower(name)
	switch {
	case strings.Contains(lower, "hmac"):
		return refuse("saml-hmac", "A provider signs with its private key; somebody is trying something.", "The signature is made with a shared key (HMAC).")
	case strings.HasSuffix(lower, "sha1") || strings.HasSuffix(lower, "md5"):
		return refuse("saml-sha1", "Let the provider sign with RSA-SHA256.", "The signature is made with SHA-1 or MD5, which can be forged.")
	case signatureMethods()[name] == 0:
		return refuse("saml-algorithm", "Let the provider sign with RSA-SHA256.", "The signature is made with %q, which is not taken.", shown(name))
	}
	return nil
}

// verified checks the signature that stands in an element and covers it, and
// returns the element as it was signed. Nothing else of the document is signed.
func (p IdP) verified(e *etree.Element, now time.Time) (*etree.Element, error) {
	sig := only(e, nsSignature, "Signature")
	if sig == nil {
		return nil, refuse("saml-unsigned", "Let the provider sign its assertions.", "The message is not signed.")
	}
	if err := shape(e, sig); err != nil {
		return nil, err
	}
	// The library below looks at no more than 1000 elements.
	if n := sizeOf(e); n > maxSigned {
		return nil, refuse("saml-size", "Let the provider send only the groups that matter here.", "The message has %d elements, more than the %d that are checked.", n, maxSigned)
	}
	ctx, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		return nil, refuse("saml-xml", "Check what the provider sends.", "The message cannot be read as XML.")
	}
	apart, err := etreeutils.NSDetatch(ctx, e)
	if err != nil {
		return nil, refuse("saml-xml", "Check what the provider sends.", "The message cannot be read as XML.")
	}
	// Which key it may be is ours to say: what the message brings along is left out.
	inner := only(apart, nsSignature, "Signature")
	for _, info := range all(inner, nsSignature, "KeyInfo") {
		inner.RemoveChild(info)
	}
	var last error
	for _, cert := range p.Certificates {
		v := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
		v.Clock = dsig.NewFakeClockAt(now)
		signed, err := v.Validate(apart)
		if err == nil {
			if signed.Tag != e.Tag || signed.NamespaceURI() != e.NamespaceURI() || signed.SelectAttrValue("ID", "") != e.SelectAttrValue("ID", "") {
				return nil, refuse("saml-wrapping", "Somebody has put parts of several messages together.", "The signature covers another element.")
			}
			return signed, nil
		}
		last = err
	}
	if last != nil && strings.Contains(last.Error(), "not valid at this time") {
		return nil, refuse("saml-certificate", "Enter the provider's present metadata, with its present certificate.", "The certificate of the provider has expired, or is not valid yet.")
	}
	return nil, refuse("saml-signature", "If the provider has changed its key, enter its present metadata. Otherwise somebody else made the message.", "The signature is not of the provider, or what it covers was changed.")
}

// maxSigned is how many elements a signed one may have.
const maxSigned = 950

func sizeOf(e *etree.Element) int {
	n := 0
	each(e, func(*etree.Element) { n++ })
	return n
}

// shape refuses every signature that is not of the one form that is needed.
func shape(e, sig *etree.Element) error {
	wrap := func(sentence string) error {
		return refuse("saml-wrapping", "Somebody has put parts of several messages together.", "%s", sentence)
	}
	for _, c := range sig.ChildElements() {
		if c.NamespaceURI() != nsSignature || c.Tag != "SignedInfo" && c.Tag != "SignatureValue" && c.Tag != "KeyInfo" {
			return wrap("The signature holds more than a signature.")
		}
	}
	info := only(sig, nsSignature, "SignedInfo")
	if info == nil || only(sig, nsSignature, "SignatureValue") == nil || len(all(sig, nsSignature, "KeyInfo")) > 1 {
		return wrap("The signature is not complete.")
	}
	method := only(info, nsSignature, "SignatureMethod")
	canonical := only(info, nsSignature, "CanonicalizationMethod")
	ref := only(info, nsSignature, "Reference")
	if method == nil || canonical == nil || ref == nil || len(info.ChildElements()) != 3 {
		return wrap("The signature does not cover exactly one element.")
	}
	if err := checkMethod(method.SelectAttrValue("Algorithm", "")); err != nil {
		return err
	}
	if name := canonical.SelectAttrValue("Algorithm", ""); name != excC14N && name != excC14NComments {
		return refuse("saml-algorithm", "Let the provider use exclusive canonicalization, as the standard says.", "The signature uses the canonicalization %q, which is not taken.", shown(name))
	}
	id := e.SelectAttrValue("ID", "")
	if id == "" || ref.SelectAttrValue("URI", "") != "#"+id {
		return wrap("The signature covers another element.")
	}
	digest := only(ref, nsSignature, "DigestMethod")
	if digest == nil || only(ref, nsSignature, "DigestValue") == nil {
		return wrap("The signature is not complete.")
	}
	if name := digest.SelectAttrValue("Algorithm", ""); !digestMethod(name) {
		if strings.HasSuffix(strings.ToLower(name), "sha1") {
			return refuse("saml-sha1", "Let the provider sign with RSA-SHA256.", "The signature is made with SHA-1, which can be forged.")
		}
		return refuse("saml-algorithm", "Let the provider sign with RSA-SHA256.", "The signature uses the digest %q, which is not taken.", shown(name))
	}
	strips := 0
	transforms := only(ref, nsSignature, "Transforms")
	if transforms == nil {
		return wrap("The signature does not say what it covers.")
	}
	for _, t := range transforms.ChildElements() {
		switch name := t.SelectAttrValue("Algorithm", ""); {
		case name == enveloped:
			strips++
		case name == excC14N || name == excC14NComments:
		default:
			return refuse("saml-algorithm", "Let the provider sign as the standard says.", "The signature changes what it covers by %q, which is not taken.", shown(name))
		}
	}
	if strips != 1 {
		return wrap("The signature does not cover the element it stands in.")
	}
	return nil
}

// verifyText checks a detached signature, as the redirect binding has it.
func (p IdP) verifyText(method string, signed, signature []byte, now time.Time) error {
	if err := checkMethod(method); err != nil {
		return err
	}
	kind := signatureMethods()[method]
	var sum []byte
	switch kind {
	case crypto.SHA256:
		h := sha256.Sum256(signed)
		sum = h[:]
	case crypto.SHA384:
		h := sha512.Sum384(signed)
		sum = h[:]
	default:
		h := sha512.Sum512(signed)
		sum = h[:]
	}
	for _, cert := range p.Certificates {
		if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
			continue
		}
		var err error
		switch key := cert.PublicKey.(type) {
		case *rsa.PublicKey:
			err = rsa.VerifyPKCS1v15(key, kind, sum, signature)
			if !strings.Contains(method, "#rsa-") {
				err = errors.New("another kind of key")
			}
		case *ecdsa.PublicKey:
			half := len(signature) / 2
			r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
			if !strings.Contains(method, "#ecdsa-") || !ecdsa.Verify(key, sum, r, s) {
				err = errors.New("not signed with it")
			}
		default:
			err = errors.New("another kind of key")
		}
		if err == nil {
			return nil
		}
	}
	return refuse("saml-signature", "If the provider has changed its key, enter its present metadata. Otherwise somebody else made the message.", "The signature is not of the provider, or what it covers was changed.")
}
