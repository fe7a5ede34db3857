package saml

import (
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
)

const (
	wrapping = "Somebody has put parts of several messages together."
	clocks   = "Set the clocks of both by NTP, and sign in again."
	sends    = "Check what the provider sends; see its log."
)

// Form reads what the browser posts: the response, as XML.
func Form(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	switch {
	case err != nil:
		return nil, refuse("saml-answer", sends, "The answer of the provider cannot be read.")
	case form.Has("SAMLart"):
		return nil, refuse("saml-artifact", "Let the provider use HTTP-POST for its answers.", "The answer is an artifact, and that binding is not taken.")
	case len(form["SAMLResponse"]) != 1:
		return nil, refuse("saml-answer", sends, "The browser brought no answer of a provider.")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(form.Get("SAMLResponse")), ""))
	if err != nil {
		return nil, refuse("saml-answer", sends, "The answer of the provider cannot be read.")
	}
	return raw, nil
}

// Response checks the answer of a provider and returns what its signed assertion
// says. asked is told to which request it answers, "" for none, and decides
// whether that may be.
func (sp SP) Response(raw []byte, idp IdP, asked func(request string) error) (Assertion, error) {
	root, err := parse(raw)
	if err != nil {
		return Assertion{}, err
	}
	if !is(root, nsProtocol, "Response") {
		return Assertion{}, refuse("saml-answer", sends, "The message is no answer to a sign-in.")
	}
	if err := alone(root); err != nil {
		return Assertion{}, err
	}
	signed := false
	if only(root, nsSignature, "Signature") != nil {
		if root, err = idp.verified(root, sp.Now()); err != nil {
			return Assertion{}, err
		}
		signed = true
	}
	request, err := sp.envelope(root, idp)
	if err != nil {
		return Assertion{}, err
	}
	assertion := only(root, nsAssertion, "Assertion")
	if assertion == nil {
		sealed := only(root, nsAssertion, "EncryptedAssertion")
		if sealed == nil {
			return Assertion{}, refuse("saml-answer", sends, "The answer holds no assertion.")
		}
		if assertion, err = sp.decrypted(sealed); err != nil {
			return Assertion{}, err
		}
		if !is(assertion, nsAssertion, "Assertion") || count(assertion, nsAssertion, "Assertion") != 1 || count(assertion, nsAssertion, "EncryptedAssertion") != 0 ||
			count(assertion, nsProtocol, "Response") != 0 || count(assertion, nsSignature, "Signature") != len(all(assertion, nsSignature, "Signature")) {
			return Assertion{}, refuse("saml-wrapping", wrapping, "What was encrypted is not exactly one assertion.")
		}
	}
	if len(all(assertion, nsSignature, "Signature")) > 0 || !signed {
		if assertion, err = idp.verified(assertion, sp.Now()); err != nil {
			return Assertion{}, err
		}
	}
	if err := asked(request); err != nil {
		return Assertion{}, err
	}
	return sp.read(assertion, idp, request)
}

// alone refuses a document with more than one response or assertion, or with a
// signature anywhere but in the two places where one belongs.
func alone(root *etree.Element) error {
	assertions := count(root, nsAssertion, "Assertion") + count(root, nsAssertion, "EncryptedAssertion")
	switch {
	case count(root, nsProtocol, "Response") != 1:
		return refuse("saml-wrapping", wrapping, "The message holds more than one response.")
	case assertions == 0:
		if status := only(root, nsProtocol, "Status"); status != nil && statusOf(status) != success {
			return denied(status)
		}
		return refuse("saml-answer", sends, "The answer holds no assertion.")
	case assertions != 1 || len(all(root, nsAssertion, "Assertion"))+len(all(root, nsAssertion, "EncryptedAssertion")) != 1:
		return refuse("saml-wrapping", wrapping, "The message holds more than one assertion, or one in a place where none belongs.")
	}
	places := len(all(root, nsSignature, "Signature"))
	if places > 1 {
		return refuse("saml-wrapping", wrapping, "The message is signed twice.")
	}
	if a := only(root, nsAssertion, "Assertion"); a != nil {
		inner := len(all(a, nsSignature, "Signature"))
		if inner > 1 {
			return refuse("saml-wrapping", wrapping, "The assertion is signed twice.")
		}
		places += inner
	}
	if count(root, nsSignature, "Signature") != places {
		return refuse("saml-wrapping", wrapping, "The message holds a signature in a place where none belongs.")
	}
	return nil
}

func statusOf(status *etree.Element) string {
	code := only(status, nsProtocol, "StatusCode")
	if code == nil {
		return ""
	}
	return code.SelectAttrValue("Value", "")
}

func denied(status *etree.Element) error {
	said := statusOf(status)
	if code := only(status, nsProtocol, "StatusCode"); code != nil {
		if more := only(code, nsProtocol, "StatusCode"); more != nil {
			said = more.SelectAttrValue("Value", "")
		}
	}
	message, _ := text(only(status, nsProtocol, "StatusMessage"))
	return refuse("saml-denied", "Check that the person is assigned to the application, and see the provider's log.", "The provider did not sign the person in: %s", shown(strings.TrimSpace(said+" "+message)))
}

// envelope checks the response around the assertion and returns the request that
// it answers.
func (sp SP) envelope(root *etree.Element, idp IdP) (string, error) {
	if root.SelectAttrValue("Version", "") != "2.0" {
		return "", refuse("saml-answer", sends, "The answer is not of SAML 2.0.")
	}
	if list := all(root, nsAssertion, "Issuer"); len(list) > 0 {
		if issuer, ok := text(list[0]); len(list) > 1 || !ok || issuer != idp.EntityID {
			return "", refuse("saml-issuer", "Enter the metadata of the provider that people are sent to.", "The answer is of %s, and not of %s.", shown(issuer), shown(idp.EntityID))
		}
	}
	if to := root.SelectAttrValue("Destination", ""); to != sp.ACS {
		return "", refuse("saml-destination", "Check the address (ACS) of this installation at the provider, and the public address (base-url) here.", "The answer is for %q, and not for %s (Destination).", shown(to), sp.ACS)
	}
	if err := sp.recent(root, "answer"); err != nil {
		return "", err
	}
	status := only(root, nsProtocol, "Status")
	if status == nil {
		return "", refuse("saml-answer", sends, "The answer does not say whether the sign-in went well.")
	}
	if statusOf(status) != success {
		return "", denied(status)
	}
	return root.SelectAttrValue("InResponseTo", ""), nil
}

// recent refuses what was made too long ago, or in the future.
func (sp SP) recent(e *etree.Element, what string) error {
	at, err := time.Parse(time.RFC3339, e.SelectAttrValue("IssueInstant", ""))
	now := sp.Now()
	switch {
	case err != nil:
		return refuse("saml-time", sends, "The %s does not say when it was made.", what)
	case at.After(now.Add(Leeway)):
		return refuse("saml-future", clocks, "The %s comes from the future: the clock of the provider is %s ahead of this server's.", what, at.Sub(now).Round(time.Second))
	case at.Before(now.Add(-maxAge - Leeway)):
		return refuse("saml-expired", clocks, "The %s was made %s ago by the clock of this server.", what, now.Sub(at).Round(time.Second))
	}
	return nil
}

// read takes what is needed out of a verified assertion.
func (sp SP) read(e *etree.Element, idp IdP, request string) (Assertion, error) {
	a := Assertion{ID: e.SelectAttrValue("ID", ""), InResponseTo: request, Attributes: map[string][]string{}}
	issuer, ok := text(only(e, nsAssertion, "Issuer"))
	switch {
	case a.ID == "" || e.SelectAttrValue("Version", "") != "2.0":
		return a, refuse("saml-answer", sends, "The assertion has no identifier, or is not of SAML 2.0.")
	case !ok || issuer != idp.EntityID:
		return a, refuse("saml-issuer", "Enter the metadata of the provider that people are sent to.", "The assertion is of %q, and not of %s.", shown(issuer), shown(idp.EntityID))
	}
	if err := sp.recent(e, "assertion"); err != nil {
		return a, err
	}
	until, err := sp.conditions(e)
	if err != nil {
		return a, err
	}
	confirmed, err := sp.subject(e, &a)
	if err != nil {
		return a, err
	}
	made, err := time.Parse(time.RFC3339, e.SelectAttrValue("IssueInstant", ""))
	if err != nil {
		return a, refuse("saml-time", sends, "The assertion does not say when it was made.")
	}
	a.Until = earliest(made.Add(maxAge), until, confirmed).Add(3 * Leeway)
	if err := sp.statement(e, &a); err != nil {
		return a, err
	}
	for _, s := range all(e, nsAssertion, "AttributeStatement") {
		for _, attribute := range all(s, nsAssertion, "Attribute") {
			name := attribute.SelectAttrValue("Name", "")
			for _, v := range all(attribute, nsAssertion, "AttributeValue") {
				if value, ok := text(v); ok && value != "" {
					a.Attributes[name] = append(a.Attributes[name], value)
				}
			}
		}
	}
	return a, nil
}

func earliest(first time.Time, others ...time.Time) time.Time {
	for _, t := range others {
		if !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}

// window checks NotBefore and NotOnOrAfter; the second is returned.
func (sp SP) window(e *etree.Element, what string, needed bool) (time.Time, error) {
	now := sp.Now()
	if text := e.SelectAttrValue("NotBefore", ""); text != "" {
		from, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return time.Time{}, refuse("saml-time", sends, "The time in the %s cannot be read.", what)
		}
		if from.After(now.Add(Leeway)) {
			return time.Time{}, refuse("saml-future", clocks, "The %s is good only in %s by the clock of this server.", what, from.Sub(now).Round(time.Second))
		}
	}
	text := e.SelectAttrValue("NotOnOrAfter", "")
	if text == "" && !needed {
		return time.Time{}, nil
	}
	until, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, refuse("saml-time", sends, "The %s does not say how long it is good for.", what)
	}
	if !now.Before(until.Add(Leeway)) {
		return time.Time{}, refuse("saml-expired", clocks, "The %s has expired %s ago by the clock of this server.", what, now.Sub(until).Round(time.Second))
	}
	return until, nil
}

// conditions sees that the assertion is for this installation, and for now.
func (sp SP) conditions(e *etree.Element) (time.Time, error) {
	c := only(e, nsAssertion, "Conditions")
	if c == nil {
		return time.Time{}, refuse("saml-audience", sends, "The assertion does not say for whom it is (AudienceRestriction).")
	}
	until, err := sp.window(c, "assertion", false)
	if err != nil {
		return until, err
	}
	restrictions := all(c, nsAssertion, "AudienceRestriction")
	if len(restrictions) == 0 {
		return until, refuse("saml-audience", sends, "The assertion does not say for whom it is (AudienceRestriction).")
	}
	for _, r := range restrictions {
		var names []string
		mine := false
		for _, audience := range all(r, nsAssertion, "Audience") {
			name, ok := text(audience)
			names = append(names, name)
			mine = mine || ok && name == sp.EntityID
		}
		if !mine {
			return until, refuse("saml-audience", "Enter the entity ID of this installation at the provider: "+sp.EntityID, "The assertion is for %q, and not for this installation.", shown(strings.Join(names, ", ")))
		}
	}
	return until, nil
}

// subject reads of whom the assertion is, and sees that whoever brings it is the
// one whom the provider gave it to.
func (sp SP) subject(e *etree.Element, a *Assertion) (time.Time, error) {
	s := only(e, nsAssertion, "Subject")
	if s == nil {
		return time.Time{}, refuse("saml-subject", sends, "The assertion does not say of whom it is.")
	}
	id := only(s, nsAssertion, "NameID")
	name, ok := text(id)
	if !ok || name == "" || len(name) > 255 {
		return time.Time{}, refuse("saml-subject", "Let the provider send a NameID in clear text; encrypt the whole assertion instead.", "The assertion names nobody (NameID), or in a form that is not plain text.")
	}
	a.Name = Name{Value: name, Format: id.SelectAttrValue("Format", ""), NameQualifier: id.SelectAttrValue("NameQualifier", ""), SPNameQualifier: id.SelectAttrValue("SPNameQualifier", "")}
	if a.Name.Format == transient {
		return time.Time{}, refuse("saml-transient", "Let the provider send a name that stays: persistent, or the e-mail address.", "The provider calls the person by a name that is another one each time (transient).")
	}
	var last error = refuse("saml-recipient", sends, "The assertion does not say who may bring it (bearer).")
	for _, c := range all(s, nsAssertion, "SubjectConfirmation") {
		if c.SelectAttrValue("Method", "") != bearer {
			continue
		}
		until, err := sp.confirmation(c, a)
		if err == nil {
			return until, nil
		}
		last = err
	}
	return time.Time{}, last
}

func (sp SP) confirmation(c *etree.Element, a *Assertion) (time.Time, error) {
	d := only(c, nsAssertion, "SubjectConfirmationData")
	if d == nil {
		return time.Time{}, refuse("saml-recipient", sends, "The assertion does not say to whom it may be brought (Recipient).")
	}
	if to := d.SelectAttrValue("Recipient", ""); to != sp.ACS {
		return time.Time{}, refuse("saml-recipient", "Check the address (ACS) of this installation at the provider, and the public address (base-url) here.", "The assertion may be brought to %q, and not to %s (Recipient).", shown(to), sp.ACS)
	}
	if d.SelectAttr("NotBefore") != nil {
		return time.Time{}, refuse("saml-time", sends, "The confirmation of the subject has a NotBefore, which the standard forbids.")
	}
	if request := d.SelectAttrValue("InResponseTo", ""); request != a.InResponseTo {
		return time.Time{}, refuse("saml-in-response-to", "Begin again at the sign-in page.", "The assertion answers to another request than the message around it (InResponseTo).")
	}
	return sp.window(d, "confirmation of the subject", true)
}

// statement reads how and when the person signed in at the provider.
func (sp SP) statement(e *etree.Element, a *Assertion) error {
	list := all(e, nsAssertion, "AuthnStatement")
	if len(list) == 0 {
		return refuse("saml-answer", sends, "The assertion does not say that anybody signed in (AuthnStatement).")
	}
	a.Session = list[0].SelectAttrValue("SessionIndex", "")
	if end := list[0].SelectAttrValue("SessionNotOnOrAfter", ""); end != "" {
		at, err := time.Parse(time.RFC3339, end)
		if err != nil || !sp.Now().Before(at.Add(Leeway)) {
			return refuse("saml-expired", clocks, "The session at the provider is over already.")
		}
	}
	return nil
}
