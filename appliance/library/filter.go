package library

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"chatets/appliance/account"
	"chatets/appliance/extract"
	"chatets/appliance/lexical"
)

// Limits of folders, tags and filters.
const (
	maxFolder    = 500 // characters of a path
	maxDepth     = 20  // folders one inside the other
	maxTags      = 50  // of a document
	maxTag       = 80  // characters
	maxFiltered  = 500 // documents a filter names
	maxFilterAny = 100 // folders, tags or types a filter names
)

// Filter narrows a list or a search to some documents. Every part that is set
// must hold; of a part's values any. The zero Filter lets all through.
type Filter struct {
	Documents []string  // by id
	Folders   []string  // and the folders inside them
	Tags      []string  // whatever their case and accents
	Types     []string  // media types
	From, To  time.Time // added at or after, and before; zero = any time
}

// Empty reports a filter that lets all through.
func (f Filter) Empty() bool {
	return len(f.Documents) == 0 && len(f.Folders) == 0 && len(f.Tags) == 0 && len(f.Types) == 0 && f.From.IsZero() && f.To.IsZero()
}

// Narrow is a Filter as people send it and as a conversation keeps it.
type Narrow struct {
	Documents []string `json:"documents,omitempty" maxItems:"500" doc:"Only these documents."`
	Folders   []string `json:"folders,omitempty" maxItems:"100" doc:"Only documents of these folders and the folders inside them: names with / between them."`
	Tags      []string `json:"tags,omitempty" maxItems:"100" doc:"Only documents that have one of these tags; case and accents do not count."`
	Types     []string `json:"types,omitempty" maxItems:"100" doc:"Only documents of these types: media types or file endings such as pdf."`
	From      string   `json:"from,omitempty" maxLength:"40" doc:"Only documents added on or after this day (2026-01-31, in UTC) or time (RFC 3339)."`
	To        string   `json:"to,omitempty" maxLength:"40" doc:"Only documents added until the end of this day, or before this time."`
}

// Empty reports that nothing is narrowed.
func (n Narrow) Empty() bool {
	return len(n.Documents) == 0 && len(n.Folders) == 0 && len(n.Tags) == 0 && len(n.Types) == 0 && n.From == "" && n.To == ""
}

// Filter reads what came in. field names the part of the request, with a dot at
// its end.
func (n Narrow) Filter(field string) (Filter, error) {
	f := Filter{Documents: unique(n.Documents)}
	if len(f.Documents) > maxFiltered {
		return Filter{}, wrong(field+"documents", "A filter names at most 500 documents.")
	}
	for _, list := range [][]string{n.Folders, n.Tags, n.Types} {
		if len(list) > maxFilterAny {
			return Filter{}, wrong(strings.TrimSuffix(field, "."), "A filter names at most 100 folders, tags or types.")
		}
	}
	for _, folder := range n.Folders {
		clean, err := CleanFolder(field+"folders", folder)
		if err != nil {
			return Filter{}, err
		}
		if clean == "" {
			return Filter{}, wrong(field+"folders", "Give the name of a folder.")
		}
		f.Folders = append(f.Folders, clean)
	}
	var err error
	if f.Tags, err = cleanTags(field+"tags", n.Tags, maxFilterAny); err != nil {
		return Filter{}, err
	}
	for _, t := range n.Types {
		media := strings.ToLower(strings.TrimSpace(t))
		if !strings.Contains(media, "/") {
			if media, err = extract.Type("x."+strings.TrimPrefix(media, "."), nil); err != nil {
				return Filter{}, wrong(field+"types", "There are no documents of this type: give a media type, or a file ending such as pdf.")
			}
		}
		f.Types = append(f.Types, media)
	}
	if f.From, err = moment(field+"from", n.From, false); err != nil {
		return Filter{}, err
	}
	f.To, err = moment(field+"to", n.To, true)
	return f, err
}

// moment reads a day, which lasts to its end, or a time.
func moment(field, text string, end bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return day, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Year() < 1970 {
		return time.Time{}, wrong(field, "Give a day as 2026-01-31, or a time as 2026-01-31T08:00:00Z.")
	}
	return at, nil
}

// CleanFolder is the path of a folder as it is stored: names with a slash between
// them, "" for none.
func CleanFolder(field, folder string) (string, error) {
	folder = strings.Trim(strings.TrimSpace(strings.ReplaceAll(folder, `\`, "/")), "/")
	if folder == "" {
		return "", nil
	}
	var names []string
	for part := range strings.SplitSeq(folder, "/") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, err := account.Name(field, part)
		if err != nil {
			return "", err
		}
		if strings.Trim(name, ". ") == "" {
			return "", wrong(field, "A folder cannot be named . or ..")
		}
		names = append(names, name)
	}
	path := strings.Join(names, "/")
	if len(names) > maxDepth || utf8.RuneCountInString(path) > maxFolder {
		return "", wrong(field, fmt.Sprintf("A folder is at most %d deep and its path at most %d characters long.", maxDepth, maxFolder))
	}
	return path, nil
}

// cleanTags are tags as they are stored, each once.
func cleanTags(field string, tags []string, most int) ([]string, error) {
	var clean []string
	seen := map[string]bool{}
	for _, t := range tags {
		name, err := account.Name(field, strings.TrimPrefix(strings.TrimSpace(t), "#"))
		if err != nil {
			return nil, err
		}
		fold := lexical.Fold(name)
		switch {
		case strings.Contains(name, ","):
			return nil, wrong(field, "A tag holds no comma.")
		case utf8.RuneCountInString(name) > maxTag:
			return nil, wrong(field, fmt.Sprintf("A tag has at most %d characters.", maxTag))
		case seen[fold]:
			continue
		}
		seen[fold] = true
		clean = append(clean, name)
	}
	if len(clean) > most {
		return nil, wrong(field, fmt.Sprintf("At most %d tags.", most))
	}
	return clean, nil
}

func unique(ids []string) []string {
	var once []string
	for _, id := range ids {
		if !slices.Contains(once, id) {
			once = append(once, id)
		}
	}
	return once
}
