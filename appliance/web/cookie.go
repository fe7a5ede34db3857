package web

import (
	"net/http"
	"strings"
	"time"
)

// The session cookie has two names: browsers accept the stricter one only by
// https, and over it nobody else on the host can set or overwrite it.
const (
	plainCookie  = "chatets"
	secureCookie = "__Host-chatets"
)

func cookieName(secure bool) string {
	if secure {
		return secureCookie
	}
	return plainCookie
}

// SessionCookie is the cookie of a new session, for an Out field
// `SetCookie http.Cookie` tagged header:"Set-Cookie". The server turns it into
// a Secure __Host- cookie where people reach it by https.
func SessionCookie(token string, expires time.Time) http.Cookie {
	return http.Cookie{
		Name: plainCookie, Value: token, Path: "/", Expires: expires.UTC(),
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

// ClearCookie removes the cookie of the session.
func ClearCookie() http.Cookie {
	return http.Cookie{Name: plainCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// dressCookie gives a Set-Cookie value of ours the name and the flag it must
// have on this server.
func dressCookie(value string, secure bool) string {
	if rest, ok := strings.CutPrefix(value, plainCookie+"="); ok && secure {
		return secureCookie + "=" + rest + "; Secure"
	}
	return value
}
