package web

import (
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// nameLimit is how many bytes a file name may have on the systems people save
// to; room is left for the " (1)" that browsers add.
const nameLimit = 200

// disposition is a Content-Disposition whose name can neither end the header,
// leave the folder of downloads, hide its real ending nor carry control
// characters. Old clients read the plain name, all others the encoded one.
func disposition(name string, inline bool) string {
	kind := "attachment"
	if inline {
		kind = "inline"
	}
	name = fileName(name)
	return kind + `; filename="` + plainName(name) + `"; filename*=UTF-8''` + percent(name)
}

// fileName is the last element of a path, printable, without what turns the
// direction of text, at most nameLimit bytes with its ending kept.
func fileName(name string) string {
	name = strings.ToValidUTF8(name, "_")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r), unicode.IsControl(r), r == utf8.RuneError, r == 0xFEFF:
			return -1
		case r == 0x2028 || r == 0x2029:
			return ' '
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if len(name) > nameLimit {
		ending := ""
		if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 20 {
			ending = name[i:]
		}
		stem := name[:nameLimit-len(ending)]
		for !utf8.ValidString(stem) {
			stem = stem[:len(stem)-1] // a cut character
		}
		name = strings.TrimRight(stem, " .") + ending
	}
	if name == "" {
		return "download"
	}
	return name
}

// plainName is the name in ASCII for a quoted string.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
}

// percent encodes a name as RFC 8187 wants it.
func percent(name string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("!#$&+-.^_`|~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// mediaType is a type that may stand in a header; what is none is just bytes.
func mediaType(text string) string {
	media, params, err := mime.ParseMediaType(text)
	if err != nil || !strings.Contains(media, "/") {
		return "application/octet-stream"
	}
	keep := map[string]string{}
	if charset, ok := params["charset"]; ok {
		keep["charset"] = charset
	}
	if text = mime.FormatMediaType(media, keep); text == "" {
		return "application/octet-stream"
	}
	return text
}

// harmless reports whether a browser may show the type at our origin. Pages and
// drawings with script in them are saved instead.
func harmless(media string) bool {
	media, _, _ = strings.Cut(media, ";")
	switch media {
	case "text/plain", "text/csv", "application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}
