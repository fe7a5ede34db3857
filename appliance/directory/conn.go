package directory

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

// What one conversation with a directory may take.
const (
	connectTime = 5 * time.Second
	answerTime  = 20 * time.Second
	pageSize    = 500
)

// server is where one server of a directory listens.
type server struct {
	url, host string
	port      int
	tls       bool // from the first byte
}

// parseServer reads an address like ldap://dc1.clinic.example or ldaps://10.1.2.3:636.
func parseServer(text string) (server, error) {
	refused := func(why string) (server, error) {
		return server{}, fault.New(fault.Invalid, "%s", why).Cure("Write it like ldaps://dc1.clinic.example or ldap://10.1.2.3:389.")
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return refused("This is no address of a directory server.")
	}
	s := server{host: strings.ToLower(u.Hostname()), port: 389}
	switch strings.ToLower(u.Scheme) {
	case "ldap":
	case "ldaps":
		s.tls, s.port = true, 636
	default:
		return refused("The address of a directory server begins with ldaps:// or ldap://.")
	}
	if p := u.Port(); p != "" {
		if s.port, err = strconv.Atoi(p); err != nil || s.port < 1 || s.port > 65535 {
			return refused("The port of the directory server is not from 1 to 65535.")
		}
	}
	s.url = strings.ToLower(u.Scheme) + "://" + net.JoinHostPort(s.host, strconv.Itoa(s.port))
	return s, nil
}

func purposeOf(directory string) string { return "directory:" + directory }

// egressOwner owns the rules of all directories at the gate.
const egressOwner = "directory"

// rulesOf let a directory's servers be reached, for its purpose alone.
func rulesOf(purpose string, urls []string) ([]egress.Rule, error) {
	var rules []egress.Rule
	for _, u := range urls {
		s, err := parseServer(u)
		if err != nil {
			return nil, err
		}
		rules = append(rules, egress.Rule{Purpose: purpose, Host: s.host, Port: s.port})
	}
	return rules, nil
}

// tlsConfig trusts the directory's own authority where one is given, and with a
// pin the one certificate only.
func tlsConfig(s Settings, host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.CA != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(s.CA)) {
			return nil, fault.New(fault.Invalid, "The file of the authority holds no certificate.").Cure("Give its certificate as PEM.")
		}
	}
	if s.Pin != "" {
		// The pin says more than any authority could: it is this certificate or none.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(state tls.ConnectionState) error {
			sum := sha256.Sum256(state.PeerCertificates[0].Raw)
			if got := hex.EncodeToString(sum[:]); got != s.Pin {
				return fmt.Errorf("the certificate has the fingerprint %s, not the pinned one", got)
			}
			return nil
		}
	}
	return c, nil
}

// talk is one conversation with one server of a directory.
type talk struct {
	*ldap.Conn
	server server
	scheme scheme
	stop   func() bool
}

// Close ends the conversation.
func (t *talk) Close() {
	t.stop()
	_ = t.Conn.Close() // it was read to its end, or is no longer wanted
}

// steps are told what is done, for the page that tests a directory.
type steps func(name, query, answer string, err error)

func (s steps) note(name, query, answer string, err error) {
	if s != nil {
		s(name, query, answer, err)
	}
}

// open connects to the first server that answers and signs in with the service
// account, or, without one, as nobody.
func (d *Directories) open(ctx context.Context, dir Directory, note steps) (*talk, error) {
	password, err := d.password(dir)
	if err != nil {
		return nil, err
	}
	t, err := d.reach(ctx, dir, note)
	if err != nil {
		return nil, err
	}
	if err := t.bind(dir.Settings.BindDN, password, note); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *talk) bind(dn, password string, note steps) error {
	var err error
	query := "bind as " + dn
	if dn == "" {
		query, err = "anonymous bind", t.UnauthenticatedBind("")
	} else {
		err = t.Bind(dn, password)
	}
	if err == nil {
		note.note("bind", query, "accepted", nil)
		return nil
	}
	err = bindFault(err)
	note.note("bind", query, "", err)
	return err
}

// bindFault says why the service account was refused.
func bindFault(err error) error {
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultConfidentialityRequired), ldap.IsErrorWithCode(err, ldap.LDAPResultStrongAuthRequired):
		return fault.New(fault.Conflict, "The directory refuses passwords on a connection that is not encrypted.").Code("directory-clear").
			Cure("Use ldaps://, or ldap:// without --clear-text, which encrypts with StartTLS.").Because(err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax):
		why := "its name or its password is not right"
		if reason := adReason(err); reason != "" && reason != "password" {
			why = "the directory says: " + reason
		}
		return fault.New(fault.Conflict, "The directory refused the service account: %s.", why).Code("directory-bind").
			Cure("Check the bind DN and enter its password again.").Because(err)
	case ldap.IsErrorWithCode(err, ldap.LDAPResultInappropriateAuthentication), ldap.IsErrorWithCode(err, ldap.LDAPResultInsufficientAccessRights):
		return fault.New(fault.Conflict, "The directory lets nobody look without signing in.").Code("directory-bind").
			Cure("Give a service account with --bind-dn and its password.").Because(err)
	}
	return unanswered(err)
}

// unanswered is a conversation that broke off.
func unanswered(err error) error {
	return fault.New(fault.Unavailable, "The directory did not answer.").Code("directory-down").
		Cure("Check that it runs and can be reached from this machine.").Because(err)
}

// reach connects to the first server that answers, encrypted unless the settings
// say in words that it need not be.
func (d *Directories) reach(ctx context.Context, dir Directory, note steps) (*talk, error) {
	var all []error
	for _, u := range dir.Settings.URLs {
		t, err := d.connect(ctx, dir, u, note)
		if err == nil {
			return t, nil
		}
		all = append(all, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(all) == 1 {
		return nil, all[0]
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Invalid, "The directory has no server.").Cure("Give the address of one with --url.")
	}
	return nil, fault.New(fault.Unavailable, "None of the %d servers of the directory can be used. The first said: %s", len(all), fault.Of(all[0]).Sentence).
		Code("directory-down").Cure("%s", fault.Of(all[0]).Cure).Because(errors.Join(all...))
}

func (d *Directories) connect(ctx context.Context, dir Directory, address string, note steps) (*talk, error) {
	s, err := parseServer(address)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	raw, err := d.gate.Dial(within, purposeOf(dir.ID), "tcp", net.JoinHostPort(s.host, strconv.Itoa(s.port)))
	note.note("connect", s.url, "connected", err)
	if err != nil {
		return nil, err
	}
	config, err := tlsConfig(dir.Settings, s.host)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	if s.tls {
		secured := tls.Client(raw, config)
		if err := secured.HandshakeContext(within); err != nil {
			err = tlsFault(err, s)
			note.note("tls", "TLS from the first byte", "", err)
			return nil, errors.Join(err, raw.Close())
		}
		note.note("tls", "TLS from the first byte", version(secured.ConnectionState()), nil)
		raw = secured
	}
	c := ldap.NewConn(raw, s.tls)
	c.Start()
	c.SetTimeout(answerTime)
	t := &talk{Conn: c, server: s, scheme: schemeOf(dir.Settings), stop: context.AfterFunc(ctx, func() { _ = c.Close() })}
	if s.tls || dir.Settings.ClearText {
		if !s.tls {
			note.note("tls", "none: clear text is switched on for this directory", "not encrypted", nil)
		}
		return t, nil
	}
	// A server that hangs in the handshake must not be waited for longer than one that hangs before it.
	stalled := context.AfterFunc(within, func() { _ = c.Close() })
	err = c.StartTLS(config)
	stalled()
	if err != nil {
		t.Close()
		err = tlsFault(err, s)
		note.note("tls", "StartTLS", "", err)
		return nil, err
	}
	state, _ := c.TLSConnectionState()
	note.note("tls", "StartTLS", version(state), nil)
	return t, nil
}

func version(s tls.ConnectionState) string {
	text := tls.VersionName(s.Version)
	if len(s.PeerCertificates) > 0 {
		sum := sha256.Sum256(s.PeerCertificates[0].Raw)
		text += ", " + s.PeerCertificates[0].Subject.String() + ", SHA-256 " + hex.EncodeToString(sum[:])
	}
	return text
}

// tlsFault says why no encrypted connection came to be.
func tlsFault(err error, s server) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	text := err.Error() // StartTLS gives the reason as text alone
	switch {
	case errors.As(err, &unknown), strings.Contains(text, "unknown authority"):
		return fault.New(fault.Conflict, "The certificate of %s is from an authority that is not trusted.", s.host).Code("directory-certificate").
			Cure("Give the certificate of its authority with --ca.").Because(err)
	case errors.As(err, &name), strings.Contains(text, "certificate is valid for"), strings.Contains(text, "IP SANs"):
		return fault.New(fault.Conflict, "The certificate of %s is for another name.", s.host).Code("directory-certificate").
			Cure("Use the name that the certificate is for, or have it made anew.").Because(err)
	case errors.As(err, &invalid), strings.Contains(text, "expired or is not yet valid"):
		return fault.New(fault.Conflict, "The certificate of %s is not valid now.", s.host).Code("directory-certificate").
			Cure("Have it renewed, and check the clocks of both machines.").Because(err)
	case strings.Contains(text, "fingerprint"):
		return fault.New(fault.Conflict, "The certificate of %s is not the pinned one.", s.host).Code("directory-certificate").
			Cure("If it was renewed, pin the new one; if not, somebody may be in between.").Because(err)
	case ldap.IsErrorWithCode(err, ldap.LDAPResultProtocolError), ldap.IsErrorWithCode(err, ldap.LDAPResultUnavailable), ldap.IsErrorWithCode(err, ldap.LDAPResultUnwillingToPerform):
		return fault.New(fault.Conflict, "%s does not offer StartTLS.", s.host).Code("directory-clear").
			Cure("Use ldaps://, or switch StartTLS on in the directory.").Because(err)
	}
	return fault.New(fault.Unavailable, "No encrypted connection to %s came to be.", s.host).Code("directory-down").
		Cure("Check that its port is right and that it has a certificate.").Because(err)
}
