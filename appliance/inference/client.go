package inference

import (
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"

	"chatets/appliance/fault"
)

// The limits of Limits where a server has none of its own.
const (
	defaultConnect   = 5 * time.Second
	defaultFirstByte = 300 * time.Second
	defaultIdle      = 60 * time.Second
	defaultShort     = 30 * time.Second
)

// New returns the client of a server; nothing is sent yet.
func New(s Server) (Client, error) {
	l, err := newLink(s)
	if err != nil {
		return nil, err
	}
	switch s.Kind {
	case Ollama:
		return newOllama(l), nil
	case OpenAI:
		return newOpenAI(l), nil
	case Anthropic:
		return newAnthropic(l), nil
	}
	return nil, fault.New(fault.Invalid, "%q is no kind of model server.", s.Kind).
		Cure("Choose ollama, openai or anthropic.").Code("server-kind")
}

// Address is the address of a server as it is stored and asked: with its scheme,
// the host in lower case, and without what every request of that kind adds.
func Address(kind Kind, text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "http://" + text // as people copy it: 10.1.2.3:11434
	}
	bad := func(why string) error {
		return fault.New(fault.Invalid, "The address of the server %s.", why).Code("server-url").
			Cure("Enter it like http://10.1.2.3:11434.")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, bad("cannot be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, bad("begins with neither http:// nor https://")
	case u.Hostname() == "" || strings.ContainsFunc(u.Hostname(), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return nil, bad("names no host")
	case u.User != nil:
		return nil, bad("holds a name or password, which belongs into the token")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, bad("holds a query")
	case strings.HasSuffix(u.Host, ":"):
		u.Host = strings.TrimSuffix(u.Host, ":")
	}
	if p := u.Port(); p != "" && !validPort(p) {
		return nil, bad("has a port that is not from 1 to 65535")
	}
	u.Host = strings.ToLower(u.Host)
	p := path.Clean("/" + u.Path)
	for _, end := range endings(kind) {
		p = strings.TrimSuffix(p, end)
	}
	u.Path, u.RawPath = strings.TrimSuffix(p, "/"), ""
	return u, nil
}

// endings are the ends of a path that people copy together with the address, in
// the order in which they are taken off.
func endings(kind Kind) []string {
	if kind == Ollama {
		return []string{"/chat", "/tags", "/api", "/v1"}
	}
	return []string{"/chat/completions", "/embeddings", "/models", "/messages", "/v1"}
}

func validPort(text string) bool {
	n := 0
	for _, r := range text {
		if r < '0' || r > '9' || n > 65535 {
			return false
		}
		n = n*10 + int(r-'0')
	}
	return n >= 1 && n <= 65535
}
