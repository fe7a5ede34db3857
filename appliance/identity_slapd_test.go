//go:build identity

package appliance_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// A slapd is a real OpenLDAP server of its own for one test.
type slapd struct {
	url, ldaps string
	ca, pin    string
	tls        *tls.Config
	dir        string
	stop       func()
}

const slapdBase = "dc=example,dc=org"

// startSlapd starts a server that takes passwords on encrypted connections only,
// and loads people and groups.
func startSlapd(t *testing.T, people int) *slapd {
	t.Helper()
	const binary = "/usr/sbin/slapd"
	if _, err := os.Stat(binary); err != nil {
		t.Fatal("slapd is not installed: run make prepare, or make test-identity")
	}
	s := &slapd{dir: t.TempDir()}
	s.certificate(t)
	port, secure := freePort(t), freePort(t)
	s.url, s.ldaps = fmt.Sprintf("ldap://127.0.0.1:%d", port), fmt.Sprintf("ldaps://127.0.0.1:%d", secure)
	config := strings.ReplaceAll(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
TLSCACertificateFile DIR/ca.pem
TLSCertificateFile DIR/server.pem
TLSCertificateKeyFile DIR/server.key
sizelimit size.soft=500 size.hard=500 size.pr=1000 size.prtotal=unlimited
security simple_bind=128
database mdb
maxsize 268435456
dbnosync
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw admin-pw
directory DIR/db
index objectClass eq
index uid,mail,member,entryUUID,modifyTimestamp eq
overlay memberof
overlay ppolicy
access to attrs=userPassword by self write by anonymous auth by * none
access to * by dn.exact="cn=sync,ou=svc,dc=example,dc=org" read by users read by * none
`, "DIR", s.dir)
	if err := os.MkdirAll(filepath.Join(s.dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write(t, "slapd.conf", []byte(config))
	cmd := exec.Command(binary, "-d", "0", "-f", filepath.Join(s.dir, "slapd.conf"), "-h", s.url+"/ "+s.ldaps+"/")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	s.stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(s.stop)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "ldap://"))
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("slapd does not start")
		}
	}
	s.load(t, people)
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *slapd) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate makes an authority and the server's certificate.
func (s *slapd) certificate(t *testing.T) {
	t.Helper()
	make := func(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	caKey, key := newKey(), newKey()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	caDER := make(ca, ca, caKey, caKey)
	leafDER := make(leaf, ca, key, caKey)
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}))
	s.write(t, "ca.pem", []byte(s.ca))
	s.write(t, "server.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leafDER}))
	s.write(t, "server.key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(s.ca))
	s.tls = &tls.Config{RootCAs: pool, ServerName: "localhost"}
	s.pin = fingerprint(leafDER)
}

// admin is a connection that may change everything.
func (s *slapd) admin(t *testing.T) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL(s.ldaps, ldap.DialWithTLSConfig(s.tls))
	if err == nil {
		err = c.Bind("cn=admin,"+slapdBase, "admin-pw")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func uid(n int) string { return fmt.Sprintf("uid=u%04d,ou=people,%s", n, slapdBase) }

func groupDN(name string) string { return "cn=" + ldap.EscapeDN(name) + ",ou=groups," + slapdBase }

func (s *slapd) load(t *testing.T, people int) {
	t.Helper()
	c := s.admin(t)
	add := func(dn string, attributes map[string][]string) {
		t.Helper()
		r := ldap.NewAddRequest(dn, nil)
		for name, values := range attributes {
			r.Attribute(name, values)
		}
		if err := c.Add(r); err != nil {
			t.Fatalf("add %s: %v", dn, err)
		}
	}
	add(slapdBase, map[string][]string{"objectClass": {"top", "dcObject", "organization"}, "dc": {"example"}, "o": {"Example"}})
	for _, ou := range []string{"people", "groups", "svc"} {
		add("ou="+ou+","+slapdBase, map[string][]string{"objectClass": {"organizationalUnit"}, "ou": {ou}})
	}
	add("cn=sync,ou=svc,"+slapdBase, map[string][]string{"objectClass": {"person"}, "cn": {"sync"}, "sn": {"sync"}, "userPassword": {"sync-pw"}})
	for i := 1; i <= people; i++ {
		s.person(t, c, i)
	}
	var all [4][]string
	for i := 1; i <= people; i++ {
		all[i%4] = append(all[i%4], uid(i))
	}
	group := func(name string, members ...string) {
		add(groupDN(name), map[string][]string{"objectClass": {"groupOfNames"}, "cn": {name}, "member": members})
	}
	for i, members := range all {
		if len(members) == 0 { // a group has a member
			members = []string{uid(1)}
		}
		group(fmt.Sprintf("dept-%d", i), members...)
	}
	group("everyone", groupDN("dept-0"), groupDN("dept-1"), groupDN("dept-2"), groupDN("dept-3"))
	group("chatets-admins", uid(1))
	group("loop-a", groupDN("loop-b"), uid(3))
	group("loop-b", groupDN("loop-a"), uid(4))
	group(`odd, "name" (*) \ #`, uid(5))
}

// person adds the person of a number, with a few who are hard to ask for.
func (s *slapd) person(t *testing.T, c *ldap.Conn, n int) {
	t.Helper()
	name := fmt.Sprintf("User %04d", n)
	switch n {
	case 7:
		name = `Doe (Ops), Jane *7 \ "x"`
	case 8:
		name = "Zoë Müller-Ståhl"
	}
	r := ldap.NewAddRequest(uid(n), nil)
	r.Attribute("objectClass", []string{"inetOrgPerson"})
	r.Attribute("cn", []string{name})
	r.Attribute("sn", []string{"S"})
	r.Attribute("mail", []string{fmt.Sprintf("u%04d@example.org", n)})
	r.Attribute("userPassword", []string{fmt.Sprintf("pw-%04d", n)})
	if err := c.Add(r); err != nil {
		t.Fatal(err)
	}
}
