package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"chatets/appliance/fault"
)

// Begin is a sign-in that is to begin at the provider.
type Begin struct {
	Redirect, State, Nonce, Verifier string
	Scopes                           []string
	Again                            bool // the provider is to ask for the password again
}

// Authorize is where the browser has to go.
func (c Config) Authorize(m Metadata, b Begin) (string, error) {
	u, err := url.Parse(m.Authorization)
	if err != nil {
		return "", fault.New(fault.Conflict, "The address of the provider's sign-in cannot be read.").Code("oidc-discovery").Cure("Check the issuer.").Because(err)
	}
	q := u.Query()
	sum := sha256.Sum256([]byte(b.Verifier))
	for name, value := range map[string]string{
		"response_type": "code", "client_id": c.ClientID, "redirect_uri": b.Redirect, "scope": together(b.Scopes),
		"state": b.State, "nonce": b.Nonce, "code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	if b.Again {
		q.Set("prompt", "login")
		q.Set("max_age", "0")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// Tokens are what a code was exchanged for.
type Tokens struct {
	ID     string `json:"id_token"`
	Access string `json:"access_token"`
	Type   string `json:"token_type"`
}

// Exchange gives the code back to the provider, with the secret and the verifier.
func (c Config) Exchange(ctx context.Context, m Metadata, code, redirect, verifier string) (Tokens, error) {
	status, text, err := c.token(ctx, m, code, redirect, verifier)
	if err != nil {
		return Tokens{}, err
	}
	if status != http.StatusOK {
		said, more := errorOf(text)
		cure := "See what the provider's log says."
		switch said {
		case "invalid_client", "unauthorized_client":
			cure = "Enter client ID and secret again, as the provider shows them; a secret may have expired."
		case "invalid_grant":
			cure = "Sign in again. A code is good once and for a short while; check the redirect address at the provider too."
		}
		return Tokens{}, fault.New(fault.Forbidden, "The provider does not exchange the code: %s.", because(said, more)).Code("oidc-exchange").Cure("%s", cure)
	}
	var t Tokens
	if err := json.Unmarshal(text, &t); err != nil || t.ID == "" {
		return Tokens{}, fault.New(fault.Forbidden, "The provider sent no ID token.").Code("oidc-exchange").
			Cure("Let the client at the provider use OpenID Connect, with the scope openid.").Because(err)
	}
	return t, nil
}

// Probe asks for the exchange of a code that cannot exist: the provider's answer
// tells whether it knows the client and its secret.
func (c Config) Probe(ctx context.Context, m Metadata, redirect string) (answer string, err error) {
	_, text, err := c.token(ctx, m, "chatets-test", redirect, strings.Repeat("t", 43))
	if err != nil {
		return "", err
	}
	said, more := errorOf(text)
	if said == "invalid_client" || said == "unauthorized_client" {
		return "", fault.New(fault.Forbidden, "The provider does not know the client, or the secret is wrong: %s.", because(said, more)).Code("oidc-client").
			Cure("Enter client ID and secret again, as the provider shows them; a secret may have expired.")
	}
	return because(said, more), nil
}

func (c Config) token(ctx context.Context, m Metadata, code, redirect, verifier string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
	basic := c.ClientSecret != "" && (len(m.Methods) == 0 || slices.Contains(m.Methods, "client_secret_basic"))
	if !basic {
		form.Set("client_id", c.ClientID)
		if c.ClientSecret != "" {
			form.Set("client_secret", c.ClientSecret)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, fault.New(fault.Conflict, "The address of the exchange cannot be asked.").Code("oidc-exchange").Cure("Check the issuer.").Because(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if basic { // RFC 6749 2.3.1 has both encoded first
		req.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret))
	}
	return c.do(req, "exchange")
}

// UserInfo asks for more claims; they have to be of the same person.
func (c Config) UserInfo(ctx context.Context, m Metadata, access, subject string) (Claims, error) {
	var more Claims
	if err := c.get(ctx, "userinfo", m.UserInfo, access, &more); err != nil {
		return nil, err
	}
	if more.Text("sub") != subject {
		return nil, fault.New(fault.Forbidden, "The provider's user info is of another person.").Code("oidc-userinfo").Cure("Check what the provider sends.")
	}
	return more, nil
}

// SignOut is where the browser has to go to end its session at the provider; ""
// where the provider has no such address.
func (c Config) SignOut(m Metadata, idToken, back string) string {
	if m.EndSession == "" {
		return ""
	}
	u, err := url.Parse(m.EndSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", c.ClientID)
	q.Set("post_logout_redirect_uri", back)
	if idToken != "" {
		q.Set("id_token_hint", idToken)
	}
	u.RawQuery = q.Encode()
	return u.String()
}
