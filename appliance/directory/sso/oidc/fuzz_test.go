package oidc

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"chatets/appliance/fault"
)

// Nobody has the key, so whatever the fuzzer writes is refused, with a reason.
func FuzzToken(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	}))
	f.Cleanup(s.Close)
	now := time.Now()
	c := Config{Issuer: s.URL, ClientID: "chatets", Plain: true, HTTP: s.Client(), Now: func() time.Time { return now }}
	keys := &Keys{}
	for _, seed := range []string{"", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AAAA", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "..", "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.AAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := c.IDToken(t.Context(), keys, Metadata{Keys: s.URL}, token, Expected{Nonce: "n"})
		if err == nil {
			t.Fatalf("taken: %v", claims)
		}
		if r := fault.Of(err); r.Kind != fault.Forbidden || r.Cure == "" {
			t.Errorf("refused without a reason: %v", err)
		}
		if asked > 1 {
			t.Errorf("keys were asked for %d times", asked)
		}
	})
}
