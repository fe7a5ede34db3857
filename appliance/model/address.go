package model

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"chatets/appliance/fault"
)

// address is the address of a server in the form it is stored in: without a
// slash at its end and without a port that goes without saying.
func (m *Models) address(text string) (string, error) {
	bad := func(sentence string) (string, error) {
		return "", fault.New(fault.Invalid, "%s", sentence).Cure("Enter it like http://10.1.2.3:11434 or https://llm.hospital.example.").
			With(fault.Detail{Field: "body.url", Sentence: sentence})
	}
	text = strings.TrimSpace(text)
	if text != "" && !strings.Contains(text, "://") {
		text = "http://" + text // as people copy it: 10.1.2.3:11434
	}
	if text == "" || len(text) > maxURL || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return bad("This is no address of a server.")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "":
		return bad("This is no address of a server.")
	case u.Scheme != "http" && u.Scheme != "https":
		return bad("The address must begin with http:// or https://.")
	case u.User != nil:
		return bad("The address may hold no user name and no password: enter a token instead.")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return bad("The address may hold nothing from ? or # on.")
	case strings.HasSuffix(u.Host, ":"):
		return bad("The address lacks the port behind its colon.")
	}
	port, err := portOf(u)
	if err != nil || port < 1 || port > 65535 {
		return bad("The port is a number from 1 to 65535.")
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if sentence := m.unreachable(host, port); sentence != "" {
		return bad(sentence)
	}
	clean := url.URL{Scheme: u.Scheme, Host: host}
	if strings.Contains(host, ":") {
		clean.Host = "[" + host + "]"
	}
	if port != (map[string]int{"http": 80, "https": 443})[u.Scheme] {
		clean.Host += ":" + strconv.Itoa(port)
	}
	if p := path.Clean("/" + u.Path); p != "/" {
		clean.Path = p
	}
	return clean.String(), nil
}

var hostForm = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*$`)

// unreachable says why a host can never be a model server; "" when it can. What
// a name leads to is judged at the gate, each time it is dialled.
func (m *Models) unreachable(host string, port int) string {
	addr, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return "The address names no host."
	case err != nil && (len(host) > 253 || !hostForm.MatchString(host)):
		return "The address names no host that can be looked up."
	case err == nil && (addr.Zone() != "" || addr.Unmap().IsUnspecified() || addr.Unmap().IsMulticast()):
		return "The address names no single machine."
	case err == nil && addr.Unmap().IsLinkLocalUnicast():
		return "Link-local addresses are never reached."
	case loopbackHost(host) && m.ours(port):
		return "This is the address of ChatETS itself."
	}
	return ""
}

// certificates are the own certificates of a server, as PEM and nothing else.
func certificates(text, address string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	bad := func(sentence string) (string, error) {
		return "", fault.New(fault.Invalid, "%s", sentence).Code("certificate-unreadable").
			Cure("Give the certificate of the authority that signed the server's, as PEM: it begins with -----BEGIN CERTIFICATE-----.").
			With(fault.Detail{Field: "body.ca", Sentence: sentence})
	}
	if len(text) > maxCA {
		return bad("The certificates are larger than 64 KB.")
	}
	if !strings.HasPrefix(address, "https://") {
		return bad("A server without https has no certificate.")
	}
	var clean bytes.Buffer
	for rest := []byte(text); len(bytes.TrimSpace(rest)) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if strings.Contains(block.Type, "PRIVATE KEY") {
			return bad("This holds a private key, which belongs to the server alone.")
		}
		if block.Type != "CERTIFICATE" {
			return bad("This holds something that is no certificate.")
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return bad("A certificate in it cannot be read.")
		}
		if err := pem.Encode(&clean, &pem.Block{Type: block.Type, Bytes: block.Bytes}); err != nil {
			return "", err
		}
	}
	if clean.Len() == 0 {
		return bad("This is no certificate.")
	}
	return clean.String(), nil
}

// plainToken is a token that can stand in a header.
func plainToken(token string) (string, error) {
	token = strings.TrimSpace(token)
	if len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", wrong("body.token", "This is no token: it holds a space or a sign that no token has.")
	}
	return token, nil
}
