package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"slices"
	"strings"
	"time"

	"chatets/appliance/fault"
)

// Leeway is how far the clocks of the provider and of this server may differ.
const Leeway = 2 * time.Minute

// maxAge is how old a token may be when it arrives.
const maxAge = 10 * time.Minute

func cutDot(text string) (before, after string, found bool) { return strings.Cut(text, ".") }

func decodeSegment(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }

// Claims are what a provider says of somebody.
type Claims map[string]any

// Text is a claim as text, "" where it is none.
func (c Claims) Text(name string) string {
	text, _ := c[name].(string)
	return text
}

// True reports whether a claim says yes; some providers write it as text.
func (c Claims) True(name string) bool {
	yes, _ := c[name].(bool)
	return yes || c.Text(name) == "true"
}

// List is a claim as a list of texts; one text is a list of one.
func (c Claims) List(name string) []string {
	switch v := c[name].(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []any:
		var list []string
		for _, one := range v {
			if text, ok := one.(string); ok && text != "" {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}

// moment is a claim as a time; zero where it is none.
func (c Claims) moment(name string) time.Time {
	seconds, ok := c[name].(float64)
	if !ok || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// Expected is what an ID token has to answer to.
type Expected struct {
	Nonce       string
	AccessToken string // checked against at_hash where the token has one
}

// IDToken checks an ID token and returns its claims.
func (c Config) IDToken(ctx context.Context, keys *Keys, m Metadata, token string, want Expected) (Claims, error) {
	text, err := keys.open(ctx, c, m.Keys, token, "oidc-token")
	if err != nil {
		return nil, err
	}
	claims, err := c.common(text)
	if err != nil {
		return nil, err
	}
	refuse := func(code, cure, format string, args ...any) error {
		return fault.New(fault.Forbidden, format, args...).Code(code).Cure("%s", cure)
	}
	now := c.Now()
	switch exp := claims.moment("exp"); {
	case exp.IsZero():
		return nil, refuse("oidc-time", "Check what the provider sends.", "The token does not say how long it is good for.")
	case !now.Before(exp.Add(Leeway)):
		return nil, refuse("oidc-time", "Set the clocks of both by NTP, and sign in again.", "The token has expired %s ago by the clock of this server.", now.Sub(exp).Round(time.Second))
	}
	if nbf := claims.moment("nbf"); nbf.After(now.Add(Leeway)) {
		return nil, refuse("oidc-time", "Set the clocks of both by NTP.", "The token is good only in %s by the clock of this server.", nbf.Sub(now).Round(time.Second))
	}
	if want.Nonce == "" || claims.Text("nonce") != want.Nonce {
		return nil, refuse("oidc-nonce", "Sign in again. If it stays, check that nothing between browser and provider keeps answers.", "The token was not made for this sign-in: its nonce is another one.")
	}
	if at := claims.Text("at_hash"); at != "" && want.AccessToken != "" && !hashFits(algorithmOf(token), want.AccessToken, at) {
		return nil, refuse("oidc-token", "Sign in again.", "The access token does not belong to the ID token.")
	}
	return claims, nil
}

// common checks what every token of a provider has to say.
func (c Config) common(text []byte) (Claims, error) {
	refuse := func(code, cure, format string, args ...any) error {
		return fault.New(fault.Forbidden, format, args...).Code(code).Cure("%s", cure)
	}
	var claims Claims
	if json.Unmarshal(text, &claims) != nil || claims == nil {
		return nil, refuse("oidc-token", "Check what the provider sends.", "The token holds no claims.")
	}
	if iss := claims.Text("iss"); iss != c.Issuer {
		return nil, refuse("oidc-issuer", "Enter the issuer that the provider writes into its tokens.", "The token is of the issuer %s, and not of %s.", shown(iss), shown(c.Issuer))
	}
	audience := claims.List("aud")
	if !slices.Contains(audience, c.ClientID) {
		return nil, refuse("oidc-audience", "Enter the client ID that the provider knows this installation by.", "The token is for %s, and not for this client.", shown(strings.Join(audience, ", ")))
	}
	azp, has := claims["azp"]
	if has && azp != c.ClientID || !has && len(audience) > 1 {
		return nil, refuse("oidc-azp", "Use a client at the provider that is for this installation alone.", "The token was issued to another client (azp).")
	}
	now := c.Now()
	iat := claims.moment("iat")
	switch {
	case iat.IsZero():
		return nil, refuse("oidc-time", "Check what the provider sends.", "The token does not say when it was made.")
	case iat.After(now.Add(Leeway)):
		return nil, refuse("oidc-time", "Set the clocks of both by NTP.", "The token comes from the future: the clock of the provider is %s ahead of this server's.", iat.Sub(now).Round(time.Second))
	case iat.Before(now.Add(-maxAge - Leeway)):
		return nil, refuse("oidc-time", "Set the clocks of both by NTP, and sign in again.", "The token was made %s ago by the clock of this server.", now.Sub(iat).Round(time.Second))
	}
	return claims, nil
}

// Subject is the name of somebody at the provider; it has to be there.
func Subject(claims Claims) (string, error) {
	sub := claims.Text("sub")
	if sub == "" || len(sub) > 255 {
		return "", fault.New(fault.Forbidden, "The token does not say of whom it is (sub).").Code("oidc-subject").Cure("Check what the provider sends.")
	}
	return sub, nil
}

// LogoutToken checks a token of back-channel logout. It names a person, a session
// of the provider, or both.
func (c Config) LogoutToken(ctx context.Context, keys *Keys, m Metadata, token string) (Claims, error) {
	text, err := keys.open(ctx, c, m.Keys, token, "oidc-token")
	if err != nil {
		return nil, err
	}
	claims, err := c.common(text)
	if err != nil {
		return nil, err
	}
	events, _ := claims["events"].(map[string]any)
	_, logout := events["http://schemas.openid.net/event/backchannel-logout"]
	_, nonce := claims["nonce"]
	exp := claims.moment("exp")
	switch {
	case !logout, nonce:
		return nil, fault.New(fault.Forbidden, "This is no token of a sign-out.").Code("oidc-logout").Cure("Check what the provider sends.")
	case claims.Text("jti") == "", claims.Text("sub") == "" && claims.Text("sid") == "":
		return nil, fault.New(fault.Forbidden, "The token does not say whose session is over.").Code("oidc-logout").Cure("Check what the provider sends.")
	case !exp.IsZero() && !c.Now().Before(exp.Add(Leeway)):
		return nil, fault.New(fault.Forbidden, "The token of the sign-out has expired.").Code("oidc-time").Cure("Set the clocks of both by NTP.")
	}
	return claims, nil
}

// hashFits checks the left half of a hash, as at_hash has it.
func hashFits(alg, token, want string) bool {
	var h hash.Hash
	switch {
	case strings.HasSuffix(alg, "256"):
		h = sha256.New()
	case strings.HasSuffix(alg, "384"):
		h = sha512.New384()
	default:
		h = sha512.New()
	}
	h.Write([]byte(token))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]) == want
}
