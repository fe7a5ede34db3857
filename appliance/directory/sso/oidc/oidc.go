// Package oidc is the relying party's half of OpenID Connect: discovery, keys,
// the exchange of a code, and the checks of what comes back.
//
// What a newcomer gets wrong: nothing in a token is looked at before its
// signature was checked with a key of the provider, and nothing of the provider
// is taken from the token.
package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chatets/appliance/fault"
)

// Limits of what a provider may send and take.
const (
	maxAnswer = 1 << 20
	patience  = 10 * time.Second // for one answer
)

// Config names a client at a provider.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	Plain        bool         // http is taken too
	HTTP         *http.Client // of egress
	Now          func() time.Time
}

// Metadata is what a provider says of itself.
type Metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	UserInfo      string   `json:"userinfo_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	ResponseTypes []string `json:"response_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Methods       []string `json:"token_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	NamesItself   bool     `json:"authorization_response_iss_parameter_supported"`
}

// Discovery is where a provider describes itself.
func (c Config) Discovery() string {
	return strings.TrimRight(c.Issuer, "/") + "/.well-known/openid-configuration"
}

// Discover asks the provider to describe itself.
func (c Config) Discover(ctx context.Context) (Metadata, error) {
	var m Metadata
	if err := c.get(ctx, "discovery", c.Discovery(), "", &m); err != nil {
		return Metadata{}, err
	}
	if m.Issuer != c.Issuer {
		return Metadata{}, fault.New(fault.Conflict, "The provider calls itself %s, and not %s.", shown(m.Issuer), shown(c.Issuer)).Code("oidc-issuer").
			Cure("Enter the issuer exactly as the provider writes it, down to the last slash.")
	}
	for _, e := range []struct {
		name, url string
		needed    bool
	}{{"authorization_endpoint", m.Authorization, true}, {"token_endpoint", m.Token, true}, {"jwks_uri", m.Keys, true},
		{"userinfo_endpoint", m.UserInfo, false}, {"end_session_endpoint", m.EndSession, false}} {
		if e.url == "" && !e.needed {
			continue
		}
		if err := CheckURL(e.url, c.Plain); err != nil {
			return Metadata{}, fault.New(fault.Conflict, "The provider gives %q as its %s, which is no address that can be used.", shown(e.url), e.name).Code("oidc-discovery").
				Cure("Check the issuer; addresses have to begin with https://.")
		}
	}
	return m, nil
}

// CheckURL refuses what is no address of a server; plain takes http too.
func CheckURL(text string, plain bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(plain && u.Scheme == "http") {
		return errors.New("not an address")
	}
	return nil
}

// get fetches JSON; bearer is the access token where one is needed.
func (c Config) get(ctx context.Context, step, address, bearer string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fault.New(fault.Invalid, "The address %s cannot be asked.", shown(address)).Code("oidc-" + step).Cure("Check it.").Because(err)
	}
	req.Header.Set("Accept", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	status, text, err := c.do(req, step)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fault.New(fault.Unavailable, "%s answered with status %d.", shown(address), status).Code("oidc-" + step).
			Cure("Check the issuer, and what the provider's log says.")
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fault.New(fault.Unavailable, "The answer of %s cannot be read.", shown(address)).Code("oidc-" + step).
			Cure("Check the issuer.").Because(err)
	}
	return nil
}

// do sends a request and reads its answer, which has to be JSON.
func (c Config) do(req *http.Request, step string) (int, []byte, error) {
	res, err := c.HTTP.Do(req)
	if err != nil {
		return 0, nil, Unreachable(req.URL, "oidc-"+step, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, Unreachable(req.URL, "oidc-"+step, err)
	}
	if len(text) > maxAnswer {
		return 0, nil, fault.New(fault.Unavailable, "The answer of %s is larger than 1 MB.", req.URL.Host).Code("oidc-" + step).
			Cure("Let the provider send less, for example only the groups that matter here.")
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media == "application/jwt" || media != "application/json" && !strings.HasSuffix(media, "+json") {
		what := "says nothing about its type"
		if media != "" {
			what = "is " + shown(media)
		}
		return 0, nil, fault.New(fault.Unavailable, "%s answered (status %d), but what it sent %s and not JSON.", shown(req.URL.String()), res.StatusCode, what).Code("oidc-" + step).
			Cure("Check the address: this is perhaps a page for people, of a proxy or of another service.")
	}
	return res.StatusCode, text, nil
}

// Unreachable says why a provider did not answer.
func Unreachable(u *url.URL, code string, err error) error {
	var own *fault.Error
	var timeout net.Error
	var wrapped *url.Error
	if errors.As(err, &wrapped) && errors.As(wrapped.Err, &own) { // the gate has said it
		return own.Code(code)
	}
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case strings.Contains(text, "x509:") || strings.Contains(text, "tls:"):
		return fault.New(fault.Unavailable, "The certificate of %s is not trusted, or is for another name.", u.Host).Code(code).
			Cure("Give the certificate of its authority (CA), and enter the name that is in the certificate.").Because(err)
	case errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Unavailable, "%s did not answer within %d seconds.", u.Host, int(patience/time.Second)).Code(code).
			Cure("Check that the provider runs and that a firewall does not swallow the connection.").Because(err)
	}
	return fault.New(fault.Unavailable, "%s cannot be reached.", u.Host).Code(code).
		Cure("Check that the provider runs and that its address is right.").Because(err)
}

// shown is text of a provider as it may stand in a sentence.
func shown(text string) string {
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// together makes one list of scopes, "openid" first.
func together(scopes []string) string {
	all := []string{"openid"}
	for _, s := range scopes {
		if s != "openid" && s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, " ")
}

// errorOf reads the error that a provider names, for sentences.
func errorOf(text []byte) (code, description string) {
	var said struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(text, &said) != nil {
		return "", ""
	}
	return shown(said.Error), shown(said.Description)
}

func because(code, description string) string {
	if description == "" {
		return code
	}
	return fmt.Sprintf("%s (%s)", code, description)
}
