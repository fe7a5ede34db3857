package extract

import "strings"

// IsLanguages reports whether a text names languages as tesseract does, such as
// eng+deu or chi_sim: it becomes an argument of a program.
func IsLanguages(text string) bool {
	for name := range strings.SplitSeq(text, "+") {
		if name == "" || len(name) > 32 || name[0] == '_' {
			return false
		}
		for _, r := range name {
			if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_') {
				return false
			}
		}
	}
	return len(text) <= 100
}
