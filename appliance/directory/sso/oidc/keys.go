package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"chatets/appliance/fault"
)

// algorithms are the signatures that are taken: made with a private key, so that
// nobody who can check one can make one.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}
}

const (
	keysLife    = 10 * time.Minute // a key that is withdrawn is good for that long at most
	keysPause   = 30 * time.Second // between two questions for a key that is not known
	failedPause = 3 * time.Second  // after one that was not answered
	maxKeys     = 100
)

// Keys are the public keys of one provider, asked for again when they are old or
// when a token is signed with one that is not known, but never in a row.
type Keys struct {
	mu      sync.Mutex
	address string
	list    []jose.JSONWebKey
	fetched time.Time
	asked   time.Time
	failed  error // what came of the last question, nil = keys
}

// FetchKeys asks for the keys of the provider.
func (c Config) FetchKeys(ctx context.Context, address string) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := c.get(ctx, "keys", address, "", &set); err != nil {
		return nil, err
	}
	var list []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		// A kind of key that is not known here does not spoil the others.
		if len(list) >= maxKeys || k.UnmarshalJSON(raw) != nil || !usable(k) {
			continue
		}
		list = append(list, k)
	}
	if len(list) == 0 {
		return nil, fault.New(fault.Unavailable, "The provider publishes no key that signatures can be checked with.").Code("oidc-keys").
			Cure("Let the provider sign with RSA, EC or Ed25519.")
	}
	return list, nil
}

func usable(k jose.JSONWebKey) bool {
	if k.Use != "" && k.Use != "sig" || !k.Valid() || !k.IsPublic() {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// find returns the keys that a token can be signed with.
func (ks *Keys) find(ctx context.Context, c Config, address, id string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	now := c.Now()
	if ks.address != address {
		ks.address, ks.list, ks.fetched, ks.asked, ks.failed = address, nil, time.Time{}, time.Time{}, nil
	}
	found := matching(ks.list, id, alg)
	old := now.Sub(ks.fetched) > keysLife
	if old || len(found) == 0 {
		if !ks.asked.IsZero() && now.Sub(ks.asked) < keysPause {
			return nil, ks.failed
		}
		ks.asked = now
		list, err := c.FetchKeys(ctx, address)
		if ks.failed = err; err != nil {
			ks.asked = now.Add(failedPause - keysPause)
			return nil, err
		}
		ks.list, ks.fetched = list, now
		found = matching(list, id, alg)
	}
	return found, nil
}

func matching(list []jose.JSONWebKey, id string, alg jose.SignatureAlgorithm) []jose.JSONWebKey {
	return slices.DeleteFunc(slices.Clone(list), func(k jose.JSONWebKey) bool {
		return id != "" && k.KeyID != id || k.Algorithm != "" && k.Algorithm != string(alg) || !fits(k, alg)
	})
}

func fits(k jose.JSONWebKey, alg jose.SignatureAlgorithm) bool {
	switch k.Key.(type) {
	case *rsa.PublicKey:
		return alg[0] == 'R' || alg[0] == 'P'
	case *ecdsa.PublicKey:
		return alg[:2] == "ES"
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}

// open checks the signature of a token and returns what it holds.
func (ks *Keys) open(ctx context.Context, c Config, address, token, code string) ([]byte, error) {
	refuse := func(format string, args ...any) *fault.Error {
		return fault.New(fault.Forbidden, format, args...).Code(code)
	}
	if len(token) > maxAnswer {
		return nil, refuse("The token is too large.")
	}
	alg := algorithmOf(token)
	if !slices.Contains(algorithms(), jose.SignatureAlgorithm(alg)) {
		return nil, fault.New(fault.Forbidden, "The token is signed with the algorithm %q, which proves nothing here.", shown(alg)).Code("oidc-algorithm").
			Cure("Set the client at the provider to sign with RS256, PS256 or ES256.")
	}
	signed, err := jose.ParseSignedCompact(token, algorithms())
	if err != nil || len(signed.Signatures) != 1 {
		return nil, refuse("The token of the provider cannot be read.").Cure("Check what the provider sends.").Because(err)
	}
	header := signed.Signatures[0].Protected
	keys, err := ks.find(ctx, c, address, header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, fault.New(fault.Forbidden, "The token is signed with the key %q, which the provider does not publish.", shown(header.KeyID)).Code("oidc-key").
			Cure("If the provider has just changed its keys, try again in a minute. Otherwise somebody else made the token.")
	}
	for _, k := range keys {
		if text, err := signed.Verify(k.Key); err == nil {
			return text, nil
		}
	}
	return nil, fault.New(fault.Forbidden, "The signature of the token is not of the provider.").Code("oidc-signature").
		Cure("Check that the issuer is the right one; otherwise somebody else made the token.").Because(errors.New("no key fits"))
}

// algorithmOf is what the header of a token names, before anything is believed.
func algorithmOf(token string) string {
	head, _, _ := cutDot(token)
	raw, err := decodeSegment(head)
	if err != nil {
		return ""
	}
	var h struct {
		Alg string `json:"alg"`
	}
	if json.Unmarshal(raw, &h) != nil {
		return ""
	}
	return h.Alg
}
