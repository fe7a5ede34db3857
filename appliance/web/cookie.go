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
	deviceSuffix = "-device" // of the cookie of a trusted device
	signOnSuffix = "-sso"    // of the cookie of a sign-in that is at an identity provider
)

func cookieName(secure bool) string {
	if secure {
		return secureCookie
	}
	return plainCookie
}

// DeviceCookie is the cookie of a device that is trusted from now on.
func DeviceCookie(token string, expires time.Time) http.Cookie {
	c := SessionCookie(token, expires)
	c.Name += deviceSuffix
	return c
}

// SignOnCookie ties a sign-in that goes through an identity provider to the
// browser that began it.
func SignOnCookie(value string, expires time.Time) http.Cookie {
	c := SessionCookie(value, expires)
	c.Name += signOnSuffix
	return c
}

// ClearSignOnCookie removes that cookie.
func ClearSignOnCookie() http.Cookie {
	c := ClearCookie()
	c.Name += signOnSuffix
	return c
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
	for _, suffix := range []string{"", deviceSuffix, signOnSuffix} {
		if rest, ok := strings.CutPrefix(value, plainCookie+suffix+"="); ok && secure {
			return secureCookie + suffix + "=" + rest + "; Secure"
		}
	}
	return value
}
