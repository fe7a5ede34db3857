package prose

import (
	"strings"
	"unicode"
)

// langOf is the language that a class such as language-go names.
func langOf(class string) string {
	for name := range strings.FieldsSeq(class) {
		for _, before := range []string{"language-", "lang-", "highlight-source-"} {
			if lang, found := strings.CutPrefix(name, before); found {
				return langName(lang)
			}
		}
	}
	return ""
}

// langName is the name of a language as a reader shows it; what is none is "".
func langName(name string) string {
	if len(name) > 30 || strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+#-_.", r)
	}) {
		return ""
	}
	return strings.ToLower(name)
}
