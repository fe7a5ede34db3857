package saml

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"time"
)

// NewKey makes the key with which requests are signed and assertions decrypted,
// and a certificate that carries it, both as PEM. Providers look at the key alone.
func NewKey(name string, now time.Time) (key, certificate string, err error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "ChatETS " + name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), nil
}

// ParseKey reads what NewKey made.
func ParseKey(key, certificate string) (*rsa.PrivateKey, *x509.Certificate, error) {
	block, _ := pem.Decode([]byte(key))
	carrier, _ := pem.Decode([]byte(certificate))
	if block == nil || carrier == nil {
		return nil, nil, errors.New("no key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("the key is not of RSA")
	}
	cert, err := x509.ParseCertificate(carrier.Bytes)
	return private, cert, err
}
