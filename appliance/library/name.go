package library

import (
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"chatets/appliance/account"
	"chatets/appliance/fault"
	"chatets/appliance/lexical"
)

// maxFileName is what file systems take, in bytes.
const maxFileName = 255

// fileName is the name of a file as it is stored. A path, control characters and
// what cannot be shown are refused rather than mended: the name would not be the
// one the person knows.
func fileName(name string) (string, error) {
	if strings.ContainsAny(name, `/\`) {
		return "", wrong("query.name", "The name may not hold / or \\: give the name of the file without its folder.")
	}
	clean, err := account.Name("query.name", name)
	if err != nil {
		return "", err
	}
	switch {
	case clean == "." || clean == ".." || strings.Trim(clean, ". ") == "":
		return "", wrong("query.name", "This is no name of a file.")
	case len(clean) > maxFileName:
		return "", wrong("query.name", "The name is too long: at most 255 bytes.")
	}
	return clean, nil
}

// titleOf is what a document is called until its own title has been read.
func titleOf(name string) string {
	if title := strings.TrimSuffix(name, path.Ext(name)); title != "" {
		return title
	}
	return name
}

// foldOf is what the list of documents is searched in.
func foldOf(d Document) string { return lexical.Fold(d.Title + "\n" + d.Name) }

// shown is an id of a request as it may stand in a sentence.
func shown(id string) string {
	if utf8.RuneCountInString(id) > 40 || strings.ContainsFunc(id, func(r rune) bool { return r < '!' || r > '~' }) {
		return "of this id"
	}
	return norm.NFC.String(id)
}

func wrong(field, sentence string) error {
	return fault.New(fault.Invalid, "%s", sentence).With(fault.Detail{Field: field, Sentence: sentence})
}
