package transfer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// columns are the names under which fields come, in files of other products too.
func columns() map[string][]string {
	return map[string][]string{
		"email":     {"email", "e-mail", "mail", "emailaddress", "e-mail-adresse", "adressee-mail", "primaryemail", "userprincipalname"},
		"name":      {"name", "displayname", "fullname", "cn", "anzeigename", "nom"},
		"firstName": {"firstname", "givenname", "vorname", "prénom", "prenom"},
		"lastName":  {"lastname", "surname", "sn", "familyname", "nachname", "nomdefamille"},
		"groups":    {"groups", "group", "gruppen", "gruppe", "groupes", "groupe", "department", "abteilung"},
		"workspace": {"workspace", "arbeitsbereich", "espacedetravail"},
		"role":      {"role", "rolle", "rôle"},
		"admin":     {"admin", "administrator"},
	}
}

// plainName is the name of a column without what people vary.
func plainName(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", ".", "").Replace(strings.TrimSpace(name)))
}

// read gives each person of a file to do, with what is wrong with the line. It
// reads the file as a stream, whatever its length.
func read(body io.Reader, o Options, do func(Line, error) error) error {
	in := bufio.NewReaderSize(body, 64<<10)
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		if _, err := in.Discard(3); err != nil {
			return err
		}
		head = head[3:]
	}
	switch {
	case len(bytes.TrimSpace(head)) == 0:
		return unreadable("The file is empty.")
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return unreadable("The file is UTF-16. Save it as CSV UTF-8.")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return unreadable("The file is a spreadsheet. Save it as CSV UTF-8.")
	}
	switch o.Format {
	case "json":
		return readJSON(in, do)
	case "csv":
		return readCSV(in, head, o.Map, do)
	}
	if c := bytes.TrimSpace(head)[0]; c == '[' || c == '{' {
		return readJSON(in, do)
	}
	return readCSV(in, head, o.Map, do)
}

// separator is what stands most often in the first line.
func separator(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t'} {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

func readCSV(in io.Reader, head []byte, given map[string]string, do func(Line, error) error) error {
	c := csv.NewReader(in)
	c.Comma, c.FieldsPerRecord, c.ReuseRecord, c.LazyQuotes = separator(head), -1, true, false
	first, err := c.Read()
	if err != nil {
		return unreadable("The first line cannot be read: %v.", err)
	}
	at := map[string]int{}
	for field, names := range columns() {
		if column, said := given[field]; said {
			names = []string{plainName(column)}
		}
		for i, column := range first {
			for _, name := range names {
				if _, found := at[field]; !found && plainName(column) == name {
					at[field] = i
				}
			}
		}
	}
	for field, column := range given {
		if _, found := at[field]; !found {
			return unreadable("The file has no column %q for %s. Its columns are: %s.", column, field, strings.Join(first, ", "))
		}
	}
	if _, found := at["email"]; !found {
		return unreadable("No column of the file holds e-mail addresses. Its columns are: %s. Name the right one with map.", strings.Join(first, ", "))
	}
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			wrong := fault.New(fault.Invalid, "The line cannot be read: %v.", parse.Err)
			if err := do(Line{Number: parse.StartLine}, wrong); err != nil {
				return err
			}
			if errors.Is(parse.Err, csv.ErrQuote) {
				return nil // what follows an open quotation mark is guesswork
			}
			continue
		}
		if err != nil {
			return err
		}
		number, _ := c.FieldPos(0)
		get := func(field string) string {
			if i, found := at[field]; found && i < len(record) {
				return strings.Clone(strings.TrimSpace(record[i]))
			}
			return ""
		}
		if strings.Join(record, "") == "" {
			continue
		}
		line := Line{Number: number, Email: get("email"), Name: get("name"), Workspace: get("workspace"), Role: actor.Role(strings.ToLower(get("role")))}
		if line.Name == "" {
			line.Name = strings.TrimSpace(get("firstName") + " " + get("lastName"))
		}
		line.Groups = split(get("groups"))
		wrong := line.setAdmin(get("admin"))
		for _, field := range record {
			if !utf8.ValidString(field) {
				wrong = fault.New(fault.Invalid, "The line is not valid UTF-8. Save the file as CSV UTF-8.")
			}
		}
		if err := do(line, wrong); err != nil {
			return err
		}
	}
}

// split takes a list of groups apart.
func split(text string) []string {
	var list []string
	for _, g := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '|' || r == ',' }) {
		if g = strings.TrimSpace(g); g != "" {
			list = append(list, g)
		}
	}
	return list
}

func (l *Line) setAdmin(text string) error {
	switch strings.ToLower(text) {
	case "", "0", "no", "false", "nein", "non":
	case "1", "yes", "true", "ja", "oui", "x":
		l.Admin = true
	default:
		return fault.New(fault.Invalid, "%q is neither yes nor no.", text).With(fault.Detail{Field: "admin"})
	}
	return nil
}

// readJSON reads a list of people, an object that holds one, or one object a line.
func readJSON(in *bufio.Reader, do func(Line, error) error) error {
	d := json.NewDecoder(in)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if list := bytes.TrimSpace(head); len(list) > 0 && list[0] == '[' {
		if _, err := d.Token(); err != nil {
			return unreadable("The file is no JSON: %v.", err)
		}
	}
	for number := 1; d.More(); number++ {
		var one map[string]any
		if err := d.Decode(&one); err != nil {
			var kind *json.UnmarshalTypeError
			if errors.As(err, &kind) {
				if err := do(Line{Number: number}, fault.New(fault.Invalid, "This is no object with email and name.")); err != nil {
					return err
				}
				continue
			}
			if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				return unreadable("The file ends in the middle of person %d.", number)
			}
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) {
				return unreadable("Person %d is no JSON: %v.", number, err)
			}
			return err
		}
		line, wrong := ofObject(one)
		line.Number = number
		if err := do(line, wrong); err != nil {
			return err
		}
	}
	return nil
}

func ofObject(one map[string]any) (Line, error) {
	values := map[string]any{}
	for field, names := range columns() {
		for key, v := range one {
			for _, name := range names {
				if plainName(key) == name {
					values[field] = v
				}
			}
		}
	}
	text := func(field string) string {
		s, _ := values[field].(string)
		return strings.TrimSpace(s)
	}
	line := Line{Email: text("email"), Name: text("name"), Workspace: text("workspace"), Role: actor.Role(strings.ToLower(text("role")))}
	if line.Name == "" {
		line.Name = strings.TrimSpace(text("firstName") + " " + text("lastName"))
	}
	switch groups := values["groups"].(type) {
	case string:
		line.Groups = split(groups)
	case []any:
		for _, g := range groups {
			name, ok := g.(string)
			if !ok {
				return line, fault.New(fault.Invalid, "groups is a list of names.").With(fault.Detail{Field: "groups"})
			}
			line.Groups = append(line.Groups, name)
		}
	case nil:
	default:
		return line, fault.New(fault.Invalid, "groups is a list of names.").With(fault.Detail{Field: "groups"})
	}
	switch admin := values["admin"].(type) {
	case bool:
		line.Admin = admin
	case string:
		return line, line.setAdmin(admin)
	}
	return line, nil
}
