package inference

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"chatets/appliance/fault"
)

const longestRetry = time.Hour // of a Retry-After that is believed

// said is the failure a server tells in JSON, nil where it tells none. status is
// that of the answer, 200 in the middle of a stream.
func (s *link) said(status int, body []byte) error {
	words, found := complaint(body)
	if !found {
		return nil
	}
	return s.told(status, words)
}

// told is the failure a server tells in words. Servers name the same failure by
// different statuses, so the words are asked first.
func (s *link) told(status int, words string) *fault.Error {
	cause := s.because(status, words)
	low := strings.ToLower(words)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(low, p) {
				return true
			}
		}
		return false
	}
	switch {
	case isOverflow(words):
		return s.tooLong(words, cause)
	case has("requires more system memory", "out of memory", "insufficient memory", "failed to allocate", "cudamalloc"):
		return fault.New(fault.Unavailable, "%s has not enough memory for this model.", s.host).Code(CodeBroken).
			Cure("Unload another model there, give this one a smaller context, or choose a smaller model.").Because(cause)
	case has("does not support", "doesn't support", "not supported by this model", "not a multimodal", "mmproj", "image input", "at most 0 image", "do not support", "no vision support", "is not an embedding", "not embedding model"):
		return fault.New(fault.Invalid, "The model on %s cannot do what is asked of it.", s.host).Code(CodeCannot).
			Cure("Choose a model that can. The server says: %s", s.quote(words)).Because(cause)
	case has("model") && (has("not found", "not_found", "does not exist", "no such model", "unknown model", "is not a valid model", "invalid model identifier", "not installed") || status == http.StatusNotFound):
		return s.noModel(cause)
	case has("server busy", "loading model", "overloaded", "rate limit", "too many requests", "maximum pending requests"),
		status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable, status == 529:
		return s.busy(0, cause)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired,
		has("invalid api key", "invalid x-api-key", "incorrect api key", "authentication_error", "unauthorized"):
		return s.denied(cause)
	case has("http request to an https server"):
		return s.fail(CodeUnreachable, cause, "%s wants an encrypted connection.", s.host).
			Cure("Write its address with https:// instead of http://.")
	case status == http.StatusRequestEntityTooLarge:
		return s.tooLarge(cause)
	}
	return s.broken(cause).Cure("Look into the log of the server. It says: %s", s.quote(words))
}

// refused is the failure of an answer whose status is not good.
func (s *link) refused(status int, h http.Header, body []byte) error {
	words, found := complaint(body)
	var e *fault.Error
	switch {
	case found:
		e = s.told(status, words)
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable, status == 529:
		e = s.busy(0, s.because(status, "no reason"))
	case status == http.StatusUnauthorized, status == http.StatusProxyAuthRequired:
		e = s.denied(s.because(status, "no reason"))
	case status == http.StatusForbidden && s.kind == Ollama && len(bytes.TrimSpace(body)) == 0:
		e = s.fail(CodeDenied, s.because(status, "no reason"), "%s refuses to be called by this name.", s.host).
			Cure("Use the number of its address instead of a name, or set OLLAMA_HOST there to an address of its network.")
	case status == http.StatusForbidden:
		e = s.denied(s.because(status, "no reason"))
	case status == http.StatusRequestEntityTooLarge:
		e = s.tooLarge(s.because(status, "no reason"))
	case isPage(h, body):
		e = s.page(status)
	case status >= 300 && status < 400:
		target, _ := url.Parse(h.Get("Location"))
		e = s.redirected(target)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		e = s.fail(CodeBroken, s.because(status, string(body)), "%s answers, but does not know what it is asked.", s.host).
			Cure("Check that its address and its kind are right, and that it is not too old.")
	case len(bytes.TrimSpace(body)) > 0:
		e = s.told(status, string(body))
	default:
		e = s.broken(s.because(status, "no reason"))
	}
	if fault.Of(e).Code == CodeBusy {
		if wait := retryAfter(h, time.Now()); wait > 0 {
			e = e.RetryAfter(int((wait + time.Second - 1) / time.Second))
		}
	}
	return e
}

// complaint finds what a server complains of in the many forms there are:
// {"error":"…"}, {"error":{"message":"…","type":"…"}}, {"message":"…"} and
// {"detail":…}. What it returns also holds type and code, by which words of
// other languages can be told.
func complaint(body []byte) (words string, found bool) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' {
		return "", false
	}
	var c struct {
		Error   json.RawMessage `json:"error"`
		Object  string          `json:"object"`
		Type    string          `json:"type"`
		Message json.RawMessage `json:"message"`
		Code    json.RawMessage `json:"code"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &c) != nil {
		return "", false
	}
	if e := bytes.TrimSpace(c.Error); len(e) > 0 && string(e) != "null" && string(e) != `""` && string(e) != "false" && string(e) != "{}" {
		var inner struct {
			Message json.RawMessage `json:"message"`
			Type    json.RawMessage `json:"type"`
			Code    json.RawMessage `json:"code"`
			Asked   json.RawMessage `json:"n_prompt_tokens"` // of llama.cpp, as is the next
			Limit   json.RawMessage `json:"n_ctx"`
		}
		if json.Unmarshal(e, &inner) == nil {
			counts := ""
			if len(inner.Asked) > 0 && len(inner.Limit) > 0 {
				counts = "n_prompt_tokens " + text(inner.Asked) + ", n_ctx " + text(inner.Limit)
			}
			return join(text(inner.Message), text(inner.Type), text(inner.Code), counts), true
		}
		return join(text(e), text(c.Message)), true
	}
	switch {
	case len(c.Detail) > 0 && string(c.Detail) != "null":
		var many []struct {
			Msg string `json:"msg"` // what stands beside it repeats what was sent
		}
		if json.Unmarshal(c.Detail, &many) == nil && len(many) > 0 {
			return many[0].Msg, true
		}
		return text(c.Detail), true
	case c.Object == "error" || c.Type == "error" || len(c.Code) > 0 && len(c.Message) > 0:
		return join(text(c.Message), c.Type, text(c.Code)), true
	}
	return "", false
}

// text is a JSON value as words: a string as it is, a number as digits.
func text(raw json.RawMessage) string {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		return word
	}
	if r := bytes.TrimSpace(raw); len(r) > 0 && r[0] != '{' && r[0] != '[' && string(r) != "null" {
		return string(r)
	}
	return ""
}

func join(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" && p != "error" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " · ")
}

// quote is what a server says, fit for a sentence: one line, not long, without
// our token and without paths of its machine.
func (s *link) quote(words string) string {
	if s.token != "" {
		words = strings.ReplaceAll(words, s.token, "…")
	}
	fields := strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(words, "�")))
	for i, f := range fields {
		bare := strings.TrimLeft(f, `"'(`)
		if strings.HasPrefix(bare, "/") && strings.Count(bare, "/") > 1 || len(bare) > 3 && bare[1] == ':' && bare[2] == '\\' {
			fields[i] = "…"
		}
	}
	short := []rune(strings.Join(fields, " "))
	if len(short) > 200 {
		short = append(short[:199], '…')
	}
	return "“" + string(short) + "”"
}

func (s *link) because(status int, words string) error {
	return fmt.Errorf("status %d of %s: %s", status, s.host, s.quote(words))
}

// fail is a failure of the server or the way to it.
func (s *link) fail(code string, cause error, sentence string, args ...any) *fault.Error {
	return fault.New(fault.Unavailable, sentence, args...).Code(code).Because(cause)
}

func (s *link) unreachable(cause error) *fault.Error {
	return s.fail(CodeUnreachable, cause, "%s cannot be reached.", s.host).
		Cure("Check that the server runs, that its address is right, and that no firewall stands between.")
}

func (s *link) busy(seconds int, cause error) *fault.Error {
	e := s.fail(CodeBusy, cause, "%s is busy.", s.host).Cure("Wait a moment and ask again.")
	if seconds > 0 {
		e = e.RetryAfter(seconds)
	}
	return e
}

func (s *link) denied(cause error) *fault.Error {
	cure := "Enter a new token for the server."
	if s.token == "" {
		cure = "Enter the token the server wants."
	}
	return s.fail(CodeDenied, cause, "%s does not accept the token.", s.host).Cure("%s", cure)
}

func (s *link) noModel(cause error) *fault.Error {
	return fault.New(fault.NotFound, "%s does not have this model.", s.host).Code(CodeModel).Because(cause).
		Cure("Choose another model, or have an administrator bring it to the server.")
}

func (s *link) broken(cause error) *fault.Error {
	return s.fail(CodeBroken, cause, "%s failed.", s.host).Cure("Look into the log of the server.")
}

func (s *link) cut(cause error) *fault.Error {
	return s.fail(CodeCut, cause, "%s stopped before the answer was whole.", s.host).
		Cure("Ask again. If it happens again, look into the log of the server.")
}

func (s *link) stalled(begun bool) *fault.Error {
	if begun {
		return s.fail(CodeStalled, nil, "%s stopped going on with the answer.", s.host).
			Cure("Ask again. If it happens again, look into the log of the server.")
	}
	return s.fail(CodeStalled, nil, "%s did not begin to answer in time.", s.host).
		Cure("The model may be too large for the machine, or the text too long for it. Look into the log of the server.")
}

func (s *link) endless() *fault.Error {
	return s.fail(CodeEndless, nil, "%s sent more than any real answer holds; it was stopped.", s.host).
		Cure("Ask again, or choose another model.")
}

func (s *link) tooLarge(cause error) *fault.Error {
	return fault.New(fault.Invalid, "%s does not take a request of this size.", s.host).Code(CodeContext).Because(cause).
		Cure("Shorten the message or send smaller images. A proxy before the server may have a limit that can be raised.")
}

func (s *link) page(status int) *fault.Error {
	cause := fmt.Errorf("status %d of %s with a page of HTML", status, s.host)
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		return s.busy(0, cause)
	}
	return s.fail(CodeBroken, cause, "At %s a web page answers, not a model server.", s.host).
		Cure("Check the address. A proxy before the server may say that it does not run.")
}

func (s *link) redirected(target *url.URL) *fault.Error {
	e := s.fail(CodeBroken, errors.New("redirected"), "%s sends on to another address, which is not followed.", s.host)
	if target == nil || target.Host == "" {
		return e.Cure("Enter the address it sends on to, if that is the right one.")
	}
	return e.Cure("Enter the address it sends on to, if that is the right one: %s", target.Scheme+"://"+target.Host)
}

// unreadable is the failure of an answer that is not what it should be.
func (s *link) unreadable(h http.Header, body []byte, cause error) error {
	if isPage(h, body) {
		return s.page(http.StatusOK)
	}
	return s.fail(CodeBroken, cause, "%s answers in a way that cannot be understood.", s.host).
		Cure("Check that its address and its kind are right.")
}

// network names a failure before or under HTTP, nil where the reader of the
// error knows better what it means.
func (s *link) network(err error) error {
	var ours *fault.Error
	if errors.As(err, &ours) { // of egress, or of stayHome
		r := fault.Of(ours)
		code := CodeUnreachable
		switch r.Code {
		case "egress":
			return s.fail(code, ours, "%s", r.Sentence).Cure("%s", r.Cure)
		case CodeBroken:
			return s.fail(CodeBroken, ours, "%s", r.Sentence).Cure("%s", r.Cure)
		}
		return s.unreachable(ours)
	}
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		alert     tls.AlertError
		plain     tls.RecordHeaderError
		dial      *url.Error
	)
	certificate := s.fail(CodeCertificate, err, "The certificate of %s is not trusted.", s.host)
	switch {
	case errors.As(err, &authority):
		return certificate.Cure("Add the certificate of the authority that issued it to this server.")
	case errors.As(err, &name):
		return s.fail(CodeCertificate, err, "The certificate of %s is made out to another name.", s.host).
			Cure("Use the name that stands in the certificate, or have it issued anew.")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return s.fail(CodeCertificate, err, "The certificate of %s has run out or is not valid yet.", s.host).
			Cure("Have it issued anew, and check the clocks of both machines.")
	case errors.As(err, &invalid), errors.As(err, &verify):
		return certificate.Cure("Add the certificate of the authority that issued it to this server.")
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return s.fail(CodeUnreachable, err, "%s does not speak https.", s.host).
			Cure("Write its address with http:// instead of https://.")
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls:"):
		return s.fail(CodeCertificate, err, "%s refuses the encrypted connection.", s.host).
			Cure("Check which versions of TLS and which certificates it accepts.")
	case errors.As(err, &dial) && strings.Contains(err.Error(), "malformed HTTP"):
		return s.fail(CodeBroken, err, "%s does not speak http.", s.host).Cure("Check the port of its address.")
	case errors.As(err, &dial) && isDial(err):
		return s.unreachable(err)
	}
	return nil
}

// isPage reports whether an answer is HTML, which no model server sends.
func isPage(h http.Header, body []byte) bool {
	if strings.Contains(strings.ToLower(h.Get("Content-Type")), "html") {
		return true
	}
	start := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 512)]))
	return bytes.HasPrefix(start, []byte("<!doctype")) || bytes.HasPrefix(start, []byte("<html")) || bytes.HasPrefix(start, []byte("<head"))
}

// retryAfter is how long a server asks to wait, in seconds or until a date, which
// is measured by the server's own clock where it gives one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	wait := time.Duration(0)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		wait = time.Duration(min(max(seconds, 0), longestRetry.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(value); err == nil {
		if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
			now = theirs
		}
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestRetry)
}

// left is the failure of a request whose caller went away.
func left(cause error) error {
	if errors.Is(cause, context.DeadlineExceeded) {
		return fault.New(fault.Unavailable, "The model server took longer than it may.").Cure("Try again in a moment.").Because(cause)
	}
	return fault.New(fault.Cancelled, "The answer was stopped.").Because(cause)
}

// stayHome follows redirects on the same origin only: what is sent to a server,
// questions and a token perhaps, is meant for no other.
func stayHome(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Scheme != first.Scheme || req.URL.Host != first.Host {
		return (&link{host: first.Host}).redirected(req.URL)
	}
	if len(via) >= 5 {
		return (&link{host: first.Host}).redirected(nil)
	}
	return nil
}

// isDial reports whether no connection came about.
func isDial(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial" || strings.Contains(err.Error(), "TLS handshake timeout")
}
