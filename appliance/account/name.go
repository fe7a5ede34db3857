package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"chatets/appliance/fault"
)

// Limits of what people are called.
const (
	maxName  = 200 // characters
	maxEmail = 254 // bytes, by RFC 5321
)

// Name is a name as it is stored: NFC, trimmed, single spaces. A name that is
// empty, too long or holds control characters is fault.Invalid for the field.
func Name(field, name string) (string, error) {
	if sentence := unreadable(name); sentence != "" {
		return "", wrong(field, sentence)
	}
	name = norm.NFC.String(strings.Join(strings.Fields(name), " "))
	switch {
	case name == "":
		return "", wrong(field, "Enter a name.")
	case utf8.RuneCountInString(name) > maxName:
		return "", wrong(field, "The name is too long: at most 200 characters.")
	}
	return name, nil
}

// Email is an e-mail address as it is stored: NFC, trimmed, lower case. What
// cannot be an address is fault.Invalid for the field.
func Email(field, email string) (string, error) {
	if sentence := unreadable(email); sentence != "" {
		return "", wrong(field, sentence)
	}
	email = FoldEmail(email)
	local, domain, _ := strings.Cut(email, "@")
	switch {
	case email == "":
		return "", wrong(field, "Enter an e-mail address.")
	case len(email) > maxEmail:
		return "", wrong(field, "The e-mail address is too long.")
	case local == "", domain == "", strings.ContainsAny(email, "\"<>()[]\\,;:"), strings.ContainsFunc(email, unicode.IsSpace),
		strings.ContainsAny(domain, "@'"), strings.Contains(email, ".."), dotted(local), dotted(domain):
		return "", wrong(field, "This is no e-mail address.")
	}
	return email, nil
}

func dotted(part string) bool { return strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") }

// FoldEmail is the form in which e-mail addresses are compared.
func FoldEmail(email string) string {
	return norm.NFC.String(strings.ToLower(strings.TrimSpace(email)))
}

// fold is a text without case and accents, for sorting and searching: Muller
// finds Müller.
func fold(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(text)) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String())
}

// unreadable says what makes a text unfit to be shown, "" when nothing does.
func unreadable(text string) string {
	if !utf8.ValidString(text) {
		return "The text is not valid UTF-8."
	}
	for _, r := range text {
		switch {
		case unicode.IsControl(r) && r != '\t', r == '\u2028', r == '\u2029':
			return "Control characters and line breaks are not allowed."
		case r == utf8.RuneError:
			return "The text holds a character that was damaged on the way."
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f', r == '\u200b', r == '\ufeff':
			return "Invisible characters are not allowed." // they make one name look like another
		}
	}
	return ""
}

func wrong(field, sentence string) error {
	return fault.New(fault.Invalid, "%s", sentence).With(fault.Detail{Field: field, Sentence: sentence})
}
