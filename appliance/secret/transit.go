package secret

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

// Transit is a key of the transit engine of Vault or OpenBao, and what it has
// encrypted. The token is never kept here: it lies in a file outside of the data
// directory or in a systemd credential.
type Transit struct {
	URL             string `json:"url"` // https://vault.hospital.example:8200
	Mount           string `json:"mount"`
	Key             string `json:"key"` // name of the transit key
	Namespace       string `json:"namespace,omitempty"`
	CA              string `json:"ca,omitempty"` // PEM, trusted beside the system's
	TokenFile       string `json:"tokenFile,omitempty"`
	TokenCredential string `json:"tokenCredential,omitempty"`
	Ciphertext      string `json:"ciphertext"`
}

const (
	transitPurpose  = "key"
	transitPatience = 20 * time.Second
	transitAnswer   = 1 << 20 // bytes of an answer that are read
	transitTries    = 3
)

// decrypt asks the server for the seed.
func (t Transit) decrypt(ctx context.Context, cfg Config) ([]byte, error) {
	var answer struct {
		Data struct {
			Plaintext string `json:"plaintext"`
		} `json:"data"`
	}
	if err := t.ask(ctx, cfg, "decrypt", map[string]string{"ciphertext": t.Ciphertext}, &answer); err != nil {
		return nil, err
	}
	seed, err := base64.StdEncoding.DecodeString(answer.Data.Plaintext)
	if err != nil || len(seed) != Size {
		return nil, t.odd(errors.New("the plaintext is no key"))
	}
	return seed, nil
}

// encrypt gives the server a seed to encrypt.
func (t *Transit) encrypt(ctx context.Context, cfg Config, seed []byte) error {
	var answer struct {
		Data struct {
			Ciphertext string `json:"ciphertext"`
		} `json:"data"`
	}
	if err := t.ask(ctx, cfg, "encrypt", map[string]string{"plaintext": base64.StdEncoding.EncodeToString(seed)}, &answer); err != nil {
		return err
	}
	if answer.Data.Ciphertext == "" {
		return t.odd(errors.New("there is no ciphertext in the answer"))
	}
	t.Ciphertext = answer.Data.Ciphertext
	return nil
}

// check completes and checks what an operator gave.
func (t *Transit) check(dir string) error {
	u, err := url.Parse(t.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fault.New(fault.Invalid, "The address of the transit server is not valid.").Cure("Write it like https://vault.hospital.example:8200")
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && host != "127.0.0.1" && host != "::1" {
		return fault.New(fault.Invalid, "The transit server would be reached without encryption, and the key with it.").Cure("Give its https address.")
	}
	t.URL = strings.TrimRight(t.URL, "/")
	if t.Mount = strings.Trim(t.Mount, "/"); t.Mount == "" {
		t.Mount = "transit"
	}
	switch {
	case t.Key == "" || strings.ContainsAny(t.Key, "/?#"):
		return fault.New(fault.Invalid, "The name of the transit key is not valid.").Cure("Give it as it was made: vault write -f transit/keys/NAME")
	case (t.TokenFile == "") == (t.TokenCredential == ""):
		return fault.New(fault.Invalid, "It is not said where the token of the transit server lies.").Cure("Give --token-file or --token-credential, one of them.")
	case t.TokenFile != "" && (!filepath.IsAbs(t.TokenFile) || within(t.TokenFile, dir)):
		return fault.New(fault.Invalid, "The token of the transit server may not lie in the data directory: whoever copies the data would have it.").Cure("Put it elsewhere, with mode 0600.")
	}
	return nil
}

func (t Transit) token(cfg Config) (string, error) {
	file := t.TokenFile
	if t.TokenCredential != "" {
		if cfg.Credentials == "" || t.TokenCredential != filepath.Base(t.TokenCredential) {
			return "", t.noToken(errors.New("there are no credentials"))
		}
		file = filepath.Join(cfg.Credentials, t.TokenCredential)
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", t.noToken(err)
	}
	if t.TokenFile != "" && info.Mode().Perm()&0o037 != 0 {
		return "", fault.New(fault.Conflict, "The token of the transit server can be read or changed by others (mode %04o).", info.Mode().Perm()).Code("key-open").Cure("Run: chmod 600 %s", file)
	}
	text, err := os.ReadFile(file)
	if token := strings.TrimSpace(string(text)); err == nil && token != "" && len(token) <= 4096 && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return token, nil
	}
	return "", t.noToken(err)
}

func (t Transit) noToken(err error) error {
	where := t.TokenFile
	if t.TokenCredential != "" {
		where = "the systemd credential " + t.TokenCredential
	}
	return fault.New(fault.Conflict, "The token of the transit server is missing or cannot be read.").Code("key-missing").
		Cure("See that %s holds it, alone, and that the service's user may read it.", where).Because(err)
}

// ask calls the transit engine, and again when it is busy or away for a moment.
func (t Transit) ask(ctx context.Context, cfg Config, act string, in map[string]string, out any) error {
	if cfg.Gate == nil {
		return fault.New(fault.Conflict, "A transit server cannot be asked here.").Code("key-unasked").Cure("Start the service.")
	}
	token, err := t.token(cfg)
	if err != nil {
		return err
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return t.odd(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		port = map[string]int{"https": 443, "http": 80}[u.Scheme]
	}
	if err := errors.Join(cfg.Gate.Allow(transitPurpose, []egress.Rule{{Purpose: transitPurpose, Host: u.Hostname(), Port: port}}), cfg.Gate.Trust(transitPurpose, []byte(t.CA))); err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	defer clear(body)
	wait := time.NewTimer(0)
	defer wait.Stop()
	for try := 1; ; try++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wait.C:
		}
		again, err := t.once(ctx, cfg.Gate, u.JoinPath("v1", t.Mount, act, t.Key).String(), token, body, out)
		if err == nil || !again || try == transitTries {
			return err
		}
		wait.Reset(time.Duration(try) * 500 * time.Millisecond)
	}
}

// once asks once; again says whether another try may help.
func (t Transit) once(ctx context.Context, gate *egress.Gate, address, token string, body []byte, out any) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, transitPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return false, t.odd(err)
	}
	req.Header.Set("X-Vault-Token", token)
	req.Header.Set("X-Vault-Request", "true")
	req.Header.Set("Content-Type", "application/json")
	if t.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", t.Namespace)
	}
	res, err := gate.Client(transitPurpose).Do(req)
	if err != nil {
		return true, t.away("The transit server cannot be reached.", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, transitAnswer))
	defer clear(text)
	if err != nil {
		return true, t.away("The transit server ended the connection in the middle of its answer.", err)
	}
	switch {
	case res.StatusCode == http.StatusOK:
		if err := json.Unmarshal(text, out); err != nil {
			return false, t.odd(errors.New("the answer is no JSON"))
		}
		return false, nil
	case res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized:
		return false, fault.New(fault.Conflict, "The transit server refuses the token.").Code("transit-refused").
			Cure("Give a token whose policy allows update on %s/encrypt/%s and %s/decrypt/%s, and that has not expired", t.Mount, t.Key, t.Mount, t.Key).Because(status(res))
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusBadRequest:
		return false, fault.New(fault.Conflict, "The transit server does not know the key %s, or cannot use it for this.", t.Key).Code("transit-unknown").
			Cure("See that %s/keys/%s is there, that its versions were not trimmed, and that the namespace is right", t.Mount, t.Key).Because(status(res))
	case res.StatusCode == http.StatusServiceUnavailable:
		return true, t.away("The transit server is sealed or under maintenance.", status(res))
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return true, t.away("The transit server has a failure of its own.", status(res))
	}
	return false, t.odd(status(res))
}

// status is a cause that holds nothing of the answer.
func status(res *http.Response) error { return fmt.Errorf("status %d", res.StatusCode) }

func (t Transit) away(sentence string, err error) error {
	var certificate *tls.CertificateVerificationError
	if e := fault.Of(err); e.Code == "redirected" {
		return err
	}
	if errors.As(err, &certificate) {
		return fault.New(fault.Unavailable, "The certificate of the transit server is not trusted.").Code("transit-untrusted").
			Cure("Give the certificate of its authority with --ca").Because(err)
	}
	return fault.New(fault.Unavailable, "%s", sentence).Code("transit-away").
		Cure("See that %s runs, is unsealed and can be reached from this machine", t.URL).Because(err)
}

func (t Transit) odd(err error) error {
	return fault.New(fault.Unavailable, "What answers at the address of the transit server is no transit server.").Code("transit-odd").
		Cure("See that %s is Vault or OpenBao with the transit engine at %s", t.URL, t.Mount).Because(err)
}
