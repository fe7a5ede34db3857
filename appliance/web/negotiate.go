package web

import (
	"strconv"
	"strings"
)

// WantsEvents reports whether an Accept header prefers an event stream to JSON.
// Anything that does not name event streams gets JSON.
func WantsEvents(accept string) bool {
	var events, asJSON float64 = -1, -1
	for _, part := range strings.Split(accept, ",") {
		media, q := weighed(part)
		switch media {
		case "text/event-stream":
			events = max(events, q)
		case "application/json":
			asJSON = max(asJSON, q)
		}
	}
	if asJSON < 0 {
		return events > 0 // a bare */* beside it is less than a name
	}
	return events > 0 && events >= asJSON
}

// weighed is one element of an Accept header with its weight.
func weighed(part string) (media string, q float64) {
	fields := strings.Split(part, ";")
	q = 1
	for _, f := range fields[1:] {
		k, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		if strings.EqualFold(k, "q") {
			if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 && n <= 1 {
				q = n
			}
		}
	}
	return strings.ToLower(strings.TrimSpace(fields[0])), q
}

// Prefers reports whether a Prefer header (RFC 7240) names the preference, for
// example "respond-async".
func Prefers(header, preference string) bool {
	for _, part := range strings.Split(header, ",") {
		name, _, _ := strings.Cut(part, ";")
		name, _, _ = strings.Cut(name, "=")
		if strings.EqualFold(strings.TrimSpace(name), preference) {
			return true
		}
	}
	return false
}

// encodingOf picks how an asset is sent: br, gzip or "" for as it is.
func encodingOf(accept string, br, gz bool) string {
	weights := map[string]float64{}
	for _, part := range strings.Split(accept, ",") {
		name, q := weighed(part)
		weights[name] = q
	}
	takes := func(name string) bool {
		q, ok := weights[name]
		if !ok {
			q = weights["*"]
		}
		return q > 0
	}
	switch {
	case br && takes("br"):
		return "br"
	case gz && takes("gzip"):
		return "gzip"
	}
	return ""
}
