package saml

import (
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Logout is a sign-out that a provider asks for.
type Logout struct {
	ID       string
	Name     Name
	Sessions []string // of the provider; none = all
	Relay    string
	Until    time.Time
}

// LogoutByRedirect checks a sign-out that came in the query of an address; ok is
// false for the answer to a sign-out of ours, which says nothing that matters.
func (sp SP) LogoutByRedirect(query string, idp IdP) (l Logout, ok bool, err error) {
	// The signature is over the query as it was written, not as it is read.
	parts, values := map[string]string{}, map[string]string{}
	for _, pair := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if _, twice := parts[name]; twice {
			return Logout{}, false, refuse("saml-answer", sends, "The address has a value twice.")
		}
		plain, err := url.QueryUnescape(value)
		if err != nil {
			return Logout{}, false, refuse("saml-answer", sends, "The address cannot be read.")
		}
		parts[name], values[name] = pair, plain
	}
	if values["SAMLResponse"] != "" {
		return Logout{}, false, nil
	}
	if values["SAMLRequest"] == "" {
		return Logout{}, false, refuse("saml-answer", sends, "The address holds no message.")
	}
	if values["Signature"] == "" || values["SigAlg"] == "" {
		return Logout{}, false, refuse("saml-unsigned", "Let the provider sign its sign-outs.", "The sign-out is not signed.")
	}
	signed := parts["SAMLRequest"]
	if relay, has := parts["RelayState"]; has {
		signed += "&" + relay
	}
	signed += "&" + parts["SigAlg"]
	signature, err := base64.StdEncoding.DecodeString(values["Signature"])
	if err != nil {
		return Logout{}, false, refuse("saml-signature", sends, "The signature cannot be read.")
	}
	if err := idp.verifyText(values["SigAlg"], []byte(signed), signature, sp.Now()); err != nil {
		return Logout{}, false, err
	}
	raw, err := inflate(values["SAMLRequest"])
	if err != nil {
		return Logout{}, false, err
	}
	root, err := parse(raw)
	if err != nil {
		return Logout{}, false, err
	}
	l, err = sp.logout(root, idp)
	l.Relay = values["RelayState"]
	return l, err == nil, err
}

// LogoutByPost checks a sign-out that came in a form.
func (sp SP) LogoutByPost(body []byte, idp IdP) (l Logout, ok bool, err error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("SAMLRequest") == "" {
		if err == nil && form.Get("SAMLResponse") != "" {
			return Logout{}, false, nil
		}
		return Logout{}, false, refuse("saml-answer", sends, "The form holds no message.")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(form.Get("SAMLRequest")), ""))
	if err != nil {
		return Logout{}, false, refuse("saml-answer", sends, "The message cannot be read.")
	}
	root, err := parse(raw)
	if err != nil {
		return Logout{}, false, err
	}
	if count(root, nsSignature, "Signature") != len(all(root, nsSignature, "Signature")) {
		return Logout{}, false, refuse("saml-wrapping", wrapping, "The message holds a signature in a place where none belongs.")
	}
	if root, err = idp.verified(root, sp.Now()); err != nil {
		return Logout{}, false, err
	}
	l, err = sp.logout(root, idp)
	l.Relay = form.Get("RelayState")
	return l, err == nil, err
}

func (sp SP) logout(root *etree.Element, idp IdP) (Logout, error) {
	l := Logout{ID: root.SelectAttrValue("ID", "")}
	issuer, _ := text(only(root, nsAssertion, "Issuer"))
	switch {
	case !is(root, nsProtocol, "LogoutRequest") || l.ID == "" || root.SelectAttrValue("Version", "") != "2.0":
		return l, refuse("saml-answer", sends, "The message is no sign-out.")
	case issuer != idp.EntityID:
		return l, refuse("saml-issuer", sends, "The sign-out is of %q, and not of %s.", shown(issuer), shown(idp.EntityID))
	case root.SelectAttrValue("Destination", "") != sp.SLO:
		return l, refuse("saml-destination", "Check the address for sign-outs of this installation at the provider.", "The sign-out is for %q, and not for %s.", shown(root.SelectAttrValue("Destination", "")), sp.SLO)
	}
	if err := sp.recent(root, "sign-out"); err != nil {
		return l, err
	}
	if _, err := sp.window(root, "sign-out", false); err != nil {
		return l, err
	}
	id := only(root, nsAssertion, "NameID")
	name, ok := text(id)
	if !ok || name == "" {
		return l, refuse("saml-subject", "Let the provider send the NameID in clear text.", "The sign-out does not say of whom it is.")
	}
	l.Name = Name{Value: name, Format: id.SelectAttrValue("Format", "")}
	for _, s := range all(root, nsProtocol, "SessionIndex") {
		if session, ok := text(s); ok && session != "" && len(l.Sessions) < 100 {
			l.Sessions = append(l.Sessions, session)
		}
	}
	l.Until = sp.Now().Add(maxAge + 2*Leeway)
	return l, nil
}
